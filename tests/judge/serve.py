#!/usr/bin/env python3
"""A real `airlock serve` under what no good client does: bytes that are no request, clients that are slow or never end, signals in the middle of work.

    serve.py [--airlock PATH] [--only NAME] [--kills N] [--long] [--allow-not-run]

Each part says what was seen. What was decided is judged by exported logs: every decision that was acknowledged is there once, where its receipt says.
"""

import concurrent.futures
import http.client
import json
import random
import re
import resource
import secrets
import select
import signal
import socket
import statistics
import sys
import threading
import time

sys.dont_write_bytecode = True

import airlock  # noqa: E402
import command  # noqa: E402
import clients  # noqa: E402

try:
    import effects
    import parties
    import proofs
    import receipts
    import served
    MISSING = None
except ImportError as error:
    MISSING = str(error)

# A withdrawal is answered within this, and twice what one takes when nobody else is there, which is within this at its quickest; within ten seconds at last. Ready again: half of the times within this, and each within that.
DENIED_WITHIN_S, DENIED_S_MAX, READY_WITHIN_S, READY_S_MAX = 2, 10, 5, 30
CLIENTS, VISITORS = 8, 1_100


class Seen:
    """What did not hold."""

    def __init__(self):
        self.wrong = []

    def holds(self, what, good, found=""):
        """Notes what does not hold."""
        if not good:
            self.wrong.append(f"{what}: {str(found)[:600]}")


def complete(data, asked):
    """How many whole answers there are in these bytes."""
    count = 0
    while data.startswith(b"HTTP/1.") and b"\r\n\r\n" in data:
        head, _, rest = data.partition(b"\r\n\r\n")
        found = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
        length = int(found[1]) if found and not asked.startswith(b"HEAD") else 0
        if len(rest) < length:
            break
        count, data = count + 1, rest[length:]
    return count


def heard(stream, asked, many, first_s=30.0, more_s=0.4):
    """All that comes on a connection until so many answers are there and nothing more comes, and whether it was closed."""
    whole = b""
    while True:
        stream.settimeout(first_s if complete(whole, asked) < many else more_s)
        try:
            more = stream.recv(65536)
        except TimeoutError:
            return whole, False
        except ConnectionError:
            return whole, True
        if not more:
            return whole, True
        whole += more


def answers_in(data, asked):
    """The answers in these bytes; what is left over is one of status 0."""
    answers = []
    while data.startswith(b"HTTP/1."):
        head, _, rest = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = [tuple(line.split(": ", 1)) for line in lines[1:] if ": " in line]
        told = served.Told(int(lines[0].split(" ")[1]), headers, b"")
        length = 0 if asked.startswith(b"HEAD") else int(told.header("content-length", 0))
        told.body, data = rest[:length], rest[length:]
        answers.append(told)
    return answers + ([served.Told(0, [], data)] if data else [])


def sent(gateway, data, half=False, many=1):
    """Every answer to these bytes, and whether the gateway closed the connection."""
    with gateway.raw() as stream:
        try:
            stream.sendall(data)
            if half:
                stream.shutdown(socket.SHUT_WR)
        except ConnectionError:
            pass  # it was left in the middle: what was answered is there all the same
        whole, closed = heard(stream, data, many)
    return answers_in(whole, data), closed


