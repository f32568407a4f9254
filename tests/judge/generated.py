#!/usr/bin/env python3
"""Runs generated agreements in four rooms, and judges each result by what DuckDB says that the agreement means.

    generated.py [--agreements N] [--from N] [--seed N] [--airlock PATH] [--keep DIR] [--self-test] [--allow-not-run]

Each agreement has terms, templates and data of its own (`terms.py`); ten of them lie side by side in one gateway's folder, over the same
accounts of both twins. Where the assessment holds a template as agreed, its rows are DuckDB's. Where it says that thin groups are merged
(a share of Snowflake), they are those that DuckDB gives when it merges them. Where it says that a template does not run, or that a room
can't hold a term, the room refuses and nothing but a look reaches its platform. Where it says that a minimum is held more narrowly (AWS may ask
the largest of several of each dataset, and then says the same of the class of a LEFT JOIN), rows may be fewer by just that. Columns have the types that the native room gives them.
`--self-test` changes what was seen, and each change must be noticed. The twins are ours: this is no proof about either platform.
Must not know how the gateway plans.
"""

import collections
import concurrent.futures
import copy
import json
import os
import re
import shutil
import sys
import time
from dataclasses import dataclass

sys.dont_write_bytecode = True

import pyarrow.parquet as pq  # noqa: E402

import accounts  # noqa: E402
import airlock  # noqa: E402
import command  # noqa: E402
import judge  # noqa: E402
import stage  # noqa: E402
import terms  # noqa: E402
from terms import AWS, ROOMS, SHARES  # noqa: E402

BESIDE = 10  # agreements in one gateway's folder
PARALLEL = 4  # runs wait for a platform more than they work
EMPTY_SHARE_MAX = 0.4
LOOK = re.compile(r"SHOW |DESC |SELECT CURRENT_\w+\(|SELECT [\w, ]+ FROM \S+\.INFORMATION_SCHEMA\.|CALL \w+\.(?:COLLABORATION|REGISTRY)\.(?:VIEW_\w+|GET_STATUS)\(")
QUOTAS = {"analysis templates per membership": 100, "collaborations created per account": 200, "memberships per account": 1000, "configured tables per account": 2000,
          "concurrent queries per account": 100, "ongoing queries per membership": 100}


@dataclass
class Seen:
    """What became of one template in one room, beside what the assessment says of it."""

    room: str
    template: str
    audience: bool
    away: bool
    fidelity: str
    narrower: bool
    refused: str = ""
    columns: list = None
    types: list = None
    rows: list = None
    suppression: str = ""
    withheld: int = None


def judged(seen, case, wanted, types, withheld):
    """Why what was seen is not what was agreed; nothing where it is. `wanted`: rows as agreed, where thin groups are merged, and each way in which
    they may be fewer where the room asks for more people than a minimum."""
    exact, merged, narrowed = wanted
    if seen.away or seen.refused:
        return None if seen.away and seen.refused else f"refused: {seen.refused}" if seen.refused else "it ran where the assessment says that it doesn't"
    merges, explained = seen.fidelity == "wider", seen.fidelity == "narrower" and seen.room == AWS and seen.narrower
    if merges and seen.room != SHARES or not explained and seen.fidelity not in ("exact", "wider"):
        return f"the assessment says {seen.fidelity} of its class, which nothing here explains"
    if seen.suppression != ("merged" if merges else "dropped"):
        return f"the manifest says {seen.suppression} of thin groups where the assessment says {seen.fidelity}"
    rows = merged if merges else exact
    why = judge.difference(rows, seen.rows)
    if why and not (seen.narrower and any(judge.difference(fewer, seen.rows) is None for fewer in narrowed)):
        return why
    if rows and (seen.columns, seen.types) != (case.columns, types):
        return f"columns {list(zip(seen.columns, seen.types, strict=True))}, not {list(zip(case.columns, types or [], strict=False))}"
    known = bool(withheld) if seen.audience and withheld is not None else withheld
    told = bool(seen.withheld) if seen.audience and seen.withheld is not None else seen.withheld
    if seen.room != "native" and told is not None or seen.room == "native" and known is not None and told != known:
        return f"{seen.withheld} groups withheld, DuckDB withholds {withheld}"
    return None


