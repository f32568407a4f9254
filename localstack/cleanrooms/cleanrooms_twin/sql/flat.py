"""The flat query shape that AGGREGATION and LIST rules allow: one SELECT, inner joins on equalities of join columns.

Must not know what either rule lets out.
"""

from sqlglot import exp

from . import statement
from .refusal import Refused, refuse_unless

NESTED = {exp.Subquery: "subqueries", exp.With: "common table expressions", exp.SetOperation: "set operations", exp.Window: "window functions",
          exp.Star: "*", exp.Lateral: "lateral views", exp.Pivot: "pivots", exp.Exists: "subqueries", exp.Unnest: "table functions"}
CLAUSES = frozenset({"expressions", "from_", "joins", "where", "group", "having", "order", "limit", "distinct", "hint"})
TESTS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Like)


def check_shape(query, kind):
    """Refuses what neither rule's grammar has."""
    refuse_unless(isinstance(query, exp.Select), f"Queries on tables with a {kind} rule are a single SELECT")
    for node in query.walk():
        for banned, name in NESTED.items():
            if isinstance(node, banned):
                raise Refused(f"Queries on tables with a {kind} rule cannot use {name}")
        if isinstance(node, exp.Select) and node is not query:
            raise Refused(f"Queries on tables with a {kind} rule cannot use subqueries")
    refuse_unless(query.args.get("from_"), "There is no FROM")
    statement.check_clauses(query, CLAUSES, f"on tables with a {kind} rule")
    for join in query.args.get("joins", []):
        refuse_unless(not join.side and join.kind in ("", "INNER") and not join.method and join.args.get("on"),
                      f"Tables with a {kind} rule are joined by INNER JOIN ... ON only")


def check_joins(query, tables, runner):
    """Join columns, operators, and the way to a table of the query runner. The tree is resolved."""
    names = {t.alias_or_name: tables[t.name.lower()] for t in query.find_all(exp.Table)}
    refuse_unless(len(names) == len(list(query.find_all(exp.Table))), "Each table of a join needs a name of its own")
    linked = {name: {name} for name in names}
    for join in query.args.get("joins", []):
        _operators(join.args["on"], names)
        for pair in _equalities(join.args["on"], names):
            _link(linked, *pair)
    return names, linked


def check_overlap(names, linked, runner, needs):
    """Tables that must meet one of the query runner's, by whatever chain of inner joins."""
    for name, table in names.items():
        if needs(table) and table.owner != runner and not any(names[o].owner == runner for o in linked[name]):
            raise Refused(f"Inner join to query runner table required for table {table.name}")


def _equalities(condition, names):
    """The pairs of tables that every reading of a condition links: of an OR, only pairs on both sides."""
    if isinstance(condition, exp.Paren):
        return _equalities(condition.this, names)
    if isinstance(condition, exp.And):
        return _equalities(condition.left, names) | _equalities(condition.right, names)
    if isinstance(condition, exp.Or):
        return _equalities(condition.left, names) & _equalities(condition.right, names)
    refuse_unless(isinstance(condition, exp.EQ) and isinstance(condition.left, exp.Column) and isinstance(condition.right, exp.Column),
                  f"A join condition is an equality of two columns, not {condition.sql()}")
    for column in (condition.left, condition.right):
        refuse_unless(column.name in names[column.table].rule["joinColumns"], f"The column {column.name} of table {names[column.table].name} is not a join column")
    refuse_unless(condition.left.table != condition.right.table, "A join condition compares columns of two tables")
    return {frozenset((condition.left.table, condition.right.table))}


def _operators(condition, names):
    touched = {c.table for c in condition.find_all(exp.Column)}
    for kind, word in ((exp.And, "AND"), (exp.Or, "OR")):
        if not condition.find(kind):
            continue
        for name in touched:
            allowed = names[name].rule.get("allowedJoinOperators") or ["AND"]
            refuse_unless(word in allowed, f"The join operator {word} is not allowed for table {names[name].name}")


def _link(linked, one, other):
    group = linked[one] | linked[other]
    for name in group:
        linked[name] = group


def check_predicate(node, operand):
    """WHERE and HAVING: comparisons joined by AND, OR and NOT; each operand is judged by its own check."""
    if isinstance(node, exp.Paren):
        check_predicate(node.this, operand)
    elif isinstance(node, (exp.And, exp.Or)):
        check_predicate(node.left, operand)
        check_predicate(node.right, operand)
    elif isinstance(node, exp.Not):
        check_predicate(node.this, operand)
    elif isinstance(node, TESTS):
        operand(node.left)
        operand(node.right)
    elif isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
        operand(node.this)
    elif isinstance(node, exp.In) and node.expressions and not node.args.get("query"):
        for part in (node.this, *node.expressions):
            operand(part)
    else:
        raise Refused(f"The condition {node.sql()} is not allowed")


def is_literal(node):
    """A constant: a literal, also negated or cast."""
    if isinstance(node, (exp.Neg, exp.Paren)):
        return is_literal(node.this)
    if isinstance(node, (exp.Cast, exp.TryCast)):
        return is_literal(node.this)
    return isinstance(node, (exp.Literal, exp.Boolean, exp.Null, exp.Interval))
