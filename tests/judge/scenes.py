#!/usr/bin/env python3
"""Plays scenes of a collaboration in AWS Clean Rooms, as LocalStack with the twin speaks it: runners, partners whom nobody operates here,
members who are removed, edits in the console, withdrawals, bad input, odd results.

    scenes.py [--airlock PATH] [--only SCENE] [--keep DIR] [--allow-not-run]

Each scene says exactly what must come out; what is refused has a legitimate twin that passes. Access is judged by raw calls of the other
member, never by what the gateway says of itself. Must not know how the gateway plans. The twin is ours: it is no proof about AWS.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True

import botocore.exceptions  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

import airlock  # noqa: E402
import judge  # noqa: E402
import stage  # noqa: E402

ROOM = "aws-clean-rooms"
NAME = "spring"
ACCOUNTS = {"shop": "111111111111", "media": "222222222222", "bank": "333333333333"}
ABILITIES = {"shop": ["contribute"], "media": ["contribute", "run", "receive"], "bank": ["contribute"]}
PEOPLE = 900
# Dataset: owner, and each column's type, use and what else is said of it.
DATASETS = {
    "customers": ("shop", {"segment": ("utf8", "dimension"), "region": ("utf8", "dimension"), "points": ("int64", "measure")}),
    "seen": ("media", {"campaign": ("utf8", "dimension"), "day": ("date", "dimension")}),
    "accounts": ("bank", {"band": ("utf8", "dimension"), "balance": ("float64", "measure")}),
}
TEMPLATES = {
    "overlap": "SELECT c.segment, COUNT(DISTINCT c.person) AS people, SUM(c.points) AS points FROM customers c JOIN seen e ON c.person = e.person GROUP BY c.segment",
    "regions": "SELECT c.region, COUNT(DISTINCT c.person) AS people FROM customers c JOIN seen e ON c.person = e.person GROUP BY c.region",
    "campaigns": "SELECT e.campaign, COUNT(DISTINCT e.person) AS people FROM seen e JOIN customers c ON c.person = e.person GROUP BY e.campaign",
    "bands": "SELECT a.band, COUNT(DISTINCT a.person) AS people FROM accounts a JOIN seen e ON a.person = e.person GROUP BY a.band",
    "worth": "SELECT c.segment, AVG(a.balance) AS balance FROM customers c JOIN accounts a ON c.person = a.person GROUP BY c.segment",
}


def hashed(number):
    """A person's key as its owners hash it."""
    return hashlib.sha256(f"person{number}@mail.example".encode()).hexdigest()


def write_people(folder):
    """Every dataset's file: the same people, each known to most."""
    rng, data = random.Random(7), folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    keys = lambda: [hashed(n) for n in range(PEOPLE) if rng.random() < 0.9]  # noqa: E731
    for name in DATASETS:
        mail = keys()
        values = {"mail": mail}
        if name == "customers":
            values |= {"segment": [("families", "students", "retired")[int(k[:8], 16) % 3] for k in mail], "region": [rng.choice(("north", "south")) for _ in mail],
                       "points": [rng.randrange(100) for _ in mail], "notes": [f"note {n}" for n in range(len(mail))]}
        if name == "seen":
            values |= {"campaign": [rng.choice(("winter", "spring")) for _ in mail], "day": pa.array([20_454 + rng.randrange(9) for _ in mail], pa.int32()).cast(pa.date32())}
        if name == "accounts":
            values |= {"band": [rng.choice(("a", "b")) for _ in mail], "balance": [rng.randrange(400) / 4 for _ in mail]}
        pq.write_table(pa.table(values), data / f"{name}.parquet")


