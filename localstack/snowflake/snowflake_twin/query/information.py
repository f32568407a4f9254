"""INFORMATION_SCHEMA's views and table functions, RESULT_SCAN and SYSTEM$GET_TAG: rows that the twin makes itself.

Must not know how they are queried.
"""

from __future__ import annotations

import json
from typing import Any

from sqlglot import exp

from ..catalog.objects import Column, Item, Policy, Relation, Tag, Thing, View
from ..catalog.session import Session
from ..catalog.types import LTZ, NUMBER
from ..errors import SqlError, invalid, missing, unsupported
from ..protocol.encode import Result, table
from ..sql.names import folded, path
from ..sql.reader import Reader

POLICY_COLUMNS = ["POLICY_DB", "POLICY_SCHEMA", "POLICY_NAME", "POLICY_KIND", "REF_DATABASE_NAME", "REF_SCHEMA_NAME", "REF_ENTITY_NAME", "REF_ENTITY_DOMAIN", "REF_COLUMN_NAME",
                  "REF_ARG_COLUMN_NAMES", "TAG_DATABASE", "TAG_SCHEMA", "TAG_NAME", "POLICY_STATUS"]
HISTORY_COLUMNS = ["QUERY_ID", "QUERY_TEXT", "USER_NAME", "ROLE_NAME", "QUERY_TAG", "EXECUTION_STATUS", "ERROR_CODE", "ERROR_MESSAGE", "START_TIME"]
HISTORY_MAX = 10_000
HISTORIES = ("QUERY_HISTORY", "QUERY_HISTORY_BY_USER")
# The application's own database, of which the twin has nothing but its procedures and these functions.
LOCAL = "SAMOOHA_BY_SNOWFLAKE_LOCAL_DB"
TAG_COLUMNS = ["TAG_DATABASE", "TAG_SCHEMA", "TAG_NAME", "TAG_VALUE", "LEVEL", "OBJECT_DATABASE", "OBJECT_SCHEMA", "OBJECT_NAME", "DOMAIN", "COLUMN_NAME"]


def _names(text: str) -> list[str]:
    reader = Reader(text)
    found = reader.path(4)
    reader.end()
    return found


