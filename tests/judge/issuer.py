"""An issuer at which people sign in: a page with two buttons, codes that are good once, PKCE, ID and access tokens under Ed25519. It keeps to OpenID Connect
Core 1.0, RFC 6749, RFC 7636 and RFC 9207, and notes where a client does not. Must not know: whose client it is.
"""

import base64
import hashlib
import html
import http.server
import json
import secrets
import threading
import time
import urllib.parse
import uuid

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ASKED = {"response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method"}
PAGE = """<!doctype html><html lang="en"><head><title>Issuer</title><link rel="icon" href="data:,"></head><body><main><h1>Issuer</h1><form method="post" action="{action}">
<input type="hidden" name="asked" value="{asked}"><button name="go" value="yes">Let me in</button><button name="go" value="no">No</button></form></main></body></html>"""


def b64(raw):
    """Base64url as tokens have it."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Client:
    """Somebody who may ask, and whom it signs in there."""

    def __init__(self, redirect_uri, secret=None, **claims):
        self.client_id, self.redirect_uri, self.secret, self.claims = f"console-{uuid.uuid4()}", redirect_uri, secret, claims


class Handler(http.server.BaseHTTPRequestHandler):
    """The issuer's pages and endpoints; what it does is the issuer's."""

    def do_GET(self):
        """Its document, its keys, and the page with the buttons."""
        issuer, (path, _, query) = self.server.issuer, self.path.partition("?")
        if path == "/.well-known/openid-configuration":
            self.json(200, issuer.document())
        elif path == "/keys":
            self.json(200, {"keys": [issuer.jwk()]})
        elif path == "/authorize":
            self.say(200, "text/html; charset=utf-8", issuer.page(query))
        else:
            self.json(404, {"error": "not_found"})

    def do_POST(self):
        """What a button decides, and codes for tokens."""
        fields = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["content-length"] or 0)).decode(), keep_blank_values=True))
        if self.path == "/authorize":
            self.say(302, "text/plain", "", {"Location": self.server.issuer.decided(fields)})
        elif self.path == "/token":
            self.json(*self.server.issuer.exchanged(fields, self.headers.get("authorization")))
        else:
            self.json(404, {"error": "not_found"})

    def json(self, status, value):
        """One answer in JSON."""
        self.say(status, "application/json", json.dumps(value), {"Cache-Control": "no-store"})

    def say(self, status, kind, text, more=None):
        """One answer."""
        self.send_response(status)
        for name, value in ({"Content-Type": kind, "Content-Length": str(len(text.encode()))} | (more or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        """Nothing is said of it."""


class Issuer:
    """One, at a port of this machine; `wrong` is what clients did wrong, `given` all that it gave and nobody may see."""

    def __init__(self, name, clients, audience, host="127.0.0.2"):
        self.name, self.clients, self.audience, self.wrong, self.given, self.codes = name, {one.client_id: one for one in clients}, audience, [], [], {}
        self.key, self.kid = Ed25519PrivateKey.generate(), str(uuid.uuid4())
        self.server = http.server.ThreadingHTTPServer((host, 0), Handler)
        self.server.issuer, self.server.daemon_threads = self, True
        self.url = f"http://{host}:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def end(self):
        """Nobody is signed in any more."""
        self.server.shutdown()
        self.server.server_close()

    def document(self):
        """OpenID Connect Discovery 1.0."""
        return {"issuer": self.name, "jwks_uri": f"{self.url}/keys", "authorization_endpoint": f"{self.url}/authorize", "token_endpoint": f"{self.url}/token",
                "response_types_supported": ["code"], "code_challenge_methods_supported": ["S256"], "authorization_response_iss_parameter_supported": True}

    def jwk(self):
        """Its public key."""
        return {"kty": "OKP", "crv": "Ed25519", "kid": self.kid, "use": "sig", "alg": "EdDSA", "x": b64(self.key.public_key().public_bytes_raw())}

    def note(self, holds, what):
        """What a client did wrong."""
        if not holds:
            self.wrong.append(what)
        return holds

    def asked(self, query):
        """What a browser asks, held against who may ask it."""
        pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
        asked = dict(pairs)
        client = self.clients.get(asked.get("client_id"))
        self.note(len(pairs) == len(asked) and asked.keys() == ASKED, f"it is asked for {sorted(name for name, _ in pairs)}")
        self.note(client and asked["redirect_uri"] == client.redirect_uri, "the place to come back to is not the one that is registered")
        self.note(asked.get("response_type") == "code" and asked.get("code_challenge_method") == "S256" and "openid" in asked.get("scope", "").split(), "no code, no S256 or no openid")
        for name in ("state", "nonce", "code_challenge"):
            self.note(len(asked.get(name, "")) >= 43, f"{name} is short")
        self.note(len({asked.get(name) for name in ("state", "nonce", "code_challenge")}) == 3, "state, nonce and challenge are not apart")
        return asked, client

    def page(self, query):
        """The page with the buttons."""
        self.asked(query)
        return PAGE.format(action=f"{self.url}/authorize", asked=html.escape(query))

    def decided(self, fields):
        """Where the browser goes on."""
        asked, client = self.asked(fields["asked"])
        back = {"state": asked["state"], "iss": self.name}
        if fields["go"] == "yes":
            back["code"] = secrets.token_urlsafe(32)
            self.codes[back["code"]] = asked
            self.given.append(back["code"])
        else:
            back |= {"error": "access_denied", "error_description": "<script>window.__pwned=1</script> not today"}
        return f"{client.redirect_uri}?{urllib.parse.urlencode(back)}"

    def exchanged(self, fields, authorization):
        """Status and answer for a code."""
        asked = self.codes.pop(fields.get("code"), None)
        client = asked and self.clients[asked["client_id"]]
        if not self.note(asked, "a code was shown that is not good, or twice"):
            return 400, {"error": "invalid_grant"}
        if client.secret:
            basic = base64.b64encode(f"{urllib.parse.quote_plus(client.client_id)}:{urllib.parse.quote_plus(client.secret)}".encode()).decode()
            known = authorization == f"Basic {basic}" and "client_id" not in fields
        else:
            known = authorization is None and fields.get("client_id") == client.client_id
        if not self.note(known, "the client is not who it says"):
            return 401, {"error": "invalid_client"}
        verifier = fields.get("code_verifier", "")
        proves = 43 <= len(verifier) <= 128 and b64(hashlib.sha256(verifier.encode()).digest()) == asked["code_challenge"]
        if not self.note(proves and fields.get("redirect_uri") == client.redirect_uri and fields.get("grant_type") == "authorization_code", "a code was shown without its verifier or its place"):
            return 400, {"error": "invalid_grant"}
        return 200, self.tokens(asked, client)

    def tokens(self, asked, client):
        """What a code is good for."""
        now = int(time.time())
        access = self.signed("at+jwt", {"aud": self.audience, "client_id": client.client_id, "jti": str(uuid.uuid4()), "iat": now, "exp": now + 300} | client.claims)
        half = b64(hashlib.sha512(access.encode()).digest()[:32])
        identity = self.signed("JWT", {"aud": client.client_id, "nonce": asked["nonce"], "at_hash": half, "iat": now, "exp": now + 3600})
        answer = {"access_token": access, "id_token": identity, "refresh_token": secrets.token_urlsafe(32)}
        self.given += answer.values()
        return answer | {"token_type": "Bearer", "expires_in": 300}

    def signed(self, kind, claims):
        """A token of its own."""
        parts = [{"alg": "EdDSA", "typ": kind, "kid": self.kid}, {"iss": self.name, "sub": "alice"} | claims]
        text = ".".join(b64(json.dumps(part).encode()) for part in parts)
        return f"{text}.{b64(self.key.sign(text.encode()))}"
