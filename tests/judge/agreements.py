"""Generated agreements for the proof "never weaker": two grounds (the corpus of hostile templates over data made here, and the
judge's own world with generated templates), each varied by a seed, with texts that nobody approved beside those that are.

Physical names differ from the agreement's, so texts are rewritten word by word: they stay what they were, over columns
that are there. Must not know: what a platform admits.
"""

import copy
import datetime
import hashlib
import json
import random
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import airlock
import grammar
import sail
import world

ROOM = "aws-clean-rooms"
CORPUS = Path(__file__).resolve().parents[2] / "mappings" / "tests" / "corpus"
JOINED = "FROM sales t JOIN exposures e ON t.household = e.household"
RELATION = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)(?:\s+(?:AS\s+)?(\w+))?", re.IGNORECASE)
NO_ALIAS = {"on", "join", "where", "group", "order", "left", "right", "inner", "full", "cross", "natural", "union", "limit", "having", "using", "anti", "semi"}
HOUSEHOLDS = 240
TEMPLATES_MAX = 9


@dataclass
class Ground:
    """An agreement before it is varied: its document, its files by dataset, templates that may pass, and texts that nobody agreed to."""

    name: str
    document: dict
    files: dict
    candidates: dict
    texts: list


@dataclass
class Generated:
    """One varied agreement, as it was written: what `airlock explain` says of each template, and who withholds which approval."""

    ground: Ground
    document: dict
    file: Path
    explained: dict
    withheld: set
    texts: list = field(default_factory=list)

    @property
    def collaboration(self):
        return self.document["collaboration"]

    def accounts(self):
        """{member: account}."""
        return {name: member["identity"][ROOM] for name, member in self.document["members"].items()}

    def parameters(self, template):
        """A template's declared parameters."""
        return self.document["templates"][template].get("parameters", {})

    def touched(self, template):
        """{dataset: its columns} that a template reads."""
        return {name: set(used["columns"]) for name, used in self.explained[template]["guarded"]["datasets"].items()}

    def sql(self, template):
        """Its text for the room."""
        return self.explained[template]["texts"][ROOM]["sql"]

    def alias(self, template):
        """Its name there: the template's and the beginning of its text's digest."""
        return f"{template}-{hashlib.sha256(self.sql(template).encode()).hexdigest()[:8]}"


# The ground of the corpus

KEY = {"type": "utf8", "hashed": "sha256-hex"}


def _key(kind, source):
    return {"key": kind, "from": source, **KEY}


def shop(folder, rng, prefix=None):
    """The corpus's agreement over hashed keys, its data, its hostile texts and their twins."""
    p = rng.choice(("", "x_", "c")) if prefix is None else prefix
    home = {"use": "match", **_key("household-id", f"{p}hh_hash")}
    person = {"use": "match", "keys": [_key("email", f"{p}mail_hash"), _key("phone", f"{p}tel_hash")]}

    def column(use, kind, name, **more):
        return {"from": f"{p}{name}", "type": kind, "use": use, **more}

    datasets = {
        "sales": ("grocer", "household", {"household": home, "week": column("dimension", "int64", "week"), "sold_on": column("dimension", "date", "sold_on"),
                  "store": column("filter", "int64", "store"), "amount": column("measure", "float64", "amount", aggregates=["sum", "avg"]),
                  "price": column("measure", "float64", "price", aggregates=["sum", "max"]), "quantity": column("measure", "int64", "quantity", aggregates=["sum"])},
                  {"rule": {"entities_min": 20, "join": "required"}, "consent": {"from": f"{p}ads_ok", "type": "utf8", "granted": ["yes"]},
                   "rows": [{"from": f"{p}country", "type": "utf8", "any_of": ["DE", "FR"]}]}),
        "shoppers": ("grocer", "household", {"household": home, "age": column("dimension", "utf8", "age")}, {"rule": {"entities_min": 15, "join": "required"}}),
        "exposures": ("brand", "household", {"household": home, "campaign": column("dimension", "int64", "campaign"),
                                             "cost": column("measure", "float64", "cost", aggregates=["sum"])}, {"rule": {"entities_min": 1, "join": "optional"}}),
        "customers": ("grocer", "person", {"person": person, "segment": column("dimension", "utf8", "segment", activate=True), "region": column("dimension", "utf8", "region")},
                      {"rule": {"entities_min": 20, "join": "required", "activation": {"to": ["press"], "audience_min": 40}}}),
        "readers": ("press", "person", {"person": person, "reader": column("dimension", "utf8", "reader", activate=True), "section": column("dimension", "utf8", "section")},
                    {"rule": {"entities_min": 8, "join": "optional"}}),
        "visits": ("brand", "person", {"person": person, "page": column("dimension", "utf8", "page")}, {"rule": {"entities_min": 1, "join": "optional"}}),
    }
    files = {name: _file(folder / "shop" / f"{name}.parquet", rng, p, name, columns, more) for name, (_, _, columns, more) in datasets.items()}
    document = {
        "agreement": "v1", "collaboration": "never-weaker", "rooms": [{"platform": ROOM, "region": "eu-central-1"}], "residency": ["eu-central-1"],
        "members": {"grocer": {"abilities": ["contribute"]}, "brand": {"abilities": ["contribute", "run", "receive"]}, "press": {"abilities": ["contribute", "receive"]}},
        "datasets": {name: {"owner": owner, "at": {}, "entity": entity, "columns": columns, **more} for name, (owner, entity, columns, more) in datasets.items()},
        "limits": {"runs_max": 40, "within": "24h"}, "destinations": {m: (folder / "results" / m).as_uri() for m in ("brand", "press")},
    }
    texts, candidates = [], {}
    for number, case in enumerate(corpus()):
        class_ = case.get("class", "aggregate")
        texts += [(case["hostile"], class_), (case["twin"], class_)]
        candidates[f"twin{number:03}"] = {"class": class_, "sql": case["twin"], "run_by": ["brand"], "received_by": ["press" if class_ == "activation" else "brand"],
                                         **({"parameters": _weeks(case["twin"])} if ":" in case["twin"] and _weeks(case["twin"]) else {})}
    return Ground("shop", document, files, _written(candidates), texts)


