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
    "days": "SELECT e.day, COUNT(DISTINCT e.person) AS people FROM seen e JOIN customers c ON c.person = e.person GROUP BY e.day",
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
        self.arguments, self.folder, self.wrong = arguments, folder / name, getattr(self, "wrong", [])
        self.folder.mkdir()
        write_people(self.folder)
        self.stage = stage.Stage(self.folder, ACCOUNTS)
        self.stage.tell("POST", "settings", {"query_start_s": 0.0, "query_run_s": 0.0})
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
    before, landed_before = scene.files(), landings(scene, "shop")
    scene.same("receivers of worth", list(scene.as_native("worth", "shop")), ["shop"])
    scene.same("receivers of bands", list(scene.as_native("bands", "media")), ["bank"])
    scene.same("destinations", {f.split("/")[0] for f in scene.files()} - set(before), {"bank", "shop"})
    scene.same("queries landed with shop", len({key.split("/")[1] for key in set(landings(scene, "shop")) - set(landed_before)}), 1)
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


def not_ours(scene):
    """An owner whom nobody operates here: what the plan says it does, done as it is printed by the AWS CLI, leads to a run."""
    scene.agree(document(scene.folder, ["overlap"]), operated=["media"])
    waiting = scene.apply()["waiting"]
    room = scene.rooms("media")["media"]["id"]
    joins = f"aws cleanrooms create-membership --collaboration-identifier {room} --query-log-status ENABLED"
    scene.same("waits first for", [(w["member"], w["act"]) for w in waiting][:1], [("shop", joins)])
    scene.same("the plan waits for the same", scene.plan()["waiting"], waiting)
    scene.same("made in the owner's account", [one["operation"] for one in scene.stage.log() if one["account"] == ACCOUNTS["shop"]], [])
    code, error = scene.gateway.refused("run", NAME, "overlap", "--as", "media", "--room", ROOM)
    scene.same("a run before", (code, error["code"]), (3, "not-granted"))
    scene.stage.shell("shop", joins)
    waiting = scene.apply()["waiting"]
    scene.same("waits then for", [w["what"].split(" into ")[0] for w in waiting], ["it brings table customers"])
    try:
        for _ in range(4):
            for one in waiting:
                scene.stage.shell("shop", printed(scene, one["act"]), {"DataRole": f"arn:aws:iam::{ACCOUNTS['shop']}:role/airlock-data-reader", "CollaborationMedia": room})
            waiting = scene.apply()["waiting"] if waiting else []
        scene.same("waits after all that was printed", waiting, [])
    except airlock.Failed as failure:
        scene.wrong.append(f"what is printed for the owner doesn't run: {failure.errors.strip()[:200]}")
        table, association = by_hand(scene, "shop", "customers")
        scene.same("waits for no table", [w["what"].split(" allows ")[0] for w in scene.apply()["waiting"]], ["table customers is not ready: ANALYSIS_TEMPLATES_NOT_CONFIGURED"])
        scene.stage.client("shop").update_configured_table_analysis_rule(
            configuredTableIdentifier=table, analysisRuleType="CUSTOM", analysisRulePolicy={"v1": {"custom": {"allowedAnalyses": [scene.template("overlap")]}}})
    applied = scene.apply()
    scene.same("at the end", (applied["waiting"], applied["open"]), ([], ["dataset customers", "dataset seen", "template overlap"]))
    scene.same("nothing is left to do", (scene.plan()["steps"], scene.plan()["waiting"]), ([], []))
    scene.as_native("overlap")


def printed(scene, act):
    """The script of an act: a command as it is, or the document that another command prints."""
    if act.startswith("aws "):
        return act
    words = act.split("airlock ", 1)[1].split()
    return scene.gateway.call(*words)["document"]


def by_hand(scene, owner, dataset, runner="media"):
    """A table brought into a collaboration by its owner's own tools, its rule allowing nothing yet."""
    client, account = scene.stage.client(owner), ACCOUNTS[owner]
    membership, columns = scene.rooms(owner)[runner]["membershipId"], ["mail", *DATASETS[dataset][1]]
    table = client.create_configured_table(name=f"own {dataset}", tableReference={"glue": {"databaseName": "scenes", "tableName": dataset}}, allowedColumns=columns, analysisMethod="DIRECT_QUERY")
    table = table["configuredTable"]["id"]
    association = client.create_configured_table_association(
        name=dataset, membershipIdentifier=membership, configuredTableIdentifier=table, roleArn=f"arn:aws:iam::{account}:role/airlock-data-reader")
    client.create_configured_table_analysis_rule(configuredTableIdentifier=table, analysisRuleType="CUSTOM", analysisRulePolicy={"v1": {"custom": {"allowedAnalyses": []}}})
    return table, association["configuredTableAssociation"]["id"]


def gone(scene, member, how):
    """What the plan says, and what it would make, once a member is no member of the collaboration there any more."""
    plan = scene.plan()
    made = [s["call"] for s in plan["steps"] if s["call"] in ("CreateMembership", "CreateCollaboration") or s["call"].startswith("Create") and s["what"].endswith(f"of {member}")]
    scene.same(f"{how}: made anew", made, [])
    scene.same(f"{how}: said to show itself later", plan["pending"], False)
    scene.same(f"{how}: members waited for", sorted({w["member"] for w in plan["waiting"]}), [member])
    if plan["pending"] or not plan["waiting"]:
        return
    scene.same(f"{how}: apply ends with the same words", scene.apply()["waiting"], plan["waiting"])
    calls = {one["operation"] for one in scene.stage.log() if one["account"] == ACCOUNTS[member]}
    scene.same(f"{how}: calls as {member}", {c for c in calls if c.startswith("Create")}, set())


def removed(scene):
    """A member is removed by the collaboration's creator, or leaves: nothing brings it back, and what it brought is closed."""
    scene.agree(document(scene.folder, ["overlap", "bands"], ("shop", "media", "bank")))
    scene.same("waiting", scene.apply()["waiting"], [])
    bands, overlap = scene.template("bands"), scene.template("overlap")
    scene.same("bands before", scene.ask({"analysisTemplateArn": bands}), "SUCCESS")
    scene.stage.client("media").delete_member(collaborationIdentifier=scene.rooms("media")["media"]["id"], accountId=ACCOUNTS["bank"])
    scene.stage.tell("DELETE", "log")
    gone(scene, "bank", "removed")
    scene.same("its table", scene.schema("media", "accounts"), "ResourceNotFoundException")
    scene.same("bands after", scene.ask({"analysisTemplateArn": bands}), "FAILED")
    scene.same("what it sees itself", scene.schema("bank", "seen"), "no collaboration")
    code, error = scene.gateway.refused("run", NAME, "bands", "--as", "media", "--room", ROOM)
    scene.same("a run of what it brought", (code, error["code"]), (3, "not-granted"))
    scene.same("a run without it", scene.ask({"analysisTemplateArn": overlap}), "SUCCESS")
    scene.as_native("overlap")
    leave(scene, "shop")
    scene.stage.tell("DELETE", "log")
    gone_too = scene.plan()
    scene.same("left: made anew", [s["call"] for s in gone_too["steps"] if s["call"].startswith("Create")], [])
    scene.same("left: members waited for", sorted({w["member"] for w in gone_too["waiting"]}), ["bank", "shop"])
    scene.same("overlap after", scene.ask({"analysisTemplateArn": overlap}), "FAILED")
    code, error = scene.gateway.refused("run", NAME, "overlap", "--as", "media", "--room", ROOM)
    scene.same("a run of what is left", (code, error["code"]), (3, "not-granted"))


