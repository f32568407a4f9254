"""ALTER TABLE and ALTER VIEW: policies, tags, comments, names, columns. Must not know what policies do."""

from __future__ import annotations

from collections.abc import Callable

from ..catalog.objects import Column, Relation, Table, View
from ..catalog.session import Session
from ..errors import SqlError, forbidden, invalid, invalid_identifier, unsupported
from ..protocol.encode import Result, status
from ..query.engine import quoted
from ..sql.names import shown
from ..sql.reader import Reader
from . import attach
from .attach import columns_of
from .making import found_or_none
from .registry import How, command
from .tables import check_columns, find_relation, read_type
from .tags import read_tags, set_tags, unset_tags

Act = Callable[[Relation], None]
DONE = "Statement executed successfully."


@command("ALTER TABLE", "ALTER VIEW")
def alter(session: Session, reader: Reader, how: How) -> Result:
    """One ALTER: everything is read before anything is done."""
    kind = reader.tokens[reader.at - 1].text.upper()
    exists = reader.take("IF", "EXISTS")
    names = reader.path(3)
    acts = _clauses(session, reader, kind)
    reader.end()
    found = found_or_none(lambda: find_relation(session, names, kind), exists)
    if isinstance(found, Relation):
        for act in acts:
            act(found)
        found.altered_on = session.now
    return status(DONE)


def _owned(session: Session, relation: Relation) -> None:
    session.need_ownership(relation)


def _clauses(session: Session, reader: Reader, kind: str) -> list[Act]:
    """The acts of a statement; dropping one row access policy and adding another goes in one."""
    if reader.take("DROP", "ALL", "ROW", "ACCESS", "POLICIES"):
        return [lambda r: _no_row_access(session, r, None)]
    if reader.take("DROP", "ROW", "ACCESS", "POLICY"):
        old = reader.path(3)
        acts: list[Act] = [lambda r: _no_row_access(session, r, old)]
        if reader.take(",", "ADD", "ROW", "ACCESS", "POLICY"):
            acts.append(attach.row_access(session, reader))
        return acts
    if reader.take("ADD", "ROW", "ACCESS", "POLICY"):
        return [attach.row_access(session, reader)]
    if reader.take("SET", "AGGREGATION", "POLICY"):
        return [attach.aggregation(session, reader)]
    if reader.take("ADD", "AGGREGATION", "POLICY"):
        return [attach.aggregation(session, reader, adding=True)]
    if reader.take("DROP", "AGGREGATION", "POLICY"):
        policy, keys = reader.path(3), attach.entity_keys(reader)
        return [lambda r: _no_keys(session, r, policy, keys)]
    if reader.take("UNSET", "AGGREGATION", "POLICY"):
        return [lambda r: _unset(session, r, "aggregation")]
    if reader.take("SET", "JOIN", "POLICY"):
        return [attach.join(session, reader)]
    if reader.take("UNSET", "JOIN", "POLICY"):
        return [lambda r: _unset(session, r, "join")]
    if reader.take("RENAME", "TO"):
        new = reader.path(1)[0]
        return [lambda r: _rename(session, r, new)]
    if reader.take("SET", "TAG"):
        given = read_tags(session, reader, values=True)
        return [lambda r: set_tags(session, r, given)]
    if reader.take("UNSET", "TAG"):
        given = read_tags(session, reader, values=False)
        return [lambda r: unset_tags(session, r, given)]
    if reader.take("UNSET", "COMMENT"):
        return [lambda r: _comment(session, r, "")]
    if kind == "VIEW" and (reader.take("SET", "SECURE") or reader.take("UNSET", "SECURE")):
        secure = reader.tokens[reader.at - 2].text.upper() == "SET"
        return [lambda r: _secure(session, r, secure)]
    if reader.take("SET"):
        comment = reader.comment()
        if comment is None:
            raise reader.fail()
        return [lambda r: _comment(session, r, comment)]
    if reader.take("MODIFY") or reader.take("ALTER"):
        return [_column(session, reader)]
    if kind == "TABLE" and reader.take("ADD"):
        return [_added(session, reader)]
    if kind == "TABLE" and reader.take("DROP", "COLUMN"):
        name = reader.name()
        return [lambda r: _dropped(session, r, name)]
    raise reader.fail()


# Policies off again


def _unset(session: Session, relation: Relation, field: str) -> None:
    present = getattr(relation, field)
    if present is None:
        raise invalid(f"{relation.fqn()} has no {field} policy.", "003554", "23001")
    attach.may_apply(session, present[0], "ROW ACCESS" if field == "row_access" else field.upper(), relation)
    setattr(relation, field, None)


def _no_row_access(session: Session, relation: Relation, names: list[str] | None) -> None:
    present = relation.row_access
    if names is None and present is None:
        return
    if present is None or names is not None and present[0].names() != tuple(session.qualified(names)):
        raise invalid(f"{relation.fqn()} has no such row access policy.", "003554", "23001")
    _unset(session, relation, "row_access")


