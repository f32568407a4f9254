#!/usr/bin/env python3
"""Reads collaborations of AWS Clean Rooms into agreements, as LocalStack with the twin speaks it: those that Airlock made come back so
that nothing is left to do, those that hands made are described as narrowly as they are, and whatever is not said is named.

    import.py [--airlock PATH] [--only SCENE] [--keep DIR] [--allow-not-run]

Each scene's rooms are made by a gateway or by boto3; what was imported is checked, agreed and planned by another gateway, and access is
judged by raw calls. Must not know how anything is imported. The twin is ours: it is no proof about AWS.
"""

import json
import subprocess
import sys
import time

sys.dont_write_bytecode = True

import botocore.exceptions  # noqa: E402

import airlock  # noqa: E402
import judge  # noqa: E402
import playing  # noqa: E402
import stage  # noqa: E402
from scene import ACCOUNTS, DATASETS, NAME, ROOM, Scene, denied, document, of  # noqa: E402

WIDER = "is open wider than agreed"


class Importing(Scene):
    """A scene with a second gateway, which knows the accounts and nothing of the first one's log."""

    def __init__(self, arguments, folder, name):
        super().__init__(arguments, folder, name)
        self.second = airlock.Airlock(self.binary, self.folder / "second", self.stage.environment())
        self.imported = 0

    def reach(self, members=("shop", "media"), receivers=("media",)):
        """How the second gateway reaches them."""
        self.stage.connect(self.folder / "second", receivers, operated=members)
        (self.folder / "second").chmod(0o700)

    def words(self, rooms, members=("shop", "media"), more=()):
        """The command line of an import."""
        named = [f"--member={m}={ACCOUNTS[m]}" for m in members]
        places = [f"--destination=media={(self.folder / 'results' / 'media').as_uri()}"] if "media" in members else []
        return ["import", "aws", f"--region={stage.REGION}", *(f"--collaboration={r}" for r in rooms), *named, *places, *more]

    def bring(self, *rooms, **words):
        """An import's file and report; it wrote nothing there, and says the same again."""
        self.stage.tell("DELETE", "log")
        self.imported += 1
        file = self.folder / f"imported-{self.imported}.yaml"
        report = self.second.call(*self.words(rooms, **words), f"--out={file}")["import"]
        self.same("written by an import", self.writes(), [])
        again = self.second.call(*self.words(rooms, **words))["import"]
        self.same("the same again", (again["document"], file.read_text(encoding="utf-8")), (report["document"], report["document"]))
        checked = self.second.call("check", str(file))
        self.same("checked", checked["collaboration"], report["collaboration"])
        return file, report

    def codes(self, report):
        """What is not in the agreement."""
        return sorted({(one["code"], one["at"]) for one in report["unexpressed"]})

    def planned(self, name):
        """What the second gateway would do, and waits for."""
        plan = self.second.call("plan", name, "--room", ROOM)["plan"]
        return [step["call"] for step in plan["steps"]], plan["waiting"]


def made_here(scene):
    """What Airlock made comes back: checked, agreed in another log, and nothing is left to do; a run there gives the same rows."""
    agreement = document(scene.folder, ["overlap", "regions", "days"])
    agreement["datasets"]["customers"]["columns"]["region"]["use"] = "dimension"
    agreement["datasets"]["customers"]["rows"] = [{"from": "region", "type": "utf8", "any_of": ["north", "south"]}]
    del agreement["datasets"]["customers"]["columns"]["region"]
    agreement["templates"].pop("regions")
    agreement["templates"]["band"] = {
        "class": "aggregate", "run_by": ["media"], "received_by": ["media"], "parameters": {"least": {"type": "int64", "min": 0, "max": 50, "default": 3}, "since": {"type": "date", "min": "2026-01-01"}},
        "sql": "WITH p AS (SELECT c.person, SUM(c.points) AS points FROM customers c GROUP BY c.person) SELECT e.campaign, CASE WHEN p.points > :least THEN 'many' ELSE 'few' END AS band,"
               " COUNT(DISTINCT e.person) AS people FROM p JOIN seen e ON p.person = e.person WHERE e.day >= :since GROUP BY e.campaign, band ORDER BY people DESC"}
    scene.agree(agreement)
    scene.same("waiting", scene.apply()["waiting"], [])
    rows = scene.run("overlap")[1]
    scene.reach()
    file, report = scene.bring(scene.rooms("media")["media"]["id"])
    scene.same("called", report["collaboration"], NAME)
    scene.same("not in the agreement", report["unexpressed"], [])
    scene.same("Airlock's own", report["is_own"], True)
    scene.second.settle(file, NAME, ["shop", "media"])
    scene.same("left to do", scene.planned(NAME), ([], []))
    here = scene.second.call("plan", NAME, "--room", ROOM)["plan"]
    scene.same("open, as the first says", here["open"], scene.plan()["open"])
    report, _ = scene.run("overlap", gateway=scene.second)
    scene.same("rows", judge.difference(rows["media"], airlock.delivered(report, "media")[1]), None)
    scene.second.call("revoke", NAME, "--dataset", "customers", "--as", "shop")
    scene.same("a withdrawal by the second", scene.schema("media", "customers"), "ResourceNotFoundException")


