#!/usr/bin/env python3
"""Runs generated templates through the gateway and through DuckDB, and compares every row.

    judge.py [--seed N] [--count N] [--airlock PATH] [--keep DIR] [--only NAME] [--dry] [--allow-not-run]

Rows are compared as multisets; text, integers, booleans, dates and times exactly; floats within a relative 1e-9, because
sums of floats depend on the order of rows; a date equals midnight of that day, because engines differ in what date_trunc
of a date is. An activation's rows are compared as a set, for an audience is one. It refuses to pass when fewer than 300 templates were compared or more than 30 % had nothing to show.
"""

import collections
import concurrent.futures
import datetime
import decimal
import json
import math
import random
import sys
import time

sys.dont_write_bytecode = True

import airlock  # noqa: E402
import command  # noqa: E402
import grammar  # noqa: E402
import world  # noqa: E402

TOLERANCE = 1e-9
COMPARED_MIN = 300
EMPTY_SHARE_MAX = 0.3
PARALLEL = 2


def plain(value):
    """A value in the form that both sides are compared in."""
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, datetime.date):
        return datetime.datetime(value.year, value.month, value.day)
    if isinstance(value, decimal.Decimal):
        return int(value) if value.as_tuple().exponent >= 0 else float(value)
    return value


def close(mine, theirs):
    """Whether two floats are the same but for the order of a sum."""
    if math.isnan(mine) or math.isnan(theirs):
        return math.isnan(mine) and math.isnan(theirs)
    return math.isclose(mine, theirs, rel_tol=TOLERANCE, abs_tol=1e-12)


def bags(rows):
    """Rows by their exact values; the floats of each kept apart, in order."""
    out = collections.defaultdict(list)
    for row in rows:
        row = [plain(v) for v in row]
        exact = tuple((type(v).__name__, v) if not isinstance(v, float) else ("float",) for v in row)
        out[exact].append(tuple(v for v in row if isinstance(v, float)))
    return {exact: sorted(floats) for exact, floats in out.items()}


def difference(expected, got):
    """What is different between two multisets of rows; nothing when they are the same."""
    want, have = bags(expected), bags(got)
    for exact in want.keys() | have.keys():
        mine, theirs = want.get(exact, []), have.get(exact, [])
        if len(mine) != len(theirs):
            return f"{len(mine)} rows in DuckDB, {len(theirs)} delivered, like {[v[-1] for v in exact]}"
        for one, other in zip(mine, theirs, strict=True):
            if not all(map(close, one, other)):
                return f"floats {one} in DuckDB, {other} delivered, beside {[v[-1] for v in exact]}"
    return None


def run_one(gateway, case):
    """The gateway's side of one template."""
    settings = [word for n, v in case.settings.items() for word in ("--set", f"{n}={v}")]
    try:
        report = gateway.call("run", world.COLLABORATION, case.name, "--as", "beta", *settings)
        return report, *airlock.delivered(report, "beta")
    except (airlock.Failed, OSError, KeyError, ValueError) as error:
        return error, None, []


def verdict(con, case, outcome):
    """Why a template fails, or nothing, and whether its answer was empty."""
    expected = con.execute(case.expected).fetchall()
    report, names, rows = outcome
    if isinstance(report, Exception):
        return f"{type(report).__name__}: {report}", not expected
    if report["state"] != "succeeded":
        return f"state {report['state']}", not expected
    if expected and names != case.columns:
        return f"columns {case.columns} in the template, {names} delivered", False
    found = difference(expected, rows)
    if found:
        return found, not expected
    if report["rows"] != len(expected):
        return f"the rows are the same, but {report['rows']} were reported to the runner: DuckDB has {len(expected)}", not expected
    if case.withheld:
        withheld = con.execute(case.withheld).fetchone()[0]
        if case.audience:
            withheld, report["withheld"] = bool(withheld), bool(report["withheld"])
        if report["withheld"] != withheld:
            return f"{report['withheld']} groups withheld, DuckDB withholds {withheld}", not expected
    return None, not expected