def document(folder, templates, members=("shop", "media"), minimum=10, region=stage.REGION):
    """An agreement over some of the people; a template is its name, or its name with who runs and who receives it."""
    datasets = {}
    for name, (owner, columns) in DATASETS.items():
        said = {"person": {"from": "mail", "type": "utf8", "use": "match", "key": "email", "hashed": "sha256-hex", "normalise": "none"}}
        said |= {c: {"type": kind, "use": use} | ({"aggregates": ["sum", "avg"]} if use == "measure" else {}) for c, (kind, use) in columns.items()}
        at = {"native": f"data/{name}.parquet", ROOM: {"glue": {"database": "scenes", "table": name}}}
        if owner in members:
            datasets[name] = {"owner": owner, "at": at, "entity": "person", "columns": said, "rule": {"entities_min": minimum, "join": "required"}}
    made = {}
    for one in templates:
        name, runner, receiver = one if isinstance(one, tuple) else (one, "media", "media")
        made[name] = {"class": "aggregate", "sql": TEMPLATES[name], "run_by": [runner], "received_by": [receiver]}
    receivers = {t["received_by"][0] for t in made.values()}
    return {
        "agreement": "v1", "collaboration": NAME, "rooms": ["native", {"platform": ROOM, "region": region}],
        "members": {m: {"name": m.title(), "abilities": list(ABILITIES[m]), "identity": {ROOM: ACCOUNTS[m]}} for m in members},
        "datasets": datasets, "templates": made, "limits": {"runs_max": 50, "within": "24h"},
        "destinations": {r: (folder / "results" / r).as_uri() for r in sorted(receivers)},
    }


