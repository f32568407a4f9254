"""DESC of tables, views, users, schemas, databases, stages and integrations. Shares and policies describe themselves.

Must not know how things are made.
"""

from __future__ import annotations

from ..catalog.objects import Relation, Stage
from ..catalog.session import Session
from ..catalog.types import LTZ
from ..errors import missing
from ..protocol import auth
from ..protocol.encode import Result, table
from ..sql.names import path, shown
from ..sql.reader import Reader
from .registry import How, command
from .stages import find_integration

RELATION = ["name", "type", "kind", "null?", "default", "primary key", "unique key", "check", "expression", "comment", "policy name", "privacy domain"]
PROPERTY = ["property", "value", "default", "description"]


def both(kind: str) -> tuple[str, str]:
    """DESC and DESCRIBE."""
    return f"DESC {kind}", f"DESCRIBE {kind}"


@command(*both("TABLE"), *both("VIEW"))
def relation(session: Session, reader: Reader, how: How) -> Result:
    """DESC TABLE | VIEW t: its columns."""
    kind = reader.tokens[reader.at - 1].text.upper()
    names = reader.path(3)
    reader.end()
    found = session.find("RELATION", names)
    if not isinstance(found, Relation) or found.kind != kind:
        raise missing(kind.capitalize(), path(*names))
    ours = found.account is session.account
    rows = [(c.name, c.type.spelled(), "COLUMN", "Y" if c.nullable else "N", None, "N", "N", None, None, c.comment or None, c.masking[0].fqn() if c.masking and ours else None, None) for c in found.columns]
    return table(RELATION, [*rows])


@command(*both("USER"))
def user(session: Session, reader: Reader, how: How) -> Result:
    """DESC USER u: its properties, fingerprints of its keys among them."""
    name = reader.name()
    reader.end()
    found = session.account.users.get(name)
    if found is None or not (session.owns(found) or session.globally("MANAGE GRANTS") or found is session.user):
        raise missing("User", shown(name))
    prints = [auth.fingerprint(k) if k is not None else None for k in found.keys]
    values = [("NAME", found.name), ("COMMENT", found.comment), ("DISABLED", "true" if found.disabled else "false"), ("DEFAULT_ROLE", found.default_role), ("TYPE", found.type),
              ("DEFAULT_SECONDARY_ROLES", '["ALL"]' if found.secondary_roles else "[]"), ("RSA_PUBLIC_KEY_FP", prints[0]), ("RSA_PUBLIC_KEY_2_FP", prints[1])]
    return table(PROPERTY, [(n, v, None, "") for n, v in values])


@command(*both("DATABASE"))
def database(session: Session, reader: Reader, how: How) -> Result:
    """DESC DATABASE d: its schemas."""
    name = reader.name()
    reader.end()
    found = session.find_database(name)
    share = session.source(found)
    home = share.database if share is not None and share.database is not None else found
    granted = {g.thing for g in share.account.granted_to("SHARE", share.name)} if share is not None and share.account is not None else None
    rows = [(s.created_on, s.name, "SCHEMA") for s in home.schemas.values() if (s in granted if granted is not None else session.sees(s))]
    return table(["created_on", "name", "kind"], [*rows], {"created_on": LTZ})


@command(*both("SCHEMA"))
def schema(session: Session, reader: Reader, how: How) -> Result:
    """DESC SCHEMA s: its tables and views."""
    names = reader.path(2)
    reader.end()
    found = session.find_schema(names)
    rows = [(i.created_on, i.name, i.kind) for i in found.items.values() if isinstance(i, Relation) and session.sees(i)]
    return table(["created_on", "name", "kind"], [*rows], {"created_on": LTZ})


@command(*both("STAGE"))
def stage(session: Session, reader: Reader, how: How) -> Result:
    """DESC STAGE s."""
    names = reader.path(3)
    reader.end()
    found = session.find("STAGE", names)
    assert isinstance(found, Stage)
    values = [("STAGE_LOCATION", "URL", "String", f'["{found.url}"]', ""), ("STAGE_INTEGRATION", "STORAGE_INTEGRATION", "String", found.integration.name if found.integration else "", "")]
    return table(["parent_property", "property", "property_type", "property_value", "property_default"], [*values])


@command(*both("INTEGRATION"), *both("STORAGE INTEGRATION"))
def integration(session: Session, reader: Reader, how: How) -> Result:
    """DESC INTEGRATION i: the identity and external id for the bucket's role."""
    name = reader.name()
    reader.end()
    found = find_integration(session, name)
    values = [("ENABLED", "Boolean", "true" if found.enabled else "false", "false"), ("STORAGE_PROVIDER", "String", found.provider, ""),
              ("STORAGE_ALLOWED_LOCATIONS", "List", ",".join(found.allowed), "[]"), ("STORAGE_BLOCKED_LOCATIONS", "List", ",".join(found.blocked), "[]"),
              ("STORAGE_AWS_IAM_USER_ARN", "String", f"arn:aws:iam::123456789012:user/{session.account.locator.lower()}", ""),
              ("STORAGE_AWS_ROLE_ARN", "String", found.role_arn, ""), ("STORAGE_AWS_EXTERNAL_ID", "String", found.external_id, "")]
    return table(["property", "property_type", "property_value", "property_default"], [*values])
