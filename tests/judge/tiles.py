#!/usr/bin/env python3
"""Reads a published log by the C2SP texts alone (tlog-tiles, tlog-checkpoint, signed-note, tlog-cosignature), and plays a witness.

    tiles.py FOLDER --key ed25519:HEX [--witness VKEY ...]    one published log
    tiles.py [--airlock PATH]                                 has one published, grown, cosigned from here and by Airlock, and tampered with

Shares no line with Airlock's reader, nor with proofs.py: the root is made by the recursion of RFC 6962. Must not know: how it was written.
"""

import argparse
import base64
import hashlib
import json
import shutil
import struct
import sys
import tempfile
import time
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

sys.dont_write_bytecode = True

NOTE, COSIGNATURE, WIDTH = 1, 4, 256


class Wrong(Exception):
    """What lies there is not what the texts say."""


def mth(entries):
    """The Merkle Tree Hash of RFC 6962, 2.1, over leaf hashes."""
    if not entries:
        return hashlib.sha256().digest()
    if len(entries) == 1:
        return entries[0]
    k = 1 << (len(entries) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def element(n):
    """A tile's index as path elements: 1234067 is x001/x234/067."""
    digits = str(n)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at: at + 3] for at in range(0, len(digits), 3)]
    return "/".join(["x" + group for group in groups[:-1]] + groups[-1:])


assert element(1234067) == "x001/x234/067" and element(0) == "000"


