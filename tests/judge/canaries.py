"""Generated agreements over data with canaries: values that nobody may ever be told, in hidden columns, in rows without consent or
outside of a row filter, and in groups of too few households; and the same data by household, as a reading of the agreement that is
not Airlock's: DuckDB over the raw rows says which groups may be known, and how many households stand behind each figure.

Must not know platforms, nor how anything is asked.
"""

import hashlib
import json
import math
import operator
import re
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

HOUSEHOLDS = 220
HIDDEN, EXCLUDED, THIN, RAW = "CANARY-HIDDEN", "CANARY-EXCLUDED", "CANARY-THIN", "CANARY-PERSON"
BEYOND = 7_700_000_000.0  # a measure of rows that nobody may see
BEYOND_SAID = re.compile(r"(?<![\d.])(?:7\.7E\+?0?9|7700000000)(?!\d)")  # not the end of 0.7700000000001
SPARSE = "sparse"  # a region in which two households alone have an amount
HEX = re.compile(r"[0-9A-Fa-f]{64}")
COLUMN = re.compile(r"\b([ab])\.([a-z_]+)")
COMPARED = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "=": operator.eq, "<>": operator.ne}
# Physical names: plain ones, and such as a careless text would trip over.
STYLES = ("{}", "x_{}", "{} ; --", "Käse {}", "{}.a", "SELECT {} FROM")
KEY = "household"
# Dataset: its owner, rows, columns (use, type, aggregates of a measure).
DATASETS = {
    "sales": ("grocer", 1500, {"week": ("dimension", "int64"), "channel": ("dimension", "utf8"), "region": ("dimension", "utf8"), "store": ("filter", "int64"),
                               "amount": ("measure", "float64", "sum", "avg"), "quantity": ("measure", "int64", "sum")}),
    "shoppers": ("grocer", 0, {"age": ("dimension", "utf8"), "gender": ("filter", "utf8"), "income": ("measure", "float64", "avg", "count")}),
    "loyalty": ("grocer", 0, {"tier": ("dimension", "utf8"), "points": ("measure", "int64", "sum")}),
    "readers": ("press", 0, {"section": ("dimension", "utf8"), "reader": ("dimension", "utf8"), "minutes": ("measure", "float64", "sum", "avg")}),
    "exposures": ("brand", 700, {"campaign": ("dimension", "int64"), "page": ("dimension", "utf8"), "cost": ("measure", "float64", "sum")}),
}
WORDS = {"channel": ("web", "shop", "app"), "region": ("north", "south", "west", SPARSE), "age": ("18-24", "25-39", "40-64", "65+"), "gender": ("f", "m", "x"),
         "tier": ("gold", "silver", "bronze"), "section": ("news", "sport", "art"), "reader": ("daily", "weekly"), "page": ("home", "shop", "help")}
NUMBERS = {"week": (1, 53), "store": (1, 9), "quantity": (1, 9), "points": (0, 500), "campaign": (1, 4)}
FLOATS = {"amount": (1, 90), "income": (900, 9000), "minutes": (0, 300), "cost": (0, 1)}
JOINED = "{0} a JOIN exposures b ON a.household = b.household"
WEEKS = {"from_week": {"type": "int64", "min": 10, "max": 40}, "to_week": {"type": "int64", "min": 10, "max": 40}}


