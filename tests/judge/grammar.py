"""Generates templates within what a guard should allow, and for each a DuckDB query with its own reading of the meaning.

A fragment of SQL names columns as {alias.column}; it is written out once for the template and once for DuckDB, where
`entity` stands for the privacy unit. Thresholds, consent, row filters and key resolution appear only on DuckDB's side.
Must not know: the text that Airlock emits.
"""

import itertools
import re
from dataclasses import dataclass, field

from world import FAMILIES, TABLES, resolved

PLACE = re.compile(r"\{(\w+)\.(\w+)\}")
FIGURE = re.compile(r"(?:SUM|AVG|MIN|MAX|COUNT)\((?:DISTINCT )?(\{\w+\.(?!entity)\w+\}|times|worth)\)")
PARAMETER = re.compile(r":(p\d+)\b")


@dataclass
class Case:
    """A template, how to call it, and what DuckDB says it means."""

    name: str
    shape: str
    class_: str
    sql: str
    expected: str
    columns: list
    withheld: str = ""
    parameters: dict = field(default_factory=dict)
    settings: dict = field(default_factory=dict)
    audience: bool = False
    merged: str = ""  # what it means where thin groups are merged into one and not left out; nothing where that is the same
    narrowed: list = field(default_factory=list)  # what it may mean where the largest minimum is asked of several datasets

    def template(self):
        """Its entry in the agreement."""
        entry = {"class": self.class_, "sql": self.sql, "run_by": ["beta"], "received_by": ["beta"]}
        return entry | ({"parameters": self.parameters} if self.parameters else {})


def backed(text, asked):
    """Each figure of a column as NULL unless so many of each kind of people have a value of it."""
    def put(found):
        enough = " AND ".join(f"COUNT(DISTINCT CASE WHEN {found[1]} IS NOT NULL THEN {who} END) >= {least}" for who, least in asked)
        return f"CASE WHEN {enough} THEN {found[0]} END"
    return FIGURE.sub(put, text) if asked else text


def together(rows, keys, asked):
    """Rows where thin groups are merged into one, whose keys are NULL; and what they are grouped by then."""
    named = "".join(f", {key} AS k{number}" for number, key in enumerate(keys))
    over = ", ".join(f"k{number}" for number in range(len(keys)))
    thin = " OR ".join(f"COUNT(DISTINCT {who}) OVER (PARTITION BY {over}) < {least}" for who, least in asked) or "FALSE"
    return f"(SELECT *, {thin} AS thin FROM (SELECT *{named} FROM {rows}))", [f"CASE WHEN NOT thin THEN k{number} END" for number in range(len(keys))]


def quoted(value, kind):
    """A SQL constant."""
    if kind == "utf8":
        return "'" + value.replace("'", "''") + "'"
    if kind == "date":
        return f"DATE '{value}'"
    if kind == "timestamp":
        return f"TIMESTAMP '{value.replace('T', ' ').rstrip('Z')}'"
    return str(value).upper() if kind == "boolean" else str(value)


