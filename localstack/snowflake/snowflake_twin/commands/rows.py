"""Statements that change rows: INSERT, DELETE, UPDATE, TRUNCATE. Must not know how queries are protected.

Values and conditions are compiled as queries are, so that nothing reaches the engine unread.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from ..catalog.objects import Table
from ..catalog.session import Session
from ..catalog.types import NUMBER
from ..errors import SqlError, invalid, invalid_identifier, missing, syntax, unsupported
from ..protocol.encode import Result, status
from ..query.compile import Compiler, parse
from ..query.engine import quoted
from ..query.run import select
from ..sql.lexer import SIGN, tokens
from ..sql.names import path, shown
from ..sql.reader import Reader
from .registry import How, command


def _table(session: Session, names: list[str], privilege: str) -> Table:
    found = session.find("RELATION", names, privilege)
    if not isinstance(found, Table) or found.account is not session.account:
        raise missing("Table", path(*names))
    return found


def _counted(name: str, number: int, stats: dict[str, int]) -> Result:
    base = {"numRowsInserted": 0, "numRowsUpdated": 0, "numRowsDeleted": 0, "numDuplicateRowsUpdated": 0}
    return Result([(name, NUMBER)], [(number,)], base | stats)


@command("INSERT INTO", "INSERT OVERWRITE INTO")
def insert(session: Session, reader: Reader, how: How) -> Result:
    """INSERT [OVERWRITE] INTO t [(columns)] VALUES … | SELECT …."""
    overwrite = reader.tokens[1].text.upper() == "OVERWRITE"
    names = reader.path(3)
    columns = reader.braced(reader.name) if reader.sees("(") else None
    text = reader.rest().rstrip().removesuffix(";")
    found = _table(session, names, "INSERT")
    wanted = columns if columns is not None else [c.name for c in found.columns]
    for name in wanted:
        if found.column(name) is None:
            raise invalid_identifier(name)
    rows = _values(session, text) if text[:6].upper() == "VALUES" else select(session, text).rows
    if any(len(r) != len(wanted) for r in rows):
        raise invalid(f"Insert value list does not match column list expecting {len(wanted)}", "002057", "42601")
    for column in found.columns:
        place = wanted.index(column.name) if column.name in wanted else None
        if not column.nullable and any(place is None or r[place] is None for r in rows):
            raise invalid(f"NULL result in a non-nullable column '{column.name}'", "100072", "22000")
    full = [tuple(r[wanted.index(c.name)] if c.name in wanted else None for c in found.columns) for r in rows]
    if overwrite:
        session.twin.engine.run(f"DELETE FROM {found.physical}")
    session.twin.engine.fill(found.physical, full)
    return _counted("number of rows inserted", len(full), {"numRowsInserted": len(full)})


def _values(session: Session, text: str) -> list[tuple[Any, ...]]:
    """VALUES (…), (…): each row as a query of its own."""
    reader = Reader(text)
    reader.expect("VALUES")
    texts = [reader.skip_braced()]
    while reader.take(","):
        texts.append(reader.skip_braced())
    reader.end()
    rows = []
    bound = dict(session.bindings)
    for row in texts:
        session.bindings = dict(bound)
        _plain(f"SELECT {row}")
        rows += select(session, f"SELECT {row}").rows
        used = sum(t.text == "?" and t.kind == SIGN for t in tokens(row))
        bound = {str(int(k) - used): v for k, v in bound.items() if int(k) > used} if used else bound
    return rows


def _plain(text: str, *parts: str) -> None:
    """Refuses a text that brought clauses or queries of its own."""
    tree = parse(text)
    if not isinstance(tree, exp.Select) or any(v for k, v in tree.args.items() if k not in ("expressions", *parts)):
        raise syntax(text[:40])
    if len(list(tree.find_all(exp.Select))) > 1 and parts:
        raise unsupported("a subquery in DELETE or UPDATE (TWIN)")


def _condition(session: Session, found: Table, text: str | None) -> str:
    """The rows that a condition chooses, as a list of the engine's row ids. Policies of the table hold here too."""
    if found.policies():
        raise unsupported("changing rows of a table that has policies (TWIN)")
    if text is None:
        return f"SELECT rowid FROM {found.physical}"
    _plain(f"SELECT 1 FROM {found.fqn()} WHERE {text}", "from_", "where")
    compiler = Compiler(session, session)
    try:
        tree, _ = compiler.outermost(f"SELECT 1 FROM {found.fqn()} WHERE {text}")
        return f"SELECT rowid FROM {found.physical} WHERE {_unqualified(tree.args['where'].this)}"
    finally:
        compiler.release()


