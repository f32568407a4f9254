"""Generated agreements with data for the proof "one agreement, four rooms": the judge's world under other terms each time, and what its
templates mean in DuckDB under just these, where thin groups are left out and where they are merged.

Terms are moved in the world itself, so that one description makes the agreement, the files and DuckDB's side; the gateway reads the
agreement alone. Must not know: what a room holds, nor how.
"""

import collections
import copy
import json
import random
import re
from dataclasses import dataclass, field
from pathlib import Path

import accounts
import grammar
import sail
import stage
import world

AWS, SHARES, CLEAN = "aws-clean-rooms", "snowflake", "snowflake-dcr"
ROOMS = ("native", AWS, SHARES, CLEAN)
NUMBERS = {"alpha": "111111111111", "beta": "222222222222", "gamma": "333333333333"}
SEATS = {"alpha": accounts.PROVIDER, "beta": accounts.CONSUMER, "gamma": "ACME.THIRD"}
CANDIDATES = 9
TEMPLATES = 4
PEOPLE_SHARE = 0.2
RAW_ONE_IN = 16
RELATION = re.compile(r"(?:FROM|JOIN) (\w+)")


@dataclass
class Made:
    """One agreement: its document, the file of each dataset, its templates, and what DuckDB says of each."""

    number: int
    name: str
    document: dict
    files: dict
    cases: list
    raw: bool
    expected: dict = field(default_factory=dict)
    merged: dict = field(default_factory=dict)
    narrowed: dict = field(default_factory=dict)
    withheld: dict = field(default_factory=dict)
    refused: int = 0
    checked: dict = field(default_factory=dict)

    def table(self, dataset):
        """What a dataset's table is called on platforms: each agreement has its own."""
        return f"a{self.number}_{dataset}"

    def wanted(self, template):
        """A template's rows as agreed, where thin groups are merged, and where the largest minimum is asked of several datasets."""
        return self.expected[template], self.merged[template], self.narrowed[template]

    def held(self, room):
        """A room's verdicts by place."""
        return {v["at"]: v for one in self.checked["rooms"] if one["platform"] == room for v in one["verdicts"]}

    def away(self, room, template):
        """Whether the assessment says that a room does not run a template."""
        return any("not run there" in v["reason"] for at, v in self.held(room).items() if at.startswith(f"templates.{template}."))

    def unheld(self, room):
        """Terms that a room can't hold at all, with nobody to close that: it is refused as a whole."""
        return [at for at, v in self.held(room).items() if v["fidelity"] == "unsupported" and v["residual"] == "none"]

    def narrower(self, room, sql):
        """Whether the assessment says of a dataset that a template reads that a room asks for more people than its minimum."""
        return any(self.held(room).get(f"datasets.{n}.rule.entities_min", {}).get("fidelity") == "narrower" for n in RELATION.findall(sql))

    def looser(self, room):
        """Whether a room waits for waivers."""
        return any(v["fidelity"] == "wider" and v["residual"] == "none" for v in self.held(room).values())

    def terms(self):
        """Everything that was agreed, without names and places of this agreement: two that are alike are the same agreement."""
        datasets = {n: {k: v for k, v in d.items() if k != "at"} for n, d in self.document["datasets"].items()}
        return json.dumps([datasets, {n: {**t, "sql": t["sql"]} for n, t in self.document["templates"].items()}, self.document["members"], self.document["limits"]], sort_keys=True)


# Moving terms

def tables(rng):
    """The world's tables under other terms."""
    moved = {}
    for name, usual in world.TABLES.items():
        table = copy.deepcopy(usual)
        table.entities_min = rng.choice((1, 2, 3, 4, 6, 8)) if rng.random() < 0.7 else table.entities_min
        table.audience_min = max(table.entities_min, rng.choice((2, 5, 10, 20)))
        table.join = rng.choice(("required", "optional")) if rng.random() < 0.4 else table.join
        if len(table.keys) > 1 and rng.random() < 0.6:
            table.keys = table.keys[1:]
        _admitted(rng, name, table)
        table.columns = _columns(rng, table.columns, rng.choice(("", "", "c_", "x")))
        moved[name] = table
    return moved


