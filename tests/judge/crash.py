#!/usr/bin/env python3
"""Kills runs at points spread over their whole length, and looks at what a reader of the destination would see.

    crash.py [--airlock PATH] [--kills N]

After each kill the destination holds whole results only, or parts without a manifest that the next command takes back;
in the end the log verifies, every run has an outcome, and nothing is left in the gateway's scratch folder.
"""

import hashlib
import json
import subprocess
import sys
import time

sys.dont_write_bytecode = True

import airlock  # noqa: E402
import command  # noqa: E402
import proofs  # noqa: E402
import world  # noqa: E402

SQL = "SELECT e.campaign, COUNT(DISTINCT e.viewer) AS people FROM exposures e GROUP BY e.campaign"


def whole(manifest_at):
    """Whether a manifest's files are all there, each as the manifest says."""
    for part in json.loads(manifest_at.read_text(encoding="utf-8"))["files"]:
        body = (manifest_at.parent / part["name"]).read_bytes()
        if part["bytes"] != len(body) or part["sha256"] != "sha256:" + hashlib.sha256(body).hexdigest():
            return False
    return True


def prove(arguments, folder):
    """The whole proof."""
    world.write_world(folder, 3).close()
    template = {"class": "aggregate", "run_by": ["beta"], "received_by": ["beta"], "sql": SQL}
    agreed = world.agreement(folder, {"reach": template}, arguments.kills + 10)
    file = folder / "agreement.json"
    file.write_text(json.dumps(agreed), encoding="utf-8")
    gateway = airlock.Airlock(airlock.binary(arguments.airlock), folder / "home")
    gateway.settle(file, world.COLLABORATION, list(world.MEMBERS))
    results = airlock.local(agreed["destinations"]["beta"])
    run = ["run", world.COLLABORATION, "reach", "--as", "beta"]
    begun = time.monotonic()
    gateway.call(*run)
    length = time.monotonic() - begun
    cut, problems = 0, []
    for number in range(arguments.kills):
        command = [gateway.binary, "--home", str(gateway.home), "--json", *run, "--run-id", f"killed-{number}"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(length * 1.1 * number / arguments.kills)
        process.kill()
        cut += process.wait() != 0
        broken = [m for m in results.rglob("manifest.json") if not whole(m)]
        problems += [f"kill {number}: {m} speaks of files that are not there" for m in broken]
    # The next command settles whatever was left, and itself passes.
    gateway.call(*run)
    for file in results.rglob("*"):
        beside = file.parent / "manifest.json"
        named = beside.exists() and [p["name"] for p in json.loads(beside.read_text(encoding="utf-8"))["files"]]
        if file.is_file() and file != beside and file.name not in (named or ()):
            problems.append(f"{file} is no part of a result")
    left = [p.name for p in (gateway.home / "scratch").iterdir()]
    problems += [f"left in scratch: {name}" for name in left]
    key = gateway.call("audit", "export", world.COLLABORATION, "--to", str(folder / "log"))["key"]
    leaves = proofs.verify(folder / "log", key)
    log = (folder / "log/leaves.jsonl").read_text(encoding="utf-8")
    asked, ended = log.count('"run-requested"'), log.count('"run-succeeded"') + log.count('"run-failed"') + log.count('"run-cancelled"')
    if asked != ended:
        problems.append(f"{asked} runs were asked for, {ended} have an outcome")
    for problem in problems:
        print(f"  WRONG: {problem}")
    print(f"{arguments.kills} kills over {length:.2f} s, {cut} of them in time: {asked} runs of {leaves} leaves, {len(problems)} problems")
    return 1 if problems or cut == 0 else 0


if __name__ == "__main__":
    sys.exit(command.main("crash", __doc__, prove, {"--kills": {"type": int, "default": 24}}))