def two_rooms(scene):
    """An agreement of two runners is two collaborations: with one of them named, the other is told; with both, nothing is left to do."""
    agreement = document(scene.folder, [("overlap", "media", "media"), ("worth", "shop", "shop")], ("shop", "media", "bank"))
    agreement["members"]["shop"]["abilities"] = ["contribute", "run", "receive"]
    scene.agree(agreement, ("shop", "media"))
    scene.same("waiting", scene.apply()["waiting"], [])
    everybody = ("shop", "media", "bank")
    scene.reach(everybody, ("shop", "media"))
    rooms = {runner: scene.rooms(runner)[runner] for runner in ("shop", "media")}
    _, report = scene.bring(rooms["media"]["id"], members=everybody)
    told = [one for one in scene.codes(report) if one[0] == "beside"]
    scene.same("told of the other", told, [("beside", f"collaboration {rooms['shop']['name']}")])
    file, report = scene.bring(*(room["id"] for room in rooms.values()), members=everybody,
                               more=[f"--destination=shop={(scene.folder / 'results' / 'shop').as_uri()}"])
    scene.same("not in the agreement", report["unexpressed"], [])
    scene.second.settle(file, NAME, list(everybody))
    scene.same("left to do", scene.planned(NAME), ([], []))


class Hands:
    """A collaboration of shop and media that nobody but their own tools made."""

    def __init__(self, scene, name="Reach 2026", **settings):
        self.scene, self.shop, self.media = scene, scene.stage.client("shop"), scene.stage.client("media")
        self.room = self.media.create_collaboration(
            name=name, description="by hand", creatorDisplayName="media", creatorMemberAbilities=["CAN_QUERY", "CAN_RECEIVE_RESULTS"], queryLogStatus="ENABLED",
            members=[{"accountId": ACCOUNTS["shop"], "displayName": "shop", "memberAbilities": []}], **settings)["collaboration"]["id"]
        self.own = {m: scene.stage.client(m).create_membership(collaborationIdentifier=self.room, queryLogStatus="ENABLED")["membership"]["id"] for m in ("shop", "media")}
        self.tables = {}

    def table(self, dataset, name=None, columns=None):
        """A dataset's table, brought in."""
        owner, known = DATASETS[dataset]
        self.scene.stage.table(owner, "scenes", dataset, self.scene.folder / "data" / f"{dataset}.parquet")
        client, name = self.scene.stage.client(owner), name or dataset
        made = client.create_configured_table(
            name=f"{name} by hand", tableReference={"glue": {"databaseName": "scenes", "tableName": dataset}}, allowedColumns=columns or ["mail", *known], analysisMethod="DIRECT_QUERY")
        self.tables[name] = (client, made["configuredTable"]["id"])
        return client.create_configured_table_association(
            name=name, membershipIdentifier=self.own[owner], configuredTableIdentifier=made["configuredTable"]["id"], roleArn=f"arn:aws:iam::{ACCOUNTS[owner]}:role/airlock-data-reader")

    def template(self, name, sql, **more):
        """A template's ARN."""
        made = self.media.create_analysis_template(membershipIdentifier=self.own["media"], name=name, format="SQL", source={"text": sql}, **more)
        return made["analysisTemplate"]["arn"]

    def rule(self, name, kind="CUSTOM", **policy):
        """A table's rule."""
        client, table = self.tables[name]
        client.create_configured_table_analysis_rule(configuredTableIdentifier=table, analysisRuleType=kind, analysisRulePolicy={"v1": {kind.lower(): policy}})

    def ask(self, **parameters):
        """How a query of media's ends there."""
        place = {"s3": {"resultFormat": "CSV", "bucket": self.scene.stage.bucket("by-hand-media", "media"), "keyPrefix": "by-hand"}}
        try:
            query = self.media.start_protected_query(
                type="SQL", membershipIdentifier=self.own["media"], sqlParameters=parameters, resultConfiguration={"outputConfiguration": place})["protectedQuery"]
            while query["status"] in ("SUBMITTED", "STARTED"):
                time.sleep(0.05)
                query = self.media.get_protected_query(membershipIdentifier=self.own["media"], protectedQueryIdentifier=query["id"])["protectedQuery"]
        except botocore.exceptions.ClientError as error:
            return error.response["Error"]["Code"]
        return query["status"]