@dataclass
class Ask:
    """A question of one shape: relations joined on the household, conditions, grouping keys, figures, conditions on figures; columns stand as
    `alias.column`."""

    relations: list  # (dataset, alias)
    keys: list = field(default_factory=list)
    figures: list = field(default_factory=list)  # (text, the value that must be there, or nothing for rows)
    where: list = field(default_factory=list)
    having: list = field(default_factory=list)  # (text, the value that must be there, operator, number)

    def source(self, name, alias=str):
        """FROM with its joins; `name` says a dataset, `alias` an alias."""
        first, *others = self.relations
        joins = "".join(f" JOIN {name(d)} {alias(a)} ON {first[1]}.{KEY} = {a}.{KEY}" for d, a in others)
        return f"{name(first[0])} {alias(first[1])}{joins}"

    def text(self, name, outputs=None, alias=str):
        """The query; outputs are named where names are given."""
        shown = [*self.keys, *(f for f, _ in self.figures)]
        named = [f"{e} AS {n}" for e, n in zip(shown, outputs, strict=True)] if outputs else shown
        where = f" WHERE {' AND '.join(self.where)}" if self.where else ""
        group = f" GROUP BY {', '.join(self.keys)}" if self.keys else ""
        having = f" HAVING {' AND '.join(f'{t} {o} {n}' for t, _, o, n in self.having)}" if self.having else ""
        return f"SELECT {', '.join(named)} FROM {self.source(name, alias)}{where}{group}{having}"

    def columns(self, parts=None):
        """{(dataset, column)} that it names, or that some parts of it name."""
        datasets = {alias: dataset for dataset, alias in self.relations}
        text = " ".join(parts if parts is not None else [*self.keys, *self.where, *(f for f, _ in self.figures), *(h[0] for h in self.having)])
        return {(datasets[a], c) for a, c in COLUMN.findall(text) if a in datasets}


# Templates of an agreement: who may run them, and the question; parameters stand as :name

TEMPLATES = {
    "reach": ("brand", Ask([("sales", "a"), ("exposures", "b")], ["b.campaign"], [("COUNT(DISTINCT a.household)", "a.household"), ("SUM(a.amount)", "a.amount")],
                           ["a.week BETWEEN :from_week AND :to_week"]), WEEKS),
    "channels": ("brand", Ask([("sales", "a"), ("exposures", "b")], ["a.channel"], [("COUNT(DISTINCT a.household)", "a.household"), ("AVG(a.amount)", "a.amount")]), {}),
    "regions": ("brand", Ask([("sales", "a"), ("exposures", "b")], ["a.region"], [("COUNT(*)", ""), ("SUM(a.amount)", "a.amount"), ("SUM(a.quantity)", "a.quantity")],
                             ["a.store <= :store", "a.region <> :region"]), {"store": {"type": "int64", "min": 3, "max": 9}, "region": {"type": "utf8", "values": ["north", "south", "none"]}}),
    "ages": ("brand", Ask([("shoppers", "a"), ("exposures", "b")], ["a.age"], [("COUNT(DISTINCT a.household)", "a.household")], ["a.age <> :age"]),
             {"age": {"type": "utf8", "values": ["18-24", "25-39", "none"]}}),
    "sections": ("brand", Ask([("readers", "a"), ("exposures", "b")], ["a.section"], [("COUNT(DISTINCT a.household)", "a.household"), ("SUM(a.minutes)", "a.minutes")],
                              ["b.campaign <= :campaign"]), {"campaign": {"type": "int64", "min": 1, "max": 4}}),
    "total": ("brand", Ask([("sales", "a"), ("exposures", "b")], [], [("COUNT(DISTINCT a.household)", "a.household"), ("SUM(a.amount)", "a.amount")], ["a.week >= :from_week"]),
              {"from_week": WEEKS["from_week"]}),
    "pages": ("brand", Ask([("exposures", "b")], ["b.page"], [("COUNT(DISTINCT b.household)", "b.household"), ("SUM(b.cost)", "b.cost")]), {}),
    "tiers": ("brand", Ask([("loyalty", "a"), ("exposures", "b")], ["a.tier"], [("COUNT(DISTINCT a.household)", "a.household")]), {}),  # its owner does not approve it
    "papers": ("press", Ask([("shoppers", "a"), ("readers", "b")], ["a.age"], [("COUNT(DISTINCT a.household)", "a.household")]), {}),
}
WITHHELD = ("tiers", "grocer")


def sized(rng):
    """A minimum of a dataset: every ground has one that is small and one that is not."""
    return rng.choice((4, 5, 8, 12, 20))


