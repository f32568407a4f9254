"""Programs that ask `POST /v1/token` with assertions made by PyJWT and joserfc (RFC 7523), and an issuer whose keys lie at a URL, which rotates, stalls,
redirects and lies. Called by tokens.py. Must not know: how the gateway reads either.
"""

import base64
import hashlib
import hmac
import http.client
import json
import threading
import time
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import served
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.jwk import OKPKey

GRANT, KIND = "client_credentials", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# Keys at a URL are asked for so often at most, and an answer of the gateway waits so long for them.
AGAIN_S, WAITS_S = 60, 3


class KeysAway(BaseHTTPRequestHandler):
    """Keys at a URL, as its server is told to give them."""

    def do_GET(self):
        """Gives them."""
        away = self.server.away
        away.came += 1
        away.paths.add(self.path)
        if away.how == "stall":
            time.sleep(8)
            return
        body = json.dumps({"keys": away.keys}).encode()
        if away.how == "long":
            body += b" " * (64 * 1024 + 1 - len(body))
        if self.path.startswith("/.well-known/"):
            body = json.dumps({"issuer": away.issuer, "jwks_uri": away.url("/keys")}).encode()
        self.send_response(302 if away.how == "redirect" else 500 if away.how == "fail" else 200)
        if away.how == "redirect":
            self.send_header("Location", away.url("/elsewhere"))
        self.send_header("Content-Type", "application/json")
        self.send_header("Cache-Control", "max-age=60")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing is said of it."""


class Away:
    """Somebody's keys at a URL of this machine."""

    def __init__(self, issuer):
        self.issuer, self.keys, self.how, self.came, self.paths = issuer, [], "give", 0, set()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), KeysAway)
        self.server.away, self.server.daemon_threads = self, True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path):
        """Where it is."""
        return f"http://127.0.0.1:{self.server.server_port}{path}"


class Program:
    """A client with a key of its own."""

    def __init__(self, name, member, roles):
        self.name, self.member, self.roles, self.kid, self.key = name, member, roles, f"{name}-1", Ed25519PrivateKey.generate()

    def entry(self):
        """Its public key in a set."""
        return {"kty": "OKP", "crv": "Ed25519", "kid": self.kid, "use": "sig", "alg": "EdDSA", "x": served.b64(self.key.public_key().public_bytes_raw())}

    def claims(self, **more):
        """Good claims; what is `None` is left out."""
        now = int(time.time())
        claims = {"iss": self.name, "sub": self.name, "aud": served.AUDIENCE, "jti": str(uuid.uuid4()), "iat": now, "exp": now + 240} | more
        return {name: value for name, value in claims.items() if value is not None}

    def pyjwt(self, key=None, header=None, algorithm="EdDSA", **more):
        """Signed by PyJWT."""
        return jwt.encode(self.claims(**more), key or self.key, algorithm=algorithm, headers={"kid": self.kid} | (header or {}))

    def joserfc(self, header=None, **more):
        """Signed by joserfc, whatever the claims' types are."""
        pem = self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return jws.serialize_compact({"alg": "EdDSA", "kid": self.kid} | (header or {}), json.dumps(self.claims(**more)), OKPKey.import_key(pem), algorithms=["EdDSA"])

    def settings(self, keys):
        """Its part of the settings."""
        return ["[[http.clients]]", f'client = "{self.name}"', f'member = "{self.member}"', f"roles = {json.dumps(self.roles)}", keys]


def ask(gateway, body, headers=None):
    """What is answered to a form: status, headers in small letters, JSON."""
    link = http.client.HTTPConnection(*gateway.at, timeout=served.ANSWERS_S)
    text = body if isinstance(body, str) else urllib.parse.urlencode(body)
    link.request("POST", "/v1/token", text, {"Content-Type": "application/x-www-form-urlencoded"} | (headers or {}))
    answer = link.getresponse()
    raw = answer.read()
    link.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, json.loads(raw or b"{}")


def form(assertion, **more):
    """A good form; what is `None` is left out."""
    fields = {"grant_type": GRANT, "client_assertion_type": KIND, "client_assertion": assertion} | more
    return {name: value for name, value in fields.items() if value is not None}


def good(gateway, etl):
    """What gets a token: (what, form)."""
    at = f"http://{gateway.at[0]}:{gateway.at[1]}/v1/token"
    yield "by PyJWT", form(etl.pyjwt())
    yield "by joserfc, without a type", form(etl.joserfc())
    yield "the type of its own", form(etl.pyjwt(header={"typ": "client-authentication+jwt"}))
    yield "for the token endpoint", form(etl.pyjwt(aud=at))
    yield "for the gateway's own name", form(etl.pyjwt(aud="urn:airlock:gateway"))
    yield "an audience in a list of one", form(etl.joserfc(aud=[served.AUDIENCE]))
    yield "without iat", form(etl.pyjwt(iat=None))
    yield "for five minutes", form(etl.pyjwt(exp=int(time.time()) + 299))
    yield "its name said twice", form(etl.pyjwt(), client_id=etl.name)
    yield "a field that nobody knows", form(etl.pyjwt(), resource="x")