def request(gateway, line, headers=(), body=b"", host=True):
    """A request's bytes; the host is the gateway's own unless it isn't."""
    lines = [line, *([f"Host: {gateway.at[0]}:{gateway.at[1]}"] if host else []), *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def smuggled(gateway, token):
    """Requests of which two readers could make two different things: (what, bytes). `INNER` in a body would be a second request."""
    inner = request(gateway, "GET /v1/me HTTP/1.1", [f"Authorization: Bearer {token}"])
    post, bearer = "POST /v1/collaborations/alfa-both/joins HTTP/1.1", f"Authorization: Bearer {token}"
    chunked = b"0\r\n\r\n" + inner
    yield "a length and chunks", request(gateway, post, [bearer, "Content-Length: 4", "Transfer-Encoding: chunked"], chunked)
    yield "chunks and a length", request(gateway, post, [bearer, "Transfer-Encoding: chunked", f"Content-Length: {len(chunked)}"], chunked)
    yield "two lengths", request(gateway, post, [bearer, "Content-Length: 0", f"Content-Length: {len(inner)}"], inner)
    yield "two lengths in one line", request(gateway, post, [bearer, f"Content-Length: 0, {len(inner)}"], inner)
    for length in ("+0", "-1", "0x0", "0 0", "1e1", "", "99999999999999999999"):
        yield f"a length of {length!r}", request(gateway, post, [bearer, f"Content-Length: {length}"], inner)
    for coding in ("xchunked", "chunked, identity", "identity, x", "\x0bchunked", "chunked\x0b", "chunked;q=1"):
        yield f"a coding of {coding!r}", request(gateway, post, [bearer, f"Transfer-Encoding: {coding}"], chunked)
    yield "two codings, one hidden", request(gateway, post, [bearer, "Transfer-Encoding: chunked", "Transfer-Encoding: x"], chunked)
    yield "a space before the colon", request(gateway, post, [bearer, "Content-Length : 0"], inner)
    yield "a folded line", request(gateway, post, [bearer, "X-A: b\r\n Content-Length: 0", "Transfer-Encoding:\r\n chunked"], chunked)
    yield "a line's end in a header", request(gateway, post, [bearer, "X-A: b\rContent-Length: 0"], inner)
    yield "a zero in a header", request(gateway, post, [bearer, "X-A: b\0", "Content-Length: 0"], inner)
    yield "a chunk of no number", request(gateway, post, [bearer, "Transfer-Encoding: chunked"], b"x\r\n\r\n" + inner)
    yield "a chunk beyond 64 bits", request(gateway, post, [bearer, "Transfer-Encoding: chunked"], b"10000000000000000\r\n" + inner)
    yield "a chunk that ends elsewhere", request(gateway, post, [bearer, "Transfer-Encoding: chunked"], b"1\r\nabc\r\n0\r\n\r\n" + inner)
    yield "a chunk's size before a bare line feed", request(gateway, post, [bearer, "Transfer-Encoding: chunked"], b"0\n\n" + inner)


def shapes(arguments, seen, gateway, filled):
    """Bytes that are nearly requests."""
    token, unread, read_all = filled.tokens[filled.alfa], [], 0
    for what, data in smuggled(gateway, token):
        answers, closed = sent(gateway, data)
        read_all += 1
        inner = [one for one in answers if one.status == 200]
        seen.holds(f"{what}: a second request was read", not inner, answers)
        seen.holds(f"{what}: not answered, or the connection stays", closed or all(one.status >= 400 for one in answers), (answers, closed))
        seen.holds(f"{what}: a failure", all(one.status < 500 or one.status == 501 for one in answers), answers)
        unread += [what for one in answers if one.status >= 400 and not one.body]
    bearer, json_type = f"Authorization: Bearer {token}", "Content-Type: application/json"
    cases = [  # what, bytes, statuses that are right
        ("an absolute target of another host", request(gateway, "GET http://evil.example/healthz HTTP/1.1"), {400, 421}),
        ("an absolute target of its own", request(gateway, f"GET {gateway.url()}/healthz HTTP/1.1"), {200}),
        ("another host", request(gateway, "GET /healthz HTTP/1.1", ["Host: evil.example"], host=False), {421}),
        ("no host", request(gateway, "GET /healthz HTTP/1.1", host=False), {400, 421}),
        ("two hosts", request(gateway, "GET /healthz HTTP/1.1", ["Host: evil.example"]), {400, 421}),
        ("a host with a user", request(gateway, "GET /healthz HTTP/1.1", ["Host: x@127.0.0.1"], host=False), {400, 421}),
        ("HTTP/1.0 with a host", request(gateway, "GET /healthz HTTP/1.0"), {200}),
        ("HTTP/1.0 without", request(gateway, "GET /healthz HTTP/1.0", host=False), {400, 421}),
        ("HTTP/1.1 in small letters", request(gateway, "GET /healthz http/1.1"), {400}),
        ("HTTP/3.0", request(gateway, "GET /healthz HTTP/3.0"), {400, 505}),
        ("two spaces", request(gateway, "GET  /healthz  HTTP/1.1"), {400}),
        ("no method", request(gateway, " /healthz HTTP/1.1"), {400}),
        ("an unknown method", request(gateway, "FROB /v1/me HTTP/1.1", [bearer]), {405}),
        ("OPTIONS of all", request(gateway, "OPTIONS * HTTP/1.1"), {400, 404, 405}),
        ("OPTIONS", request(gateway, "OPTIONS /v1/me HTTP/1.1", ["Origin: https://evil.example", "Access-Control-Request-Method: GET"]), {401, 405}),
        ("CONNECT", request(gateway, "CONNECT evil.example:443 HTTP/1.1"), {400, 404, 405, 421}),
        ("HEAD", request(gateway, "HEAD /healthz HTTP/1.1"), {200}),
        ("HEAD without a token", request(gateway, "HEAD /v1/me HTTP/1.1"), {401}),
        ("a fragment", request(gateway, "GET /v1/me#x HTTP/1.1", [bearer]), {200, 400, 404}),
        ("letters beyond ASCII in a path", request(gateway, "GET /v1/collaborations/\xe9 HTTP/1.1", [bearer]), {400, 404}),
        ("a long query", request(gateway, f"GET /v1/collaborations?after={'x' * 8000} HTTP/1.1", [bearer]), {400, 404}),
        ("a query of 20 KB", request(gateway, f"GET /healthz?{'x' * 20_000} HTTP/1.1"), {414, 431}),
        ("a head of 20 KB", request(gateway, "GET /healthz HTTP/1.1", [f"X-A: {'x' * 20_000}"]), {431}),
        ("a hundred lines", request(gateway, "GET /healthz HTTP/1.1", [f"X-{n}: x" for n in range(100)]), {431}),
        ("a thousand lines", request(gateway, "GET /healthz HTTP/1.1", [f"X-{n}: x" for n in range(1000)]), {431}),
        ("a body beyond 64 KiB", change(gateway, "alfa-both/joins", token, b'{"agreement":"' + b"x" * 66_000 + b'"}'), {413}),
        ("a withdrawal beyond 64 KiB", change(gateway, "alfa-both/revocations", token, b'{"kind":"' + b"x" * 66_000 + b'"}'), {413}),
        ("an agreement beyond 4 MiB", change(gateway, "alfa-large/agreements", token, b"{" + b" " * (4 << 20) + b"}"), {413}),
        ("a body on a read", request(gateway, "GET /healthz HTTP/1.1", ["Content-Length: 5"], b"hello"), {200, 400}),
        ("an expectation that is not known", request(gateway, "GET /healthz HTTP/1.1", ["Expect: a miracle"]), {200, 417}),
        ("an upgrade", request(gateway, "GET /healthz HTTP/1.1", ["Connection: Upgrade", "Upgrade: h2c"]), {200, 400, 426}),
        ("deep JSON", change(gateway, "alfa-both/joins", token, b'{"agreement":' + b"[" * 30_000 + b"]" * 30_000 + b"}"), {400}),
        ("deep JSON as an agreement", change(gateway, "alfa-deep/agreements", token, b'{"members":' + b"[" * 900_000 + b"]" * 900_000 + b"}"), {400, 422}),
        ("no UTF-8", change(gateway, "alfa-both/joins", token, b'{"agreement":"\xff"}'), {400}),
    ]
    for what, data, right in cases:
        answers, _ = sent(gateway, data)
        read_all += 1
        statuses = [one.status for one in answers]
        seen.holds(what, statuses == [next(iter(set(statuses) & right), None)], f"{statuses} is not one of {sorted(right)}: {answers}")
        if data.startswith(b"HEAD"):
            seen.holds(f"{what}: a body", all(one.status for one in answers), answers)
        unread += [what for one in answers if one.status >= 400 and not one.body and not data.startswith(b"HEAD")]
    # Paths have one reading.
    for path in ("/v1/../v1/me", "/v1/./me", "//v1/me", "/v1//me", "/v1/me/", "/v1/me%20", "/%76%31/me", "/v1/%6de", "/v1/collaborations/..%2fme", "/v1/collaborations/%2e%2e/me", "/../../../../etc/passwd",
                 "/problems/..%2f..%2fetc%2fpasswd", "/v1/collaborations/alfa-both%00", "/v1/collaborations/%ff%fe", "/v1/collaborations/alfa-both;x", "/v1/collaborations/alfa%2Dboth%2Fleaves",
                 "/v1/collaborations/%", "/v1/collaborations/%zz", "/v1/collaborations/alfa-both/leaves/%2d1", "/v1/collaborations/alfa-both/leaves/18446744073709551616", "/v1\\me", "/v1/me\\", "/openapi.json/..", "/.env"):
        answers, _ = sent(gateway, request(gateway, f"GET {path} HTTP/1.1", [bearer, "Connection: close"]))
        read_all += 1
        seen.holds(f"path {path}", [one.status in (400, 404) for one in answers] == [True], answers)
    # Many requests at once are answered in their order; what is left of a body that was not wanted is no request.
    many = b"".join(request(gateway, f"GET {path} HTTP/1.1") for path in ["/healthz", "/nowhere", "/v1/me"] * 20)
    answers, _ = sent(gateway, many, many=60)
    seen.holds("sixty requests at once", [one.status for one in answers] == [200, 404, 401] * 20, [one.status for one in answers])
    inner = request(gateway, "GET /v1/me HTTP/1.1", [bearer])
    for what, lines in (("of another type", [bearer, "Content-Type: text/plain"]), ("without a token", [json_type]), ("without its key", [bearer, json_type])):
        answers, _ = sent(gateway, request(gateway, "POST /v1/collaborations/alfa-both/joins HTTP/1.1", [*lines, f"Content-Length: {len(inner)}"], inner))
        seen.holds(f"what is in a body {what} is taken for a request", [one.status >= 400 for one in answers] == [True], answers)
    seen.holds("the gateway goes on", gateway.alive() and gateway.ask("GET", "/healthz").status == 200)
    seen.holds("it panicked", "panicked" not in gateway.stderr.read_text(encoding="utf-8", errors="replace"))
    return f"{read_all} shapes; answered without a document, before a request was there: {len(unread)}"


def change(gateway, path, token, body):
    """The bytes of a change."""
    lines = [f"Authorization: Bearer {token}", "Content-Type: application/json", "If-Match: *", f"Idempotency-Key: {secrets.token_hex(16)}", f"Content-Length: {len(body)}", "Connection: close"]
    return request(gateway, f"POST /v1/collaborations/{path} HTTP/1.1", lines, body)


def drips(gateway, data, rest, every_s, most_s):
    """Seconds until the gateway answers or closes while the rest comes byte by byte, and the answer."""
    since = time.monotonic()
    with gateway.raw(most_s) as stream:
        stream.sendall(data)
        stream.settimeout(every_s)
        for n in range(int(most_s / every_s)):
            try:
                told = stream.recv(4096)
                return time.monotonic() - since, told
            except TimeoutError:
                pass
            except ConnectionError:
                return time.monotonic() - since, b""
            try:
                stream.sendall(rest[n:n + 1] or b"x")
            except OSError:
                return time.monotonic() - since, b""
    return most_s, None


def slow(arguments, seen, gateway, filled):
    """Clients that never come to an end are left, all at once, while others are served."""
    token = filled.tokens[filled.alfa]
    body = b'{"kind":"room"' + b" " * 200
    denial = change(gateway, "alfa-both/revocations", token, body)
    asked = change(gateway, "alfa-both/joins", token, body)
    plan = {  # what: (bytes at once, bytes that drip, the most seconds)
        "nothing is said": (b"", b"", 40), "a head that never ends": (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ", b"x" * 99, 40),
        "a body that never ends": (asked[:-150], b" " * 30, 50), "a withdrawal that never ends": (denial[:-150], b" " * 30, 12),
        "a second request that never comes": (request(gateway, "GET /healthz HTTP/1.1"), b"", 0)}
    found = {}

    def one(what, data, rest, most):
        if most:
            found[what] = drips(gateway, data, rest, 1.0, most + 5)

    threads = [threading.Thread(target=one, args=(what, *how)) for what, how in plan.items()]
    for thread in threads:
        thread.start()
    times = []
    for _ in range(20):
        since = time.monotonic()
        seen.holds("others are served", gateway.ask("GET", "/v1/me", token).status == 200)
        times.append(time.monotonic() - since)
    # Half a withdrawal withdraws nothing, and is told so where somebody still listens.
    answers, _ = sent(gateway, denial[:-150], half=True)
    seen.holds("half a withdrawal", [one.status for one in answers] in ([400], []), answers)
    for thread in threads:
        thread.join()
    for what, (_, _, most) in plan.items():
        if most:
            took, told = found[what]
            seen.holds(f"{what}: not left within {most} s", told is not None and took <= most, (took, told))
    standing = gateway.ask("GET", "/v1/collaborations/alfa-both", token).json()
    seen.holds("something was withdrawn by half a body", standing["withdrawn"] == [] and standing["standing"] == "member", standing)
    return "left after " + ", ".join(f"{took:.1f} s ({what})" for what, (took, _) in found.items()) + f"; others waited {max(times) * 1000:.0f} ms at most"


def denied(gateway, token, name, thing):
    """Seconds until a withdrawal is acknowledged; what went wrong otherwise."""
    since = time.monotonic()
    try:
        told = gateway.ask("POST", f"/v1/collaborations/{name}/revocations", token, thing, timeout=served.ANSWERS_S)
    except (OSError, http.client.HTTPException) as error:
        return None, f"{type(error).__name__} after {time.monotonic() - since:.1f} s"
    return time.monotonic() - since, told


def full(arguments, seen, gateway, filled):
    """Whatever others do to fill the gateway, a withdrawal passes within two seconds, and twice what one takes on this machine without them."""
    bravo, said = filled.tokens[filled.bravo], []
    controls = [controlled(seen, gateway, filled, 0)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
    half = b'{"kind":"room"' + b" " * 300
    crowds = [
        ("300 changes of which half is said", [change(gateway, "alfa-spare-0/joins", bravo, half)[:-200]] * 300, "alfa-spare-0", filled.alfa),
        ("60 withdrawals of which half is said", [change(gateway, "alfa-spare-1/revocations", bravo, half)[:-200]] * 60, "alfa-spare-1", filled.alfa),
        (f"{VISITORS} connections on which half a head is said", [b"GET /healthz HTTP/1.1\r\nHost: "] * VISITORS, "alfa-spare-2", filled.alfa),
        (f"{VISITORS} connections on which nothing is said", [b""] * VISITORS, "alfa-spare-3", filled.alfa),
    ]
    crowds.append(("1010 connections, and 1,024 files are all that it may open", [b""] * 1_010, "alfa-spare-0", filled.bravo))
    for number, (what, crowd, name, member) in enumerate(crowds):
        if "files" in what:
            resource.prlimit(gateway.child.pid, resource.RLIMIT_NOFILE, (1_024, hard))
        # Where the crowd had to leave before the withdrawal came, nothing is known: another crowd, another thing.
        for thing in ({"kind": "column", "column": "label"}, {"kind": "column", "column": "amount"}, {"kind": "dataset"}):
            took, told, first, left = crowded(seen, gateway, what, crowd, lambda thing=thing: denied(gateway, filled.tokens[member], name, thing | {"dataset": f"sales_{member}"}))  # noqa: B023
            if took is None or left * 2 >= first > 0:
                break
        controls.append(controlled(seen, gateway, filled, number + 1))
        most = min(DENIED_WITHIN_S + 2 * max(controls[-2:]), DENIED_S_MAX)
        good = took is not None and told.status in (201, 202) and took <= most
        seen.holds(f"a withdrawal while there are {what}, of at most {most:.2f} s", good, f"{took and round(took, 2)} s: {told}")
        seen.holds(f"a withdrawal came before {what} had left", left * 2 >= first > 0, f"{left} of {first} wait still")
        said.append(f"{took:.2f} s ({left} of {first} waited still)" if took is not None else str(told))
    seen.holds(f"a withdrawal while nobody else is there, the quickest, within {DENIED_WITHIN_S} s", min(controls) <= DENIED_WITHIN_S, controls)
    gateway.ready(READY_S_MAX)
    return f"a withdrawal took {', '.join(said)}, and {max(controls):.2f} s at most while nobody else was there"


def controlled(seen, gateway, filled, number):
    """Seconds that a withdrawal takes while nobody else is there."""
    member = (filled.alfa, filled.bravo)[number // parties.SPARE]
    name = f"{member}-{parties.named(member)}-spare-{number % parties.SPARE}"
    took, told = denied(gateway, filled.tokens[member], name, {"kind": "dataset", "dataset": f"{parties.named(member)}_sales"})
    seen.holds("a withdrawal while nobody else is there", took is not None and told.status in (201, 202), told)
    return took or 0.0


def waiting(streams):
    """How many of a crowd were told nothing, and not left."""
    poll = select.poll()
    for stream in streams:
        poll.register(stream, select.POLLIN)
    return len(streams) - len(poll.poll(0))


def crowded(seen, gateway, what, crowd, work):
    """What `work` gives while a crowd is there, and how many of that wait before and after."""
    streams = []
    try:
        for data in crowd:
            stream = socket.socket()
            streams.append(stream)
            stream.settimeout(30)
            stream.connect(gateway.at)
            if data:
                stream.sendall(data)
        time.sleep(0.3)
        first = waiting(streams)
        return *work(), first, waiting(streams)
    except OSError as error:
        seen.holds(f"a crowd of {what}", False, f"{error} after {len(streams)}")
        return None, error, 0, 0
    finally:
        for stream in streams:
            stream.close()
        time.sleep(0.5)


class Deciding(clients.Clients):
    """Clients that decide over and over, and ask again under the same key until they are answered."""

    def __init__(self, gateway, filled, names):
        self.gateway, self.filled, self.names = gateway, filled, names
        super().__init__([self.client] * CLIENTS)
        self.done, self.tried, self.odd, self.again, self.round = {}, {}, [], 0, secrets.token_hex(3)

    def client(self, number):
        """One of them: each decision is a version of its own, marked."""
        count, name = 0, self.names[number % len(self.names)]
        while not self.stop.is_set():
            count += 1
            mark = f"mark-{self.round}-{number}-{count}"
            body = json.dumps(self.filled.document(name, [self.filled.alfa]) | {"description": mark}).encode()
            with self.lock:
                self.tried[mark] = name
            self.one(name, mark, f"key-{number}-{count}-{secrets.token_hex(8)}", body)

    def one(self, name, mark, key, body):
        """One decision, asked until it is answered."""
        token, asked = self.filled.tokens[self.filled.alfa], 0
        while not self.stop.is_set():
            asked += 1
            try:
                told = self.gateway.change(f"/v1/collaborations/{name}/agreements", token, body, "*", key, timeout=15)
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)
                continue
            with self.lock:
                self.again += asked > 1
                if told.status == 201:
                    self.done[mark] = told
                    return
                if told.status in (429, 503):
                    continue
                self.odd.append((mark, told))
                return

    def judge(self, seen, folder):
        """Every acknowledged decision is in the exported log once, where its receipt says; none is there twice."""
        seen.holds("answers that are neither done nor for later", not self.odd, self.odd[:3])
        key, leaves_of = self.filled.key, {}
        for name in self.names:
            to = folder / f"export-{secrets.token_hex(4)}"
            self.gateway.cli.call("audit", "export", name, "--to", str(to))
            proofs.verify(to, key)
            leaves_of[name] = proofs.leaves(to)
        found = {name: [mark_of(leaf) for leaf in leaves] for name, leaves in leaves_of.items()}
        for mark, name in self.tried.items():
            times = found[name].count(mark)
            seen.holds(f"{mark} is there {times} times", times == 1 or times == 0 and mark not in self.done)
        roots = {}
        for mark, told in self.done.items():
            name, said = self.tried[mark], told.json()
            wrong = receipts.judged(told.status, told.body, key)
            index, size = said["receipt"]["index"], said["receipt"]["size"]
            seen.holds(f"{mark}: its receipt", wrong is None, wrong)
            seen.holds(f"{mark}: not at {index}", index < len(found[name]) and found[name][index] == mark, found[name][max(0, index - 1):index + 2])
            whole = roots.setdefault((name, size), proofs.root([proofs.sha256(b"\0", leaf) for leaf in leaves_of[name][:size]]).hex())
            seen.holds(f"{mark}: the log is another one than its receipt was over", whole == said["receipt"]["root"])
        return f"{len(self.done)} decisions acknowledged of {len(self.tried)}, {self.again} after they were asked again, {sum(map(len, leaves_of.values()))} leaves"


def mark_of(leaf):
    """The mark of a version that a leaf proposes."""
    body = json.loads(leaf)["body"]
    return body.get("agreement", {}).get("description") if body.get("kind") == "proposed" else None


def ended(arguments, seen, gateway, filled):
    """SIGTERM under load: what was acknowledged is on record, and it ends in order."""
    names = [f"{filled.alfa}-{parties.named(filled.alfa)}-spare-{n}" for n in range(2)]
    said = []
    for _ in range(3):
        with Deciding(gateway, filled, names) as deciding:
            time.sleep(1.0)
            since = time.monotonic()
            port = gateway.at[1]
            code = gateway.end(signal.SIGTERM)
            took = time.monotonic() - since
            deciding.end()
        seen.holds("it did not end in order", code == 0, code)
        said.append(f"ended in {took:.2f} s; {deciding.judge(seen, gateway.folder)}")
        gateway.start(port)
        gateway.ready(READY_S_MAX)
    return "; ".join(said)


def chaos(arguments, seen, gateway, filled):
    """kill -9 again and again while clients decide and ask for effects: each acknowledged decision is on record once, each key has one effect, and the
    gateway is back within five seconds (p50; 30 at most)."""
    names = [f"{filled.alfa}-{parties.named(filled.alfa)}-spare-{n}" for n in range(2, 4)]
    port, back, dice = gateway.at[1], [], random.Random(20261127)
    with Deciding(gateway, filled, names) as deciding, effects.Asking(gateway, filled, f"{filled.alfa}-both") as asking:
        for kill in range(arguments.kills):
            time.sleep(dice.uniform(0.1, 0.6))
            gateway.child.kill()
            gateway.child.wait()
            gateway.child.stdout.close()
            since = time.monotonic()
            gateway.start(port)
            gateway.ready(2 * READY_S_MAX)
            back.append(time.monotonic() - since)
            seen.holds(f"kill {kill}: ready again after {back[-1]:.2f} s", back[-1] <= READY_S_MAX)
        seen.holds(f"ready again after {statistics.median(back):.2f} s (p50)", statistics.median(back) <= READY_WITHIN_S)
        time.sleep(1.0)
        deciding.end()
        asking.end()
    told = f"{deciding.judge(seen, gateway.folder)}; {asking.judge(seen, gateway.folder)}"
    seen.holds("too little was decided", len(deciding.done) >= arguments.kills, len(deciding.done))
    return f"{arguments.kills} kills; {told}; ready again after {statistics.median(back):.2f} s (p50), {max(back):.2f} s (max)"


PARTS = {"slow": slow, "full": full, "shapes": shapes, "ended": ended, "chaos": chaos}


def played(arguments, folder, name):
    """One part over a gateway of its own; whether nothing was wrong."""
    since, seen, said = time.monotonic(), Seen(), "it came to no end"
    (folder / name).mkdir()
    try:
        with served.Served(airlock.binary(arguments.airlock), folder / name) as gateway:
            filled = parties.Parties(gateway)
            filled.fill()
            said = PARTS[name](arguments, seen, gateway, filled)
    except (AssertionError, OSError, ValueError, airlock.Failed, proofs.Wrong) as error:
        seen.holds("it came to no end", False, f"{type(error).__name__}: {error}")
    whole = [f"{name}: {said}; {len(seen.wrong)} wrong; {time.monotonic() - since:.0f} s"]
    print("\n".join(whole + [f"FAILED: {name}: {one}" for one in seen.wrong[:20]]), flush=True)
    return not seen.wrong


def judge(arguments, folder):
    """Every part, two at a time; 0 when nothing is wrong."""
    airlock.binary(arguments.airlock)
    names = [arguments.only] if arguments.only else list(PARTS)
    with concurrent.futures.ThreadPoolExecutor(2) as lanes:
        good = list(lanes.map(lambda name: played(arguments, folder, name), names))
    return 0 if all(good) else 1


def chosen(arguments, folder):
    """As many kills as the words ask for."""
    if MISSING:
        raise airlock.NotRun(f"{MISSING}; requirements-http.txt names all of it")
    if arguments.long:
        arguments.kills = max(arguments.kills, 200)
    return judge(arguments, folder)


if __name__ == "__main__":
    sys.exit(command.main("serve", __doc__, chosen, {
        "--only": {"choices": PARTS},
        "--kills": {"type": int, "default": 20},
        "--long": command.FLAG,
    }))
