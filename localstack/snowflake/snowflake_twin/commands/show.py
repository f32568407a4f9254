"""SHOW: lists of what the session sees, by the columns that the documentation names, with LIKE, IN, STARTS WITH, LIMIT … FROM.

Must not know how things are made. SHOW GRANTS is in `show_grants`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..catalog.objects import (
    POLICY_KINDS,
    Database,
    Item,
    Policy,
    Relation,
    Role,
    Schema,
    Stage,
    Tag,
    View,
)
from ..catalog.session import Session
from ..catalog.types import LTZ, NUMBER
from ..errors import SqlError
from ..protocol.encode import Result, table
from ..sql.names import like
from ..sql.reader import Reader
from . import shares
from .registry import How, command

Row = tuple[object, ...]
LIMIT_MAX = 10_000


@dataclass
class Scope:
    """What a SHOW is narrowed to."""

    like: str | None = None
    database: str | None = None
    schema: tuple[str, str] | None = None
    account: bool = False
    starts: str | None = None
    limit: int = LIMIT_MAX
    after: str | None = None

    def chosen(self, rows: list[Row], name: int) -> list[Row]:
        """Rows by name: the pattern, the start, sorted, after a name, at most so many."""
        found = [r for r in rows if (self.like is None or like(self.like, str(r[name]))) and (self.starts is None or str(r[name]).startswith(self.starts))]
        found.sort(key=lambda r: str(r[name]))
        return [r for r in found if self.after is None or str(r[name]) > self.after][:self.limit]


def read_scope(session: Session, reader: Reader, places: bool) -> Scope:
    """LIKE '…' IN … STARTS WITH '…' LIMIT n FROM '…'."""
    found = Scope()
    if reader.take("LIKE"):
        found.like = reader.string()
    if places and reader.take("IN"):
        _read_place(session, reader, found)
    elif places and session.database:
        found.database = session.database
        if session.schema:
            found.schema = (session.database, session.schema)
    if reader.take("STARTS", "WITH"):
        found.starts = reader.string()
    if reader.take("LIMIT"):
        found.limit = min(reader.number(), LIMIT_MAX)
        if reader.take("FROM"):
            found.after = reader.string()
    reader.end()
    return found


def _read_place(session: Session, reader: Reader, found: Scope) -> None:
    if reader.take("ACCOUNT"):
        found.account = True
        return
    word = next((w for w in ("DATABASE", "SCHEMA") if reader.take(w)), None)
    names = reader.path(2)
    if word == "DATABASE" or (word is None and len(names) == 1 and names[0] in session.account.databases):
        found.database = session.find_database(names[0]).name
        return
    session.find_schema(names)
    found.schema = (names[0] if len(names) == 2 else session.database or "", names[-1])
    found.database = found.schema[0]


def _schemas(session: Session, scope: Scope) -> list[tuple[Database, Schema, set[object] | None]]:
    """Schemas in scope; of a mounted database those of the share, with what the share holds."""
    rows: list[tuple[Database, Schema, set[object] | None]] = []
    for database in session.account.databases.values():
        if not session.sees(database) or (not scope.account and scope.database is not None and database.name != scope.database):
            continue
        try:
            share = session.source(database)
        except SqlError:  # a mount whose share is gone lists nothing
            continue
        home = share.database if share is not None and share.database is not None else database
        granted: set[object] | None = {g.thing for g in share.account.granted_to("SHARE", share.name)} if share is not None and share.account is not None else None
        rows += [(database, s, granted) for s in home.schemas.values() if (granted is None and session.sees(s) or granted is not None and s in granted)
                 and (scope.account or scope.schema is None or (database.name, s.name) == scope.schema)]
    return rows


def _items(session: Session, scope: Scope, fits: Callable[[Item], bool]) -> list[tuple[Database, Schema, Item]]:
    return [(d, s, i) for d, s, granted in _schemas(session, scope) for i in s.items.values() if fits(i) and (i in granted if granted is not None else session.sees(i))]


def _foreign(database: Database, owner: str) -> str:
    """An owner means nothing in a mounted database."""
    return "" if database.origin is not None else owner


@command("SHOW DATABASES")
def databases(session: Session, reader: Reader, how: How) -> Result:
    """SHOW DATABASES."""
    scope = read_scope(session, reader, places=False)
    names = ["created_on", "name", "is_default", "is_current", "origin", "owner", "comment", "options", "retention_time", "kind"]
    rows: list[Row] = []
    for d in session.account.databases.values():
        if session.sees(d):
            origin = f"{d.origin.account.identifier}.{d.origin.name}" if d.origin is not None and d.origin.account is not None else ""
            rows.append((d.created_on, d.name, "N", "Y" if d.name == session.database else "N", origin, d.owner, d.comment, "", "1", "IMPORTED DATABASE" if d.origin else "STANDARD"))
    return table(names, [*scope.chosen(rows, 1)], {"created_on": LTZ})


@command("SHOW SCHEMAS")
def schemas(session: Session, reader: Reader, how: How) -> Result:
    """SHOW SCHEMAS [IN DATABASE d]."""
    scope = read_scope(session, reader, places=True)
    scope.schema = None
    names = ["created_on", "name", "is_default", "is_current", "database_name", "owner", "comment", "options", "retention_time", "owner_role_type"]
    rows: list[Row] = [(s.created_on, s.name, "N", "Y" if (d.name, s.name) == (session.database, session.schema) else "N", d.name, _foreign(d, s.owner), s.comment, "", "1", "ROLE")
                       for d, s, _ in _schemas(session, scope)]
    return table(names, [*scope.chosen(rows, 1)], {"created_on": LTZ})


@command("SHOW TABLES")
def tables(session: Session, reader: Reader, how: How) -> Result:
    """SHOW TABLES [IN …]. Counts and sizes are NULL."""
    scope = read_scope(session, reader, places=True)
    names = ["created_on", "name", "database_name", "schema_name", "kind", "comment", "cluster_by", "rows", "bytes", "owner", "retention_time", "owner_role_type"]
    rows: list[Row] = [(i.created_on, i.name, d.name, s.name, "TABLE", i.comment, "", None, None, _foreign(d, i.owner), "1", "ROLE")
                       for d, s, i in _items(session, scope, lambda i: i.kind == "TABLE")]
    return table(names, [*scope.chosen(rows, 1)], {"created_on": LTZ, "rows": NUMBER, "bytes": NUMBER})


@command("SHOW VIEWS")
def views(session: Session, reader: Reader, how: How) -> Result:
    """SHOW VIEWS [IN …]. A secure view's text is for its owner."""
    scope = read_scope(session, reader, places=True)
    names = ["created_on", "name", "reserved", "database_name", "schema_name", "owner", "comment", "text", "is_secure", "is_materialized", "owner_role_type"]
    rows: list[Row] = []
    for d, s, i in _items(session, scope, lambda i: isinstance(i, View)):
        assert isinstance(i, View)
        hidden = i.secure and (d.origin is not None or not session.owns(i))
        rows.append((i.created_on, i.name, "", d.name, s.name, _foreign(d, i.owner), i.comment, "" if hidden else i.text, "true" if i.secure else "false", "false", "ROLE"))
    return table(names, [*scope.chosen(rows, 1)], {"created_on": LTZ})


