"""The same requests to moto's server and to the twin, answers compared field by field: a second opinion on the operations both have.

`moto_differences.toml` lists every difference with who is right and why. One that is not listed fails, and so does one listed
that no longer occurs. Where the model is given as the reason, the judge of the wire must say the same.
"""

import http.client
import json
import re
import tomllib
from pathlib import Path
from urllib.parse import quote, urlparse

import peers
import pytest
import wire

from cleanrooms_twin.operations import HANDLERS

TABLE = Path(__file__).with_name("moto_differences.toml")
ACCOUNT, GUEST = "123456789012", "222222222222"  # every access key is the first of them to moto
SIGNED = f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/us-east-1/cleanrooms/aws4_request, SignedHeaders=host, Signature=00"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NOWHERE = "00000000-0000-4000-8000-000000000000"
ROOM = {"name": "room", "description": "d", "creatorMemberAbilities": ["CAN_QUERY", "CAN_RECEIVE_RESULTS"], "creatorDisplayName": "host", "queryLogStatus": "ENABLED",
        "members": [{"accountId": GUEST, "memberAbilities": [], "displayName": "guest"}], "tags": {"a": "1"}}
BARE = {"name": "bare", "creatorMemberAbilities": [], "creatorDisplayName": "host", "queryLogStatus": "DISABLED", "members": []}
PEOPLE = {"name": "people", "description": "d", "tableReference": {"glue": {"tableName": "people", "databaseName": "db"}}, "allowedColumns": ["id", "city"],
          "analysisMethod": "DIRECT_QUERY", "tags": {"b": "2"}}
JOIN = {"collaborationIdentifier": "{room}", "queryLogStatus": "ENABLED"}
FOREIGN = f"arn:aws:cleanrooms:us-east-1:{ACCOUNT}:collaboration/{NOWHERE}"

# (name, method, path with ?query, body, what to remember of the answer's resource). {word} is what was remembered, {word@} its ARN as one label.
# What one side takes and the other refuses comes last, so that the states stay the same until then.
STEPS = [
    ("create room", "POST", "/collaborations", ROOM, "room"), ("create bare", "POST", "/collaborations", BARE, "bare"),
    ("get room", "GET", "/collaborations/{room}", None, None), ("list rooms", "GET", "/collaborations", None, None),
    ("first page of rooms", "GET", "/collaborations?maxResults=1", None, None), ("invited to rooms", "GET", "/collaborations?memberStatus=INVITED", None, None),
    ("rename room", "PATCH", "/collaborations/{room}", {"name": "hall", "description": "e"}, None), ("get renamed room", "GET", "/collaborations/{room}", None, None),
    ("members invited", "GET", "/collaborations/{room}/members", None, None), ("join room", "POST", "/memberships", JOIN | {"tags": {"c": "3"}}, "mine"),
    ("get joined room", "GET", "/collaborations/{room}", None, None), ("members joined", "GET", "/collaborations/{room}/members", None, None),
    ("active rooms", "GET", "/collaborations?memberStatus=ACTIVE", None, None),
    ("get membership", "GET", "/memberships/{mine}", None, None), ("list memberships", "GET", "/memberships", None, None),
    ("update membership", "PATCH", "/memberships/{mine}", {"queryLogStatus": "DISABLED"}, None),
    ("default result", "PATCH", "/memberships/{mine}", {"defaultResultConfiguration": {"outputConfiguration": {"s3": {"resultFormat": "CSV", "bucket": "results"}}}}, None),
    ("create table", "POST", "/configuredTables", PEOPLE, "people"), ("get table", "GET", "/configuredTables/{people}", None, None),
    ("list tables", "GET", "/configuredTables", None, None), ("rename table", "PATCH", "/configuredTables/{people}", {"name": "folk", "description": "e"}, None),
    ("fewer columns", "PATCH", "/configuredTables/{people}", {"allowedColumns": ["id"]}, None),
    *((f"tags of {one}", "GET", f"/tags/{{{one}@}}", None, None) for one in ("room", "mine", "people")),
    ("tag room", "POST", "/tags/{room@}", {"tags": {"x": "1", "y": "2"}}, None), ("untag room", "DELETE", "/tags/{room@}?tagKeys=a&tagKeys=x", None, None),
    ("tags left", "GET", "/tags/{room@}", None, None),
    ("no such room", "GET", f"/collaborations/{NOWHERE}", None, None), ("no such membership", "GET", f"/memberships/{NOWHERE}", None, None),
    ("no such table", "GET", f"/configuredTables/{NOWHERE}", None, None), ("members of no room", "GET", f"/collaborations/{NOWHERE}/members", None, None),
    ("rename no room", "PATCH", f"/collaborations/{NOWHERE}", {"name": "x"}, None), ("delete no room", "DELETE", f"/collaborations/{NOWHERE}", None, None),
    ("update no membership", "PATCH", f"/memberships/{NOWHERE}", {"queryLogStatus": "ENABLED"}, None), ("delete no membership", "DELETE", f"/memberships/{NOWHERE}", None, None),
    ("rename no table", "PATCH", f"/configuredTables/{NOWHERE}", {"name": "x"}, None), ("delete no table", "DELETE", f"/configuredTables/{NOWHERE}", None, None),
    ("join no room", "POST", "/memberships", JOIN | {"collaborationIdentifier": NOWHERE}, None), ("tags of nothing", "GET", f"/tags/{quote(FOREIGN, safe='')}", None, None),
    ("tag nothing", "POST", f"/tags/{quote(FOREIGN, safe='')}", {"tags": {"x": "1"}}, None), ("untag nothing", "DELETE", f"/tags/{quote(FOREIGN, safe='')}?tagKeys=x", None, None),
    ("delete table", "DELETE", "/configuredTables/{people}", None, None), ("deleted table", "GET", "/configuredTables/{people}", None, None),
    ("delete room", "DELETE", "/collaborations/{room}", None, None), ("deleted room", "GET", "/collaborations/{room}", None, None),
    ("membership of deleted room", "GET", "/memberships/{mine}", None, None), ("leave deleted room", "DELETE", "/memberships/{mine}", None, None),
    ("left membership", "GET", "/memberships/{mine}", None, None),
    ("bad page", "GET", "/collaborations?maxResults=101", None, None), ("bad token", "GET", "/collaborations?nextToken=nonsense", None, None),
    ("no name", "POST", "/collaborations", {k: v for k, v in BARE.items() if k != "name"}, None), ("bad enum", "POST", "/collaborations", BARE | {"queryLogStatus": "MAYBE"}, None),
    ("bad account", "POST", "/collaborations", BARE | {"members": [{"accountId": "12", "memberAbilities": [], "displayName": "x"}]}, None),
    ("surplus", "POST", "/collaborations", BARE | {"surplus": 1}, None), ("no columns", "POST", "/configuredTables", PEOPLE | {"allowedColumns": []}, None),
    ("join bare", "POST", "/memberships", JOIN | {"collaborationIdentifier": "{bare}"}, "own"),
    ("creator leaves", "DELETE", "/memberships/{own}", None, None), ("join again", "POST", "/memberships", JOIN | {"collaborationIdentifier": "{bare}"}, None),
]
OPERATIONS = 19  # of moto