def _weeks(sql):
    return {name: {"type": "int64", "min": 10, "max": 40} for name in ("from_week", "to_week") if f":{name}" in sql}


def _written(candidates):
    """The corpus's twins, and a few templates that every agreement begins with: bounds of each kind, an audience, no join."""
    joined = JOINED.replace("FROM ", "")
    first = {
        "reach": {"sql": f"SELECT e.campaign, COUNT(DISTINCT t.household) AS people, SUM(t.amount) AS amount FROM {joined} "
                         "WHERE t.week BETWEEN :from_week AND :to_week GROUP BY e.campaign",
                  "parameters": {"from_week": {"type": "int64", "min": 10, "max": 40}, "to_week": {"type": "int64", "min": 10, "max": 40}}},
        "ages": {"sql": "SELECT s.age, COUNT(DISTINCT s.household) AS people FROM shoppers s JOIN exposures e ON s.household = e.household WHERE s.age <> :age GROUP BY s.age",
                 "parameters": {"age": {"type": "utf8", "values": ["18-24", "25-39"]}}},
        "days": {"sql": f"SELECT COUNT(DISTINCT t.household) AS people FROM {joined} WHERE t.sold_on >= :since", "parameters": {"since": {"type": "date"}}},
        "costs": {"sql": "SELECT x.campaign, COUNT(*) AS n, SUM(x.cost) AS cost FROM exposures x WHERE x.campaign <> :campaign GROUP BY x.campaign",
                  "parameters": {"campaign": {"type": "int64", "values": [1, 2], "default": 1}}},
        "audience": {"class": "activation", "sql": "SELECT c.segment, r.reader FROM customers c JOIN readers r ON c.person = r.person", "received_by": ["press"]},
        "segments": {"sql": "SELECT c.segment, COUNT(DISTINCT c.person) AS people FROM customers c JOIN readers r ON c.person = r.person GROUP BY c.segment",
                     "received_by": ["press"]},
        "pages": {"sql": "SELECT v.page, COUNT(DISTINCT v.person) AS people FROM visits v GROUP BY v.page"},
    }
    usual = {"class": "aggregate", "run_by": ["brand"], "received_by": ["brand"]}
    return {name: usual | entry for name, entry in first.items()} | candidates


def corpus():
    """Every pair of the corpus."""
    cases = []
    for path in sorted(CORPUS.glob("*.toml")):
        for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]:
            cases.append(case | {side: case[side].replace("JOINED", JOINED) for side in ("hostile", "twin")})
    return cases


def _hash(kind, number):
    return hashlib.sha256(f"{kind}{number}".encode()).hexdigest()


