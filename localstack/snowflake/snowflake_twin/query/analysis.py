"""Walks a resolved query from its tables up and follows what policies guard: rows to be aggregated, relations to be joined,
columns not to be shown. Rewrites the parts that aggregate. Must not know policies' texts nor where relations come from.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sqlglot import exp

from ..errors import AGGREGATION, NO_JOIN, PROJECTION, unsupported, violates
from . import aggregation, joins
from .guards import JoinNeed, Need, Out, Shown, Taint, hidden

if TYPE_CHECKING:
    from .relations import Reference

Sources = dict[str, Out]


def nested(node: exp.Expr) -> Iterator[exp.Query]:
    """Queries inside an expression, the outermost ones."""
    for child in node.iter_expressions():
        if isinstance(child, exp.Query):
            yield child
        else:
            yield from nested(child)


def outside(node: exp.Expr) -> Iterator[exp.Expr]:
    """An expression's nodes, those of nested queries left out."""
    yield node
    for child in node.iter_expressions():
        if not isinstance(child, exp.Query):
            yield from outside(child)


def aggregates(node: exp.Expr) -> list[exp.Expr]:
    """Aggregate calls of an expression that are not under a window."""
    return [n for n in outside(node) if isinstance(n, exp.AggFunc) and not isinstance(n.parent, exp.Window)]


