"""Databases and schemas: CREATE, ALTER, DROP, USE; a database from a share. Must not know tables, nor how shares are made."""

from ..catalog.objects import Database, Item, Policy, Relation, Schema, Share
from ..catalog.organization import new_database
from ..catalog.session import Session
from ..errors import SqlError, invalid, missing, present
from ..protocol.encode import Result, status
from ..sql.names import path, shown
from ..sql.reader import Reader
from .making import already, created, dropped, found_or_none, gone, if_absent
from .registry import How, command


@command("CREATE DATABASE")
def create_database(session: Session, reader: Reader, how: How) -> Result:
    """CREATE DATABASE d [FROM SHARE org.account.share] [COMMENT = '…']."""
    absent = if_absent(reader, how)
    name = reader.name()
    source = reader.path(3) if reader.take("FROM", "SHARE") else None
    comment = reader.comment()
    reader.end()
    old = session.account.databases.get(name)
    if old is not None:
        if absent:
            return already("Database", name)
        if not how.replace:
            raise present("Database", name)
        session.need_ownership(old)
    session.need_globally("CREATE DATABASE")
    share = _offered(session, source) if source else None
    if old is not None:
        _drop(session, old)
    made = new_database(session.account, name, session.primary(), session.now)
    made.comment = comment or ""
    if share is not None:
        made.origin, made.mounted = share, share.consumers[session.account]
        made.schemas.clear()
    return created("Database", name)


def _offered(session: Session, names: list[str]) -> Share:
    """A share that lets this account in, and is not mounted yet."""
    session.need_globally("IMPORT SHARE")
    if len(names) == 2:
        provider = next((a for a in session.twin.organizations.accounts.values() if a.locator == names[0] or (a.organization, a.name) == (session.account.organization, names[0])), None)
    else:
        provider = session.twin.organizations.named(names[0], names[1]) if len(names) == 3 else None
    share = provider.shares.get(names[-1]) if provider else None
    if share is None or session.account not in share.consumers:
        raise missing("Share", path(*names))
    if share.database is None:
        raise invalid(f"Share '{path(*names)}' does not have a database.", "003015", "0A000")
    for database in session.account.databases.values():
        if database.origin is share and share.consumers[session.account] == database.mounted:
            raise SqlError("003016", "42710", f"SQL compilation error:\nShare '{path(*names)}' was already imported, as database '{shown(database.name)}'.")
    return share


def _drop(session: Session, database: Database) -> None:
    """A database goes with all it holds; shares lose it."""
    things = [database, *database.schemas.values(), *(i for s in database.schemas.values() for i in s.items.values())]
    for share in session.account.shares.values():
        if share.database is database:
            share.database = None
    if database.origin is None:
        for thing in things:
            if isinstance(thing, Policy):
                need_unused(session, thing)
    session.account.forget(*things)
    session.account.databases.pop(database.name)


def users_of(session: Session, policy: Policy) -> list[Relation]:
    """Tables and views on which a policy is set."""
    items = [i for d in session.account.databases.values() if d.origin is None for s in d.schemas.values() for i in s.items.values()]
    return [i for i in items if isinstance(i, Relation) and any(p is policy for p, _, _ in i.policies())]


def need_unused(session: Session, policy: Policy) -> None:
    """A policy that is set somewhere else cannot go."""
    for relation in users_of(session, policy):
        if relation.schema is not None and policy.schema is not None and relation.schema.database is not policy.schema.database:
            raise SqlError("003551", "23001", f"SQL compilation error:\nPolicy {policy.fqn()} cannot be dropped/replaced as it is associated with one or more entities.")


@command("DROP DATABASE")
def drop_database(session: Session, reader: Reader, how: How) -> Result:
    """DROP DATABASE [IF EXISTS] d."""
    exists = reader.take("IF", "EXISTS")
    name = reader.name()
    _ = reader.take("CASCADE") or reader.take("RESTRICT")
    reader.end()
    found = found_or_none(lambda: session.find_database(name), exists)
    if not isinstance(found, Database):
        return gone(name)
    session.need_ownership(found)
    _drop(session, found)
    return dropped(name)


@command("ALTER DATABASE")
def alter_database(session: Session, reader: Reader, how: How) -> Result:
    """ALTER DATABASE d SET COMMENT = '…' | UNSET COMMENT."""
    exists = reader.take("IF", "EXISTS")
    name = reader.name()
    comment = _comment(reader)
    found = found_or_none(lambda: session.find_database(name), exists)
    if found is not None:
        session.need_ownership(found)
        found.comment = comment
    return status("Statement executed successfully.")


