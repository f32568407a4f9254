#!/usr/bin/env python3
"""The judge judged: it must notice each kind of difference, and pass what is the same. Needs no gateway."""

import copy
import datetime
import hashlib
import json
import sys
import unittest

sys.dont_write_bytecode = True

import checker  # noqa: E402
import wire  # noqa: E402
from judge import difference  # noqa: E402
from proofs import root, sha256  # noqa: E402
from world import normal  # noqa: E402


class Differences(unittest.TestCase):
    """Rows as multisets."""

    def test_order_and_the_last_digits_of_sums_do_not_matter(self):
        self.assertIsNone(difference([(1, 0.1 + 0.2), (None, 5.0)], [(None, 5.0), (1, 0.3)]))

    def test_a_missing_a_doubled_and_a_changed_row_are_noticed(self):
        rows = [("a", 1), ("a", 1), ("b", 2)]
        for other in (rows[1:], [*rows, rows[0]], [("a", 1), ("a", 1), ("b", 3)], []):
            self.assertIsNotNone(difference(rows, other))

    def test_values_that_look_alike_are_not_the_same(self):
        for one, other in ((None, ""), (None, 0), (True, 1), ("1", 1), (0.0, None), (1, 1.0), ("a", "A"), ("a ", "a")):
            self.assertIsNotNone(difference([(one,)], [(other,)]), (one, other))

    def test_a_float_beyond_the_tolerance_is_noticed(self):
        self.assertIsNotNone(difference([("a", 1000.0)], [("a", 1000.00001)]))

    def test_a_day_is_its_midnight_and_no_other_time(self):
        day = datetime.date(2024, 5, 1)
        self.assertIsNone(difference([(day,)], [(datetime.datetime(2024, 5, 1),)]))
        self.assertIsNotNone(difference([(day,)], [(datetime.datetime(2024, 5, 1, 0, 0, 1),)]))


class Identifiers(unittest.TestCase):
    """The second normaliser, on values worked out by hand."""

    def test_spellings_meet(self):
        for kind, one, other in (
            ("email", "  User.1+x@Example.COM ", "user.1+x@example.com"), ("phone", "0049-171/1000037", "+491711000037"),
            ("phone", " +49 (0)171 1000037 ", "+491711000037"), ("lower-trim", " Lx1 ", "lx1"),
        ):
            self.assertEqual(normal(kind, one), other)

    def test_what_is_no_identifier_matches_nobody(self):
        for kind, raw in (("email", "n/a"), ("email", "nobody@"), ("email", ""), ("phone", "12"), ("phone", "n/a"), ("lower-trim", "  "), ("email", None)):
            self.assertIsNone(normal(kind, raw))


class Trees(unittest.TestCase):
    """RFC 6962, against its definition written the slow way."""

    @staticmethod
    def slow(hashes):
        """MTH as section 2.1 defines it."""
        if len(hashes) < 2:
            return hashes[0] if hashes else hashlib.sha256(b"").digest()
        split = 1 << (len(hashes) - 1).bit_length() - 1
        return sha256(b"\x01", Trees.slow(hashes[:split]), Trees.slow(hashes[split:]))

    def test_every_size_up_to_seventy(self):
        hashes = [sha256(b"\x00", bytes([n])) for n in range(70)]
        for size in range(71):
            self.assertEqual(root(hashes[:size]), self.slow(hashes[:size]))


ID, ACCOUNT = "01234567-89ab-4cde-8f01-23456789abcd", "111111111111"
TEMPLATE = f"arn:aws:cleanrooms:eu-central-1:{ACCOUNT}:membership/{ID}/analysistemplate/{ID}"
ASKED = {"name": "Zürich 🚆", "creatorMemberAbilities": ["CAN_QUERY"], "creatorDisplayName": "d", "queryLogStatus": "ENABLED", "members": [
    {"accountId": "222222222222", "memberAbilities": [], "displayName": "x"}]}
MADE = {"id": ID, "arn": f"arn:aws:cleanrooms:eu-central-1:{ACCOUNT}:collaboration/{ID}", "name": "n", "creatorAccountId": ACCOUNT, "creatorDisplayName": "d",
        "createTime": 1.5, "updateTime": 2, "memberStatus": "INVITED", "queryLogStatus": "ENABLED"}
TABLE = {"name": "t", "tableReference": {"glue": {"tableName": "t", "databaseName": "d"}}, "allowedColumns": ["a"], "analysisMethod": "DIRECT_QUERY"}