class Source:
    """The joined tables of one template."""

    def __init__(self, rng, names, left=False):
        self.rng = rng
        self.names = names
        self.alias = {chr(ord("a") + i) + "x": name for i, name in enumerate(names)}
        self.left = left
        self.parameters, self.settings, self.constants = {}, {}, {}

    def airlock(self, fragment):
        """The fragment as the template says it."""
        def put(found):
            alias, column = found.groups()
            return f"{alias}.{TABLES[self.alias[alias]].entity if column == 'entity' else column}"
        return PLACE.sub(put, fragment)

    def duck(self, fragment):
        """The fragment over `base`, parameters as constants."""
        text = PLACE.sub(lambda m: f"base.{m[1]}__{m[2]}", fragment)
        return PARAMETER.sub(lambda m: self.constants[m[1]], text)

    def figure(self, fragment):
        """The same in a group that is to leave."""
        return self.duck(backed(fragment, [(f"base.{who}", least) for who, least in self.asked()]))

    def from_(self):
        """The template's FROM."""
        aliases = list(self.alias)
        text = f"{self.names[0]} {aliases[0]}"
        for number, alias in enumerate(aliases[1:], 1):
            last = number == len(aliases) - 1
            other = aliases[0] if self.left and last else self.rng.choice(aliases[:number])
            sides = [f"{{{other}.entity}}", f"{{{alias}.entity}}"]
            self.rng.shuffle(sides)
            word = "LEFT JOIN" if self.left and last else self.rng.choice(("JOIN", "INNER JOIN"))
            text += f" {word} {self.alias[alias]} {alias} ON " + self.airlock(" = ".join(sides))
        return text

    def base(self):
        """The joined rows in DuckDB: every column under its alias, every entity resolved to the anchor's."""
        aliases, shown, text = list(self.alias), [], ""
        for number, (alias, name) in enumerate(self.alias.items()):
            shown += [f'{alias}."{c}" AS {alias}__{c}' for c in TABLES[name].columns] + [f"{alias}.ent AS {alias}__entity", f"{alias}.own AS {alias}__own"]
            rows = f"{resolved(name, self.names[0])} {alias}"
            if number == 0:
                text = rows
            else:
                word = "LEFT JOIN" if self.left and number == len(aliases) - 1 else "JOIN"
                text += f" {word} {rows} ON {alias}.ent = {aliases[0]}.ent"
        return f"(SELECT {', '.join(shown)} FROM {text}) base"

    def several(self):
        """(alias, table) of those whose people have several keys and were resolved to the anchor's: their own count too."""
        later = list(self.alias.items())[1:]
        return [(a, TABLES[n]) for a, n in later if len(TABLES[n].keys) > 1]

    def asked(self):
        """(column of entities, minimum) that every group must hold."""
        asking = [(f"{a}__entity", TABLES[n].entities_min) for a, n in self.alias.items() if TABLES[n].entities_min > 1]
        return asking + [(f"{a}__own", t.entities_min) for a, t in self.several() if t.entities_min > 1]

    def enough(self):
        """The thresholds: an aggregate for each dataset that asks, and the condition over them."""
        counts = [f"COUNT(DISTINCT base.{who}) AS t_{who}" for who, _ in self.asked()]
        return counts, " AND ".join([f"t_{who} >= {least}" for who, least in self.asked()] or ["TRUE"])

    def narrowed(self):
        """What a platform may ask beside that which holds a minimum of its own for a dataset with one key, and the largest of several for each."""
        held = [(f"t_{a}__entity", TABLES[n].entities_min) for a, n in self.alias.items() if TABLES[n].entities_min > 1 and len(TABLES[n].keys) == 1]
        chosen = [some for size in range(2, len(held) + 1) for some in itertools.combinations(held, size)]
        return [" AND ".join(f"{who} >= {max(least for _, least in some)}" for who, _ in some) for some in chosen if len({least for _, least in some}) > 1]

    def columns(self, use, types=None):
        """(alias, column, spec) of every column with this use."""
        return [(a, c, s) for a, n in self.alias.items() for c, s in TABLES[n].columns.items() if s.use == use and (types is None or s.type in types)]

    def counted(self):
        """The aliases that aggregates may be over: the optional side of a LEFT JOIN may be thinner than the threshold."""
        return list(self.alias)[:-1] if self.left else list(self.alias)

    def aggregated(self, use):
        """(alias, column, spec) of every column with this use that aggregates may be over."""
        return [found for found in self.columns(use) if found[0] in self.counted()]

    def constant(self, value, kind):
        """A constant, often as a parameter."""
        if self.rng.random() < 0.6 or kind == "boolean" or value == "":
            return quoted(value, kind)
        name = f"p{len(self.parameters) + 1}"
        self.parameters[name] = {"type": kind}
        if kind == "int64":
            self.parameters[name] |= {"min": -1000, "max": 1000}
        self.settings[name] = str(value)
        self.constants[name] = quoted(value, kind)
        return f":{name}"


# Fragments

