"""GRANT and REVOKE: privileges and roles, to roles, users and shares. Must not know what a privilege lets one do.

What a share may hold is checked in `share_grants`.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..catalog.objects import Account, Database, Item, Schema, Thing
from ..catalog.session import Session
from ..errors import SqlError, forbidden, invalid, missing
from ..protocol.encode import Result, status
from ..sql.lexer import WORD
from ..sql.names import shown
from ..sql.reader import Reader
from . import share_grants, targets
from .registry import How, command

DONE = "Statement executed successfully."
IMPORTED = "Granting individual privileges on imported database is not allowed. Use 'GRANT IMPORTED PRIVILEGES' instead."
SCHEMA_MAKES = ("TABLE", "VIEW", "STAGE", "TAG", "AGGREGATION POLICY", "PROJECTION POLICY", "JOIN POLICY", "ROW ACCESS POLICY", "MASKING POLICY")
KNOWN = {
    "DATABASE": ("USAGE", "REFERENCE_USAGE", "CREATE SCHEMA", "MONITOR", "MODIFY", "IMPORTED PRIVILEGES"),
    "SCHEMA": ("USAGE", "MONITOR", "MODIFY", *(f"CREATE {k}" for k in SCHEMA_MAKES)),
    "TABLE": ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES"), "VIEW": ("SELECT", "REFERENCES"),
    "WAREHOUSE": ("USAGE", "OPERATE", "MONITOR", "MODIFY"), "INTEGRATION": ("USAGE",), "STAGE": ("USAGE", "READ", "WRITE"), "TAG": ("APPLY", "READ"),
    "ACCOUNT": ("CREATE DATABASE", "CREATE WAREHOUSE", "CREATE ROLE", "CREATE USER", "CREATE SHARE", "IMPORT SHARE", "MANAGE SHARE TARGET", "MANAGE GRANTS", "CREATE INTEGRATION",
                "APPLY TAG", "EXECUTE TASK", "MONITOR USAGE", *(f"APPLY {k} POLICY" for k in ("AGGREGATION", "PROJECTION", "JOIN", "ROW ACCESS", "MASKING"))),
}


@dataclass
class Wish:
    """What a GRANT or REVOKE says."""

    privileges: list[str]
    things: list[Thing]
    kind: str
    grantee: str


def _privileges(reader: Reader) -> list[str]:
    """Privileges up to ON, each one or more words."""
    found = []
    while True:
        words = []
        while not reader.sees("ON") and not reader.sees(","):
            words.append(reader.next(WORD).text.upper())
        if not words:
            raise reader.fail()
        found.append(" ".join(words))
        if not reader.take(","):
            reader.expect("ON")
            return found


def _not_imported(session: Session, thing: Thing) -> None:
    """Nothing of a database that came from a share is the importer's to grant, but the database by IMPORTED PRIVILEGES."""
    schema = thing.schema if isinstance(thing, Item) else thing
    database = schema.database if isinstance(schema, Schema) else schema
    if isinstance(database, Database) and (database.origin is not None or database.account is not session.account):
        raise SqlError("003003", "0A000", f"SQL compilation error:\n{IMPORTED}")


def _things(session: Session, reader: Reader) -> list[Thing]:
    """One thing, or ALL TABLES | VIEWS of a schema or database: those that are there now."""
    if not reader.take("ALL"):
        return [targets.read(session, reader)]
    kind = reader.one_of("TABLES", "VIEWS", "SCHEMAS")
    reader.expect("IN")
    place = reader.one_of("SCHEMA", "DATABASE")
    names = reader.path(2)
    holder = targets.thing(session, place, names)
    _not_imported(session, holder)
    if isinstance(holder, Database):
        schemas: list[Schema] = list(holder.schemas.values())
    else:
        assert isinstance(holder, Schema)
        schemas = [holder]
    if kind == "SCHEMAS":
        return [*schemas]
    return [i for s in schemas for i in s.items.values() if i.kind == kind[:-1]]


def _grantee(reader: Reader, word: str) -> tuple[str, str]:
    reader.expect(word)
    kind = next((k for k in ("SHARE", "USER", "ROLE", "DATABASE ROLE") if reader.take(*k.split())), "ROLE")
    if kind == "DATABASE ROLE":
        raise reader.fail()
    return kind, reader.name()


def _check(session: Session, wish: Wish) -> None:
    """Whether the grantee is there, the privileges exist on the things, and this session may grant them."""
    held: dict[str, dict[str, Thing]] = {"ROLE": {**session.account.roles}, "USER": {**session.account.users}, "SHARE": {**session.account.shares}}
    if wish.grantee not in held[wish.kind]:
        raise missing(wish.kind.capitalize(), shown(wish.grantee))
    for thing in wish.things:
        if not isinstance(thing, Database):
            _not_imported(session, thing)
        known = ("APPLY",) if thing.kind.endswith(" POLICY") else KNOWN.get(thing.kind, ())
        for privilege in wish.privileges:
            if privilege not in known and privilege not in ("ALL", "ALL PRIVILEGES", "OWNERSHIP"):
                raise invalid(f"Invalid privilege '{privilege}' for object type '{thing.kind}'.", "003008", "42601")
        may = session.owns(thing) or session.globally("MANAGE GRANTS") or all(
            any(g.option and g.privilege == p and g.grantee in session.active() for g in session.account.granted_on(thing)) for p in wish.privileges)
        if not may:
            raise forbidden(thing.kind.lower(), thing.name)


