"""One statement's session: who asks, in which role, with which current database and schema; what that may see and do.

Sessions do not outlive a request, as in the service. Must not know any statement.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import SqlError, forbidden, missing
from ..sql.names import path
from .objects import Account, Database, Grant, Item, Role, Schema, Share, Thing, User

if TYPE_CHECKING:
    from ..twin import Twin

LABELS = {"RELATION": "Object", "TABLE": "Table", "VIEW": "View", "TAG": "Tag", "STAGE": "Stage"}
NO_DATABASE = SqlError("090105", "22000", "Cannot perform operation. This session does not have a current database. Call 'USE DATABASE', or use a qualified name.")
NO_SCHEMA = SqlError("090106", "22000", "Cannot perform operation. This session does not have a current schema. Call 'USE SCHEMA', or use a qualified name.")
GONE = ("003030", "02000", "SQL compilation error:\nShared database is no longer available for use. It will need to be re-created if and when the publisher makes it available again.")


@dataclass
class Session:
    """Who asks and where."""

    twin: Twin
    account: Account
    user: User
    role: str | None
    secondary: bool = True
    database: str | None = None
    schema: str | None = None
    warehouse: str | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    multiple: bool = False
    handle: str = ""
    bindings: dict[str, object] = field(default_factory=dict)

    @property
    def now(self) -> float:
        """The twin's time."""
        return self.twin.clock.now()

    # Roles

    def closure(self, *names: str) -> set[str]:
        """Roles with every role that was granted to them."""
        found, open_ = set(), [*names, "PUBLIC"]
        while open_:
            name = open_.pop()
            if name not in found and name in self.account.roles:
                found.add(name)
                open_ += [g.thing.name for g in self.account.granted_to("ROLE", name) if isinstance(g.thing, Role)]
        return found

    def may_use(self, role: str) -> bool:
        """Whether the user holds a role, directly or through another."""
        held = [g.thing.name for g in self.account.granted_to("USER", self.user.name) if isinstance(g.thing, Role)]
        return role == "PUBLIC" or role in self.closure(*held)

    def active(self) -> set[str]:
        """Every role whose privileges count for this statement."""
        names = [self.role] if self.role else []
        if self.secondary:
            names += [g.thing.name for g in self.account.granted_to("USER", self.user.name) if isinstance(g.thing, Role)]
        return self.closure(*names)

    # Privileges

    def holds(self, privilege: str, thing: Thing) -> bool:
        """Whether an active role has a privilege on a thing; its owner has all."""
        roles = self.active()
        return thing.owner in roles or any(
            g.thing is thing and g.grantee_kind == "ROLE" and g.grantee in roles and g.privilege in (privilege, "OWNERSHIP") for g in self.account.grants)

    def globally(self, privilege: str) -> bool:
        """Whether an active role has a privilege on the account."""
        return self.holds(privilege, self.account)

    def need(self, privilege: str, thing: Thing) -> None:
        """Refuses without a privilege."""
        if not self.holds(privilege, thing):
            raise forbidden(thing.kind.lower(), thing.name)

    def need_globally(self, privilege: str) -> None:
        """Refuses without a privilege on the account."""
        if not self.globally(privilege):
            raise forbidden("account", self.account.name)

    def owns(self, thing: Thing) -> bool:
        """Whether an active role owns a thing."""
        return thing.owner in self.active()

    def need_ownership(self, thing: Thing) -> None:
        """Refuses who does not own it."""
        if not self.owns(thing):
            raise forbidden(thing.kind.lower(), thing.name)

    def sees(self, thing: Thing) -> bool:
        """Whether an active role has anything to do with a thing."""
        roles = self.active()
        if thing.owner in roles:
            return True
        return any(g.thing is thing and g.grantee_kind == "ROLE" and g.grantee in roles for g in self.account.grants)

    def primary(self) -> str:
        """The role that will own what is made."""
        if not self.role:
            raise SqlError("003001", "42501", "SQL access control error:\nThere is no active role to own the object.")
        return self.role

    def grant(self, privilege: str, thing: Thing, kind: str, grantee: str, option: bool = False) -> None:
        """Records a grant once."""
        for present in self.account.grants:
            if present.thing is thing and (present.privilege, present.grantee_kind, present.grantee) == (privilege, kind, grantee):
                present.option = present.option or option
                return
        self.account.grants.append(Grant(privilege, thing, kind, grantee, option, self.role or "", self.now))

    # Places

    def find_database(self, name: str) -> Database:
        """A database that this session may see."""
        found = self.account.databases.get(name)
        if found is None or not self.sees(found):
            raise missing("Database", path(name))
        return found

    def source(self, database: Database) -> Share | None:
        """The share behind a mounted database, which must still let this account in."""
        share = database.origin
        if share is None:
            return None
        if share.dropped or share.database is None or share.consumers.get(self.account) != database.mounted:
            raise SqlError(*GONE)
        return share

    def find_schema(self, names: list[str]) -> Schema:
        """A schema by one or two names; of a share, one that was granted to it."""
        if len(names) == 1:
            if not self.database:
                raise NO_DATABASE
            names = [self.database, *names]
        database = self.find_database(names[0])
        share = self.source(database)
        if share is not None:
            assert share.account is not None and share.database is not None
            found = share.database.schemas.get(names[1])
            if found is None or not any(g.thing is found for g in share.account.granted_to("SHARE", share.name)):
                raise missing("Schema", path(*names))
            return found
        found = database.schemas.get(names[1])
        if found is None or not self.sees(found):
            raise missing("Schema", path(*names))
        return found

    def qualified(self, names: list[str]) -> list[str]:
        """Three names out of one to three."""
        if len(names) == 3:
            return names
        if not self.database:
            raise NO_DATABASE
        if len(names) == 2:
            return [self.database, *names]
        if not self.schema:
            raise NO_SCHEMA
        return [self.database, self.schema, *names]

    def place(self, names: list[str]) -> tuple[Schema, str]:
        """The schema of this account in which something shall be made, and its name."""
        full = self.qualified(names)
        schema = self.find_schema(full[:2])
        assert schema.database is not None
        if schema.database.account is not self.account:
            raise SqlError("003001", "42501", "SQL access control error:\nShared databases are read-only.")
        return schema, full[2]

    def find(self, space: str, names: list[str], privilege: str | None = None) -> Item:
        """An item of a schema; with a privilege, what lacks it is as if it were absent."""
        full = self.qualified(names)
        label = LABELS.get(space, space.capitalize())
        try:
            schema = self.find_schema(full[:2])
        except SqlError as error:
            if error.code == "003030" or len(names) == 1:
                raise
            raise missing("Schema" if full[0] in self.account.databases else "Database", path(*full[:2]) if full[0] in self.account.databases else path(full[0])) from error
        found = schema.items.get((space, full[2]))
        if found is None or not self._reaches(found, self.account.databases[full[0]], privilege):
            raise missing(label, path(*full) if len(names) > 1 else path(names[0]))
        return found

    def _reaches(self, item: Item, database: Database, privilege: str | None) -> bool:
        if database.origin is not None:
            share = database.origin
            assert share.account is not None
            return any(g.thing is item for g in share.account.granted_to("SHARE", share.name)) and privilege in (None, "SELECT")
        return self.holds(privilege, item) if privilege else self.sees(item)