@command("SHOW COLUMNS")
def columns(session: Session, reader: Reader, how: How) -> Result:
    """SHOW COLUMNS IN TABLE | VIEW t."""
    pattern = reader.string() if reader.take("LIKE") else None
    reader.expect("IN")
    _ = reader.take("TABLE") or reader.take("VIEW")
    names = reader.path(3)
    reader.end()
    found = session.find("RELATION", names)
    assert isinstance(found, Relation)
    database, schema, name = session.qualified(names)
    rows: list[Row] = [(name, schema, c.name, c.type.spelled(), "true" if c.nullable else "false", "", "COLUMN", "", c.comment, database, "") for c in found.columns if pattern is None or like(pattern, c.name)]
    return table(["table_name", "schema_name", "column_name", "data_type", "null?", "default", "kind", "expression", "comment", "database_name", "autoincrement"], [*rows])


@command(*(f"SHOW {k} POLICIES" for k in POLICY_KINDS))
def policies(session: Session, reader: Reader, how: How) -> Result:
    """SHOW kind POLICIES [IN …]."""
    words = " ".join(t.text.upper() for t in reader.tokens[:reader.at])
    kind = next(k for k in POLICY_KINDS if words == f"SHOW {k} POLICIES")
    scope = read_scope(session, reader, places=True)
    names = ["created_on", "name", "database_name", "schema_name", "kind", "owner", "comment", "owner_role_type", "options"]
    rows: list[Row] = [(i.created_on, i.name, d.name, s.name, f"{kind.replace(' ', '_')}_POLICY", i.owner, i.comment, "ROLE", "")
                       for d, s, i in _items(session, scope, lambda i: isinstance(i, Policy) and i.kind == f"{kind} POLICY")]
    return table(names, [*scope.chosen(rows, 1)], {"created_on": LTZ})


