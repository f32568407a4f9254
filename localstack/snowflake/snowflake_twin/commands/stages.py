"""Storage integrations and external stages: CREATE, ALTER, DROP. Must not know what is written there."""

from __future__ import annotations

from typing import Any

from ..catalog.objects import Integration, Stage
from ..catalog.session import Session
from ..errors import SqlError, invalid, missing, present, unsupported
from ..protocol.encode import Result, status
from ..sql.names import shown
from ..sql.reader import Reader
from .making import already, created, dropped, found_or_none, gone, if_absent, put
from .registry import How, command

DONE = "Statement executed successfully."
PROPERTIES = ("STORAGE_AWS_ROLE_ARN", "STORAGE_AWS_EXTERNAL_ID", "STORAGE_ALLOWED_LOCATIONS", "STORAGE_BLOCKED_LOCATIONS", "STORAGE_PROVIDER", "ENABLED", "COMMENT", "TYPE")


def find_integration(session: Session, name: str) -> Integration:
    """An integration that the session sees."""
    found = session.account.integrations.get(name)
    if found is None or not session.sees(found):
        raise missing("Integration", shown(name))
    return found


def _properties(reader: Reader) -> dict[str, Any]:
    given: dict[str, Any] = {}
    while reader.peek() is not None and not reader.sees(";"):
        word = reader.one_of(*PROPERTIES)
        reader.expect("=")
        if word.endswith("LOCATIONS"):
            given[word] = reader.braced(reader.string)
            for url in given[word]:
                if url != "*" and not url.startswith("s3://"):
                    raise invalid(f"Invalid URL prefix found in: '{url[:60]}'")
        elif word == "ENABLED":
            given[word] = reader.boolean()
        elif word == "TYPE":
            given[word] = reader.one_of("EXTERNAL_STAGE")
        else:
            given[word] = reader.string() if reader.peek() and reader.peek().kind == "string" else reader.name()  # type: ignore[union-attr]
    reader.end()
    return given


def _apply(found: Integration, given: dict[str, Any]) -> None:
    for word, field in (("STORAGE_AWS_ROLE_ARN", "role_arn"), ("STORAGE_AWS_EXTERNAL_ID", "external_id"), ("STORAGE_ALLOWED_LOCATIONS", "allowed"),
                        ("STORAGE_BLOCKED_LOCATIONS", "blocked"), ("ENABLED", "enabled"), ("COMMENT", "comment")):
        if word in given:
            setattr(found, field, given[word])


@command("CREATE STORAGE INTEGRATION")
def create_integration(session: Session, reader: Reader, how: How) -> Result:
    """CREATE STORAGE INTEGRATION i TYPE = EXTERNAL_STAGE STORAGE_PROVIDER = 'S3' ENABLED = b STORAGE_AWS_ROLE_ARN = '…' STORAGE_ALLOWED_LOCATIONS = ('s3://…')."""
    absent = if_absent(reader, how)
    name = reader.name()
    given = _properties(reader)
    if given.get("STORAGE_PROVIDER") != "S3":
        raise unsupported("a storage provider other than S3")
    if wanting := [w for w in ("TYPE", "ENABLED", "STORAGE_AWS_ROLE_ARN", "STORAGE_ALLOWED_LOCATIONS") if w not in given]:
        raise invalid(f"missing property {wanting[0]}")
    old = session.account.integrations.get(name)
    if old is not None and absent:
        return already("Integration", name)
    if old is not None and not how.replace:
        raise present("Integration", name)
    session.need_globally("CREATE INTEGRATION")
    made = Integration(name, session.primary(), session.now, external_id=f"{session.account.locator}_SFCRole=1_{session.now:.0f}")
    _apply(made, given)
    session.account.integrations[name] = made
    return created("Integration", name)


@command("ALTER STORAGE INTEGRATION", "ALTER INTEGRATION")
def alter_integration(session: Session, reader: Reader, how: How) -> Result:
    """ALTER [STORAGE] INTEGRATION i SET property = …."""
    name = reader.name()
    reader.expect("SET")
    given = _properties(reader)
    found = find_integration(session, name)
    session.need_ownership(found)
    _apply(found, given)
    return status(DONE)


@command("DROP INTEGRATION", "DROP STORAGE INTEGRATION")
def drop_integration(session: Session, reader: Reader, how: How) -> Result:
    """DROP [STORAGE] INTEGRATION [IF EXISTS] i."""
    exists = reader.take("IF", "EXISTS")
    name = reader.name()
    reader.end()
    found = found_or_none(lambda: find_integration(session, name), exists)
    if not isinstance(found, Integration):
        return gone(name)
    session.need_ownership(found)
    session.account.integrations.pop(name)
    session.account.forget(found)
    return dropped(name)


def allowed(integration: Integration, url: str) -> bool:
    """Whether an integration lets a location through."""
    def under(prefixes: list[str]) -> bool:
        return any(p == "*" or url.startswith(p if p.endswith("/") else p + "/") or url == p for p in prefixes)
    return integration.enabled and under(integration.allowed) and not under(integration.blocked)


def need_allowed(session: Session, integration: Integration, url: str) -> None:
    """Refuses a location that the integration does not let through, or a session that may not use it."""
    session.need("USAGE", integration)
    if not allowed(integration, url):
        raise SqlError("003142", "0A000", f"SQL compilation error:\nLocation '{url[:200]}' is not allowed by integration '{integration.name}'.")


@command("CREATE STAGE")
def create_stage(session: Session, reader: Reader, how: How) -> Result:
    """CREATE STAGE s URL = 's3://…' STORAGE_INTEGRATION = i [FILE_FORMAT = (TYPE = PARQUET)] [COMMENT = '…']."""
    absent = if_absent(reader, how)
    names = reader.path(3)
    url, integration, comment = "", "", ""
    while reader.peek() is not None and not reader.sees(";"):
        word = reader.one_of("URL", "STORAGE_INTEGRATION", "FILE_FORMAT", "COMMENT")
        reader.expect("=")
        if word == "URL":
            url = reader.string()
        elif word == "STORAGE_INTEGRATION":
            integration = reader.name()
        elif word == "COMMENT":
            comment = reader.string()
        else:
            reader.skip_braced()
    reader.end()
    if not url.startswith("s3://") or not integration:
        raise unsupported("a stage without URL = 's3://…' and STORAGE_INTEGRATION")
    found = find_integration(session, integration)
    need_allowed(session, found, url)
    schema, name = session.place(names)
    return put(session, schema, Stage(name, comment=comment, url=url, integration=found), how, absent, "CREATE STAGE") or created("Stage area", name)


@command("DROP STAGE")
def drop_stage(session: Session, reader: Reader, how: How) -> Result:
    """DROP STAGE [IF EXISTS] s."""
    exists = reader.take("IF", "EXISTS")
    names = reader.path(3)
    reader.end()
    found = found_or_none(lambda: session.find("STAGE", names), exists)
    if not isinstance(found, Stage):
        return gone(names[-1])
    session.need_ownership(found)
    assert found.schema is not None
    found.schema.items.pop((found.space, found.name))
    session.account.forget(found)
    return dropped(found.name)
