"""SQL that the account of a runner may think of, past the gateway, over what is shared with it: for every way to pry one that must tell nothing,
and for each a legitimate one beside it. What a question is for is said here; whether an answer was allowed is not decided here.

Must not know how anything is enforced, nor the gateway.
"""

import re
from dataclasses import dataclass, field

import canaries
from canaries import COLUMN, DATASETS, HIDDEN, KEY, SPARSE, WORDS, Ask, literal

OWN = "OWN.PUBLIC"
ALIASES = ('{}', '"{}"', '"{} "', '"{}\'; DROP TABLE X; --"', '"{}""{}"', '"SELECT"', '"Ж{}"', '"household"', '"{}.b"', '"a\tb{}"', '"*"')
OUTPUTS = ("O{n}", '"o {n}"', '"household{n}"', '"""{n}"', '"SELECT {n} FROM"', '"Ä{n}"', "\"'; --{n}\"", '"{n}"')
# What may come back: nothing; nothing that is a secret; what the ask's households let be known; not even a success; what a template's run gives.
NOTHING, TOLD, ASKED, REFUSED, RUN = "nothing", "told", "asked", "refused", "run"


@dataclass
class Question:
    """Statements in their order: the last one's rows count, and earlier ones may be refused as well."""

    kind: str
    steps: list
    expects: str
    dataset: str = ""
    asks: list = field(default_factory=list)  # of ASKED: what the rows are, one after the other
    width: int = 0  # columns of a row that are the ask's; all of them where it is 0
    twin: bool = False
    why: str = ""
    pair: tuple = ()  # two asks that may differ by one household
    words: dict = field(default_factory=dict)  # of the request: role, bindings, parameters
    by: str = ""  # who asks, when it is not the runner
    template: str = ""  # of a run in a clean room
    values: dict = field(default_factory=dict)

    def text(self):
        return ";\n".join(self.steps)