VALUES = {
    "week": lambda r: r.randint(1, 53), "sold_on": lambda r: datetime.date(2026, 1, 1) + datetime.timedelta(days=r.randint(0, 200)), "store": lambda r: r.randint(1, 9),
    "amount": lambda r: round(r.uniform(1, 90), 2), "price": lambda r: round(r.uniform(1, 30), 2), "quantity": lambda r: r.randint(1, 9),
    "age": lambda r: r.choice(("18-24", "25-39", "40-64", "40-64", "65+")), "cost": lambda r: round(r.uniform(0, 1), 3),
    "campaign": lambda r: 9 if r.random() < 0.01 else r.randint(1, 4),  # a thin group
    "segment": lambda r: r.choice(("gold", "silver", "bronze")), "region": lambda r: r.choice(("north", "south")), "reader": lambda r: r.choice(("daily", "weekly")),
    "section": lambda r: r.choice(("news", "sport", "art")), "page": lambda r: r.choice(("home", "shop", "help")), "ads_ok": lambda r: r.choice(("yes", "yes", "yes", "no", None)),
    "country": lambda r: r.choice(("DE", "FR", "FR", "US", None)), "secret_note": lambda r: f"note {r.randint(1, 99)}",
}
ROWS = {"sales": 2400, "shoppers": 240, "exposures": 900, "customers": 240, "readers": 230, "visits": 500}


def _file(path, rng, prefix, name, columns, more):
    """One dataset's rows, with identifiers that are none among the keys, and a column that no agreement lists."""
    sources = [c["from"] for c in columns.values() if c["use"] != "match"] + [r["from"] for r in [more.get("consent"), *more.get("rows", [])] if r]
    keys = [k for c in columns.values() if c["use"] == "match" for k in c.get("keys", [c])]
    data = {s: [] for s in [k["from"] for k in keys] + sources + ["secret_note"]}
    for row in range(ROWS[name]):
        who = row % HOUSEHOLDS if ROWS[name] <= HOUSEHOLDS else rng.randrange(HOUSEHOLDS)
        for key in keys:
            data[key["from"]].append(rng.choice(("n/a", None)) if rng.random() < 0.08 else _hash(key["key"], who))
        for source in [*sources, "secret_note"]:
            value = VALUES[source.removeprefix(prefix)](rng)
            data[source].append(value)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(data), path)
    return path


# The ground of the judge's world

def judged(folder, rng):
    """The judge's world with hashed keys, generated templates, and as many texts of the same generator that nobody agreed to."""
    seed = rng.randrange(10**6)
    world.write_world(folder, seed, sail.hashed)
    cases = grammar.cases(random.Random(f"agreed {seed}"), 30)
    document = json.loads(sail.write(folder, cases).read_text(encoding="utf-8"))
    templates = document.pop("templates")
    for entry in templates.values():
        for parameter in entry.get("parameters", {}).values():
            parameter |= {"min": -50, "max": 50} if parameter["type"] == "int64" else {}
    document |= {"rooms": [{"platform": ROOM, "region": "eu-central-1"}], "residency": ["eu-central-1"], "limits": {"runs_max": 40, "within": "24h"}, "collaboration": "never-weaker"}
    texts = [(c.sql, c.class_) for c in grammar.cases(random.Random(f"texts {seed}"), 200)]
    return Ground("judged", document, {name: folder / "data" / name for name in world.TABLES}, templates, texts)


# Varying

def pinned(ground, accounts):
    """The ground's agreement with accounts and places in the room."""
    document = copy.deepcopy(ground.document)
    for (name, member), account in zip(document["members"].items(), accounts, strict=True):
        member |= {"name": name.title(), "identity": {ROOM: account}}
    for name, dataset in document["datasets"].items():
        dataset["at"] = {ROOM: {"glue": {"database": "weaker", "table": name}}}
    return document


def vary(rng, ground, accounts):
    """The ground's agreement with terms moved about."""
    document = pinned(ground, accounts)
    members = document["members"]
    receivers = [m for m, member in members.items() if "receive" in member["abilities"]]
    for name in receivers:
        if "run" not in members[name]["abilities"] and rng.random() < 0.5:
            members[name]["abilities"].append("run")
    for dataset in document["datasets"].values():
        _vary_dataset(rng, dataset, receivers)
    document["limits"] = {"runs_max": rng.randint(12, 16), "within": rng.choice(("24h", "7d", "1h"))}
    return document


def _vary_dataset(rng, dataset, receivers):
    rule = dataset["rule"]
    if rng.random() < 0.5:
        rule["entities_min"] = rng.choice((1, 2, 5, 15, 30))
    if rng.random() < 0.3:
        rule["join"] = rng.choice(("required", "optional"))
    if rng.random() < 0.2:
        rule["receivers"] = rng.sample(receivers, rng.randint(1, len(receivers)))
    if "activation" in rule:
        allowed = [m for m in rule["activation"]["to"] if m in rule.get("receivers", receivers)]
        rule["activation"] |= {"audience_min": max(rule["entities_min"], rng.choice((5, 30, 60)))}
        rule |= {"receivers": rule["receivers"] + [m for m in rule["activation"]["to"] if m not in allowed]} if "receivers" in rule else {}
    for term in ("consent", "rows"):
        if rng.random() < 0.3:
            dataset.pop(term, None)
    for name, column in list(dataset["columns"].items()):
        if column["use"] == "match" or rng.random() > 0.12:
            continue
        if column["use"] == "measure":
            column["aggregates"] = rng.sample(column["aggregates"], rng.randint(1, len(column["aggregates"])))
        elif rng.random() < 0.5:
            column.pop("activate", None)
            column["use"] = "filter"
        else:
            del dataset["columns"][name]