@command("GRANT")
def grant(session: Session, reader: Reader, how: How) -> Result:
    """GRANT privileges ON thing TO ROLE | SHARE, GRANT ROLE r TO ROLE | USER."""
    if reader.take("ROLE"):
        return _role(session, reader, True)
    if reader.sees("OWNERSHIP"):
        return _ownership(session, reader)
    privileges = _privileges(reader)
    things = _things(session, reader)
    wish = Wish(privileges, things, *_grantee(reader, "TO"))
    option = reader.take("WITH", "GRANT", "OPTION")
    reader.end()
    _check(session, wish)
    if wish.kind == "SHARE":
        share_grants.add(session, session.account.shares[wish.grantee], privileges, things)
        return status(DONE)
    if wish.kind == "USER":
        raise invalid("Privileges are granted to roles.", "003008", "42601")
    for thing in things:
        for privilege in privileges:
            _one(session, privilege, thing, wish.grantee, option)
    return status(DONE)


def _one(session: Session, privilege: str, thing: Thing, role: str, option: bool) -> None:
    if privilege == "IMPORTED PRIVILEGES":
        if not isinstance(thing, Database) or thing.origin is None:
            raise SqlError("003003", "0A000", f"SQL compilation error:\nDatabase {shown(thing.name)} is not imported from a share.")
        privilege = "USAGE"
    elif isinstance(thing, Database) and thing.origin is not None:
        raise SqlError("003003", "0A000", f"SQL compilation error:\n{IMPORTED}")
    if privilege in ("ALL", "ALL PRIVILEGES"):
        for known in ("APPLY",) if thing.kind.endswith(" POLICY") else KNOWN.get(thing.kind, ()):
            if known != "IMPORTED PRIVILEGES":
                session.grant(known, thing, "ROLE", role, option)
        return
    session.grant(privilege, thing, "ROLE", role, option)


def _ownership(session: Session, reader: Reader) -> Result:
    """GRANT OWNERSHIP ON thing TO ROLE r [COPY | REVOKE CURRENT GRANTS]."""
    reader.expect("OWNERSHIP", "ON")
    thing = targets.read(session, reader)
    kind, role = _grantee(reader, "TO")
    kept = next((w for w in ("COPY", "REVOKE") if reader.take(w, "CURRENT", "GRANTS")), None)
    reader.end()
    if kind != "ROLE" or role not in session.account.roles:
        raise missing("Role", shown(role))
    if isinstance(thing, Account):
        raise forbidden("account", thing.name)
    _not_imported(session, thing)
    if not session.owns(thing) and not session.globally("MANAGE GRANTS"):
        raise forbidden(thing.kind.lower(), thing.name)
    if kept is None and session.account.granted_on(thing):
        raise SqlError("003036", "0A000", f"SQL execution error:\nDependent grant of privilege exists on {shown(thing.name)}; revoke it first, or say COPY or REVOKE CURRENT GRANTS.")
    if kept == "REVOKE":
        session.account.forget(thing)
    thing.owner = role
    return status(DONE)


def _role(session: Session, reader: Reader, granting: bool) -> Result:
    """GRANT ROLE r TO … and REVOKE ROLE r FROM …."""
    name = reader.name()
    kind, grantee = _grantee(reader, "TO" if granting else "FROM")
    reader.end()
    role = session.account.roles.get(name)
    holders: dict[str, Thing] = {**session.account.roles} if kind == "ROLE" else {**session.account.users}
    if role is None or kind == "SHARE" or grantee not in holders:
        raise missing("Role" if role is None else kind.capitalize(), shown(name if role is None else grantee))
    if not session.owns(role) and not session.globally("MANAGE GRANTS"):
        raise forbidden("role", name)
    if granting:
        if kind == "ROLE" and grantee in session.closure(name):
            raise SqlError("003013", "42601", f"SQL compilation error:\nRole {shown(name)} cannot be granted to {shown(grantee)}: it would be its own parent.")
        session.grant("USAGE", role, kind, grantee)
    else:
        session.account.grants = [g for g in session.account.grants if not (g.thing is role and (g.grantee_kind, g.grantee) == (kind, grantee))]
    return status(DONE)


@command("REVOKE")
def revoke(session: Session, reader: Reader, how: How) -> Result:
    """REVOKE privileges ON thing FROM ROLE | SHARE, REVOKE ROLE r FROM ROLE | USER."""
    if reader.take("ROLE"):
        return _role(session, reader, False)
    reader.take("GRANT", "OPTION", "FOR")
    privileges = _privileges(reader)
    things = _things(session, reader)
    wish = Wish(privileges, things, *_grantee(reader, "FROM"))
    _ = reader.take("CASCADE") or reader.take("RESTRICT")
    reader.end()
    _check(session, wish)
    if wish.kind == "SHARE":
        share_grants.remove(session, session.account.shares[wish.grantee], privileges, things)
        return status(DONE)
    every = any(p in ("ALL", "ALL PRIVILEGES") for p in privileges)
    words = {"USAGE" if p == "IMPORTED PRIVILEGES" else p for p in privileges}
    session.account.grants = [g for g in session.account.grants if not (
        any(g.thing is t for t in things) and (g.grantee_kind, g.grantee) == ("ROLE", wish.grantee) and (every or g.privilege in words))]
    return status(DONE)


