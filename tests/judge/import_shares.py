#!/usr/bin/env python3
"""Reads shares of Snowflake into agreements, as the twin of Snowflake speaks it: what Airlock made comes back and nothing is left to do,
what hands made is described as it lies, and whatever is not said is named.

    import_shares.py [--airlock PATH] [--only SCENE] [--keep DIR] [--allow-not-run]

Each scene's shares are made by a gateway or by statements of an administrator; what was imported is checked, agreed and planned by another
gateway, and access is judged by statements of the consumer's account. Must not know how anything is imported. The twin is ours: it is no
proof about Snowflake.
"""

import json
import os
import sys

sys.dont_write_bytecode = True

import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

import accounts  # noqa: E402
import airlock  # noqa: E402
import playing  # noqa: E402
from clean_room import text  # noqa: E402
from scene import hashed  # noqa: E402

NAME = "spring"
MEMBERS = {"shop": accounts.PROVIDER, "media": accounts.CONSUMER}
WIDER = "is open wider than agreed"
PEOPLE = 300
OVERLAP = "SELECT e.campaign, c.segment, COUNT(DISTINCT c.person) AS people FROM customers c JOIN seen e ON c.person = e.person GROUP BY e.campaign, c.segment"


class Shares:
    """A scene: two accounts as new, with a table each, a gateway, and a second one that knows nothing of the first one's log."""

    room, option = "snowflake", "--share"

    def __init__(self, arguments, folder, name):
        self.wrong, self.folder = [], folder / name
        (self.folder / "data").mkdir(parents=True)
        self.binary, self.snow = airlock.binary(arguments.airlock), accounts.Accounts(MEMBERS)
        self.first, self.second = (self.gateway(home) for home in ("first", "second"))
        mail = [hashed(n) for n in range(PEOPLE)]
        tables = {"customers": ("shop", {"MAIL": mail, "SEGMENT": [("families", "students")[n % 2] for n in range(PEOPLE)], "POINTS": list(range(PEOPLE))}),
                  "seen": ("media", {"MAIL": mail, "CAMPAIGN": [("winter", "spring")[n % 2] for n in range(PEOPLE)]})}
        for table, (owner, values) in tables.items():
            place = self.folder / "data" / f"{table}.parquet"
            pq.write_table(pa.table(values), place)
            self.snow.table(owner, "SCENES", table.upper(), place)

    def gateway(self, name, operated=None):
        """A gateway whose connections reach these members."""
        self.snow.connect(self.folder / name, operated)
        return airlock.Airlock(self.binary, self.folder / name, os.environ | {"AIRLOCK_LOG": "warn"})

    def same(self, what, found, wanted):
        """Notes what is not as it must be."""
        if found != wanted:
            self.wrong.append(f"{what}: {found!r}, not {wanted!r}")

    def agree(self):
        """An agreement of Airlock's, held in the room."""
        room = self.room
        key = {"from": "MAIL", "type": "utf8", "use": "match", "key": "person", "hashed": "sha256-hex"}
        rule = {"entities_min": 10, "join": "required"}
        document = {
            "agreement": "v1", "collaboration": NAME, "rooms": [{"platform": room, "region": f"aws-{accounts.REGION}"}],
            "members": {"shop": {"name": "shop", "abilities": ["contribute"], "identity": {room: MEMBERS["shop"]}},
                        "media": {"name": "media", "abilities": ["contribute", "run", "receive"], "identity": {room: MEMBERS["media"]}}},
            "datasets": {
                "customers": {"owner": "shop", "at": {room: "SCENES.PUBLIC.CUSTOMERS"}, "entity": "person", "rule": rule, "rows": [{"from": "POINTS", "type": "int64", "min": 1}],
                              "columns": {"person": key, "segment": {"from": "SEGMENT", "type": "utf8", "use": "dimension"}}},
                "seen": {"owner": "media", "at": {room: "SCENES.PUBLIC.SEEN"}, "entity": "person", "rule": rule,
                         "columns": {"person": key, "campaign": {"from": "CAMPAIGN", "type": "utf8", "use": "dimension"}}}},
            "templates": {"overlap": {"class": "aggregate", "sql": OVERLAP, "run_by": ["media"], "received_by": ["media"]}},
            "limits": {"runs_max": 100, "within": "24h"}, "destinations": {"media": (self.folder / "results").as_uri()}}
        file = self.folder / "agreement.yaml"
        file.write_text(json.dumps(document), encoding="utf-8")
        self.first.settle(file, NAME, list(MEMBERS))
        self.waive(self.first, NAME)
        self.same("waiting", self.first.call("apply", NAME, "--room", self.room)["applied"]["waiting"], [])

    def waive(self, gateway, name):
        """Everything that a room of shares asks for, by each owner whom it touches, who looked at it first."""
        for member in MEMBERS:
            words = ("waive", name, "--room", self.room, "--all", "--as", member)
            try:
                gateway.call(*words, "--losses", gateway.call(*words)["losses"])
            except airlock.Failed as failure:
                if "nothing-to-waive" not in failure.output:
                    raise

    def words(self, shares, more=()):
        """The command line of an import."""
        return ["import", "snowflake", *(f"{self.option}={share}" for share in shares), *(f"--member={m}={a}" for m, a in MEMBERS.items()), *more]

    def bring(self, *shares, more=()):
        """An import's file and report; it wrote nothing there, and says the same again."""
        mark, file = len(self.snow.statements()), self.folder / f"imported-{len(list(self.folder.glob('imported-*')))}.yaml"
        report = self.second.call(*self.words(shares, more), f"--out={file}")["import"]
        sent = [one["text"] for one in self.snow.statements()[mark:]]
        self.same("written by an import", [text for text in sent if not text.startswith(("SHOW ", "DESC ", "SELECT ")) and not (".VIEW_" in text or ".GET_STATUS(" in text)], [])
        again = self.second.call(*self.words(shares, more))["import"]
        self.same("the same again", (again["document"], file.read_text(encoding="utf-8")), (report["document"], report["document"]))
        self.same("checked", self.second.call("check", str(file))["collaboration"], report["collaboration"])
        return file, report

    def codes(self, report):
        """What is not in the agreement."""
        return sorted({(one["code"], one["at"]) for one in report["unexpressed"]})

    def whole(self, file, report):
        """What Airlock made came back whole, and nothing is left to do under it, neither to give nor to take away."""
        self.same("called", (report["collaboration"], report["datasets"], report["templates"], report["is_own"]), (NAME, 2, 1, True))
        self.same("not in the agreement", self.codes(report), [])
        self.same("room", [room["platform"] for room in self.second.call("check", str(file))["rooms"]], [self.room])
        for said in ("SCENES.PUBLIC.CUSTOMERS", "rule: { entities_min: 10, join: required }", "- { from: POINTS, type: int64, min: 1 }", "segment: { from: SEGMENT, type: utf8, use: dimension }",
                     "person: { from: MAIL, type: utf8, use: match, key: person, hashed: sha256-hex }", OVERLAP):
            self.same(f"says {said}", said in report["document"], True)
        self.second.settle(file, NAME, list(MEMBERS))
        self.waive(self.second, NAME)  # before anything is applied there: a room that nobody waived is taken down
        self.same("left to do", self.planned(NAME), ([], []))
        opened = self.second.call("plan", NAME, "--room", self.room)["plan"]["open"]
        self.same("open", sorted(opened), ["dataset customers", "dataset seen", "template overlap"])

    def planned(self, name):
        """What the second gateway would do, and waits for."""
        plan = self.second.call("plan", name, "--room", self.room)["plan"]
        return [(step["effect"], step["call"]) for step in plan["steps"]], plan["waiting"]

    def reads(self, sql):
        """Whether the consumer's account reads by a statement."""
        return not self.snow.refuses(MEMBERS["media"], sql)

    def closed_as_told(self, name, asked):
        """Nothing is left to do under an import of what hands made; it is open wider, as it was, until its owner does what the plan says."""
        calls, waiting = self.planned(name)
        self.same("left to do", (calls, [(w["member"], WIDER in w["what"]) for w in waiting]), ([], [("shop", True)]))
        self.same("as it was", self.reads(asked), True)
        for one in waiting:
            self.snow.sql(MEMBERS[one["member"]], one["act"].rstrip(";"))
        self.same("closed", self.reads(asked), False)
        self.same("after what was said", self.planned(name), ([], []))