class Ground:
    """One agreement, its files, and what DuckDB says of them."""

    def __init__(self, folder: Path, rng, number, rooms):
        self.folder, self.rng, self.style = folder, rng, STYLES[number % len(STYLES)]
        self.hashed = number % 3 != 2
        self.name = f"pry-{number}"
        self.tables = {d: rng.choice((d.upper(), f"{d}_raw", f"Tbl${d}")) for d in DATASETS}
        self.files, self.thin = {}, {}
        self.document = self.agreement(rooms)
        self.con = duckdb.connect(config={"threads": 1})
        self.remembered, self.tokens = {}, {self.token(person) for person in range(HOUSEHOLDS)}
        for dataset in DATASETS:
            self.fill(dataset)

    # The agreement

    def physical(self, column):
        """A column's name in its owner's table."""
        return self.style.format(column)

    def agreement(self, rooms):
        """The document: terms moved about by the seed."""
        rng = self.rng
        members = {"grocer": {"abilities": ["contribute"]}, "brand": {"abilities": ["contribute", "run", "receive"]}, "press": {"abilities": ["contribute", "run", "receive"]}}
        datasets = {}
        for name, (owner, _, columns) in DATASETS.items():
            key = {"use": "match", "key": "household-id", "from": self.physical("hh"), "type": "utf8", "normalise": "none"} | ({"hashed": "sha256-hex"} if self.hashed else {})
            made = {KEY: key}
            for column, (use, kind, *aggregates) in columns.items():
                made[column] = {"use": use, "type": kind, "from": self.physical(column)} | ({"aggregates": aggregates} if aggregates else {})
            least = 1 if name == "exposures" or name == "readers" and rng.random() < 0.3 else sized(rng)
            rule = {"entities_min": least, "join": "optional" if name == "exposures" else rng.choice(("required", "optional"))}
            datasets[name] = {"owner": owner, "at": dict.fromkeys(rooms, f"PANTRY.PUBLIC.{self.tables[name]}"), "entity": KEY, "columns": made, "rule": rule}
        for name in ("sales", "shoppers", "readers"):
            if name == "sales" or rng.random() < 0.6:
                datasets[name]["consent"] = {"from": self.physical("consent"), "type": "utf8", "granted": ["yes"]}
            if name == "sales" or rng.random() < 0.6:
                datasets[name]["rows"] = [{"from": self.physical("country"), "type": "utf8", "any_of": ["DE", "FR"]}]
        templates = {}
        for name, (runner, ask, parameters) in TEMPLATES.items():
            outputs = [f"o{n}" for n in range(len(ask.keys) + len(ask.figures))]
            templates[name] = {"class": "aggregate", "sql": ask.text(str, outputs), "run_by": [runner], "received_by": [runner if rng.random() < 0.8 else "press"], "parameters": parameters}
        return {"agreement": "v1", "collaboration": self.name, "members": members, "datasets": datasets, "templates": templates, "limits": {"runs_max": 90_000, "within": "24h"},
                "destinations": {m: (self.folder / "results" / m).as_uri() for m in ("brand", "press")}}

    def least(self, dataset):
        """A dataset's minimum, when it is more than one."""
        entry = self.document["datasets"].get(dataset)
        least = entry["rule"]["entities_min"] if entry else 0
        return least if least > 1 else 0

    # The rows

    def token(self, person):
        """A household as datasets know each other's."""
        return hashlib.sha256((f"household-id{person}" if self.hashed else f"{RAW}{person}").encode()).hexdigest()

    def fill(self, dataset):
        """One dataset's rows in a file, and as DuckDB knows those that may be used."""
        rng, entry = self.rng, self.document["datasets"][dataset]
        _, count, columns = DATASETS[dataset]
        least = entry["rule"]["entities_min"]
        people = [p for p in range(HOUSEHOLDS)]
        order = [rng.choice(people) for _ in range(count)] if count else people
        texts = [c for c, (_, kind, *_) in columns.items() if kind == "utf8"]
        rows = [self.row(dataset, columns, person) for person in order]
        self.thin[dataset] = []
        for column in texts if least > 1 else ():  # few households of a value of their own
            value = f"{THIN}-{dataset}-{column}"
            few = rng.sample(people[:60], rng.randint(1, least - 1))
            rows += [self.row(dataset, columns, person) | {column: value, "consent": "yes", "country": "DE"} for person in few]
            self.thin[dataset].append((column, value))
        sides = [("consent", "consent", "yes", ("no", None, "YES")), ("country", "rows", "DE", ("US", None))]
        for column, term, good, bad in sides:
            for row in rows:
                row.setdefault(column, good)
                if term in entry and rng.random() < 0.12:
                    row[column] = rng.choice(bad)
                    row |= dict.fromkeys(texts, f"{EXCLUDED}-{dataset}") | {c: BEYOND for c, (_, kind, *_) in columns.items() if kind == "float64"}
        self.sparse(dataset, rows)
        for row in rows:
            row |= {"secret": f"{HIDDEN}-{rng.randrange(10**6)}"}
        names = ["hh", *columns, "consent", "country", "secret"]
        kinds = {"int64": pa.int64(), "float64": pa.float64(), "utf8": pa.string()}
        table = pa.table({self.physical(n): pa.array([row[n] for row in rows], kinds[columns[n][1]] if n in columns else pa.string()) for n in names})
        path = self.folder / f"{dataset}.parquet"
        pq.write_table(table, path)
        self.files[dataset] = path
        self.know(dataset, entry)

    def row(self, dataset, columns, person):
        """A row of a household that may be used."""
        rng = self.rng
        made = {"hh": (self.token(person).upper() if rng.random() < 0.1 else self.token(person)) if self.hashed else f"{RAW}{person}"}
        if dataset == "exposures" and rng.random() < 0.04:
            made["hh"] = "n/a" if self.hashed else None
        for column, (_, kind, *_) in columns.items():
            if kind == "utf8":
                made[column] = rng.choice(WORDS[column])
            else:
                made[column] = rng.randint(*NUMBERS[column]) if kind == "int64" else round(rng.uniform(*FLOATS[column]), 2)
        return made

    def sparse(self, dataset, rows):
        """In one region two households alone have an amount."""
        known = set()
        for row in rows if dataset == "sales" else ():
            if row["region"] == SPARSE and row["amount"] != BEYOND:
                known |= {row["hh"].lower()} if len(known) < 2 else set()
                row["amount"] = row["amount"] if row["hh"].lower() in known else None

    def know(self, dataset, entry):
        """The rows that the agreement lets be used, under its own names."""
        def quoted(name):
            return '"' + name.replace('"', '""') + '"'
        hh = quoted(self.physical("hh"))
        token = f"CASE WHEN regexp_full_match({hh}, '[0-9A-Fa-f]{{64}}') THEN lower({hh}) END" if self.hashed else f"CASE WHEN length({hh}) > 0 THEN sha256({hh}) END"
        columns = [f"{token} AS {KEY}", *(f"{quoted(c['from'])} AS {n}" for n, c in entry["columns"].items() if n != KEY)]
        where = ["true"]
        if "consent" in entry:
            where.append(f"{quoted(self.physical('consent'))} = 'yes'")
        if "rows" in entry:
            where.append(f"{quoted(self.physical('country'))} IN ('DE', 'FR')")
        self.con.execute(f"CREATE TABLE {dataset} AS SELECT {', '.join(columns)} FROM read_parquet('{self.files[dataset]}') WHERE {' AND '.join(where)}")

    # What may be known

    def known(self, ask, bound=None):
        """(groups that are large enough, the rest as one group or nothing): each its values, and for every figure, and every condition on one, whether
        fewer households stand behind it than the strictest rule asks for."""
        place = f"{ask} {bound}"
        if place not in self.remembered:
            self.remembered[place] = self.found(ask, bound)
        return self.remembered[place]

    def found(self, ask, bound):
        """The same, asked of DuckDB."""
        needs = [(alias, self.least(dataset)) for dataset, alias in ask.relations if self.least(dataset)]
        figures = [*ask.figures, *((text, value) for text, value, _, _ in ask.having)]
        counts = [f"COUNT(DISTINCT {alias}.{KEY})" for alias, _ in needs]
        behind = [f"COUNT(DISTINCT CASE WHEN {value} IS NOT NULL THEN {alias}.{KEY} END)" if value else f"COUNT(DISTINCT {alias}.{KEY})" for _, value in figures for alias, _ in needs]
        wide = [*ask.keys, *(f for f, _ in figures), *counts, *behind]
        where = f" WHERE {' AND '.join(ask.where)}" if ask.where else " WHERE true"
        group = f" GROUP BY {', '.join(ask.keys)}" if ask.keys else ""
        rows = self.run(f"SELECT {', '.join(wide)} FROM {ask.source(str)}{where}{group}", bound)
        width, count = len(ask.keys), len(figures)

        def enough(row):
            return all(n >= least for n, (_, least) in zip(row[width + count:], needs, strict=False))

        def said(row):
            rest = row[width + count + len(needs):]
            short = [any(rest[f * len(needs) + n] < least for n, (_, least) in enumerate(needs)) for f in range(count)]
            tests = [COMPARED[o](v, n) if v is not None else False for v, (_, _, o, n) in zip(row[width + len(ask.figures):], ask.having, strict=False)]
            return (row[:width + len(ask.figures)], short) if all(tests) else None
        large = [one for row in rows if enough(row) and (one := said(row))]
        if not ask.keys or all(map(enough, rows)):
            return large, None
        few = " OR ".join(f"{count} < {least}" for count, (_, least) in zip(counts, needs, strict=True))
        small = f"SELECT {', '.join(f'{k} AS k{n}' for n, k in enumerate(ask.keys))} FROM {ask.source(str)}{where}{group} HAVING {few}"
        also = " AND ".join(f"({k}) IS NOT DISTINCT FROM s.k{n}" for n, k in enumerate(ask.keys))
        (merged,) = self.run(f"SELECT {', '.join(wide[width:])} FROM {ask.source(str)} JOIN ({small}) s ON {also}{where}", bound)
        rest = (*(None,) * width, *merged)
        return large, said(rest) if enough(rest) else None

    def people(self, ask):
        """The households of an ask's first relation that it reaches."""
        alias = ask.relations[0][1]
        return {row[0] for row in self.run(f"SELECT DISTINCT {alias}.{KEY} FROM {ask.source(str)}{' WHERE ' + ' AND '.join(ask.where) if ask.where else ''}")} - {None}

    def guesses(self, persons):
        """A table of a runner's own: households that it has in mind, each with a note."""
        self.con.execute(f"CREATE OR REPLACE TABLE guesses ({KEY} VARCHAR, note VARCHAR)")
        rows = [(self.token(p), f"note {n}") for n, p in enumerate(persons)]
        self.con.executemany("INSERT INTO guesses VALUES (?, ?)", rows)
        return rows

    def run(self, sql, bound=None):
        """Rows of DuckDB, parameters put in as literals."""
        for name, value in (bound or {}).items():
            sql = re.sub(rf"(?<!:):{name}\b", lambda _, v=value: literal(v), sql)
        return self.con.execute(sql).fetchall()

    def write(self):
        """The agreement's file."""
        file = self.folder / "agreement.json"
        file.write_text(json.dumps(self.document, ensure_ascii=False), encoding="utf-8")
        return file


def literal(value):
    """A value as SQL says it, everywhere."""
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, (int, float)) else "'" + str(value).replace("'", "''") + "'"


def plain(value):
    """A value as rows are compared: numbers as numbers, everything else as text."""
    if value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value)


def alike(one, other):
    """Whether two rows say the same; a NULL on the left says less."""
    if len(one) != len(other):
        return False
    for left, right in zip(map(plain, one), map(plain, other), strict=True):
        if left == right:
            continue
        if isinstance(left, float) and isinstance(right, float) and math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9):
            continue
        return False
    return True


def spilled(text, query):
    """A canary in an answer that was not in the question; nothing when there is none."""
    found = next((c for c in (HIDDEN, EXCLUDED, THIN, RAW) if c in text and c not in query), None)
    if found is None and BEYOND_SAID.search(text.upper()) and not BEYOND_SAID.search(query.upper()):
        found = str(BEYOND)
    return found


def keys_in(text, query, tokens):
    """Households' keys in an answer that were not in the question; digests of templates look alike, and are none."""
    return tokens & {k.lower() for k in HEX.findall(text)} - {k.lower() for k in HEX.findall(query)}
