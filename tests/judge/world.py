"""The judge's world: seeded Parquet files of three members, the agreement over them, and what they mean in DuckDB.

Normalising, consent and row filters are written here a second time, from their description only. Must not know: how
Airlock is built. One thing is left out on purpose: a second key that finds several entities of the anchor, because the
room breaks that tie by tokens that nobody outside it can compute.
"""

import contextlib
import datetime
import random
import re
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

COLLABORATION = "judged-room"
MEMBERS = {"alpha": ["contribute"], "beta": ["contribute", "run", "receive"], "gamma": ["contribute", "receive"]}
PEOPLE = 1600

ARROW = {
    "int64": pa.int64(), "float64": pa.float64(), "utf8": pa.string(), "boolean": pa.bool_(),
    "date": pa.date32(), "timestamp": pa.timestamp("us"),
}


@dataclass
class Column:
    """A column that templates see: its use, type and physical name."""

    use: str
    type: str
    source: str = ""
    aggregates: tuple = ()
    values: tuple = ()
    activate: bool = False


@dataclass
class Table:
    """A dataset: its rule, its keys in order as (kind, physical column, normaliser), and its columns."""

    owner: str
    entity: str
    keys: tuple
    entities_min: int
    join: str
    columns: dict
    audience_min: int = 0
    consent: tuple = ()
    rows: list = field(default_factory=list)
    where: str = "true"

    def dims(self, types=None):
        """Names of the columns to group by."""
        return [n for n, c in self.columns.items() if c.use == "dimension" and (types is None or c.type in types)]


SEGMENTS = ("Gold", "Silver", "Ärger", "日本", "naïve  two", "Ж", "", "gold", "O'Neil", "100%", "a_b")
REGIONS = ("north", "south", "EAST", "West", "")
CATEGORIES = ("food", "Food", "toys", "books", "Größe", "")
DEVICES = ("phone", "tv", "Desktop", "tablet")

TABLES = {
    "customers": Table(
        "alpha", "person", (("email", "mail", "email"), ("phone", "tel", "phone")), 5, "required",
        {
            "segment": Column("dimension", "utf8", "seg", values=SEGMENTS, activate=True),
            "region": Column("dimension", "utf8", "region", values=REGIONS, activate=True),
            "birth": Column("dimension", "date", "born_on"),
            "level": Column("dimension", "int64", "level", values=(0, 1, 2, 3, -1)),
            "active": Column("dimension", "boolean", "is_active", values=(True, False)),
            "spend": Column("measure", "float64", "spend_eur", ("sum", "avg", "min", "max", "count")),
            "points": Column("measure", "int64", "points", ("sum", "avg", "count-distinct")),
            "tier": Column("filter", "int64", "tier_no", values=(1, 2, 3, 4)),
        },
        10, ("agreed", "utf8", ["yes", "Y"]), [], "agreed IN ('yes', 'Y')",
    ),
    "leads": Table(
        "beta", "lead", (("email", "email_address", "email"), ("phone", "mobile", "phone")), 3, "optional",
        {
            "source": Column("dimension", "utf8", "src", values=("web", "Fair", "call", "Straße", ""), activate=True),
            "grade": Column("dimension", "int64", "grade", values=(1, 2, 3, 4, 5), activate=True),
            "created_at": Column("dimension", "timestamp", "made_at"),
            "worth": Column("measure", "float64", "worth", ("sum", "avg", "count")),
            "calls": Column("measure", "int64", "calls", ("sum", "avg", "min", "max")),
            "country": Column("filter", "utf8", "cc", values=("de", "fr", "nl")),
        },
        5,
    ),
    "support": Table(
        "gamma", "caller", (("phone", "phone_no", "phone"),), 4, "optional",
        {
            "topic": Column("dimension", "utf8", "topic", values=("bill", "line", "Other", ""), activate=True),
            "solved": Column("dimension", "boolean", "solved", values=(True, False)),
            "minutes": Column("measure", "float64", "minutes", ("sum", "avg", "max")),
        },
        5, (), [{"from": "state", "type": "utf8", "any_of": ["open", "closed"]}], "state IN ('open', 'closed')",
    ),
    "purchases": Table(
        "alpha", "buyer", (("loyalty-id", "card", "lower-trim"),), 8, "optional",
        {
            "category": Column("dimension", "utf8", "cat", values=CATEGORIES, activate=True),
            "store": Column("dimension", "int64", "store_no", values=tuple(range(1, 9))),
            "bought_on": Column("dimension", "date", "day"),
            "online": Column("dimension", "boolean", "online", values=(True, False)),
            "amount": Column("measure", "float64", "amount", ("sum", "avg", "min", "max", "count")),
            "quantity": Column("measure", "int64", "qty", ("sum", "avg", "count-distinct", "count")),
            "week": Column("filter", "int64", "week_no", values=tuple(range(1, 54))),
        },
        10, (),
        [{"from": "status", "type": "utf8", "any_of": ["ok", "late"]}, {"from": "year_no", "type": "int64", "min": 2024, "max": 2025}],
        "status IN ('ok', 'late') AND year_no >= 2024 AND year_no <= 2025",
    ),
    "exposures": Table(
        "beta", "viewer", (("loyalty-id", "member", "lower-trim"),), 1, "optional",
        {
            "campaign": Column("dimension", "int64", "campaign_id", values=tuple(range(1, 13)), activate=True),
            "device": Column("dimension", "utf8", "device", values=DEVICES, activate=True),
            "seen_at": Column("dimension", "timestamp", "seen_at"),
            "cost": Column("measure", "float64", "cost", ("sum", "avg")),
            "seconds": Column("measure", "int64", "secs", ("sum", "avg", "max", "count-distinct")),
        },
        5,
    ),
    "profiles": Table(
        "gamma", "person", (("loyalty-id", "loyalty", "lower-trim"),), 6, "required",
        {
            "age_band": Column("dimension", "utf8", "age", values=("18-24", "25-39", "40-64", "65+"), activate=True),
            "city": Column("dimension", "utf8", "city", values=("Kraków", "Zürich", "Oslo", "New York", ""), activate=True),
            "since": Column("dimension", "date", "since"),
            "income": Column("measure", "float64", "income", ("avg", "count")),
            "kids": Column("filter", "int64", "kids", values=(0, 1, 2, 3)),
        },
        10, ("consented", "boolean", [True]), [], "consented",
    ),
}
FAMILIES = (("customers", "leads", "support"), ("purchases", "exposures", "profiles"))
ROWS = {"customers": 2200, "leads": 2400, "support": 1800, "purchases": 7000, "exposures": 5000, "profiles": 1700}