def quoted(name):
    """A quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


class Pry:
    """Questions of one runner about one agreement."""

    def __init__(self, rng, ground, runner, given, own):
        self.rng, self.ground, self.runner = rng, ground, runner
        self.given, self.own = given, own  # datasets that are shared with it, and its own
        self.prefix = f"AIRLOCK${ground.name.upper().replace('-', '_')}$"
        self.guarded = [d for d in given if ground.least(d)]
        self.handles, self.own_handles, self.stage = [], [], ""
        self.secret = ground.physical("secret")

    # Places

    def mount(self, dataset):
        """The view of a share, mounted."""
        return f'"{self.prefix}{dataset.upper()}"."{self.prefix}OFFERS"."{dataset.upper()}${self.runner.upper()}"'

    def place(self, dataset):
        """A dataset by one of the names that it has in the runner's account."""
        if dataset == "guesses":
            return f"{OWN}.GUESSES"
        local = f'AIRLOCK."{self.prefix}RUNS"."{dataset}"'
        if dataset in self.own:
            return local
        return self.rng.choice((self.mount(dataset), self.mount(dataset), local, f"IDENTIFIER({literal(self.mount(dataset))})"))

    # Asks

    def snow(self, ask, named=True, plain=False):
        """An ask in Snowflake's words: columns quoted, aliases and outputs as they come."""
        rng = self.rng
        one, two = rng.sample(ALIASES, 2)
        names = {"a": "A" if plain else one.format("a", "a"), "b": "B" if plain else two.format("b", "b")}
        count = len(ask.keys) + len(ask.figures)
        form = "O{n}" if plain else rng.choice(OUTPUTS)
        text = ask.text(self.place, [form.replace("{n}", str(n)) for n in range(count)] if named or plain else None, alias=lambda a: f"\0{a}")
        text = COLUMN.sub(lambda m: f"\0{m[1]}.{quoted(m[2])}", text)
        return text.replace("\0a", names["a"]).replace("\0b", names["b"])

    def columns(self, dataset, *uses):
        return [c for c, (use, *_) in DATASETS[dataset][2].items() if use in uses]

    def kind_of(self, dataset, column):
        return DATASETS[dataset][2][column][1]

    def value(self, dataset, column):
        """A constant to compare a column with."""
        rng = self.rng
        if column == KEY:
            return self.ground.token(rng.randrange(canaries.HOUSEHOLDS))
        if column in WORDS:
            thin = [v for c, v in self.ground.thin.get(dataset, ()) if c == column]
            return rng.choice([*WORDS[column], *thin])
        low, high = canaries.NUMBERS.get(column) or canaries.FLOATS[column]
        return rng.randint(int(low), max(int(high), int(low) + 1))

    def condition(self, dataset, alias, column=None):
        """A condition on one column."""
        rng = self.rng
        column = column or rng.choice([KEY, *DATASETS[dataset][2]])
        place, value = f"{alias}.{column}", self.value(dataset, column)
        if column == KEY:
            few = ", ".join(literal(self.ground.token(p)) for p in rng.sample(range(canaries.HOUSEHOLDS), rng.randint(1, 30)))
            return rng.choice((f"{place} = {literal(value)}", f"{place} <> {literal(value)}", f"{place} LIKE {literal(value[:rng.randint(1, 3)] + '%')}", f"{place} IN ({few})",
                               f"{place} < {literal(value)}", f"SUBSTR({place}, 3, 1) = {literal(value[2])}", f"NOT {place} IN ({few})"))
        if column in WORDS:
            return rng.choice((f"{place} = {literal(value)}", f"{place} <> {literal(value)}", f"{place} LIKE {literal(value[:2] + '%')}", f"{place} IN ({literal(value)}, 'x')", f"UPPER({place}) <> {literal(value.upper())}"))
        return rng.choice((f"{place} = {value}", f"{place} <> {value}", f"{place} >= {value}", f"{place} BETWEEN {value} AND {value + rng.randint(0, 20)}"))

    def key(self, dataset, alias):
        """A grouping key: mostly a dimension, sometimes a column that is none."""
        rng = self.rng
        turn = rng.random()
        if turn < 0.6:
            return f"{alias}.{rng.choice(self.columns(dataset, 'dimension'))}"
        if turn < 0.75:
            return f"SUBSTR({alias}.{KEY}, 1, {rng.randint(1, 3)})"
        if turn < 0.85:
            others = self.columns(dataset, "filter", "measure")
            column = rng.choice(others)
            return f"FLOOR({alias}.{column} / 10)" if self.kind_of(dataset, column) == "float64" else f"{alias}.{column}"
        column = rng.choice(list(DATASETS[dataset][2]))
        return f"CASE WHEN {self.condition(dataset, alias, column)} THEN 'yes' ELSE 'no' END"

    def figure(self, dataset, alias):
        """A figure and the value behind it."""
        rng = self.rng
        turn = rng.random()
        numbers = [c for c in DATASETS[dataset][2] if self.kind_of(dataset, c) != "utf8"]
        if turn < 0.25 or not numbers:
            return f"COUNT(DISTINCT {alias}.{KEY})", f"{alias}.{KEY}"
        if turn < 0.4:
            return "COUNT(*)", ""
        column = rng.choice(numbers)
        place = f"{alias}.{column}"
        if turn < 0.85:
            return rng.choice((f"SUM({place})", f"AVG({place})", f"COUNT({place})", f"COUNT(DISTINCT {place})")), place
        value = f"CASE WHEN {self.condition(dataset, alias)} THEN {place} END"
        return rng.choice((f"SUM({value})", f"COUNT({value})", f"AVG({value})")), value

    def ask(self, dataset=None, keys=None, having=False):
        """A question of the known shape over what is shared."""
        rng = self.rng
        dataset = dataset or rng.choice(self.given)
        relations = [(dataset, "a")]
        if rng.random() < 0.5:
            relations.append((rng.choice([d for d in [*self.given, *self.own, "guesses"] if d != dataset]), "b"))
        alias = dict((a, d) for d, a in relations)
        real = [a for a, d in alias.items() if d in DATASETS]
        keyed = [self.key(alias[a], a) for a in rng.choices(real, k=rng.choice((0, 1, 1, 1, 2)) if keys is None else keys)]
        if alias.get("b") == "guesses" and rng.random() < 0.5:
            keyed = [*keyed, "b.note"]
        figures = [self.figure(alias[a], a) for a in rng.choices(real, k=rng.randint(1, 3))]
        where = [self.condition(alias[a], a) for a in rng.choices(real, k=rng.choice((0, 0, 0, 1, 1, 2)))]
        made = Ask(relations, list(dict.fromkeys(keyed)), list(dict.fromkeys(figures)), where)
        if having:
            text, value = self.figure(dataset, "a")
            made.having = [(text, value, rng.choice((">", ">=", "<")), rng.choice((0, 1, 10, 100)))]
        return made

    def honest(self, dataset=None):
        """A question whose answer has something in it: groups that are large, nothing compared."""
        dataset = dataset or self.rng.choice(self.given)
        dims = [c for c in self.columns(dataset, "dimension") if c in WORDS]
        return Ask([(dataset, "a")], [f"a.{self.rng.choice(dims)}"], [(f"COUNT(DISTINCT a.{KEY})", f"a.{KEY}"), self.rng.choice((("COUNT(*)", ""), (f"COUNT(a.{KEY})", f"a.{KEY}")))])

    def asked(self, kind, ask, twin=False, wrap=None, asks=None, width=0, **more):
        """An ask as a question, now and then inside of something that changes nothing."""
        text = self.snow(ask)
        text = wrap(text) if wrap else self.around(text) if self.rng.random() < 0.4 else text
        return Question(kind, [text], ASKED, ask.relations[0][0], asks or [ask], width, twin, **more)

    def around(self, text):
        """The same question in other words."""
        rng = self.rng
        name = rng.choice(ALIASES).format("q", "q")
        return rng.choice((f"SELECT * FROM ({text}) {name}", f"WITH {name} AS ({text}) SELECT * FROM {name}", f"({text})", f"/* {rng.randrange(10**6)} */ {text}", f"{text} -- {rng.randrange(10**6)}",
                           f"{text};", f"WITH {name} AS ({text}), U AS (SELECT * FROM {name}) SELECT * FROM U", text.replace("SELECT ", "select\n\t", 1), f"SELECT * FROM ({text}) {name} LIMIT 1000"))

    def nothing(self, kind, text, why, dataset, *before, **more):
        """A text that must tell nothing, now and then inside of something else."""
        text = self.around(text) if self.rng.random() < 0.3 and text.lstrip().upper().startswith(("SELECT", "WITH")) and not text.endswith(";") else text
        return Question(kind, [*before, text], NOTHING, dataset, why=why, **more)

    # Ways to pry: each gives the question and the legitimate one beside it

    def victim(self):
        """A dataset that is protected, where it lies, and its columns."""
        dataset = self.rng.choice(self.guarded)
        return dataset, self.place(dataset)

    def any_column(self, dataset, *uses):
        return quoted(self.rng.choice(self.columns(dataset, *(uses or ("dimension", "measure", "filter")))))

    def rows(self):
        rng = self.rng
        dataset, at = self.victim()
        several = ", ".join(quoted(c) for c in rng.sample([KEY, *DATASETS[dataset][2]], rng.randint(1, 3)))
        one = self.any_column(dataset)
        condition = COLUMN.sub(lambda m: f"{m[1]}.{quoted(m[2])}", self.condition(dataset, "a"))
        text = rng.choice((
            f"SELECT * FROM {at}", f"SELECT {several} FROM {at}", f"SELECT {several} FROM {at} a WHERE {condition}", f"SELECT DISTINCT {one} FROM {at}", f"SELECT a.* FROM {at} a WHERE {condition}",
            f"SELECT {several} FROM {at} ORDER BY {one} LIMIT {rng.randint(1, 50)} OFFSET {rng.randint(0, 90)}", f"SELECT TOP {rng.randint(1, 9)} * FROM {at}", f"SELECT * EXCLUDE {one} FROM {at}",
            f"SELECT ${rng.randint(1, 4)} FROM {at}", f"SELECT OBJECT_CONSTRUCT(*) FROM {at} a WHERE {condition}", f"SELECT HASH(*) FROM {at}", f"SELECT {one} || '' AS X FROM {at} a WHERE {condition}",
            f"SELECT 1 AS X FROM {at} a WHERE {condition}", f"SELECT a FROM {at} a LIMIT {rng.randint(1, 9)}", f"SELECT COALESCE({one}, NULL) AS X FROM {at} FETCH FIRST {rng.randint(1, 9)} ROWS ONLY",
            f"SELECT ARRAY_CONSTRUCT({several}) FROM {at}", f"SELECT {several} FROM {at} GROUP BY ALL", f"SELECT IFF({one} IS NULL, 0, 1) AS X FROM {at} a WHERE {condition}"))
        return self.nothing("rows", text, "rows of single households", dataset)

    def keys(self):
        rng = self.rng
        dataset, at = self.victim()
        key, one = quoted(KEY), self.any_column(dataset)
        text = rng.choice((
            f"SELECT {key} FROM {at} GROUP BY {key}", f"SELECT {key}, COUNT(*) FROM {at} GROUP BY 1", f"SELECT {key}, {one}, COUNT(*) AS N FROM {at} GROUP BY {key}, {one}", f"SELECT DISTINCT {key} FROM {at}",
            f"SELECT LISTAGG({key}, ',') FROM {at}", f"SELECT ARRAY_AGG({key}) FROM {at} GROUP BY {one}", f"SELECT MIN({key}) FROM {at}", f"SELECT MAX({key}) AS X, {one} FROM {at} GROUP BY {one}",
            f"SELECT ANY_VALUE({key}) FROM {at}", f"SELECT {key} FROM {at} GROUP BY {key} HAVING COUNT(*) >= {rng.randint(1, 9)}", f"SELECT REVERSE({key}) AS X, COUNT(*) AS N FROM {at} GROUP BY {key}",
            f"SELECT {one}, {key} FROM {at} GROUP BY {one}, {key} ORDER BY 1", f"SELECT SHA2({key}) FROM {at} GROUP BY {key}", f"SELECT COUNT(*) AS N FROM {at} GROUP BY {key} LIMIT {rng.randint(1, 99)}",
            f"SELECT MODE({key}) FROM {at} GROUP BY {one}", f"SELECT APPROX_TOP_K({key}, {rng.randint(1, 9)}) FROM {at}", f"SELECT HLL_ACCUMULATE({key}) FROM {at}"))
        return self.nothing("match keys", text, "households' keys, or figures of single households", dataset)

    def hidden(self):
        rng = self.rng
        dataset, at = self.victim()
        column = quoted(rng.choice((self.secret, self.ground.physical("consent"), self.ground.physical("country"), self.ground.physical("hh"), "SECRET", "consent", "secret", "_metadata", "METADATA$ROW_ID")))
        one = self.any_column(dataset)
        text = rng.choice((
            f"SELECT {column} FROM {at}", f"SELECT COUNT(DISTINCT {column}) FROM {at}", f"SELECT {one}, COUNT(*) FROM {at} WHERE {column} LIKE '{HIDDEN[:rng.randint(1, 9)]}%' GROUP BY {one}",
            f"SELECT MIN({column}) FROM {at}", f"SELECT {column}, COUNT(*) FROM {at} GROUP BY {column}", f"SELECT COUNT(*) FROM {at} ORDER BY MAX({column})", f"SELECT SUM(CASE WHEN {column} IS NULL THEN 0 ELSE 1 END) FROM {at}",
            f"SELECT COUNT(*) FROM {at} a JOIN {at} b USING ({column})", f"SELECT COUNT({column}) AS N FROM {at} HAVING COUNT({column}) > {rng.randint(0, 99)}", f"SELECT a.{column} FROM {at} a JOIN {OWN}.GUESSES g ON a.{quoted(KEY)} = g.{quoted(KEY)}"))
        return self.nothing("hidden columns", text, "a column that the agreement doesn't list", dataset)

    def functions(self):
        rng = self.rng
        dataset, at = self.victim()
        one, other = self.any_column(dataset), self.any_column(dataset, "dimension")
        call = rng.choice(("MIN({0})", "MAX({0})", "MEDIAN({0})", "LISTAGG({0}, ',')", "ARRAY_AGG({0})", "ANY_VALUE({0})", "STDDEV({0})", "VARIANCE({0})", "MODE({0})", "COUNT_IF({0} IS NOT NULL)", "OBJECT_AGG({0}, {0})",
                           "MAX_BY({0}, {1})", "MIN_BY({0}, {1}, 3)", "APPROX_PERCENTILE({0}, 0.5)", "PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY {0})", "BOOLOR_AGG({0} IS NULL)", "BITXOR_AGG({0})", "HASH_AGG({0})",
                           "KURTOSIS({0})", "SKEW({0})", "CORR({0}, {0})", "COVAR_POP({0}, {0})", "ARRAY_UNIQUE_AGG({0})", "APPROX_TOP_K({0})", "MINHASH(10, {0})", "REGR_SLOPE({0}, {0})", "HLL_EXPORT(HLL_ACCUMULATE({0}))",
                           "SUM(CAST({0} AS NUMBER))", "SUM(TO_NUMBER({0}))", "SUM(LENGTH({0}))", "SUM(ASCII({0}))", "COUNT(HASH({0}))", "COUNT(DISTINCT {0} || {1})", "GROUPING({0})")).format(one, other)
        text = rng.choice((f"SELECT {call} AS X FROM {at}", f"SELECT {other}, {call} AS X FROM {at} GROUP BY {other}", f"SELECT COUNT(*) AS N FROM {at} GROUP BY {other} HAVING {call} IS NOT NULL",
                           f"SELECT {other}, COUNT(*) AS N FROM {at} GROUP BY {other} ORDER BY {call}", f"SELECT COUNT(*), {call} FROM {at} a JOIN {OWN}.GUESSES g ON a.{quoted(KEY)} = g.{quoted(KEY)}".replace(one, f"a.{one}").replace("a.a.", "a.")))
        return self.nothing("functions", text, "values of single households, by a function that the owner didn't allow", dataset)

    def windows(self):
        rng = self.rng
        dataset, at = self.victim()
        one, other, key = self.any_column(dataset), self.any_column(dataset), quoted(KEY)
        call = rng.choice(("COUNT(*) OVER ()", f"COUNT(*) OVER (PARTITION BY {key})", f"ROW_NUMBER() OVER (ORDER BY {one})", f"RANK() OVER (PARTITION BY {other} ORDER BY {one})", f"LAG({one}) OVER (ORDER BY {key})",
                           f"FIRST_VALUE({one}) OVER (PARTITION BY {other} ORDER BY {key})", f"SUM({one}) OVER (ORDER BY {key} ROWS BETWEEN CURRENT ROW AND CURRENT ROW)", f"NTH_VALUE({one}, 2) OVER (ORDER BY {other})", f"NTILE({rng.randint(2, 99)}) OVER (ORDER BY {one})",
                           f"RATIO_TO_REPORT({one}) OVER ()", f"AVG({one}) OVER (PARTITION BY {key})", f"CONDITIONAL_TRUE_EVENT({one} IS NULL) OVER (ORDER BY {key})"))
        text = rng.choice((f"SELECT {call} AS X FROM {at}", f"SELECT {one} FROM {at} QUALIFY {call} <= {rng.randint(1, 9)}", f"SELECT {other}, COUNT(*) AS N FROM {at} GROUP BY {other} QUALIFY ROW_NUMBER() OVER (ORDER BY COUNT(*)) <= {rng.randint(1, 9)}",
                           f"SELECT COUNT(*) AS N FROM (SELECT {one}, {call} AS W FROM {at}) x WHERE W <= {rng.randint(1, 9)}", f"SELECT {other}, SUM(COUNT(*)) OVER (ORDER BY {other}) AS X FROM {at} GROUP BY {other}"))
        return self.nothing("windows", text, "a window over rows of single households", dataset)

    def sets(self):
        rng = self.rng
        dataset, at = self.victim()
        one = self.any_column(dataset)
        other = f"SELECT {literal(f'x{rng.randrange(10**5)}')}"
        sides = [f"SELECT {one} FROM {at}", rng.choice((other, f"SELECT {one} FROM {at}", f'SELECT "note" FROM {OWN}.GUESSES', f"SELECT MAX({one}) FROM {at}"))]
        rng.shuffle(sides)
        text = f" {rng.choice(('UNION', 'UNION ALL', 'INTERSECT', 'EXCEPT', 'MINUS'))} ".join(sides)
        text = rng.choice((text, f"SELECT COUNT(*) AS N FROM ({text}) u", f"SELECT * FROM ({text}) u LIMIT {rng.randint(1, 9)}"))
        return self.nothing("set operations", text, "rows of single households beside others", dataset)

    def subqueries(self):
        rng = self.rng
        dataset, at = self.victim()
        one, key, guess = self.any_column(dataset), quoted(KEY), literal(self.value(dataset, KEY))
        t = f"{OWN}.GUESSES"
        text = rng.choice((
            f"SELECT (SELECT {one} FROM {at} LIMIT 1) AS X", f"SELECT CASE WHEN EXISTS (SELECT 1 FROM {at} WHERE {key} = {guess}) THEN 'there' ELSE 'not' END AS X", f'SELECT "note" FROM {t} WHERE {key} IN (SELECT {key} FROM {at})',
            f'SELECT "note" FROM {t} g WHERE EXISTS (SELECT 1 FROM {at} a WHERE a.{key} = g.{key})', f'SELECT "note", (SELECT COUNT(*) FROM {at} a WHERE a.{key} = g.{key}) AS N FROM {t} g', f'SELECT "note" FROM {t} LIMIT (SELECT COUNT(*) FROM {at} GROUP BY {key})',
            f'SELECT "note" FROM {t} ORDER BY (SELECT {one} FROM {at} LIMIT 1)', f"SELECT * FROM (VALUES ((SELECT {one} FROM {at} LIMIT {rng.randint(1, 3)}))) v", f"SELECT x.{one} FROM (SELECT {one} FROM {at}) x",
            f'SELECT "note" FROM {t} WHERE {key} = ANY (SELECT {key} FROM {at})', f'SELECT "note" FROM {t} WHERE {key} NOT IN (SELECT {key} FROM {at} WHERE {key} IS NOT NULL)', f"SELECT COUNT(*) FROM {t} WHERE {key} IN (SELECT {key} FROM {at} WHERE {one} IS NOT NULL)",
            f'SELECT g."note", x.N FROM {t} g, (SELECT COUNT(*) AS N FROM {at} a WHERE a.{key} = g.{key}) x', f"SELECT COUNT(*) AS N FROM {t} g GROUP BY (SELECT {one} FROM {at} LIMIT 1)", f"SELECT IFF((SELECT COUNT(*) FROM {at} WHERE {key} = {guess}) > 0, 1, NULL) AS X"))
        return self.nothing("subqueries", text, "whether a household is there, or a value of it", dataset)

    def stages(self):
        rng = self.rng
        dataset, at = self.victim()
        one, key = self.any_column(dataset), quoted(KEY)
        name = rng.choice(ALIASES).format("w", "w")
        text = rng.choice((f"WITH {name} AS (SELECT * FROM {at}) SELECT * FROM {name}", f"WITH {name} AS (SELECT {key}, {one} FROM {at}), U AS (SELECT * FROM {name}) SELECT {one} FROM U", f"WITH {name}(K) AS (SELECT {key} FROM {at}) SELECT K FROM {name}",
                           f"WITH {name} AS (SELECT {key}, COUNT(*) AS N FROM {at} GROUP BY {key}) SELECT N FROM {name} ORDER BY N DESC LIMIT {rng.randint(1, 9)}", f"WITH RECURSIVE {name} AS (SELECT {key} FROM {at} UNION ALL SELECT {key} FROM {name}) SELECT {key} FROM {name}",
                           f"WITH {name} AS (SELECT {key}, SUM({one}) AS S FROM {at} GROUP BY {key}) SELECT S, COUNT(*) AS N FROM {name} WHERE S > {rng.randint(1, 99)} GROUP BY S, {key}", f"WITH {name} AS (SELECT {key}, {one} FROM {at}) SELECT {name}.{one} FROM {name} JOIN {OWN}.GUESSES g ON g.{key} = {name}.{key}"))
        return self.nothing("stages", text, "rows of single households, by a stage", dataset)

    def joins(self):
        rng = self.rng
        dataset, at = self.victim()
        one, key, t = self.any_column(dataset), quoted(KEY), f"{OWN}.GUESSES"
        text = rng.choice((f'SELECT g."note", a.{one} FROM {at} a JOIN {t} g ON a.{key} = g.{key}', f"SELECT a.{one} FROM {at} a, {t} g", f"SELECT a.{one} FROM {t} g LEFT JOIN {at} a ON a.{key} = g.{key}", f"SELECT * FROM {at} a CROSS JOIN {t}",
                           f"SELECT * FROM {t} NATURAL JOIN {at}", f'SELECT g."note" FROM {t} g LEFT JOIN {at} a ON a.{key} = g.{key} WHERE a.{key} IS NULL', f"SELECT a.{one}, b.{one} FROM {at} a JOIN {at} b USING ({key})", f"SELECT g.* FROM {t} g RIGHT JOIN {at} a ON g.{key} = a.{key}",
                           f'SELECT g."note" FROM {t} g SEMI JOIN {at} a ON a.{key} = g.{key}', f"SELECT * FROM {t} g FULL JOIN {at} a ON TRUE LIMIT {rng.randint(1, 99)}", f'SELECT g."note", a.{one} FROM {t} g ASOF JOIN {at} a MATCH_CONDITION (g.{key} >= a.{key})', f"SELECT g.{key} FROM {t} g JOIN {t} h ON h.{key} = (SELECT MAX({key}) FROM {at})"))
        return self.nothing("joins", text, "rows of households that the asker has in mind", dataset)

    def clauses(self):
        rng = self.rng
        dataset, at = self.victim()
        one, key, n = self.any_column(dataset), quoted(KEY), rng.randint(1, 99)
        text = rng.choice((f"SELECT * FROM {at} SAMPLE ({n} ROWS)", f"SELECT {one} FROM {at} TABLESAMPLE BERNOULLI ({n})", f"SELECT {one}, COUNT(*) FROM {at} SAMPLE ({n}) SEED ({n}) GROUP BY {one}", f"SELECT * FROM {at} AT (OFFSET => -{n})",
                           f"SELECT * FROM {at} BEFORE (STATEMENT => '01b{n:05}-0000-0000-0000-000000000000')", f"SELECT {one} FROM {at} AT (TIMESTAMP => '2026-01-01'::TIMESTAMP)", f"SELECT f.VALUE FROM {at} a, LATERAL FLATTEN(INPUT => ARRAY_CONSTRUCT(a.{one})) f", f"SELECT x.* FROM {at} a, LATERAL (SELECT a.{one}) x",
                           f"SELECT * FROM {at} PIVOT (COUNT({key}) FOR {one} IN ({n}))", f"SELECT * FROM {at} UNPIVOT (V FOR C IN ({one}))", f"SELECT {one}, COUNT(*) FROM {at} GROUP BY ROLLUP ({one})", f"SELECT {one}, COUNT(*) FROM {at} GROUP BY CUBE ({one}, {key})", f"SELECT COUNT(*) FROM {at} GROUP BY GROUPING SETS (({one}), ({key}))",
                           f"SELECT * FROM {at} MATCH_RECOGNIZE (ORDER BY {one} MEASURES FIRST({one}) AS F PATTERN (X+) DEFINE X AS TRUE)", f"SELECT {one} FROM {at} START WITH {one} IS NOT NULL CONNECT BY PRIOR {one} = {one}", f"SELECT * FROM {at} CHANGES (INFORMATION => DEFAULT) AT (OFFSET => -{n})",
                           f"SELECT {one} FROM TABLE({literal(at)})", f"SELECT VALUE FROM TABLE(FLATTEN(INPUT => (SELECT ARRAY_AGG({one}) FROM {at})))", f"SELECT {one} FROM {at} FOR UPDATE", f"SELECT SEQ4(), {one} FROM {at}", f"SELECT {one} INTO :X FROM {at}", f"TABLE {at}", f"VALUES ((SELECT {one} FROM {at} LIMIT {n}))"))
        return self.nothing("clauses", text, "rows of single households, by a clause", dataset)

    def errors(self):
        rng = self.rng
        dataset, at = self.victim()
        one, key, guess = self.any_column(dataset), quoted(KEY), literal(self.value(dataset, KEY))
        text = rng.choice((f"SELECT COUNT(*) FROM {at} WHERE CAST({key} AS NUMBER) = {rng.randrange(10**4)}", f"SELECT COUNT(*) FROM {at} WHERE TO_DATE({key}) > '2020-01-{rng.randint(10, 28)}'", f"SELECT SUM(TO_NUMBER({key})) FROM {at} WHERE {key} = {guess}", f"SELECT {one}::BOOLEAN AS X FROM {at} WHERE {key} = {guess}",
                           f"SELECT COUNT(*) AS N FROM {at} WHERE {key}::INT > 0 AND {key} >= {guess}", f"SELECT COUNT(*) FROM {at} WHERE PARSE_JSON({key}) IS NULL AND {key} = {guess}", f"SELECT TO_TIMESTAMP({key}) FROM {at} WHERE {key} = {guess}", f"SELECT COUNT(*) FROM {at} WHERE TO_BINARY({key}, 'UTF-8') = {guess}",
                           f"SELECT SUM({key}) FROM {at} WHERE {key} > {guess}", f"SELECT AVG({one} / 0) FROM {at} WHERE {key} = {guess}", f"SELECT COUNT(*) FROM {at} WHERE {one} = {guess}::DATE", f"SELECT SYSTEM$TYPEOF({key}) FROM {at}"))
        return self.nothing("errors", text, "values in an error, or of one household", dataset)

    def elsewhere(self):
        rng = self.rng
        ground, n = self.ground, rng.randrange(10**6)
        other = rng.choice([d for d in DATASETS if d not in self.given and d not in self.own] or ["loyalty"])
        table = f"PANTRY.PUBLIC.{quoted(ground.tables[other])}"
        owner = {"grocer": "ACME.PROVIDER", "press": "ACME.THIRD", "brand": "ACME.CONSUMER"}[DATASETS[other][0]]
        who = rng.choice(("BRAND", "PRESS", self.runner.upper()))
        share = f'{owner}."{self.prefix}{other.upper()}${who}"'
        text = rng.choice((f"SELECT COUNT(*) FROM {table} WHERE {n} = {n}", f"SELECT COUNT(*) + {n} FROM {self.mount(other)}", f"SELECT * FROM {owner}.PANTRY.PUBLIC.{other.upper()} LIMIT {n}", f'SELECT {n}, COUNT(*) FROM AIRLOCK."{self.prefix}OFFERS"."{other.upper()}${who}"', f'SELECT {n}, * FROM AIRLOCK."{self.prefix}REGISTERED"."{other.upper()}"',
                           f'SELECT {n}, COUNT(*) FROM "{self.prefix}{other.upper()}".PUBLIC.{other.upper()}', f"SELECT {n}, * FROM {self.mount(rng.choice(self.given)).replace('OFFERS', 'REGISTERED')}", f"SELECT * FROM SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY LIMIT {n}", f"SELECT * FROM SNOWFLAKE.DATA_SHARING_USAGE.LISTING_ACCESS_HISTORY LIMIT {n}"))
        if rng.random() < 0.3:
            return Question("elsewhere", [f"CREATE DATABASE TAKEN{n} FROM SHARE {share}", f'SELECT COUNT(*) FROM TAKEN{n}."{self.prefix}OFFERS"."{other.upper()}${who}"'], NOTHING, other, why="data that is not shared with this account")
        return Question("elsewhere", [text], NOTHING, other, why="data that is not shared with this account")

    def metadata(self):
        rng = self.rng
        dataset = rng.choice(self.given)
        at, base = self.mount(dataset), f'"{self.prefix}{dataset.upper()}"'
        n = rng.randrange(10**6)
        text = rng.choice((f"SHOW VIEWS IN DATABASE {base}", f"SHOW TABLES IN DATABASE {base}", f"SHOW COLUMNS IN VIEW {at}", f"DESC VIEW {at}", f"DESCRIBE TABLE {at}", f"SELECT GET_DDL('VIEW', {literal(at)}), {n}", f"SELECT *, {n} AS N FROM {base}.INFORMATION_SCHEMA.VIEWS", f"SELECT *, {n} AS N FROM {base}.INFORMATION_SCHEMA.COLUMNS",
                           f"SELECT *, {n} AS N FROM {base}.INFORMATION_SCHEMA.TABLES", f"SELECT *, {n} AS N FROM {base}.INFORMATION_SCHEMA.SCHEMATA", f"SELECT *, {n} AS N FROM TABLE({base}.INFORMATION_SCHEMA.POLICY_REFERENCES(REF_ENTITY_NAME => {literal(at)}, REF_ENTITY_DOMAIN => 'VIEW'))", f"SHOW AGGREGATION POLICIES IN DATABASE {base}", "SHOW SHARES",
                           "SHOW DATABASES", f'DESC SHARE {"ACME.PROVIDER"}."{self.prefix}{dataset.upper()}${self.runner.upper()}"', f"SHOW GRANTS ON VIEW {at}", f'DESC AGGREGATION POLICY {base}."{self.prefix}OFFERS"."MIN${rng.choice((4, 5, 8, 12, 20))}"', f"SELECT SYSTEM$GET_TAG('x', {literal(at)}, 'TABLE'), {n}", f"EXPLAIN USING TEXT SELECT COUNT(*) + {n} FROM {at}",
                           f"EXPLAIN SELECT * FROM {at} WHERE {n} = {n}", f"SELECT SYSTEM$EXPLAIN_PLAN_JSON('SELECT * FROM {at} WHERE {n} = 1')", f"SHOW OBJECTS IN DATABASE {base}", f"SELECT SYSTEM$CLUSTERING_INFORMATION({literal(at)}), {n}", f"SHOW PRIMARY KEYS IN DATABASE {base}", f"SELECT SYSTEM$ESTIMATE_QUERY_ACCELERATION('{n:08}')",
                           f"SELECT *, {n} AS N FROM TABLE({base}.INFORMATION_SCHEMA.QUERY_HISTORY())", f"LIST @{base}.PUBLIC.STAGE{n}", f"SHOW PARAMETERS LIKE '%{n}%'"))
        return Question("metadata", [text], TOLD, dataset, why="the provider's texts, tables and hidden columns")

    def changes(self):
        rng = self.rng
        dataset, _ = self.victim()
        at, base = self.mount(dataset), f'"{self.prefix}{dataset.upper()}"'
        one, n = self.any_column(dataset), rng.randrange(10**6)
        least = self.ground.least(dataset)
        policy = f'{base}."{self.prefix}OFFERS"."MIN${least}"'
        act = rng.choice((f"ALTER VIEW {at} UNSET AGGREGATION POLICY", f"ALTER TABLE {at} UNSET AGGREGATION POLICY", f"DROP AGGREGATION POLICY {policy}", f"ALTER AGGREGATION POLICY {policy} SET BODY -> AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => {rng.randint(0, 1)})", f"CREATE OR REPLACE VIEW {at} AS SELECT {n} AS X", f"INSERT INTO {at} ({one}) VALUES (NULL), ({n})",
                          f"UPDATE {at} SET {one} = NULL WHERE {n} = {n}", f"DELETE FROM {at} WHERE {n} = {n}", f"DROP VIEW {at}", f"GRANT OWNERSHIP ON VIEW {at} TO ROLE ACCOUNTADMIN COPY CURRENT GRANTS", f"CREATE TABLE {OWN}.C{n} CLONE {at}", f"CREATE DATABASE C{n} CLONE {base}", f"CREATE STREAM {OWN}.S{n} ON VIEW {at}", f"CREATE OR REPLACE AGGREGATION POLICY {policy} AS () RETURNS AGGREGATION_CONSTRAINT -> NO_AGGREGATION_CONSTRAINT()",
                          f"CREATE MATERIALIZED VIEW {OWN}.M{n} AS SELECT {one} FROM {at}", f"CREATE DYNAMIC TABLE {OWN}.D{n} TARGET_LAG = '1 minute' WAREHOUSE = COMPUTE_WH AS SELECT * FROM {at}", f"ALTER DATABASE {base} ENABLE REPLICATION TO ACCOUNTS ACME.SECURED", f"ALTER VIEW {at} RENAME TO {OWN}.R{n}", f"CREATE TABLE {OWN}.L{n} LIKE {at}", f"ALTER SESSION SET ENFORCE_AGGREGATION = {n}",
                          f"CREATE TABLE {OWN}.T{n} AS SELECT * FROM {at}", f"CREATE TEMPORARY TABLE {OWN}.T{n} AS SELECT {one} FROM {at}", f"INSERT INTO {OWN}.TAKEN SELECT {one} FROM {at} LIMIT {n}", f"CREATE ALERT {OWN}.A{n} IF (EXISTS (SELECT 1 FROM {at})) THEN SELECT 1", f"CREATE TASK {OWN}.K{n} AS SELECT * FROM {at}", f"ALTER SHARE ACME.PROVIDER.X{n} ADD ACCOUNTS = ACME.SECURED",
                          f"CREATE FUNCTION {OWN}.F{n}() RETURNS TABLE (X VARCHAR) AS $$ SELECT {one} FROM {at} $$", f"EXECUTE IMMEDIATE $$ SELECT {n}, {one} FROM {at} $$", f"CREATE VIEW {base}.PUBLIC.V{n} AS SELECT * FROM {at}", f"UNDROP TABLE {at}", f"MERGE INTO {at} t USING {OWN}.GUESSES g ON t.{quoted(KEY)} = g.{quoted(KEY)} WHEN MATCHED THEN DELETE", f"TRUNCATE TABLE {at}"))
        return Question("changes", [act], REFUSED, dataset, why="the provider's objects are not the asker's to change or to copy")

    def onward(self):
        """Views of one's own over the share, and shares of these."""
        rng = self.rng
        dataset, _ = self.victim()
        at, base, n = self.mount(dataset), f'"{self.prefix}{dataset.upper()}"', rng.randrange(10**6)
        one = self.any_column(dataset)
        turn = rng.random()
        if turn < 0.5:
            body = rng.choice((f"SELECT * FROM {at}", f"SELECT {one} AS X FROM {at}", f"SELECT {quoted(KEY)} AS K, COUNT(*) AS N FROM {at} GROUP BY {quoted(KEY)}"))
            secure = rng.choice(("", "SECURE "))
            return Question("onward", [f"CREATE {secure}VIEW {OWN}.V{n} AS {body}", f"SELECT * FROM {OWN}.V{n}"], NOTHING, dataset, why="rows of single households, by a view")
        act = rng.choice((f"GRANT SELECT ON VIEW {at} TO SHARE ONWARD", f"GRANT USAGE ON DATABASE {base} TO SHARE ONWARD", f"GRANT REFERENCE_USAGE ON DATABASE {base} TO SHARE ONWARD", f'GRANT USAGE ON SCHEMA {base}."{self.prefix}OFFERS" TO SHARE ONWARD', f"GRANT SELECT ON ALL VIEWS IN DATABASE {base} TO SHARE ONWARD"))
        steps = [f"CREATE OR REPLACE SECURE VIEW {OWN}.W{n} AS SELECT {one} AS X, COUNT(*) AS N FROM {at} GROUP BY {one}", act] if rng.random() < 0.3 else [act]
        if rng.random() < 0.4:
            steps = [steps[0] if len(steps) > 1 else f"CREATE OR REPLACE SECURE VIEW {OWN}.W{n} AS SELECT COUNT(*) AS N FROM {at}", f"GRANT SELECT ON VIEW {OWN}.W{n} TO SHARE ONWARD"]
        return Question("onward", steps, REFUSED, dataset, why="what is shared is not shared on")

    def results(self):
        rng = self.rng
        handle = rng.choice(self.handles)
        text = rng.choice((f"SELECT * FROM TABLE(RESULT_SCAN('{handle}'))", f"SELECT COUNT(*) FROM TABLE(RESULT_SCAN('{handle}')) WHERE {rng.randrange(10**6)} > 0", f"SELECT $1 FROM TABLE(RESULT_SCAN('{handle}')) LIMIT {rng.randint(1, 10**6)}"))
        return Question("results", [text], NOTHING, why="results of other accounts")

    def unloads(self):
        rng = self.rng
        dataset, at = self.victim()
        one, n = self.any_column(dataset), rng.randrange(10**6)
        source = rng.choice((at, f"(SELECT * FROM {at})", f"(SELECT {one} FROM {at})", f"(SELECT {quoted(KEY)}, COUNT(*) AS N FROM {at} GROUP BY {quoted(KEY)})", f"(SELECT MAX({one}) AS M FROM {at})"))
        return Question("unloads", [f"COPY INTO '{self.stage}pry{n}/' FROM {source} STORAGE_INTEGRATION = LANDING FILE_FORMAT = (TYPE = PARQUET)"], REFUSED, dataset, why="rows of single households, unloaded")

    def contexts(self):
        rng = self.rng
        dataset, at = self.victim()
        one, n = self.any_column(dataset), rng.randrange(10**6)
        rows = rng.choice((f"SELECT * FROM {at} LIMIT {n}", f"SELECT {one} FROM {at} WHERE {n} = {n}", f"SELECT {one}, CURRENT_ROLE() AS R, INVOKER_SHARE() AS S FROM {at} LIMIT {n}", f"SELECT {one} FROM {at} WHERE CURRENT_ACCOUNT() IS NOT NULL OR {n} = 1", f"SELECT {one} FROM {at} WHERE IS_ROLE_IN_SESSION('ACCOUNTADMIN') OR {n} = 1"))
        turn = rng.random()
        if turn < 0.4:
            before = rng.choice(("USE ROLE SECURITYADMIN", "USE ROLE ACCOUNTADMIN", "USE SECONDARY ROLES ALL", f"USE DATABASE \"{self.prefix}{dataset.upper()}\"", "ALTER SESSION SET QUOTED_IDENTIFIERS_IGNORE_CASE = TRUE", "ALTER SESSION SET USE_CACHED_RESULT = FALSE", "SET X = 1", "BEGIN"))
            return Question("contexts", [f"{before};\n{rows}"], NOTHING, dataset, why="rows of single households in another context", words={"parameters": {"MULTI_STATEMENT_COUNT": "0"}})
        if turn < 0.7:
            words = {"role": rng.choice(("SYSADMIN", "SECURITYADMIN", "USERADMIN", "PUBLIC", "ORGADMIN", "ACCOUNTADMIN"))}
            return Question("contexts", [rows], NOTHING, dataset, why="rows of single households under another role", words=words)
        bound = {"1": {"type": rng.choice(("TEXT", "FIXED", "REAL", "BOOLEAN")), "value": rng.choice(("1", "x' OR 1=1 --", "1); DROP", f"{n}"))}}
        text = rng.choice((f"SELECT {one} FROM {at} WHERE {n} = {n} OR ? = ?", f"SELECT ?, {one} FROM {at} LIMIT {n}", f"SELECT IDENTIFIER(?) FROM {at} LIMIT {n}"))
        bound |= {"2": bound["1"]} if text.count("?") > 1 else {}
        return Question("contexts", [text], NOTHING, dataset, why="rows of single households by bindings", words={"bindings": bound})

    # Questions of the known shape

    def groups(self):
        return self.asked("groups", self.ask())

    def thin(self):
        """Few households: a thin value, or a condition that leaves a few."""
        rng = self.rng
        dataset = rng.choice(self.guarded)
        made = self.ask(dataset, keys=rng.choice((0, 1)))
        thin = self.ground.thin.get(dataset)
        few = ", ".join(literal(self.ground.token(p)) for p in rng.sample(range(canaries.HOUSEHOLDS), rng.randint(1, max(1, self.ground.least(dataset) - 1))))
        made.where = [rng.choice([f"a.{KEY} IN ({few})", f"a.{KEY} = {literal(self.value(dataset, KEY))}", *(f"a.{c} = {literal(v)}" for c, v in thin)]), *made.where[:1]]
        if thin and rng.random() < 0.4:
            column, _ = rng.choice(thin)
            made = Ask([(dataset, "a")], [f"a.{column}", *made.keys[:1]] if all("b." not in k for k in made.keys[:1]) else [f"a.{column}"], [("COUNT(*)", "")])
        return self.asked("thin groups", made)

    def figures(self):
        """Groups that are large, with figures that few households are behind."""
        rng = self.rng
        dataset = rng.choice(self.guarded)
        if dataset == "sales" and rng.random() < 0.5:
            made = Ask([("sales", "a")], rng.choice((["a.region"], ["a.region", "a.channel"])), [(rng.choice(("SUM(a.amount)", "AVG(a.amount)", "COUNT(a.amount)")), "a.amount"), ("COUNT(*)", "")], rng.choice(([], [f"a.region = '{SPARSE}'"])))
            made.where += rng.choice(([], [f"a.week >= {rng.randint(1, 20)}"]))
            return self.asked("figures", made)
        column = rng.choice([c for c in DATASETS[dataset][2] if self.kind_of(dataset, c) != "utf8"] or [KEY])
        value = f"CASE WHEN {self.condition(dataset, 'a', rng.choice((KEY, KEY, *DATASETS[dataset][2])))} THEN a.{column} END"
        call = rng.choice((f"SUM({value})", f"COUNT({value})", f"AVG({value})")) if column != KEY else f"COUNT({value})"
        return self.asked("figures", Ask([(dataset, "a")], rng.choice(([], [self.key(dataset, "a")])), [(call, value), ("COUNT(*)", "")]))

    def oracles(self):
        """Groups that are shown or not for what one household has."""
        rng = self.rng
        dataset = rng.choice(self.guarded)
        if rng.random() < 0.5:
            return self.asked("oracles", self.ask(dataset, keys=1, having=True))
        value = f"CASE WHEN a.{KEY} = {literal(self.value(dataset, KEY))} THEN 1 END"
        dims = self.columns(dataset, "dimension")
        return self.asked("oracles", Ask([(dataset, "a")], [f"a.{rng.choice(dims)}"], [("COUNT(*)", "")], [], [(f"COUNT({value})", value, ">", 0)]))

    def differences(self):
        """Two questions that differ by one household, or by one value."""
        rng = self.rng
        dataset = rng.choice(self.guarded)
        whole = Ask([(dataset, "a")], rng.choice(([], [f"a.{rng.choice(self.columns(dataset, 'dimension'))}"])), [self.figure(dataset, "a"), (f"COUNT(DISTINCT a.{KEY})", f"a.{KEY}")])
        thin = self.ground.thin.get(dataset)
        column, value = rng.choice([(KEY, self.value(dataset, KEY)), *thin])
        rest = Ask(whole.relations, whole.keys, whole.figures, [f"a.{column} <> {literal(value)}"])
        return Question("differences", [self.snow(whole), self.snow(rest)], ASKED, dataset, [rest], pair=(whole, rest))

    def single(self):
        """Rows of single households, as groups."""
        dataset = self.rng.choice(self.given)
        columns = self.rng.sample(list(DATASETS[dataset][2]), self.rng.randint(1, 2))
        where = [self.condition(dataset, "a")] if self.rng.random() < 0.7 else []
        return self.asked("single households", Ask([(dataset, "a")], [f"a.{KEY}", *(f"a.{c}" for c in columns)], [("COUNT(*)", "")], where))

    def others(self):
        """Accounts to which nothing is shared: no members, owners of other data, runners of other templates."""
        rng = self.rng
        dataset = rng.choice(self.given)
        owner = DATASETS[dataset][0]
        by = rng.choice(["stranger", *(m for m in ("grocer", "press", "brand") if m not in (self.runner, owner) and (m == "grocer" or dataset not in OTHERS.get(m, ())))])
        n, place = rng.randrange(10**6), {"grocer": "ACME.PROVIDER", "press": "ACME.THIRD", "brand": "ACME.CONSUMER"}[owner]
        share = f'{place}."{self.prefix}{dataset.upper()}${self.runner.upper()}"'
        view = f'"{self.prefix}OFFERS"."{dataset.upper()}${self.runner.upper()}"'
        count = f'COUNT(*) + {n}'
        steps = rng.choice(([f"CREATE DATABASE TAKEN{n} FROM SHARE {share}", f"SELECT {count} FROM TAKEN{n}.{view}"], [f"SELECT {count} FROM {self.mount(dataset)}"], [f"SELECT {count} FROM AIRLOCK.{view}"],
                            [f"SELECT * FROM PANTRY.PUBLIC.{quoted(self.ground.tables[dataset])} LIMIT {n}"], [f"DESC SHARE {share}", f"SELECT {count} FROM {self.mount(dataset)}"]))
        return Question("others", steps, NOTHING, dataset, why=f"data that is not shared with {by}", by=by)

    # Legitimate ones

    def twin(self, kind):
        """A question like those of a kind that is all right."""
        rng = self.rng
        n = rng.randrange(10**6)
        dataset = rng.choice(self.guarded)
        ask, other = self.honest(dataset), self.honest(dataset)
        text = lambda one: self.snow(one, plain=True)  # noqa: E731
        at = self.mount(dataset)
        special = {
            "windows": lambda: self.asked(kind, ask, True, lambda _: f"SELECT *, ROW_NUMBER() OVER (ORDER BY O1, {n}) AS W FROM ({text(ask)}) x", width=3),
            "set operations": lambda: self.asked(kind, ask, True, lambda _: f"SELECT * FROM ({text(ask)} UNION ALL {text(other)}) x", asks=[ask, other]),
            "subqueries": lambda: self.asked(kind, Ask([(dataset, "a")], [], ask.figures[:1]), True, lambda t: f"SELECT ({t}) AS X{n}"),
            "stages": lambda: self.asked(kind, ask, True, lambda _: f"WITH W{n} AS ({text(ask)}), U AS (SELECT * FROM W{n}) SELECT * FROM U"),
            "joins": lambda: self.asked(kind, Ask([(dataset, "a"), (rng.choice(self.own or ["guesses"]), "b")], ask.keys, ask.figures, [f"{n} > 0"]), True),
            "metadata": lambda: Question(kind, [f'SELECT COLUMN_NAME, {n} AS N FROM "{self.prefix}{dataset.upper()}".INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = \'{dataset.upper()}${self.runner.upper()}\''], TOLD, dataset, twin=True),
            "changes": lambda: Question(kind, [f"CREATE TABLE {OWN}.K{n} AS {text(ask)}", f"SELECT * FROM {OWN}.K{n}"], ASKED, dataset, [ask], twin=True),
            "onward": lambda: Question(kind, [f"CREATE TABLE {OWN}.Z{n} (X NUMBER)", f"GRANT SELECT ON TABLE {OWN}.Z{n} TO SHARE ONWARD"], TOLD, twin=True) if n % 2 else Question(kind, [f"CREATE VIEW {OWN}.V{n} AS SELECT * FROM {at}", self.snow(ask, plain=True).replace(at, f"{OWN}.V{n}")], ASKED, dataset, [ask], twin=True),
            "results": lambda: Question(kind, [f"SELECT *, {n} AS N FROM TABLE(RESULT_SCAN('{rng.choice(self.own_handles)}'))"], TOLD, twin=True),
            "unloads": lambda: Question(kind, [f"COPY INTO '{self.stage}ok{n}/' FROM ({text(ask)}) STORAGE_INTEGRATION = LANDING FILE_FORMAT = (TYPE = PARQUET)"], TOLD, dataset, twin=True),
            "contexts": lambda: self.asked(kind, ask, True, words={"role": "ACCOUNTADMIN"}),
        }
        return special[kind]() if kind in special else self.asked(kind, Ask(ask.relations, ask.keys, ask.figures, [f"{n} > 0"] if rng.random() < 0.8 else []), True)


