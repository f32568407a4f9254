"""Plays scenes in their turn and says which hold, for every judge that has scenes. Must not know what they are about."""

import subprocess
import time

import botocore.exceptions

import airlock
import command


def played(scenes, made, arguments, folder):
    """Every scene in its turn, each on what `made` makes for it; 0 when nothing was wrong."""
    failed, several = [], 0
    for one in scenes:
        if arguments.only and one.__name__ != arguments.only:
            continue
        begun, scene, wrong = time.monotonic(), made(arguments, folder, one.__name__), []
        try:
            one(scene)
        except airlock.NotRun as reason:
            print(f"NOT RUN: {one.__name__}: {reason}", flush=True)
            failed += [] if arguments.allow_not_run else [one.__name__]
            continue
        except (airlock.Failed, AssertionError, KeyError, IndexError, TypeError, subprocess.TimeoutExpired, botocore.exceptions.ClientError) as error:
            wrong = [f"{type(error).__name__} {error}"]
        several, wrong = several + 1, scene.wrong + wrong
        said = (one.__doc__ or "").splitlines()[0]
        print(f"{'WRONG' if wrong else 'holds'}: {one.__name__}, {time.monotonic() - begun:.1f} s: {said}", flush=True)
        for line in wrong:
            print(f"  {line[:1200]}", flush=True)
        failed += [one.__name__] if wrong else []
    print(f"{several} scenes, {len(failed)} wrong")
    return 1 if failed or not several else 0


def main(name, document, scenes, made):
    """One run over the stage that is up, by the words of the command line."""
    return command.main(name, document, lambda arguments, folder: played(scenes, made, arguments, folder), {"--only": {"choices": [one.__name__ for one in scenes]}})
