"""What a share may hold: one database, its schemas and secure objects, and databases that those refer to.

Must not know who may grant, nor which accounts a share reaches.
"""

from __future__ import annotations

from ..catalog.objects import Database, Item, Relation, Schema, Share, Thing, View
from ..catalog.session import Session
from ..errors import SqlError, invalid
from ..query import references
from ..sql.names import path, shown


def _refuse(message: str, code: str = "003008") -> SqlError:
    return SqlError(code, "42601", f"SQL compilation error:\n{message}")


def holds(share: Share, thing: Thing, privilege: str | None = None) -> bool:
    """Whether a share has a grant on a thing."""
    assert share.account is not None
    return any(g.thing is thing and privilege in (None, g.privilege) for g in share.account.granted_to("SHARE", share.name))


def add(session: Session, share: Share, privileges: list[str], things: list[Thing]) -> None:
    """Grants to a share, all or none."""
    session.need_ownership(share)
    for thing in things:
        for privilege in privileges:
            _check(session, share, privilege, thing)
    for thing in things:
        for privilege in privileges:
            if isinstance(thing, Database) and privilege == "USAGE":
                share.database = thing
            session.grant(privilege, thing, "SHARE", share.name)


def _check(session: Session, share: Share, privilege: str, thing: Thing) -> None:
    if isinstance(thing, Database):
        _check_database(share, privilege, thing)
        return
    if share.database is None:
        raise _refuse(f"USAGE on a database must be granted to share {shown(share.name)} first.", "003011")
    if isinstance(thing, Schema):
        if privilege != "USAGE":
            raise _refuse(f"Privilege '{privilege}' on a schema cannot be granted to a share.")
        if thing.database is not share.database:
            raise _refuse("A share holds schemas of its own database only.", "003012")
        return
    if not isinstance(thing, Relation) or privilege != "SELECT":
        raise _refuse(f"Privilege '{privilege}' on {thing.kind.lower()} {thing.fqn()} cannot be granted to a share.")
    assert thing.schema is not None
    if thing.schema.database is not share.database or not holds(share, thing.schema):
        raise _refuse(f"USAGE on schema {thing.schema.fqn()} must be granted to share {shown(share.name)} first.", "003012")
    if isinstance(thing, View):
        if share.secure_only and not thing.secure:
            raise _refuse('Non-secure object can only be granted to shares with "secure_objects_only" property set to false.', "003027")
        check_references(session, share, thing)


def check_references(session: Session, share: Share, view: View) -> None:
    """A shared view reaches into other databases only where the share has REFERENCE_USAGE, and never into mounted ones."""
    assert view.schema is not None
    for item in [*references.closure(session, view), *(p for p, _, _ in view.policies())]:
        assert isinstance(item, Item) and item.schema is not None and item.schema.database is not None
        database = item.schema.database
        if database.account is not session.account:
            raise _refuse("A view being shared cannot reference objects of a database that is itself shared.", "003028")
        if database is not share.database and not holds(share, database, "REFERENCE_USAGE"):
            raise _refuse("A view or function being shared cannot reference objects from other databases.", "003028")


def _check_database(share: Share, privilege: str, database: Database) -> None:
    if database.origin is not None:
        raise _refuse(f"Database {shown(database.name)} is imported from a share and cannot be shared again.", "003003")
    if privilege == "USAGE":
        if share.database not in (None, database):
            raise _refuse(f"Share {shown(share.name)} already has a database; grant REFERENCE_USAGE on others.", "003013")
    elif privilege == "REFERENCE_USAGE":
        if share.database is None:
            raise _refuse(f"USAGE on a database must be granted to share {shown(share.name)} first.", "003011")
    else:
        raise _refuse(f"Privilege '{privilege}' on a database cannot be granted to a share.")


def remove(session: Session, share: Share, privileges: list[str], things: list[Thing]) -> None:
    """Takes grants back. With the database, everything goes."""
    session.need_ownership(share)
    account = session.account
    for thing in things:
        if any(p not in ("USAGE", "SELECT", "REFERENCE_USAGE", "ALL", "ALL PRIVILEGES") for p in privileges):
            raise invalid(f"Privileges {', '.join(privileges)} are never granted to shares.")
        every = any(p.startswith("ALL") for p in privileges)
        going = [g for g in account.granted_to("SHARE", share.name) if g.thing is thing and (every or g.privilege in privileges)]
        if isinstance(thing, Database) and share.database is thing and any(g.privilege == "USAGE" for g in going):
            going, share.database = account.granted_to("SHARE", share.name), None
        elif isinstance(thing, Schema):
            going += [g for g in account.granted_to("SHARE", share.name) if isinstance(g.thing, Item) and g.thing.schema is thing]
        account.grants = [g for g in account.grants if g not in going]


def contents(share: Share, under: str) -> list[tuple[str, str, float]]:
    """Kind, name below `under` (a database's name, as shown), and since when: the database, its schemas, its objects."""
    assert share.account is not None
    rows: list[tuple[str, str, float]] = []
    for grant in share.account.granted_to("SHARE", share.name):
        thing = grant.thing
        if isinstance(thing, Database):
            if thing is share.database:
                rows.append(("DATABASE", under, grant.created_on))
        elif isinstance(thing, Schema):
            rows.append(("SCHEMA", f"{under}.{shown(thing.name)}", grant.created_on))
        elif isinstance(thing, Item) and thing.schema is not None:
            rows.append((thing.kind, f"{under}.{path(thing.schema.name, thing.name)}", grant.created_on))
    return rows