def leave(scene, member, runner="media"):
    """A member takes down what it has in a collaboration, and leaves it."""
    client, own = scene.stage.client(member), scene.rooms(member)[runner]["membershipId"]
    for one in client.list_privacy_budget_templates(membershipIdentifier=own)["privacyBudgetTemplateSummaries"]:
        client.delete_privacy_budget_template(membershipIdentifier=own, privacyBudgetTemplateIdentifier=one["id"])
    for one in client.list_configured_table_associations(membershipIdentifier=own)["configuredTableAssociationSummaries"]:
        which = {"membershipIdentifier": own, "configuredTableAssociationIdentifier": one["id"]}
        client.delete_configured_table_association_analysis_rule(**which, analysisRuleType="CUSTOM")
        client.delete_configured_table_association(**which)
    client.delete_membership(membershipIdentifier=own)


def removed_between(scene):
    """A member is removed between two passes: before it joined, and before its table came in."""
    scene.agree(document(scene.folder, ["overlap"]))
    for path, how in (("/memberships", "before it joined"), ("/configuredTableAssociations", "before its table")):
        if how == "before its table":
            # A withdrawn room is not made again: a new stage, and a new gateway on it.
            scene.__init__(scene.arguments, scene.folder.parent, f"{scene.folder.name}-2")
            scene.agree(document(scene.folder, ["overlap"]))
        stopped = lambda method, at, headers, _: denied() if method == "POST" and at.endswith(path) and of(headers, "shop") else None  # noqa: B023, E731
        with stage.Between(scene.stage.endpoint, stopped) as between:
            code, error = airlock.Airlock(scene.binary, scene.home, scene.stage.environment(endpoint=between.endpoint)).refused("apply", NAME, "--room", ROOM)
        scene.same(f"{how}: the pass", (code, error["code"]), (3, "access-denied"))
        scene.stage.client("media").delete_member(collaborationIdentifier=scene.rooms("media")["media"]["id"], accountId=ACCOUNTS["shop"])
        scene.stage.tell("DELETE", "log")
        gone(scene, "shop", how)
        scene.same(f"{how}: templates", scene.template("overlap"), None)
        scene.same(f"{how}: its table", scene.schema("media", "customers"), "ResourceNotFoundException")


def of(headers, member):
    """Whether a request is signed by a member's account."""
    return f"Credential={ACCOUNTS[member]}/" in headers.get("Authorization", headers.get("authorization", ""))


def denied():
    """The service's word for a missing permission."""
    body = json.dumps({"message": "User is not authorized to perform this", "reason": "INSUFFICIENT_PERMISSIONS"}).encode()
    return 403, {"x-amzn-ErrorType": "AccessDeniedException", "Content-Type": "application/json"}, body


EDITS = {}


def edit(effect, call, exposed=None):
    """An edit in the console, what the plan begins with then, and whether it let something out."""
    def keep(act):
        EDITS[act.__name__.replace("_", " ")] = (act, effect, call, exposed)
        return act
    return keep