def key_id(name, kind, raw):
    """The first four bytes by which a signer is told from another of its name."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + raw).digest()[:4]


def vkey(text):
    """Name, kind and raw key of a verifier key."""
    name, identity, encoded = text.split("+", 2)
    material = base64.b64decode(encoded, validate=True)
    if key_id(name, material[0], material[1:]).hex() != identity:
        raise Wrong(f"{name}: the key's hash is another")
    return name, material[0], material[1:]


def note(text):
    """Body and signature lines (name, bytes) of a signed note."""
    body, separator, lines = text.rpartition("\n\n")
    if not separator or not lines.endswith("\n"):
        raise Wrong("no signed note")
    found = []
    for line in lines.splitlines():
        dash, name, encoded = line.split(" ")
        if dash != "\u2014":
            raise Wrong("no signature line")
        found.append((name, base64.b64decode(encoded, validate=True)))
    return body + "\n", found


def head(text, raw):
    """Origin, size and root of a checkpoint that this log key signed."""
    body, lines = note(text)
    origin, size, root = body.split("\n")[:3]
    if str(int(size)) != size:
        raise Wrong("the size is not written plainly")
    for name, signature in lines:
        if name == origin and signature[:4] == key_id(origin, NOTE, raw):
            Ed25519PublicKey.from_public_bytes(raw).verify(signature[4:], body.encode())
            return origin, int(size), base64.b64decode(root, validate=True)
    raise Wrong("the log has not signed it")


def cosigned(text, name, raw):
    """The time at which this witness cosigned the note, or None."""
    body, lines = note(text)
    for signer, signature in lines:
        if signer == name and signature[:4] == key_id(name, COSIGNATURE, raw):
            (at,) = struct.unpack(">Q", signature[4:12])
            Ed25519PublicKey.from_public_bytes(raw).verify(signature[12:], f"cosignature/v1\ntime {at}\n{body}".encode())
            return at
    return None


def tile(folder, level, n, width):
    """The hashes of a tile; the full one may stand for a partial one."""
    full = folder / "tile" / str(level) / element(n)
    partial = full.with_name(full.name + ".p") / str(width)
    path = full if width == WIDTH or not partial.exists() else partial
    data = path.read_bytes()
    if len(data) != 32 * (width if path == partial else WIDTH):
        raise Wrong(f"{path.name} is {len(data)} bytes long")
    return [data[at: at + 32] for at in range(0, 32 * width, 32)]


def verify(folder, raw):
    """Leaf hashes of a published log, every tile of its size and every leaf held to them."""
    _, size, root = head((folder / "checkpoint").read_text(encoding="utf-8"), raw)
    below, level = None, 0
    leaf_hashes = []
    while (count := size >> 8 * level) > 0:
        row = [hash_ for n in range(-(-count // WIDTH)) for hash_ in tile(folder, level, n, min(WIDTH, count - n * WIDTH))]
        if level == 0:
            leaf_hashes = row
        elif row != [mth(below[n * WIDTH: (n + 1) * WIDTH]) for n in range(count)]:
            raise Wrong(f"level {level} is not made of the level below")
        below, level = row, level + 1
    if mth(leaf_hashes) != root:
        raise Wrong("the tiles have another root than the checkpoint")
    for n, wanted in enumerate(leaf_hashes):
        if hashlib.sha256(b"\x00" + (folder / "leaf" / element(n)).read_bytes()).digest() != wanted:
            raise Wrong(f"leaf {n} is another")
    return leaf_hashes


def cosign(text, name, key, at):
    """The note with a cosignature of this witness."""
    body, _ = note(text)
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    made = key.sign(f"cosignature/v1\ntime {at}\n{body}".encode())
    line = base64.b64encode(key_id(name, COSIGNATURE, raw) + struct.pack(">Q", at) + made).decode()
    return f"{text}\u2014 {name} {line}\n", f"{name}+{key_id(name, COSIGNATURE, raw).hex()}+{base64.b64encode(bytes([COSIGNATURE]) + raw).decode()}"


def noticed(what, folder, raw, gateway, key):
    """A tampered copy passes neither here nor there."""
    import airlock

    try:
        verify(folder, raw)
    except (Wrong, InvalidSignature, ValueError, OSError):
        try:
            gateway.call("audit", "verify", str(folder), "--key", key)
        except airlock.Failed:
            return
        raise Wrong(f"airlock did not notice {what}") from None
    raise Wrong(f"{what} was not noticed")


def end_to_end(arguments, folder):
    """Has a log published and holds it to the texts."""
    import airlock
    import world

    world.write_world(folder, 3).close()
    template = {"class": "aggregate", "run_by": ["beta"], "received_by": ["beta"],
                "sql": "SELECT e.campaign, COUNT(DISTINCT e.viewer) AS people FROM exposures e GROUP BY e.campaign"}
    file = folder / "agreement.json"
    file.write_text(json.dumps(world.agreement(folder, {"reach": template}, 10)), encoding="utf-8")
    gateway = airlock.Airlock(airlock.binary(arguments.airlock), folder / "home")
    gateway.settle(file, world.COLLABORATION, list(world.MEMBERS))
    (folder / "home" / "gateway.toml").write_text(f'[publish]\nto = "file://{folder}/published"\n', encoding="utf-8")
    gateway.call("sync", "--once")
    at, key = folder / "published" / world.COLLABORATION, gateway.call("audit", "export", world.COLLABORATION, "--to", str(folder / "log"))["key"]
    raw = bytes.fromhex(key.removeprefix("ed25519:"))
    before = verify(at, raw)
    lines = (folder / "log" / "leaves.jsonl").read_bytes().splitlines()
    if [hashlib.sha256(b"\x00" + line).digest() for line in lines] != before:
        raise Wrong("the export has other leaves than the tiles")
    older = (at / "checkpoint").read_text(encoding="utf-8")
    gateway.call("revoke", world.COLLABORATION, "--dataset", "exposures", "--as", "beta")
    gateway.call("sync", "--once")
    after = verify(at, raw)
    if len(after) <= len(before) or mth(after[: len(before)]) != head(older, raw)[2]:
        raise Wrong("the grown log does not begin with the older one")
    # A witness written here is believed there …
    own = Ed25519PrivateKey.generate()
    checkpoint = (at / "checkpoint").read_text(encoding="utf-8")
    text, own_key = cosign(checkpoint, "judge.example/w", own, int(time.time()))
    (at / "witness" / "judge.example").mkdir(parents=True)
    (at / "witness" / "judge.example" / "w").write_text(text, encoding="utf-8")
    gateway.call("audit", "verify", str(at), "--key", key, "--witness", own_key)
    # … and one of Airlock's here.
    told = gateway.call("witness", str(at), "--key", key, "--name", "brand.example/w", "--new-key",
                        "--key-file", str(folder / "w.key"), "--state", str(folder / "seen"))["cosigned"]
    name, kind, theirs = vkey(told["witness"])
    written = (at / "witness" / "brand.example" / "w").read_text(encoding="utf-8")
    if kind != COSIGNATURE or cosigned(written, name, theirs) is None or note(written)[0] != note(checkpoint)[0]:
        raise Wrong("Airlock's cosignature is none by the text")
    verify(at, raw)
    newest = str(len(after))
    width = len(after) % WIDTH
    for what, path, change in (
        ("a changed leaf", "leaf/001", lambda b: b[:-1] + b" "),
        ("a changed tile", f"tile/0/000.p/{width}", lambda b: b[:-1] + bytes([b[-1] ^ 1])),
        ("a shorter checkpoint", "checkpoint", lambda b: b.replace(b"\n%s\n" % newest.encode(), b"\n%d\n" % len(before), 1)),
        ("leaves in another's place", "leaf/002", lambda _: (at / "leaf" / "001").read_bytes()),
    ):
        copy = folder / what.replace(" ", "-").replace("'", "") / world.COLLABORATION
        shutil.copytree(at, copy)
        original = (copy / path).read_bytes()
        if change(original) == original:
            raise Wrong(f"the test did not make {what}")
        (copy / path).write_bytes(change(original))
        noticed(what, copy, raw, gateway, key)
    gateway.call("audit", "verify", str(at), "--key", key, "--witness", own_key, "--witness", told["witness"], "--quorum", "2")
    print(f"logs of {len(before)} and then {len(after)} leaves are the tiles of the text; witnesses believe each other; four forgeries were noticed")
    return 0


def judged():
    """Verifies a folder, or has one made."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--key")
    parser.add_argument("--witness", action="append", default=[])
    parser.add_argument("--airlock")
    parser.add_argument("--allow-not-run", action="store_true")
    arguments = parser.parse_args()
    if not arguments.folder:
        import airlock

        def work():
            with tempfile.TemporaryDirectory(prefix="airlock-tiles-") as place:
                return end_to_end(arguments, Path(place))

        return airlock.guarded(work, arguments.allow_not_run)
    if not arguments.key:
        parser.error("--key: the gateway's key, as it is known from elsewhere")
    size = len(verify(arguments.folder, bytes.fromhex(arguments.key.removeprefix("ed25519:"))))
    text = (arguments.folder / "checkpoint").read_text(encoding="utf-8")
    for witness in arguments.witness:
        name, _, raw = vkey(witness)
        beside = arguments.folder / "witness" / name
        texts = [text] + ([beside.read_text(encoding="utf-8")] if beside.exists() else [])
        if not any(note(one)[0] == note(text)[0] and cosigned(one, name, raw) for one in texts):
            raise Wrong(f"{name} has not cosigned it")
    print(f"{size} leaves hold")
    return 0


def main():
    """The same, with what is wrong in words."""
    try:
        return judged()
    except (Wrong, InvalidSignature, ValueError, OSError) as wrong:
        print(f"FAILED: {wrong or type(wrong).__name__}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
