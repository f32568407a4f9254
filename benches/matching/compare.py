"""Alternates the kernel and DuckDB over the same files, each in a process of its own, and prints a table."""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def measured(command):
    """What the process printed, line by line, and its peak memory in MB."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines = process.stdout.read().splitlines()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command[0]} ended with {process.returncode}")
    return [json.loads(line) for line in lines], usage.ru_maxrss / 1024


def same(ours, theirs):
    close = lambda a, b: abs(a - b) <= 1e-9 * max(1.0, abs(a), abs(b))
    return ours.keys() == theirs.keys() and all(close(ours[k], theirs[k]) for k in ours)


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("--kernel", type=pathlib.Path, required=True)
    ask.add_argument("--folder", type=pathlib.Path, required=True)
    ask.add_argument("--rows", type=int, required=True)
    ask.add_argument("--keys", choices=["hex", "bytes"], required=True)
    ask.add_argument("--threads", type=int, default=2)
    ask.add_argument("--rounds", type=int, default=3)
    ask.add_argument("--timed", type=int, default=2, help="timed runs in a round, after one warm-up")
    ask.add_argument("--query", action="append", choices=["overlap", "aggregate"])
    ask.add_argument("--memory-mb", type=int, default=4096, help="the kernel's memory limit")
    asked = ask.parse_args()
    files = [str(asked.folder / f"{side}-{asked.keys}-{asked.rows}.parquet") for side in ("left", "right")]
    spill = asked.folder / "spill"
    spill.mkdir(mode=0o700, exist_ok=True)
    repeats = str(asked.timed + 1)
    print(f"{asked.rows:,} x {asked.rows:,} rows, {asked.keys} keys, {asked.threads} threads;"
          f" medians of {asked.rounds * asked.timed} (min-max)\n")
    print("| query | kernel s | DuckDB s | time ratio | kernel MB | DuckDB MB | memory ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for query in asked.query or ["overlap", "aggregate"]:
        kernel = [str(asked.kernel), query, *files, str(asked.threads), str(asked.memory_mb), str(spill), repeats]
        duckdb = [sys.executable, str(HERE / "duckdb_side.py"), query, *files, str(asked.threads), repeats]
        times, peaks, answers = ([], []), ([], []), ([], [])
        for _ in range(asked.rounds):
            for n, command in enumerate((kernel, duckdb)):
                lines, peak = measured(command)
                times[n].extend(line["seconds"] for line in lines[1:])
                answers[n].extend(line["answer"] for line in lines)
                peaks[n].append(peak)
        if not all(same(answers[0][0], other) for other in answers[0] + answers[1]):
            sys.exit(f"{query}: the answers differ: {answers[0][0]} and {answers[1][0]}")
        middle = [statistics.median(t) for t in times]
        memory = [max(p) for p in peaks]
        told = [f"{m:.3f} ({min(t):.3f}-{max(t):.3f})" for m, t in zip(middle, times)]
        print(f"| {query} | {told[0]} | {told[1]} | {middle[0] / middle[1]:.2f}"
              f" | {memory[0]:.0f} | {memory[1]:.0f} | {memory[0] / memory[1]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
