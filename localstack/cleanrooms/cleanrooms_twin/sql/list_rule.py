"""LIST rules: distinct listed columns of what overlaps with the query runner's table. Must not know other types."""

from sqlglot import exp

from . import flat
from .refusal import Refused, refuse_unless

KIND = "LIST"
MATHS = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod)


def judge(query, resolve, tables, runner):
    """The accepted query, as it is: nothing is suppressed under this rule."""
    flat.check_shape(query, KIND)
    refuse_unless(query.args.get("distinct"), f"Queries on tables with a {KIND} rule are SELECT DISTINCT")
    refuse_unless(not query.args["distinct"].args.get("on"), "DISTINCT ON is not supported")
    for clause in ("group", "having", "order"):
        refuse_unless(not query.args.get(clause), f"Queries on tables with a {KIND} rule cannot use {clause.upper()}")
    refuse_unless(not query.find(exp.AggFunc), f"Queries on tables with a {KIND} rule cannot use aggregates")
    tree = resolve(query)
    names, linked = flat.check_joins(tree, tables, runner)
    flat.check_overlap(names, linked, runner, lambda _: True)

    def operand(node):
        if isinstance(node, exp.Column):
            table = names[node.table]
            listed = node.name in table.rule["listColumns"]
            refuse_unless(listed, f"The column {node.name} of table {table.name} is not a list column")
        elif isinstance(node, (exp.Paren, exp.Neg)):
            operand(node.this)
        elif isinstance(node, MATHS):
            operand(node.left)
            operand(node.right)
        elif not flat.is_literal(node):
            raise Refused(f"{node.sql()} is not allowed: list columns and mathematical operators only")

    for item in tree.selects:
        operand(item.unalias())
    if tree.args.get("where"):
        flat.check_predicate(tree.args["where"].this, operand)
    return tree
