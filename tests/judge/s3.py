#!/usr/bin/env python3
"""End to end over S3: a hive-partitioned dataset, a plain prefix, a delivered result, and the create-only rule.

    . "$(localstack/harness up)"; tests/judge/s3.py [--airlock PATH] [--allow-not-run]

Must not know: which peer answers at $AWS_ENDPOINT_URL.
"""

import argparse
import hashlib
import io
import json
import os
import random
import sys
import tempfile
import threading
import uuid
from pathlib import Path

sys.dont_write_bytecode = True

import boto3  # noqa: E402
import botocore.config  # noqa: E402
import botocore.exceptions  # noqa: E402
import duckdb  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

import airlock  # noqa: E402

CREATORS = 16
SQL = ("SELECT v.year, o.campaign, COUNT(DISTINCT v.person) AS people, SUM(v.amount) AS amount "
       "FROM visits v JOIN offers o ON v.person = o.person WHERE o.campaign <= :last GROUP BY v.year, o.campaign")


def check(holds, what):
    """Says what holds; stops at what does not."""
    if not holds:
        raise AssertionError(what)
    print(f"  ok: {what}")


def client():
    """A client of the peer, or NotRun."""
    if not os.environ.get("AWS_ENDPOINT_URL"):
        raise airlock.NotRun('no S3 peer: . "$(localstack/harness up)" names one in AWS_ENDPOINT_URL')
    config = botocore.config.Config(retries={"max_attempts": 1}, max_pool_connections=CREATORS, s3={"addressing_style": "path"})
    s3 = boto3.client("s3", config=config)
    try:
        s3.list_buckets()
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        raise airlock.NotRun(f"the S3 peer does not answer: {type(error).__name__}") from None
    return s3


