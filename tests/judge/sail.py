#!/usr/bin/env python3
"""Runs the Spark SQL of generated templates on Sail, an engine of that dialect, and compares every row with DuckDB.

    sail.py [--seed N] [--count N] [--airlock PATH] [--only NAME] [--apache-spark] [--allow-not-run]

The world is the judge's, with keys hashed by their owners beforehand (SHA-256, hexadecimal), as AWS Clean Rooms wants them.
What an answer should be comes from DuckDB over the guard's meaning, written independently; the texts from `airlock explain`.
Sail is not Spark: it shows that the text is read as it is meant by somebody else, not that AWS accepts it. `--apache-spark`
asks Spark itself, where it is installed.
"""

import collections
import hashlib
import json
import os
import random
import sys

sys.dont_write_bytecode = True

import airlock  # noqa: E402
import command  # noqa: E402
import grammar  # noqa: E402
import judge  # noqa: E402
import world  # noqa: E402

COMPARED_MIN = 200
EMPTY_SHARE_MAX = 0.3


def hashed(kind, value):
    """The SHA-256 of an identifier's one form, in hexadecimal of either case: both are the same key."""
    one = world.normal(kind, value)
    if one is None:
        return None
    digest = hashlib.sha256(one.encode()).hexdigest()
    return digest.upper() if len(value) % 5 == 0 else digest


def write(folder, cases):
    """The agreement over hashed files, held in the native room and in AWS."""
    document = world.agreement(folder, {c.name: c.template() for c in cases}, 10)
    document["rooms"] = ["native", {"platform": "aws-clean-rooms", "region": "eu-central-1"}]
    for name, dataset in document["datasets"].items():
        dataset["at"]["aws-clean-rooms"] = {"glue": {"database": "judged", "table": name}}
        for column in dataset["columns"].values():
            if column["use"] == "match":
                for key in column.get("keys", [column]):
                    key |= {"hashed": "sha256-hex", "normalise": "none"}
    for member, account in zip(document["members"].values(), ("111111111111", "222222222222", "333333333333"), strict=True):
        member["identity"] = {"aws-clean-rooms": account}
    file = folder / "agreement.json"
    file.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return file


def texts(gateway, file):
    """Each template's Spark SQL, or why there is none."""
    explained = gateway.call("explain", str(file))["templates"]
    return {one["template"]: one["texts"]["aws-clean-rooms"] for one in explained}


def typed(case):
    """A case's parameters as values of their types."""
    # Dates and times are bound as text, as AWS binds them; the templates cast them.
    make = {"int64": int, "float64": float, "utf8": str, "date": str, "timestamp": lambda text: text.replace("T", " ").rstrip("Z")}
    return {name: make[case.parameters[name]["type"]](value) for name, value in case.settings.items()}


def sail():
    """A Sail server of this process, a session on it, and what ends both."""
    os.environ.setdefault("RUST_LOG", "off")
    try:
        from pysail.spark import SparkConnectServer
        from pyspark.sql import SparkSession
    except ImportError as missing:
        raise airlock.NotRun(f"Sail is not installed: {missing}") from missing
    server = SparkConnectServer(port=0)
    server.start()
    _, port = server.listening_address
    spark = SparkSession.builder.remote(f"sc://localhost:{port}").getOrCreate()
    return spark, lambda: (spark.stop(), server.stop())


def apache_spark():
    """A session of Apache Spark in this process, and what ends it."""
    try:
        from pyspark.sql import SparkSession
        builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false")
        spark = builder.config("spark.sql.shuffle.partitions", "2").getOrCreate()
    except (ImportError, RuntimeError) as missing:
        raise airlock.NotRun(f"Apache Spark or its Java is not installed: {missing}") from missing
    spark.sparkContext.setLogLevel("OFF")
    return spark, spark.stop


def answer(spark, case, sql):
    """The rows that Sail gives."""
    frame = spark.sql(sql, args=typed(case)) if case.settings else spark.sql(sql)
    return frame.columns, [tuple(row) for row in frame.collect()]


def prove(arguments, folder):
    """The whole proof; 0 when it holds."""
    con = world.write_world(folder, arguments.seed, hashed)
    cases = grammar.cases(random.Random(f"templates {arguments.seed}"), arguments.count)
    cases = [c for c in cases if not arguments.only or c.name == arguments.only]
    gateway = airlock.Airlock(airlock.binary(arguments.airlock), folder / "home")
    said = texts(gateway, write(folder, cases))
    spark, stop = apache_spark() if arguments.apache_spark else sail()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    for name in world.TABLES:
        spark.read.parquet(str(folder / "data" / name)).createOrReplaceTempView(name)
    failures, unsaid, empty, compared = [], collections.Counter(), 0, 0
    for case in cases:
        text = said[case.name]
        if "unsaid" in text:
            unsaid[text["unsaid"]["message"]] += 1
            continue
        expected = con.execute(case.expected).fetchall()
        compared += 1
        empty += not expected
        try:
            columns, rows = answer(spark, case, text["sql"])
        except Exception as error:  # noqa: BLE001
            failures.append((case, text["sql"], f"{type(error).__name__}: {str(error)[:400]}"))
            continue
        why = f"columns {columns}, not {case.columns}" if columns != case.columns else judge.difference(expected, rows)
        if why:
            failures.append((case, text["sql"], why))
    stop()
    for case, sql, why in failures[:20]:
        print(f"\nMISMATCH {case.name} ({case.shape}) {json.dumps(case.settings, ensure_ascii=False)}\n  {why}\n{sql}\n  DuckDB: {case.expected}")
    print(f"seed {arguments.seed}: {compared} texts on {'Apache Spark' if arguments.apache_spark else 'Sail'}, {len(failures)} failed, {empty} had no row to show; not said: {dict(unsaid)}")
    few = compared < COMPARED_MIN and not arguments.only
    return 1 if failures or few or empty > EMPTY_SHARE_MAX * compared else 0


if __name__ == "__main__":
    sys.exit(command.main("sail", __doc__, prove, {
        "--seed": {"type": int, "default": 1},
        "--count": {"type": int, "default": 340},
        "--only": {},
        "--apache-spark": command.FLAG | {"help": "on Apache Spark instead (pip install pyspark==4.1.3 duckdb==2.0.0 pyarrow==26.0.1; Java 17)"},
    }))
