"""SHOW GRANTS: on a thing, to a role, user or share, of a role or share. Must not know how grants are made."""

from __future__ import annotations

from ..catalog.objects import Account, Grant, Thing
from ..catalog.session import Session
from ..catalog.types import LTZ
from ..errors import missing
from ..protocol.encode import Result, table
from ..sql.names import shown
from ..sql.reader import Reader
from . import shares, targets
from .registry import How, command

COLUMNS = ["created_on", "privilege", "granted_on", "name", "granted_to", "grantee_name", "grant_option", "granted_by"]


def _row(grant: Grant, account: Account) -> tuple[object, ...]:
    thing = grant.thing
    name = account.identifier + "." + shown(grant.grantee) if grant.grantee_kind == "SHARE" else grant.grantee
    return (grant.created_on, grant.privilege, thing.kind.replace(" ", "_"), thing.name if isinstance(thing, Account) else thing.fqn(), grant.grantee_kind, name,
            "true" if grant.option else "false", grant.granted_by)


def _owned(thing: Thing, account: Account) -> tuple[object, ...]:
    return (thing.created_on, "OWNERSHIP", thing.kind.replace(" ", "_"), thing.fqn(), "ROLE", thing.owner, "true", thing.owner)


@command("SHOW GRANTS")
def grants(session: Session, reader: Reader, how: How) -> Result:
    """SHOW GRANTS [ON thing | TO ROLE | USER | SHARE x | OF ROLE | SHARE x] [LIMIT n]."""
    word = next((w for w in ("ON", "TO", "OF") if reader.take(w)), "")
    kind, names = "USER", [session.user.name]
    if word == "ON":
        kind = targets.kind_of(reader)
        names = reader.path(3) if kind != "ACCOUNT" else []
    elif word:
        kind = next((k for k in ("ROLE", "USER", "SHARE") if reader.take(k)), "ROLE")
        names = reader.path(1)
    limit = reader.number() if reader.take("LIMIT") else None
    reader.end()
    if word == "ON":
        found = _on(session, session.account if kind == "ACCOUNT" else targets.thing(session, kind, names))
    elif word == "OF":
        found = _of(session, kind, names[0])
    else:
        found = _to(session, kind, names[0])
    found.rows = found.rows[:limit]
    return found


def _on(session: Session, thing: Thing) -> Result:
    rows = [_row(g, session.account) for g in session.account.granted_on(thing)]
    return table(COLUMNS, ([_owned(thing, session.account)] if thing.owner else []) + rows, {"created_on": LTZ})


def _to(session: Session, kind: str, name: str) -> Result:
    if kind == "SHARE":
        shares.owned(session, name)
    held: dict[str, Thing] = {**session.account.roles} if kind == "ROLE" else {**session.account.users} if kind == "USER" else {**session.account.shares}
    if name not in held:
        raise missing(kind.capitalize(), shown(name))
    rows = [_row(g, session.account) for g in session.account.granted_to(kind, name)]
    if kind == "USER":
        return table(["created_on", "role", "granted_to", "grantee_name", "granted_by"], [(r[0], r[3], "USER", r[5], r[7]) for r in rows], {"created_on": LTZ})
    return table(COLUMNS, [*rows], {"created_on": LTZ})


def _of(session: Session, kind: str, name: str) -> Result:
    """Of a share: the accounts it reaches. Of a role: who holds it."""
    if kind == "SHARE":
        share = shares.owned(session, name)
        rows: list[tuple[object, ...]] = [(share.created_on, share.name, "ACCOUNT", a.identifier, "") for a in share.consumers]
        return table(["created_on", "share", "granted_to", "grantee_name", "granted_by"], rows, {"created_on": LTZ})
    role = session.account.roles.get(name)
    if kind != "ROLE" or role is None:
        raise missing("Role", shown(name))
    held = [(g.created_on, role.name, g.grantee_kind, g.grantee, g.granted_by) for g in session.account.granted_on(role)]
    return table(["created_on", "role", "granted_to", "grantee_name", "granted_by"], [*held], {"created_on": LTZ})