class Scene:
    """One scene: a stage as new, a gateway, and what was found wrong."""

    def __init__(self, arguments, folder, name):
        self.folder, self.wrong = folder / name, []
        self.folder.mkdir()
        write_people(self.folder)
        self.stage = stage.Stage(self.folder, ACCOUNTS)
        self.home = self.folder / "home"
        self.binary = airlock.binary(arguments.airlock)
        self.gateway = airlock.Airlock(self.binary, self.home, self.stage.environment())

    def same(self, what, found, wanted):
        """Notes what is not as it must be, and goes on."""
        if found != wanted:
            self.wrong.append(f"{what}: {found!r}, not {wanted!r}")

    def agree(self, agreement, receivers=("media",), operated=None, result_format="parquet"):
        """Tables on the stage, connections, an agreement that everybody joined and approved."""
        members = list(agreement["members"])
        for name, dataset in agreement["datasets"].items():
            self.stage.table(dataset["owner"], "scenes", name, self.folder / "data" / f"{name}.parquet")
        self.stage.connect(self.home, receivers, result_format, operated or members)
        self.home.chmod(0o700)
        self.file = self.write(agreement)
        self.gateway.settle(self.file, NAME, members)

    def write(self, agreement):
        """An agreement's file."""
        file = self.folder / "agreement.json"
        file.write_text(json.dumps(agreement), encoding="utf-8")
        return file

    def plan(self):
        """What would be done."""
        return self.gateway.call("plan", NAME, "--room", ROOM)["plan"]

    def apply(self):
        """Done, as far as it goes."""
        return self.gateway.call("apply", NAME, "--room", ROOM)["applied"]

    def run(self, template, member="media", room=ROOM, gateway=None):
        """A run's report, and each receiver's rows."""
        report = (gateway or self.gateway).call("run", NAME, template, "--as", member, "--room", room)
        return report, {r["receiver"]: airlock.delivered(report, r["receiver"])[1] for r in report["results"]}

    def as_native(self, template, member="media"):
        """A run here and in the native room gives every receiver the same."""
        there, here = self.run(template, member)[1], self.run(template, member, "native")[1]
        self.same(f"receivers of {template}", list(there), list(here))
        for receiver, rows in here.items():
            self.same(f"rows of {template} for {receiver}", bool(rows) and judge.difference(rows, there.get(receiver, [])), None)
        return there

    def files(self):
        """All that lies at destinations."""
        return sorted(str(f.relative_to(self.folder / "results")) for f in (self.folder / "results").rglob("*") if f.is_file())

    # What members see for themselves.

    def rooms(self, member):
        """The collaborations of a member, by who made each."""
        found = self.stage.client(member).list_collaborations()["collaborationList"]
        return {one["creatorDisplayName"]: one for one in found}

    def schema(self, viewer, table, runner="media"):
        """What a partner sees of a table: READY, the reasons why not, or that it is not there."""
        room = self.rooms(viewer).get(runner)
        if not room:
            return "no collaboration"
        try:
            found = self.stage.client(viewer).get_schema(collaborationIdentifier=room["id"], name=table)["schema"]
        except botocore.exceptions.ClientError as error:
            return error.response["Error"]["Code"]
        direct = next(d for d in found["schemaStatusDetails"] if d["analysisType"] == "DIRECT_ANALYSIS")
        return [r["code"] for r in direct["reasons"]] if direct["status"] != "READY" else "READY"

    def analyses(self, viewer, table, runner="media"):
        """The names of the templates that a table's rule allows, as a partner sees them."""
        client, room = self.stage.client(viewer), self.rooms(viewer)[runner]["id"]
        arns = {t["arn"]: t["name"].rsplit("-", 1)[0] for t in client.list_collaboration_analysis_templates(collaborationIdentifier=room)["collaborationAnalysisTemplateSummaries"]}
        rule = client.get_schema_analysis_rule(collaborationIdentifier=room, name=table, type="CUSTOM")["analysisRule"]["policy"]["v1"]["custom"]
        return sorted(arns.get(arn, arn) for arn in rule["allowedAnalyses"])

    def template(self, name, runner="media"):
        """The ARN of a template of the agreement."""
        client = self.stage.client(runner)
        found = client.list_analysis_templates(membershipIdentifier=self.rooms(runner)[runner]["membershipId"])["analysisTemplateSummaries"]
        return next((t["arn"] for t in found if t["name"].rsplit("-", 1)[0] == name), None)

    def ask(self, parameters, runner="media", output=None):
        """How a query ends that the runner starts by itself: its state, or the code of a refusal."""
        client, room = self.stage.client(runner), self.rooms(runner).get(runner)
        place = output or {"s3": {"resultFormat": "CSV", "bucket": self.stage.bucket(f"by-hand-{runner}", runner), "keyPrefix": "by-hand"}}
        try:
            query = client.start_protected_query(type="SQL", membershipIdentifier=room["membershipId"], sqlParameters=parameters, resultConfiguration={"outputConfiguration": place})
            query = query["protectedQuery"]
            while query["status"] in ("SUBMITTED", "STARTED", "CANCELLING"):
                time.sleep(0.05)
                query = client.get_protected_query(membershipIdentifier=room["membershipId"], protectedQueryIdentifier=query["id"])["protectedQuery"]
        except botocore.exceptions.ClientError as error:
            return error.response["Error"]["Code"]
        return query["status"]