def made_here(scene):
    """What Airlock made comes back whole, and another gateway has nothing to do under it; a view that hands changed since is not believed."""
    scene.agree()
    share, view = f"{MEMBERS['shop']}.AIRLOCK$SPRING$CUSTOMERS$MEDIA", "AIRLOCK.AIRLOCK$SPRING$OFFERS.CUSTOMERS$MEDIA"
    file, report = scene.bring(share)
    scene.whole(file, report)
    shown = json.dumps(scene.snow.sql(MEMBERS["media"], "SHOW VIEWS IN DATABASE AIRLOCK$SPRING$CUSTOMERS"))
    scene.same("what the other account reads beside the view", ('segment' in shown, "SCENES" in shown), (True, False))
    comment = next(row["comment"] for row in scene.snow.sql(MEMBERS["shop"], "SHOW VIEWS IN SCHEMA AIRLOCK.AIRLOCK$SPRING$OFFERS"))
    scene.snow.sql(MEMBERS["shop"], f"CREATE OR REPLACE SECURE VIEW {view} COPY GRANTS COMMENT = {text(comment)} AS SELECT * FROM SCENES.PUBLIC.CUSTOMERS")
    _, report = scene.bring(share)
    told = {code for code, _ in scene.codes(report)}
    scene.same("after hands changed it", (report["is_own"], report["datasets"], {"view-differs", "template-refused", "made-anew"} - told), (False, 1, set()))


