"""Text to a tree: the Spark dialect, parameters as literals, names resolved against the tables' allowed columns.

Must not know any rule.
"""

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify

from .refusal import Refused, refuse_unless

DIALECT = "spark"
ENGINE = "duckdb"
INTEGERS = {"SMALLINT": 16, "SHORT": 16, "TINYINT": 8, "BYTE": 8, "INTEGER": 32, "INT": 32, "BIGINT": 64, "LONG": 64}
DECIMALS = ("DECIMAL", "NUMERIC")
FLOATS = {"REAL": "FLOAT", "FLOAT": "FLOAT", "DOUBLE": "DOUBLE", "DOUBLE_PRECISION": "DOUBLE"}
TEXTS = ("CHAR", "VARCHAR", "CHARACTER", "STRING")
TIMES = {"TIMESTAMP": "TIMESTAMP", "TIMESTAMPTZ": "TIMESTAMP_LTZ", "TIMESTAMP_LTZ": "TIMESTAMP_LTZ", "TIMESTAMP_NTZ": "TIMESTAMP_NTZ"}


def parse(text):
    """The one query of a text; CACHE TABLE statements before it become its first CTEs. Their names come back too."""
    try:
        trees = [t for t in sqlglot.parse(text, read=DIALECT) if t is not None]
    except SqlglotError as error:
        raise Refused(f"The query cannot be parsed: {str(error).splitlines()[0]}") from error
    refuse_unless(trees, "There is no query")
    query, cached = trees[-1], []
    refuse_unless(isinstance(query, exp.Query), "Only SELECT queries can run")
    for tree in reversed(trees[:-1]):
        refuse_unless(isinstance(tree, exp.Cache) and tree.expression, "Only CACHE TABLE ... AS SELECT may come before the query")
        name = tree.this.name.lower()
        cached.append(name)
        cte = exp.CTE(this=tree.expression.copy(), alias=exp.TableAlias(this=exp.to_identifier(name)))
        present = query.args.get("with_")
        if present:
            present.set("expressions", [cte, *present.expressions])
        else:
            query.set("with_", exp.With(expressions=[cte]))
    refuse_unless(all(s.expressions for s in query.find_all(exp.Select)), "A SELECT has no output")
    if any(w.args.get("recursive") for w in query.find_all(exp.With)):
        raise Refused("Recursive common table expressions are not supported")
    return query, cached


def placeholders(query):
    """The names of the parameters a query uses. A parameter stands for a literal, nowhere else."""
    found = []
    for node in query.find_all(exp.Placeholder, exp.Parameter):
        refuse_unless(isinstance(node, exp.Placeholder) and isinstance(node.this, str), "A parameter is written :name")
        refuse_unless(not isinstance(node.parent, (exp.Table, exp.Dot, exp.TableAlias, exp.Alias)) or node.arg_key == "this" and isinstance(node.parent, exp.Alias),
                      f"The parameter {node.this} does not stand for a literal")
        found.append(node.this)
    return found


def literal(kind, value):
    """A parameter's value as a typed literal, or a ValueError that says why it is none."""
    if kind in INTEGERS:
        if not re.fullmatch(r"[+-]?\d+", value.strip()):
            raise ValueError(f"is no {kind}")
        number, bits = int(value), INTEGERS[kind]
        if not -(1 << bits - 1) <= number < 1 << bits - 1:
            raise ValueError(f"is out of the range of {kind}")
        return exp.Literal.number(number)
    if kind in DECIMALS or kind in FLOATS:
        try:
            number = Decimal(value.strip())
        except InvalidOperation as error:
            raise ValueError(f"is no {kind}") from error
        return exp.cast(exp.Literal.string(str(number)), FLOATS.get(kind, "DECIMAL(38, 10)"), dialect=DIALECT)
    if kind in TEXTS:
        return exp.Literal.string(value)
    if kind == "BOOLEAN":
        if value.strip().lower() not in ("true", "false"):
            raise ValueError("is no BOOLEAN")
        return exp.Boolean(this=value.strip().lower() == "true")
    if kind == "DATE":
        return exp.cast(exp.Literal.string(date.fromisoformat(value.strip()).isoformat()), "DATE")
    if kind in TIMES:
        return exp.cast(exp.Literal.string(datetime.fromisoformat(value.strip()).isoformat(sep=" ")), TIMES[kind], dialect=DIALECT)
    raise ValueError(f"a parameter of type {kind} is not supported by the twin")


def bind(query, declared, given):
    """Puts values in the place of parameters, as literals of their types. Text is never spliced."""
    kinds = {p["name"]: p for p in declared}
    for name in given:
        if name not in kinds:
            raise ValueError(f"the template has no parameter {name}")
    values = {}
    for name, parameter in kinds.items():
        value = given.get(name, parameter.get("defaultValue"))
        if value is None:
            raise ValueError(f"the parameter {name} has no value and no default")
        try:
            values[name] = literal(parameter["type"], value)
        except ValueError as error:
            raise ValueError(f"the parameter {name} {error}") from error
    for node in list(query.find_all(exp.Placeholder)):
        if node.this not in values:
            raise ValueError(f"the query uses a parameter {node.this} that is not declared")
        node.replace(values[node.this].copy())
    return query


def check_clauses(select, allowed, where):
    """Refuses every clause of a SELECT that is not named: what nobody thought of is not allowed."""
    for clause, value in select.args.items():
        if value and clause not in allowed:
            raise Refused(f"{clause.strip('_').upper()} cannot be used {where}")


def table_names(query):
    """Names of the tables a query refers to, its own CTEs not counted."""
    own = {c.alias.lower() for c in query.find_all(exp.CTE)}
    found = []
    for table in query.find_all(exp.Table):
        if isinstance(table.this, exp.Func):
            raise Refused(f"Table functions are not supported: {table.name}")
        extra = [k for k, v in table.args.items() if v and k not in ("this", "alias")]
        refuse_unless(not extra, f"A table is named by its association alone: {table.sql(DIALECT)}")
        name = table.name.lower()
        if name not in own and name not in found:
            found.append(name)
    return found


def resolved(query, tables):
    """The tree with every column qualified and every star spelt out; unknown columns are refused."""
    schema = {t.name: dict(t.columns) for t in tables}
    try:
        return qualify(query.copy(), schema=schema, dialect=DIALECT, quote_identifiers=False, validate_qualify_columns=True)
    except SqlglotError as error:
        raise Refused(f"The query cannot be resolved: {str(error).splitlines()[0]}") from error


UNITS = {"MM": "MONTH", "MON": "MONTH", "YY": "YEAR", "YYYY": "YEAR", "Q": "QUARTER", "DD": "DAY", "D": "DAY", "W": "WEEK"}


def engine_text(query):
    """The tree in the engine's dialect, identifiers quoted."""
    query = query.copy()
    for node in list(query.find_all(exp.Anonymous)):
        if node.name.lower() in ("getdate", "now"):
            node.replace(exp.CurrentTimestamp())
    for node in query.find_all(exp.DateTrunc, exp.TimestampTrunc):
        unit = node.args.get("unit")
        if unit is not None and unit.name.upper() in UNITS:
            node.set("unit", exp.Literal.string(UNITS[unit.name.upper()]))
    for node in list(query.find_all(exp.Hint)):
        node.pop()
    try:
        return query.sql(ENGINE, identify=True)
    except SqlglotError as error:
        raise Refused(f"The query cannot be run by the twin: {error}", "INTERNAL_ERROR") from error
