"""Verifies the receipt of an answer without Airlock: the leaf's hash, its RFC 6962 inclusion under the root, the signed note over both.

Must not know: how the answer came here, nor what was decided.
"""

import base64
import json

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from proofs import Wrong, sha256


def noted(text, key):
    """Size and root of a signed note whose signature is by this key, and the name under which it is signed."""
    said, _, signatures = text.partition("\n\n")
    said += "\n"
    origin, size, head, rest = said.split("\n", 3)
    if rest:
        raise Wrong("the checkpoint says more than size and root")
    raw = bytes.fromhex(key.removeprefix("ed25519:"))
    identity = sha256(origin.encode(), b"\n\x01", raw)[:4]
    for line in signatures.splitlines():
        dash, name, encoded = line.split(" ")
        signature = base64.b64decode(encoded, validate=True)
        if dash == "\u2014" and name == origin and signature[:4] == identity:
            Ed25519PublicKey.from_public_bytes(raw).verify(signature[4:], said.encode())
            return int(size), base64.b64decode(head, validate=True), origin
    raise Wrong("no signature of the checkpoint is by the expected key")


def climbed(leaf, index, size, path):
    """The root to which an inclusion path leads (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        raise Wrong(f"leaf {index} is beyond a log of {size}")
    at, last, found = index, size - 1, leaf
    for other in path:
        if last == 0:
            raise Wrong("the inclusion path is too long")
        if at & 1 or at == last:
            found = sha256(b"\x01", other, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = sha256(b"\x01", found, other)
        at, last = at >> 1, last >> 1
    if last:
        raise Wrong("the inclusion path is too short")
    return found


def verify(receipt, key, leaf_bytes=None):
    """The log's name of a receipt that holds; Wrong, InvalidSignature or ValueError otherwise."""
    if set(receipt) != {"index", "size", "root", "leaf", "inclusion", "checkpoint"}:
        raise Wrong(f"a receipt has {sorted(receipt)}")
    leaf, root = bytes.fromhex(receipt["leaf"]), bytes.fromhex(receipt["root"])
    if leaf_bytes is not None and sha256(b"\x00", leaf_bytes) != leaf:
        raise Wrong("the leaf's hash is not that of its bytes")
    if climbed(leaf, receipt["index"], receipt["size"], [bytes.fromhex(one) for one in receipt["inclusion"]]) != root:
        raise Wrong("the inclusion path leads to another root")
    size, head, origin = noted(receipt["checkpoint"], key)
    if (size, head) != (receipt["size"], root):
        raise Wrong("the checkpoint is over another log")
    return origin


def judged(status, body, key):
    """What is wrong with the receipts of an answer; nothing where they hold. A 201 has one."""
    try:
        said = json.loads(body)
    except ValueError:
        return "a 201 is no JSON" if status == 201 else None
    if not isinstance(said, dict):
        return "a 201 is no object" if status == 201 else None
    receipt = said.get("receipt")
    if receipt is None:
        return "a 201 has no receipt" if status == 201 else None
    try:
        encoded = said.get("leaf_bytes", said.get("bytes"))
        verify(receipt, key, None if encoded is None else base64.b64decode(encoded, validate=True))
    except (Wrong, InvalidSignature, ValueError, TypeError, AttributeError) as wrong:
        return f"a receipt does not hold: {wrong or type(wrong).__name__}"
    return None
