"""Which functions a query may call: what the translation to the engine is trusted with, and what depends on the session.

What is not named here is refused as an unknown function, so that nothing of the engine's own is ever reached. Must not know tables or policies.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlglot import exp

from ..catalog.objects import Role
from ..catalog.session import Session
from ..errors import SqlError

AGGREGATES = ("Avg", "Count", "CountIf", "Sum", "Min", "Max", "Median", "Stddev", "StddevPop", "StddevSamp", "Variance", "VariancePop", "Hll", "ApproxDistinct", "ArrayAgg",
              "GroupConcat", "AnyValue", "LogicalAnd", "LogicalOr", "Corr", "CovarPop", "CovarSamp", "PercentileCont", "ArgMax", "ArgMin", "Mode")
SCALARS = ("Abs", "And", "Or", "Xor", "Not", "Case", "Cast", "TryCast", "Ceil", "Coalesce", "Concat", "ConcatWs", "Contains", "CurrentDate", "CurrentTimestamp", "CurrentTime", "DateAdd",
           "DateDiff", "DateSub", "DateTrunc", "TimestampTrunc", "TimestampAdd", "TimestampDiff", "TsOrDsAdd", "TsOrDsToDate", "TsOrDsDiff", "Day", "DayOfWeek", "DayOfYear", "EndsWith", "Exp",
           "Extract", "Floor", "Greatest", "Least", "If", "Initcap", "Left", "Length", "Ln", "Log", "Lower", "LTrim", "MD5", "Month", "Nullif", "Pad", "Pow", "RegexpExtract", "RegexpLike",
           "RegexpReplace", "Repeat", "Replace", "Reverse", "Right", "Round", "SHA", "SHA2", "Sign", "Split", "SplitPart", "Sqrt", "StartsWith", "StrPosition", "StrToDate", "StrToTime", "Substring",
           "ToChar", "ToNumber", "ToDouble", "ToBoolean", "Trim", "Trunc", "Upper", "Week", "WeekOfYear", "Year", "Quarter", "JSONExtract", "JSONExtractScalar", "ParseJSON", "Unhex", "Hex",
           "Mod", "Div", "IntDiv", "ZeroIfNull", "NullIfZero", "Nvl2", "EqualNull", "NullSafeEQ", "Date", "Time", "Timestamp", "Hour", "Minute", "Second", "ToBinary", "TryToBinary", "ToDate", "Lead", "Lag",
           "Exists", "ByteLength", "DayOfWeekIso", "YearOfWeekIso", "TimeToStr", "Chr", "Ascii", "Unicode", "Space", "BitwiseAnd", "Rand")
WINDOWS = ("RowNumber", "Rank", "DenseRank", "FirstValue", "LastValue", "NthValue", "Ntile", "PercentRank", "CumeDist")
CLASSES = frozenset((*AGGREGATES, *SCALARS, *WINDOWS))
DAYS = ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
# Gives its first argument in the type of its second: DATE_TRUNC is of its input's type, and so is DATEADD by days or more. The engine's are timestamps.
AS_OF = "twin_as_of"
MACROS = (f"CREATE MACRO {AS_OF}(given TIMESTAMP, like DATE) AS CAST(given AS DATE), (given TIMESTAMP, like TIMESTAMP) AS given, "
          "(given TIMESTAMPTZ, like TIMESTAMPTZ) AS given",)
CONSTRAINTS = ("AGGREGATION_CONSTRAINT", "NO_AGGREGATION_CONSTRAINT", "PROJECTION_CONSTRAINT", "JOIN_CONSTRAINT")


def literal(value: Any) -> exp.Expr:
    """A value as a typed literal. Text is never spliced."""
    if value is None:
        return exp.Null()
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, bytes):
        return exp.Unhex(this=exp.Literal.string(value.hex()))
    if isinstance(value, (int, Decimal)):
        number = exp.Literal.number(str(abs(value)))
        return exp.Neg(this=number) if value < 0 else number
    if isinstance(value, float):
        return exp.cast(exp.Literal.string(repr(value)), "DOUBLE")
    if isinstance(value, datetime.datetime):
        return exp.cast(exp.Literal.string(value.isoformat(sep=" ")), "TIMESTAMPTZ" if value.tzinfo else "TIMESTAMP")
    if isinstance(value, (datetime.date, datetime.time)):
        return exp.cast(exp.Literal.string(value.isoformat()), "DATE" if isinstance(value, datetime.date) else "TIME")
    return exp.Literal.string(str(value))


class Context:
    """What depends on who asks. Inside a provider's objects, role and user carry no meaning for a consumer: NULL."""

    def __init__(self, asker: Session, holder: Session, share: str | None) -> None:
        self.asker, self.holder, self.share = asker, holder, share
        self.foreign = asker.account is not holder.account

    def value(self, name: str) -> Any:
        """The value of a context function; KeyError for any other."""
        asker = self.asker
        known: dict[str, Callable[[], Any]] = {
            "CURRENT_ACCOUNT": lambda: asker.account.locator, "CURRENT_ACCOUNT_NAME": lambda: asker.account.name,
            "CURRENT_ORGANIZATION_NAME": lambda: asker.account.organization, "CURRENT_REGION": lambda: asker.account.region.upper(),
            "CURRENT_ROLE": lambda: None if self.foreign else asker.role, "CURRENT_USER": lambda: None if self.foreign else asker.user.name,
            "CURRENT_DATABASE": lambda: self.holder.database, "CURRENT_SCHEMA": lambda: self.holder.schema, "CURRENT_WAREHOUSE": lambda: asker.warehouse,
            "INVOKER_SHARE": lambda: self.share, "INVOKER_ROLE": lambda: None if self.foreign else asker.role, "CURRENT_VERSION": lambda: "twin",
            "LAST_QUERY_ID": lambda: asker.handle, "CURRENT_SECONDARY_ROLES": lambda: None if self.foreign else self._secondary()}
        return known[name]()

    def _secondary(self) -> str:
        """The roles beside the primary one, and by which word they came, as JSON."""
        asker = self.asker
        held = [g.thing.name for g in asker.account.granted_to("USER", asker.user.name) if isinstance(g.thing, Role) and g.thing.name != asker.role] if asker.secondary else []
        return json.dumps({"roles": ",".join(sorted(held)), "value": "ALL" if asker.secondary else ""})


