"""What every test needs: keys, clients of several accounts over HTTP, the control API. Must not know any one test."""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import http.client
import json
import time
import urllib.parse
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PROVIDER, CONSUMER, SMALL, SECURED, FAR = (f"ACME.{n}" for n in ("PROVIDER", "CONSUMER", "SMALL", "SECURED", "FAR"))


def pem(key: rsa.RSAPrivateKey) -> str:
    """A public key as PEM."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def fingerprint(key: rsa.RSAPrivateKey) -> str:
    """Of a public key, as issuers carry it."""
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


def _part(document: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def jwt(account: str, user: str = "GATEWAY", key: rsa.RSAPrivateKey = KEY, now: float | None = None, life_s: float = 3540, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A key-pair token; any claim may be replaced."""
    at = int(time.time() if now is None else now)
    subject = f"{account.replace('.', '-')}.{user}"
    body = {"iss": f"{subject}.SHA256:{fingerprint(key)}", "sub": subject, "iat": at, "exp": at + life_s} | claims
    text = f"{_part(header or {'alg': 'RS256', 'typ': 'JWT'})}.{_part(body)}"
    signed = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{text}.{base64.urlsafe_b64encode(signed).rstrip(b'=').decode()}"


@dataclass
class Answer:
    """One reply."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        """Its JSON."""
        raw = gzip.decompress(self.raw) if self.headers.get("content-encoding") == "gzip" else self.raw
        return json.loads(raw)

    @property
    def rows(self) -> list[list[str | None]]:
        """Its data, after a success."""
        assert self.status == 200, self.body
        rows: list[list[str | None]] = self.body["data"]
        return rows

    @property
    def code(self) -> str:
        """Its code."""
        code: str = self.body["code"]
        return code

    def dicts(self) -> list[dict[str, str | None]]:
        """Rows by column name."""
        names = [c["name"] for c in self.body["resultSetMetaData"]["rowType"]]
        return [dict(zip(names, r, strict=True)) for r in self.rows]


def call(port: int, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
    """One HTTP call."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request(method, path, None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode(), headers or {})
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


class Client:
    """One user of one account."""

    def __init__(self, port: int, account: str, user: str = "GATEWAY", key: rsa.RSAPrivateKey = KEY, **body: Any) -> None:
        self.port, self.account, self.user, self.key, self.body = port, account, user, key, body
        self.token: str | None = None

    def headers(self, **more: str) -> dict[str, str]:
        """What a well-behaved client sends."""
        return {"Authorization": f"Bearer {self.token or jwt(self.account, self.user, self.key)}", "X-Snowflake-Authorization-Token-Type": "KEYPAIR_JWT",
                "Accept": "application/json", "Content-Type": "application/json", "User-Agent": "tests/1"} | more

    def submit(self, statement: str, query: dict[str, str] | None = None, **body: Any) -> Answer:
        """POST /api/v2/statements."""
        tail = "?" + urllib.parse.urlencode(query) if query else ""
        return call(self.port, "POST", "/api/v2/statements" + tail, {"statement": statement} | self.body | body, self.headers())

    def poll(self, handle: str, partition: int | None = None) -> Answer:
        """GET /api/v2/statements/{handle}."""
        tail = "" if partition is None else f"?partition={partition}"
        return call(self.port, "GET", f"/api/v2/statements/{handle}{tail}", None, self.headers())

    def cancel(self, handle: str) -> Answer:
        """POST /api/v2/statements/{handle}/cancel."""
        return call(self.port, "POST", f"/api/v2/statements/{handle}/cancel", None, self.headers())

    def rows(self, statement: str, **body: Any) -> list[list[str | None]]:
        """Rows of a statement that works."""
        return self.submit(statement, **body).rows

    def dicts(self, statement: str, **body: Any) -> list[dict[str, str | None]]:
        """The same by column name."""
        return self.submit(statement, **body).dicts()

    def do(self, *statements: str) -> None:
        """Statements that must work."""
        for statement in statements:
            answer = self.submit(statement)
            assert answer.status == 200, (statement, answer.body)

    def refused(self, statement: str, **body: Any) -> str:
        """The code of a statement that must fail."""
        answer = self.submit(statement, **body)
        assert answer.status == 422, (statement, answer.status, answer.raw[:300])
        return answer.code


class Twin:
    """The control API."""

    def __init__(self, port: int) -> None:
        self.port = port

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One call; an error is raised."""
        answer = call(self.port, method, f"/_twin/{path}", body)
        if answer.status != 200:
            raise ValueError(answer.raw.decode())
        return answer.body

    def set(self, **switches: Any) -> None:
        """Changes switches."""
        self.call("POST", "settings", switches)

    def fault(self, kind: str, **fields: Any) -> None:
        """Adds one fault."""
        self.call("POST", "faults", {"faults": [{"kind": kind, **fields}]})

    def count(self, match: str) -> int:
        """How many submitted statements fit a pattern and were run."""
        found = self.call("GET", "statements?match=" + urllib.parse.quote(match))["statements"]
        return sum(s["executed"] for s in found)

    def table(self, account: str, place: str, columns: list[tuple[str, str]], rows: list[list[Any]]) -> None:
        """Gives an account a table, by DB.SCHEMA.TABLE."""
        path = "/".join(urllib.parse.quote(w, safe="") for w in [account, *place.split(".")])
        self.call("PUT", f"tables/{path}", {"columns": [{"name": n, "type": t} for n, t in columns], "rows": rows})