@command("ALTER SCHEMA")
def alter_schema(session: Session, reader: Reader, how: How) -> Result:
    """ALTER SCHEMA [IF EXISTS] [d.]s SET COMMENT = '…' | UNSET COMMENT."""
    exists = reader.take("IF", "EXISTS")
    names = reader.path(2)
    comment = _comment(reader)
    found = found_or_none(lambda: session.find_schema(names), exists)
    if isinstance(found, Schema):
        if found.database is not None and found.database.origin is not None:
            raise SqlError("003001", "42501", "SQL access control error:\nShared databases are read-only.")
        session.need_ownership(found)
        found.comment = comment
    return status("Statement executed successfully.")


def _comment(reader: Reader) -> str:
    if reader.take("UNSET", "COMMENT"):
        reader.end()
        return ""
    reader.expect("SET")
    comment = reader.comment()
    if comment is None:
        raise reader.fail()
    reader.end()
    return comment


@command("CREATE SCHEMA")
def create_schema(session: Session, reader: Reader, how: How) -> Result:
    """CREATE SCHEMA [d.]s [WITH MANAGED ACCESS] [COMMENT = '…']."""
    absent = if_absent(reader, how)
    names = reader.path(2)
    reader.take("WITH", "MANAGED", "ACCESS")
    comment = reader.comment()
    reader.end()
    if len(names) == 1:
        if not session.database:
            raise SqlError("090105", "22000", "Cannot perform CREATE SCHEMA. This session does not have a current database. Call 'USE DATABASE', or use a qualified name.")
        names = [session.database, *names]
    database = session.find_database(names[0])
    if database.origin is not None:
        raise SqlError("003001", "42501", "SQL access control error:\nShared databases are read-only.")
    old = database.schemas.get(names[1])
    if old is not None:
        if absent:
            return already("Schema", names[1])
        if not how.replace:
            raise present("Schema", names[1])
        session.need_ownership(old)
        session.account.forget(old, *old.items.values())
    if not session.owns(database):
        session.need("CREATE SCHEMA", database)
    database.schemas[names[1]] = Schema(names[1], session.primary(), session.now, comment or "", database=database)
    return created("Schema", names[1])


@command("DROP SCHEMA")
def drop_schema(session: Session, reader: Reader, how: How) -> Result:
    """DROP SCHEMA [IF EXISTS] [d.]s."""
    exists = reader.take("IF", "EXISTS")
    names = reader.path(2)
    _ = reader.take("CASCADE") or reader.take("RESTRICT")
    reader.end()
    found = found_or_none(lambda: session.find_schema(names), exists)
    if not isinstance(found, Schema):
        return gone(names[-1])
    session.need_ownership(found)
    for item in found.items.values():
        if isinstance(item, Policy):
            need_unused(session, item)
    assert found.database is not None
    session.account.forget(found, *found.items.values())
    found.database.schemas.pop(found.name)
    return dropped(found.name)


@command("USE")
def use(session: Session, reader: Reader, how: How) -> Result:
    """USE ROLE | DATABASE | SCHEMA | WAREHOUSE | SECONDARY ROLES: only in a request of several statements."""
    if not session.multiple:
        raise SqlError("391911", "0A000", "SQL compilation error:\nStatement type USE is not supported by this API outside a request of multiple statements.")
    if reader.take("SECONDARY", "ROLES"):
        session.secondary = reader.one_of("ALL", "NONE") == "ALL"
        reader.end()
        return status("Statement executed successfully.")
    kind = next((w for w in ("ROLE", "DATABASE", "SCHEMA", "WAREHOUSE") if reader.take(w)), "DATABASE")
    names = reader.path(2)
    reader.end()
    if kind == "ROLE":
        if names[0] not in session.account.roles or not session.may_use(names[0]):
            raise missing("Role", shown(names[0]))
        session.role = names[0]
    elif kind == "WAREHOUSE":
        session.warehouse = names[0]
    elif kind == "DATABASE" and len(names) == 1:
        session.database, session.schema = session.find_database(names[0]).name, "PUBLIC"
    else:
        found = session.find_schema(names)
        session.database, session.schema = (names[0] if len(names) == 2 else session.database), found.name
    return status("Statement executed successfully.")


def items_of(session: Session) -> list[Item]:
    """Every item of the account's own databases."""
    return [i for d in session.account.databases.values() if d.origin is None for s in d.schemas.values() for i in s.items.values()]
