"""What accounts hold: databases, schemas, tables, views, policies, tags, stages, roles, users, shares, grants.

Plain records with the lookups that need nothing else. Must not know sessions, privileges or SQL.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from ..sql.names import path
from .types import Type

SERIAL = itertools.count(1)
POLICY_KINDS = ("AGGREGATION", "PROJECTION", "JOIN", "ROW ACCESS", "MASKING")


@dataclass(eq=False)
class Thing:
    """Anything with a name and an owner."""

    name: str
    owner: str = ""
    created_on: float = 0.0
    comment: str = ""
    kind: str = ""
    tags: dict[Tag, str] = field(default_factory=dict)
    uid: int = field(default_factory=lambda: next(SERIAL))

    def fqn(self) -> str:
        """The name by which messages and SHOW call it."""
        return path(self.name)


@dataclass(eq=False)
class Database(Thing):
    """A database: of the account, or mounted from a share (`origin`, and which addition of this account to it)."""

    kind: str = "DATABASE"
    schemas: dict[str, Schema] = field(default_factory=dict)
    origin: Share | None = None
    mounted: int = 0
    account: Account | None = None


@dataclass(eq=False)
class Schema(Thing):
    """A schema; `items` by space (relations share one, every kind of policy has its own) and name."""

    kind: str = "SCHEMA"
    database: Database | None = None
    items: dict[tuple[str, str], Item] = field(default_factory=dict)

    def fqn(self) -> str:
        """DB.SCHEMA."""
        assert self.database is not None
        return path(self.database.name, self.name)


@dataclass(eq=False)
class Item(Thing):
    """Anything in a schema."""

    schema: Schema | None = None

    def fqn(self) -> str:
        """DB.SCHEMA.NAME."""
        return path(*self.names())

    def names(self) -> tuple[str, str, str]:
        """Database, schema, name."""
        assert self.schema is not None and self.schema.database is not None
        return self.schema.database.name, self.schema.name, self.name

    @property
    def space(self) -> str:
        """What its name is unique among."""
        return "RELATION" if self.kind in ("TABLE", "VIEW") else self.kind

    @property
    def account(self) -> Account:
        """Whose it is."""
        assert self.schema is not None and self.schema.database is not None and self.schema.database.account is not None
        return self.schema.database.account


@dataclass(eq=False)
class Column:
    """A column, with what is set on it. `masking` is the policy and the columns that it is given."""

    name: str
    type: Type
    nullable: bool = True
    comment: str = ""
    tags: dict[Tag, str] = field(default_factory=dict)
    projection: Policy | None = None
    masking: tuple[Policy, list[str]] | None = None


@dataclass(eq=False)
class Relation(Item):
    """A table or a view, with the policies that are set on it."""

    columns: list[Column] = field(default_factory=list)
    aggregation: tuple[Policy, list[list[str]]] | None = None
    join: tuple[Policy, list[str]] | None = None
    row_access: tuple[Policy, list[str]] | None = None
    altered_on: float = 0.0

    def column(self, name: str) -> Column | None:
        """By exact name."""
        return next((c for c in self.columns if c.name == name), None)

    def policies(self) -> list[tuple[Policy, str | None, list[str]]]:
        """Everything that is set on it: the policy, its column, its arguments."""
        found: list[tuple[Policy, str | None, list[str]]] = []
        if self.aggregation:
            found.append((self.aggregation[0], None, [c for key in self.aggregation[1] for c in key]))
        found += [(p, None, a) for p, a in (x for x in (self.join, self.row_access) if x)]
        for column in self.columns:
            if column.projection:
                found.append((column.projection, column.name, []))
            if column.masking:
                found.append((column.masking[0], column.name, column.masking[1][1:]))
        return found


@dataclass(eq=False)
class Table(Relation):
    """A table; `physical` is its name in the engine."""

    kind: str = "TABLE"
    physical: str = ""


@dataclass(eq=False)
class View(Relation):
    """A view: its query, and the whole statement that made it."""

    kind: str = "VIEW"
    query: str = ""
    text: str = ""
    secure: bool = False


@dataclass(eq=False)
class Policy(Item):
    """A policy; `signature` is its arguments with their types."""

    signature: list[tuple[str, str]] = field(default_factory=list)
    returns: str = ""
    body: str = ""


@dataclass(eq=False)
class Tag(Item):
    """A tag, with the values it may have (None: any)."""

    kind: str = "TAG"
    allowed: list[str] | None = None


@dataclass(eq=False)
class Stage(Item):
    """A stage over an object store."""

    kind: str = "STAGE"
    url: str = ""
    integration: Integration | None = None


@dataclass(eq=False)
class Integration(Thing):
    """A storage integration."""

    kind: str = "INTEGRATION"
    provider: str = "S3"
    enabled: bool = True
    role_arn: str = ""
    allowed: list[str] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    external_id: str = ""


@dataclass(eq=False)
class Share(Thing):
    """A share; `consumers` says which addition let each account in."""

    kind: str = "SHARE"
    account: Account | None = None
    database: Database | None = None
    consumers: dict[Account, int] = field(default_factory=dict)
    secure_only: bool = True
    dropped: bool = False


@dataclass(eq=False)
class Role(Thing):
    """A role."""

    kind: str = "ROLE"


@dataclass(eq=False)
class User(Thing):
    """A user with up to two public keys."""

    kind: str = "USER"
    keys: list[Any] = field(default_factory=lambda: [None, None])
    default_role: str | None = None
    secondary_roles: bool = True
    type: str = "SERVICE"
    disabled: bool = False


@dataclass(eq=False)
class Grant:
    """A privilege on a thing, to a role, a user or a share of the account."""

    privilege: str
    thing: Thing
    grantee_kind: str
    grantee: str
    option: bool = False
    granted_by: str = ""
    created_on: float = 0.0


@dataclass(eq=False)
class Account(Thing):
    """An account of an organisation. As a thing it is what global privileges are granted on."""

    kind: str = "ACCOUNT"
    organization: str = ""
    locator: str = ""
    region: str = "aws_us_east_1"
    edition: str = "ENTERPRISE"
    users: dict[str, User] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    databases: dict[str, Database] = field(default_factory=dict)
    shares: dict[str, Share] = field(default_factory=dict)
    warehouses: dict[str, Thing] = field(default_factory=dict)
    integrations: dict[str, Integration] = field(default_factory=dict)
    grants: list[Grant] = field(default_factory=list)

    @property
    def identifier(self) -> str:
        """ORG.ACCOUNT, as share statements spell it."""
        return path(self.organization, self.name)

    def granted_to(self, kind: str, name: str) -> list[Grant]:
        """All grants to one grantee."""
        return [g for g in self.grants if g.grantee_kind == kind and g.grantee == name]

    def granted_on(self, thing: Thing) -> list[Grant]:
        """All grants on one thing."""
        return [g for g in self.grants if g.thing is thing]

    def forget(self, *things: Thing) -> None:
        """Drops every grant on things that are gone."""
        self.grants = [g for g in self.grants if g.thing not in things]