class Console:
    """What somebody with the owner's or the runner's permissions does by hand."""

    def __init__(self, scene):
        self.scene, self.shop, self.media = scene, scene.stage.client("shop"), scene.stage.client("media")
        self.own, self.runs = scene.rooms("shop")["media"]["membershipId"], scene.rooms("media")["media"]["membershipId"]

    @property
    def table(self):
        """The owner's configured table."""
        return next(t for t in self.shop.list_configured_tables()["configuredTableSummaries"] if t["name"] == f"airlock.{NAME}.customers")

    @property
    def association(self):
        """The table's place in the collaboration."""
        return {"membershipIdentifier": self.own, "configuredTableAssociationIdentifier": self.shop.list_configured_table_associations(membershipIdentifier=self.own)["configuredTableAssociationSummaries"][0]["id"]}

    @property
    def budget(self):
        """The table's cap."""
        found = self.shop.list_privacy_budget_templates(membershipIdentifier=self.own)["privacyBudgetTemplateSummaries"][0]
        return {"membershipIdentifier": self.own, "privacyBudgetTemplateIdentifier": found["id"]}

    def rule(self):
        """The table's rule as it is."""
        found = self.shop.get_configured_table_analysis_rule(configuredTableIdentifier=self.table["id"], analysisRuleType="CUSTOM")
        return found["analysisRule"]["policy"]["v1"]["custom"]

    def set_rule(self, **changes):
        """The rule with other parts; None takes a part out."""
        custom = {name: value for name, value in (self.rule() | changes).items() if value is not None}
        self.shop.update_configured_table_analysis_rule(configuredTableIdentifier=self.table["id"], analysisRuleType="CUSTOM", analysisRulePolicy={"v1": {"custom": custom}})

    def whole(self):
        """All that the owner and the runner have, without what the platform makes up anew."""
        room = self.scene.rooms("media")["media"]["id"]
        arns = {t["arn"]: t["name"] for t in self.media.list_collaboration_analysis_templates(collaborationIdentifier=room)["collaborationAnalysisTemplateSummaries"]}
        table = self.shop.get_configured_table(configuredTableIdentifier=self.table["id"])["configuredTable"]
        rule = self.rule()
        receivers = self.shop.get_configured_table_association_analysis_rule(**self.association, analysisRuleType="CUSTOM")["analysisRule"]["policy"]["v1"]["custom"]["allowedResultReceivers"]
        cap = self.shop.get_privacy_budget_template(**self.budget)["privacyBudgetTemplate"]["parameters"]["accessBudget"]["budgetParameters"]
        for name in ("allowedLiteralComparisonColumns", "allowedColumnComparisonColumns"):
            rule["comparisonControls"][name].sort()
        rule["allowedAnalyses"] = sorted(arns.get(arn, arn) for arn in rule["allowedAnalyses"])
        return {"table": (table["tableReference"]["glue"]["tableName"], sorted(table["allowedColumns"])), "rule": rule, "receivers": receivers, "cap": cap, "templates": sorted(arns.values())}

    @edit("restrict", "UpdateConfiguredTableAnalysisRule", {"queryString": "SELECT c.region, COUNT(DISTINCT c.mail) AS n FROM customers c JOIN seen e ON c.mail = e.mail GROUP BY c.region"})
    def any_query(self):
        for client, dataset in ((self.shop, "customers"), (self.media, "seen")):
            table = next(t["id"] for t in client.list_configured_tables()["configuredTableSummaries"] if t["name"] == f"airlock.{NAME}.{dataset}")
            policy = {"v1": {"custom": {"allowedAnalyses": ["ANY_QUERY"], "allowedAnalysisProviders": [ACCOUNTS["media"]]}}}
            client.update_configured_table_analysis_rule(configuredTableIdentifier=table, analysisRuleType="CUSTOM", analysisRulePolicy=policy)

    @edit("revoke", "DeleteAnalysisTemplate", "by-hand")
    def foreign_template(self):
        text = "SELECT c.segment, COUNT(DISTINCT c.mail) AS n FROM customers c GROUP BY c.segment"
        made = self.media.create_analysis_template(membershipIdentifier=self.runs, name="by-hand-00000000", format="SQL", source={"text": text})["analysisTemplate"]["arn"]
        self.set_rule(allowedAnalyses=[*self.rule()["allowedAnalyses"], made])

    @edit("restrict", "UpdateConfiguredTableAnalysisRule")
    def dangling_arn(self):
        own = self.rule()["allowedAnalyses"]
        self.set_rule(allowedAnalyses=[*own, own[0][:-12] + "000000000000"])

    @edit("restrict", "UpdateConfiguredTableAnalysisRule")
    def threshold_lowered(self):
        self.set_rule(aggregationThresholds=[self.rule()["aggregationThresholds"][0] | {"minimumIdentityCount": 2}])

    @edit("restrict", "UpdateConfiguredTableAnalysisRule")
    def comparisons_allowed(self):
        self.set_rule(comparisonControls=None)

    @edit("revoke", "DeleteConfiguredTableAnalysisRule")
    def columns_widened(self):
        self.shop.update_configured_table(configuredTableIdentifier=self.table["id"], allowedColumns=["mail", "notes", "points", "region", "segment"])

    @edit("revoke", "DeleteConfiguredTableAnalysisRule")
    def another_table(self):
        self.shop.update_configured_table(configuredTableIdentifier=self.table["id"], tableReference={"glue": {"databaseName": "scenes", "tableName": "more_customers"}})

    @edit("restrict", "UpdateConfiguredTableAssociationAnalysisRule")
    def receiver_added(self):
        policy = {"v1": {"custom": {"allowedResultReceivers": [ACCOUNTS["media"], ACCOUNTS["shop"]]}}}
        self.shop.update_configured_table_association_analysis_rule(**self.association, analysisRuleType="CUSTOM", analysisRulePolicy=policy)

    @edit("restrict", "CreateConfiguredTableAssociationAnalysisRule")
    def receivers_deleted(self):
        self.shop.delete_configured_table_association_analysis_rule(**self.association, analysisRuleType="CUSTOM")

    @edit("restrict", "UpdatePrivacyBudgetTemplate")
    def cap_raised(self):
        parameters = {"accessBudget": {"budgetParameters": [{"type": "CALENDAR_DAY", "budget": 5000, "autoRefresh": "ENABLED"}]}}
        self.shop.update_privacy_budget_template(**self.budget, privacyBudgetType="ACCESS_BUDGET", parameters=parameters)

    @edit("restrict", "CreatePrivacyBudgetTemplate")
    def cap_deleted(self):
        self.shop.delete_privacy_budget_template(**self.budget)

    @edit("neutral", "CreateConfiguredTableAnalysisRule")
    def rule_deleted(self):
        self.shop.delete_configured_table_analysis_rule(configuredTableIdentifier=self.table["id"], analysisRuleType="CUSTOM")

    @edit("restrict", "UpdateConfiguredTableAnalysisRule")
    def template_deleted(self):
        found = self.media.list_analysis_templates(membershipIdentifier=self.runs)["analysisTemplateSummaries"]
        self.media.delete_analysis_template(membershipIdentifier=self.runs, analysisTemplateIdentifier=next(t["id"] for t in found if t["name"].startswith("overlap-")))

    @edit("restrict", "UpdateConfiguredTableAnalysisRule")
    def association_deleted(self):
        which = self.association
        self.shop.delete_privacy_budget_template(**self.budget)
        self.shop.delete_configured_table_association_analysis_rule(**which, analysisRuleType="CUSTOM")
        self.shop.delete_configured_table_association(**which)


def edited(scene):
    """Edits in the console: what is wider is planned first and closed, what is missing is made again, and nothing else changes."""
    scene.agree(document(scene.folder, ["overlap", "regions"]))
    scene.stage.table("shop", "scenes", "more_customers", scene.folder / "data" / "customers.parquet")
    scene.same("waiting", scene.apply()["waiting"], [])
    console, order = Console(scene), ["revoke", "restrict", "neutral", "grant"]
    before = console.whole()
    scene.same("templates", [name.rsplit("-", 1)[0] for name in before["templates"]], ["overlap", "regions"])
    for name, (act, effect, call, exposed) in EDITS.items():
        act(console)
        query = {"analysisTemplateArn": scene.template(exposed)} if isinstance(exposed, str) else exposed
        if query:
            scene.same(f"{name}: what it let out", scene.ask(query), "SUCCESS")
        steps = scene.plan()["steps"]
        scene.same(f"{name}: first", [(s["effect"], s["call"]) for s in steps][:1], [(effect, call)])
        scene.same(f"{name}: order", [s["effect"] for s in steps], sorted([s["effect"] for s in steps], key=order.index))
        scene.stage.tell("DELETE", "log")
        scene.same(f"{name}: waiting", scene.apply()["waiting"], [])
        scene.same(f"{name}: afterwards", console.whole(), before)
        scene.same(f"{name}: left to do", scene.plan()["steps"], [])
        scene.same(f"{name}: open without a fence", unfenced(scene.stage.log()), [])
        if query:
            scene.same(f"{name}: asked again", scene.ask(query) in ("FAILED", "ResourceNotFoundException"), True)
    scene.as_native("overlap")
    scene.as_native("regions")


def unfenced(log):
    """Calls that brought a table in while its rule was allowing something: for a moment anybody received, as often as they liked."""
    allowed, open_to = {}, []
    for one in log:
        if one["operation"] in ("GetConfiguredTableAnalysisRule", "UpdateConfiguredTableAnalysisRule", "CreateConfiguredTableAnalysisRule") and one["status"] == 200:
            rule = one["response"]["analysisRule"]
            allowed[rule["configuredTableId"]] = rule["policy"]["v1"]["custom"]["allowedAnalyses"]
        if one["operation"] == "CreateConfiguredTableAssociation" and allowed.get(one["request"]["configuredTableIdentifier"]):
            open_to.append(one["request"]["name"])
    return open_to