def _no_keys(session: Session, relation: Relation, names: list[str], keys: list[list[str]]) -> None:
    """DROP AGGREGATION POLICY p ENTITY KEY (…): with the last key the policy goes."""
    present = relation.aggregation
    if present is None or present[0].names() != tuple(session.qualified(names)) or not keys or any(k not in present[1] for k in keys):
        raise invalid(f"{relation.fqn()} has no such aggregation policy or entity key.", "003554", "23001")
    attach.may_apply(session, present[0], "AGGREGATION", relation)
    left = [k for k in present[1] if k not in keys]
    relation.aggregation = (present[0], left) if left else None


# Columns


def _column(session: Session, reader: Reader) -> Act:
    """MODIFY [COLUMN] c SET | UNSET PROJECTION POLICY, MASKING POLICY, TAG, COMMENT."""
    reader.take("COLUMN")
    name = reader.name()
    if reader.take("COMMENT"):
        text = reader.string()
        return lambda r: _commented(session, r, name, text)
    setting = reader.one_of("SET", "UNSET") == "SET"
    if reader.take("TAG"):
        given = read_tags(session, reader, values=setting)
        return lambda r: (set_tags if setting else unset_tags)(session, columns_of(r, [name])[0], given)
    kind = reader.one_of("PROJECTION", "MASKING")
    reader.expect("POLICY")
    if setting:
        act = attach.column_policy(session, reader, kind)
        return lambda r: act(r, columns_of(r, [name])[0])
    return lambda r: _unset_column(session, r, name, kind)


def _unset_column(session: Session, relation: Relation, name: str, kind: str) -> None:
    column = columns_of(relation, [name])[0]
    policy = column.projection if kind == "PROJECTION" else column.masking[0] if column.masking else None
    if policy is None:
        raise invalid(f"Column {name} has no {kind.lower()} policy.", "003554", "23001")
    attach.may_apply(session, policy, kind, relation)
    if kind == "PROJECTION":
        column.projection = None
    else:
        column.masking = None


def _commented(session: Session, relation: Relation, name: str, text: str) -> None:
    _owned(session, relation)
    columns_of(relation, [name])[0].comment = text


def _added(session: Session, reader: Reader) -> Act:
    """ADD [COLUMN] [IF NOT EXISTS] name TYPE."""
    reader.take("COLUMN")
    absent = reader.take("IF", "NOT", "EXISTS")
    name = reader.name()
    column = Column(name, read_type(reader))

    def act(relation: Relation) -> None:
        _owned(session, relation)
        assert isinstance(relation, Table)
        if relation.column(name) is not None and absent:
            return
        check_columns([*(c.name for c in relation.columns), name])
        session.twin.engine.run(f"ALTER TABLE {relation.physical} ADD COLUMN {quoted(name)} {column.type.engine()}")
        relation.columns.append(column)
    return act


def _dropped(session: Session, relation: Relation, name: str) -> None:
    _owned(session, relation)
    assert isinstance(relation, Table)
    column = relation.column(name)
    if column is None:
        raise invalid_identifier(name)
    used = [*(c for _, p, a in relation.policies() for c in [*a, *([p] if p else [])])]
    if name in used:
        raise SqlError("003555", "23001", f"SQL compilation error:\nColumn {name} is used by a policy and cannot be dropped.")
    if len(relation.columns) == 1:
        raise unsupported("a table without columns")
    session.twin.engine.run(f"ALTER TABLE {relation.physical} DROP COLUMN {quoted(name)}")
    relation.columns.remove(column)


# The relation itself


def _comment(session: Session, relation: Relation, text: str) -> None:
    _owned(session, relation)
    relation.comment = text


def _secure(session: Session, relation: Relation, secure: bool) -> None:
    _owned(session, relation)
    assert isinstance(relation, View)
    shared = [g for g in session.account.granted_on(relation) if g.grantee_kind == "SHARE" and session.account.shares[g.grantee].secure_only]
    if not secure and shared:
        raise SqlError("003027", "42601", f"SQL compilation error:\nView {relation.fqn()} is in share {shown(shared[0].grantee)}, which holds secure objects only.")
    relation.secure = secure


def _rename(session: Session, relation: Relation, new: str) -> None:
    _owned(session, relation)
    assert relation.schema is not None
    if ("RELATION", new) in relation.schema.items:
        raise SqlError("002002", "42710", f"SQL compilation error:\nObject '{new}' already exists.")
    if not session.owns(relation.schema) and not session.holds(f"CREATE {relation.kind}", relation.schema):
        raise forbidden("schema", relation.schema.name)
    relation.schema.items.pop(("RELATION", relation.name))
    relation.name = new
    relation.schema.items["RELATION", new] = relation