def view(session: Session, names: list[str]) -> Result:
    """[db.]INFORMATION_SCHEMA.name."""
    database = session.find_database(names[0] if len(names) == 3 else session.database or "")
    share = session.source(database)
    if names[-1] == "SHARES":
        from ..commands import shares

        return table([c.upper() for c in shares.COLUMNS], shares.rows(session), {"CREATED_ON": LTZ})
    home = share.database if share is not None and share.database is not None else database
    schemas = [s for s in home.schemas.values() if share is not None or session.sees(s)]
    granted = {g.thing for g in share.account.granted_to("SHARE", share.name)} if share is not None and share.account is not None else None
    relations = [i for s in schemas for i in s.items.values() if isinstance(i, Relation) and (i in granted if granted is not None else session.sees(i))]
    if names[-1] == "SCHEMATA":
        return table(["CATALOG_NAME", "SCHEMA_NAME", "SCHEMA_OWNER", "CREATED"], [(database.name, s.name, s.owner, s.created_on) for s in schemas if granted is None or s in granted], {"CREATED": LTZ})
    if names[-1] == "TABLES":
        rows = [(database.name, _schema(r), r.name, r.owner if share is None else None, "VIEW" if isinstance(r, View) else "BASE TABLE", r.created_on, max(r.created_on, r.altered_on), r.comment or None)
                for r in relations]
        return table(["TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "TABLE_OWNER", "TABLE_TYPE", "CREATED", "LAST_DDL", "COMMENT"], [*rows], {"CREATED": LTZ, "LAST_DDL": LTZ})
    if names[-1] == "VIEWS":
        shown = [(database.name, _schema(r), r.name, r.owner if share is None else None, None if r.secure and share is not None else r.text, "YES" if r.secure else "NO", r.created_on)
                 for r in relations if isinstance(r, View)]
        return table(["TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "TABLE_OWNER", "VIEW_DEFINITION", "IS_SECURE", "CREATED"], [*shown], {"CREATED": LTZ})
    if names[-1] == "COLUMNS":
        columns = [(database.name, _schema(r), r.name, c.name, n, "YES" if c.nullable else "NO", c.type.name if c.type.name != "FIXED" else "NUMBER", c.type.length, c.type.precision, c.type.scale)
                   for r in relations for n, c in enumerate(r.columns, 1)]
        return table(["TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "COLUMN_NAME", "ORDINAL_POSITION", "IS_NULLABLE", "DATA_TYPE", "CHARACTER_MAXIMUM_LENGTH", "NUMERIC_PRECISION", "NUMERIC_SCALE"],
                     [*columns], {n: NUMBER for n in ("ORDINAL_POSITION", "CHARACTER_MAXIMUM_LENGTH", "NUMERIC_PRECISION", "NUMERIC_SCALE")})
    raise missing("Object", path(*names))


def _schema(relation: Relation) -> str:
    assert relation.schema is not None
    return relation.schema.name


def _arguments(call: exp.Expr) -> dict[str, str]:
    """Arguments by name; unnamed ones by number."""
    found = {}
    for number, node in enumerate(call.expressions):
        named = isinstance(node, exp.Kwarg)
        value = node.expression if named else node
        if not isinstance(value, exp.Literal):
            raise invalid("Arguments of a table function are literals.")
        found[str(node.this.name).upper() if named else str(number)] = value.name
    return found


def function(session: Session, node: exp.TableFromRows) -> tuple[Result, str]:
    """TABLE(f(…)); gives the rows and the function's name."""
    call, place = node.this, []
    while isinstance(call, exp.Dot):
        place += [folded(p.name, bool(p.args.get("quoted"))) for p in call.this.find_all(exp.Identifier)]
        call = call.expression
    name = str(call.name).upper() if isinstance(call, exp.Anonymous) else ""
    local = len(place) > 1 and place[0] == LOCAL and name in HISTORIES and session.twin.settings.dcr_history == "rows"
    if len(place) > 1 and not local:
        session.find_database(place[0])
    given = _arguments(call) if name else {}
    if name == "RESULT_SCAN" and not place and len(given) == 1:
        return _scanned(session, given["0"]), name
    if place and place[-1] == "INFORMATION_SCHEMA":
        if name == "POLICY_REFERENCES":
            return policy_references(session, given), name
        if name in HISTORIES:
            return query_history(session, name, given), name
        if name == "TAG_REFERENCES" and set(given) == {"0", "1"}:
            return tag_references(session, given["0"], given["1"]), name
    raise unsupported(f"table function {name[:60]}")


def _scanned(session: Session, handle: str) -> Result:
    """The rows of an earlier statement of this user."""
    found = session.twin.statements.find(handle, session.account.identifier, session.user.name, session.twin.settings.result_life_s)
    if found is None or found.result is None:
        raise SqlError("000709", "02000", f"Statement {handle[:60]} not found")
    return found.result


def _thing(session: Session, name: str, domain: str) -> tuple[Thing, Column | None]:
    from ..commands import targets

    domain, names = domain.upper(), _names(name)
    if domain == "COLUMN":
        found = session.find("RELATION", names[:-1])
        column = found.column(names[-1]) if isinstance(found, Relation) else None
        if column is None:
            raise missing("Column", path(*names))
        return found, column
    if domain in ("TABLE", "VIEW"):
        return session.find("RELATION", names), None
    if domain == "ACCOUNT":
        return session.account, None
    if domain not in targets.KINDS:
        raise invalid(f"Invalid domain {domain[:40]}")
    return targets.thing(session, domain, names), None


def policy_references(session: Session, given: dict[str, str]) -> Result:
    """Where policies are set: of one relation, or of one policy."""
    from ..commands.databases import users_of

    pairs: list[tuple[Relation, Policy, str | None, list[str]]] = []
    if set(given) == {"REF_ENTITY_NAME", "REF_ENTITY_DOMAIN"}:
        found, _ = _thing(session, given["REF_ENTITY_NAME"], given["REF_ENTITY_DOMAIN"])
        pairs = [(found, *p) for p in found.policies()] if isinstance(found, Relation) else []
    elif set(given) == {"POLICY_NAME"}:
        policy = next((i for i in _policies(session) if i.names() == tuple(session.qualified(_names(given["POLICY_NAME"])))), None)
        if policy is None:
            raise missing("Policy", given["POLICY_NAME"])
        pairs = [(r, p, c, a) for r in users_of(session, policy) for p, c, a in r.policies() if p is policy]
    else:
        raise invalid("POLICY_REFERENCES takes POLICY_NAME, or REF_ENTITY_NAME and REF_ENTITY_DOMAIN.")
    rows = [(*p.names(), p.kind.replace(" ", "_"), *r.names(), r.kind, c, "[ " + ", ".join(json.dumps(x) for x in a) + " ]" if a else None, None, None, None, "ACTIVE") for r, p, c, a in pairs]
    return table(POLICY_COLUMNS, [*rows])


def _policies(session: Session) -> list[Policy]:
    from ..commands.databases import items_of

    return [i for i in items_of(session) if isinstance(i, Policy) and session.sees(i)]


def query_history(session: Session, name: str, given: dict[str, str]) -> Result:
    """Statements of the last days, newest first: one's own, or the account's for who monitors it."""
    if set(given) - {"RESULT_LIMIT", *(("USER_NAME",) if name.endswith("USER") else ())} or not given.get("RESULT_LIMIT", "100").isdigit():
        raise invalid(f"{name} takes RESULT_LIMIT{' and USER_NAME' if name.endswith('USER') else ''}. (TWIN: other arguments are not part of this stand-in)")
    user = given.get("USER_NAME", session.user.name if name.endswith("USER") else None)
    rows: list[tuple[Any, ...]] = []
    for held in session.twin.statements.shown():
        if held["account"] != session.account.identifier or held["user"] != (user or held["user"]):
            continue
        if held["user"] == session.user.name or session.globally("MONITOR USAGE"):
            state = {"SUCCEEDED": "SUCCESS", "FAILED": "FAILED_WITH_ERROR"}.get(held["state"], held["state"])
            rows.append((held["handle"], held["text"], held["user"], held["role"], held["query_tag"], state, held["code"], held["message"], held["created_on"]))
    limit = min(int(given.get("RESULT_LIMIT", "100")), HISTORY_MAX)
    return table(HISTORY_COLUMNS, rows[::-1][:limit], {"START_TIME": LTZ})


def tag_references(session: Session, name: str, domain: str) -> Result:
    """Tags on a thing or column, inherited ones too."""
    from ..commands.databases import items_of
    from ..commands.tags import value_on

    thing, column = _thing(session, name, domain)
    rows: list[tuple[Any, ...]] = []
    for tag in (i for i in items_of(session) if isinstance(i, Tag)):
        found = value_on(thing, column, tag)
        if found is not None:
            places = thing.names() if isinstance(thing, Item) else (None, None, thing.name)
            rows.append((*tag.names(), found[0], found[1], *places, "COLUMN" if column else thing.kind, column.name if column else None))
    return table(TAG_COLUMNS, rows)


def system(session: Session, call: exp.Anonymous) -> Any:
    """SYSTEM$GET_TAG('tag', 'name', 'domain'): the value, or NULL."""
    from ..commands.tags import find_tag, value_on

    if str(call.name).upper() != "SYSTEM$GET_TAG" or len(call.expressions) != 3:
        raise SqlError("002141", "42601", f"SQL compilation error:\nUnknown function {str(call.name)[:60]}")
    given = _arguments(call)
    tag = find_tag(session, _names(given["0"]))
    thing, column = _thing(session, given["1"], given["2"])
    found = value_on(thing, column, tag)
    return found[0] if found else None