def foreign(scene):
    """What doesn't carry this gateway's tag is left alone: under a name of ours nothing is done, under another it isn't looked at."""
    scene.agree(document(scene.folder, ["overlap"]))
    shop = scene.stage.client("shop")
    make = lambda name: shop.create_configured_table(name=name, tableReference={"glue": {"databaseName": "scenes", "tableName": "customers"}}, allowedColumns=["mail", "notes"], analysisMethod="DIRECT_QUERY")["configuredTable"]  # noqa: E731
    own, taken = make("shop-own"), make(f"airlock.{NAME}.customers")
    rule = {"analysisRuleType": "CUSTOM", "analysisRulePolicy": {"v1": {"custom": {"allowedAnalyses": ["ANY_QUERY"], "allowedAnalysisProviders": [ACCOUNTS["media"]]}}}}
    shop.create_configured_table_analysis_rule(configuredTableIdentifier=own["id"], **rule)
    scene.stage.tell("DELETE", "log")
    for command in ("plan", "apply"):
        code, error = scene.gateway.refused(command, NAME, "--room", ROOM)
        scene.same(f"{command} under a taken name", (code, error["code"], f"airlock.{NAME}.customers" in error["message"]), (3, "name-taken", True))
    scene.same("written", [one["operation"] for one in scene.stage.log() if not one["operation"].startswith(("List", "Get", "BatchGet"))], [])
    shop.delete_configured_table(configuredTableIdentifier=taken["id"])
    scene.same("waiting", scene.apply()["waiting"], [])
    table = Console(scene).table
    tags = shop.list_tags_for_resource(resourceArn=table["arn"])["tags"]
    shop.untag_resource(resourceArn=table["arn"], tagKeys=list(tags))
    code, error = scene.gateway.refused("apply", NAME, "--room", ROOM)
    scene.same("a table that lost its tags", (code, error["code"]), (3, "name-taken"))
    shop.tag_resource(resourceArn=table["arn"], tags=tags)
    scene.same("with its tags again", (scene.plan()["steps"], scene.plan()["waiting"]), ([], []))
    scene.as_native("overlap")
    kept = shop.get_configured_table_analysis_rule(configuredTableIdentifier=own["id"], analysisRuleType="CUSTOM")["analysisRule"]["policy"]
    scene.same("the owner's other table", (kept, own["id"] in [t["id"] for t in shop.list_configured_tables()["configuredTableSummaries"]]), (rule["analysisRulePolicy"], True))


def withdrawn(scene):
    """A withdrawal of each kind: closed as the other member sees it, the rest goes on, and the gateway says what is open still."""
    agreement = document(scene.folder, ["overlap", "regions", "campaigns", "bands", "worth"], ("shop", "media", "bank"))
    scene.agree(agreement)
    opened = scene.apply()
    scene.same("waiting", opened["waiting"], [])
    arns = {name: scene.template(name) for name in agreement["templates"]}
    left = set(arns)
    kinds = (("approval", "campaigns", "shop", {"campaigns"}), ("template", "overlap", "shop", {"overlap"}), ("column", "customers.region", "shop", {"regions"}),
             ("dataset", "seen", "media", {"bands"}), ("membership", None, "bank", {"worth"}))
    for kind, what, member, closes in kinds:
        left -= closes
        revoked = scene.gateway.call("revoke", NAME, f"--{kind}", *([what] if what else []), "--as", member)
        scene.same(f"{kind}: rooms", [r["room"] for r in revoked["rooms"]], [ROOM])
        said = {o for r in revoked["rooms"] for o in r["open"]}
        scene.same(f"{kind}: said to be open", {f"template {n}" for n in closes} & said, set())
        for name in closes:
            scene.same(f"{kind}: {name} asked by hand", scene.ask({"analysisTemplateArn": arns[name]}) in ("FAILED", "ResourceNotFoundException"), True)
            code, error = scene.gateway.refused("run", NAME, name, "--as", "media", "--room", ROOM)
            scene.same(f"{kind}: {name} run", (code, error["code"]), (3, REFUSALS[kind]))
        applied = scene.apply()
        scene.same(f"{kind}: open after apply", {o for o in applied["open"] if o.startswith("template ")}, {f"template {n}" for n in left})
        scene.same(f"{kind}: nothing more to do", scene.plan()["steps"], [])
        seen = {table: scene.analyses("media", table) for table in DATASETS if scene.schema("media", table) == "READY"}
        usable = {n for n in arns if all(n in seen.get(table, []) for table in DATASETS if f" {table} " in TEMPLATES[n])}
        scene.same(f"{kind}: allowed as media sees it", usable, left)
        scene.same(f"{kind}: allowed by its owner", closes & set(seen.get({"shop": "customers", "media": "seen", "bank": "accounts"}[member], [])), set())
        for name in sorted(left)[:1]:
            scene.same(f"{kind}: {name} goes on", scene.ask({"analysisTemplateArn": arns[name]}), "SUCCESS")
            scene.as_native(name)
        if kind == "column":
            room = scene.rooms("media")["media"]["id"]
            columns = scene.stage.client("media").get_schema(collaborationIdentifier=room, name="customers")["schema"]["columns"]
            scene.same("column: columns that media sees", sorted(c["name"] for c in columns), ["mail", "points", "segment"])
    revoked = scene.gateway.call("revoke", NAME, "--room", "--as", "shop")
    scene.same("room: said to be open", [r["open"] for r in revoked["rooms"]], [[]])
    for table in DATASETS:
        scene.same(f"room: {table}", scene.schema("media", table) == "READY", False)
    scene.same("room: after apply", (scene.apply()["open"], scene.rooms("media"), scene.rooms("shop")), ([], {}, {}))
    for member in ACCOUNTS:
        left_over = scene.stage.client(member).list_configured_tables()["configuredTableSummaries"]
        scene.same(f"room: tables left with {member}", [t["name"] for t in left_over], [])


REFUSALS = {"approval": "approval-missing", "template": "approval-missing", "column": "column-revoked", "dataset": "dataset-revoked", "membership": "member-revoked"}


