"""Runs one unguarded query over the two files in DuckDB; a line of JSON for each time."""

import json
import sys
import time

import duckdb

# The quickest of the forms that a person may write, as tried on these files.
OVERLAP = """
SELECT count(*) FROM (SELECT DISTINCT key FROM '{left}') AS a
WHERE EXISTS (SELECT 1 FROM '{right}' AS b WHERE b.key = a.key)
"""
OVERLAP_JOIN = """
SELECT count(*) FROM (SELECT DISTINCT key FROM '{left}') AS a
JOIN (SELECT DISTINCT key FROM '{right}') AS b USING (key)
"""
OVERLAP_PLAIN = """
SELECT count(DISTINCT a.key) FROM '{left}' AS a JOIN '{right}' AS b ON a.key = b.key
"""
AGGREGATE = """
SELECT a.d1, b.d2, count(DISTINCT a.key), count(*), sum(a.m1), sum(b.m2)
FROM '{left}' AS a JOIN '{right}' AS b ON a.key = b.key GROUP BY a.d1, b.d2
"""
QUERIES = {
    "overlap": OVERLAP,
    "overlap-join": OVERLAP_JOIN,
    "overlap-plain": OVERLAP_PLAIN,
    "aggregate": AGGREGATE,
}


def main():
    what, left, right, threads, repeats = sys.argv[1:6]
    connection = duckdb.connect()
    connection.execute(f"SET threads = {int(threads)}")
    query = QUERIES[what].format(left=left, right=right)
    for _ in range(int(repeats)):
        begun = time.perf_counter()
        rows = connection.execute(query).fetchall()
        seconds = time.perf_counter() - begun
        if what == "aggregate":
            kept = [row for row in rows if row[2] >= 50]
            answer = {
                "groups": len(kept),
                "distinct": sum(row[2] for row in kept),
                "rows": sum(row[3] for row in kept),
                "sum_m1": sum(row[4] for row in kept),
                "sum_m2": sum(int(row[5]) for row in kept),
            }
        else:
            answer = {"count": rows[0][0]}
        print(json.dumps({"seconds": seconds, "answer": answer}), flush=True)


if __name__ == "__main__":
    main()