def _admitted(rng, name, table):
    """Consent and row filters: as they are, others, or none; and the same as DuckDB reads it."""
    if table.consent and rng.random() < 0.3:
        table.consent = ()
    elif name == "customers" and rng.random() < 0.5:
        table.consent = ("agreed", "utf8", rng.choice((["yes"], ["Y", "YES"], ["yes", "no"])))
    if name == "support" and rng.random() < 0.3:
        table.consent, table.rows = ("state", "utf8", ["closed"]), []
    elif table.rows and rng.random() < 0.25:
        table.rows = rng.sample(table.rows, rng.randint(0, len(table.rows) - 1))
    for row in table.rows:
        if rng.random() < 0.4 and "any_of" in row:
            row["any_of"] = rng.sample(row["any_of"], rng.randint(1, len(row["any_of"])))
        elif rng.random() < 0.4:
            row |= {"min": rng.choice((2023, 2024)), "max": rng.choice((2024, 2025, 2026))} if "min" in row else {}
    parts = [_in(table.consent[0], table.consent[2])] if table.consent else []
    for row in table.rows:
        parts.append(_in(row["from"], row["any_of"]) if "any_of" in row else f"{row['from']} BETWEEN {row['min']} AND {row['max']}")
    table.where = " AND ".join(parts) or "true"


def _in(column, values):
    return column if values == [True] else f"{column} IN ({', '.join(grammar.quoted(v, 'utf8') for v in values)})"


def _columns(rng, columns, prefix):
    """Columns used otherwise, hidden, or under other names; enough is left to ask for."""
    moved = {}
    dimensions = [n for n, c in columns.items() if c.use == "dimension"]
    kept = set(rng.sample(dimensions, 2)) | {rng.choice([n for n in dimensions if columns[n].activate])}
    measured = rng.choice([n for n, c in columns.items() if c.use == "measure"])
    for name, column in columns.items():
        column.source = prefix + column.source if column.source not in ("tier_no", "grade") else column.source
        turn = rng.random()
        if column.use == "measure":
            column.aggregates = tuple(rng.sample(column.aggregates, rng.randint(1, len(column.aggregates)))) if turn < 0.5 else column.aggregates
            if turn > 0.9 and name != measured:
                continue
        elif turn > 0.85 and name not in kept:
            if column.use == "filter" or turn > 0.93:
                continue
            column.use, column.activate = "filter", False
        moved[name] = column
    able = [n for n in kept if columns[n].activate]
    for name, column in moved.items():
        column.activate = column.activate and (name in able or rng.random() < 0.8)
    return moved


# Making

def make(folder: Path, seed, number):
    """One agreement before it was checked: more templates than will be kept, and its data."""
    rng = random.Random(f"four rooms {seed} {number}")
    terms, raw = tables(rng), number % RAW_ONE_IN == RAW_ONE_IN - 1
    folder.mkdir(parents=True)
    with world.other(terms, PEOPLE_SHARE):
        cases = grammar.cases(rng, CANDIDATES)
        con = world.write_world(folder, rng.randrange(10**6), None if raw else sail.hashed)
        document = world.agreement(folder, {}, rng.randint(40, 400))
    made = Made(number, f"varied-{seed}-{number}", document, {name: folder / "data" / name for name in terms}, cases, raw)
    for case in cases:
        made.expected[case.name] = con.execute(case.expected).fetchall()
        made.merged[case.name] = con.execute(case.merged).fetchall() if case.merged else made.expected[case.name]
        made.narrowed[case.name] = [con.execute(sql).fetchall() for sql in case.narrowed]
        made.withheld[case.name] = con.execute(case.withheld).fetchone()[0] if case.withheld else None
    con.close()
    _written(rng, made)
    return made


def _written(rng, made):
    """The document in four rooms, with members, receivers and runners moved about."""
    document = made.document
    document["collaboration"], document["limits"]["within"] = made.name, rng.choice(("1h", "24h", "7d"))
    document["rooms"] = ["native", {"platform": AWS, "region": stage.REGION}, *({"platform": room, "region": accounts.REGION} for room in (SHARES, CLEAN))]
    document["residency"] = ["local", stage.REGION, accounts.REGION]
    for name, member in document["members"].items():
        member["identity"] = {AWS: NUMBERS[name], SHARES: SEATS[name], CLEAN: SEATS[name]}
    if rng.random() < 0.4:
        document["members"]["gamma"]["abilities"] = ["contribute", "run", "receive"]
    for name, dataset in document["datasets"].items():
        place = made.files[name]
        dataset["at"] = {"native": f"{place.as_uri()}/", AWS: {"glue": {"database": "judged", "table": made.table(name)}}, **{room: f"JUDGED.PUBLIC.{made.table(name).upper()}" for room in (SHARES, CLEAN)}}
        if rng.random() < 0.25:
            dataset["rule"]["receivers"] = rng.choice((["beta"], ["beta", "gamma"]))
        for column in dataset["columns"].values():
            for key in column.get("keys", [column]) if column["use"] == "match" and not made.raw else ():
                key |= {"hashed": "sha256-hex", "normalise": "none"}
    document["templates"] = {case.name: _template(rng, document, case) for case in made.cases}
    document["datasets"] = {n: d for n, d in document["datasets"].items() if any(n in RELATION.findall(case.sql) for case in made.cases)}


