"""Roles, users and warehouses: CREATE, ALTER, DROP. Must not know grants on other things."""

from ..catalog.objects import Role, Thing, User
from ..catalog.session import Session
from ..errors import forbidden, invalid, missing, present, unsupported
from ..protocol import auth
from ..protocol.encode import Result, status
from ..sql.names import shown
from ..sql.reader import Reader
from .making import already, created, dropped, gone, if_absent
from .registry import How, command

DONE = "Statement executed successfully."


@command("CREATE ROLE")
def create_role(session: Session, reader: Reader, how: How) -> Result:
    """CREATE ROLE r [COMMENT = '…']."""
    absent = if_absent(reader, how)
    name, comment = reader.name(), reader.comment()
    reader.end()
    old = session.account.roles.get(name)
    if old is not None and absent:
        return already("Role", name)
    if old is not None and not how.replace:
        raise present("Role", name)
    session.need_globally("CREATE ROLE")
    session.account.roles[name] = Role(name, session.primary(), session.now, comment or "")
    return created("Role", name)


@command("DROP ROLE")
def drop_role(session: Session, reader: Reader, how: How) -> Result:
    """DROP ROLE [IF EXISTS] r."""
    exists = reader.take("IF", "EXISTS")
    name = reader.name()
    reader.end()
    found = session.account.roles.get(name)
    if found is None:
        if exists:
            return gone(name)
        raise missing("Role", shown(name))
    session.need_ownership(found)
    session.account.forget(found)
    session.account.grants = [g for g in session.account.grants if (g.grantee_kind, g.grantee) != ("ROLE", name)]
    session.account.roles.pop(name)
    return dropped(name)


def _property(user: User, name: str, reader: Reader, session: Session) -> None:
    """One property of CREATE or ALTER USER."""
    reader.expect("=")
    if name in ("RSA_PUBLIC_KEY", "RSA_PUBLIC_KEY_2"):
        try:
            user.keys[name.endswith("_2")] = auth.public_key(reader.string())
        except ValueError as error:
            raise invalid(f"New public key rejected by current policy. Reason: {error}", "390144", "22023") from error
    elif name == "DEFAULT_ROLE":
        user.default_role = reader.string() if reader.peek() and reader.peek().kind == "string" else reader.name()  # type: ignore[union-attr]
    elif name == "DEFAULT_SECONDARY_ROLES":
        user.secondary_roles = reader.braced(reader.string) == ["ALL"]
    elif name == "TYPE":
        user.type = reader.one_of("SERVICE", "PERSON", "LEGACY_SERVICE")
    elif name == "DISABLED":
        user.disabled = reader.boolean()
    elif name == "COMMENT":
        user.comment = reader.string()
    else:
        raise unsupported(f"user property {name}")


PROPERTIES = ("RSA_PUBLIC_KEY_2", "RSA_PUBLIC_KEY", "DEFAULT_ROLE", "DEFAULT_SECONDARY_ROLES", "TYPE", "DISABLED", "COMMENT")


@command("CREATE USER")
def create_user(session: Session, reader: Reader, how: How) -> Result:
    """CREATE USER u [property = value …]."""
    absent = if_absent(reader, how)
    name = reader.name()
    user = User(name, "", session.now)
    while reader.peek() is not None and not reader.sees(";"):
        _property(user, reader.one_of(*PROPERTIES), reader, session)
    reader.end()
    if name in session.account.users and absent:
        return already("User", name)
    if name in session.account.users and not how.replace:
        raise present("User", name)
    session.need_globally("CREATE USER")
    user.owner = session.primary()
    session.account.users[name] = user
    return created("User", name)


@command("ALTER USER")
def alter_user(session: Session, reader: Reader, how: How) -> Result:
    """ALTER USER u SET property = value … | UNSET property [, …]. The owner may, and each user its own."""
    exists = reader.take("IF", "EXISTS")
    name = reader.name()
    found = session.account.users.get(name)
    if found is None:
        if exists:
            return status(DONE)
        raise missing("User", shown(name))
    if not session.owns(found) and found is not session.user:
        raise forbidden("user", name)
    if reader.take("UNSET"):
        chosen = reader.items(lambda: reader.one_of("RSA_PUBLIC_KEY_2", "RSA_PUBLIC_KEY", "COMMENT"))
        reader.end()
        for word in chosen:
            if word == "COMMENT":
                found.comment = ""
            else:
                found.keys[word.endswith("_2")] = None
        return status(DONE)
    reader.expect("SET")
    trial = User(name, keys=list(found.keys), default_role=found.default_role, secondary_roles=found.secondary_roles, type=found.type, disabled=found.disabled, comment=found.comment)
    _property(trial, reader.one_of(*PROPERTIES), reader, session)
    while reader.peek() is not None and not reader.sees(";"):
        reader.take(",")
        _property(trial, reader.one_of(*PROPERTIES), reader, session)
    reader.end()
    for field in ("keys", "default_role", "secondary_roles", "type", "disabled", "comment"):
        setattr(found, field, getattr(trial, field))
    return status(DONE)


@command("DROP USER")
def drop_user(session: Session, reader: Reader, how: How) -> Result:
    """DROP USER [IF EXISTS] u."""
    exists = reader.take("IF", "EXISTS")
    name = reader.name()
    reader.end()
    found = session.account.users.get(name)
    if found is None:
        if exists:
            return gone(name)
        raise missing("User", shown(name))
    session.need_ownership(found)
    session.account.users.pop(name)
    return dropped(name)


@command("CREATE WAREHOUSE")
def create_warehouse(session: Session, reader: Reader, how: How) -> Result:
    """CREATE WAREHOUSE w [WITH] [WAREHOUSE_SIZE = …] [AUTO_SUSPEND = n] [AUTO_RESUME = b] [INITIALLY_SUSPENDED = b]."""
    absent = if_absent(reader, how)
    name = reader.name()
    reader.take("WITH")
    while reader.peek() is not None and not reader.sees(";"):
        reader.one_of("WAREHOUSE_SIZE", "AUTO_SUSPEND", "AUTO_RESUME", "INITIALLY_SUSPENDED", "COMMENT")
        reader.expect("=")
        reader.next("word", "string", "number")
    reader.end()
    if name in session.account.warehouses:
        if absent:
            return already("Warehouse", name)
        if not how.replace:
            raise present("Warehouse", name)
    session.need_globally("CREATE WAREHOUSE")
    session.account.warehouses[name] = Thing(name, session.primary(), session.now, kind="WAREHOUSE")
    return created("Warehouse", name)


@command("DROP WAREHOUSE")
def drop_warehouse(session: Session, reader: Reader, how: How) -> Result:
    """DROP WAREHOUSE [IF EXISTS] w."""
    exists = reader.take("IF", "EXISTS")
    name = reader.name()
    reader.end()
    found = session.account.warehouses.get(name)
    if found is None:
        if exists:
            return gone(name)
        raise missing("Warehouse", shown(name))
    session.need_ownership(found)
    session.account.warehouses.pop(name)
    return dropped(name)