class Batch:
    """Some agreements side by side: one folder of a gateway, the same accounts, their own tables."""

    def __init__(self, arguments, folder, numbers):
        self.folder, self.failures, self.seen, self.told = folder, [], [], collections.Counter()
        folder.mkdir(parents=True)
        self.home = folder / "home"
        self.aws = stage.Stage(folder, terms.NUMBERS)
        self.aws.tell("POST", "settings", {"query_start_s": 0.0, "query_run_s": 0.0})
        self.aws.tell("POST", "quotas", QUOTAS)
        self.snow = accounts.Accounts(terms.SEATS)
        self.aws.connect(self.home, receivers=("beta", "gamma"))
        # Whatever text is a value: none is refused for what it would be if it were put into a statement.
        self.snow.connect(self.home, verified=("preset-tables", "parameters-bound"))
        self.gateway = airlock.Airlock(airlock.binary(arguments.airlock), self.home, self.aws.environment())
        self.pool = concurrent.futures.ThreadPoolExecutor(PARALLEL)
        self.made = [terms.make(folder / f"agreement-{number}", arguments.seed, number) for number in numbers]

    def each(self, act, items):
        """An act on each of some items, several at a time."""
        return list(self.pool.map(act, items))

    def failed(self, made, what, why):
        """Notes a failure."""
        self.failures.append((made.name, what, why))

    def file(self, made):
        """Its file, written anew."""
        file = self.folder / f"{made.name}.json"
        file.write_text(json.dumps(made.document, ensure_ascii=False), encoding="utf-8")
        return str(file)

    def check(self, made):
        """The gateway's check, without templates that the guard refuses."""
        while True:
            try:
                made.checked = self.gateway.call("check", self.file(made))
                return
            except airlock.Failed as failure:
                problems = json.loads(failure.output.splitlines()[-1] if failure.output else "{}").get("error", {}).get("problems", [])
                no = {p["at"].split(".")[1]: p["message"] for p in problems if p["at"].startswith("templates.")}
                if not no:
                    raise
                made.refused += len(no)
                self.told.update(f"guard: {why}"[:110] for why in no.values())
                terms.keep(made, {case.name for case in made.cases} - no.keys())

    def agreed(self, made):
        """Checked, cut down to a few templates, checked again, its tables on the platforms, in force and approved; waivers given where a room asks."""
        self.check(made)
        terms.keep(made, terms.choose(made))
        self.check(made)
        for name, dataset in made.document["datasets"].items():
            self.aws.table(dataset["owner"], "judged", made.table(name), made.files[name])
            self.snow.table(dataset["owner"], "JUDGED", made.table(name).upper(), made.files[name])
        self.gateway.call("apply", self.file(made), "--as", "alpha")
        for member in terms.SEATS:
            self.gateway.call("join", made.name, "--as", member)
        for member in terms.SEATS:
            self.gateway.call("approve", made.name, "--all", "--as", member)
        for room in ROOMS[1:]:
            if made.unheld(room) or made.looser(room):
                self.waive(made, room)

    def waive(self, made, room):
        """Every waiver that a room asks for, by each owner; one that lacks a term altogether is refused and stays so."""
        code, error = self.gateway.refused("apply", made.name, "--room", room)
        if code != 3:
            self.failed(made, room, f"without waivers: {code} {error['code']}")
        if made.unheld(room):
            return
        owed = collections.defaultdict(list)
        for problem in error["problems"]:
            for owner in problem["help"].removeprefix("waived by ").split(":")[0].split(", "):
                owed[owner].append(problem["at"].split()[-1])
        for owner, places in owed.items():
            self.gateway.lines("waive", made.name, "--room", room, *(f"--at={at}" for at in places), "--as", owner)
            self.told["waivers"] += len(places)

    def settled(self):
        """From files to rooms in which everything is open, or which refuse: one pass of a worker for all of them."""
        for member in terms.SEATS:
            self.gateway.call("keygen", "--member", member)
        self.each(self.agreed, self.made)
        try:
            passes = self.gateway.call("sync", "--once", timeout=1500)["passes"]
        except airlock.Failed as failure:
            error = json.loads(failure.output.splitlines()[-1])["error"]
            raise AssertionError(f"sync: {json.dumps(error)[:3000]}") from failure
        rooms = {(one["collaboration"], room["room"]): room for one in passes for room in one["rooms"]}
        waits = {one["collaboration"]: one["waits"] for one in passes if one["waits"]}
        for made in self.made:
            for room in ROOMS[1:]:
                held = rooms.get((made.name, room), {"open": [], "waiting": [], "steps": 0})
                runs = {f"template {c.name}" for c in made.cases if not made.away(room, c.name)} if not made.unheld(room) else set()
                there = {one for one in held["open"] if one.startswith("template ")}
                if there != runs or held["waiting"] or made.unheld(room) and held["open"]:
                    self.failed(made, room, f"open {sorted(there)} and waits for {held['waiting']} {waits.get(made.name)}, not {sorted(runs)}")
                self.told["steps"] += held["steps"]

    def asked(self):
        """How many statements that are more than a look, and how many queries, the platforms were asked so far."""
        more = [one for one in self.snow.statements() if not LOOK.match(one["text"])]
        return len(more), sum(one["operation"] == "StartProtectedQuery" for one in self.aws.log())

    def run(self, job):
        """One template in one room."""
        made, case, room = job
        verdict = made.held(room).get(f"templates.{case.name}.class", {"fidelity": "exact"})
        seen = Seen(room, case.name, case.audience, made.away(room, case.name) or bool(made.unheld(room)), verdict["fidelity"], made.narrower(room, case.sql))
        try:
            report = self.gateway.call(*terms.words(made, case, room))
        except airlock.Failed as failure:
            error = json.loads(failure.output.splitlines()[-1])["error"] if failure.output else {"code": "nothing", "message": failure.errors}
            seen.refused = f"{error['code']}: {error['message']}"[:300]
            return made, case, [seen]
        return made, case, [self.delivered(copy.copy(seen), result) for result in report["results"]]

    @staticmethod
    def delivered(seen, result):
        """What one receiver got."""
        place = airlock.local(result["manifest"])
        manifest = json.loads(place.read_text(encoding="utf-8"))
        seen.suppression, seen.withheld, seen.rows = manifest["suppression"], manifest["withheld"], []
        for part in manifest["files"]:
            table = pq.read_table(place.parent / part["name"], partitioning=None)
            seen.columns, seen.types = table.column_names, [str(field.type) for field in table.schema]
            seen.rows += list(zip(*[c.to_pylist() for c in table.columns], strict=True))
        return seen

    def play(self):
        """Every template in every room; what is refused alone, to see that nothing was asked for it."""
        jobs = [(made, case, room) for made in self.made for case in made.cases for room in ROOMS]
        away = [job for job in jobs if job[0].away(job[2], job[1].name) or job[0].unheld(job[2])]
        done = self.each(self.run, [job for job in jobs if job not in away])
        before = self.asked()
        done += self.each(self.run, away)
        self.each(self.turned_away, enumerate(self.made))
        if self.asked() != before:
            self.failures.append(("refused runs", "platforms", f"statements and queries: {before} before, {self.asked()} after"))
        self.seen = [(made, case, one) for made, case, all_seen in done for one in all_seen]

    def turned_away(self, numbered):
        """A run by whom the agreement does not name, or with a parameter that it does not have, in one of the rooms."""
        number, made = numbered
        case, room = made.cases[0], ROOMS[number % len(ROOMS)]
        stranger = terms.stranger(made, case)
        line = terms.words(made, case, room, stranger) if stranger else (*terms.words(made, case, room), "--set=nothing=1")
        code, error = self.gateway.refused(*line)
        if code not in (2, 3):
            self.failed(made, room, f"a run that was not agreed ended with {code}, {error['code']}")
        self.told["runs that nobody agreed to, refused"] += 1

    def judge(self):
        """Judges everything that was seen, and counts it."""
        types = {(made.name, case.name): one.types for made, case, one in self.seen if one.room == "native" and one.rows}
        for made, case, one in self.seen:
            wanted = made.wanted(case.name)
            of_room = types.get((made.name, case.name)) or one.types
            if why := judged(one, case, wanted, of_room, made.withheld[case.name]):
                self.failed(made, f"{case.name} ({case.shape}) in {one.room}", f"{why}\n    {case.sql}\n    {case.expected if one.room != SHARES else case.merged or case.expected}")
            self.told[f"{one.room}: {'refused as declared' if one.away else one.fidelity}"] += 1
            if one.rows is not None:
                self.told["rows"] += len(one.rows)
                self.told["results without a row"] += not one.rows
                self.told["results"] += 1
                self.told["results with fewer rows, as declared"] += one.narrower and judge.difference(wanted[0], one.rows) is not None
                self.told["rows of merged groups"] += max(0, len(one.rows) - len(wanted[0])) if one.fidelity == "wider" else 0