def predicate(source):
    """One condition on a dimension or filter."""
    rng = source.rng
    alias, column, spec = rng.choice(source.columns("dimension") + source.columns("filter"))
    at, say = f"{{{alias}.{column}}}", lambda v: source.constant(v, spec.type)
    if rng.random() < 0.08:
        return f"{at} IS {rng.choice(('NULL', 'NOT NULL', 'NOT NULL'))}"
    if spec.type == "boolean":
        return f"{at} = {rng.choice(('TRUE', 'FALSE'))}"
    if spec.type == "date":
        return f"{at} {rng.choice(('>=', '<', '>'))} {say(rng.choice(('2024-04-15', '2024-07-01', '2024-11-30')))}"
    if spec.type == "timestamp":
        return f"{at} {rng.choice(('>=', '<'))} {say(rng.choice(('2024-03-01T00:00:00Z', '2024-08-15T12:30:00Z')))}"
    some = rng.sample(spec.values, min(len(spec.values), rng.randint(2, 4)))
    if spec.type == "int64":
        low, high = sorted((rng.choice(spec.values), max(spec.values)))
        return rng.choice((
            lambda: f"{at} >= {say(low)}", lambda: f"{at} <> {say(low)}", lambda: f"{at} BETWEEN {say(low)} AND {say(high)}",
            lambda: f"{at} IN ({', '.join(say(v) for v in some)})", lambda: f"{at} < {say(high)}", lambda: f"{at} = {say(high)}",
        ))()
    return rng.choice((
        lambda: f"{at} = {say(some[0])}", lambda: f"{at} <> {say(some[0])}", lambda: f"{at} IN ({', '.join(say(v) for v in some)})",
        lambda: f"{at} NOT IN ({say(some[0])})", lambda: f"{at} LIKE {say(rng.choice(('%o%', '%e%', '_o%', 'S%', '%r', '%')))}",
        lambda: f"{at} NOT LIKE {say('%a%')}", lambda: f"lower({at}) = {say(some[0].lower())}", lambda: f"{at} >= {say('F')}",
        lambda: f"{at} BETWEEN {say('A')} AND {say('p')}",
    ))()


def condition(source):
    """A WHERE clause, or nothing."""
    rng = source.rng
    parts = []
    for _ in range(rng.choice((0, 0, 1, 1, 1, 2))):
        one = predicate(source)
        turn = rng.random()
        if turn < 0.15:
            one = f"({one} OR {predicate(source)})"
        elif turn < 0.22:
            one = f"NOT ({one})"
        parts.append(one)
    return " AND ".join(parts)


