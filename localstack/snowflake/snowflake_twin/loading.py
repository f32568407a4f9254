"""Rows for tests: a table of an account out of JSON rows, CSV text, or Parquet and CSV files. Must not know the SQL API."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from .catalog import types
from .catalog.objects import Account, Column, Schema, Table
from .catalog.organization import new_database
from .query.engine import text

if TYPE_CHECKING:
    from .twin import Twin


def _source(twin: Twin, body: dict[str, Any]) -> tuple[list[tuple[str, str]], Path]:
    """Columns with engine types of files, and their rows in the spool. Another connection reads them: the engine itself is closed off."""
    files = body["files"]
    reader = "read_csv" if str(files[0]).endswith(".csv") else "read_parquet"
    path = twin.spool / "loaded.parquet"
    with duckdb.connect() as connection:
        relation = f"SELECT * FROM {reader}([{', '.join(text(str(f)) for f in files)}])"
        described = connection.execute(f"DESCRIBE {relation}").fetchall()
        connection.execute(f"COPY ({relation}) TO {text(str(path))} (FORMAT parquet)")
    return [(d[0], d[1]) for d in described], path


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
    path = None
    if body.get("files"):
        described, path = _source(twin, body)
        columns = columns or [Column(n.upper(), types.of_engine(t)) for n, t in described]
    if not columns or any(len(r) != len(columns) for r in rows):
        raise ValueError("columns are needed, and as many values in each row")
    now = twin.clock.now()
    database = account.databases.get(database_name) or new_database(account, database_name, owner, now)
    schema = database.schemas.setdefault(schema_name, Schema(schema_name, owner, now, database=database))
    physical = twin.engine.make([(c.name, c.type.engine()) for c in columns])
    twin.engine.fill(physical, rows)
    if path is not None:
        twin.engine.read(physical, [str(path)])
        path.unlink()
    count = twin.engine.run(f"SELECT count(*) FROM {physical}").fetchall()[0][0]
    present = schema.items.get(("RELATION", name))
    if isinstance(present, Table) and [(c.name, c.type) for c in present.columns] == [(c.name, c.type) for c in columns]:
        twin.engine.run(f"DELETE FROM {present.physical}")
        twin.engine.run(f"INSERT INTO {present.physical} SELECT * FROM {physical}")
        twin.engine.drop(physical)
    else:
        made = Table(name, owner, now, columns=columns, physical=physical)
        made.schema = schema
        schema.items["RELATION", name] = made
    return {"rows": count, "columns": [{"name": c.name, "type": c.type.spelled()} for c in columns]}