@command("SHOW TAGS")
def tags(session: Session, reader: Reader, how: How) -> Result:
    """SHOW TAGS [IN …]."""
    scope = read_scope(session, reader, places=True)
    names = ["created_on", "name", "database_name", "schema_name", "owner", "comment", "allowed_values", "owner_role_type"]
    rows: list[Row] = []
    for d, s, i in _items(session, scope, lambda i: isinstance(i, Tag)):
        assert isinstance(i, Tag)
        allowed = None if i.allowed is None else "[" + ",".join(f'"{v}"' for v in i.allowed) + "]"
        rows.append((i.created_on, i.name, d.name, s.name, i.owner, i.comment, allowed, "ROLE"))
    return table(names, [*scope.chosen(rows, 1)], {"created_on": LTZ})


@command("SHOW STAGES")
def stages(session: Session, reader: Reader, how: How) -> Result:
    """SHOW STAGES [IN …]."""
    scope = read_scope(session, reader, places=True)
    names = ["created_on", "name", "database_name", "schema_name", "url", "has_credentials", "has_encryption_key", "owner", "comment", "region", "type", "cloud", "notification_channel",
             "storage_integration", "endpoint", "owner_role_type", "directory_enabled"]
    rows: list[Row] = []
    for d, s, i in _items(session, scope, lambda i: isinstance(i, Stage)):
        assert isinstance(i, Stage)
        rows.append((i.created_on, i.name, d.name, s.name, i.url, "N", "N", i.owner, i.comment, None, "EXTERNAL", "AWS", None, i.integration.name if i.integration else None, None, "ROLE", "N"))
    return table(names, [*scope.chosen(rows, 1)], {"created_on": LTZ})


@command("SHOW SHARES")
def show_shares(session: Session, reader: Reader, how: How) -> Result:
    """SHOW SHARES: those that go out and those that come in."""
    scope = read_scope(session, reader, places=False)
    return table(shares.COLUMNS, [*scope.chosen([*shares.rows(session)], 3)], {"created_on": LTZ})


@command("SHOW ROLES")
def roles(session: Session, reader: Reader, how: How) -> Result:
    """SHOW ROLES."""
    scope = read_scope(session, reader, places=False)
    account = session.account
    names = ["created_on", "name", "is_default", "is_current", "is_inherited", "assigned_to_users", "granted_to_roles", "granted_roles", "owner", "comment"]
    rows: list[Row] = []
    for r in account.roles.values():
        held = [g for g in account.granted_on(r)]
        rows.append((r.created_on, r.name, "Y" if r.name == session.user.default_role else "N", "Y" if r.name == session.role else "N", "Y" if r.name in session.active() and r.name != session.role else "N",
                     sum(g.grantee_kind == "USER" for g in held), sum(g.grantee_kind == "ROLE" for g in held),
                     sum(isinstance(g.thing, Role) for g in account.granted_to("ROLE", r.name)), r.owner, r.comment))
    return table(names, [*scope.chosen(rows, 1)], {"created_on": LTZ, "assigned_to_users": NUMBER, "granted_to_roles": NUMBER, "granted_roles": NUMBER})


@command("SHOW USERS")
def users(session: Session, reader: Reader, how: How) -> Result:
    """SHOW USERS, by who manages grants."""
    scope = read_scope(session, reader, places=False)
    names = ["name", "created_on", "login_name", "comment", "disabled", "default_role", "owner", "has_rsa_public_key", "type"]
    rows: list[Row] = [(u.name, u.created_on, u.name, u.comment, "true" if u.disabled else "false", u.default_role, u.owner, "true" if any(u.keys) else "false", u.type)
                       for u in session.account.users.values() if session.globally("MANAGE GRANTS") or u is session.user]
    return table(names, [*scope.chosen(rows, 0)], {"created_on": LTZ})


@command("SHOW WAREHOUSES")
def warehouses(session: Session, reader: Reader, how: How) -> Result:
    """SHOW WAREHOUSES."""
    scope = read_scope(session, reader, places=False)
    rows: list[Row] = [(w.name, "STARTED", "STANDARD", "X-Small", "Y" if w.name == session.warehouse else "N", w.created_on, w.owner, w.comment) for w in session.account.warehouses.values() if session.sees(w)]
    return table(["name", "state", "type", "size", "is_current", "created_on", "owner", "comment"], [*scope.chosen(rows, 0)], {"created_on": LTZ})


@command("SHOW INTEGRATIONS", "SHOW STORAGE INTEGRATIONS")
def integrations(session: Session, reader: Reader, how: How) -> Result:
    """SHOW [STORAGE] INTEGRATIONS."""
    scope = read_scope(session, reader, places=False)
    rows: list[Row] = [(i.name, "EXTERNAL_STAGE", "STORAGE", "true" if i.enabled else "false", i.comment, i.created_on) for i in session.account.integrations.values() if session.sees(i)]
    return table(["name", "type", "category", "enabled", "comment", "created_on"], [*scope.chosen(rows, 0)], {"created_on": LTZ})
