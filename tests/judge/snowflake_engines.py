"""Two engines that run texts of Snowflake as sqlglot reads them: DuckDB, which the twin is made of as well, and PostgreSQL, of which nothing
here is made. Each has the same tables and makes its own of a view's text. Must not know: how a text was made, nor what it should give.
"""

import collections
import os
import re

import airlock

WHOLE_NUMBERS = "DECIMAL(38, 0)"
KINDS = {"VARCHAR": "TEXT", "DOUBLE": "DOUBLE PRECISION", "FLOAT": "DOUBLE PRECISION", "TINYINT": "SMALLINT", "TIMESTAMP_NS": "TIMESTAMP", "HUGEINT": "NUMERIC"}
LENGTH_MAX = 2**31 - 2


def read(sql):
    """A text as sqlglot reads the dialect."""
    import sqlglot
    (tree,) = sqlglot.parse(sql, read="snowflake")
    return tree


def written(tree, dialect):
    """A tree in another dialect; what sqlglot says that it can't say is refused."""
    import sqlglot
    return tree.sql(dialect=dialect, unsupported_level=sqlglot.ErrorLevel.RAISE)


def unlimited(sql):
    """The same text without LIMIT and OFFSET where nothing orders its rows, so that any of them are right; nothing otherwise."""
    tree = read(sql)
    if tree.args.get("order") or not (tree.args.get("limit") or tree.args.get("offset")):
        return ""
    tree.set("limit", None)
    tree.set("offset", None)
    return tree.sql(dialect="snowflake")


class Duck:
    """DuckDB over a connection in which the physical tables are."""

    name = "DuckDB"

    def __init__(self, con):
        self.con = con

    def text(self, sql):
        """A text in its own words."""
        from sqlglot import exp
        tree = read(sql)
        for node in tree.find_all(exp.ToChar):  # a date as text is of this form in DuckDB without being told
            if node.args.get("format") and node.args["format"].name in ("yyyy-mm-DD", "YYYY-MM-DD"):
                node.set("format", None)
        return written(tree, "duckdb").replace(WHOLE_NUMBERS, "BIGINT")

    def view(self, name, sql):
        """A view of this text."""
        self.con.execute(f'CREATE OR REPLACE VIEW "{name}" AS {self.text(sql)}')

    def rows(self, sql):
        """The rows of a text."""
        return self.con.execute(self.text(sql)).fetchall()


def mends():
    """What sqlglot leaves as it was, or writes as something that PostgreSQL reads otherwise: {node: (why, in PostgreSQL's own words)}."""
    from sqlglot import exp

    def call(name, *words):
        return exp.Anonymous(this=name, expressions=list(words))

    def said(sql, **parts):
        tree = exp.maybe_parse(sql, dialect="postgres")
        return tree.transform(lambda n: exp.paren(parts[n.name].copy()) if isinstance(n, exp.Column) and n.name in parts else n)

    def part(unit):
        return lambda node: exp.Extract(this=exp.var(unit), expression=node.this)

    def nulls(node):
        every = [node.this, *node.expressions]
        none = exp.or_(*(exp.Is(this=exp.paren(one.copy()), expression=exp.Null()) for one in every))
        return node if node.args.get("ignore_nulls") else exp.Case(ifs=[exp.If(this=none, true=exp.Null())], default=node.copy())

    def rounded(node):
        if node.args.get("decimals"):
            raise ValueError("ROUND to places, which PostgreSQL does not do to a float")
        return said("(TRUNC(x) + CASE WHEN ABS(x - TRUNC(x)) >= 0.5 THEN SIGN(x) ELSE 0 END)", x=node.this)

    def piece(node):
        long = node.args.get("length")
        if long is not None and not isinstance(long, exp.Literal):
            node = node.copy()
            node.set("length", said(f"CAST(CASE WHEN n > {LENGTH_MAX} THEN {LENGTH_MAX} ELSE n END AS INT)", n=long))
        return node

    return {
        exp.ByteLength: ("BYTE_LENGTH is OCTET_LENGTH there", lambda n: call("OCTET_LENGTH", n.this)),
        exp.SHA2: ("SHA256 is of bytes there", lambda n: said("ENCODE(SHA256(CONVERT_TO(x, 'UTF8')), 'hex')", x=n.this)),
        exp.Contains: ("CONTAINS is not there", lambda n: said("(STRPOS(a, b) > 0)", a=n.this, b=n.expression)),
        exp.RegexpLike: ("a pattern of Snowflake is of the whole text", lambda n: call("REGEXP_LIKE", n.this, exp.Literal.string(f"^(?:{n.expression.name})$"))),
        exp.DayOfWeekIso: ("a part of EXTRACT there", part("ISODOW")),
        exp.WeekOfYear: ("a part of EXTRACT there", part("WEEK")),
        exp.DayOfYear: ("a part of EXTRACT there", part("DOY")),
        exp.Greatest: ("without IGNORE_NULLS, one NULL is enough for NULL, and there never", nulls),
        exp.Least: ("without IGNORE_NULLS, one NULL is enough for NULL, and there never", nulls),
        exp.Round: ("half of a float goes to the even number there, and away from zero in Snowflake", rounded),
        exp.Substring: ("a length is of 32 bits there", piece),
    }