def proved(arguments, folder):
    """Every batch; what was made, seen and found wrong."""
    if not os.environ.get("AIRLOCK_SNOWFLAKE"):
        raise airlock.NotRun("no Snowflake twin: localstack/harness up snowflake")
    made, seen, failures, told = [], [], [], collections.Counter()
    end = arguments.first + arguments.agreements
    for begin in range(arguments.first, end, BESIDE):
        begun, numbers = time.monotonic(), range(begin, min(begin + BESIDE, end))
        batch = Batch(arguments, folder / f"beside-{begin}", numbers)
        marks = [time.monotonic()]
        for act in (batch.settled, batch.play, batch.judge):
            act()
            marks.append(time.monotonic())
        took = ", ".join(f"{what} {b - a:.0f} s" for what, a, b in zip(("made", "settled", "run", "judged"), [begun, *marks], marks, strict=False))
        print(f"agreements {numbers[0]} to {numbers[-1]}: {len(batch.seen)} results, {len(batch.failures)} failures; {took}", flush=True)
        for name, what, why in batch.failures:
            print(f"MISMATCH {name}: {what}\n    {why}", flush=True)
        made, seen, failures, told = made + batch.made, seen + batch.seen, failures + batch.failures, told + batch.told
        if not arguments.keep:
            shutil.rmtree(batch.folder, ignore_errors=True)
    return made, seen, failures, told


