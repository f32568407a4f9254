"""Writes the two sides of the matching benchmark as Parquet, the same rows on every run."""

import argparse
import pathlib

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP = 122_880

# 0.8 N people could occur on a side, 0.57 N do; the two ranges share 30 percent, so 21 percent of people match.
ROWS = """
WITH drawn AS (
    SELECT hash('who-{seed}-' || i) AS who, hash('what-{seed}-' || i) AS what FROM range({rows}) AS t(i)
)
SELECT sha256('person' || ({offset} + who % {people})::VARCHAR || '@example.org') AS key,
       'segment-' || (what % 12) AS d1,
       'store-' || (what // 12 % 50) AS d2,
       'tier-' || (what // 600 % 6) AS d3,
       (what // 3600 % 1000000)::DOUBLE / 100 AS m1,
       (what // 3600000000 % 1000)::INTEGER AS m2,
       DATE '2026-01-01' + (what // 3600000000000 % 365)::INTEGER AS day
FROM drawn
"""


def write_hex(connection, query, path):
    """As text, written by DuckDB itself, compressed as it would by choice."""
    connection.execute(
        f"COPY ({query}) TO '{path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
    )


def write_bytes(connection, query, path):
    """As 32-byte keys, the way `airlock prepare` leaves them: plain and uncompressed, the rest as before."""
    others = ["d1", "d2", "d3", "m1", "m2", "day"]
    compression = {name: "ZSTD" for name in others} | {"key": "NONE"}
    query = f"SELECT unhex(key) AS key, {', '.join(others)} FROM ({query})"
    reader = connection.sql(query).to_arrow_reader(ROW_GROUP)
    schema = reader.schema.set(0, pa.field("key", pa.binary(32)))
    for n, field in enumerate(schema):
        if pa.types.is_string_view(field.type):
            schema = schema.set(n, pa.field(field.name, pa.string()))
    with pq.ParquetWriter(
        path, schema, compression=compression, use_dictionary=["d1", "d2", "d3", "m2", "day"]
    ) as out:
        waiting = []
        for batch in reader:
            waiting.append(batch)
            if sum(b.num_rows for b in waiting) >= ROW_GROUP:
                out.write_table(pa.Table.from_batches(waiting).cast(schema), ROW_GROUP)
                waiting = []
        if waiting:
            out.write_table(pa.Table.from_batches(waiting).cast(schema), ROW_GROUP)


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("--rows", type=int, required=True)
    ask.add_argument("--keys", choices=["hex", "bytes"], required=True)
    ask.add_argument("--folder", type=pathlib.Path, required=True)
    ask.add_argument("--seed", type=int, default=1)
    asked = ask.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    people = asked.rows * 8 // 10
    for n, side in enumerate(["left", "right"]):
        path = asked.folder / f"{side}-{asked.keys}-{asked.rows}.parquet"
        if path.exists():
            continue
        query = ROWS.format(
            offset=n * people * 7 // 10, people=people, rows=asked.rows, seed=asked.seed * 100 + n * 10
        )
        part = path.with_suffix(".part")
        (write_hex if asked.keys == "hex" else write_bytes)(connection, query, part)
        part.rename(path)


if __name__ == "__main__":
    main()