@contextlib.contextmanager
def other(tables, share=1.0):
    """The same world under other terms, or with these tables alone, and with a share of its people and rows: for as long as it lasts."""
    global PEOPLE
    usual, rows, people = dict(TABLES), dict(ROWS), PEOPLE
    try:
        TABLES.clear()
        TABLES.update(tables)
        ROWS.update({name: max(1, int(count * share)) for name, count in rows.items()})
        PEOPLE = int(people * share)
        yield
    finally:
        TABLES.clear()
        TABLES.update(usual)
        ROWS.update(rows)
        PEOPLE = people


# Normalising, written from its description: one canonical text, or nothing.

def normal(kind, raw):
    """The canonical form of a raw identifier; None when it is none."""
    if raw is None or raw.strip() == "":
        return None
    if kind == "lower-trim":
        return raw.strip().lower()
    if kind == "email":
        text = raw.replace("\u200b", "").strip().lower().removeprefix("mailto:")
        text = (text[1:-1] if text.startswith("<") and text.endswith(">") else text).rstrip(".")
        return text if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", text) else None
    text = raw.strip()
    digits = re.sub(r"[\s().\-/]", "", text.replace("(0)", "") if text.startswith("+") else text)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    return digits if re.fullmatch(r"\+[1-9][0-9]{7,14}", digits) else None


class Dirt:
    """Spellings of identifiers. Whether a person has a usable one is fixed for each file: see the module's words."""

    def __init__(self, rng):
        self.rng = rng
        self.fate = {}

    def usable(self, table, column, person, share):
        """Whether this person has this identifier in this file."""
        return self.fate.setdefault((table, column, person), self.rng.random() < share)

    def email(self, person):
        """An e-mail address as people type it."""
        text = f"user.{person}+tag@Example{person % 7}.com" if person % 5 else f"ünal{person}@beispiel.de"
        return self.rng.choice((text, text.upper() if text.isascii() else text, f"  {text} ", text.lower(), f"<{text}>", f"mailto:{text}", f"{text}.", f"\u200b{text}\u202f"))

    def phone(self, person):
        """A telephone number as people type it."""
        rest = f"{170 + person % 9}{1000000 + person * 37}"
        forms = (f"+49{rest}", f"+49 ({rest[:3]}) {rest[3:6]}-{rest[6:]}", f" +49 (0){rest[:3]} {rest[3:]} ", f"0049-{rest[:3]}/{rest[3:]}", f"+49\u202f{rest[:3]}\u00a0{rest[3:]}")
        return self.rng.choice(forms)

    def card(self, person):
        """A loyalty number."""
        return self.rng.choice((f"LX{person:05}", f"lx{person:05}", f" Lx{person:05} "))

    def junk(self, normaliser):
        """What stands where an identifier should."""
        junk = {"email": (None, "", "n/a", "nobody@", " "), "phone": (None, "", "n/a", "12"), "lower-trim": (None, "", "  ")}
        return self.rng.choice(junk[normaliser])

    def key(self, table, column, normaliser, person, share):
        """One identifier of one row."""
        if not self.usable(table, column, person, share):
            return self.junk(normaliser)
        return {"email": self.email, "phone": self.phone, "lower-trim": self.card}[normaliser](person)