def exchange(method, path, body=None, answer=None, status=200, query="", error=None):
    """A raw call as the twin's log keeps it."""
    typed = {"content-type": "application/json"}
    text = "" if body is None else body if isinstance(body, str) else json.dumps(body)
    return {"method": method, "path": path, "query": query, "headers": typed if text else {}, "body": text, "answer": {
        "status": status, "headers": typed | ({"x-amzn-errortype": error} if error else {}), "body": json.dumps(answer) if answer is not None else ""}}


def create(answer=None, **changes):
    """CreateCollaboration with members of its body changed; None leaves one out."""
    return exchange("POST", "/collaborations", {k: v for k, v in (ASKED | changes).items() if v is not None}, {"collaboration": MADE} if answer is None else answer)


class Logs(unittest.TestCase):
    """What `sync.py` judges logs by: each breach is found, beside a log that passes."""

    DATASET = {"kind": "dataset", "dataset": "customers"}

    class World:
        """Calls at these seconds, about a log that is given."""

        names, members, gateways = ["c"], [], [None]

        def __init__(self, calls):
            self.notes = [self.note(*(call if isinstance(call, tuple) else (call, "POST", "/configuredTables"))) for call in calls]

        @staticmethod
        def note(at, method, path, more=()):
            """A call as it came to the stage."""
            body = json.dumps(dict(more) | {"tags": {"airlock:collaboration": "c"}})
            return {"at": at, "account": ACCOUNT, "method": method, "path": path, "by": "g1", "body": body, "status": 200, "answer": ""}

    def wrong(self, bodies, calls=(), at=None, members=(), **more):
        """What is said of leaves, one a second."""
        log = checker.Log.__new__(checker.Log)
        log.name, log.size = "c", len(bodies)
        log.leaves = [{"at_ms": 1000 * (n if at is None else at[n]), "body": body} for n, body in enumerate(bodies)]
        log.bodies = list(bodies)
        check = checker.Checker(self.World(calls))
        check.world.members = members
        check.log = lambda name: log
        check.judge("c", **({"open_max": 0, "ends_s": 0} | more))
        return " ".join(check.wrong)

    def step(self, name, effect="grant", basis=0, of=None):
        """An intent and its end."""
        return [{"kind": "effect-intended", "step": name, "effect": effect, "basis": basis, "of": [self.DATASET] if of is None else of},
                {"kind": "effect-outcome", "step": name, "outcome": "applied"}]

    def test_breaches_of_logs_are_found(self):
        revoked, confirmed = {"kind": "revoked", "what": self.DATASET}, {"kind": "revocation-confirmed", "revocation": 2}
        sound = [*self.step("a"), revoked, *self.step("b", "revoke"), confirmed]
        self.assertEqual(self.wrong(sound, calls=(0.5, 3.5)), "")
        reoffered = [*sound, {"kind": "reoffered", "what": self.DATASET}, *self.step("c", basis=7)]
        self.assertEqual(self.wrong(reoffered), "")
        other = {"kind": "dataset", "dataset": "seen"}
        self.assertEqual(self.wrong([*sound, *self.step("c", basis=6, of=[other])]), "")
        room = [{"kind": "found-withdrawn", "what": {"kind": "room"}}, *[{"kind": "reoffered", "by": by, "what": {"kind": "room"}} for by in ("a", "b")], *self.step("a", basis=3)]
        self.assertEqual(self.wrong(room, members=["a", "b"]), "")
        self.assertIn("given again", self.wrong([room[0], room[1], *room[3:]], members=["a", "b"]))
        for said, leaves, more in (
            ("intended twice", [*self.step("a"), *self.step("a")], {}),
            ("ended twice", [*self.step("a"), self.step("a")[1]], {}),
            ("ends without an intent", self.step("a")[1:], {}),
            ("steps that give without an end", self.step("a")[:1], {}),
            ("left unsettled for too long", self.step("a")[:1], {"open_max": 1}),
            ("plan older than a withdrawal", [revoked, *self.step("a", basis=0)], {}),
            ("given again", [*sound, *self.step("c", basis=6)], {}),
            ("given again", [*sound, *self.step("c", basis=6, of=[])], {}),
            ("confirmed more than once", [*sound, confirmed], {}),
            ("with 0 intents on record", self.step("a"), {"calls": (0.5,), "at": (1, 2)}),
            ("with 1 intents on record", self.step("a"), {"calls": (0.5, 0.6)}),
        ):
            self.assertIn(said, self.wrong(leaves, **more), said)


    def test_a_call_is_repeated_under_one_intent_where_that_takes_away_alone(self):
        rule = lambda at, *arns: (at, "PATCH", "/configuredTables/t/analysisRule/CUSTOM", {"allowedAnalyses": list(arns)})  # noqa: E731
        takes, gives = self.step("a", "revoke"), self.step("a", "grant")
        unknown = takes[1] | {"outcome": "unknown"}
        missing = "call 2, PATCH /configuredTables/t/analysisRule/CUSTOM by g1, with 1 intents on record"
        self.assertEqual(self.wrong([takes[0], unknown, takes[1]], calls=(rule(0.5, "x", "y"), rule(1.5, "y", "x"), rule(2, "x", "y"))), "")
        self.assertEqual(self.wrong(takes, calls=(rule(0.5, "x"), rule(0.8, "x"))), "")
        for leaves, calls, at in (
            (gives, (rule(0.5, "x"), rule(0.8, "x")), (0, 1)),  # it gives
            ([gives[0], gives[1] | {"outcome": "unknown"}, gives[1]], (rule(0.5, "x"), rule(1.5, "x")), (0, 1, 2)),
            (takes, (rule(0.5, "x"), rule(30, "x")), (0, 1)),  # its end was known
            (takes, (rule(0.5, "x"), rule(0.8, "y")), (0, 1)),  # another call
            ([*gives, *takes], (rule(0.5, "x"), rule(0.8, "x")), (0, 1, 10, 11)),  # under an intent that came after it
        ):
            self.assertIn(missing, self.wrong(leaves, calls=calls, at=at), (leaves, calls))
        both = [takes[0], *self.step("b", "grant"), takes[1]]
        self.assertIn("call 3", self.wrong(both, calls=(rule(1.2), rule(1.3), rule(1.4, "x"), rule(1.5, "x")), at=(0, 1, 2, 3)))
        made = ((0.5, "POST", "/configuredTables"), (0.8, "POST", "/configuredTables"))
        self.assertIn("call 2, POST", self.wrong(takes, calls=made))


