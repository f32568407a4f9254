"""The child process that runs one query on DuckDB: a job on stdin, files in a folder, a word on stdout.

    python -m cleanrooms_twin.execution.engine < job.json

The job: {"tables": {name: {"files": [...], "columns": {name: Spark type}}}, "sql", "outputs": [...], "formats": [...],
"parts": n, "folder"}. Must not know rules, stores or the service.
"""

import json
import sys
from pathlib import Path

import duckdb
from sqlglot import exp

MEMORY = "1GB"
# Functions of Spark that the engine lacks and the translation leaves as they are.
MACROS = ("regexp_substr(x, shape) AS CASE WHEN regexp_matches(x, shape) THEN regexp_extract(x, shape) END",)


def quoted(name):
    """An identifier for the engine."""
    return '"' + name.replace('"', '""') + '"'


def text(value):
    """A string for the engine."""
    return "'" + str(value).replace("'", "''") + "'"


def declare(connection, name, table):
    """A view of one table: the allowed columns, in their declared types."""
    types = {c: exp.DataType.build(t, dialect="spark").sql("duckdb") for c, t in table["columns"].items()}
    if table["files"]:
        files = ", ".join(text(f) for f in table["files"])
        columns = ", ".join(f"CAST({quoted(c)} AS {t}) AS {quoted(c)}" for c, t in types.items())
        source = f"SELECT {columns} FROM read_parquet([{files}], hive_partitioning = true, union_by_name = true)"
    else:
        source = f"SELECT {', '.join(f'CAST(NULL AS {t}) AS {quoted(c)}' for c, t in types.items())} WHERE false"
    connection.execute(f"CREATE VIEW {quoted(name)} AS {source}")


def write(connection, job):
    """The result in each format, in as many parts as are asked for and have rows."""
    connection.execute(f"CREATE TABLE __result AS {job['sql']}")
    described = connection.execute("SELECT * FROM __result LIMIT 0").description[:len(job["outputs"])]
    rows = connection.execute("SELECT count(*) FROM __result").fetchone()[0]
    parts = max(1, min(job["parts"], rows))
    # A sum of whole numbers stays one of 64 bits in Spark, and becomes one of 128 here.
    columns = ", ".join(f"CAST({quoted(n)} AS BIGINT) AS {quoted(n)}" if str(t) == "HUGEINT" else quoted(n) for n, t, *_ in described)
    written = {}
    for form in job["formats"]:
        options = "FORMAT parquet" if form == "PARQUET" else "FORMAT csv, HEADER true"
        written[form] = []
        for part in range(parts):
            path = Path(job["folder"]) / f"part-{part:05}.{form.lower()}"
            first, last = part * rows // parts, (part + 1) * rows // parts
            chosen = f"SELECT {columns} FROM __result WHERE rowid >= {first} AND rowid < {last} ORDER BY rowid"
            connection.execute(f"COPY ({chosen}) TO {text(path)} ({options})")
            written[form].append(str(path))
    return {"rows": rows, "files": written}


def main():
    """One job."""
    job = json.load(sys.stdin)
    connection = duckdb.connect(config={"threads": 1, "memory_limit": MEMORY, "autoinstall_known_extensions": False, "autoload_known_extensions": False})
    connection.execute("SET TimeZone = 'UTC'")
    for macro in MACROS:
        connection.execute(f"CREATE MACRO {macro}")
    try:
        for name, table in job["tables"].items():
            declare(connection, name, table)
    except duckdb.Error as error:
        print(json.dumps({"code": "INVALID_RESOURCE", "error": str(error)}))
        return
    try:
        print(json.dumps(write(connection, job)))
    except duckdb.Error as error:
        print(json.dumps({"code": "INTERNAL_ERROR", "error": str(error)}))


if __name__ == "__main__":
    main()