REACH = "SELECT c.segment, COUNT(DISTINCT c.mail) AS people, SUM(c.points) AS points FROM customers c JOIN seen e ON c.mail = e.mail GROUP BY c.segment"


def by_hand(scene):
    """What hands made is held by new things beside it; the old stays open, the plan says so until its owner closes it, and what it says closes it."""
    hands = Hands(scene)
    hands.table("customers")
    hands.table("seen")
    arn = hands.template("reach", REACH)
    hands.rule("customers", allowedAnalyses=[arn], aggregationThresholds=[
        {"identityColumns": ["mail"], "minimumIdentityCount": 25, "type": "COUNT_DISTINCT", "allowedAggregateExpressionType": "COLUMNS_ONLY"}])
    hands.rule("seen", allowedAnalyses=[arn])
    scene.reach()
    file, report = scene.bring(hands.room)
    name = report["collaboration"]
    scene.same("called", (name, report["datasets"], report["templates"], report["is_own"]), ("reach-2026", 2, 1, False))
    scene.same("not in the agreement", scene.codes(report), [("made-anew", "collaboration Reach 2026"), ("rule-control", "table customers")])
    document_text = report["document"]
    for said in ("entities_min: 25", "use: measure, aggregates: [sum]", "segment: { from: segment, type: utf8, use: dimension }"):
        scene.same(f"says {said}", said in document_text, True)
    for hidden in ("region", "campaign", "day"):
        scene.same(f"says {hidden}", f"{hidden}: {{ from" in document_text, False)
    scene.second.settle(file, name, ["shop", "media"])
    calls, waiting = scene.planned(name)
    scene.same("made anew", "CreateCollaboration" in calls, True)
    scene.same("said to be wider", sorted(w["member"] for w in waiting if WIDER in w["what"]), ["media", "shop"])
    applied = scene.second.call("apply", name, "--room", ROOM)["applied"]
    scene.same("open anew", applied["open"], ["dataset customers", "dataset seen", "template reach"])
    scene.same("the old is as it was", hands.ask(analysisTemplateArn=arn), "SUCCESS")
    calls, waiting = scene.planned(name)
    scene.same("left to do", (calls, [WIDER in w["what"] for w in waiting]), ([], [True, True]))
    report = scene.second.call("run", name, "reach", "--as", "media", "--room", ROOM)
    scene.same("runs", bool(airlock.delivered(report, "media")[1]), True)
    for one in waiting:
        scene.stage.shell(one["member"], one["act"])
    scene.same("after what was said", scene.planned(name), ([], []))
    scene.same("the old is closed", hands.ask(analysisTemplateArn=arn) == "SUCCESS", False)
    report = scene.second.call("run", name, "reach", "--as", "media", "--room", ROOM)
    scene.same("the new is not", bool(airlock.delivered(report, "media")[1]), True)


