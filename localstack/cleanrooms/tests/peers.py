"""Peers of the stage, brought up by its harness when a test needs one. Must not know what a test does with them."""

import contextlib
import subprocess
from pathlib import Path

HARNESS = Path(__file__).parents[2] / "harness"


class NotRun(Exception):
    """Why a peer is not there."""


def _harness(act, name):
    return subprocess.run([HARNESS, act, name], capture_output=True, text=True, check=False)


@contextlib.contextmanager
def up(name):
    """The variables of a peer that runs; one that did not run before is stopped afterwards."""
    ours = _harness("status", name).returncode != 0
    done = _harness("up", name)
    if done.returncode:
        raise NotRun(f"{name} is not up: {done.stderr.strip()[-600:]}")
    lines = Path(done.stdout.strip()).read_text(encoding="utf-8").splitlines()
    try:
        yield dict(line.removeprefix("export ").split("=", 1) for line in lines)
    finally:
        if ours:
            _harness("down", name)
