"""A real `airlock serve` over a folder of its own, with two tenants, an issuer for each and one for the operator. Tokens are made by PyJWT.

Requests go out through the standard library's client, or byte for byte. Must not know: what an answer should be.
"""

import base64
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import threading
import time
import uuid
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import airlock

AUDIENCE = "https://airlock.judge.example"
ROLES = ["member-admin", "data-steward", "analyst", "privacy-officer", "auditor"]
STARTS_S, ENDS_S, ANSWERS_S = 60, 40, 60


def b64(raw):
    """Base64url as keys have it."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Issuer:
    """Somebody whose tokens are taken: one Ed25519 key unless it is given a set."""

    def __init__(self, name, tenants, operators=False):
        self.name, self.tenants, self.operators = f"https://id.{name}.judge.example", list(tenants), operators
        self.file, self.kid, self.key = f"{name}.jwks.json", f"{name}-1", Ed25519PrivateKey.generate()

    def jwks(self):
        """The set of its public keys."""
        entry = {"kty": "OKP", "crv": "Ed25519", "kid": self.kid, "use": "sig", "alg": "EdDSA", "x": b64(self.key.public_key().public_bytes_raw())}
        return {"keys": [entry]}

    def token(self, organisation=None, roles=None, life_s=890, **more):
        """A good token of its own."""
        now = int(time.time())
        claims = {"iss": self.name, "aud": AUDIENCE, "sub": "somebody", "jti": str(uuid.uuid4()), "iat": now - 5, "exp": now - 5 + life_s}
        claims |= {"org": organisation} if organisation else {}
        claims |= {"roles": roles if roles is not None else ROLES} | more
        return jwt.encode(claims, self.key, algorithm="EdDSA", headers={"typ": "at+jwt", "kid": self.kid})


class Told:
    """One answer."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def header(self, name, otherwise=None):
        """The first header of that name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), otherwise)

    def json(self):
        """The body as JSON."""
        return json.loads(self.body)

    def code(self):
        """The stable code of a problem, or nothing."""
        try:
            return self.json().get("code")
        except (ValueError, AttributeError):
            return None

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


class Served:
    """A gateway's folder, and the process that serves it while it runs."""

    def __init__(self, binary, folder: Path, tenants=("alfa", "bravo"), issuers=None):
        self.binary, self.folder, self.home = str(binary), folder, folder / "home"
        self.tenants = {member: Issuer(member, [member]) for member in tenants}
        self.issuers = [*self.tenants.values(), Issuer("operator", [], operators=True)] if issuers is None else issuers
        # Waivers take two people where tokens say who is one.
        self.by_two = issuers is None
        self.more = []
        self.cli, self.child, self.at, self.stderr = airlock.Airlock(binary, self.home), None, None, folder / "serve.log"

    def prepare(self):
        """Makes the folder, the members' keys and the settings."""
        for member in self.tenants:
            self.cli.call("keygen", "--member", member)
            (self.folder / "data" / member).mkdir(parents=True)
            (self.folder / "results" / member).mkdir(parents=True)
        root = f"file://{self.folder.resolve()}"
        lines = ["[http]", f'audience = "{AUDIENCE}"']
        for member in self.tenants:
            lines += ["[[http.tenants]]", f'member = "{member}"', f'organisation = "org-{member}"',
                      f'places = ["{root}/data/{member}/"]', f'destinations = ["{root}/results/{member}/"]', *(['four_eyes = ["waive"]'] if self.by_two else [])]
        for issuer in self.issuers:
            lines += ["[[http.issuers]]", f'issuer = "{issuer.name}"', getattr(issuer, "keys_at", f'jwks_file = "{issuer.file}"'),
                      f"tenants = {json.dumps(issuer.tenants)}", f"operators = {json.dumps(issuer.operators)}", *(['person_claim = "email"'] if self.by_two else [])]
            (self.home / issuer.file).write_text(json.dumps(issuer.jwks()), encoding="utf-8")
        lines += self.more
        (self.home / "gateway.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return self

    def start(self, port=0):
        """Starts it, and waits until it says where it listens; how long that took."""
        since = time.monotonic()
        with self.stderr.open("ab") as log:
            words = [self.binary, "--json", "--home", str(self.home), "serve", "--listen", f"127.0.0.1:{port}"]
            self.child = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL)
        late = threading.Timer(STARTS_S, self.child.kill)
        late.start()
        line = self.child.stdout.readline()
        late.cancel()
        if not line:
            raise AssertionError(f"serve did not start: {self.stderr.read_text(encoding='utf-8', errors='replace')[-600:]}")
        host, _, found = json.loads(line)["listening"].rpartition(":")
        self.at = (host, int(found))
        return time.monotonic() - since

    def end(self, how=signal.SIGTERM):
        """Ends it by a signal; its code."""
        child, self.child = self.child, None
        if child is None:
            return None
        child.send_signal(how)
        try:
            return child.wait(ENDS_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            raise AssertionError(f"serve did not end within {ENDS_S} s of signal {how}") from None
        finally:
            child.stdout.close()

    def alive(self):
        """Whether the process is still there."""
        return self.child is not None and self.child.poll() is None

    def __enter__(self):
        self.prepare()
        self.start()
        return self

    def __exit__(self, *_):
        if self.child is not None:
            self.child.kill()
            self.child.wait()
            self.child.stdout.close()

    def url(self):
        """Where it is."""
        return f"http://{self.at[0]}:{self.at[1]}"

    def token(self, member, roles=None, **more):
        """A good token of a member's, of the first of its people where nobody else is named."""
        return self.tenants[member].token(f"org-{member}", roles, **{"email": "first@judge.example"} | more)

    def ask(self, method, path, token=None, body=None, headers=(), timeout=ANSWERS_S):
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection(*self.at, timeout=timeout)
        try:
            lines = dict(headers)
            if token:
                lines["Authorization"] = f"Bearer {token}"
            if body is not None:
                lines.setdefault("Content-Type", "application/json")
                body = body if isinstance(body, bytes) else json.dumps(body).encode()
            connection.request(method, path, body=body, headers=lines)
            answer = connection.getresponse()
            return Told(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def change(self, path, token, body, looked="*", key=None, timeout=ANSWERS_S):
        """A decision that is tied to what was looked at, under a key."""
        headers = {"Idempotency-Key": key or f"judge-{secrets.token_hex(16)}"} | ({"If-Match": looked} if looked else {})
        return self.ask("POST", path, token, body, headers, timeout)

    def raw(self, timeout=ANSWERS_S):
        """A connection to send bytes on."""
        return socket.create_connection(self.at, timeout=timeout)

    def ready(self, within_s):
        """Waits until it says that it can work; how long that took."""
        since = time.monotonic()
        while time.monotonic() - since < within_s:
            try:
                told = self.ask("GET", "/readyz", timeout=5)
                if told.status == 200 and told.json()["status"] == "ready":
                    return time.monotonic() - since
            except (OSError, http.client.HTTPException, ValueError):
                pass
            time.sleep(0.02)
        raise AssertionError(f"it was not ready within {within_s} s")


def free_port():
    """A port that nobody has at the moment."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def read_answer(stream):
    """The next answer on a connection, by its own head; nothing where it was closed without one."""
    head = b""
    while b"\r\n\r\n" not in head:
        more = stream.recv(65536)
        if not more:
            return None if not head else Told(0, [], head)
        head += more
    head, _, body = head.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = [tuple(line.split(": ", 1)) for line in lines if ": " in line]
    told = Told(int(first.split(" ")[1]), headers, body)
    wanted = int(told.header("content-length", 0))
    while len(told.body) < wanted:
        more = stream.recv(65536)
        if not more:
            break
        told.body += more
    return told


def environment_free_of_proxies():
    """Requests go to this machine alone, whatever its environment says."""
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")} | {"NO_PROXY": "*"}
