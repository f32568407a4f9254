"""Shares: CREATE, ALTER, DROP, DESC, SHOW, and the accounts they reach. Must not know how privileges are checked elsewhere."""

from __future__ import annotations

from ..catalog.objects import SERIAL, Account, Share
from ..catalog.organization import EDITIONS
from ..catalog.session import Session
from ..catalog.types import LTZ
from ..errors import SqlError, missing, present
from ..protocol.encode import Result, status, table
from ..sql.names import path, shown
from ..sql.reader import Reader
from . import share_grants
from .making import already, created, dropped, gone, if_absent
from .registry import How, command
from .tags import read_tags, set_tags, unset_tags

DONE = "Statement executed successfully."


def owned(session: Session, name: str) -> Share:
    """A share of this account that the session owns."""
    found = session.account.shares.get(name)
    if found is None:
        raise missing("Share", shown(name))
    session.need_ownership(found)
    return found


@command("CREATE SHARE")
def create_share(session: Session, reader: Reader, how: How) -> Result:
    """CREATE SHARE s [SECURE_OBJECTS_ONLY = b] [COMMENT = '…']."""
    absent = if_absent(reader, how)
    name, secure, comment = reader.name(), True, ""
    while reader.peek() is not None and not reader.sees(";"):
        if reader.take("SECURE_OBJECTS_ONLY"):
            reader.expect("=")
            secure = reader.boolean()
        else:
            said = reader.comment()
            if said is None:
                raise reader.fail()
            comment = said
    reader.end()
    old = session.account.shares.get(name)
    if old is not None and absent:
        return already("Share", name)
    if old is not None and not how.replace:
        raise present("Share", name)
    session.need_globally("CREATE SHARE")
    if old is not None:
        session.need_ownership(old)
        _drop(session, old)
    session.account.shares[name] = Share(name, session.primary(), session.now, comment, account=session.account, secure_only=secure)
    return created("Share", name)


def _drop(session: Session, share: Share) -> None:
    share.dropped = True
    share.consumers.clear()
    session.account.grants = [g for g in session.account.grants if (g.grantee_kind, g.grantee) != ("SHARE", share.name)]
    session.account.shares.pop(share.name)


@command("DROP SHARE")
def drop_share(session: Session, reader: Reader, how: How) -> Result:
    """DROP SHARE [IF EXISTS] s."""
    exists = reader.take("IF", "EXISTS")
    name = reader.name()
    reader.end()
    if exists and name not in session.account.shares:
        return gone(name)
    _drop(session, owned(session, name))
    return dropped(name)


def _account(session: Session, names: list[str]) -> Account:
    """An account as share statements spell it: org.account, or of this organisation alone."""
    organization = names[0] if len(names) == 2 else session.account.organization
    found = session.twin.organizations.named(organization, names[-1])
    if found is None and len(names) == 1:
        found = session.twin.organizations.by_locator(names[0])
    if found is None:
        raise SqlError("003019", "02000", f"SQL compilation error:\nFollowing accounts cannot be added to this share: {path(*names)}.")
    return found


def _reachable(session: Session, account: Account, restricted: bool) -> None:
    """Refuses accounts of another region, of a lower edition under restrictions, and the provider's own."""
    if account is session.account:
        raise SqlError("003019", "0A000", "SQL compilation error:\nA share cannot be given to its own account.")
    if account.region != session.account.region:
        raise SqlError("003019", "0A000", f"SQL compilation error:\nFollowing accounts cannot be added to this share: {account.identifier}. They are in another region: {account.region}.")
    top = session.account.edition == "BUSINESS_CRITICAL"
    if top and EDITIONS.index(account.edition) < EDITIONS.index(session.account.edition) and restricted:
        raise SqlError("003020", "0A000", f"SQL compilation error:\nAccount {account.identifier} is of a lower edition than Business Critical; SHARE_RESTRICTIONS is in force.")


@command("ALTER SHARE")
def alter_share(session: Session, reader: Reader, how: How) -> Result:
    """ALTER SHARE s ADD | REMOVE | SET ACCOUNTS = …, SET | UNSET COMMENT, SET | UNSET TAG, SET SECURE_OBJECTS_ONLY = FALSE."""
    exists = reader.take("IF", "EXISTS")
    name = reader.name()
    if exists and name not in session.account.shares:
        return status(DONE)
    act = reader.one_of("ADD", "REMOVE", "SET", "UNSET")
    if reader.take("ACCOUNTS"):
        if act == "UNSET":
            raise reader.fail()
        reader.expect("=")
        names = reader.items(lambda: reader.path(2))
        restricted = True
        if reader.take("SHARE_RESTRICTIONS"):
            reader.expect("=")
            restricted = reader.boolean()
        reader.end()
        return _accounts(session, owned(session, name), act, names, restricted)
    if act in ("ADD", "REMOVE"):
        raise reader.fail()
    return _properties(session, reader, name, act)