def group_key(source):
    """An expression to group by."""
    rng = source.rng
    alias, column, spec = rng.choice(source.columns("dimension"))
    at = f"{{{alias}.{column}}}"
    if spec.type == "date":
        return rng.choice((f"date_trunc('month', {at})", f"date_trunc('year', {at})", f"extract(year FROM {at})", f"extract(month FROM {at})"))
    if spec.type == "timestamp":
        return rng.choice((f"date_trunc('month', {at})", f"date_trunc('quarter', {at})", f"extract(hour FROM {at})", f"extract(year FROM {at})"))
    if spec.type == "boolean":
        return rng.choice((at, at, f"CASE WHEN {at} = TRUE THEN 'yes' ELSE 'no' END", f"coalesce({at}, FALSE)"))
    if spec.type == "int64":
        middle = sorted(spec.values)[len(spec.values) // 2]
        return rng.choice((at, at, f"CASE WHEN {at} < {middle} THEN 'low' WHEN {at} >= {middle} THEN 'high' END", f"coalesce({at}, -99)"))
    first, second = rng.sample(spec.values, 2)
    forms = [at, at, at, f"lower({at})", f"substr({at}, 1, 2)", f"coalesce({at}, 'none')", f"trim({at})",
             f"CASE WHEN {at} = {quoted(first, 'utf8')} THEN 'one' WHEN {at} IN ({quoted(second, 'utf8')}, 'x') THEN 'two' ELSE 'rest' END",
             f"CASE WHEN {at} LIKE '%o%' THEN 'o' END"]
    if not any("ß" in v for v in spec.values):  # its capital differs between engines, and neither is wrong
        forms.append(f"upper({at})")
    return rng.choice(forms)


def aggregate(source):
    """An aggregate that the owners allow."""
    rng = source.rng
    turn = rng.random()
    if turn < 0.2:
        return "COUNT(*)"
    if turn < 0.45:
        return f"COUNT(DISTINCT {{{rng.choice(source.counted())}.entity}})"
    if turn < 0.55:
        alias, column, _ = rng.choice(source.aggregated("dimension"))
        return f"COUNT(DISTINCT {{{alias}.{column}}})"
    alias, column, spec = rng.choice(source.aggregated("measure"))
    name = rng.choice(spec.aggregates)
    return f"COUNT(DISTINCT {{{alias}.{column}}})" if name == "count-distinct" else f"{name.upper()}({{{alias}.{column}}})"


def pick(rng, largest=3, smallest=1, families=FAMILIES):
    """Datasets of one family that may stand together: one that requires a join stands beside another owner's."""
    while True:
        names = rng.sample(rng.choice(families), rng.choice((1, 2, 2, 2, 3)))
        if not smallest <= len(names) <= largest:
            continue
        owners = {TABLES[n].owner for n in names}
        if len(owners) > 1 or all(TABLES[n].join == "optional" for n in names):
            return names


def sourced(rng, **bounds):
    """A source, sometimes with a LEFT JOIN at its end where every rule lets it."""
    names = pick(rng, **bounds)
    left = len(names) > 1 and all(TABLES[n].join == "optional" for n in names) and rng.random() < 0.6
    return Source(rng, names, left)


# Shapes

def flat(rng, name):
    """SELECT dimensions and aggregates, grouped, perhaps with HAVING, perhaps ordered and limited."""
    source = sourced(rng)
    keys = list(dict.fromkeys(group_key(source) for _ in range(rng.choice((0, 1, 1, 1, 1, 2, 2)))))
    aggregates = list(dict.fromkeys(aggregate(source) for _ in range(rng.randint(1, 4))))
    where, tables = condition(source), source.from_()
    having = ""
    if rng.random() < 0.2:
        having = rng.choice(("COUNT(*) >= 40", f"COUNT(DISTINCT {{ax.entity}}) > {rng.choice((10, 20, 40))}", "COUNT(*) > 10 AND COUNT(DISTINCT {ax.entity}) < 300"))
    outs = [(k, f"d{i}") for i, k in enumerate(keys, 1)] + [(a, f"n{i}") for i, a in enumerate(aggregates, 1)]
    limit = ""
    if keys and rng.random() < 0.2:
        outs.append(("COUNT(*)", "total"))
        order = ["total " + rng.choice(("DESC", "ASC"))] + [f"d{i + 1} ASC NULLS LAST" for i in range(len(keys))]
        limit = f" ORDER BY {', '.join(order)} LIMIT {rng.randint(1, 6)}"
    sql = "SELECT " + ", ".join(f"{source.airlock(e)} AS {o}" for e, o in outs) + f" FROM {tables}"
    sql += f" WHERE {source.airlock(where)}" if where else ""
    if keys:
        ordinals = rng.random() < 0.15
        sql += " GROUP BY " + ", ".join(str(i + 1) if ordinals else source.airlock(k) for i, k in enumerate(keys))
    sql += f" HAVING {source.airlock(having)}" if having else ""
    counts, enough = source.enough()
    inner = "SELECT " + ", ".join([f"{source.figure(e)} AS {o}" for e, o in outs] + [f"({source.figure(having or 'TRUE')}) AS kept"] + counts)
    inner += f" FROM {source.base()} WHERE {source.duck(where or 'TRUE')}"
    inner += " GROUP BY " + ", ".join(source.duck(k) for k in keys) if keys else ""
    columns = [o for _, o in outs]
    expected = f"SELECT {', '.join(columns)} FROM ({inner}) WHERE {enough} AND kept{limit}"
    narrowed = [f"SELECT {', '.join(columns)} FROM ({inner}) WHERE {enough} AND kept AND {more}{limit}" for more in source.narrowed()]
    merged = ""
    if keys and source.asked():
        rows, places = together(f"{source.base()} WHERE {source.duck(where or 'TRUE')}", [source.duck(k) for k in keys], source.asked())
        place = dict(zip(keys, places, strict=True))
        shown = ", ".join([f"{place.get(e) or source.figure(e)} AS {o}" for e, o in outs] + [f"({source.figure(having or 'TRUE')}) AS kept"] + counts)
        merged = f"SELECT {', '.join(columns)} FROM (SELECT {shown} FROM {rows} base GROUP BY thin, {', '.join(places)}) WHERE {enough} AND kept{limit}"
    plain = keys and not having and not limit
    withheld = f"SELECT count(*) FROM ({inner}) WHERE NOT ({enough})" if plain else ""
    shape = "flat" + ("-left" if source.left else "") + ("-having" if having else "") + ("-limit" if limit else "")
    return Case(name, shape, "aggregate", sql + limit, expected, columns, withheld, source.parameters, source.settings, merged=merged, narrowed=narrowed)


def frequency(rng, name):
    """A stage per entity, then a histogram of it."""
    source = Source(rng, rng.choice((pick(rng, largest=2, families=FAMILIES[1:]), pick(rng, largest=3, smallest=2))))
    single = len(source.names) == 1
    sums = [(a, c) for a, c, s in source.columns("measure") if "sum" in s.aggregates]
    alias, column = rng.choice(sums or [(None, None)])
    inside = [("{ax.entity}", "who"), ("COUNT(*)", "times")] + ([(f"SUM({{{alias}.{column}}})", "worth")] if alias else [])
    where, tables = condition(source), source.from_()
    low = rng.choice((2, 3))
    bucket = rng.choice(("times", f"CASE WHEN times < {low} THEN 'few' WHEN times < {low + 3} THEN 'some' ELSE 'many' END",
                         f"CASE WHEN times = 1 THEN 1 WHEN times <= {low + 2} THEN 2 ELSE 3 END"))
    outs = [(bucket, "bucket"), ("COUNT(DISTINCT who)", "people")]
    worths = [("SUM(worth)", "all_worth")] if alias else []
    if alias and "avg" in TABLES[source.alias[alias]].columns[column].aggregates:
        worths.append(("AVG(worth)", "mean_worth"))
    if not single:  # alone, rows without an identity would be a group of their own in the stage
        outs += rng.sample([("COUNT(*)", "n"), ("SUM(times)", "all_times"), ("AVG(times)", "mean_times"), *worths], 2)
    stage = "SELECT " + ", ".join(f"{source.airlock(e)} AS {o}" for e, o in inside) + f" FROM {tables}"
    stage += (f" WHERE {source.airlock(where)}" if where else "") + f" GROUP BY {source.airlock('{ax.entity}')}"
    sql = f"WITH per AS ({stage}) SELECT " + ", ".join(f"{e} AS {o}" for e, o in outs) + f" FROM per GROUP BY {bucket}"
    # Behind one row of the stage may be several people of another dataset: one stands for all.
    owned = [(a, t.entities_min) for a, t in source.several() if t.entities_min > 1]
    passed = [f"{source.duck(e)} AS {o}" for e, o in inside] + [f"MIN(base.{a}__own) AS own_{a}" for a, _ in owned]
    inner = f"SELECT {', '.join(passed)} FROM {source.base()} WHERE {source.duck(where or 'TRUE')} GROUP BY base.ax__entity"
    least = max(TABLES[n].entities_min for n in source.names)
    least = least if least > 1 else 0  # a minimum of 1 asks for nothing, so a group of unidentified rows passes
    enough = " AND ".join([f"COUNT(DISTINCT who) >= {least}", *(f"COUNT(DISTINCT own_{a}) >= {m}" for a, m in owned)])
    asked = [("who", least)] * (least > 1) + [(f"own_{a}", m) for a, m in owned]
    grouped = "SELECT " + ", ".join(f"{backed(e, asked)} AS {o}" for e, o in outs) + f", {enough} AS passes FROM ({inner}) GROUP BY {bucket}"
    columns = [o for _, o in outs]
    rows, places = together(f"({inner})", [bucket], asked)
    shown = ", ".join(f"{places[0] if e == bucket else backed(e, asked)} AS {o}" for e, o in outs)
    merged = f"SELECT {', '.join(columns)} FROM (SELECT {shown}, {enough} AS passes FROM {rows} GROUP BY thin, {places[0]}) WHERE passes" if asked else ""
    return Case(name, "frequency", "aggregate", sql, f"SELECT {', '.join(columns)} FROM ({grouped}) WHERE passes", columns,
                f"SELECT count(*) FROM ({grouped}) WHERE NOT passes", source.parameters, source.settings, merged=merged)


def released(rng, name):
    """Arithmetic, filters, order and limit over rows that were guarded in a stage before."""
    source = sourced(rng, smallest=2)
    key, where, tables = group_key(source), condition(source), source.from_()
    alias, column = rng.choice([(a, c) for a, c, s in source.aggregated("measure") if "sum" in s.aggregates and s.type == "float64"] or [(None, None)])
    total = f"SUM({{{alias}.{column}}})" if alias else "COUNT(*) * 1.5"
    inside = [(key, "d"), ("COUNT(DISTINCT {ax.entity})", "people"), (total, "total"), ("COUNT(*)", "n")]
    outs = [("d", "d"), *rng.sample([
        ("total / people", "each"), ("people * 2 + 1", "twice"), ("CASE WHEN people > 60 THEN 'big' ELSE 'small' END", "size"),
        ("n - people", "again"), ("coalesce(total, 0.0)", "worth"), ("people", "people"),
    ], 3)]
    tail = rng.choice(("", " WHERE people > 25", " WHERE n >= 40 AND people < 500"))
    limit = f" ORDER BY people DESC, n DESC, d NULLS LAST LIMIT {rng.randint(2, 6)}" if rng.random() < 0.4 else ""
    outs = [("people", "people"), ("n", "n"), *[o for o in outs if o[1] not in ("people", "n")]] if limit else outs
    stage = "SELECT " + ", ".join(f"{source.airlock(e)} AS {o}" for e, o in inside) + f" FROM {tables}"
    stage += (f" WHERE {source.airlock(where)}" if where else "") + f" GROUP BY {source.airlock(key)}"
    chosen = ", ".join(e if e == o else f"{e} AS {o}" for e, o in outs)
    counts, enough = source.enough()
    inner = "SELECT " + ", ".join([f"{source.figure(e)} AS {o}" for e, o in inside] + counts)
    inner += f" FROM {source.base()} WHERE {source.duck(where or 'TRUE')} GROUP BY {source.duck(key)}"
    expected = f"SELECT {chosen} FROM (SELECT * FROM ({inner}) WHERE {enough}){tail}{limit}"
    narrowed = [f"SELECT {chosen} FROM (SELECT * FROM ({inner}) WHERE {enough} AND {more}){tail}{limit}" for more in source.narrowed()]
    merged = ""
    if source.asked():
        rows, places = together(f"{source.base()} WHERE {source.duck(where or 'TRUE')}", [source.duck(key)], source.asked())
        shown = ", ".join([f"{places[0] if e == key else source.figure(e)} AS {o}" for e, o in inside] + counts)
        merged = f"SELECT {chosen} FROM (SELECT * FROM (SELECT {shown} FROM {rows} base GROUP BY thin, {places[0]}) WHERE {enough}){tail}{limit}"
    return Case(name, "released", "aggregate", f"WITH g AS ({stage}) SELECT {chosen} FROM g{tail}{limit}", expected,
                [o for _, o in outs], "", source.parameters, source.settings, merged=merged, narrowed=narrowed)


def activation(rng, name):
    """Rows of matched entities for the declared receiver."""
    source = Source(rng, pick(rng, smallest=2))
    able = [(a, c) for a, c, s in source.columns("dimension") if s.activate]
    chosen = rng.sample(able, min(len(able), rng.randint(1, 3)))
    outs = [(f"{{{a}.{c}}}", f"o{i}") for i, (a, c) in enumerate(chosen, 1)]
    where, tables = condition(source), source.from_()
    sql = "SELECT " + ", ".join(f"{source.airlock(e)} AS {o}" for e, o in outs) + f" FROM {tables}"
    sql += f" WHERE {source.airlock(where)}" if where else ""
    rows = f"FROM {source.base()} WHERE {source.duck(where or 'TRUE')}"
    least = max(TABLES[n].audience_min for n in source.names)
    sizes = [f"count(DISTINCT base.ax__entity) >= {least}"]
    sizes += [f"count(DISTINCT base.{a}__own) >= {max(t.audience_min, t.entities_min)}" for a, t in source.several()]
    large = f"SELECT {' AND '.join(sizes)} {rows}"
    # An audience is a set: how often an entity matched is nobody's to know.
    expected = "SELECT DISTINCT " + ", ".join(f"{source.duck(e)} AS {o}" for e, o in outs) + f" {rows} AND ({large})"
    return Case(name, "activation", "activation", sql, expected, [o for _, o in outs], f"SELECT CASE WHEN ({large}) THEN 0 ELSE 1 END",
                source.parameters, source.settings, True)


SHAPES = ((flat, 64), (frequency, 14), (released, 12), (activation, 10))


def cases(rng, count):
    """So many templates, each of another text."""
    made, seen = [], set()
    while len(made) < count:
        shape = rng.choices([s for s, _ in SHAPES], [w for _, w in SHAPES])[0]
        case = shape(rng, f"t{len(made):04}")
        if case.sql not in seen:
            seen.add(case.sql)
            made.append(case)
    return made