def stopped(scene):
    """A query that runs while something under it is withdrawn is cancelled, by the run's own process or, when that died, by the withdrawal."""
    scene.agree(document(scene.folder, ["overlap", "regions", "campaigns"]))
    scene.same("waiting", scene.apply()["waiting"], [])
    client, own = scene.stage.client("media"), scene.rooms("media")["media"]["membershipId"]
    scene.run("campaigns")
    delivered, landed = scene.files(), landings(scene, "media")
    for name, dies in (("overlap", False), ("regions", True)):
        scene.stage.tell("POST", "settings", {"query_run_s": 3600.0})
        before = {q["id"] for q in client.list_protected_queries(membershipIdentifier=own)["protectedQueries"]}
        running = subprocess.Popen([str(scene.binary), "--home", str(scene.home), "--json", "run", NAME, name, "--as", "media", "--room", ROOM],
                                   env=scene.gateway.environment, stdout=subprocess.PIPE, text=True)
        query = until(lambda: next((q["id"] for q in client.list_protected_queries(membershipIdentifier=own, status="STARTED")["protectedQueries"] if q["id"] not in before), None))  # noqa: B023
        if dies:
            running.kill()
            running.wait()
        begun = time.monotonic()
        revoked = scene.gateway.call("revoke", NAME, "--template", name, "--as", "shop")
        scene.same(f"{name}: said to be open", f"template {name}" in [o for r in revoked["rooms"] for o in r["open"]], False)
        state = until(lambda: client.get_protected_query(membershipIdentifier=own, protectedQueryIdentifier=query)["protectedQuery"]["status"] == "CANCELLED")  # noqa: B023
        scene.same(f"{name}: cancelled within 10 s", (state, time.monotonic() - begun < 10), (True, True))
        output = running.communicate(timeout=30)[0]
        if not dies:
            scene.same(f"{name}: how the run ended", (running.returncode, json.loads(output)["error"]["code"]), (3, "approval-missing"))
        scene.same(f"{name}: delivered", (scene.files(), landings(scene, "media")), (delivered, landed))
        scene.stage.tell("POST", "settings", {"query_run_s": 0.0})
    scene.as_native("campaigns")
    scene.same("runs on record", sorted(state.split(":")[0] for _, state in scene.gateway.call("status", NAME)["collaborations"][0]["runs"]), ["cancelled", "failed", "succeeded", "succeeded", "succeeded"])


def until(what, seconds=20):
    """What becomes true, once it is; nothing when it never is."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.1)
    return None


def landings(scene, member):
    """What lies in a member's landing."""
    found = scene.stage.client(member, "s3").list_objects_v2(Bucket=f"airlock-landing-{member}").get("Contents", [])
    return sorted(o["Key"] for o in found)


def quickstart(scene):
    """The quickstart's three templates over 45,000 people each: the same from raw identifiers, and from hashed ones in both rooms."""
    demo, accounts = scene.folder / "demo", {"retailer": "111111111111", "publisher": "222222222222"}
    raw = {r["template"]: r for r in scene.gateway.call("quickstart", "--people", "45000", "--dir", str(demo))["runs"]}
    scene.stage = stage.Stage(scene.folder, accounts)
    gateway = airlock.Airlock(scene.binary, scene.home, scene.stage.environment())
    text = (airlock.ROOT / "src/demo/agreement.yaml").read_text(encoding="utf-8").replace("[local]", f"[local, {stage.REGION}]")
    text = text.replace("rooms: [native]", f"rooms: [native, {{ platform: {ROOM}, region: {stage.REGION} }}]").replace(", normalise: phone-us", "")
    text = text.replace("type: utf8 }", "type: utf8, hashed: sha256-hex, normalise: none }").replace(": results/", f": {(scene.folder / 'results').as_uri()}/")
    for owner, dataset, keys in (("retailer", "customers", {"email": email, "phone": phone}), ("publisher", "exposures", {"mail": email, "mobile": phone})):
        file = scene.folder / "hashed" / f"{dataset}.parquet"
        hash_keys(demo / f"data/{owner}/{dataset}.parquet", file, keys)
        scene.stage.table(owner, "demo", dataset, file)
        text = text.replace(f"{{ native: data/{owner}/{dataset}.parquet }}", f"{{ native: '{file.as_uri()}', {ROOM}: {{ glue: {{ database: demo, table: {dataset} }} }} }}")
        text = text.replace("abilities: [contribute, run, receive] }", f'abilities: [contribute, run, receive], identity: {{ {ROOM}: "{accounts[owner]}" }} }}', 1)
    file = scene.folder / "quickstart.yaml"
    file.write_text(text, encoding="utf-8")
    scene.stage.connect(scene.home, ("retailer", "publisher"))
    scene.home.chmod(0o700)
    gateway.settle(file, "quickstart", list(accounts))
    code, error = gateway.refused("apply", "quickstart", "--room", ROOM)
    wider = [f"templates.{name}.received_by" for name in sorted(raw)]
    scene.same("without the owners' consent", (code, error["code"], sorted(p["at"].split()[-1] for p in error["problems"])), (3, "wider", wider))
    scene.same("made without it", [one for one in scene.stage.log() if one["operation"].startswith("Create")], [])
    for term in wider:
        for owner in accounts:
            gateway.call("waive", "quickstart", "--room", ROOM, "--at", term, "--as", owner)
    scene.same("waiting", gateway.call("apply", "quickstart", "--room", ROOM)["applied"]["waiting"], [])
    for template, receiver, least in (("overlap-by-segment", "retailer", 5), ("reach-and-frequency", "retailer", 10), ("winter-audience", "publisher", 1000)):
        rows = {"raw": airlock.delivered({"results": [{"receiver": receiver, "manifest": raw[template]["result"]}]}, receiver)}
        for room in (ROOM, "native"):
            report = gateway.call("run", "quickstart", template, "--as", "retailer", "--room", room)
            scene.same(f"{template}: receivers in {room}", [r["receiver"] for r in report["results"]], [receiver])
            rows[room] = airlock.delivered(report, receiver)
        scene.same(f"{template}: rows", len(rows["raw"][1]) >= least, True)
        for room in (ROOM, "native"):
            scene.same(f"{template}: columns in {room}", rows[room][0], rows["raw"][0])
            scene.same(f"{template}: rows in {room}", judge.difference(rows["raw"][1], rows[room][1]), None)


def email(text):
    """An address as its owner writes it down before hashing."""
    return text.strip().lower()


def phone(text):
    """A North American number in international form."""
    return f"+1{''.join(c for c in text if c.isdigit())[-10:]}"


def hash_keys(source, target, keys):
    """The same file with identifiers hashed by their owner."""
    table = pq.read_table(source)
    for name, normal in keys.items():
        made = [v and hashlib.sha256(normal(v).encode()).hexdigest() for v in table[name].to_pylist()]
        table = table.set_column(table.column_names.index(name), name, pa.array(made, pa.string()))
    target.parent.mkdir(exist_ok=True)
    pq.write_table(table, target)