def two_runners(scene):
    """Two members run: two collaborations, each with its own receivers; what an owner of both withdraws is closed in both."""
    agreement = document(scene.folder, [("worth", "shop", "shop"), ("bands", "media", "bank")], ("shop", "media", "bank"))
    agreement["members"]["shop"]["abilities"] = ["contribute", "run", "receive"]
    agreement["members"]["bank"]["abilities"] = ["contribute", "receive"]
    scene.agree(agreement, ("shop", "bank"))
    scene.same("waiting", scene.apply()["waiting"], [])
    for runner, others in (("shop", {"bank", "shop"}), ("media", {"bank", "media"})):
        room = scene.rooms("bank")[runner]
        members = scene.stage.client("bank").list_members(collaborationIdentifier=room["id"])["memberSummaries"]
        scene.same(f"members with {runner}", {m["displayName"] for m in members}, others)
    scene.same("what media sees of shop's", sorted(scene.rooms("media")), ["media"])
    before = scene.files()
    scene.same("receivers of worth", list(scene.as_native("worth", "shop")), ["shop"])
    scene.same("receivers of bands", list(scene.as_native("bands", "media")), ["bank"])
    scene.same("destinations", {f.split("/")[0] for f in scene.files()} - set(before), {"bank", "shop"})
    landed = scene.stage.client("shop", "s3").list_objects_v2(Bucket="airlock-landing-shop").get("Contents", [])
    scene.same("queries landed with shop", len({o["Key"].split("/")[1] for o in landed}), 1)
    code, error = scene.gateway.refused("run", NAME, "worth", "--as", "media", "--room", ROOM)
    scene.same("media runs shop's template", (code, error["code"]), (3, "runner-not-allowed"))
    bands, worth, to = scene.template("bands"), scene.template("worth", "shop"), lambda m: {"member": {"accountId": ACCOUNTS[m]}}
    scene.same("bands for bank", scene.ask({"analysisTemplateArn": bands}, output=to("bank")), "SUCCESS")
    scene.same("bands for media itself", scene.ask({"analysisTemplateArn": bands}), "ValidationException")
    scene.same("worth for bank", scene.ask({"analysisTemplateArn": worth}, "shop", to("bank")), "ValidationException")
    scene.same("worth for shop", scene.ask({"analysisTemplateArn": worth}, "shop"), "SUCCESS")
    revoked = scene.gateway.call("revoke", NAME, "--dataset", "accounts", "--as", "bank")
    scene.same("open after the withdrawal", [room["open"] for room in revoked["rooms"]], [[]])
    for runner in ("shop", "media"):
        scene.same(f"accounts with {runner}", scene.schema(runner, "accounts", runner), ["ANALYSIS_RULE_MISSING"])
    for runner, arn, output in (("shop", worth, None), ("media", bands, to("bank"))):
        scene.same(f"{runner} asks again", scene.ask({"analysisTemplateArn": arn}, runner, output), "ResourceNotFoundException")
        code, error = scene.gateway.refused("run", NAME, "worth" if runner == "shop" else "bands", "--as", runner, "--room", ROOM)
        scene.same(f"{runner} runs again", (code, error["code"]), (3, "dataset-revoked"))


SCENES = (two_runners,)


def play(arguments, folder):
    """Every scene in its turn; 0 when nothing was wrong."""
    failed = []
    for one in SCENES:
        if arguments.only and one.__name__ != arguments.only:
            continue
        begun, scene, wrong = time.monotonic(), Scene(arguments, folder, one.__name__), []
        try:
            one(scene)
        except (airlock.Failed, AssertionError, KeyError, IndexError, botocore.exceptions.ClientError) as error:
            wrong = [f"{type(error).__name__} {error}"]
            if arguments.keep:
                raise
        wrong = scene.wrong + wrong
        said = (one.__doc__ or "").splitlines()[0]
        print(f"{'WRONG' if wrong else 'holds'}: {one.__name__}, {time.monotonic() - begun:.1f} s: {said}", flush=True)
        for line in wrong:
            print(f"  {line[:900]}", flush=True)
        failed += [one.__name__] if wrong else []
    return 1 if failed else 0


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("--airlock")
    ask.add_argument("--only")
    ask.add_argument("--keep", help="a folder to leave everything in")
    ask.add_argument("--allow-not-run", action="store_true")
    arguments, _ = ask.parse_known_args()
    if arguments.keep:
        shutil.rmtree(arguments.keep, ignore_errors=True)
        Path(arguments.keep).mkdir(parents=True)
        return airlock.guarded(lambda: play(arguments, Path(arguments.keep).absolute()), arguments.allow_not_run)
    with tempfile.TemporaryDirectory(prefix="airlock-scenes-") as folder:
        return airlock.guarded(lambda: play(arguments, Path(folder)), arguments.allow_not_run)


if __name__ == "__main__":
    sys.exit(main())
