"""Setting policies and tags on tables, views and their columns: the clauses of ALTER, and those inside CREATE.

Must not know what policies do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..catalog import types
from ..catalog.objects import Column, Policy, Relation
from ..catalog.session import Session
from ..errors import SqlError, forbidden, invalid, invalid_identifier
from ..sql.reader import Reader
from .policies import find_policy
from .tags import read_tags, set_tags

Act = Callable[[Relation], None]


def may_apply(session: Session, policy: Policy, kind: str, relation: Relation) -> None:
    """Who has APPLY kind POLICY on the account; or APPLY on the policy, or the policy itself, and the relation."""
    if session.globally(f"APPLY {kind} POLICY"):
        return
    if not session.owns(relation) or not session.holds("APPLY", policy):
        raise forbidden("policy", policy.name)


def columns_of(relation: Relation, names: list[str]) -> list[Column]:
    """Columns by name."""
    found = [relation.column(n) for n in names]
    for name, column in zip(names, found, strict=True):
        if column is None:
            raise invalid_identifier(name)
    return [c for c in found if c is not None]


def _taken(what: str, relation: Relation) -> SqlError:
    return SqlError("003552", "23001", f"SQL compilation error:\nObject {relation.fqn()} already has {what}. Only one is allowed at a time.")


def entity_keys(reader: Reader) -> list[list[str]]:
    """ENTITY KEY (c, …), any number of times."""
    keys = []
    while reader.take("ENTITY", "KEY"):
        keys.append(reader.braced(reader.name))
        if not keys[-1]:
            raise reader.fail()
    return keys


def aggregation(session: Session, reader: Reader, force: bool = True, adding: bool = False) -> Act:
    """AGGREGATION POLICY p [ENTITY KEY (…)]… [FORCE]."""
    policy, keys = find_policy(session, "AGGREGATION", reader.path(3)), entity_keys(reader)
    forced = force and reader.take("FORCE")

    def act(relation: Relation) -> None:
        may_apply(session, policy, "AGGREGATION", relation)
        for key in keys:
            columns_of(relation, key)
        present = relation.aggregation
        if adding and present is not None and present[0] is policy:
            relation.aggregation = (policy, [*present[1], *(k for k in keys if k not in present[1])])
            return
        if present is not None and not forced:
            raise _taken("an aggregation policy", relation)
        relation.aggregation = (policy, keys)
    return act


def join(session: Session, reader: Reader, force: bool = True) -> Act:
    """JOIN POLICY p [ALLOWED JOIN KEYS (c, …)] [FORCE]."""
    policy = find_policy(session, "JOIN", reader.path(3))
    keys = reader.braced(reader.name) if reader.take("ALLOWED", "JOIN", "KEYS") else []
    forced = force and reader.take("FORCE")

    def act(relation: Relation) -> None:
        may_apply(session, policy, "JOIN", relation)
        columns_of(relation, keys)
        if relation.join is not None and not forced:
            raise _taken("a join policy", relation)
        relation.join = (policy, keys)
    return act


def row_access(session: Session, reader: Reader) -> Act:
    """ROW ACCESS POLICY p ON (c, …)."""
    policy = find_policy(session, "ROW ACCESS", reader.path(3))
    reader.expect("ON")
    names = reader.braced(reader.name)

    def act(relation: Relation) -> None:
        may_apply(session, policy, "ROW ACCESS", relation)
        _fit(policy, columns_of(relation, names))
        if relation.row_access is not None:
            raise _taken("a row access policy", relation)
        relation.row_access = (policy, names)
    return act


def _fit(policy: Policy, columns: list[Column]) -> None:
    """Whether columns are of the kinds that a policy's arguments are."""
    wanted = [types.parse(t).name for _, t in policy.signature]
    if wanted != [c.type.name for c in columns]:
        raise invalid(f"Columns do not fit the signature of policy {policy.fqn()}.", "003553", "23001")


def column_policy(session: Session, reader: Reader, kind: str, force: bool = True) -> Callable[[Relation, Column], None]:
    """PROJECTION POLICY p [FORCE], MASKING POLICY p [USING (c, …)] [FORCE]."""
    policy = find_policy(session, kind, reader.path(3))
    using = reader.braced(reader.name) if kind == "MASKING" and reader.take("USING") else []
    forced = force and reader.take("FORCE")

    def act(relation: Relation, column: Column) -> None:
        may_apply(session, policy, kind, relation)
        if kind == "PROJECTION":
            if column.projection is not None and not forced:
                raise _taken(f"a projection policy on {column.name}", relation)
            column.projection = policy
            return
        arguments = using or [column.name]
        if arguments[0] != column.name:
            raise invalid("The first column of USING is the masked one.")
        _fit(policy, columns_of(relation, arguments))
        if column.masking is not None and not forced:
            raise _taken(f"a masking policy on {column.name}", relation)
        column.masking = (policy, arguments)
    return act


@dataclass
class Inline:
    """What a CREATE says about policies and tags, to be done once the relation is there."""

    acts: list[Act] = field(default_factory=list)

    def do(self, relation: Relation) -> None:
        """All of it."""
        for act in self.acts:
            act(relation)


def inline(session: Session, reader: Reader, found: Inline) -> bool:
    """One clause [WITH] … POLICY … or TAG (…) of CREATE TABLE or VIEW; whether there was one."""
    start = reader.at
    reader.take("WITH")
    if reader.take("ROW", "ACCESS", "POLICY"):
        found.acts.append(row_access(session, reader))
    elif reader.take("AGGREGATION", "POLICY"):
        found.acts.append(aggregation(session, reader, force=False))
    elif reader.take("JOIN", "POLICY"):
        found.acts.append(join(session, reader, force=False))
    elif reader.take("TAG"):
        reader.expect("(")
        given = read_tags(session, reader, values=True)
        reader.expect(")")
        found.acts.append(lambda relation: set_tags(session, relation, given))
    else:
        reader.at = start
        return False
    return True


def _on_column(act: Callable[[Relation, Column], None], name: str) -> Act:
    """An act on a column, for when the relation is there."""
    return lambda relation: act(relation, columns_of(relation, [name])[0])


def inline_column(session: Session, reader: Reader, name: str, found: Inline) -> bool:
    """The same for one column."""
    start = reader.at
    reader.take("WITH")
    for kind in ("MASKING", "PROJECTION"):
        if reader.take(kind, "POLICY"):
            found.acts.append(_on_column(column_policy(session, reader, kind, force=False), name))
            return True
    if reader.take("TAG"):
        reader.expect("(")
        given = read_tags(session, reader, values=True)
        reader.expect(")")
        found.acts.append(lambda relation: set_tags(session, columns_of(relation, [name])[0], given))
        return True
    reader.at = start
    return False