def misspelt(scene):
    """What the platform can't spell or take is refused before anything is recorded, each beside a neighbour that passes."""
    def column(name, **changes):
        return lambda d: d["datasets"]["customers"]["columns"][name].update(changes)

    def both(*acts):
        return lambda d: [act(d) for act in acts]

    def sql(segments):
        return lambda d: d["templates"]["overlap"].update(sql=TEMPLATES["overlap"].replace(" GROUP", f" WHERE c.segment IN ({', '.join(repr(f's{n}') for n in range(segments))}) GROUP"))

    def renamed(name):
        return lambda d: d["datasets"].update({name: d["datasets"]["customers"]})

    glue, rooms = lambda name: lambda d: d["datasets"]["customers"]["at"][ROOM]["glue"].update(table=name), lambda region: lambda d: d["rooms"][1].update(region=region)  # noqa: E731
    account, home = lambda number: lambda d: d["members"]["shop"]["identity"].update({ROOM: number}), lambda *regions: lambda d: d.update(residency=["local", *regions])  # noqa: E731
    spelling, known = ("not-held", f"{ROOM} datasets.customers.columns"), (3, "room-refused")
    cases = (
        ("a column of other letters", column("points", **{"from": "größe"}), column("points", **{"from": "groesse"}), known, spelling),
        ("a column that ends in a hyphen", column("points", **{"from": "points-"}), column("points", **{"from": "points-n"}), known, spelling),
        ("a column of 128 letters", column("points", **{"from": "p" * 128}), column("points", **{"from": "p" * 127}), known, spelling),
        ("columns alike in lower case", both(column("points", **{"from": "Points"}), column("region", **{"from": "points"})), column("points", **{"from": "Points"}), known, spelling),
        ("a table of other letters", glue("kunden-ü"), glue("Kunden"), (2, "agreement-invalid"), ("location", "datasets.customers.at.aws-clean-rooms.glue.table")),
        ("a dataset in upper case", renamed("Others"), renamed("others"), (2, "agreement-invalid"), ("bad-identifier", "datasets.Others")),
        ("a dataset too long beside the collaboration", both(renamed("d" * 63), lambda d: d.update(collaboration="c" * 63)), renamed("d" * 63), known, ("not-held", f"{ROOM} datasets.{'d' * 63}.at")),
        ("an account of eleven digits", account("1" * 11), account("4" * 12), known, ("not-held", f"{ROOM} members.shop")),
        ("an account of two members", account(ACCOUNTS["media"]), account("4" * 12), known, ("not-held", f"{ROOM} members.shop")),
        ("a room without a Region", lambda d: d["rooms"][1].pop("region"), rooms("us-east-1"), known, ("not-held", f"{ROOM} rooms.{ROOM}")),
        ("a room outside residency", home("us-east-1"), home(stage.REGION), (2, "agreement-invalid"), ("residency", "rooms.1")),
        ("a text beyond every limit", sql(90_000), sql(90), (2, "agreement-invalid"), ("template-too-long", "templates.overlap.sql")),
    )
    scene.gateway.call("keygen", "--member", "shop")
    for what, bad, good, told, (code, at) in cases:
        for change, passes in ((good, True), (bad, False)):
            agreement = document(scene.folder, ["overlap", "regions"])
            change(agreement)
            if passes:
                scene.same(f"not {what}", "error" in scene.gateway.call("check", str(scene.write(agreement))), False)
                continue
            exit_code, error = scene.gateway.refused("check", str(scene.write(agreement)))
            scene.same(what, (exit_code, error["code"]), told)
            scene.same(f"{what}: where", [(p["code"], p["at"].endswith(at)) for p in error["problems"]][:1], [(code, True)])
            scene.same(f"{what}: proposed", scene.gateway.refused("apply", str(scene.folder / "agreement.json"), "--as", "shop")[0], told[0])
    scene.same("asked of the platform", scene.stage.log(), [])


def expired(code="ExpiredTokenException"):
    """The platform's word for credentials that are over."""
    return 403, {"x-amzn-ErrorType": code, "Content-Type": "application/json"}, b'{"message": "The security token included in the request is expired"}'


def expired_sts():
    """The same, as STS says it."""
    return 403, {"Content-Type": "text/xml"}, (b'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>ExpiredToken</Code>'
                                               b"<Message>The security token included in the request is expired</Message></Error><RequestId>1</RequestId></ErrorResponse>")


def credentials(scene):
    """Credentials that are over, missing or another account's, and permissions that are missing: named, nothing is done in that account."""
    scene.agree(document(scene.folder, ["overlap"]))
    broken = lambda error: [(p["code"], p["at"]) for p in error.get("problems", [])]  # noqa: E731
    at = lambda member, permission: f"{ROOM}, {member}: {permission}"  # noqa: E731
    tested = scene.gateway.call("connections", "test", NAME)["connections"]
    scene.same("all works", ([c["error"] for c in tested if c["error"]], {c["member"] for c in tested}), ([], {"media", "shop"}))
    reads = (
        ("expired", "credentials-refused", "shop", "sts:GetCallerIdentity", lambda m, p, h, b: expired_sts() if b"GetCallerIdentity" in b and of(h, "shop") else None),
        ("forbidden to list", "access-denied", "shop", "cleanrooms:ListConfiguredTables", lambda m, p, h, b: denied() if (m, p.split("?")[0]) == ("GET", "/configuredTables") and of(h, "shop") else None),
        ("forbidden to look at the landing", "landing-unreadable", "media", "s3:ListBucket",
         lambda m, p, h, b: (403, {}, b"<Error><Code>AccessDenied</Code></Error>") if m == "GET" and p.startswith("/airlock-landing-media") else None),
    )
    for what, code, member, permission, answer in reads:
        with stage.Between(scene.stage.endpoint, answer) as between:
            gateway = airlock.Airlock(scene.binary, scene.home, scene.stage.environment(endpoint=between.endpoint))
            exit_code, error = gateway.refused("connections", "test", NAME)
            scene.same(what, (exit_code, error["code"], broken(error)), (1, "connection-broken", [(code, at(member, permission))]))
            if member == "shop":
                waiting = gateway.call("plan", NAME, "--room", ROOM)["plan"]["waiting"]
                scene.same(f"{what}: plan", [(w["member"], w["what"]) for w in waiting], [("shop", f"its account could not be looked at: {code}")])
    writes = (("forbidden to write", "access-denied", 3, denied), ("expired in the middle", "credentials-refused", 1, expired))
    for what, code, wanted, answer in writes:
        stop = lambda m, p, h, b: answer() if (m, p) == ("POST", "/configuredTables") and of(h, "shop") else None  # noqa: B023, E731
        with stage.Between(scene.stage.endpoint, stop) as between:
            exit_code, error = airlock.Airlock(scene.binary, scene.home, scene.stage.environment(endpoint=between.endpoint)).refused("apply", NAME, "--room", ROOM)
        scene.same(what, (exit_code, error["code"]), (wanted, code))
        scene.same(f"{what}: says which call of whom", [word in json.dumps(error) for word in ("CreateConfiguredTable", "shop")], [True, True])
    secrets = Path(scene.stage.environment()["AWS_SHARED_CREDENTIALS_FILE"])
    right = secrets.read_text(encoding="utf-8")
    for what, text, code in (("another account's", right.replace(ACCOUNTS["shop"], ACCOUNTS["bank"]), "wrong-account"), ("missing", right.replace("[shop]", "[nobody]"), "credentials-missing")):
        secrets.write_text(text, encoding="utf-8")
        scene.stage.tell("DELETE", "log")
        exit_code, error = scene.gateway.refused("connections", "test", NAME)
        scene.same(what, (exit_code, error["code"], broken(error)), (1, "connection-broken", [(code, at("shop", "sts:GetCallerIdentity"))]))
        scene.same(f"{what}: waits for", [(w["member"], w["what"]) for w in scene.apply()["waiting"]], [("shop", f"its account could not be looked at: {code}")])
        scene.same(f"{what}: accounts called", {one["account"] for one in scene.stage.log()}, {ACCOUNTS["media"]})
        scene.same(f"{what}: made in the wrong account", scene.stage.client("bank").list_configured_tables()["configuredTableSummaries"], [])
    secrets.write_text(right, encoding="utf-8")
    scene.stage.tell("DELETE", "log")
    scene.gateway = airlock.Airlock(scene.binary, scene.home, scene.stage.environment(region="us-west-2"))
    scene.same("with all of it, under profiles of another Region", scene.apply()["waiting"], [])
    scene.same("Regions called", {one["region"] for one in scene.stage.log()}, {stage.REGION})
    scene.as_native("overlap")


