"""SELECT: compiled, run by the engine, answered. Must not know how it is compiled."""

from __future__ import annotations

from ..catalog.session import Session
from ..commands.registry import How, command
from ..protocol.encode import Result
from ..sql.reader import Reader
from .compile import Compiler


def select(session: Session, text: str) -> Result:
    """A query whose rows the caller will see."""
    compiler = Compiler(session, session)
    try:
        tree, out = compiler.outermost(text)
        result = session.twin.engine.result(tree.sql("duckdb", identify=True))
    finally:
        compiler.release()
    result.columns = [(name, kind) for name, (_, kind) in zip(out.columns, result.columns, strict=True)]
    return result


@command("SELECT", "WITH")
def query(session: Session, reader: Reader, how: How) -> Result:
    """SELECT … and WITH … SELECT …."""
    return select(session, reader.source)