def one_winner(s3, bucket):
    """Of so many creators of one key at once, one succeeds; its bytes stay."""
    for turn in range(3):
        key, outcomes, gate = f"race/{turn}", [], threading.Barrier(CREATORS)

        def create(number, key=key, outcomes=outcomes, gate=gate):
            gate.wait()
            try:
                s3.put_object(Bucket=bucket, Key=key, Body=str(number).encode(), IfNoneMatch="*")
                outcomes.append(number)
            except botocore.exceptions.ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] not in (409, 412):
                    raise

        threads = [threading.Thread(target=create, args=(n,)) for n in range(CREATORS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        kept = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        if len(outcomes) != 1 or kept != str(outcomes[0]).encode():
            raise AssertionError(f"{len(outcomes)} of {CREATORS} concurrent creators won")
    check(True, f"the peer lets one of {CREATORS} concurrent creators win, three times of three")


def put(s3, bucket, key, columns):
    """One Parquet object."""
    body = io.BytesIO()
    pq.write_table(pa.table(columns), body, row_group_size=200)
    s3.put_object(Bucket=bucket, Key=key, Body=body.getvalue())


def fill(s3, bucket):
    """Visits by year as a hive-partitioned prefix, offers as a prefix of two files; what DuckDB sees of them."""
    rng, con = random.Random(11), duckdb.connect()
    con.execute("CREATE TABLE visits (person BIGINT, amount DOUBLE, year BIGINT)")
    con.execute("CREATE TABLE offers (person BIGINT, campaign BIGINT)")
    for year in (2024, 2025, 2026):
        rows = [(rng.choice((None, *range(1, 400))), round(rng.uniform(-5, 90), 2)) for _ in range(900)]
        for part in range(2):
            some = rows[part::2]
            put(s3, bucket, f"visits/year={year}/part-{part}.parquet", {"person": pa.array([r[0] for r in some], pa.int64()), "amount": [r[1] for r in some]})
        con.executemany("INSERT INTO visits VALUES (?, ?, ?)", [(*r, year) for r in rows])
    offers = [(rng.randint(1, 500), rng.randint(1, 6)) for _ in range(700)]
    for part in range(2):
        put(s3, bucket, f"offers/part-{part}.parquet", {"person": [r[0] for r in offers[part::2]], "campaign": [r[1] for r in offers[part::2]]})
    con.executemany("INSERT INTO offers VALUES (?, ?)", offers)
    return con


def agreement(source, results):
    """Two members, two datasets in one bucket, results in another."""
    key = {"from": "person", "type": "int64", "use": "match", "key": "person"}
    return {
        "agreement": "v1", "collaboration": "over-s3",
        "members": {"shop": {"name": "Shop", "abilities": ["contribute"]}, "brand": {"name": "Brand", "abilities": ["contribute", "run", "receive"]}},
        "rooms": ["native"],
        "datasets": {
            "visits": {"owner": "shop", "at": {"native": f"s3://{source}/visits/"}, "entity": "person", "rule": {"entities_min": 70, "join": "required"},
                       "columns": {"person": key, "year": {"type": "int64", "use": "dimension"}, "amount": {"type": "float64", "use": "measure", "aggregates": ["sum"]}}},
            "offers": {"owner": "brand", "at": {"native": f"s3://{source}/offers/"}, "entity": "person", "rule": {"entities_min": 1},
                       "columns": {"person": key, "campaign": {"type": "int64", "use": "dimension"}}},
        },
        "templates": {"spend": {"class": "aggregate", "sql": SQL, "parameters": {"last": {"type": "int64", "min": 1, "max": 9}}, "run_by": ["brand"], "received_by": ["brand"]}},
        "destinations": {"brand": f"s3://{results}/inbox"},
    }


def objects(s3, bucket):
    """Every object of a bucket with its bytes."""
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {o["Key"]: s3.get_object(Bucket=bucket, Key=o["Key"])["Body"].read() for o in listed}


def delivered(s3, bucket, run):
    """The rows behind a manifest, after checking that nothing else lies there and every digest holds."""
    held = objects(s3, bucket)
    prefix = f"inbox/over-s3/{run}/"
    manifest = json.loads(held[prefix + "manifest.json"])
    names = {prefix + f["name"] for f in manifest["files"]}
    check(held.keys() == names | {prefix + "manifest.json"}, "the destination holds the manifest, its files and nothing else")
    rows = []
    for part in manifest["files"]:
        body = held[prefix + part["name"]]
        check(part["bytes"] == len(body) and part["sha256"] == "sha256:" + hashlib.sha256(body).hexdigest(), f"{part['name']} is what the manifest says")
        rows += [tuple(r.values()) for r in pq.read_table(io.BytesIO(body)).to_pylist()]
    check(manifest["rows"] == len(rows), "the manifest counts the delivered rows")
    return rows


def prove(arguments, folder):
    """The whole proof."""
    from judge import difference

    s3 = client()
    binary = airlock.binary(arguments.airlock)
    mark = uuid.uuid4().hex[:8]
    source, results = f"airlock-source-{mark}", f"airlock-results-{mark}"
    for bucket in (source, results):
        s3.create_bucket(Bucket=bucket)
    one_winner(s3, source)
    con = fill(s3, source)
    before = objects(s3, source)
    file = folder / "agreement.json"
    file.write_text(json.dumps(agreement(source, results)), encoding="utf-8")
    gateway = airlock.Airlock(binary, folder / "home")
    gateway.settle(file, "over-s3", ["shop", "brand"])
    call = ("run", "over-s3", "spend", "--as", "brand", "--set", "last=4", "--run-id", "first-run")
    report = gateway.call(*call)
    expected = con.execute(f"SELECT year, campaign, people, amount FROM ({SQL.replace(':last', '4')}) WHERE people >= 70").fetchall()
    held = con.execute(f"SELECT count(*) FROM ({SQL.replace(':last', '4')}) WHERE people < 70").fetchone()[0]
    found = difference(expected, delivered(s3, results, "first-run"))
    check(not found and expected, f"{len(expected)} rows as DuckDB has them ({found or 'no difference'})")
    check(report["withheld"] == held and held, f"{held} groups withheld, as DuckDB would")
    after = objects(s3, results)
    try:
        gateway.call(*call)
        again = 0
    except airlock.Failed as failure:
        again = failure.code
    check(again == 3, "the same run id a second time is refused")
    check(objects(s3, results) == after, "the refused run changed nothing at the destination")
    check(objects(s3, source) == before, "no run changed the source")
    print("S3: passed")
    return 0


def main():
    """Reads arguments, proves, ends."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--airlock")
    parser.add_argument("--allow-not-run", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="airlock-s3-") as folder:
        try:
            return airlock.guarded(lambda: prove(arguments, Path(folder)), arguments.allow_not_run)
        except AssertionError as wrong:
            print(f"FAILED: {wrong}", file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main())