def limits(scene):
    """Quotas, throttling, time limits and places that the platform refuses: said by name, nothing half delivered, and it goes on afterwards."""
    agreement = document(scene.folder, ["overlap", "regions"])
    agreement["residency"] = ["local", stage.REGION]
    scene.agree(agreement)
    scene.stage.tell("POST", "quotas", {"analysis templates per membership": 1})
    code, error = scene.gateway.refused("apply", NAME, "--room", ROOM)
    scene.same("a quota in the middle", (code, error["code"], "analysis templates per membership" in error["message"]), (1, "quota-exceeded", True))
    left = [(s["call"], s["what"].split("/")[1].split("-")[0]) for s in scene.plan()["steps"] if s["effect"] == "neutral"]
    scene.same("left to make", left, [("CreateAnalysisTemplate", "regions")])
    scene.stage.tell("POST", "quotas", {"analysis templates per membership": 25})
    scene.stage.tell("POST", "faults", {"faults": [{"kind": "throttle", "operation": "CreateAnalysisTemplate", "times": 5}]})
    applied = scene.apply()
    scene.same("raised, and throttled on the way", (applied["waiting"], applied["open"]), ([], ["dataset customers", "dataset seen", "template overlap", "template regions"]))
    scene.same("made twice", [t["name"] for t in Console(scene).media.list_analysis_templates(membershipIdentifier=Console(scene).runs)["analysisTemplateSummaries"]][2:], [])
    scene.as_native("overlap")
    before = scene.files()
    connections = (scene.home / "connections.toml").read_text(encoding="utf-8")
    elsewhere = scene.stage.bucket("airlock-landing-elsewhere", "media", "us-west-2")
    faults = lambda *all: lambda: scene.stage.tell("POST", "faults", {"faults": [{"kind": kind, "code": code} for kind, code in all]})  # noqa: E731
    landing = lambda bucket: lambda: (scene.home / "connections.toml").write_text(connections.replace("airlock-landing-media/", f"{bucket}/"), encoding="utf-8")  # noqa: E731
    cases = (
        ("the platform's time limit", faults(("query_timeout", "")), "platform-timed-out"),
        ("too little compute", faults(("query_failure", "INSUFFICIENT_COMPUTE")), "insufficient-compute"),
        ("a role without access", faults(("query_failure", "RESOURCE_ACCESS_DENIED")), "resource-access-denied"),
        ("a refused text", faults(("query_failure", "MALFORMED_QUERY")), "query-refused"),
        ("a bad moment", faults(("query_failure", "TRANSIENT_ERROR")), "platform-transient"),
        ("no query more", lambda: scene.stage.tell("POST", "quotas", {"concurrent queries per account": 0}), "quota-exceeded"),
        ("the source's bucket", landing("airlock-data-shop"), "configuration-refused"),
        ("a bucket in another Region", landing(elsewhere), "configuration-refused"),
        ("no bucket", landing("airlock-landing-nowhere"), "resource-access-denied"),
    )
    for what, act, wanted in cases:
        act()
        code, error = scene.gateway.refused("run", NAME, "overlap", "--as", "media", "--room", ROOM)
        scene.same(what, (code, error["code"]), (1, wanted))
        scene.same(f"{what}: delivered", scene.files(), before)
        scene.stage.tell("DELETE", "faults")
        scene.stage.tell("POST", "quotas", {"concurrent queries per account": 2})
        landing("airlock-landing-media")()
    scene.as_native("overlap")
    scene.same("still in the source's bucket", [o["Key"] for o in scene.stage.client("shop", "s3").list_objects_v2(Bucket="airlock-data-shop", Prefix="customers/")["Contents"]], ["customers/customers.parquet"])


class Meddler:
    """Changes what lies in a landing after a query has ended and before it is fetched."""

    def __init__(self, scene, change):
        self.scene, self.change, self.done = scene, change, []

    def __call__(self, method, path, body):
        """Looks for the answer that says a query succeeded."""
        if method != "GET" or "/protectedQueries/" not in path or b'"SUCCESS"' not in body:
            return
        query, client = json.loads(body)["protectedQuery"], self.scene.stage.client("media", "s3")
        bucket, prefix = query["result"]["output"]["s3"]["location"].removeprefix("s3://").split("/", 1)
        for one in client.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]:
            found = client.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
            changed = self.change(found)
            if isinstance(changed, dict):
                for name, content in changed.items():
                    client.put_object(Bucket=bucket, Key=prefix + name, Body=content)
            elif changed is None:
                client.delete_object(Bucket=bucket, Key=one["Key"])
            else:
                client.put_object(Bucket=bucket, Key=one["Key"], Body=changed)
            self.done.append(one["Key"])

    def run(self, template):
        """A run that is meddled with: what it delivered, or the code of its end."""
        with stage.Between(self.scene.stage.endpoint, alter=self) as between:
            gateway = airlock.Airlock(self.scene.binary, self.scene.home, self.scene.stage.environment(endpoint=between.endpoint))
            try:
                report = gateway.call("run", NAME, template, "--as", "media", "--room", ROOM)
            except airlock.Failed as failure:
                return failure.code, json.loads(failure.output)["error"]["code"]
            finally:
                self.scene.same("meddled with", bool(self.done), True)
        return airlock.delivered(report, "media")[1]


ODD = ("plain", 'say "hi", twice', "two\nlines", "", None, "Straße, naïve", " spaced ", "NULL", "0012")


