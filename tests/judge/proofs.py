#!/usr/bin/env python3
"""Verifies an exported agreement log without Airlock: RFC 6962 root, C2SP checkpoint, Ed25519, canonical leaves.

    proofs.py FOLDER [--key ed25519:HEX] [--older FOLDER]    one export; with --older, that it only grew since
    proofs.py [--airlock PATH]                               makes a log, exports it twice, verifies, and tampers

The key in a log's own words is only shown; a verifier pins the key that it got elsewhere.
"""

import argparse
import base64
import hashlib
import json
import shutil
import sys
import tempfile
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

sys.dont_write_bytecode = True


class Wrong(Exception):
    """The log is not what its checkpoint says."""


def sha256(*parts):
    """SHA-256 over the parts."""
    return hashlib.sha256(b"".join(parts)).digest()


def root(hashes):
    """The Merkle tree hash of RFC 6962 over leaf hashes."""
    if not hashes:
        return sha256(b"")
    stack = []  # complete subtrees, largest first: (leaves, hash)
    for leaf in hashes:
        stack.append((1, leaf))
        while len(stack) > 1 and stack[-1][0] == stack[-2][0]:
            (n, right), (_, left) = stack.pop(), stack.pop()
            stack.append((2 * n, sha256(b"\x01", left, right)))
    top = stack.pop()[1]
    while stack:
        top = sha256(b"\x01", stack.pop()[1], top)
    return top


def leaves(folder):
    """The leaf lines, each canonical JSON."""
    lines = (folder / "leaves.jsonl").read_bytes().split(b"\n")
    if lines[-1] != b"":
        raise Wrong("leaves.jsonl does not end with a newline")
    for number, line in enumerate(lines[:-1]):
        again = json.dumps(json.loads(line), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        if again != line:
            raise Wrong(f"leaf {number} is not canonical JSON")
    return lines[:-1]


def checkpoint(folder, key):
    """Size and root of the signed note, its signature verified."""
    text, _, signatures = (folder / "checkpoint").read_text(encoding="utf-8").partition("\n\n")
    text += "\n"
    origin, size, head = text.split("\n")[:3]
    raw = bytes.fromhex(key.removeprefix("ed25519:"))
    identity = sha256(origin.encode(), b"\n\x01", raw)[:4]
    for line in signatures.splitlines():
        dash, name, encoded = line.split(" ")
        signature = base64.b64decode(encoded, validate=True)
        if dash == "\u2014" and name == origin and signature[:4] == identity:
            Ed25519PublicKey.from_public_bytes(raw).verify(signature[4:], text.encode())
            return int(size), base64.b64decode(head, validate=True)
    raise Wrong("no signature of the checkpoint is by the expected key")


def verify(folder, key, older=None):
    """The number of leaves that hold; Wrong or InvalidSignature otherwise."""
    hashes = [sha256(b"\x00", line) for line in leaves(folder)]
    size, head = checkpoint(folder, key)
    if size != len(hashes):
        raise Wrong(f"the checkpoint speaks of {size} leaves, the folder has {len(hashes)}")
    if root(hashes) != head:
        raise Wrong("the leaves have another root than the checkpoint")
    if older:
        before, then = checkpoint(older, key)
        if before > size or root(hashes[:before]) != then:
            raise Wrong("the log of the older checkpoint is no prefix of this one")
    return size


def refused(what, folder, key, **more):
    """A tampered copy must not pass: a verifier that passes everything proves nothing."""
    try:
        verify(folder, key, **more)
    except (Wrong, InvalidSignature, ValueError):
        return
    raise Wrong(f"{what} was not noticed")


def end_to_end(arguments, folder):
    """Makes a log through the command line, exports it before and after it grew, verifies and tampers."""
    import airlock
    import world

    con = world.write_world(folder, 3)
    con.close()
    template = {"class": "aggregate", "run_by": ["beta"], "received_by": ["beta"],
                "sql": "SELECT e.campaign, COUNT(DISTINCT e.viewer) AS people FROM exposures e GROUP BY e.campaign"}
    file = folder / "agreement.json"
    file.write_text(json.dumps(world.agreement(folder, {"reach": template}, 10)), encoding="utf-8")
    gateway = airlock.Airlock(airlock.binary(arguments.airlock), folder / "home")
    gateway.settle(file, world.COLLABORATION, list(world.MEMBERS))
    key = gateway.call("audit", "export", world.COLLABORATION, "--to", str(folder / "before"))["key"]
    gateway.call("run", world.COLLABORATION, "reach", "--as", "beta")
    gateway.call("revoke", world.COLLABORATION, "--dataset", "exposures", "--as", "beta")
    gateway.call("audit", "export", world.COLLABORATION, "--to", str(folder / "after"))
    sizes = verify(folder / "before", key), verify(folder / "after", key, folder / "before")
    if sizes[1] <= sizes[0]:
        raise Wrong("a run and a revocation added no leaf")
    for what, name, change in (
        ("a changed leaf", "leaves.jsonl", lambda b: b.replace(b"reach", b"reech", 1)),
        ("a dropped leaf", "leaves.jsonl", lambda b: b[: b[:-1].rindex(b"\n") + 1]),
        ("a checkpoint of another size", "checkpoint", lambda b: b.replace(b"\n%d\n" % sizes[1], b"\n%d\n" % sizes[0], 1)),
    ):
        copy = folder / what.replace(" ", "-")
        shutil.copytree(folder / "after", copy)
        original = (copy / name).read_bytes()
        changed = change(original)
        if changed == original:
            raise Wrong(f"the test did not make {what}")
        (copy / name).write_bytes(changed)
        refused(what, copy, key)
        try:
            gateway.call("audit", "verify", str(copy), "--key", key)
        except airlock.Failed:
            continue
        raise Wrong(f"airlock audit verify did not notice {what}")
    refused("another key", folder / "after", "ed25519:" + "11" * 32)
    refused("a rewritten history", folder / "before", key, older=folder / "after")
    gateway.call("audit", "verify", str(folder / "after"), "--key", key)
    print(f"logs of {sizes[0]} and then {sizes[1]} leaves verify, the second continues the first; five forgeries were noticed")
    return 0


def main():
    """Verifies a folder, or makes one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--key")
    parser.add_argument("--older", type=Path)
    parser.add_argument("--airlock")
    parser.add_argument("--allow-not-run", action="store_true")
    arguments = parser.parse_args()
    try:
        if arguments.folder:
            if not arguments.key:
                parser.error("name the public key that you expect with --key")
            print(f"{verify(arguments.folder, arguments.key, arguments.older)} leaves verify")
            return 0
        import airlock

        with tempfile.TemporaryDirectory(prefix="airlock-proofs-") as folder:
            return airlock.guarded(lambda: end_to_end(arguments, Path(folder)), arguments.allow_not_run)
    except (Wrong, InvalidSignature, ValueError) as wrong:
        print(f"FAILED: {wrong or type(wrong).__name__}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
