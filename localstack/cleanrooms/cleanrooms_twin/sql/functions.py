"""Which function of the rules' vocabulary a node of the tree is. Must not know any rule."""

from sqlglot import exp

NAMES = {
    exp.Abs: "ABS", exp.Ceil: "CEILING", exp.Coalesce: "COALESCE", exp.CurrentDate: "CURRENT_DATE", exp.Extract: "EXTRACT", exp.Floor: "FLOOR",
    exp.Ln: "LN", exp.Log: "LOG", exp.Lower: "LOWER", exp.Round: "ROUND", exp.Sqrt: "SQRT", exp.Substring: "SUBSTRING", exp.ToChar: "TO_CHAR",
    exp.TsOrDsToDate: "TO_DATE", exp.ToNumber: "TO_NUMBER", exp.StrToTime: "TO_TIMESTAMP", exp.Upper: "UPPER", exp.TimestampAdd: "DATEADD",
    exp.TsOrDsAdd: "DATEADD", exp.DateAdd: "DATEADD", exp.DateTrunc: "TRUNC", exp.TimestampTrunc: "TRUNC",
}
# The parser reads CAST, CONVERT and TO_TIMESTAMP alike; LOG of one argument is a natural logarithm.
ALIKE = {exp.Cast: ("CAST", "CONVERT", "TO_TIMESTAMP"), exp.TryCast: ("CAST", "CONVERT"), exp.Ln: ("LN", "LOG")}


def scalar_names(node):
    """The names a scalar function goes by in a rule; its own name when the vocabulary lacks it."""
    if type(node) in ALIKE:
        return ALIKE[type(node)]
    if isinstance(node, exp.Trim):
        position = (node.args.get("position") or "").upper()
        return ("RTRIM",) if position == "TRAILING" else ("LTRIM",) if position == "LEADING" else ("TRIM",)
    if isinstance(node, exp.Anonymous):
        return (node.name.upper(),)
    return (NAMES.get(type(node), node.sql_name() if isinstance(node, exp.Func) else type(node).__name__.upper()),)


def aggregate_name(node):
    """SUM, SUM_DISTINCT, COUNT, COUNT_DISTINCT or AVG, else the function's own name."""
    distinct = isinstance(node.this, exp.Distinct)
    if isinstance(node, exp.Sum):
        return "SUM_DISTINCT" if distinct else "SUM"
    if isinstance(node, exp.Count):
        return "COUNT_DISTINCT" if distinct else "COUNT"
    if isinstance(node, exp.Avg) and not distinct:
        return "AVG"
    return node.sql_name()


def argument(node):
    """The bare column an aggregate is over, None when it is over anything else."""
    inner = node.this
    if isinstance(inner, exp.Distinct):
        inner = inner.expressions[0] if len(inner.expressions) == 1 else None
    extra = [v for k, v in node.args.items() if k not in ("this", "big_int") and v]
    return inner if isinstance(inner, exp.Column) and not extra else None


def is_scalar(node):
    """Whether a node is a scalar function call (connectors and aggregates are functions to the parser only)."""
    return isinstance(node, exp.Func) and not isinstance(node, (exp.AggFunc, exp.Connector, exp.Case, exp.If))
