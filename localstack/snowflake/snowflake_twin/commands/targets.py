"""What a GRANT, a REVOKE, a SHOW GRANTS or a tag is about: reads a kind and a name, and finds the thing. Must not know privileges."""

from __future__ import annotations

from ..catalog.objects import POLICY_KINDS, Relation, Thing
from ..catalog.session import Session
from ..errors import missing
from ..sql.names import shown
from ..sql.reader import Reader

ITEMS = {"TABLE": "RELATION", "VIEW": "RELATION", "TAG": "TAG", "STAGE": "STAGE"} | {f"{k} POLICY": f"{k} POLICY" for k in POLICY_KINDS}
KINDS = ("ACCOUNT", "DATABASE", "SCHEMA", "WAREHOUSE", "INTEGRATION", "STORAGE INTEGRATION", "ROLE", "USER", "SHARE", *ITEMS)


def kind_of(reader: Reader) -> str:
    """The kind that comes."""
    return reader.one_of(*sorted(KINDS, key=len, reverse=True))


def thing(session: Session, kind: str, names: list[str]) -> Thing:
    """A thing of this account by kind and name; a table is no view."""
    account, name = session.account, names[-1]
    if kind == "DATABASE":
        return session.find_database(name)
    if kind == "SCHEMA":
        return session.find_schema(names)
    if kind in ITEMS:
        found = session.find(ITEMS[kind], names)
        if isinstance(found, Relation) and found.kind != kind:
            raise missing(kind.capitalize(), shown(name))
        return found
    tables: dict[str, dict[str, Thing]] = {"WAREHOUSE": {**account.warehouses}, "INTEGRATION": {**account.integrations}, "STORAGE INTEGRATION": {**account.integrations},
                                 "ROLE": {**account.roles}, "USER": {**account.users}, "SHARE": {**account.shares}}
    held = tables[kind]
    if name not in held:
        raise missing(kind.capitalize(), shown(name))
    return held[name]


def read(session: Session, reader: Reader) -> Thing:
    """A kind and a name, as a thing."""
    kind = kind_of(reader)
    if kind == "ACCOUNT":
        return session.account
    return thing(session, kind, reader.path(3))