def assigned(rng, document, candidates):
    """Runners and receivers for each candidate."""
    can = {ability: [m for m, member in document["members"].items() if ability in member["abilities"]] for ability in ("run", "receive")}
    made = {}
    for name, entry in candidates.items():
        made[name] = copy.deepcopy(entry)
        if rng.random() < 0.4:
            made[name]["run_by"] = rng.sample(can["run"], rng.randint(1, len(can["run"])))
        if rng.random() < 0.4 and entry["class"] == "aggregate":
            made[name]["received_by"] = rng.sample(can["receive"], rng.randint(1, len(can["receive"])))
    return made


def explain(gateway, folder, document):
    """(what the guard says of the templates that pass and have words in the room, the file that holds only these)."""
    file = folder / "agreement.json"
    while True:
        file.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
        try:
            explained = {one["template"]: one for one in gateway.call("explain", str(file))["templates"]}
        except airlock.Failed as failure:
            problems = json.loads(failure.output or "{}").get("error", {}).get("problems", [])
            refused = {p["at"].split(".")[1] for p in problems if p["at"].startswith("templates.")}
            if not refused:
                raise
        else:
            refused = {name for name, one in explained.items() if "sql" not in one["texts"][ROOM]}
            if not refused:
                return explained, file
        document["templates"] = {n: t for n, t in document["templates"].items() if n not in refused}


def looser(gateway, file):
    """Templates that the room would hold more loosely than agreed, with nobody to close the gap: the plan would be refused."""
    verdicts = gateway.call("check", str(file))["rooms"][0]["verdicts"]
    return [v["at"].split(".")[1] for v in verdicts if v["fidelity"] in ("wider", "unsupported") and v["residual"] == "none" and v["at"].startswith("templates.")]


def generate(rng, ground, gateway, folder, accounts):
    """One agreement: the ground varied, some of the templates that pass, perhaps an approval withheld."""
    document = vary(rng, ground, accounts)
    first = [n for n in ground.candidates if not n.startswith("twin")][:TEMPLATES_MAX + 4]
    more = rng.sample(sorted(set(ground.candidates) - set(first)), min(12, len(ground.candidates) - len(first)))
    document["templates"] = assigned(rng, document, {n: ground.candidates[n] for n in [*first, *more]})
    explained, _ = explain(gateway, folder, document)
    kept = list(explained)[:5] + rng.sample(list(explained)[5:], min(TEMPLATES_MAX - 5, max(0, len(explained) - 5)))
    document["templates"] = {n: document["templates"][n] for n in kept}
    explained, file = explain(gateway, folder, document)
    while loose := looser(gateway, file):
        del document["templates"][rng.choice(loose)]
        explained, file = explain(gateway, folder, document)
    made = Generated(ground, document, file, explained, set())
    owners = [(n, used["owner"]) for n, one in explained.items() for used in one["guarded"]["datasets"].values()]
    made.withheld = {rng.choice(sorted(set(owners)))}
    made.texts = [(physical(document, ground, sql), class_) for sql, class_ in ground.texts]
    return made


# Rewriting

def _sources(document):
    """{dataset: {column: physical}}."""
    return {name: {c: spec.get("from") or spec["keys"][0]["from"] for c, spec in dataset["columns"].items()} for name, dataset in document["datasets"].items()}


def physical(document, ground, sql):
    """A text over physical columns: `alias.column` by its dataset, a bare name where no two datasets differ about it."""
    sources = _sources(ground.document)
    aliases = {}
    for dataset, alias in RELATION.findall(sql):
        if dataset in sources:
            aliases |= {dataset: dataset} | ({alias: dataset} if alias and alias.lower() not in NO_ALIAS else {})

    def put(found):
        alias, column = found.groups()
        return f"{alias}.{sources[aliases[alias]].get(column, column)}" if alias in aliases else found[0]
    sql = re.sub(r"\b(\w+)\.(\w+)\b", put, sql)
    bare = {}
    for dataset in set(aliases.values()):
        for column, source in sources[dataset].items():
            bare.setdefault(column, set()).add(source)

    def put_bare(found):
        names = bare.get(found[1], ())
        return next(iter(names)) if len(names) == 1 else found[1]
    sql = re.sub(r"(?<![\w.'`\":])(\w+)(?![\w.'`(])(?!\s*\()", put_bare, sql)
    return sql.replace('"', "`")
