"""One reference to a table or view, with its policies put in: rows filtered, columns masked, hidden columns for counting added.

Must not know the query that refers to it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from ..catalog.objects import Item, Policy, Relation, Table, View
from ..catalog.session import Session
from ..errors import SqlError
from ..sql.names import folded
from . import functions
from .guards import JoinNeed, Need, Out, Shown, Taint, hidden

if TYPE_CHECKING:
    from .compile import Compiler

BASE = "\x01b"
POLICY_BROKEN = ("003555", "23001")


@dataclass
class Reference:
    """A reference in a query: what stands in its place, and what flows out."""

    tree: exp.Query
    out: Out


def identifier(name: str) -> exp.Identifier:
    """A quoted identifier."""
    return exp.to_identifier(name, quoted=True)


def column(name: str, table: str) -> exp.Column:
    """A quoted, qualified column."""
    return exp.Column(this=identifier(name), table=identifier(table))


def aliased(node: exp.Expr, name: str) -> exp.Alias:
    """An expression under a quoted name."""
    return exp.Alias(this=node, alias=identifier(name))


def owner_session(asker: Session, item: Item) -> Session:
    """The session in which an item's text is resolved: its owner's, at its own place."""
    database, schema, _ = item.names()
    return Session(asker.twin, item.account, asker.user, item.owner, secondary=False, database=database, schema=schema, handle=asker.handle)


def constraint(compiler: Compiler, policy: Policy) -> dict[str, Any]:
    """What a policy's body comes to for this asker: the constraint's name and its arguments."""
    tree = _parsed(policy)
    calls = [n for n in tree.find_all(exp.Anonymous) if functions.name_of(n) in functions.CONSTRAINTS]
    for call in calls:
        given = {str(a.this.name).upper(): _plain(a.expression) for a in call.expressions if isinstance(a, exp.Kwarg)}
        if len(given) != len(call.expressions):
            raise SqlError(*POLICY_BROKEN, f"Policy {policy.fqn()}: arguments of a constraint are named.")
        text = exp.Literal.string(json.dumps({"name": functions.name_of(call)} | given))
        if call is tree:
            tree = text
        else:
            call.replace(text)
    holder = owner_session(compiler.asker, policy)
    wrapped = exp.Select(expressions=[aliased(tree, "C")])
    functions.settle(wrapped, functions.Context(compiler.asker, holder, compiler.share))
    if wrapped.find(exp.Subquery, exp.Column) or len(list(wrapped.find_all(exp.Select))) > 1:
        raise SqlError(*POLICY_BROKEN, f"Policy {policy.fqn()}: its body names a column or a table.")
    value = compiler.asker.twin.engine.run(wrapped.sql("duckdb", identify=True)).fetchall()[0][0]
    if value is None:
        raise SqlError(*POLICY_BROKEN, f"Policy body of {policy.fqn()} returned NULL.")
    found: dict[str, Any] = json.loads(value)
    return found


def _plain(node: exp.Expr) -> Any:
    """A literal argument of a constraint."""
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    if isinstance(node, exp.Literal):
        return node.name if node.is_string else int(node.name)
    raise SqlError(*POLICY_BROKEN, "arguments of a constraint are literals (TWIN: expressions there are not part of this stand-in)")


def _parsed(policy: Policy) -> exp.Expr:
    try:
        tree = sqlglot.parse_one(policy.body, read="snowflake")
    except SqlglotError as error:
        raise SqlError(*POLICY_BROKEN, f"Policy body of {policy.fqn()} cannot be read.") from error
    return tree


def _placed(policy: Policy, arguments: list[str]) -> exp.Expr:
    """A policy's body with columns of the base in the place of its arguments, wherever no table of its own has them."""
    body = exp.Paren(this=_parsed(policy))
    places = {name: column(a, BASE) for (name, _), a in zip(policy.signature, arguments, strict=True)}
    for node in list(body.find_all(exp.Column)):
        name = folded(node.name, bool(node.this.args.get("quoted"))) if isinstance(node.this, exp.Identifier) else ""
        if not node.table and name in places:
            node.replace(places[name].copy())
    return body


def refer(compiler: Compiler, relation: Relation) -> Reference:
    """A reference: the relation's rows as this asker may have them."""
    base, below = _base(compiler, relation)
    filtered = _filtered(compiler, relation, base)
    taint = _taint(compiler, relation)
    tree = exp.Select(expressions=[*_columns(relation), *(aliased(column(h, BASE), h) for h in below.hidden_columns())]).from_(filtered)
    _mask(compiler, relation, tree)
    out = Out([c.name for c in relation.columns], list(below.taints), list(below.joins), dict(below.shown), below.guarded)
    if taint is not None:
        _hide(relation, tree, taint)
        out.taints.append(taint)
        out.guarded = True
    _join_need(compiler, relation, out)
    _shown(compiler, relation, out)
    return Reference(tree, out)


def _columns(relation: Relation) -> list[exp.Expr]:
    return [aliased(column(c.name, BASE), c.name) for c in relation.columns]


