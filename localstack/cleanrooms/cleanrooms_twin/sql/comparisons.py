"""What a CUSTOM rule lets a query compare, and which aggregates it may form. Must not know who runs the query."""

from sqlglot import exp

from .lineage import Lineage
from .refusal import Refused

TESTS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Like, exp.ILike, exp.RegexpLike, exp.RegexpILike,
         exp.SimilarTo, exp.In, exp.Between, exp.Nullif, exp.DecodeCase, exp.StartsWith, exp.EndsWith, exp.Contains)


def check(lineage, tables, thresholds):
    """Comparisons, grouping keys and window keys of the whole query, inner queries included."""
    identities = {(name, t["identityColumns"][0]) for name, t in thresholds.items()}
    controls = {n: t.rule["comparisonControls"] for n, t in tables.items() if t.rule.get("comparisonControls")}
    columns_only = {n for n, t in thresholds.items() if t["allowedAggregateExpressionType"] == "COLUMNS_ONLY"}
    # A total of a column is no value of it: HAVING COUNT(DISTINCT id) >= 100 compares no identity. Inferred: HAVING is allowed.
    values = Lineage(lineage.query, behind_totals=False)
    for node in lineage.query.walk():
        for sides in _compared(node):
            _comparison(values, sides, identities, controls)
        if isinstance(node, exp.Group):
            for key in node.expressions:
                _keys(lineage, key, controls, "GROUP BY")
        if isinstance(node, exp.Window):
            for key in [*node.args.get("partition_by", []), *(node.args["order"].expressions if node.args.get("order") else [])]:
                _keys(lineage, key, controls, "a window")
        if columns_only and isinstance(node, (exp.AggFunc, exp.Window)):
            _bare_arguments(lineage, node, columns_only)


def _compared(node):
    """Groups of sides that a node compares with each other."""
    if isinstance(node, exp.In):
        yield [node.this, *node.expressions]
    elif isinstance(node, exp.Between):
        yield [node.this, node.args["low"], node.args["high"]]
    elif isinstance(node, exp.Case) and node.this is not None:
        yield [node.this, *[branch.this for branch in node.args["ifs"]]]
    elif isinstance(node, exp.DecodeCase):
        yield list(node.expressions)
    elif isinstance(node, TESTS):
        yield [node.this, node.expression]


def _comparison(lineage, sides, identities, controls):
    behind = [lineage.of(side) for side in sides if side is not None]
    constant = [not columns and not isinstance(side, exp.Null) for side, columns in zip(sides, behind, strict=True)]
    touched = set().union(*behind)
    if any(constant):
        for table, column in sorted(touched):
            if (table, column) in identities:
                raise Refused(f"The identity column {column} of table {table} cannot be compared with a literal")
            if table in controls and column not in controls[table]["allowedLiteralComparisonColumns"]:
                raise Refused(f"The column {column} of table {table} cannot be compared with a literal")
    if sum(bool(columns) for columns in behind) > 1:
        for table, column in sorted(touched):
            _in_column_list(controls, table, column, "compared with a column")


def _keys(lineage, key, controls, where):
    for table, column in sorted(lineage.of(key)):
        _in_column_list(controls, table, column, f"a key of {where}")


def _in_column_list(controls, table, column, what):
    if table in controls and column not in controls[table]["allowedColumnComparisonColumns"]:
        raise Refused(f"The column {column} of table {table} cannot be {what}")


def _bare_arguments(lineage, node, tables):
    """COLUMNS_ONLY: aggregates and window functions are over columns, not over expressions of them."""
    call = node.this if isinstance(node, exp.Window) else node
    arguments = []
    for value in call.args.values():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, exp.Distinct):
                arguments += part.expressions
            elif isinstance(part, exp.Expression):
                arguments.append(part)
    for argument in arguments:
        if isinstance(argument, exp.AggFunc):
            continue  # judged on its own
        if not {t for t, _ in lineage.of(argument)} & tables:
            continue
        made = lineage.bare(argument) if isinstance(argument, exp.Column) else argument
        if isinstance(made, exp.Expression) and not isinstance(made, exp.AggFunc):
            raise Refused(f"Aggregate and window functions take columns only, not {argument.sql()}")
