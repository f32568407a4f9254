"""Rows for tests: a table of an account out of JSON rows, CSV text, or Parquet and CSV files. Must not know the SQL API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb

from .catalog import types
from .catalog.objects import Account, Column, Schema, Table
from .catalog.organization import new_database

if TYPE_CHECKING:
    from .twin import Twin


def _source(body: dict[str, Any]) -> tuple[list[tuple[str, str]], list[tuple[Any, ...]]]:
    """Columns with engine types, and rows, of files. Another connection reads them: the engine itself is closed off."""
    files = body["files"]
    reader = "read_csv" if str(files[0]).endswith(".csv") else "read_parquet"
    with duckdb.connect() as connection:
        cursor = connection.execute(f"SELECT * FROM {reader}(?)", [files])
        return [(d[0], str(d[1])) for d in cursor.description], cursor.fetchall()


def load(twin: Twin, account: Account, words: list[str], body: dict[str, Any]) -> dict[str, Any]:
    """{"columns"?: [{"name", "type"}], "rows"?: [[…]], "files"?: [path], "owner"?}: makes or replaces a table, its database and its schema.

    Names are exact. Without columns they come from the files, in upper case.
    """
    if unknown := set(body) - {"columns", "rows", "files", "owner"}:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    database_name, schema_name, name = words
    owner = body.get("owner", "ACCOUNTADMIN")
    if owner not in account.roles:
        raise ValueError(f"no role {owner}")
    rows = [tuple(r) for r in body.get("rows", [])]
    columns = [Column(c["name"], types.parse(c["type"])) for c in body.get("columns", [])]
    if body.get("files"):
        described, rows = _source(body)
        columns = columns or [Column(n.upper(), types.of_engine(t)) for n, t in described]
    if not columns or any(len(r) != len(columns) for r in rows):
        raise ValueError("columns are needed, and as many values in each row")
    now = twin.clock.now()
    database = account.databases.get(database_name) or new_database(account, database_name, owner, now)
    schema = database.schemas.setdefault(schema_name, Schema(schema_name, owner, now, database=database))
    physical = twin.engine.make([(c.name, c.type.engine()) for c in columns])
    twin.engine.fill(physical, rows)
    present = schema.items.get(("RELATION", name))
    if isinstance(present, Table) and [(c.name, c.type) for c in present.columns] == [(c.name, c.type) for c in columns]:
        twin.engine.run(f"DELETE FROM {present.physical}")
        twin.engine.run(f"INSERT INTO {present.physical} SELECT * FROM {physical}")
        twin.engine.drop(physical)
    else:
        made = Table(name, owner, now, columns=columns, physical=physical)
        made.schema = schema
        schema.items["RELATION", name] = made
    return {"rows": len(rows), "columns": [{"name": c.name, "type": c.type.spelled()} for c in columns]}