def own_texts(scene):
    """Rules that let a runner write its own text are told as wider; their columns are taken up by their roles, and no template of it."""
    hands = Hands(scene, autoApprovedChangeRequestTypes=["ADD_MEMBER"])
    hands.table("customers")
    hands.table("seen")
    hands.table("customers", "listed")
    hands.rule("customers", "AGGREGATION", aggregateColumns=[{"columnNames": ["points"], "function": "SUM"}], joinColumns=["mail"], dimensionColumns=["segment"], joinRequired="QUERY_RUNNER",
               scalarFunctions=[], outputConstraints=[{"columnName": "mail", "minimum": 40, "type": "COUNT_DISTINCT"}])
    hands.rule("seen", allowedAnalyses=["ANY_QUERY"], allowedAnalysisProviders=[ACCOUNTS["media"]])
    hands.rule("listed", "LIST", joinColumns=["mail"], listColumns=["segment"])
    scene.reach()
    _, report = scene.bring(hands.room)
    told = scene.codes(report)
    for table in ("customers", "seen", "listed"):
        scene.same(f"told of {table}", ("rule-lets-queries", f"table {table}") in told, True)
    scene.same("told of approvals", ("collaboration-setting", "collaboration Reach 2026") in told, True)
    wider = {one["code"] for one in report["unexpressed"] if one["wider"]}
    scene.same("wider", {"rule-lets-queries", "collaboration-setting", "made-anew"} <= wider, True)
    scene.same("taken up", (report["datasets"], report["templates"], "entities_min: 40" in report["document"]), (2, 0, True))


def unsayable(scene):
    """Texts and rules that no agreement says are named, each with why; nothing of them is loosened."""
    hands = Hands(scene)
    hands.table("customers", "sales of 2026-q1")
    hands.table("seen")
    good = REACH.replace("customers c", "`sales of 2026-q1` c")
    texts_there = {
        "good": good,
        "rows": "SELECT c.segment, c.points FROM `sales of 2026-q1` c JOIN seen e ON c.mail = e.mail",
        "Union-2": "SELECT segment FROM `sales of 2026-q1` UNION SELECT campaign FROM seen",
        "window": "SELECT c.segment, COUNT(*) AS n FROM `sales of 2026-q1` c JOIN seen e ON c.mail = e.mail GROUP BY CUBE (c.segment)",
        "quoted": "SELECT c.segment, COUNT(*) AS n FROM `sales of 2026-q1` c JOIN seen e ON c.mail = e.mail WHERE c.region = 'it\\x27s' GROUP BY c.segment",
    }
    arns = [hands.template(name, sql) for name, sql in texts_there.items()]
    arns.append(hands.template("asked", good + " HAVING SUM(c.points) > :Least", analysisParameters=[{"name": "Least", "type": "VARBYTE"}]))
    hands.template("unapproved", good)
    hands.rule("sales of 2026-q1", allowedAnalyses=arns)
    hands.rule("seen", allowedAnalyses=arns)
    scene.reach()
    _, report = scene.bring(hands.room)
    found = {at.removeprefix("template "): code for code, at in scene.codes(report) if at.startswith("template ")}
    scene.same("named", found, {"rows": "template-refused", "Union-2": "template-unheard", "window": "template-refused", "quoted": "template-unheard",
                                "asked": "template-parameter", "unapproved": "template-unapproved"})
    scene.same("taken up", ("sales_of_2026_q1:" in report["document"], report["templates"]), (True, 1))
    private = Importing(scene.arguments, scene.folder, "private")
    scene.wrong = private.wrong = scene.wrong + private.wrong
    hands = Hands(private)
    hands.table("customers")
    hands.table("seen")
    arn = hands.template("reach", REACH)
    hands.rule("customers", allowedAnalyses=[arn], differentialPrivacy={"columns": [{"name": "mail"}]})
    hands.rule("seen", allowedAnalyses=[arn])
    private.reach()
    _, report = private.bring(hands.room)
    private.same("private: told", ("rule-narrower", "table customers") in private.codes(report), True)
    private.same("private: taken up", (report["datasets"], report["templates"]), (0, 0))