def a_value(rng, column):
    """A value of a dimension, measure or filter, with its share of awkward ones."""
    if rng.random() < 0.06:
        return None
    if column.values:
        return rng.choice(column.values)
    if column.type == "float64":
        return rng.choice((0.0, -0.0, -17.25, 1e9)) if rng.random() < 0.03 else round(rng.lognormvariate(3, 1) - 4, 2)
    if column.type == "int64":
        return rng.choice((0, -3, 2**40)) if rng.random() < 0.02 else rng.randint(0, 60)
    day = datetime.date(2024, 1, 1) + datetime.timedelta(days=int(rng.triangular(0, 700, 100)))
    if column.type == "date":
        return rng.choice((datetime.date(1970, 1, 1), datetime.date(1899, 12, 31))) if rng.random() < 0.02 else day
    return datetime.datetime.combine(day, datetime.time(rng.randrange(24), rng.randrange(60), rng.randrange(60), rng.randrange(10**6)))


def side_value(rng, name):
    """Values of the physical columns behind consent and row filters."""
    return rng.choice({
        "agreed": ("yes", "yes", "yes", "Y", "no", "YES", "", None),
        "consented": (True, True, True, False, None),
        "state": ("open", "closed", "closed", "spam", None),
        "status": ("ok", "ok", "ok", "late", "void", None),
        "year_no": (2023, 2024, 2024, 2025, 2025, 2026, None),
    }[name])


SIDE = {"customers": {"agreed": "utf8"}, "profiles": {"consented": "boolean"}, "support": {"state": "utf8"},
        "purchases": {"status": "utf8", "year_no": "int64"}}


def a_file(rng, dirt, name, table):
    """One dataset's rows, physical columns only."""
    columns = {source: [] for _, source, _ in table.keys}
    columns |= {c.source: [] for c in table.columns.values()} | {s: [] for s in SIDE.get(name, {})}
    present = rng.sample(range(PEOPLE), int(PEOPLE * 0.8))
    strangers = [p for p in range(PEOPLE) if p not in set(present)]
    share = {"email": 0.8, "phone": 0.75, "loyalty-id": 0.93}
    for _ in range(ROWS[name]):
        person = present[int(len(present) * rng.random() ** 1.4)]
        for number, (kind, source, normaliser) in enumerate(table.keys):
            whose = person
            if number == 1 and strangers and rng.random() < 0.06:
                whose = strangers.pop()  # this person's address with somebody else's telephone, once each
            columns[source].append(dirt.key(name, source, normaliser, whose, share[kind]))
        for column in table.columns.values():
            columns[column.source].append(a_value(rng, column))
        for side in SIDE.get(name, {}):
            columns[side].append(side_value(rng, side))
    types = {source: "utf8" for _, source, _ in table.keys}
    types |= {c.source: c.type for c in table.columns.values()} | SIDE.get(name, {})
    narrow = {"tier_no": pa.int32(), "grade": pa.int16()}
    fields = {n: pa.array(v, narrow.get(n) or ARROW[types[n]]) for n, v in columns.items()}
    hidden = pa.array([rng.random() for _ in range(ROWS[name])])
    return pa.table(fields | {"secret_note": hidden})