class Side:
    """One of the two servers, with what it was seen to name."""

    def __init__(self, endpoint):
        self.connection = http.client.HTTPConnection(urlparse(endpoint).netloc, timeout=20)
        self.ids, self.arns = {}, {}

    def filled(self, text):
        """A text with the ids and labels that this side gave."""
        for word, value in self.ids.items():
            text = text.replace(f"{{{word}}}", value).replace(f"{{{word}@}}", quote(self.arns[word], safe=""))
        return text

    def ask(self, method, path, body, remember):
        """One raw call, as the judge of the wire reads it."""
        path, _, query = self.filled(path).partition("?")
        text = "" if body is None else self.filled(json.dumps(body))
        typed = {"Content-Type": "application/json"} if text else {}
        self.connection.request(method, path + (f"?{query}" if query else ""), text or None, typed | {"Authorization": SIGNED})
        response = self.connection.getresponse()
        answer = {"status": response.status, "headers": {k.lower(): v for k, v in response.getheaders()}, "body": response.read().decode()}
        if remember:
            made = next(iter(json.loads(answer["body"]).values()))
            self.ids[remember], self.arns[remember] = made["id"], made["arn"]
        return {"method": method, "path": path, "query": query, "headers": {k.lower(): v for k, v in typed.items()}, "body": text, "answer": answer}

    def fields(self, raw):
        """{field: value} of an answer, with this side's ids, times and tokens taken out."""
        answer = raw["answer"]
        found = {"status": answer["status"]}
        if answer["status"] >= 300:
            found["error"] = answer["headers"].get("x-amzn-errortype", "none")
        try:
            found |= flat(json.loads(answer["body"]), "body") if answer["body"] else {"body": "none"}
        except ValueError:
            found["body"] = "no JSON"
        return {name: self.normal(name, value) for name, value in found.items()}

    def normal(self, name, value):
        """A value that both sides could give."""
        if name.endswith("Time") and isinstance(value, (int, float)) and not isinstance(value, bool):
            return "a time"
        if name.endswith("nextToken"):
            return "a token"
        if isinstance(value, str):
            for word, mine in self.ids.items():
                value = value.replace(mine, f"<{word}>")
            return UUID.sub(lambda m: m[0] if m[0] == NOWHERE else "<id>", value)
        return value


