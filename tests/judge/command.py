"""A judge as a command: its words, a folder of its own, and how it ends. Must not know what is judged."""

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path

import airlock

FLAG = {"action": "store_true"}


@contextlib.contextmanager
def folder(name, kept=None):
    """A new folder that is gone afterwards, or the one that is kept."""
    if kept:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept.absolute()
        return
    with tempfile.TemporaryDirectory(prefix=f"airlock-{name}-", ignore_cleanup_errors=True) as place:
        yield Path(place)


def main(name, document, work, words=(), wrong=()):
    """Ends with what `work` gives, which is called with the words of the command line and a folder. `words`: {flag: options of argparse} beside those that
    every judge has. `wrong`: errors that are said in their own words and are no fault of the judge."""
    ask = argparse.ArgumentParser(description=document.splitlines()[0])
    for flag, options in dict(words).items():
        ask.add_argument(flag, **options)
    ask.add_argument("--airlock", help="the binary")
    ask.add_argument("--keep", type=Path, metavar="DIR", help="a folder, empty or not there yet, to leave everything in")
    ask.add_argument("--allow-not-run", **FLAG, help="what this machine lacks is no failure")
    arguments = ask.parse_args()
    if arguments.keep and arguments.keep.exists() and (not arguments.keep.is_dir() or any(arguments.keep.iterdir())):
        ask.error(f"{arguments.keep} is there already, and is not empty")
    try:
        with folder(name, arguments.keep) as place:
            return airlock.guarded(lambda: work(arguments, place), arguments.allow_not_run)
    except tuple(wrong) as said:
        print(f"FAILED: {said}", file=sys.stderr)
        return 1