def prove(arguments, folder):
    """The whole proof; 0 when it holds."""
    begun = time.monotonic()
    made, seen, failures, told = proved(arguments, folder)
    distinct = len({one.terms() for one in made})
    print(f"seed {arguments.seed}: {len(made)} agreements, {distinct} of them distinct, {sum(len(one.cases) for one in made)} templates ({sum(one.refused for one in made)} more refused by the guard), "
          f"{time.monotonic() - begun:.0f} s", flush=True)
    print("terms: " + ", ".join(f"{count} with {what}" for what, count in terms.counted(made).items()))
    print("seen: " + ", ".join(f"{count} {what}" for what, count in sorted(told.items())))
    few = few_runs(made)
    print(f"{len(few)} rooms of agreements with fewer than two templates run there: {', '.join(few[:12])}")
    bad = bool(failures) or distinct < len(made) or told["results without a row"] > EMPTY_SHARE_MAX * max(1, told["results"]) or not told["rows"]
    if arguments.self_test and not bad:
        bad = not noticed(seen)
    print(f"{len(failures)} failed", flush=True)
    return 1 if bad else 0


def few_runs(made):
    """Rooms that admit an agreement and run fewer than two of its templates."""
    return [f"{one.name} {room}" for one in made for room in ROOMS if not one.unheld(room) and sum(not one.away(room, c.name) for c in one.cases) < 2]


# The judge judged