def name_of(node: exp.Expr) -> str:
    """A function's name as written, upper case."""
    return str(node.name).upper() if isinstance(node, exp.Anonymous) else node.sql_name().upper() if isinstance(node, exp.Func) else ""


def _unknown(name: str) -> SqlError:
    return SqlError("002141", "42601", f"SQL compilation error:\nUnknown function {name[:60]}. (TWIN: or one that is not part of this stand-in)")


def settle(tree: exp.Expr, context: Context, extra: Callable[[exp.Anonymous], Any] | None = None) -> None:
    """Puts context functions' values in their places, and refuses every function that is not known. In place."""
    for node in list(tree.find_all(exp.Func)):
        if isinstance(node, exp.DynamicIdentifier) and isinstance(node.parent, exp.Table):
            continue  # a table by a string: resolved as every name is
        name = name_of(node)
        if isinstance(node, exp.Anonymous) and name == "IS_ROLE_IN_SESSION":
            role = node.expressions[0] if len(node.expressions) == 1 else None
            if not isinstance(role, exp.Literal):
                raise _unknown(name)
            node.replace(exp.Boolean(this=not context.foreign and role.name in context.asker.active()))
            continue
        if isinstance(node, exp.Anonymous) and extra is not None and name.startswith("SYSTEM$"):
            node.replace(literal(extra(node)))
            continue
        try:
            value = context.value(name)
        except KeyError:
            _check(node, name)
            continue
        if node.expressions or node.args.get("this") and not isinstance(node, exp.Anonymous):
            raise _unknown(name)
        node.replace(literal(value))


def _check(node: exp.Func, name: str) -> None:
    if isinstance(node, (exp.Connector, exp.AggFunc)) and type(node).__name__ in CLASSES:
        return
    if isinstance(node, exp.Anonymous):
        if name == "HLL_ESTIMATE" or name in CONSTRAINTS or isinstance(node.parent, (exp.TableFromRows, exp.Dot)) :
            return
        raise _unknown(name)
    if type(node).__name__ not in CLASSES:
        raise _unknown(name)


def for_engine(tree: exp.Expr) -> None:
    """Functions whose translation the library lacks. In place."""
    for node in list(tree.find_all(exp.Hll)):
        node.replace(exp.ApproxDistinct(this=node.expressions[0] if node.expressions else node.this))
    for length in list(tree.find_all(exp.ByteLength)):
        length.replace(exp.Anonymous(this="strlen", expressions=[exp.cast(length.this, "VARCHAR")]))
    for binary in list(tree.find_all(exp.ToBinary)):
        form = binary.args.get("format")
        if form is not None and form.name.upper() != "HEX":
            raise _unknown("TO_BINARY of another format than HEX")
        binary.replace(exp.Unhex(this=binary.this))
    for moment in reversed(list(tree.find_all(exp.DateTrunc, exp.TimestampTrunc, exp.DateAdd, exp.DateSub, exp.TimestampAdd, exp.TsOrDsAdd))):  # inner ones first
        truncates = isinstance(moment, (exp.DateTrunc, exp.TimestampTrunc))
        if truncates or str(moment.args.get("unit") or "DAY").upper().removesuffix("S") in DAYS:
            moment.replace(exp.Anonymous(this=AS_OF, expressions=[moment.copy(), moment.this.copy()]))