def _accounts(session: Session, share: Share, act: str, names: list[list[str]], restricted: bool) -> Result:
    session.need_globally("MANAGE SHARE TARGET")
    if act == "REMOVE":
        found = [session.twin.organizations.named(n[0] if len(n) == 2 else session.account.organization, n[-1]) for n in names]
        for account in found:
            if account is not None:
                share.consumers.pop(account, None)
        return status(DONE)
    if share.database is None:
        raise SqlError("003021", "0A000", f"SQL compilation error:\nShare {shown(share.name)} has no database: USAGE on one must be granted before accounts are added.")
    accounts = [_account(session, n) for n in names]
    for account in accounts:
        if account not in share.consumers:
            _reachable(session, account, restricted)
    if act == "SET":
        share.consumers = {a: n for a, n in share.consumers.items() if a in accounts}
    for account in accounts:
        share.consumers.setdefault(account, next(SERIAL))
    return status(DONE)


def _properties(session: Session, reader: Reader, name: str, act: str) -> Result:
    if reader.take("TAG"):
        given = read_tags(session, reader, values=act == "SET")
        reader.end()
        share = owned(session, name)
        set_tags(session, share, given) if act == "SET" else unset_tags(session, share, given)
        return status(DONE)
    if act == "UNSET":
        reader.expect("COMMENT")
        reader.end()
        owned(session, name).comment = ""
        return status(DONE)
    if reader.take("SECURE_OBJECTS_ONLY"):
        reader.expect("=", "FALSE")  # one-way
        reader.end()
        owned(session, name).secure_only = False
        return status(DONE)
    comment = reader.comment()
    if comment is None:
        raise reader.fail()
    reader.end()
    owned(session, name).comment = comment
    return status(DONE)


def outbound(session: Session) -> list[Share]:
    """Shares of this account that the session sees."""
    return [s for s in session.account.shares.values() if session.owns(s) or session.globally("MANAGE GRANTS")]


def inbound(session: Session) -> list[Share]:
    """Shares of others that let this account in."""
    if not session.globally("IMPORT SHARE"):
        return []
    return [s for a in session.twin.organizations.accounts.values() for s in a.shares.values() if session.account in s.consumers]


def rows(session: Session) -> list[tuple[object, ...]]:
    """The facts of SHOW SHARES and of INFORMATION_SCHEMA.SHARES."""
    found: list[tuple[object, ...]] = []
    for share in outbound(session):
        to = ", ".join(a.identifier for a in share.consumers)
        found.append((share.created_on, "OUTBOUND", session.account.identifier, share.name, share.database.name if share.database else "", to, share.owner, share.comment, "",
                      "true" if share.secure_only else "false"))
    for share in inbound(session):
        assert share.account is not None
        mounted = next((d.name for d in session.account.databases.values() if d.origin is share and d.mounted == share.consumers[session.account]), "")
        found.append((share.created_on, "INBOUND", share.account.identifier, share.name, mounted, session.account.identifier, "", share.comment, "", "true" if share.secure_only else "false"))
    return found


COLUMNS = ["created_on", "kind", "owner_account", "name", "database_name", "to", "owner", "comment", "listing_global_name", "secure_objects_only"]


@command("DESC SHARE", "DESCRIBE SHARE")
def describe_share(session: Session, reader: Reader, how: How) -> Result:
    """DESC SHARE s | org.account.s."""
    names = reader.path(3)
    reader.end()
    if len(names) == 1 or (len(names) == 3 and names[:2] == [session.account.organization, session.account.name]):
        share = owned(session, names[-1])
        under = shown(share.database.name) if share.database else ""
    else:
        share_ = next((s for s in inbound(session) if s.name == names[-1] and s.account is not None and names[:-1] in ([s.account.organization, s.account.name], [s.account.name], [s.account.locator])), None)
        if share_ is None:
            raise missing("Share", path(*names))
        share = share_
        mounted = next((d.name for d in session.account.databases.values() if d.origin is share and d.mounted == share.consumers[session.account]), None)
        under = shown(mounted) if mounted else "<DB>"
    return table(["kind", "name", "shared_on"], [*share_grants.contents(share, under)], {"shared_on": LTZ})