def changes():
    """{what is changed: a function that changes what was seen in one room, or gives nothing where that can't be}."""
    def rows(act):
        def changed(one, wanted):
            if one.away or not one.rows:
                return None
            made = act([list(row) for row in one.rows])
            return None if made is None else (one_with(one, rows=made), wanted)
        return changed

    def number(by):
        def act(found):
            for row in found:
                for place, value in enumerate(row):
                    if isinstance(value, (int, float)) and not isinstance(value, bool) and value == value and by(value) != value:
                        row[place] = by(value)
                        return found
            return None
        return act

    def one_with(one, **fields):
        other = copy.copy(one)
        for name, value in fields.items():
            setattr(other, name, value)
        return other

    def when(test, **fields):
        return lambda one, wanted: (one_with(one, **fields), wanted) if test(one, wanted) else None

    ran = lambda one, _: not one.away  # noqa: E731
    differs = lambda one, wanted: not one.away and judge.difference(*wanted[:2]) is not None  # noqa: E731
    return {
        "a row is missing": rows(lambda found: found[1:]), "a row comes twice": rows(lambda found: [*found, found[0]]),
        "a figure is one more": rows(number(lambda v: v + 1)), "a figure is a millionth more": rows(number(lambda v: v * 1.000001 if isinstance(v, float) else v)),
        "a row of NULLs is there": rows(lambda found: [*found, [None] * len(found[0])]),
        "a value is another text": rows(lambda found: next(([*found[:i], [("no " + v) if isinstance(v, str) else v for v in row], *found[i + 1:]] for i, row in enumerate(found) if any(isinstance(v, str) for v in row)), None)),
        "a column has another name": lambda one, wanted: (one_with(one, columns=["other", *one.columns[1:]]), wanted) if one.rows else None,
        "a column has another type": lambda one, wanted: (one_with(one, types=["binary", *one.types[1:]]), wanted) if one.rows else None,
        "thin groups are left out where the assessment says merged": lambda one, wanted: (one_with(one, rows=wanted[0]), wanted) if one.fidelity == "wider" and differs(one, wanted) else None,
        "thin groups are merged where the assessment says exact": lambda one, wanted: (one_with(one, rows=wanted[1]), wanted) if one.fidelity == "exact" and differs(one, wanted) else None,
        "rows are fewer, as a larger minimum has them, where the assessment says nothing of one": lambda one, wanted: (
            one_with(one, rows=wanted[0][1:], narrower=False), (*wanted[:2], [wanted[0][1:]])) if not one.away and one.fidelity == "exact" and wanted[0] else None,
        "the assessment says exact where groups were merged": when(lambda one, wanted: differs(one, wanted) and one.fidelity == "wider", fidelity="exact"),
        "the assessment says merged of a room that leaves out": when(lambda one, wanted: ran(one, wanted) and one.fidelity == "exact", fidelity="wider"),
        "the assessment says narrower of a class where it says so of no minimum": when(ran, fidelity="narrower", narrower=False),
        "the assessment says unsupported of what ran": when(ran, fidelity="unsupported"), "the assessment says that it does not run there": when(ran, away=True),
        "it ran where it is declared not to": when(lambda one, _: one.away, refused="", rows=[], columns=[], types=[], suppression="dropped"),
        "a run is refused that was declared": when(ran, refused="column-revoked: "), "the manifest says nothing of merged groups": when(lambda one, _: one.suppression == "merged", suppression="dropped"),
        "the manifest says merged where nothing was": when(lambda one, _: one.suppression == "dropped", suppression="merged"),
        "a platform says how much it withheld": when(lambda one, wanted: ran(one, wanted) and one.room != "native", withheld=1),
        "the native room miscounts what it withheld": lambda one, wanted: (one_with(one, withheld=one.withheld + 1), wanted) if one.room == "native" and one.withheld and not one.audience else None,
    }


def noticed(seen):
    """Whether each change of what was seen is noticed wherever it is made, beside the same unchanged, which passes."""
    missed = 0
    for what, change in changes().items():
        tried, passed = 0, 0
        for made, case, one in seen:
            wanted = made.wanted(case.name)
            withheld = made.withheld[case.name]
            if one.room == "native" and withheld is None and what.startswith("the native room"):
                continue
            if changed := change(one, wanted):
                other, rows = changed
                tried += 1
                passed += judged(other, case, rows, one.types, withheld) is None
        print(f"  {what}: {tried} times, {'never' if not passed else passed} unnoticed")
        missed += bool(passed) or not tried
    print(f"self-test: {len(changes()) - missed} of {len(changes())} changes were noticed wherever they were made")
    return not missed


if __name__ == "__main__":
    sys.exit(command.main("generated", __doc__, prove, {
        "--agreements": {"type": int, "default": 200, "help": "200 take over an hour on two cores"},
        "--from": {"dest": "first", "type": int, "default": 0, "metavar": "N", "help": "the number of the first one: those before it were played already"},
        "--seed": {"type": int, "default": 1},
        "--self-test": command.FLAG,
    }))