def _base(compiler: Compiler, relation: Relation) -> tuple[exp.Expr, Out]:
    """The table itself, or the view's query compiled with its owner's rights; under the base's alias."""
    if isinstance(relation, Table):
        return exp.alias_(exp.Table(this=identifier(relation.physical)), BASE, table=True, quoted=True), Out([c.name for c in relation.columns])
    assert isinstance(relation, View)
    inner = compiler.within(relation)
    tree, out = inner.compile(relation.query)
    if len(out.columns) != len(relation.columns):
        raise SqlError("002057", "42601", f"SQL compilation error:\nView definition for '{relation.fqn()}' declared {len(relation.columns)} column(s), but view query produces {len(out.columns)} column(s).")
    names = {old: new.name for old, new in zip(out.columns, relation.columns, strict=True)}
    renamed = exp.Select(expressions=[aliased(column(o, "\x01v"), n) for o, n in names.items()] + [aliased(column(h, "\x01v"), h) for h in out.hidden_columns()])
    renamed = renamed.from_(exp.Subquery(this=tree, alias=exp.TableAlias(this=identifier("\x01v"))))
    taints = [Taint(t.name, tuple(Need(n.column, n.minimum, tuple(names[k] for k in n.key) if n.key else None) for n in t.needs)) for t in out.taints]
    joins = [JoinNeed(j.name, frozenset(names[k] for k in j.allowed) if j.allowed is not None else None) for j in out.joins]
    shown = {names[c]: s for c, s in out.shown.items()}
    return exp.Subquery(this=renamed, alias=exp.TableAlias(this=identifier(BASE))), Out(list(names.values()), taints, joins, shown, out.guarded)


def _filtered(compiler: Compiler, relation: Relation, base: exp.Expr) -> exp.Expr:
    """Rows that the row access policy lets through."""
    if relation.row_access is None:
        return base
    policy, arguments = relation.row_access
    condition = compiler.expression(policy, _placed(policy, arguments), relation)
    chosen = exp.Select(expressions=[exp.Column(this=exp.Star(), table=identifier(BASE))]).from_(base).where(condition)
    return exp.Subquery(this=chosen, alias=exp.TableAlias(this=identifier(BASE)))


def _mask(compiler: Compiler, relation: Relation, tree: exp.Select) -> None:
    for place, held in enumerate(relation.columns):
        if held.masking is not None:
            policy, arguments = held.masking
            masked = compiler.expression(policy, _placed(policy, arguments), relation)
            tree.expressions[place].set("this", masked)


def _taint(compiler: Compiler, relation: Relation) -> Taint | None:
    """The aggregation constraint that holds for this asker."""
    if relation.aggregation is None:
        return None
    policy, keys = relation.aggregation
    compiler.check_place(policy)
    found = constraint(compiler, policy)
    if found["name"] == "NO_AGGREGATION_CONSTRAINT":
        return None
    if found["name"] != "AGGREGATION_CONSTRAINT":
        raise SqlError(*POLICY_BROKEN, f"Policy body of {policy.fqn()} is no aggregation constraint.")
    entities = [Need(hidden(), int(found.get("MIN_GROUP_SIZE", found.get("MIN_ENTITY_COUNT", 1))), tuple(k)) for k in keys]
    rows = found.get("MIN_ROW_COUNT") if "MIN_ROW_COUNT" in found else (None if keys else found.get("MIN_GROUP_SIZE"))
    needs = entities + ([Need(hidden(), int(rows))] if rows is not None else [])
    if not needs:
        raise SqlError(*POLICY_BROKEN, f"Policy body of {policy.fqn()} names no size.")
    return Taint(relation.name, tuple(needs))


def _hide(relation: Relation, tree: exp.Select, taint: Taint) -> None:
    """Adds the hidden columns: an entity's key as one value (as masked), NULL when any part of it is; or a number of the row."""
    held = {c.name: tree.expressions[n].this for n, c in enumerate(relation.columns)}
    for need in taint.needs:
        if need.key is None:
            value: exp.Expr = exp.Window(this=exp.RowNumber())
        elif len(need.key) == 1:
            value = held[need.key[0]].copy()
        else:
            parts = [held[k].copy() for k in need.key]
            void = exp.or_(*(exp.Is(this=p.copy(), expression=exp.Null()) for p in parts))
            value = exp.Case(ifs=[exp.If(this=void, true=exp.Null())], default=exp.Anonymous(this="ROW", expressions=parts))
        tree.append("expressions", aliased(value, need.column))


def _join_need(compiler: Compiler, relation: Relation, out: Out) -> None:
    if relation.join is None:
        return
    policy, keys = relation.join
    compiler.check_place(policy)
    found = constraint(compiler, policy)
    if found["name"] != "JOIN_CONSTRAINT":
        raise SqlError(*POLICY_BROKEN, f"Policy body of {policy.fqn()} is no join constraint.")
    if found.get("JOIN_REQUIRED", True):
        out.joins.append(JoinNeed(relation.name, frozenset(keys) if keys else None))


def _shown(compiler: Compiler, relation: Relation, out: Out) -> None:
    for held in relation.columns:
        if held.projection is None:
            continue
        compiler.check_place(held.projection)
        found = constraint(compiler, held.projection)
        if found["name"] != "PROJECTION_CONSTRAINT" or found.get("ENFORCEMENT", "FAIL") not in ("FAIL", "NULLIFY"):
            raise SqlError(*POLICY_BROKEN, f"Policy body of {held.projection.fqn()} is no projection constraint.")
        if not found.get("ALLOW", False):
            mark = Shown(held.name, found.get("ENFORCEMENT", "FAIL") == "NULLIFY", out.guarded)
            out.shown[held.name] = out.shown.get(held.name, frozenset()) | {mark}


