"""AGGREGATION rules: aggregates of named columns, by dimensions, of groups that are large enough. Must not know other types."""

from sqlglot import exp

from . import flat, functions
from .refusal import Refused, refuse_unless

KIND = "AGGREGATION"


class Judge:
    """One resolved query against its tables' rules."""

    def __init__(self, query, names):
        self.query, self.names = query, names

    def check(self):
        """Every clause in turn."""
        selects = [s.unalias() for s in self.query.selects]
        refuse_unless(any(s.find(exp.AggFunc) for s in selects), "At least one aggregate function is required in the output")
        for item in selects:
            self.output(item)
        where, having, order, group = (self.query.args.get(k) for k in ("where", "having", "order", "group"))
        if where:
            refuse_unless(not where.find(exp.AggFunc), "WHERE cannot hold aggregates")
            flat.check_predicate(where.this, lambda n: n if flat.is_literal(n) else self.output(n))
        if group:
            refuse_unless(not any(group.args.get(k) for k in ("cube", "rollup", "grouping_sets", "totals", "all")), "GROUP BY takes plain columns")
            for item in group.expressions:
                refuse_unless(not item.find(exp.AggFunc), "GROUP BY cannot hold aggregates")
                self.output(item)
        if having:
            flat.check_predicate(having.this, lambda n: n if flat.is_literal(n) else self.output(n))
        for item in order.expressions if order else []:
            self.output(item.this)

    def output(self, node):
        """A dimension, an allowed aggregate, or an allowed scalar function of those."""
        if isinstance(node, exp.Paren):
            self.output(node.this)
        elif isinstance(node, exp.AggFunc):
            self.aggregate(node)
        elif isinstance(node, exp.Column):
            self.dimension(node)
        elif functions.is_scalar(node):
            self.scalar(node)
        else:
            raise Refused(f"{node.sql()} is neither a dimension column nor an allowed aggregate")

    def dimension(self, column):
        """A dimension column of its table, or an output's alias, which was judged where it was made."""
        if not column.table:
            return
        table = self.names[column.table]
        if column.name in table.rule["dimensionColumns"]:
            return
        what = "a join column" if column.name in table.rule["joinColumns"] else "not a dimension column"
        raise Refused(f"The column {column.name} of table {table.name} is {what} and cannot be used here")

    def aggregate(self, node):
        """A listed pair of function and bare column."""
        column, name = functions.argument(node), functions.aggregate_name(node)
        refuse_unless(column is not None, f"The argument of {name} is one bare column, not {node.sql()}")
        table = self.names[column.table]
        allowed = any(p["function"] == name and column.name in p["columnNames"] for p in table.rule["aggregateColumns"])
        refuse_unless(allowed, f"The function {name} is not permitted on column {column.name} of table {table.name}")

    def scalar(self, node):
        """A function that the rules of all tables it touches list; of no column, that every rule lists."""
        touched = {c.table for c in node.find_all(exp.Column) if c.table} or set(self.names)
        for name in touched:
            table = self.names[name]
            called = functions.scalar_names(node)
            refuse_unless(set(called) & set(table.rule["scalarFunctions"]), f"The scalar function {called[0]} is not allowed for table {table.name}")
        for part in node.args.values():
            for item in part if isinstance(part, list) else [part]:
                if isinstance(item, exp.Expression) and not flat.is_literal(item) and not isinstance(item, (exp.DataType, exp.Var)):
                    self.output(item)


def judge(query, resolve, tables, runner):
    """The accepted query, rewritten so that thin groups do not come out."""
    flat.check_shape(query, KIND)
    refuse_unless(not query.args.get("limit"), f"Queries on tables with a {KIND} rule cannot use LIMIT")
    refuse_unless(not query.args.get("distinct"), f"Queries on tables with a {KIND} rule cannot use SELECT DISTINCT")
    tree = resolve(query)
    names, linked = flat.check_joins(tree, tables, runner)
    flat.check_overlap(names, linked, runner, lambda t: t.rule.get("joinRequired") == "QUERY_RUNNER")
    Judge(tree, names).check()
    for name, table in names.items():
        for constraint in table.rule["outputConstraints"]:
            identities = exp.Count(this=exp.Distinct(expressions=[exp.column(constraint["columnName"], table=name)]))
            tree.having(exp.GTE(this=identities, expression=exp.Literal.number(constraint["minimum"])), copy=False)
    return tree