def attacks(etl, other):
    """What gets none, and 401: (what, form)."""
    now, stranger = int(time.time()), Ed25519PrivateKey.generate()
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()  # noqa: E731
    yield "alg none", form(f"{part({'alg': 'none', 'kid': etl.kid})}.{part(etl.claims())}.")
    signed = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': etl.kid})}.{part(etl.claims())}"
    secret = etl.key.public_key().public_bytes_raw()
    yield "HS256 under the public key", form(f"{signed}.{served.b64(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}")
    yield "HS256 under a secret", form(etl.pyjwt(key="s" * 64, algorithm="HS256"))
    yield "a stranger's key", form(etl.pyjwt(key=stranger))
    yield "another client's key", form(etl.pyjwt(key=other.key, header={"kid": other.kid}))
    yield "its own key in the header", form(etl.pyjwt(key=stranger, header={"jwk": json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(stranger.public_key()))}))
    yield "a URL of keys in the header", form(etl.pyjwt(header={"jku": "https://evil.example/keys"}))
    yield "the type of an access token", form(etl.pyjwt(header={"typ": "at+jwt"}))
    for what, more in (
            ("iss of another client", {"iss": other.name}), ("sub of another client", {"sub": other.name}), ("no sub", {"sub": None}), ("nobody", {"iss": "nobody", "sub": "nobody"}),
            ("iss of an issuer", {"iss": "https://id.alfa.judge.example", "sub": "https://id.alfa.judge.example"}),
            ("for somebody else", {"aud": "https://evil.example/v1/token"}), ("for somebody else as well", {"aud": [served.AUDIENCE, "https://evil.example"]}),
            ("for nobody", {"aud": None}), ("for us, and for us again", {"aud": [served.AUDIENCE, served.AUDIENCE]}), ("for a host like ours", {"aud": "http://127.0.0.1.evil.example/v1/token"}),
            ("over", {"iat": now - 400, "exp": now - 120}), ("for an hour", {"exp": now + 3600}), ("for an hour, without iat", {"iat": None, "exp": now + 3600}),
            ("no exp", {"exp": None}), ("exp as text", {"exp": str(now + 60)}), ("made tomorrow", {"iat": now + 86400, "exp": now + 86460}), ("not yet", {"nbf": now + 200}),
            ("no jti", {"jti": None}), ("an empty jti", {"jti": ""}), ("jti as a number", {"jti": 7}), ("a long jti", {"jti": "x" * 300})):
        yield what, form(etl.joserfc(**more))


def requests(etl):
    """What is asked wrongly: (what, form, status, error, headers)."""
    yield "no assertion", form(None), 400, "invalid_request", {}
    yield "no kind of assertion", form(etl.pyjwt(), client_assertion_type=None), 400, "invalid_request", {}
    yield "another kind", form(etl.pyjwt(), client_assertion_type="urn:ietf:params:oauth:client-assertion-type:saml2-bearer"), 400, "invalid_request", {}
    yield "no grant", form(etl.pyjwt(), grant_type=None), 400, "invalid_request", {}
    yield "another grant", form(etl.pyjwt(), grant_type="authorization_code"), 400, "unsupported_grant_type", {}
    yield "a password", form(etl.pyjwt(), client_secret="x"), 400, "invalid_request", {}
    yield "two ways to say who it is", form(etl.pyjwt()), 400, "invalid_request", {"Authorization": "Basic eDp5"}
    yield "a field twice", urllib.parse.urlencode(form(etl.pyjwt())) + "&grant_type=client_credentials", 400, "invalid_request", {}
    yield "another name", form(etl.pyjwt(), client_id="bi"), 400, "invalid_request", {}
    yield "a role that it has not", form(etl.pyjwt(), scope="privacy-officer"), 400, "invalid_scope", {}
    yield "a role that there is not", form(etl.pyjwt(), scope="admin"), 400, "invalid_scope", {}
    yield "a role twice", form(etl.pyjwt(), scope="analyst analyst"), 400, "invalid_scope", {}
    yield "the operator", form(etl.pyjwt(), scope="operator"), 400, "invalid_scope", {}


