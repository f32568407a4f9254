"""The engine: one DuckDB in memory for all accounts, closed off from files and the net. Must not know names of Snowflake's side."""

from __future__ import annotations

import itertools
import secrets
from pathlib import Path
from typing import Any

import duckdb

from ..catalog import types
from ..catalog.types import Type
from ..errors import SqlError
from ..protocol.encode import Result
from . import functions

MANY = 200
SERIAL = itertools.count(1)
SECRET = secrets.token_hex(8)  # so that no name of a user is ever one of the engine's


VALUES = (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException)


def quoted(name: str) -> str:
    """An identifier for the engine."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A string for the engine."""
    return "'" + value.replace("'", "''") + "'"


class Engine:
    """One database; `spool` is the only folder that it may touch."""

    def __init__(self, spool: Path) -> None:
        self.spool = spool
        self.connection = duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": False, "autoload_known_extensions": False})
        self.connection.execute("SET TimeZone = 'UTC'")
        self.connection.execute(f"SET allowed_directories = [{text(str(spool) + '/')}]")
        self.connection.execute("SET enable_external_access = false")
        self.connection.execute("SET lock_configuration = true")
        for macro in functions.MACROS:
            self.connection.execute(macro)

    def run(self, sql: str) -> duckdb.DuckDBPyConnection:
        """Runs a text of ours; the engine's error becomes a failed statement, with its first line only."""
        try:
            return self.connection.execute(sql)
        except VALUES as error:
            raise bad_value() from error
        except duckdb.Error as error:
            raise SqlError("000603", "XX000", f"SQL execution error: {_line(error)}") from error

    def result(self, sql: str) -> Result:
        """Rows with their types."""
        cursor = self.run(sql)
        described = [(d[0], types.of_engine(str(d[1]))) for d in cursor.description or []]
        try:
            return Result(described, cursor.fetchall())
        except VALUES as error:
            raise bad_value() from error
        except duckdb.Error as error:
            raise SqlError("000603", "XX000", f"SQL execution error: {_line(error)}") from error

    def describe(self, sql: str) -> list[tuple[str, Type]]:
        """The columns of a query that is not run."""
        rows = self.run(f"DESCRIBE {sql}").fetchall()
        return [(r[0], types.of_engine(r[1])) for r in rows]

    def make(self, columns: list[tuple[str, str]]) -> str:
        """A new table of columns with engine types; gives its name."""
        name = f"t{SECRET}{next(SERIAL)}"
        self.run(f"CREATE TABLE {name} ({', '.join(f'{quoted(n)} {t}' for n, t in columns)})")
        return name

    def read(self, name: str, files: list[str]) -> None:
        """Fills a table from Parquet files in the spool, column by column."""
        self.run(f"INSERT INTO {name} SELECT * FROM read_parquet([{', '.join(text(f) for f in files)}])")

    def fill(self, name: str, rows: list[list[Any]] | list[tuple[Any, ...]]) -> None:
        """Puts rows into a table: many of them by columns, which is quicker by far."""
        if len(rows) >= MANY:
            kinds = [r[0] for r in self.run(f"SELECT data_type FROM duckdb_columns() WHERE table_name = {text(name)} ORDER BY column_index").fetchall()]
            try:
                self.connection.execute(f"INSERT INTO {name} SELECT {', '.join(f'unnest(CAST(? AS {k}[]))' for k in kinds)}", [list(c) for c in zip(*rows, strict=True)])
                return
            except duckdb.Error:
                pass  # one by one, then, which says what is wrong
        if rows:
            try:
                self.connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[0]))})", rows)
            except duckdb.Error as error:
                raise bad_value() from error

    def drop(self, name: str) -> None:
        """A table goes."""
        self.run(f"DROP TABLE IF EXISTS {name}")


def bad_value() -> SqlError:
    """A value that does not convert or is out of range. It is not shown: it may be somebody else's."""
    return SqlError("100038", "22018", "A value is not recognized or out of range")


def _line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
