"""What every CREATE, ALTER and DROP does alike: IF NOT EXISTS, OR REPLACE, COPY GRANTS, owners. Must not know any kind."""

from __future__ import annotations

from collections.abc import Callable

from ..catalog.objects import Account, Item, Schema, Thing
from ..catalog.session import Session
from ..errors import SqlError, missing, present
from ..protocol.encode import Result, status
from ..sql.names import shown
from ..sql.reader import Reader
from .registry import How


def if_absent(reader: Reader, how: How) -> bool:
    """IF NOT EXISTS, which does not go with OR REPLACE."""
    absent = reader.take("IF", "NOT", "EXISTS")
    if absent and how.replace:
        raise SqlError("002262", "42601", "SQL compilation error:\noptions IF NOT EXISTS and OR REPLACE are incompatible.")
    return absent


def already(kind: str, name: str) -> Result:
    """IF NOT EXISTS found one."""
    return status(f"{shown(name)} already exists, statement succeeded.")


def created(kind: str, name: str) -> Result:
    """It is there now."""
    return status(f"{kind} {shown(name)} successfully created.")


def put(session: Session, schema: Schema, item: Item, how: How, absent: bool, privilege: str, copy_grants: bool = False) -> Result | None:
    """Puts an item into a schema, or says that it is there. What is replaced goes, with its grants unless they are copied."""
    old = schema.items.get((item.space, item.name))
    if old is not None:
        if absent:
            return already(item.kind, item.name)
        if not how.replace:
            raise present(item.kind, item.name)
        session.need_ownership(old)
    elif not session.owns(schema):
        session.need(privilege, schema)
    item.schema, item.owner, item.created_on = schema, session.primary(), session.now
    if old is not None:
        replace(session.account, old, item, copy_grants)
    schema.items[item.space, item.name] = item
    return None


def replace(account: Account, old: Thing, new: Thing, copy_grants: bool) -> None:
    """Grants of a replaced thing go over to the new one, or go."""
    if copy_grants:
        for grant in account.granted_on(old):
            if grant.privilege != "OWNERSHIP":
                grant.thing = new
    account.forget(old)


def dropped(name: str) -> Result:
    """It is gone."""
    return status(f"{shown(name)} successfully dropped.")


def found_or_none(find: Callable[[], Thing], exists: bool) -> Thing | None:
    """The thing; None when IF EXISTS was said and it is not there."""
    try:
        return find()
    except SqlError as error:
        if exists and error.code == "002003":
            return None
        raise


def gone(name: str) -> Result:
    """IF EXISTS found none."""
    return status(f"Drop statement executed successfully ({shown(name)} already dropped).")


def account_item(session: Session, held: dict[str, Thing], label: str, name: str) -> Thing:
    """A thing of the account by name, absent when it is not seen."""
    found = held.get(name)
    if found is None or not session.sees(found):
        raise missing(label, shown(name))
    return found