class Postgres:
    """A database of its own in the PostgreSQL of the stage, ordered and folded by code point as DuckDB and Snowflake do."""

    name = "PostgreSQL"

    def __init__(self, con):
        """`con`: the connection of DuckDB that the physical tables are copied from."""
        import psycopg
        url = os.environ.get("AIRLOCK_POSTGRES_URL")
        if not url:
            raise airlock.NotRun("no PostgreSQL: localstack/harness up postgres")
        self.database, self.mended, self.views, self.known, self.table = f"texts_{os.getpid()}", collections.Counter(), {}, {}, mends()
        self.control = psycopg.connect(url, autocommit=True)
        self.control.execute(f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)")
        self.control.execute(f"CREATE DATABASE {self.database} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'")
        self.con = psycopg.connect(re.sub(r"/\w+$", f"/{self.database}", url), autocommit=True)
        self.con.execute("SET TimeZone = 'UTC'; CREATE SCHEMA physical")
        for (name,) in con.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'physical'").fetchall():
            self._copied(con, name)

    def _copied(self, con, name):
        """A physical table with the rows that DuckDB has of it."""
        columns = con.execute(f'DESCRIBE physical."{name}"').fetchall()
        declared = ", ".join(f'"{column}" {KINDS.get(kind, kind)}' for column, kind, *_ in columns)
        self.con.execute(f'CREATE TABLE physical."{name}" ({declared})')
        with self.con.cursor().copy(f'COPY physical."{name}" FROM STDIN') as copy:
            rows = con.cursor().execute(f'SELECT * FROM physical."{name}"')
            while some := rows.fetchmany(10_000):
                for row in some:
                    copy.write_row(row)

    def end(self):
        """Leaves nothing behind."""
        self.con.close()
        self.control.execute(f"DROP DATABASE {self.database} WITH (FORCE)")
        self.control.close()

    def text(self, sql):
        """A text in its own words."""
        tree = read(sql)
        for node in reversed([one for one in tree.walk() if type(one) in self.table]):  # from within
            _, mend = self.table[type(node)]
            if (other := mend(node)) is not node:
                self.mended[node.key] += 1
                node.replace(other)
        return written(tree, "postgres")

    def view(self, name, sql):
        """A table of what a view's text gives: it is asked many times."""
        if self.views.get(name) == sql:
            return
        self.con.execute(f'DROP TABLE IF EXISTS public."{name}"')
        self.con.execute(f'CREATE TABLE public."{name}" AS {self.text(sql)}')
        self.con.execute(f'ANALYZE public."{name}"')
        self.views[name] = sql
        self.known.clear()

    def rows(self, sql):
        """The rows of a text; both rooms often have the same."""
        if sql not in self.known:
            self.known[sql] = self.con.execute(self.text(sql)).fetchall()
        return self.known[sql]
