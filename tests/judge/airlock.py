"""Drives the gateway's command line and reads what it delivered. Must not know: what an answer should be."""

import json
import os
import subprocess
import sys
import urllib.parse
from pathlib import Path

import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2]


class NotRun(Exception):
    """Something that this proof needs is not there."""


class Failed(Exception):
    """A command ended with something else than success."""

    def __init__(self, arguments, code, output, errors):
        super().__init__(f"airlock {' '.join(arguments[:4])} ended with {code}: {(errors or output).strip()[:600]}")
        self.code, self.output, self.errors = code, output, errors


class Airlock:
    """The binary with one home."""

    def __init__(self, binary, home: Path, environment=None):
        self.binary, self.home = str(binary), home
        self.environment = dict(os.environ) | (environment or {})

    def printed(self, *arguments, timeout=300):
        """Runs a command; what it printed, or Failed."""
        command = [self.binary, "--home", str(self.home), "--json", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=self.environment, check=False)
        if done.returncode != 0:
            raise Failed(arguments, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def call(self, *arguments, **words):
        """Runs a command; its object, or Failed."""
        return json.loads(self.printed(*arguments, **words))

    def lines(self, *arguments, **words):
        """The same of a command that prints several objects."""
        return [json.loads(line) for line in self.printed(*arguments, **words).splitlines()]

    def refused(self, *arguments, **words):
        """What is said of a command that must not succeed: the exit code, and the error as it is printed for machines."""
        try:
            done = self.call(*arguments, **words)
        except Failed as failure:
            return failure.code, json.loads(failure.output.splitlines()[-1])["error"]
        raise AssertionError(f"airlock {' '.join(arguments[:4])} succeeded: {json.dumps(done)[:400]}")

    def settle(self, file: Path, collaboration: str, members, approvals=None):
        """From an agreement file to a collaboration where everything is approved, or only what `approvals` names of each member."""
        for member in members:
            self.call("keygen", "--member", member)
        self.call("apply", str(file), "--as", members[0])
        for member in members:
            self.call("join", collaboration, "--as", member)
        for member in members:
            words = ["--all"] if approvals is None else sorted(approvals.get(member, ()))
            if words:
                self.call("approve", collaboration, *words, "--as", member)


def binary(named):
    """The binary to judge: as named, from AIRLOCK_BIN, or where cargo puts it."""
    target = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    places = [named or os.environ.get("AIRLOCK_BIN")] if named or os.environ.get("AIRLOCK_BIN") else [target / "release/airlock", target / "debug/airlock"]
    for place in places:
        if Path(place).is_file() and os.access(place, os.X_OK):
            return Path(place).absolute()
    raise NotRun(f"no airlock binary at {' or '.join(map(str, places))}: build it, or name it with --airlock or AIRLOCK_BIN")


def artefacts():
    """Where what people look at afterwards is kept: as AIRLOCK_ARTEFACTS says, or beside what cargo builds."""
    target = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    return Path(os.environ.get("AIRLOCK_ARTEFACTS") or target / "artefacts").absolute()


def local(text):
    """A path from a path or file URL."""
    return Path(urllib.parse.unquote(text[7:])) if text.startswith("file://") else Path(text)


def delivered(report, receiver):
    """Column names and rows that a receiver got, read through the manifest; nothing when there is none for it."""
    for result in report["results"]:
        if result["receiver"] != receiver:
            continue
        manifest_at = local(result["manifest"])
        manifest = json.loads(manifest_at.read_text(encoding="utf-8"))
        names, rows = None, []
        for part in manifest["files"]:
            table = pq.read_table(manifest_at.parent / part["name"], partitioning=None)
            names = table.column_names
            rows += list(zip(*[c.to_pylist() for c in table.columns], strict=True))
        return names, rows
    return None, []


def guarded(work, allow_not_run):
    """Runs a proof; says NOT RUN loudly, and fails for it unless that was allowed by name."""
    try:
        return work()
    except NotRun as reason:
        print(f"NOT RUN: {reason}", flush=True)
        return 0 if allow_not_run else 1
    except Failed as failure:
        print(f"FAILED: {failure}", file=sys.stderr, flush=True)
        return 1
