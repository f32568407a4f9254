"""Aggregation policies: which aggregates may be used, and small groups merged into one remainder group whose keys are NULL.

The rewriting: rows first get their group's number of entities by a window; small groups then share one NULL key; a remainder
that is itself too small shows NULLs. Must not know where the protected rows come from.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from ..errors import AGGREGATION, SqlError, violates
from .guards import Need, Taint

ALLOWED = (exp.Avg, exp.Count, exp.Sum, exp.Hll, exp.ApproxDistinct)
# What may be inside an aggregate: a guess at the "short list" of the documentation, on the narrow side.
INSIDE = (exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Star, exp.Distinct, exp.Paren, exp.Neg, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.EQ, exp.NEQ, exp.GT, exp.GTE,
          exp.LT, exp.LTE, exp.And, exp.Or, exp.Not, exp.Is, exp.Between, exp.In, exp.Case, exp.If, exp.Coalesce, exp.Nullif, exp.Abs, exp.Ceil, exp.Floor, exp.Round, exp.TryCast, exp.DataType,
          exp.DataTypeParam, exp.Tuple, exp.Dot)
MIDDLE = "\x01m"
SMALL = "\x01small"
GROUP_EXTRAS = ("grouping_sets", "cube", "rollup", "totals", "all")


def check(call: exp.Expr) -> None:
    """Refuses an aggregate that is not on the list, and what is not allowed inside one."""
    if not isinstance(call, ALLOWED):
        raise violates(AGGREGATION, f"{call.sql_name() if isinstance(call, exp.Func) else type(call).__name__} cannot be used on a relation that an aggregation policy protects; AVG, COUNT, HLL and SUM can.")
    for node in call.walk():
        if node is call:
            continue
        if isinstance(node, exp.Cast) and not isinstance(node, exp.TryCast):
            raise violates(AGGREGATION, "A conversion inside an aggregate on a protected relation must be of the TRY_ kind.")
        if not isinstance(node, INSIDE):
            raise violates(AGGREGATION, f"{type(node).__name__.upper()} cannot be used inside an aggregate on a protected relation.")


def identifier(name: str) -> exp.Identifier:
    """A quoted identifier."""
    return exp.to_identifier(name, quoted=True)


def apply(node: exp.Select, taints: list[tuple[str, Taint]], grouped: bool, distinct: bool) -> list[Taint]:
    """Enforces the constraints on a SELECT that aggregates, or defers them to an outer one when each group is one entity."""
    from .analysis import aggregates, carry

    group = node.args.get("group")
    if group is not None and (any(group.args.get(k) for k in GROUP_EXTRAS) or group.find(exp.Rollup, exp.Cube, exp.GroupingSets)):
        raise violates(AGGREGATION, "GROUPING SETS, ROLLUP and CUBE cannot be used on a protected relation.")
    for part in [*node.expressions, *([node.args["having"]] if node.args.get("having") else [])]:
        for call in aggregates(part):
            check(call)
    keys = list(group.expressions) if group is not None else [e.unalias() for e in node.expressions] if distinct and not grouped else []
    if keys and all(covered(keys, alias, need) for alias, taint in taints for need in taint.needs):
        return [carry(node, alias, taint, whole=not grouped) for alias, taint in taints]
    if distinct:
        raise violates(AGGREGATION, "DISTINCT on a protected relation is allowed only where it keeps the whole entity key. (TWIN: a guess)")
    Rewriting(node, taints, keys).rewrite()
    return []


def covered(keys: list[exp.Expr], alias: str, need: Need) -> bool:
    """Whether the grouping keys hold a whole entity key."""
    plain = {k.name for k in keys if isinstance(k, exp.Column) and k.table == alias}
    return need.key is not None and set(need.key) <= plain


class Rewriting:
    """One SELECT that aggregates protected rows."""

    def __init__(self, node: exp.Select, taints: list[tuple[str, Taint]], keys: list[exp.Expr]) -> None:
        self.node, self.keys = node, keys
        self.needs = [(alias, need) for alias, taint in taints for need in taint.needs]
        self.columns: dict[tuple[str, str], str] = {}

    def rewrite(self) -> None:
        """Replaces FROM, WHERE and GROUP BY, and every expression, in place."""
        node = self.node
        shown = [(e.unalias(), e.alias_or_name) for e in node.expressions]
        moved = [self.moved(e) for e, _ in shown]
        having = self.moved(node.args["having"].this) if node.args.get("having") else None
        self._order(shown)
        middle = self._middle(self._inner())
        for part in ("joins", "where", "group", "having"):
            node.set(part, None)
        node.set("from_", exp.From(this=exp.Subquery(this=middle, alias=exp.TableAlias(this=identifier(MIDDLE)))))
        enough = self._enough()
        node.set("expressions", [exp.Alias(this=exp.Case(ifs=[exp.If(this=enough.copy(), true=e)]), alias=identifier(name)) for e, (_, name) in zip(moved, shown, strict=True)])
        if self.keys:
            node.set("group", exp.Group(expressions=[self._column(SMALL), *(self._key(n) for n in range(len(self.keys)))]))
        if having is not None:
            node.set("having", exp.Having(this=exp.Case(ifs=[exp.If(this=enough.copy(), true=having)], default=exp.false())))

    # Places

    @staticmethod
    def _column(name: str) -> exp.Column:
        return exp.Column(this=identifier(name), table=identifier(MIDDLE))

    def _key(self, number: int) -> exp.Expr:
        """A grouping key, NULL in the remainder."""
        return exp.Case(ifs=[exp.If(this=self._column(SMALL), true=exp.Null())], default=self._column(f"\x01k{number}"))

    def _place(self, column: exp.Column) -> exp.Column:
        key = (column.table, column.name)
        self.columns.setdefault(key, f"\x01c{len(self.columns)}")
        return self._column(self.columns[key])

    def _count(self, name: str, table: str | None) -> exp.Expr:
        place = exp.Column(this=identifier(name), table=identifier(table)) if table else exp.Column(this=identifier(name))
        return exp.Count(this=exp.Distinct(expressions=[place]))

    def _enough(self) -> exp.Expr:
        """Whether a group, the remainder too, is large enough by every need."""
        return exp.and_(*(exp.GTE(this=self._count(f"\x01n{n}", MIDDLE), expression=exp.Literal.number(need.minimum)) for n, (_, need) in enumerate(self.needs)))

    def _inner(self) -> exp.Select:
        """The rows: referenced columns, keys and hidden columns under new names."""
        node = self.node
        parts: list[exp.Expr] = [exp.Alias(this=exp.Column(this=identifier(c), table=identifier(t)), alias=identifier(n)) for (t, c), n in self.columns.items()]
        parts += [exp.Alias(this=k.copy(), alias=identifier(f"\x01k{n}")) for n, k in enumerate(self.keys)]
        parts += [exp.Alias(this=exp.Column(this=identifier(need.column), table=identifier(alias)), alias=identifier(f"\x01n{n}")) for n, (alias, need) in enumerate(self.needs)]
        inner = exp.Select(expressions=parts)
        for part in ("from_", "joins", "where"):
            if node.args.get(part):
                held = node.args[part]
                inner.set(part, [j.copy() for j in held] if isinstance(held, list) else held.copy())
        return inner

    def _middle(self, inner: exp.Select) -> exp.Select:
        """The rows, each with whether its group is small."""
        if not self.keys:
            return inner
        windows = [exp.LT(this=exp.Window(this=self._count(f"\x01n{n}", None), partition_by=[exp.Column(this=identifier(f"\x01k{k}")) for k in range(len(self.keys))]),
                          expression=exp.Literal.number(need.minimum)) for n, (_, need) in enumerate(self.needs)]
        small = exp.Alias(this=exp.or_(*windows), alias=identifier(SMALL))
        return exp.Select(expressions=[exp.Star(), small]).from_(exp.Subquery(this=inner, alias=exp.TableAlias(this=identifier("\x01i"))))

    # Expressions

    def moved(self, expression: exp.Expr) -> exp.Expr:
        """An expression over the middle: grouping keys, aggregates over moved columns, and what is made of these."""
        for number, key in enumerate(self.keys):
            if expression == key:
                return self._key(number)
        if isinstance(expression, exp.AggFunc):
            return self._mapped(expression, self._inside)
        if isinstance(expression, exp.Query):
            return expression.copy()
        if isinstance(expression, exp.Column):
            raise SqlError("000979", "42601", f"SQL compilation error:\n[{expression.name}] is not a valid group by expression")
        return self._mapped(expression, self.moved)

    def _inside(self, expression: exp.Expr) -> exp.Expr:
        return self._place(expression) if isinstance(expression, exp.Column) else self._mapped(expression, self._inside)

    @staticmethod
    def _mapped(expression: exp.Expr, act: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
        """A copy whose children went through a function."""
        done = expression.copy()
        for name, value in expression.args.items():
            if isinstance(value, exp.Expr):
                done.set(name, act(value))
            elif isinstance(value, list):
                done.set(name, [act(v) if isinstance(v, exp.Expr) else v for v in value])
        return done

    def _order(self, shown: list[tuple[exp.Expr, str]]) -> None:
        """ORDER BY may name output columns, or repeat one."""
        order = self.node.args.get("order")
        names = {n for _, n in shown}
        for term in order.expressions if order is not None else ():
            if isinstance(term.this, exp.Column) and not term.this.table and term.this.name in names or isinstance(term.this, exp.Literal):
                continue
            same = next((n for e, n in shown if e == term.this), None)
            if same is None:
                raise violates(AGGREGATION, "ORDER BY on a protected relation names output columns. (TWIN: a guess)")
            term.set("this", exp.Column(this=identifier(same)))
