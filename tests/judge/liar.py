"""A proxy before a gateway that lies in one way at a time: what a judge has to find. Must not know: how it is judged."""

import base64
import http.client
import http.server
import json
import threading

HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


def with_body(change):
    """A lie about a JSON body, where it has what the lie is about."""
    def lie(request, status, headers, body):
        try:
            said = json.loads(body)
        except ValueError:
            return status, headers, body
        if not isinstance(said, dict) or not change(status, said):
            return status, headers, body
        return status, headers, json.dumps(said).encode()
    return lie


def without_receipt(status, said):
    """A decision without its proof."""
    return status == 201 and said.pop("receipt", None) is not None


def forged_root(status, said):
    """A receipt over another root."""
    receipt = said.get("receipt")
    if receipt:
        receipt["root"] = ("0" if receipt["root"][0] != "0" else "1") + receipt["root"][1:]
    return bool(receipt)


def forged_size(status, said):
    """A receipt of a longer log."""
    receipt = said.get("receipt")
    if receipt:
        receipt["size"] += 1
    return bool(receipt)


def other_leaf(status, said):
    """A receipt of another leaf than the one that is shown."""
    if "receipt" in said and "bytes" in said:
        said["bytes"] = base64.b64encode(base64.b64decode(said["bytes"]) + b" ").decode()
        return True
    return False


def lacking(status, said):
    """An answer without something that the document promises."""
    return status == 200 and said.pop("roles", None) is not None


def renamed(status, said):
    """A code that is no code."""
    if status >= 400 and "code" in said:
        said["code"] = said["code"].upper()
        return True
    return False


def strange(status, said):
    """A problem with more in it than there should be."""
    if status >= 400 and "code" in said:
        said["trace"] = "at gateway.rs:1"
        return True
    return False


def leaking_header(canary):
    """Another tenant's text in a header."""
    return lambda request, status, headers, body: (status, [*headers, ("X-Cache", f"hit; {canary}")], body)


def leaking_encoded(canary):
    """Another tenant's text in base64, deep in a body."""
    def change(status, said):
        if status != 200 or not said.get("leaves"):
            return False
        said["leaves"][0]["bytes"] = base64.b64encode(f'{{"member":"{canary}"}}'.encode()).decode()
        return True
    return with_body(change)


def failing(request, status, headers, body):
    """500 where all was well."""
    said = {"type": "/problems/bug", "title": "bug", "status": 500, "code": "bug", "detail": "no", "request_id": dict(headers).get("airlock-request-id", "")}
    return (500, [(n, v) for n, v in headers if n != "content-type"] + [("content-type", "application/problem+json")], json.dumps(said).encode()) if status == 200 else (status, headers, body)


def undocumented(request, status, headers, body):
    """A status that the document does not name."""
    return (203, headers, body) if status == 200 else (status, headers, body)


def other_type(request, status, headers, body):
    """JSON that is called a text."""
    return status, [(n, "text/html" if n == "content-type" else v) for n, v in headers], body


def nameless(request, status, headers, body):
    """An answer without the request's name."""
    return status, [(n, v) for n, v in headers if n != "airlock-request-id"], body


def taking(refused, status, body):
    """What should be refused is done."""
    def lie(request, found, headers, said):
        if found not in refused:
            return found, headers, said
        return status, [(n, v) for n, v in headers if n != "content-type"] + [("content-type", "application/json")], body
    return lie


def about_the_api(lie):
    """The lie, and the document itself as it is."""
    return lambda request, status, headers, body: (status, headers, body) if request.path == "/openapi.json" else lie(request, status, headers, body)


class Liar:
    """The proxy, while it is there."""

    def __init__(self, target, lie):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """Passes requests on, and answers changed."""

            protocol_version = "HTTP/1.1"

            def __getattr__(self, name):
                if name.startswith("do_"):
                    return self.passed
                raise AttributeError(name)

            def passed(self):
                """One request."""
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                upstream = http.client.HTTPConnection(*outer.target, timeout=30)
                upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() not in HOP:
                        upstream.putheader(name, f"{outer.target[0]}:{outer.target[1]}" if name.lower() == "host" else value.encode("latin-1"))
                if body or self.command in ("POST", "PUT", "PATCH"):
                    upstream.putheader("Content-Length", str(len(body)))
                upstream.endheaders(body or None)
                answer = upstream.getresponse()
                headers = [(name.lower(), value) for name, value in answer.getheaders() if name.lower() not in HOP | {"date", "server"}]
                status, headers, said = outer.lie(self, answer.status, headers, answer.read())
                upstream.close()
                self.send_response_only(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(said)

            def log_message(self, *_):
                """Says nothing."""

        self.target, self.lie = target, lie
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # whoever asked hung up

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