def clients(judged, gateway, etl, other):
    """Everything about clients; how many attacks."""
    wrong, count, first = judged.wrong.append, 0, None
    for what, fields in good(gateway, etl):
        status, headers, said = ask(gateway, fields)
        if status != 200 or headers.get("cache-control") != "no-store" or said.get("token_type") != "Bearer" or said.get("expires_in") != 300:
            wrong(f"a client {what}: should get a token, not {status} {headers} {said}")
            continue
        key = jwt.PyJWKSet.from_dict(key_set(gateway))[jwt.get_unverified_header(said["access_token"])["kid"]]
        claims = jwt.decode(said["access_token"], key.key, algorithms=["EdDSA"], audience=served.AUDIENCE, issuer="urn:airlock:gateway")
        if claims["roles"] != ["analyst", "auditor"] or claims["org"] != "alfa" or claims["exp"] - claims["iat"] != 300 or claims["client_id"] != etl.name:
            wrong(f"a client {what}: its token says {claims}")
        judged.passes(f"a token of a client {what}", said["access_token"], "alfa")
        judged.refused(f"what a client signed, shown as a token, {what}", fields["client_assertion"])
    status, _, said = ask(gateway, form(etl.pyjwt(), scope="auditor"))
    if status != 200 or said.get("scope") != "auditor":
        wrong(f"fewer roles: {status} {said}")
    elif judged.shown(said["access_token"])[0].json()["roles"] != ["auditor"]:
        wrong("fewer roles: the token has more")
    for what, fields in attacks(etl, other):
        count += 1
        status, headers, said = ask(gateway, fields)
        told = (status, headers.get("cache-control"), json.dumps(said, sort_keys=True))
        first = first or told
        if status != 401 or said.get("error") != "invalid_client" or told != first:
            wrong(f"a client's attack, {what}: {told}, where the first was told {first}")
    for what, fields, expected, error, headers in requests(etl):
        count += 1
        status, _, said = ask(gateway, fields, headers)
        if status != expected or said.get("error") != error:
            wrong(f"asked wrongly, {what}: should be {expected} {error}, not {status} {said}")
    return count + repeated(judged, gateway, etl)


def key_set(gateway):
    """The gateway's own keys, as anybody reads them."""
    return gateway.ask("GET", "/.well-known/jwks.json", None).json()


def repeated(judged, gateway, etl):
    """What was shown once is shown in vain: again, by many at once, after a restart."""
    once = form(etl.pyjwt())
    first, again = ask(gateway, once), ask(gateway, once)
    if (first[0], again[0], again[2].get("error")) != (200, 401, "invalid_client"):
        judged.wrong.append(f"shown twice: {first} {again}")
    many, found = form(etl.pyjwt()), []
    threads = [threading.Thread(target=lambda: found.append(ask(gateway, many)[0])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if sorted(found) != [200] + [401] * 7:
        judged.wrong.append(f"shown by eight at once: {found}")
    gateway.end()
    gateway.start()
    after = ask(gateway, once)
    if after[0] != 401 or ask(gateway, form(etl.pyjwt()))[0] != 200:
        judged.wrong.append(f"shown again after a restart: {after}")
    return 3


def rotation(judged, gateway, issuer, away):
    """Keys at a URL: what it does, and what becomes of tokens. The gateway was started just now."""
    asked = away.came
    judged.passes("a key at a URL", issuer.token("org-alfa"), "alfa")
    before, old = issuer.key, issuer.token("org-alfa")
    issuer.key, issuer.kid = Ed25519PrivateKey.generate(), "away-2"
    away.keys = issuer.jwks()["keys"]
    begun = time.monotonic()
    for n in range(200):
        judged.refused(f"a made-up key's name, {n}", jwt.encode(jwt.decode(old, options={"verify_signature": False}), before, algorithm="EdDSA", headers={"typ": "at+jwt", "kid": f"made-up-{n}"}))
    if away.came - asked > 1 + (time.monotonic() - begun) // AGAIN_S:
        judged.wrong.append(f"a flood of names made it ask {away.came - asked} times")
    time.sleep(AGAIN_S + 5)
    new, since = issuer.token("org-alfa"), time.monotonic()
    told = judged.shown(new)[0]
    if told.status == 401 and time.monotonic() - since >= WAITS_S - 0.1:
        time.sleep(1)  # its issuer was too slow to answer, and is heard by now
        judged.passes("the new key, once its issuer was heard", new, "alfa")
    elif told.status != 200 or told.json().get("member") != "alfa":
        judged.wrong.append(f"the new key, the first time that it is shown: {told}")
    judged.refused("the old key, which the newest answer has not", old)
    for how in ("redirect", "fail", "long", "stall"):
        away.how, asked, late = how, away.came, time.monotonic() + AGAIN_S + 60
        while away.came == asked and time.monotonic() < late:
            time.sleep(0.2)
        if away.came == asked:
            judged.wrong.append(f"it was never asked while it was at {how}")
        time.sleep(0.5)
        judged.passes(f"the last good key while it is at {how}", issuer.token("org-alfa"), "alfa")
    if away.paths != {"/.well-known/openid-configuration", "/keys"}:
        judged.wrong.append(f"it asked for {away.paths}")
