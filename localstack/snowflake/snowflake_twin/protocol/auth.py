"""Who a request is from: a key-pair JWT, checked for real, or a token that the control registered.

Must not know any route or statement.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ..catalog.objects import Account, User
from ..catalog.organization import Organizations
from ..errors import HttpError

JWT_INVALID, OAUTH_INVALID, OAUTH_EXPIRED = "390144", "390303", "390318"
TYPES = ("KEYPAIR_JWT", "OAUTH", "PROGRAMMATIC_ACCESS_TOKEN")
SKEW_S_MAX = 60.0
KEY_BITS_MIN = 2048


@dataclass
class Caller:
    """Who asks; an OAuth token may carry a role."""

    account: Account
    user: User
    role: str | None = None


@dataclass
class Token:
    """A bearer token that is no JWT of ours."""

    account: str
    user: str
    kind: str
    expires_at: float
    role: str | None = None


def public_key(pem: str) -> rsa.RSAPublicKey:
    """A public key out of PEM, with or without its frame, as ALTER USER takes it."""
    text = pem.strip()
    if not text.startswith("-----"):
        text = f"-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----"
    key = serialization.load_pem_public_key(text.encode())
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < KEY_BITS_MIN:
        raise ValueError(f"an RSA key of at least {KEY_BITS_MIN} bits")
    return key


def fingerprint(key: rsa.RSAPublicKey) -> str:
    """SHA256: and the digest of the key's DER form."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return "SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode()


def _part(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _document(text: str) -> dict[str, Any]:
    found = json.loads(_part(text))
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found


def _refused(why: str) -> HttpError:
    return HttpError(401, JWT_INVALID, f"JWT token is invalid. [{why}]")


def _moment(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _refused(f"{name} is no number")
    return float(value)


def by_jwt(text: str, organizations: Organizations, now: float, life_s_max: float) -> Caller:
    """Every claim and the signature, in the order in which nothing is trusted before it is checked."""
    try:
        head, body, signature = text.split(".")
        header, claims, signed = _document(head), _document(body), _part(signature)
    except ValueError as error:
        raise _refused("malformed") from error
    if header.get("alg") != "RS256":
        raise _refused("the algorithm is not RS256")
    issuer, subject = str(claims.get("iss", "")), str(claims.get("sub", ""))
    names, _, digest = issuer.partition(".SHA256:")
    account_name, _, user_name = names.partition(".")
    account = organizations.spelled(account_name) if account_name == account_name.upper() else None
    user = account.users.get(user_name) if account else None
    if account is None or user is None or user.disabled or subject != names:
        raise _refused("issuer or subject")
    key = next((k for k in user.keys if k is not None and fingerprint(k) == f"SHA256:{digest}"), None)
    if key is None:
        raise _refused("the fingerprint is of no key of the user")
    try:
        key.verify(signed, f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature as error:
        raise _refused("signature") from error
    issued, expires = _moment(claims, "iat"), _moment(claims, "exp")
    if issued > now + SKEW_S_MAX:
        raise _refused("issued in the future")
    if min(expires, issued + life_s_max) <= now:
        raise _refused("expired")
    return Caller(account, user)


def caller(headers: dict[str, str], organizations: Organizations, tokens: dict[str, Token], now: float, life_s_max: float) -> Caller:
    """The caller of a request; 401 when it is nobody."""
    scheme, _, text = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text:
        raise HttpError(401, "390101", "Authorization header is missing or not a bearer token")
    kind = headers.get("x-snowflake-authorization-token-type")
    if kind is not None and kind not in TYPES:
        raise HttpError(401, "390146", f"Unknown token type {kind[:40]}")
    if kind == "KEYPAIR_JWT" or (kind is None and text.count(".") == 2 and text not in tokens):
        return by_jwt(text, organizations, now, life_s_max)
    token = tokens.get(text)
    if token is None or (kind is not None and kind != token.kind):
        raise HttpError(401, OAUTH_INVALID, "Invalid OAuth access token.")
    if token.expires_at <= now:
        raise HttpError(401, OAUTH_EXPIRED, "OAuth access token expired.")
    account = organizations.spelled(token.account)
    user = account.users.get(token.user) if account else None
    if account is None or user is None or user.disabled:
        raise HttpError(401, OAUTH_INVALID, "Invalid OAuth access token.")
    return Caller(account, user, token.role)
