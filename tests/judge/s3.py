#!/usr/bin/env python3
"""End to end over S3: a hive-partitioned dataset, a plain prefix, a delivered result, the create-only rule, and a log published as tiles.

    . "$(localstack/harness up)"; tests/judge/s3.py [--airlock PATH] [--allow-not-run]

Must not know: which peer answers at $AWS_ENDPOINT_URL.
"""

import hashlib
import io
import json
import os
import random
import shutil
import sys
import threading
import uuid

sys.dont_write_bytecode = True

import boto3  # noqa: E402
import botocore.config  # noqa: E402
import botocore.exceptions  # noqa: E402
import duckdb  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

import airlock  # noqa: E402
import command  # noqa: E402
import tiles  # noqa: E402

CREATORS = 16
# What is said of a log that is not the one that was seen, or not as long.
OTHERS = {"log-forked", "log-rolled-back"}
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


def brought(s3, bucket, prefix, to):
    """What lies under a prefix, as files; its bytes by name."""
    held = {key.removeprefix(prefix): body for key, body in objects(s3, bucket).items() if key.startswith(prefix)}
    for name, body in held.items():
        path = to / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return held


def forked(gateway, folder, bucket):
    """The same gateway from a copy of its folder, which decides something else and publishes that elsewhere."""
    shutil.copytree(gateway.home, folder / "other")
    other = airlock.Airlock(gateway.binary, folder / "other")
    (other.home / "gateway.toml").write_text(f'[publish]\nto = "s3://{bucket}/forks"\n', encoding="utf-8")
    return other


def published(s3, bucket, gateway, folder):
    """A log published there grows, is verified where it lies, and nothing that was put in its checkpoint's place goes unnoticed."""
    prefix, at = "logs/over-s3/", f"s3://{bucket}/logs/over-s3"
    (gateway.home / "gateway.toml").write_text(f'[publish]\nto = "s3://{bucket}/logs"\n', encoding="utf-8")
    gateway.call("sync", "--once")
    key = gateway.call("audit", "export", "over-s3", "--to", str(folder / "log"))["key"]
    raw = bytes.fromhex(key.removeprefix("ed25519:"))
    before = brought(s3, bucket, prefix, folder / "before")
    leaves = tiles.verify(folder / "before", raw)
    gateway.call("audit", "verify", at, "--key", key)
    other = forked(gateway, folder, bucket)
    gateway.call("revoke", "over-s3", "--dataset", "visits", "--as", "shop")
    gateway.call("sync", "--once")
    after = brought(s3, bucket, prefix, folder / "after")
    grown = tiles.verify(folder / "after", raw)
    check(len(grown) > len(leaves) and grown[: len(leaves)] == leaves, f"a log of {len(leaves)} and then {len(grown)} leaves is the tiles of the text")
    check(all(after[name] == body for name, body in before.items() if name != "checkpoint"), "nothing but the checkpoint was replaced")
    (folder / "newest").write_bytes(after["checkpoint"])
    gateway.call("audit", "verify", at, "--key", key, "--older", str(folder / "newest"))
    witness = ["witness", at, "--key", key, "--name", "brand.example/w", "--key-file", str(folder / "w.key"), "--state", str(folder / "seen")]
    gateway.call(*witness, "--new-key")
    placed = lambda body: s3.put_object(Bucket=bucket, Key=f"{prefix}checkpoint", Body=body)  # noqa: E731
    # An older head of this very log: whoever saw the newer one refuses it, and the next publication goes on from it.
    placed(before["checkpoint"])
    _, error = gateway.refused("audit", "verify", at, "--key", key, "--older", str(folder / "newest"))
    check(error["code"] in OTHERS, f"a reader who has the newer checkpoint refuses an older one ({error['code']})")
    code, error = gateway.refused(*witness)
    check((code, error["code"]) == (3, "log-rolled-back"), f"so does a witness ({error['code']})")
    gateway.call("sync", "--once")
    check(brought(s3, bucket, prefix, folder / "again")["checkpoint"].startswith(after["checkpoint"]), "the next publication puts the newest there again")
    # A head that the same key signed over other leaves, as long and longer.
    for person, dataset in (("brand", "offers"), ("shop", "visits")):
        other.call("revoke", "over-s3", "--dataset", dataset, "--as", person)
        other.call("sync", "--once")
        fork = s3.get_object(Bucket=bucket, Key="forks/over-s3/checkpoint")["Body"].read()
        placed(fork)
        code, error = gateway.refused("sync", "--once")
        said = [one["code"] for one in error.get("problems", [])]
        size = fork.split(b"\n")[1].decode()
        check(code == 1 and said and set(said) <= OTHERS, f"a fork of {size} leaves is published over by nobody ({said})")
        check(s3.get_object(Bucket=bucket, Key=f"{prefix}checkpoint")["Body"].read() == fork, "it stays there to be seen")
        _, error = gateway.refused("audit", "verify", at, "--key", key, "--older", str(folder / "newest"))
        check(error["code"] in OTHERS | {"tile-differs", "tile-missing"}, f"a reader refuses it ({error['code']})")
        code, error = gateway.refused(*witness)
        check(error["code"] in OTHERS | {"tile-differs", "tile-missing"}, f"so does a witness ({error['code']})")
    placed(after["checkpoint"])
    gateway.call("sync", "--once")
    gateway.call("audit", "verify", at, "--key", key, "--older", str(folder / "newest"))


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
    logs = f"airlock-logs-{mark}"
    s3.create_bucket(Bucket=logs)
    published(s3, logs, gateway, folder)
    print("S3: passed")
    return 0


if __name__ == "__main__":
    sys.exit(command.main("s3", __doc__, prove, wrong=[AssertionError]))