class Wire(unittest.TestCase):
    """Raw calls: what holds passes, and each planted breach is found."""

    judge = wire.Judge()

    def found(self, raw):
        """Breaches of one call."""
        return self.judge.call(raw)[1]

    def test_what_holds_passes(self):
        label = TEMPLATE.replace(":", "%3A").replace("/", "%2F")
        for raw in (create(), exchange("GET", "/collaborations", None, {"collaborationList": []}, query="maxResults=7&memberStatus=ACTIVE"),
                    exchange("DELETE", f"/collaborations/{ID}", status=204), exchange("DELETE", f"/tags/{label}", None, {}, query="tagKeys=a&tagKeys=b%20c"),
                    exchange("GET", f"/collaborations/{ID}", None, {"message": "no", "reason": "INSUFFICIENT_PERMISSIONS"}, 403, error="AccessDeniedException:http://x/"),
                    create() | {"answer": None}):
            self.assertEqual(self.found(raw), [])

    def test_planted_breaches_of_requests_are_found(self):
        label = TEMPLATE.replace(":", "%3A").replace("/", "%2F")
        rooms, table = {"collaborationList": []}, {"databaseName": "d", "tableName": "t"}
        guest, glue_and_athena = ASKED["members"][0], {"glue": table, "athena": table | {"workGroup": "w"}}
        for why, raw in {
            "queryLogStatus is missing": create(queryLogStatus=None),
            "members[0].displayName is missing": create(members=[{"accountId": ACCOUNT, "memberAbilities": []}]),
            "surplus is no member": create(surplus=1),
            "queryLogStatus is MAYBE, which is none of": create(queryLogStatus="MAYBE"),
            "name is 101 of": create(name="x" * 101),
            "does not match": create(name="  "),
            "members[0].accountId is 2 of 12": create(members=[guest | {"accountId": "12"}]),
            "name is no string": create(name=7),
            "creatorMemberAbilities is no list": create(creatorMemberAbilities="CAN_QUERY"),
            "description is null": exchange("POST", "/collaborations", json.dumps(ASKED | {"description": None})),
            "maxResults is in the body and belongs to the query": exchange("GET", "/collaborations", {"maxResults": 7}, rooms),
            "tagKeys is in the body and belongs to the query": exchange("DELETE", f"/tags/{label}", {"tagKeys": ["a"]}, {}),
            "tagKeys is missing": exchange("DELETE", f"/tags/{label}", None, {}),
            "collaborationIdentifier is in the body and belongs to the path": exchange("PATCH", f"/collaborations/{ID}", {"collaborationIdentifier": ID}, {"collaboration": MADE}),
            "name is in the query and belongs to the body": create() | {"query": "name=n"},
            "x is in the query and is no member": create() | {"query": "x=1"},
            "more than once": exchange("GET", "/collaborations", None, rooms, query="maxResults=7&maxResults=8"),
            "maxResults is 101 of": exchange("GET", "/collaborations", None, rooms, query="maxResults=101"),
            "maxResults is no integer": exchange("GET", "/collaborations", None, rooms, query="maxResults=x"),
            "2 members of a union": exchange("POST", "/configuredTables", TABLE | {"tableReference": glue_and_athena}),
            "0 members of a union": exchange("POST", "/configuredTables", TABLE | {"tableReference": {}}),
            "stands twice": exchange("POST", "/collaborations", json.dumps(ASKED)[:-1] + ', "name": "m"}'),
            "is no JSON": create() | {"body": "{"},
            "no JSON object": create() | {"body": "[]"},
            "is of type None": create() | {"headers": {}},
            "has no body": create() | {"body": ""},
            "no operation has the route DELETE": exchange("DELETE", f"/tags/{TEMPLATE}", None, {}, query="tagKeys=a"),
            "no operation has the route PUT": create() | {"method": "PUT"},
        }.items():
            self.assertTrue(any(why in b for b in self.found(raw)), (why, self.found(raw)))

    def test_planted_breaches_of_answers_are_found(self):
        for field in MADE:
            raw = create(answer={"collaboration": {k: v for k, v in MADE.items() if k != field}})
            self.assertEqual(self.found(raw), [f"answer: collaboration.{field} is missing"])
        quota = {"message": "m", "quotaName": "q", "quotaValue": 1.0}
        for why, raw in {
            "collaboration is missing": create(answer={}),
            "collaboration.x is no member": create(answer={"collaboration": MADE | {"x": 1}}),
            "memberStatus is GONE": create(answer={"collaboration": MADE | {"memberStatus": "GONE"}}),
            "createTime is no timestamp": create(answer={"collaboration": MADE | {"createTime": "2026-01-01"}}),
            "membershipId is null": create(answer={"collaboration": MADE | {"membershipId": None}}),
            "has status 201": exchange("POST", "/collaborations", ASKED, {"collaboration": MADE}, 201),
            "has a body": exchange("DELETE", f"/collaborations/{ID}", None, {}, 204),
            "has status 200, not 204": exchange("DELETE", f"/collaborations/{ID}"),
            "quotaName is missing": exchange("POST", "/collaborations", ASKED, {"message": "m"}, 402, error="ServiceQuotaExceededException"),
            "has status 400, not 402": exchange("POST", "/collaborations", ASKED, quota, 400, error="ServiceQuotaExceededException"),
            "CreateCollaboration does not have": exchange("POST", "/collaborations", ASKED, {"message": "m"}, 409, error="ConflictException"),
            "without a name": exchange("POST", "/collaborations", ASKED, {"message": "m"}, 500),
        }.items():
            self.assertTrue(any(why in b for b in self.found(raw)), (why, self.found(raw)))

    def test_every_pattern_is_understood(self):
        texts = {shape.metadata["pattern"] for name in self.judge.service.shape_names for shape in [self.judge.service.shape_for(name)] if "pattern" in shape.metadata}
        self.assertTrue(len(texts) > 40 and all(wire.pattern(text) for text in texts))

    def test_lengths_are_left_out_only_where_the_model_contradicts_itself(self):
        start = f"arn:aws:cleanrooms:eu-central-1:{ACCOUNT}:"
        arns = {"CleanroomsArn": TEMPLATE, "ConfiguredTableAssociationArn": f"{start}configuredtableassociation/{ID}/{ID}", "PrivacyBudgetTemplateArn": f"{start}privacybudgettemplate/{ID}"}
        self.assertEqual(arns.keys(), wire.LONGER_THAN_MODELLED)
        for name, arn in arns.items():
            shape = self.judge.service.shape_for(name)
            self.assertEqual(wire.breaches(shape, arn), [])  # its pattern is held
            self.assertGreater(len(arn), shape.metadata["max"])

    def test_a_tally_counts_raises_and_is_never_empty(self):
        tally, mine = wire.Tally(), create()
        mine["headers"] = mine["headers"] | {"user-agent": wire.ADAPTER + "1"}
        tally.take([{"raw": create()}])
        self.assertRaises(AssertionError, tally.said)
        tally.take([{"raw": mine}])
        self.assertIn("1 raw calls of the adapter, 1 operations, and 1 of others", tally.said())
        self.assertEqual(tally.planted["CreateCollaboration"], 5 + 3 + 1 + 9)  # of the request, its member, the answer and its collaboration
        bad = copy.deepcopy(mine)
        bad["body"] = "{}"
        self.assertRaises(wire.Broken, tally.take, [{"raw": bad}])
        self.assertRaises(wire.Broken, tally.take, [], 1)


if __name__ == "__main__":
    unittest.main()