WAYS = {"rows": Pry.rows, "match keys": Pry.keys, "hidden columns": Pry.hidden, "functions": Pry.functions, "windows": Pry.windows, "set operations": Pry.sets, "subqueries": Pry.subqueries, "stages": Pry.stages,
        "joins": Pry.joins, "clauses": Pry.clauses, "errors": Pry.errors, "elsewhere": Pry.elsewhere, "metadata": Pry.metadata, "changes": Pry.changes, "onward": Pry.onward, "results": Pry.results, "unloads": Pry.unloads,
        "contexts": Pry.contexts, "groups": Pry.groups, "thin groups": Pry.thin, "figures": Pry.figures, "oracles": Pry.oracles, "differences": Pry.differences,
        "single households": Pry.single, "others": Pry.others}
# What members beside the runner who asks have been given as well.
OTHERS = {"press": ("shoppers", "readers"), "brand": ("sales", "shoppers", "readers", "exposures")}
# How often each way is tried; metadata has few words of its own.
WEIGHTS = {"groups": 6, "thin groups": 4, "figures": 4, "oracles": 3, "differences": 2, "rows": 3, "match keys": 2, "hidden columns": 2, "functions": 3, "metadata": 1, "results": 1}


def needed(ask):
    """The terms of the agreement that a question is beyond, as it was asked: {(term, place)}."""
    found = set()
    shown = [*ask.keys, *(h[0] for h in ask.having)]
    bare = re.compile(rf"COUNT\(DISTINCT ([ab])\.{KEY}\)")
    figures = [bare.sub("", text) for text, _ in ask.figures] + [bare.sub("", h[0]) for h in ask.having]
    for dataset, column in ask.columns([*ask.keys, *ask.where, *figures]):
        use = "match" if column == KEY else DATASETS[dataset][2][column][0] if dataset in DATASETS else ""
        place = f"datasets.{dataset}.columns.{column}"
        kept = {"match": (), "dimension": [*figures], "filter": [*shown, *figures], "measure": [*ask.keys, *ask.where]}.get(use)
        if use == "match" or kept and (dataset, column) in ask.columns(kept):
            found.add((f"datasets.columns.{use}", place))
        if use == "measure":
            allowed = DATASETS[dataset][2][column][2:]
            aliases = [a for d, a in ask.relations if d == dataset]
            used = {m[0].lower().rstrip("( ") for f in figures for a in aliases for m in re.findall(rf"\b(SUM|AVG|COUNT)\((DISTINCT )?(?={a}\.{column}\b)", f)}
            if used - set(allowed):
                found.add(("datasets.columns.measure", place))
    return found