def unseen(scene):
    """A part that can't be seen is named with its code, and nothing of it is guessed; where nothing is seen, that is the answer."""
    scene.agree(document(scene.folder, ["overlap"]))
    scene.same("waiting", scene.apply()["waiting"], [])
    room = scene.rooms("media")["media"]["id"]
    scene.reach(("media",))
    file, report = scene.bring(room)
    told = scene.codes(report)
    scene.same("not operated", {("not-seen", "member shop"), ("not-operated", "table customers"), ("template-table", f"template {scene_alias(scene)}")} <= set(told), True)
    scene.same("by its code", [one["what"] for one in report["unexpressed"] if one["at"] == "member shop"], ["not-operated"])
    scene.same("taken up", (report["datasets"], report["templates"]), (0, 0))
    scene.reach()

    def answer(method, path, headers, _):
        return denied() if method == "GET" and path.startswith("/configuredTables/") and of(headers, "shop") else None

    with stage.Between(scene.stage.endpoint, answer=answer) as between:
        scene.second = airlock.Airlock(scene.binary, scene.folder / "second", scene.stage.environment(endpoint=between.endpoint))
        _, report = scene.bring(room)
        scene.same("denied on one table", [one["what"] for one in report["unexpressed"] if (one["code"], one["at"]) == ("not-seen", "table customers")][:1], ["access-denied"])
        scene.same("taken up when denied", (report["datasets"], report["templates"]), (0, 0))
    scene.second = airlock.Airlock(scene.binary, scene.folder / "second", scene.stage.environment())
    scene.stage.tell("POST", "settings", {"page_size_max": 1})
    _, report = scene.bring(room)
    scene.same("on pages of one", (report["unexpressed"], report["datasets"]), ([], 2))
    swapped = ["--member=shop=222222222222", "--member=media=111111111111"]
    words = [w for w in scene.words([room]) if not w.startswith("--member")]
    for what, arguments, code, name in (
        ("swapped accounts", [*words, *swapped], 3, "wrong-account"),
        ("another collaboration", scene.words(["00000000-0000-4000-8000-000000000000"]), 3, "access-denied"),
        ("no id", scene.words(["spring"]), 2, "collaboration-unclear"),
        ("two Regions", scene.words([f"arn:aws:cleanrooms:us-east-1:222222222222:collaboration/{room}"]), 2, "region-missing"),
        ("a file that is there", [*scene.words([room]), f"--out={file}"], 1, "io"),
        ("no member", [w for w in scene.words([room]) if not w.startswith("--member")], 2, "usage"),
    ):
        found, error = scene.second.refused(*arguments)
        scene.same(what, (found, error["code"]), (code, name))
    (scene.folder / "third").mkdir()
    found, error = airlock.Airlock(scene.binary, scene.folder / "third", scene.stage.environment()).refused(*scene.words([room]))
    scene.same("no connections", (found, error["code"]), (2, "connections-missing"))


def scene_alias(scene):
    """What the template is called there."""
    found = scene.stage.client("media").list_analysis_templates(membershipIdentifier=scene.rooms("media")["media"]["membershipId"])
    return found["analysisTemplateSummaries"][0]["name"]


def hostile(scene):
    """Names that would be read as something else are brought to plain ones, and show themselves as they are nowhere."""
    hands = Hands(scene, name="x\u202e # agreement: v2 \u2028 ' \" ]")
    hands.table("customers")
    hands.table("seen")
    arn = hands.template("ab-c_d e", REACH)
    hands.rule("customers", allowedAnalyses=[arn])
    hands.rule("seen", allowedAnalyses=[arn])
    scene.reach()
    _, report = scene.bring(hands.room)
    scene.same("called", (report["collaboration"], report["templates"]), ("x-agreement-v2", 1))
    hidden = [c for c in json.dumps(report, ensure_ascii=False) if c in "\u202e\u2028"]
    scene.same("hidden signs", hidden, [])
    shown = subprocess.run([str(scene.binary), "--home", str(scene.folder / "second"), *scene.words([hands.room])], env=scene.second.environment, capture_output=True, text=True, check=False)
    scene.same("for people", (shown.returncode, shown.stdout.startswith("agreement: v1\n") or "collaboration: x-agreement-v2" in shown.stdout, "\u202e" in shown.stdout), (0, True, False))


SCENES = (made_here, two_rooms, by_hand, own_texts, unsayable, unseen, hostile)


if __name__ == "__main__":
    sys.exit(playing.main("import", __doc__, SCENES, Importing))
