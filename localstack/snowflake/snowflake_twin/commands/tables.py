"""Tables: CREATE, CREATE … AS SELECT, DROP. Must not know how they are altered or queried."""

from __future__ import annotations

from ..catalog import types
from ..catalog.objects import Column, Relation, Table
from ..catalog.session import Session
from ..errors import SqlError, invalid, missing
from ..protocol.encode import Result
from ..query.run import select
from ..sql.lexer import WORD
from ..sql.names import path
from ..sql.reader import Reader
from .attach import Inline, inline, inline_column
from .making import created, dropped, found_or_none, gone, if_absent, put
from .registry import How, command


def read_type(reader: Reader) -> types.Type:
    """A column's type."""
    text = reader.next(WORD).text
    if reader.sees("PRECISION"):
        text += " " + reader.next(WORD).text
    if reader.sees("("):
        text += f"({reader.skip_braced()})"
    return types.parse(text)


def read_column(session: Session, reader: Reader, found: Inline) -> Column:
    """name TYPE [NOT NULL] [policies and tags] [COMMENT '…']."""
    column = Column(reader.name(), read_type(reader))
    while not reader.sees(",") and not reader.sees(")"):
        if reader.take("NOT", "NULL"):
            column.nullable = False
        elif reader.take("COMMENT"):
            column.comment = reader.string()
        elif not inline_column(session, reader, column.name, found):
            raise reader.fail()
    return column


def check_columns(names: list[str]) -> None:
    """No name twice; the engine cannot tell names apart by case alone, so such tables are refused here."""
    if len(set(names)) != len(names):
        raise SqlError("002025", "42S21", "SQL compilation error:\nduplicate column name")
    if len({n.lower() for n in names}) != len(names):
        raise invalid("Columns whose names differ in case only are not part of this stand-in. (TWIN)", "000002", "0A000")


@command("CREATE TABLE")
def create_table(session: Session, reader: Reader, how: How) -> Result:
    """CREATE TABLE t (column TYPE …) [policies] [COPY GRANTS] [COMMENT = '…'] | AS SELECT …."""
    absent = if_absent(reader, how)
    names = reader.path(3)
    acts, columns, comment, copied, query = Inline(), [], "", False, None
    if reader.sees("("):
        columns = reader.braced(lambda: read_column(session, reader, acts))
    while reader.peek() is not None and not reader.sees(";"):
        if reader.take("AS"):
            query = reader.rest().rstrip(";")
        elif reader.take("COPY", "GRANTS"):
            copied = True
        elif (said := reader.comment()) is not None:
            comment = said
        elif not inline(session, reader, acts):
            raise reader.fail()
    reader.end()
    if how.modifiers - {"TRANSIENT"}:
        raise SqlError("391911", "0A000", "SQL compilation error:\nTemporary tables are not supported by this API.")
    if not columns and query is None:
        raise reader.fail()
    schema, name = session.place(names)
    rows = None
    if query is not None:
        result = select(session, query)
        if columns and len(columns) != len(result.columns):
            raise invalid("The query has another number of columns than the table.", "002057", "42601")
        columns = columns or [Column(n, t) for n, t in result.columns]
        rows = result.rows
    check_columns([c.name for c in columns])
    made = Table(name, comment=comment, columns=columns)
    old = schema.items.get((made.space, name))
    if isinstance(old, Relation) and old.kind != "TABLE" and not absent:
        raise SqlError("002002", "42710", f"SQL compilation error:\nObject '{name}' already exists as {old.kind}")
    made.schema = schema
    made.owner = session.primary()
    if old is None or how.replace:
        acts.do(made)
    kept = put(session, schema, made, how, absent, "CREATE TABLE", copied)
    if kept is not None:
        return kept
    engine = session.twin.engine
    made.physical = engine.make([(c.name, c.type.engine()) for c in columns])
    if rows:
        engine.fill(made.physical, rows)
    if isinstance(old, Table):
        engine.drop(old.physical)
    return created("Table", name)


def find_relation(session: Session, names: list[str], kind: str) -> Relation:
    """A table or a view of this account by kind."""
    found = session.find("RELATION", names)
    if not isinstance(found, Relation) or found.kind != kind:
        raise missing(kind.capitalize(), path(*names))
    if found.account is not session.account:
        raise SqlError("003001", "42501", "SQL access control error:\nShared databases are read-only.")
    return found


@command("DROP TABLE", "DROP VIEW")
def drop_relation(session: Session, reader: Reader, how: How) -> Result:
    """DROP TABLE | VIEW [IF EXISTS] name."""
    kind = reader.tokens[reader.at - 1].text.upper()
    exists = reader.take("IF", "EXISTS")
    names = reader.path(3)
    _ = reader.take("CASCADE") or reader.take("RESTRICT")
    reader.end()
    found = found_or_none(lambda: find_relation(session, names, kind), exists)
    if not isinstance(found, Relation):
        return gone(names[-1])
    session.need_ownership(found)
    assert found.schema is not None
    found.schema.items.pop((found.space, found.name))
    session.account.forget(found)
    if isinstance(found, Table):
        session.twin.engine.drop(found.physical)
    return dropped(found.name)