def write_world(folder: Path, seed: int, hashed=None):
    """Writes the files, and gives a DuckDB connection with one view a dataset: canonical columns, filters applied.

    `hashed(normaliser, raw)` makes what stands in the files' keys instead of the raw identifiers."""
    rng = random.Random(seed)
    dirt = Dirt(rng)
    con = duckdb.connect()
    con.execute("SET threads = 1")
    for name, table in TABLES.items():
        rows = a_file(rng, dirt, name, table)
        path = folder / "data" / name
        path.mkdir(parents=True)
        written = rows
        for _, source, how in table.keys if hashed else ():
            made = pa.array([hashed(how, v) for v in rows[source].to_pylist()], pa.string())
            written = written.set_column(written.column_names.index(source), source, made)
        parts = 3 if name in ("exposures", "purchases") else 1
        each = -(-rows.num_rows // parts)
        for part in range(parts):
            pq.write_table(written.slice(part * each, each), path / f"part-{part}.parquet", row_group_size=900)
        keys = {f"k_{kind}": pa.array([normal(how, v) for v in rows[source].to_pylist()], pa.string()) for kind, source, how in table.keys}
        for key, values in keys.items():
            rows = rows.append_column(key, values)
        con.register(f"raw_{name}", rows)
        shown = ", ".join(f'"{c.source}" AS "{n}"' for n, c in table.columns.items())
        held = ", ".join(f'"{k}"' for k in keys)
        own = "coalesce(" + ", ".join(f"'{k}:' || \"{k}\"" for k in keys) + ")"
        con.execute(f'CREATE TABLE "{name}" AS SELECT {shown}, {held}, {own} AS ent, {own} AS own FROM raw_{name} WHERE {table.where}')
    refuse_ties(con)
    return con


def refuse_ties(con):
    """Stops when a key finds more than one entity of an anchor: such a world can't be judged from outside."""
    for name, table in TABLES.items():
        for kind, _, _ in table.keys:
            ties = con.execute(f'SELECT count(*) FROM (SELECT "k_{kind}" FROM "{name}" WHERE "k_{kind}" IS NOT NULL GROUP BY 1 HAVING count(DISTINCT ent) > 1)').fetchone()[0]
            if ties:
                raise SystemExit(f"the world has {ties} ties on {name}.{kind}")


def resolved(name, anchor):
    """SQL of a dataset whose `ent` is the anchor's entity where a key finds one: first key of the anchor's order."""
    if name == anchor:
        return f'(SELECT * FROM "{name}")'
    mine = {kind for kind, _, _ in TABLES[name].keys}
    shared = [kind for kind, _, _ in TABLES[anchor].keys if kind in mine]
    joins, found = [], []
    for number, kind in enumerate(shared):
        joins.append(f'LEFT JOIN (SELECT "k_{kind}" AS k, min(ent) AS ent FROM "{anchor}" WHERE "k_{kind}" IS NOT NULL GROUP BY 1) m{number} ON m{number}.k = b."k_{kind}"')
        found.append(f"m{number}.ent")
    return f'(SELECT b.* REPLACE (coalesce({", ".join([*found, "b.ent"])}) AS ent) FROM "{name}" b {" ".join(joins)})'


def agreement(folder: Path, templates: dict, runs_max: int) -> dict:
    """The agreement document over this world."""
    return {
        "agreement": "v1", "collaboration": COLLABORATION, "description": "seeded data for the judge",
        "members": {m: {"name": m.title(), "abilities": a} for m, a in MEMBERS.items()},
        "rooms": ["native"],
        "datasets": {name: a_dataset(name, table) for name, table in TABLES.items()},
        "templates": templates,
        "limits": {"runs_max": runs_max, "within": "24h"},
        "destinations": {m: (folder / "results" / m).as_uri() for m in ("beta", "gamma")},
    }


def a_dataset(name, table):
    """One dataset of the agreement, everything said in full."""
    keys = [{"key": kind, "from": source, "type": "utf8", "normalise": how} for kind, source, how in table.keys]
    columns = {table.entity: {"use": "match", "keys": keys} if len(keys) > 1 else {"use": "match", **keys[0]}}
    for column, spec in table.columns.items():
        columns[column] = {"from": spec.source, "type": spec.type, "use": spec.use}
        if spec.use == "measure":
            columns[column]["aggregates"] = list(spec.aggregates)
        if spec.activate:
            columns[column]["activate"] = True
    rule = {"entities_min": table.entities_min, "join": table.join,
            "activation": {"to": ["beta"], "audience_min": table.audience_min}}
    single = name in ("customers", "leads", "support", "profiles")
    place = f"data/{name}/part-0.parquet" if single else f"data/{name}/"
    dataset = {"owner": table.owner, "at": {"native": place}, "entity": table.entity, "columns": columns, "rule": rule}
    if table.consent:
        source, kind, granted = table.consent
        dataset["consent"] = {"from": source, "type": kind, "granted": granted}
    if table.rows:
        dataset["rows"] = table.rows
    return dataset