def refused(gateway, file, cases):
    """Templates that the guard refuses, with its words. The file as a whole is checked first."""
    try:
        gateway.call("check", str(file))
        return {}
    except airlock.Failed as failure:
        whole = failure
    out = {}
    for case in cases:
        try:
            gateway.call("explain", str(file), case.name)
        except airlock.Failed as failure:
            out[case.name] = str(failure)
    if not out:
        raise whole
    return out


def write(folder, cases):
    """The agreement file over these templates."""
    document = world.agreement(folder, {c.name: c.template() for c in cases}, 100 * len(cases) + 100)
    file = folder / "agreement.json"
    file.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
    return file


def judge(arguments, folder):
    """The whole proof; 0 when it holds."""
    con = world.write_world(folder, arguments.seed)
    cases = grammar.cases(random.Random(f"templates {arguments.seed}"), arguments.count)
    cases = [c for c in cases if not arguments.only or c.name == arguments.only]
    if arguments.dry:
        return dry(con, cases)
    gateway = airlock.Airlock(airlock.binary(arguments.airlock), folder / "home")
    file = write(folder, cases)
    no = refused(gateway, file, cases)
    allowed = [c for c in cases if c.name not in no]
    file = write(folder, allowed) if no else file
    gateway.settle(file, world.COLLABORATION, list(world.MEMBERS))
    started_at = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        outcomes = list(pool.map(lambda c: run_one(gateway, c), allowed))
    took_s = time.monotonic() - started_at
    failures = [(c, "refused by the guard: " + no[c.name]) for c in cases if c.name in no]
    shapes, empty = collections.Counter(), 0
    for case, outcome in zip(allowed, outcomes, strict=True):
        why, nothing = verdict(con, case, outcome)
        empty += nothing
        shapes[case.shape] += 1
        if why:
            failures.append((case, why))
    return report(arguments, cases, allowed, failures, shapes, empty, took_s)


def dry(con, cases):
    """DuckDB's side alone: every query runs, and not too many have nothing to show."""
    empty = 0
    for case in cases:
        empty += not con.execute(case.expected).fetchall()
        if case.withheld:
            con.execute(case.withheld).fetchall()
    print(f"DuckDB's side only: {len(cases)} queries run, {empty} empty. Nothing was judged.")
    return 0 if empty <= EMPTY_SHARE_MAX * len(cases) else 1


def report(arguments, cases, allowed, failures, shapes, empty, took_s):
    """Says what was seen; 0 when everything holds."""
    for case, why in failures:
        print(f"\nMISMATCH {case.name} ({case.shape}) {json.dumps(case.settings, ensure_ascii=False)}\n  {why}\n  template: {case.sql}\n  DuckDB:   {case.expected}")
    print(f"\nseed {arguments.seed}: {len(allowed)} templates run in {took_s:.1f} s, {PARALLEL} at a time; "
          + ", ".join(f"{n} {s}" for s, n in sorted(shapes.items())))
    print(f"compared as multisets; floats within a relative {TOLERANCE:g}, everything else exactly; {empty} had no row to show")
    bad = bool(failures)
    if len(allowed) < COMPARED_MIN and not arguments.only:
        print(f"TOO FEW: {len(allowed)} compared, at least {COMPARED_MIN} are asked for")
        bad = True
    if empty > EMPTY_SHARE_MAX * max(1, len(allowed)) and not arguments.only:
        print(f"TOO EMPTY: {empty} of {len(allowed)} had nothing to show")
        bad = True
    print(f"{len(cases) - len(failures)} passed, {len(failures)} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(command.main("judge", __doc__, judge, {
        "--seed": {"type": int, "default": 1},
        "--count": {"type": int, "default": 340},
        "--only": {"help": "one template's name"},
        "--dry": command.FLAG | {"help": "DuckDB's side only"},
    }))