class Analysis:
    """One query and its placeholders."""

    def __init__(self, references: dict[str, Reference]) -> None:
        self.references = references
        self.seen: set[int] = set()

    def whole(self, tree: exp.Expr) -> Out:
        """What flows out of a whole tree. A SELECT or a table that was not looked at is refused: it would not be protected."""
        parts = [n for n in tree.walk() if isinstance(n, (exp.Select, exp.SetOperation)) or isinstance(n, exp.Table) and n.name in self.references]
        out = self.query(tree, {})
        if any(id(p) not in self.seen for p in parts):
            raise unsupported("a query in this place")
        return out

    def query(self, node: exp.Expr, env: Sources, outer: frozenset[str] = frozenset()) -> Out:
        """What flows out of a query; `outer` is what it may refer to of those around it."""
        self.seen.add(id(node))
        held = node.args.get("with_")
        for cte in held.expressions if held is not None else ():
            env = env | {cte.alias: self.query(cte.this, env)}
        if isinstance(node, exp.Subquery):
            return self.query(node.this, env, outer)
        if isinstance(node, exp.SetOperation):
            return self._set(node, env, outer)
        if isinstance(node, exp.Select):
            return self._select(node, env, outer)
        if isinstance(node, exp.Values):
            return Out([c.name for c in node.args["alias"].args.get("columns") or []] if node.args.get("alias") else [])
        raise unsupported(type(node).__name__)

    # One SELECT

    def _select(self, node: exp.Select, env: Sources, outer: frozenset[str]) -> Out:
        sources = dict(self._sources(node, env))
        known = outer | set(sources)
        if any(isinstance(n, exp.Column) and n.table and n.table not in known for e in node.iter_expressions() if not isinstance(e, exp.With) for n in outside(e)):
            raise unsupported("a reference from one part of FROM into another")
        self._nested(node, sources, env, outer)
        taints = [(a, t) for a, o in sources.items() for t in o.taints]
        grouped = node.args.get("group") is not None or any(aggregates(e) for e in [*node.expressions, *([node.args["having"]] if node.args.get("having") else [])])
        distinct = node.args.get("distinct") is not None
        left = joins.settle(node, sources)
        if left and (grouped or distinct):
            raise violates(NO_JOIN, f"Query on '{left[0][1].name}', which a join policy protects, must join it before it aggregates.")
        columns = [e.alias_or_name for e in node.expressions]
        out = Out(columns, [], [self._carried_join(node, a, n) for a, n in left], self._shown(node, sources), any(o.guarded for o in sources.values()))
        if taints:
            self._check_clauses(node)
            if grouped or distinct:
                out.taints = aggregation.apply(node, taints, grouped, distinct)
            else:
                out.taints = [carry(node, a, t) for a, t in taints]
        return out

    def _sources(self, node: exp.Select, env: Sources) -> Iterator[tuple[str, Out]]:
        """What FROM and JOIN name, by alias."""
        from_ = node.args.get("from_")
        places = ([from_.this] if from_ is not None else []) + [j.this for j in node.args.get("joins") or []]
        while places:
            place = places.pop(0)
            places += [j.this for j in place.args.get("joins") or []]
            if isinstance(place, exp.Table):
                self.seen.add(id(place))
                reference = self.references.get(place.name)
                yield place.alias_or_name, reference.out if reference is not None else env[place.name]
            elif isinstance(place, (exp.Subquery, exp.Values)):
                yield place.alias_or_name, self.query(place, env)
            else:
                raise unsupported(type(place).__name__)

    def _nested(self, node: exp.Select, sources: Sources, env: Sources, outer: frozenset[str]) -> None:
        """Queries in expressions: what is protected must be aggregated within, and nothing protected crosses by correlation."""
        parts: list[exp.Expr] = [*node.expressions, *(node.args[k] for k in ("where", "group", "having", "order", "qualify") if node.args.get(k))]
        parts += [j.args["on"] for j in node.args.get("joins") or [] if j.args.get("on") is not None]
        protected = any(o.taints or o.joins or any(o.shown.values()) for o in sources.values())
        for part in parts:
            for inner in nested(part):
                out = self.query(inner, env, outer | set(sources))
                if out.taints:
                    raise violates(AGGREGATION, f"A subquery on '{out.taints[0].name}', which an aggregation policy protects, must aggregate.")
                if out.joins:
                    raise violates(NO_JOIN, f"A subquery on '{out.joins[0].name}', which a join policy protects, must join it.")
                crossing = any(c.table in sources for c in inner.find_all(exp.Column))
                if crossing and (protected or out.guarded):
                    raise violates(AGGREGATION, "A correlated subquery cannot reach into or out of a relation that a policy protects.")
                marks = {m for s in out.shown.values() for m in s}
                if marks and not isinstance(inner.parent, (exp.In, exp.Exists)):
                    raise violates(PROJECTION, f"Column '{next(iter(marks)).name}' is protected by a projection policy and cannot be the value of a subquery.")

    @staticmethod
    def _check_clauses(node: exp.Select) -> None:
        if any(isinstance(n, exp.Window) for e in node.iter_expressions() if not isinstance(e, exp.Query) for n in outside(e)) or node.args.get("qualify"):
            raise violates(AGGREGATION, "A window function cannot be used over a relation that an aggregation policy protects.")

    def _shown(self, node: exp.Select, sources: Sources) -> dict[str, frozenset[Shown]]:
        """Which output columns are made of columns that may not be shown. COUNT gives nothing away, unless the relation is aggregation-constrained too."""
        found: dict[str, frozenset[Shown]] = {}
        for place in node.expressions:
            marks: frozenset[Shown] = frozenset()
            for column in (n for n in outside(place) if isinstance(n, exp.Column)):
                own = sources[column.table].shown.get(column.name, frozenset()) if column.table in sources else frozenset()
                if own and isinstance(column.find_ancestor(exp.Count, exp.Select), exp.Count):
                    if any(m.counted for m in own):
                        raise violates(PROJECTION, f"COUNT of column '{column.name}': it is protected by a projection policy and its relation by an aggregation policy.")
                    continue
                marks |= own
            if marks:
                found[place.alias_or_name] = marks
        return found

    @staticmethod
    def _carried_join(node: exp.Select, alias: str, need: JoinNeed) -> JoinNeed:
        if need.allowed is None:
            return need
        return JoinNeed(need.name, frozenset(e.alias_or_name for e in node.expressions if bare(e, alias) in need.allowed))

    # UNION and its kin

    def _set(self, node: exp.SetOperation, env: Sources, outer: frozenset[str]) -> Out:
        left, right = self.query(node.this, env, outer), self.query(node.expression, env, outer)
        shown = {c: left.shown.get(c, frozenset()) | right.shown.get(right.columns[n], frozenset()) for n, c in enumerate(left.columns) if n < len(right.columns)}
        out = Out(left.columns, [], joins.settle_set(node, left, right), {c: m for c, m in shown.items() if m}, left.guarded or right.guarded)
        plain = isinstance(node, exp.Union) and not node.args.get("distinct")
        tainted = [*left.taints, *right.taints]
        if tainted:
            raise violates(AGGREGATION, f"Each side of {type(node).__name__.upper()} on '{tainted[0].name}', which an aggregation policy protects, must aggregate.")
        if out.guarded and not plain:
            raise violates(AGGREGATION, "Of the set operators only UNION ALL can be used over a relation that an aggregation policy protects.")
        return out


def bare(projection: exp.Expr, alias: str) -> str | None:
    """The column of a source that a projection passes on as it is."""
    inner = projection.this if isinstance(projection, exp.Alias) else projection
    return inner.name if isinstance(inner, exp.Column) and inner.table == alias else None


def carried(node: exp.Select, alias: str, key: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """An entity's key under the names that a SELECT gives its columns; None when one of them is not passed on."""
    names = {bare(e, alias): e.alias_or_name for e in node.expressions}
    return tuple(names[k] for k in key) if key is not None and all(k in names for k in key) else None


def carry(node: exp.Select, alias: str, taint: Taint, whole: bool = True) -> Taint:
    """Passes the hidden columns of a reference on, under fresh names; one value of each group unless rows are passed on whole."""
    needs = []
    for need in taint.needs:
        fresh = hidden()
        value: exp.Expr = exp.Column(this=exp.to_identifier(need.column, quoted=True), table=exp.to_identifier(alias, quoted=True))
        if not whole:
            value = exp.AnyValue(this=value)
        node.append("expressions", exp.Alias(this=value, alias=exp.to_identifier(fresh, quoted=True)))
        needs.append(Need(fresh, need.minimum, carried(node, alias, need.key)))
    return Taint(taint.name, tuple(needs))