def _template(rng, document, case):
    """A template's entry: who runs and receives it, and bounds of its parameters."""
    entry = copy.deepcopy(case.template())
    runners = [m for m, member in document["members"].items() if "run" in member["abilities"]]
    entry["run_by"] = rng.sample(runners, rng.randint(1, len(runners)))
    touched = [document["datasets"][n]["rule"] for n in RELATION.findall(case.sql) if n in document["datasets"]]
    alone = any(rule.get("receivers") == ["beta"] for rule in touched) or case.audience
    entry["received_by"] = ["beta"] if alone else rng.choice((["beta"], ["beta"], ["beta", "gamma"], ["gamma"]))
    for name, parameter in entry.get("parameters", {}).items():
        if parameter["type"] == "int64":
            low, high = rng.choice(((-1000, 1000), (-60, 99), (-99, 60)))
            parameter |= {"min": low, "max": high}
        elif parameter["type"] == "utf8" and rng.random() < 0.4:
            parameter["values"] = sorted({case.settings[name], "another"})
    return entry


def keep(made, names):
    """The agreement with these templates and the datasets that they touch alone."""
    made.cases = [case for case in made.cases if case.name in names]
    made.document["templates"] = {n: t for n, t in made.document["templates"].items() if n in names}
    touched = {n for case in made.cases for n in RELATION.findall(case.sql)}
    made.document["datasets"] = {n: d for n, d in made.document["datasets"].items() if n in touched}


def choose(made):
    """The names of a few templates: some that most rooms run, of as many shapes as there are, and one that not every room runs."""
    rooms = {case.name: sum(not made.away(room, case.name) for room in ROOMS) for case in made.cases}
    shapes, chosen = collections.Counter(), []
    for case in sorted(made.cases, key=lambda c: (-rooms[c.name], not made.expected[c.name])):
        fresh = shapes[case.shape] == 0 or rooms[case.name] == len(ROOMS) and len(chosen) < 2
        if fresh and len(chosen) < TEMPLATES - 1:
            chosen.append(case.name)
            shapes[case.shape] += 1
    narrow = [c.name for c in made.cases if rooms[c.name] < len(ROOMS) and c.name not in chosen]
    return set(chosen + narrow[:1])


def words(made, case, room, runner=None):
    """The words of a run."""
    settings = [f"--set={name}={value}" for name, value in case.settings.items()]
    return ("run", made.name, case.name, "--as", runner or made.document["templates"][case.name]["run_by"][0], "--room", room, *settings)


def stranger(made, case):
    """A member that may not run a template."""
    return next((m for m in made.document["members"] if m not in made.document["templates"][case.name]["run_by"]), None)


def counted(all_made):
    """How varied agreements are: {what: how many have it}."""
    seen = collections.Counter()
    for made in all_made:
        rules = [d["rule"] for d in made.document["datasets"].values()]
        for what, is_there in (
            ("consent", any("consent" in d for d in made.document["datasets"].values())), ("row filters", any(d.get("rows") for d in made.document["datasets"].values())),
            ("a minimum of one", any(r["entities_min"] == 1 for r in rules)), ("joins required", any(r["join"] == "required" for r in rules)),
            ("receivers named", any("receivers" in r for r in rules)), ("two runners", "run" in made.document["members"]["gamma"]["abilities"]),
            ("several keys", any("keys" in c for d in made.document["datasets"].values() for c in d["columns"].values())), ("raw keys", made.raw),
            ("an activation", any(c.audience for c in made.cases)), ("parameters", any(c.parameters for c in made.cases)),
        ):
            seen[what] += is_there
    return seen