def landed(scene):
    """What comes by way of CSV is what was computed; what was cut, retyped or renamed on the way ends the run, and nothing is delivered."""
    file = scene.folder / "data" / "customers.parquet"
    people = pq.read_table(file)
    odd = pa.array([ODD[int(k[:8], 16) % len(ODD)] for k in people["mail"].to_pylist()], pa.string())
    pq.write_table(people.set_column(1, "segment", odd), file)
    scene.agree(document(scene.folder, ["overlap", "regions"], minimum=5), result_format="csv")
    scene.same("waiting", scene.apply()["waiting"], [])
    native = scene.run("overlap", room="native")[1]["media"]
    scene.same("segments in the native room", {row[0] for row in native}, set(ODD))
    # In CSV an empty field is no value: nobody can tell which of the two it was.
    told = [(row[0] or None, *row[1:]) for row in native]
    scene.same("by way of CSV", judge.difference(told, scene.run("overlap")[1]["media"]), None)
    scene.stage.connect(scene.home, ("media",), "parquet")
    scene.same("by way of Parquet", judge.difference(native, scene.run("overlap")[1]["media"]), None)
    before = scene.files()
    meddled = {
        "csv": (
            ("left alone", lambda b: b, None),
            ("beside what is no part of it", lambda b: {"_SUCCESS": b"1", ".part-00000.csv.crc": b"crc"}, None),
            ("beside a stranger's object", lambda b: {"notes.txt": b"no part of it"}, "schema-mismatch"),
            ("cut within a line's first field", lambda b: b[: b.rindex(b"\n", 0, -1) + 3], "landing-unreadable"),
            ("cut within the last number", lambda b: b[:-3], "landing-unreadable"),
            ("of other types", lambda b: b.replace(b"north", b"north,x") if b"north" in b else b[:-1] + b"x\n", "landing-unreadable"),
            ("of another header", lambda b: b.replace(b"people", b"persons", 1), "schema-mismatch"),
            ("of one column more", lambda b: b"\n".join(line + b",x" for line in b.splitlines()) + b"\n", "schema-mismatch"),
            ("without its header", lambda b: b.split(b"\n", 1)[1], "schema-mismatch"),
            ("no text at all", lambda b: b"\x00\xff\xfe" * 9, "landing-unreadable"),
        ),
        "parquet": (
            ("left alone", lambda b: b, None),
            ("cut", lambda b: b[: len(b) // 2], "landing-unreadable"),
            ("of other types", lambda b: columns(b, lambda t: t.set_column(1, "people", t["people"].cast(pa.string()))), "schema-mismatch"),
            ("of wider numbers that fit", lambda b: columns(b, lambda t: t.set_column(1, "people", t["people"].cast(pa.int32()))), None),
            ("of another order", lambda b: columns(b, lambda t: t.select(t.column_names[::-1])), "schema-mismatch"),
            ("with a hidden column", lambda b: columns(b, lambda t: t.append_column("mail", pa.array(["x"] * t.num_rows))), "schema-mismatch"),
        ),
    }
    for form, cases in meddled.items():
        scene.stage.connect(scene.home, ("media",), form)
        right = scene.run("regions", room="native")[1]["media"]
        for what, change, code in cases:
            before = scene.files()
            found = Meddler(scene, change).run("regions")
            if code is None:
                scene.same(f"{form} {what}", isinstance(found, list) and judge.difference(right, found), None)
                continue
            scene.same(f"{form} {what}", found, (1, code))
            scene.same(f"{form} {what}: delivered", scene.files(), before)
    scene.as_native("regions")
    scene.same("left in scratch", [f for f in (scene.home / "scratch").rglob("*") if f.is_file()], [])


def columns(body, change):
    """A Parquet object with other columns."""
    made = pa.BufferOutputStream()
    pq.write_table(change(pq.read_table(pa.BufferReader(body))), made)
    return made.getvalue().to_pybytes()


def many_and_none(scene):
    """Results of many objects come whole; one without a row is a success that says which rule may have left everything out."""
    agreement = document(scene.folder, ["days"], minimum=10)
    scene.agree(agreement)
    scene.same("waiting", scene.apply()["waiting"], [])
    for parts in (1, 7, 50):
        scene.stage.tell("POST", "settings", {"result_parts": parts})
        before = landings(scene, "media")
        report, rows = scene.run("days")
        scene.same(f"{parts} parts: objects and rows", (len(landings(scene, "media")) - len(before), report["rows"], len(rows["media"])), (min(parts, 9), 9, 9))
        scene.same(f"{parts} parts", judge.difference(scene.run("days", room="native")[1]["media"], rows["media"]), None)
    few = Scene(scene.arguments, scene.folder, "few")
    scene.wrong = few.wrong = scene.wrong + few.wrong
    agreement = document(few.folder, ["overlap"], minimum=500)
    agreement["datasets"]["customers"]["columns"]["segment"]["activate"] = True
    agreement["datasets"]["customers"]["rule"]["activation"] = {"to": ["media"], "audience_min": 5000}
    agreement["templates"]["audience"] = {"class": "activation", "sql": "SELECT c.segment FROM customers c JOIN seen e ON c.person = e.person", "run_by": ["media"], "received_by": ["media"]}
    few.agree(agreement)
    few.same("few: waiting", few.apply()["waiting"], [])
    for template, words in (("overlap", "0 rows; groups with too few entities were left out, the room doesn't say how many"), ("audience", "the audience is below its minimum: withheld by rule, nothing was delivered")):
        report, rows = few.run(template)
        few.same(f"{template}: no row", (report["state"], report["rows"], report["withheld"], rows), ("succeeded", 0, None, {"media": []}))
        manifest = json.loads(airlock.local(report["results"][0]["manifest"]).read_text(encoding="utf-8"))
        few.same(f"{template}: the manifest", (manifest["rows"], manifest["withheld"], manifest["suppression"], manifest["platform"]), (0, None, "dropped", ROOM))
        rules = [(r["dataset"], r["entities_min"], r["rule_of"]) for r in manifest["rules"]]
        few.same(f"{template}: the rules that held", rules, [("customers", 500, "shop"), ("seen", 500, "media")] if template == "overlap" else [("customers", 5000, "shop")])
        command = [str(few.binary), "--home", str(few.home), "run", NAME, template, "--as", "media", "--room", ROOM]
        said = subprocess.run(command, env=few.gateway.environment, capture_output=True, text=True, check=False)
        few.same(f"{template}: said to people", (said.returncode, words in said.stdout), (0, True))
    few.same("the native room agrees", (few.run("overlap", room="native")[0]["withheld"], few.run("overlap", room="native")[1]), (3, {"media": []}))


SCENES = (two_runners, not_ours, removed, removed_between, edited, foreign, withdrawn, stopped, misspelt, credentials, limits, landed, many_and_none, quickstart)


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