def flat(value, at):
    """{path: leaf}; an empty list or object is a leaf."""
    if isinstance(value, dict) and value:
        return {path: leaf for key, one in value.items() for path, leaf in flat(one, f"{at}.{key}").items()}
    if isinstance(value, list) and value:
        return {path: leaf for n, one in enumerate(value) for path, leaf in flat(one, f"{at}[{n}]").items()}
    return {at: value}


@pytest.fixture
def sides(twin, endpoint):
    """The twin and moto, both as new."""
    columns = [{"name": n, "type": "string"} for n in ("id", "city")]
    twin.call("PUT", f"glue/{ACCOUNT}/db/people", {"columns": columns, "location": "s3://data/people/"})
    try:
        with peers.up("moto") as variables:
            moto = Side(variables["AIRLOCK_MOTO"])
            moto.connection.request("POST", "/moto-api/reset")
            moto.connection.getresponse().read()
            yield Side(endpoint), moto
    except peers.NotRun as reason:
        pytest.fail(f"NOT RUN: {reason}", pytrace=False)


def replay(twin, moto):
    """({(step, field): (twin's value, moto's)} where they differ, {step: (twin's raw call, moto's)})."""
    differences, calls = {}, {}
    for name, method, path, body, remember in STEPS:
        calls[name] = tuple(side.ask(method, path, body, remember) for side in (twin, moto))
        ours, theirs = (side.fields(raw) for side, raw in zip((twin, moto), calls[name], strict=True))
        outcome = ("status", "error")
        comparable = ours.get("error") == theirs.get("error")  # a result and an error, or two errors, have no field in common
        for field in sorted(ours.keys() | theirs.keys()) if comparable else outcome:
            pair = (ours.get(field, "absent"), theirs.get(field, "absent"))
            if pair[0] != pair[1]:
                differences[name, field] = pair
    return differences, calls


def explained():
    """{(step, field): its entry} of the table; an entry may speak of several steps and fields."""
    entries = {}
    for entry in tomllib.loads(TABLE.read_text(encoding="utf-8"))["difference"]:
        assert entry["right"] in ("twin", "moto", "either", "unknown") and entry["by"] in ("model", "documentation", "observed by others", "nobody") and entry["why"], entry
        for step in entry["steps"]:
            for field in entry["fields"]:
                assert (step, field) not in entries, f"{step}: {field} is explained twice"
                entries[step, field] = entry
    return entries


def fits(entry, pair):
    """Whether the values are those of the entry, which may leave texts open."""
    return all(entry.get(side, value) == value for side, value in zip(("twin", "moto"), pair, strict=True))


def test_every_difference_from_moto_is_explained(sides):
    differences, calls = replay(*sides)
    entries, judge = explained(), wire.Judge()
    new = [f"{step}: {field}: twin {pair[0]!r}, moto {pair[1]!r}" for (step, field), pair in differences.items()
           if (step, field) not in entries or not fits(entries[step, field], pair)]
    gone = [f"{step}: {field}" for step, field in entries if (step, field) not in differences]
    assert not new, f"not explained in {TABLE.name}:\n" + "\n".join(new)
    assert not gone, f"listed in {TABLE.name}, and no difference any more:\n" + "\n".join(gone)
    operations = {judge.route(ours)[0].name for ours, _ in calls.values()}
    assert len(operations) == OPERATIONS and operations <= set(HANDLERS), operations
    for (step, field), entry in entries.items():
        ours, theirs = (judge.call(raw)[1] for raw in calls[step])
        assert not any(b.startswith("answer") for b in ours), (step, ours)
        if entry["by"] == "model":
            taken = calls[step][1]["answer"]["status"] < 300
            assert entry["right"] == "twin" and any(taken or b.startswith("answer") for b in theirs), (step, field, theirs)
    print(f"moto: {len(STEPS)} calls of {len(operations)} operations, {len(differences)} differences explained by {len({id(e) for e in entries.values()})} entries")


def test_a_difference_that_is_not_listed_and_a_value_that_changed_are_noticed():
    entry = {"twin": 409, "moto": 200}
    assert fits(entry, (409, 200)) and not fits(entry, (409, 404)) and not fits(entry, (400, 200)) and fits({}, ("a", "b"))