def by_hand(scene):
    """What hands made is the shared view itself, under its own policies; nothing is left to do, the plan says that it is open wider, and the statement that it prints closes it."""
    scene.snow.sql(MEMBERS["shop"], "CREATE DATABASE POLICIES", "CREATE SCHEMA SCENES.GIVEN",
                   "CREATE AGGREGATION POLICY SCENES.GIVEN.K AS () RETURNS AGGREGATION_CONSTRAINT -> AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 25)",
                   "CREATE PROJECTION POLICY SCENES.GIVEN.P AS () RETURNS PROJECTION_CONSTRAINT -> PROJECTION_CONSTRAINT(ALLOW => FALSE)",
                   "CREATE SECURE VIEW SCENES.GIVEN.BUYERS WITH AGGREGATION POLICY SCENES.GIVEN.K ENTITY KEY (MAIL) AS SELECT MAIL, SEGMENT, POINTS, MAIL AS OTHER FROM SCENES.PUBLIC.CUSTOMERS WHERE POINTS > 10",
                   "ALTER VIEW SCENES.GIVEN.BUYERS MODIFY COLUMN OTHER SET PROJECTION POLICY SCENES.GIVEN.P",
                   "CREATE SECURE VIEW SCENES.GIVEN.PLAIN AS SELECT SEGMENT, POINTS FROM SCENES.PUBLIC.CUSTOMERS",
                   'CREATE SHARE "Buyers 2026"', 'GRANT USAGE ON DATABASE SCENES TO SHARE "Buyers 2026"', 'GRANT USAGE ON SCHEMA SCENES.GIVEN TO SHARE "Buyers 2026"',
                   'GRANT SELECT ON VIEW SCENES.GIVEN.BUYERS TO SHARE "Buyers 2026"', 'GRANT SELECT ON VIEW SCENES.GIVEN.PLAIN TO SHARE "Buyers 2026"',
                   f'ALTER SHARE "Buyers 2026" ADD ACCOUNTS = {MEMBERS["media"]}')
    scene.snow.sql(MEMBERS["media"], f'CREATE DATABASE BOUGHT FROM SHARE {MEMBERS["shop"]}."Buyers 2026"')
    asked = "SELECT SEGMENT, COUNT(*) AS N FROM BOUGHT.GIVEN.BUYERS GROUP BY SEGMENT"
    share = f'{MEMBERS["shop"]}."Buyers 2026"'
    file, report = scene.bring(share)
    name, at = report["collaboration"], f"share {MEMBERS['shop']}.Buyers 2026"
    scene.same("called", (name, report["datasets"], report["templates"], report["is_own"]), ("buyers-2026", 1, 0, False))
    scene.same("not in the agreement", scene.codes(report), [("made-anew", at), ("policy-stays", "view SCENES.GIVEN.BUYERS"), ("share-lets-queries", at), ("table-no-entity", "view SCENES.GIVEN.PLAIN")])
    for said in ("SCENES.GIVEN.BUYERS", "entities_min: 25", "entity: mail", "other: { from: OTHER, type: utf8, use: filter }"):
        scene.same(f"says {said}", said in report["document"], True)
    scene.second.settle(file, name, list(MEMBERS))
    scene.waive(scene.second, name)
    scene.closed_as_told(name, asked)
    _, report = scene.bring(share, more=["--entity=plain=SEGMENT"])
    scene.same("with an entity that was said", (report["datasets"], "entities_min: 100" in report["document"]), (2, True))