@command("DELETE FROM")
def delete(session: Session, reader: Reader, how: How) -> Result:
    """DELETE FROM t [WHERE condition]."""
    names = reader.path(3)
    text = reader.rest().rstrip().removesuffix(";") if reader.take("WHERE") else None
    reader.end()
    found = _table(session, names, "DELETE")
    chosen = _condition(session, found, text)
    number = session.twin.engine.run(f"SELECT count(*) FROM ({chosen})").fetchall()[0][0]
    session.twin.engine.run(f"DELETE FROM {found.physical} WHERE rowid IN ({chosen})")
    return _counted("number of rows deleted", number, {"numRowsDeleted": number})


@command("UPDATE")
def update(session: Session, reader: Reader, how: How) -> Result:
    """UPDATE t SET c = expression, … [WHERE condition]."""
    names = reader.path(3)
    reader.expect("SET")
    given: list[tuple[str, str]] = []
    while True:
        name = reader.name()
        reader.expect("=")
        given.append((name, _until_comma(reader)))
        if not reader.take(","):
            break
    text = reader.rest().rstrip().removesuffix(";") if reader.take("WHERE") else None
    reader.end()
    found = _table(session, names, "UPDATE")
    chosen = _condition(session, found, text)
    sets = []
    for name, value in given:
        if found.column(name) is None:
            raise invalid_identifier(name)
        _plain(f"SELECT {value} FROM {found.fqn()}", "from_")
        compiler = Compiler(session, session)
        tree, _ = compiler.outermost(f"SELECT {value} FROM {found.fqn()}")
        compiler.release()
        sets.append(f"{quoted(name)} = {_unqualified(tree.expressions[0].unalias())}")
    number = session.twin.engine.run(f"SELECT count(*) FROM ({chosen})").fetchall()[0][0]
    session.twin.engine.run(f"UPDATE {found.physical} SET {', '.join(sets)} WHERE rowid IN ({chosen})")
    return _counted("number of rows updated", number, {"numRowsUpdated": number})


def _unqualified(node: exp.Expression) -> str:
    """An expression over one table, as the engine reads it."""
    for column in node.find_all(exp.Column):
        column.set("table", None)
    return node.sql("duckdb", identify=True)


def _until_comma(reader: Reader) -> str:
    first, depth = reader.peek(), 0
    if first is None:
        raise reader.fail()
    end = first.start
    while (token := reader.peek()) is not None and not (depth == 0 and (reader.sees(",") or reader.sees("WHERE") or reader.sees(";"))):
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "sign" else 0
        end, reader.at = token.end, reader.at + 1
    return reader.source[first.start:end]


@command("TRUNCATE TABLE", "TRUNCATE")
def truncate(session: Session, reader: Reader, how: How) -> Result:
    """TRUNCATE [TABLE] [IF EXISTS] t."""
    exists = reader.take("IF", "EXISTS")
    names = reader.path(3)
    reader.end()
    try:
        found = _table(session, names, "TRUNCATE")
    except SqlError as error:
        if exists and error.code == "002003":
            return status(f"{shown(names[-1])} is not there, statement succeeded.")
        raise
    session.twin.engine.run(f"DELETE FROM {found.physical}")
    return status("Statement executed successfully.")
