"""Join policies: a protected relation must be joined, explicitly, on its allowed keys, by a kind of join that keeps its unmatched rows back.

Must not know where the relations come from.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from ..errors import JOIN_KEY, NO_JOIN, violates
from .guards import JoinNeed, Out


def _kind(join: exp.Join) -> str:
    """INNER, LEFT, RIGHT, FULL, CROSS or another kind's own name."""
    side, kind = (join.args.get("side") or "").upper(), (join.args.get("kind") or "").upper()
    if side:
        return side
    if kind in ("", "INNER", "OUTER"):
        return "INNER" if join.args.get("on") is not None else "CROSS"
    return kind


def settle(node: exp.Select, sources: dict[str, Out]) -> list[tuple[str, JoinNeed]]:
    """Checks a SELECT's joins; gives the relations that still want one, for an outer query to do."""
    needy = [(alias, need) for alias, out in sources.items() for need in out.joins]
    if not needy or len(sources) == 1:
        return needy
    if len(needy) > 1:
        raise violates(NO_JOIN, f"'{needy[0][1].name}' and '{needy[1][1].name}' are both protected by join policies and cannot be joined with each other.")
    alias, need = needy[0]
    joins = list(node.args.get("joins") or [])
    place = next((n for n, j in enumerate(joins) if j.this.alias_or_name == alias), None)
    if any(_kind(j) not in ("INNER", "LEFT", "RIGHT") for j in joins):
        raise violates(NO_JOIN, f"Query on '{need.name}', which a join policy protects: only INNER, LEFT and RIGHT joins with ON or USING are allowed.")
    for number, join in enumerate(joins):
        concerned = number == place or any(_touches(c, alias) for c in _conditions(join.args["on"], need))
        optional = "LEFT" if number == place else "RIGHT"
        if concerned and _kind(join) not in ("INNER", optional):
            raise violates(NO_JOIN, f"Query on '{need.name}', which a join policy protects: an outer join must have it as the optional side.")
    touching = [c for j in joins for c in _conditions(j.args["on"], need) if _touches(c, alias)]
    for condition in touching:
        _check(condition, alias, need)
    if not touching:
        raise violates(NO_JOIN, f"Query on '{need.name}', which a join policy protects, must join it on a column.")
    return []


def _conditions(on: exp.Expr, need: JoinNeed) -> Iterator[exp.Expr]:
    """The parts of a conjunction."""
    while isinstance(on, exp.Paren):
        on = on.this
    if isinstance(on, exp.And):
        yield from _conditions(on.left, need)
        yield from _conditions(on.right, need)
    else:
        yield on


def _touches(condition: exp.Expr, alias: str) -> bool:
    return any(c.table == alias for c in condition.find_all(exp.Column))


def _check(condition: exp.Expr, alias: str, need: JoinNeed) -> None:
    """A condition on the protected relation is an equality of an allowed key and another relation's column."""
    sides = (condition.left, condition.right) if isinstance(condition, exp.EQ) else ()
    own = [s for s in sides if isinstance(s, exp.Column) and s.table == alias]
    other = [s for s in sides if isinstance(s, exp.Column) and s.table != alias]
    if len(own) != 1 or len(other) != 1:
        raise violates(JOIN_KEY, f"Query on '{need.name}': a join on it is an equality of its column and another relation's.")
    if need.allowed is not None and own[0].name not in need.allowed:
        raise violates(JOIN_KEY, f"Query on '{need.name}': '{own[0].name}' is not one of its allowed join keys.")


def settle_set(node: exp.SetOperation, left: Out, right: Out) -> list[JoinNeed]:
    """INTERSECT joins; EXCEPT does when the protected side comes second; UNION never."""
    needs = [*left.joins, *right.joins]
    if not needs:
        return []
    if len(needs) > 1:
        raise violates(NO_JOIN, f"'{needs[0].name}' and '{needs[1].name}' are both protected by join policies.")
    allowed = isinstance(node, exp.Intersect) or (isinstance(node, exp.Except) and not left.joins)
    columns = left.columns if left.joins else right.columns
    if not allowed:
        raise violates(NO_JOIN, f"{type(node).__name__.upper()} on '{needs[0].name}', which a join policy protects, does not join it.")
    if needs[0].allowed is not None and not set(columns) <= needs[0].allowed:
        raise violates(JOIN_KEY, f"{type(node).__name__.upper()} on '{needs[0].name}' compares columns that are not allowed join keys.")
    return []