def unseen(scene):
    """What can't be seen is named, bad input is refused, hostile names show themselves nowhere; where nothing is seen, that is the answer."""
    hostile = 'x" -- \u202e ; DROP'
    quoted = hostile.replace('"', '""')
    scene.snow.sql(MEMBERS["shop"], f'CREATE SHARE "{quoted}"', f'GRANT USAGE ON DATABASE SCENES TO SHARE "{quoted}"', f'GRANT USAGE ON SCHEMA SCENES.PUBLIC TO SHARE "{quoted}"',
                   f'CREATE SECURE VIEW SCENES.PUBLIC."{quoted}" AS SELECT MAIL FROM SCENES.PUBLIC.CUSTOMERS', f'GRANT SELECT ON VIEW SCENES.PUBLIC."{quoted}" TO SHARE "{quoted}"',
                   f'ALTER SHARE "{quoted}" ADD ACCOUNTS = {MEMBERS["media"]}')
    share = f'{MEMBERS["shop"]}."{quoted}"'
    _, report = scene.bring(share)
    scene.same("called", (report["collaboration"], report["datasets"]), ("x-drop", 0))
    scene.same("hidden signs", "\u202e" in json.dumps(report, ensure_ascii=False), False)
    scene.same("named", "table-source" in {code for code, _ in scene.codes(report)}, True)
    good = f"{MEMBERS['shop']}.NOT_THERE"
    swapped = [f"--member=shop={MEMBERS['media']}", f"--member=media={MEMBERS['shop']}"]
    for what, words, code, name in (
        ("swapped accounts", ["import", "snowflake", f"--share={share}", *swapped], 1, "credentials-refused"),
        ("no such share", scene.words([good]), 1, "share-missing"),
        ("no name of a share", scene.words(["NOT_THERE"]), 2, "share-unclear"),
        ("no account", ["import", "snowflake", f"--share={share}", "--member=shop=xy12345"], 2, "account-unclear"),
        ("no member", ["import", "snowflake", f"--share={share}"], 2, "usage"),
    ):
        found, error = scene.second.refused(*words)
        scene.same(what, (found, error["code"]), (code, name))
        scene.same(f"{what}: its text", hostile in json.dumps(error), False)
    half = scene.gateway("half", ("media",))
    found, error = half.refused(*scene.words([share]))
    scene.same("an owner who is not operated", (found, error["code"]), (3, "not-operated"))


SCENES = (made_here, by_hand, unseen)


if __name__ == "__main__":
    sys.exit(playing.main("import-shares", __doc__, SCENES, Shares))
