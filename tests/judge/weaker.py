#!/usr/bin/env python3
"""Never weaker, in AWS Clean Rooms: what the platform admits under the rules that Airlock provisioned, the agreement admits.

    weaker.py [--seed N] [--count N] [--airlock PATH] [--planted] [--allow-not-run]

Agreements are generated and provisioned by the command line. Then every account tries without the gateway whatever the service
lets it try: texts of its own, templates under any name, values outside of what was declared, other receivers, other runners,
what was never approved, what was withdrawn, more runs than agreed. An attempt is admitted when it ends in SUCCESS (and, where
only a parameter's value is wrong, with rows). It is legitimate when its text is byte for byte one that `airlock explain` says the
guard passes, every touched owner's approval is in force, and runner, receivers, values and tables are the agreement's.
Admitted and not legitimate is a failure. `--planted` weakens what was provisioned, term by term, and must see each weakening.

The twin is ours: this shows that what is provisioned is no weaker by our reading of the service. Must not know how Airlock
decides, nor how rules are enforced. Not counted: that the cap of a collaboration is a cap a table there (`limits` is `wider` in the table).
"""

import collections
import contextlib
import csv
import io
import json
import random
import re
import subprocess
import sys
import time
import urllib.error
from dataclasses import dataclass, field

sys.dont_write_bytecode = True

import pyarrow.parquet as pq  # noqa: E402
from botocore.exceptions import BotoCoreError, ClientError  # noqa: E402

import agreements  # noqa: E402
import airlock  # noqa: E402
import command  # noqa: E402
import stage  # noqa: E402
from values import HOSTILE, fitting, within  # noqa: E402

ROOM = agreements.ROOM
ACCOUNTS = ("111111111111", "222222222222", "333333333333")
STRANGER = "999988887777"
SETTINGS = {"refusals": "sync", "query_start_s": 0.0, "query_run_s": 0.0, "result_parts": 1}
MANY = ("analysis templates per membership", "ongoing queries per membership", "concurrent queries per account", "collaborations created per account")
QUOTAS = dict.fromkeys(MANY, 10_000)
FORGED_S = 6  # how long Airlock may look for what never becomes as agreed
LEFT_MIN = 4  # uses of a table that attempts leave for those whose subject is the cap
SPENT = "access budget"
KINDS = ("legitimate", "text", "template", "parameters", "receiver", "runner", "unapproved", "forged", "squatted", "revoked", "revoked behind a stranger",
         "beyond the cap", "elsewhere", "stranger", "shown")


@dataclass
class Attempt:
    """What somebody tries, why the agreement refuses it (None: it doesn't), and how it ended."""

    kind: str
    by: str
    membership: str
    sql: str
    arn: str = ""
    parameters: dict = field(default_factory=dict)
    receivers: tuple = ()
    why: str = ""
    rows_matter: bool = False
    query: str = ""
    answer: str = ""
    rows: int = -1
    data: list = field(default_factory=list)

    def admitted(self):
        return self.answer == "SUCCESS" and not (self.rows_matter and self.rows == 0)

    def failed(self):
        return bool(self.why) and self.admitted()

    def __str__(self):
        what = f"template {self.arn.rsplit('/', 1)[-1]}" if self.arn else "text"
        ended = f"{self.answer} ({self.rows} rows)" if self.query else self.answer
        return f"{self.kind}: {self.by} runs {what} {json.dumps(self.parameters)} for {', '.join(self.receivers)}: {ended}, though {self.why}\n    {self.sql}"


class Law:
    """What the agreement admits now, read from its document, `airlock explain`, and what was withdrawn since."""

    def __init__(self, made):
        self.made = made
        self.unapproved = {(t, o) for t, o in made.withheld}
        self.gone = {"membership": set(), "dataset": set(), "column": set(), "template": set()}
        self.closed = False
        self.texts = {made.sql(t): t for t in made.explained}

    def owners(self, template):
        return {self.made.document["datasets"][d]["owner"] for d in self.made.touched(template)}

    def withdraw(self, kind, what, by):
        if kind == "approval":
            self.unapproved.add((what, by))
        elif kind == "room":
            self.closed = True
        else:
            self.gone[kind].add(what)

    def stands(self, template):
        """Why a template may not run at all; nothing when it may."""
        document = self.made.document
        entry, touched = document["templates"][template], self.made.touched(template)
        reasons = ["the room was closed"] if self.closed else []
        reasons += [f"{o} has not approved {t}" for t, o in sorted(self.unapproved) if t == template]
        reasons += [f"{template} was withdrawn"] if template in self.gone["template"] else []
        reasons += [f"{d} was withdrawn" for d in touched if d in self.gone["dataset"]]
        reasons += [f"{d}.{c} was withdrawn" for d, columns in touched.items() for c in columns if f"{d}.{c}" in self.gone["column"]]
        needed = self.owners(template) | set(entry["received_by"])
        return reasons + [f"{m} left" for m in sorted(needed & self.gone["membership"])]

    def against(self, attempt, defaults):
        """(why the agreement refuses an attempt, whether only values speak against it)."""
        template = self.texts.get(attempt.sql)
        if not template:
            return "no template of the agreement has this text", False
        entry = self.made.document["templates"][template]
        reasons = self.stands(template)
        reasons += [] if attempt.by in entry["run_by"] else [f"{attempt.by} may not run {template}"]
        reasons += [f"{attempt.by} left"] if attempt.by in self.gone["membership"] else []
        reasons += [f"{r} may not receive {template}" for r in attempt.receivers if r not in entry["received_by"]]
        values = [] if reasons else self.values(template, defaults | attempt.parameters)
        return "; ".join(reasons + values), bool(values)

    def values(self, template, given):
        """What speaks against values."""
        declared = self.made.parameters(template)
        found = [f"{name} is no parameter" for name in given if name not in declared]
        for name, parameter in declared.items():
            value = given.get(name, parameter.get("default"))
            if value is None or not within(parameter, str(value)):
                found.append(f"{name} = {value!r} is outside of {json.dumps(parameter)}")
        return found


class Outside:
    """The platform without a gateway: each member's own client, and a stranger's."""

    def __init__(self, scene, made):
        self.scene, self.made = scene, made
        self.accounts = made.accounts() | {"stranger": STRANGER}
        self.names = {account: name for name, account in self.accounts.items()}
        self.clients = {name: scene.account(account) for name, account in self.accounts.items()}
        for member, account in made.accounts().items():
            scene.bucket(f"airlock-outside-{member}", member)
            with contextlib.suppress(urllib.error.HTTPError):  # it is there already
                scene.call("PUT", f"{scene.endpoint}/airlock-elsewhere-{member}", key=account, region="us-east-1")

    def memberships(self, member):
        """Its memberships of this agreement that are alive: {collaboration: membership}."""
        found = self.clients[member].list_memberships(status="ACTIVE")["membershipSummaries"]
        return {one["collaborationId"]: one for one in found}

    def templates(self, member, room):
        """Every template of a collaboration as the member sees it: text, author, defaults."""
        client = self.clients[member]
        found = client.list_collaboration_analysis_templates(collaborationIdentifier=room, maxResults=100)["collaborationAnalysisTemplateSummaries"]
        get = client.get_collaboration_analysis_template
        return [get(collaborationIdentifier=room, analysisTemplateArn=one["arn"])["collaborationAnalysisTemplate"] for one in found]

    def schemas(self, member, room):
        """Every table of a collaboration as the member sees it."""
        client = self.clients[member]
        names = [one["name"] for one in client.list_schemas(collaborationIdentifier=room, maxResults=100)["schemaSummaries"]]
        return [client.get_schema(collaborationIdentifier=room, name=name)["schema"] for name in names]

    def result(self, by, receivers, bucket=None):
        """A run's result configuration for receivers."""
        own = {"s3": {"resultFormat": "CSV", "bucket": bucket or f"airlock-outside-{by}", "keyPrefix": "out"}}
        outputs = [own if r == by else {"member": {"accountId": self.accounts[r]}} for r in receivers]
        return {"outputConfiguration": outputs[0] if len(outputs) == 1 else {"distribute": {"locations": outputs}}}

    def start(self, attempt, bucket=None):
        """Submits; a refusal is kept, anything else is settled later."""
        sql = {"analysisTemplateArn": attempt.arn} if attempt.arn else {"queryString": attempt.sql}
        sql |= {"parameters": attempt.parameters} if attempt.arn and attempt.parameters else {}
        try:
            answer = self.clients[attempt.by].start_protected_query(type="SQL", membershipIdentifier=attempt.membership, sqlParameters=sql,
                                                                    resultConfiguration=self.result(attempt.by, attempt.receivers, bucket))
        except (ClientError, BotoCoreError) as refused:
            attempt.answer = str(refused)
        else:
            attempt.query = answer["protectedQuery"]["id"]
        return attempt

    def settle(self, attempts):
        """How every accepted one ended, and with how many rows where they matter."""
        for attempt in attempts:
            while attempt.query and not attempt.answer:
                found = self.clients[attempt.by].get_protected_query(membershipIdentifier=attempt.membership, protectedQueryIdentifier=attempt.query)["protectedQuery"]
                if found["status"] in ("SUBMITTED", "STARTED", "CANCELLING"):
                    time.sleep(0.05)
                    continue
                attempt.answer = found["status"] if found["status"] == "SUCCESS" else f"{found['status']}: {found.get('error', {}).get('message')}"
                if attempt.answer == "SUCCESS" and attempt.why:
                    attempt.rows = self.rows(attempt)

    def rows(self, attempt):
        """Rows that a run delivered to its first receiver."""
        receiver = attempt.receivers[0]
        if receiver == attempt.by:
            at = f"airlock-outside-{receiver}/out/{attempt.query}/part-00000.csv"
        else:
            default = self.default(receiver, attempt)
            at = f"{default['bucket']}/{default['keyPrefix'].strip('/')}/{attempt.query}/part-00000.{default['resultFormat'].lower()}"
        try:
            data = self.scene.call("GET", f"{self.scene.endpoint}/{at}", key=self.accounts[receiver])
        except urllib.error.HTTPError as error:
            return 0 if error.code == 404 else -1
        if at.endswith("parquet"):
            rows = [tuple(row.values()) for row in pq.read_table(io.BytesIO(data)).to_pylist()]
        else:
            rows = list(csv.reader(io.StringIO(data.decode())))[1:]
        attempt.data = sorted(map(str, rows))
        return 0 if len(rows) == 1 and says_nothing(rows[0], attempt.sql) else len(rows)

    def default(self, receiver, attempt):
        """Where a receiver's results land by its membership of the run's collaboration."""
        room = next(r for r, one in self.memberships(attempt.by).items() if one["id"] == attempt.membership)
        one = self.memberships(receiver)[room]
        return self.clients[receiver].get_membership(membershipIdentifier=one["id"])["membership"]["defaultResultConfiguration"]["outputConfiguration"]["s3"]

    def offer(self, member, membership, name, sql, parameters=None, **more):
        """A template of a member's own; None when the platform takes none."""
        declared = [{"name": n, "type": kind} | ({"defaultValue": d} if d is not None else {}) for n, kind, d in parameters or []]
        try:
            made = self.clients[member].create_analysis_template(membershipIdentifier=membership, name=name, format="SQL", source={"text": sql},
                                                                 **({"analysisParameters": declared} if declared else {}), **more)
        except (ClientError, BotoCoreError) as refused:
            return None, str(refused)
        return made["analysisTemplate"], ""

    def withdraw_offer(self, member, membership, template):
        self.clients[member].delete_analysis_template(membershipIdentifier=membership, analysisTemplateIdentifier=template["id"])


def says_nothing(row, sql):
    """Whether a row is what a total over no rows at all gives: noughts, nothing, and constants of the text."""
    return all(value in (None, "", "0", "0.0", 0) or f"'{value}'" in sql for value in row)


TYPES = {"int64": "BIGINT", "float64": "DOUBLE", "utf8": "STRING", "boolean": "BOOLEAN", "date": "DATE", "timestamp": "TIMESTAMP", "binary": "STRING"}


class Trial:
    """One agreement, provisioned, and everything that is tried on it."""

    def __init__(self, rng, made, scene, gateway):
        self.rng, self.made, self.scene, self.gateway = rng, made, scene, gateway
        self.law, self.outside = Law(made), Outside(scene, made)
        self.attempts, self.pending, self.used, self.serial = [], [], collections.Counter(), 0
        self.sparing = False  # whether what is legitimate is left out
        self.forged, self.squatted, self.sources = [], None, {}

    # The collaborations

    def look(self):
        """What is there now: collaborations with their runner, memberships and templates."""
        self.rooms = {}
        for member in self.made.accounts():
            for room, one in self.outside.memberships(member).items():
                known = self.rooms.setdefault(room, {"name": one["collaborationName"], "memberships": {}})
                known["memberships"][member] = one["id"]
                if "CAN_QUERY" in one["memberAbilities"]:
                    known["runner"] = member
        for room, known in self.rooms.items():
            viewer = next(iter(known["memberships"]))
            known["templates"] = self.outside.templates(viewer, room)
            known["schemas"] = {one["name"]: one for one in self.outside.schemas(viewer, room)}
        self.rooms = {room: known for room, known in self.rooms.items() if "runner" in known}
        self.check_sources()

    def check_sources(self):
        """Which datasets of a collaboration are not the agreement's tables: another's, or over other data."""
        self.sources = {}
        for room, known in self.rooms.items():
            for name, schema in known["schemas"].items():
                dataset = self.made.document["datasets"].get(name)
                owner = self.outside.names.get(schema["creatorAccountId"])
                if not dataset or owner != dataset["owner"]:
                    self.sources[room, name] = f"{name} is a table of {owner}"
                    continue
                tables = self.outside.clients[owner].list_configured_tables()["configuredTableSummaries"]
                for one in tables:
                    found = self.outside.clients[owner].get_configured_table(configuredTableIdentifier=one["id"])["configuredTable"]
                    glue = found["tableReference"]["glue"]
                    if one["name"].endswith(f".{name}") and (glue["databaseName"], glue["tableName"]) != ("weaker", name):
                        self.sources[room, name] = f"{name} is over {glue['databaseName']}.{glue['tableName']}"

    def runnable(self):
        """(collaboration, template at the platform) of every text there that is a template of the agreement."""
        return [(room, one) for room, known in self.rooms.items() for one in known["templates"] if one["source"]["text"] in self.law.texts]

    # Making attempts

    def attempt(self, kind, by, room, *, sql="", template=None, parameters=None, receivers=None, elsewhere=False):
        """Tries, and remembers."""
        known = self.rooms[room]
        text = template["source"]["text"] if template else sql
        membership = known["memberships"].get(by) or next(iter(known["memberships"].values()))
        one = Attempt(kind, by, membership, text, template["arn"] if template else "", parameters or {}, tuple(receivers or (by,)))
        declared = (template.get("analysisParameters") if template else None) or []
        defaults = {p["name"]: p["defaultValue"] for p in declared if "defaultValue" in p}
        one.why, one.rows_matter = self.law.against(one, defaults)
        name = self.law.texts.get(text)
        foreign = [why for (r, dataset), why in self.sources.items() if name and r == room and dataset in self.made.touched(name)]
        if foreign:
            one.why, one.rows_matter = "; ".join([one.why, *foreign] if one.why else foreign), False
        if elsewhere and not one.why:
            one.why = "results may not leave the agreement's residency"
        if self.sparing and not one.why:
            return one
        self.outside.start(one, f"airlock-elsewhere-{by}" if elsewhere else None)
        if one.query and name:
            self.used.update((room, d) for d in self.made.touched(name))
        self.attempts.append(one)
        self.pending.append(one)
        return one

    def settle(self):
        self.outside.settle(self.pending)
        done, self.pending = self.pending, []
        return done

    def left(self, room, name):
        """Uses that the least used table of a template has left."""
        return self.made.document["limits"]["runs_max"] - max((self.used[room, d] for d in self.made.touched(name)), default=0)

    def fitting(self, name):
        return {p: fitting(self.rng, spec) for p, spec in self.made.parameters(name).items()}

    def as_agreed(self, kind, room, template):
        """A template run by the collaboration's runner with values that were declared, for one whom it is for."""
        name = self.law.texts[template["source"]["text"]]
        receivers = self.made.document["templates"][name]["received_by"][:1]
        return self.attempt(kind, self.rooms[room]["runner"], room, template=template, parameters=self.fitting(name), receivers=receivers)

    def legitimate(self, each=1):
        """Each approved template as agreed: whatever is refused here, the rest would prove nothing."""
        for room, one in self.runnable():
            name = self.law.texts[one["source"]["text"]]
            by = self.rooms[room]["runner"]
            if self.law.stands(name) or by not in self.made.document["templates"][name]["run_by"]:
                continue
            for _ in range(each):
                if self.left(room, name) > LEFT_MIN:
                    receivers = self.made.document["templates"][name]["received_by"]
                    self.attempt("legitimate", by, room, template=one, parameters=self.fitting(name), receivers=self.rng.sample(receivers, self.rng.randint(1, len(receivers))))

    def texts(self):
        """A text that nobody agreed to, now and then one that is close to an agreed one."""
        if self.rng.random() < 0.75 or not self.made.explained:
            return self.rng.choice(self.made.texts)[0]
        sql = self.made.sql(self.rng.choice(sorted(self.made.explained)))
        return self.rng.choice(CHANGES)(self.rng, sql)

    def text(self):
        """A text of somebody's own, straight at the platform."""
        room = self.rng.choice(sorted(self.rooms))
        known = self.rooms[room]
        by = known["runner"] if self.rng.random() < 0.85 else self.rng.choice(sorted(known["memberships"]))
        self.attempt("text", by, room, sql=self.texts(), receivers=(self.receiver(room, by),))

    def receiver(self, room, by):
        can = [m for m in self.rooms[room]["memberships"] if "receive" in self.made.document["members"].get(m, {}).get("abilities", ())]
        return by if by in can or not can else self.rng.choice(can)

    def template(self):
        """A template of somebody's own, under any name, run by whoever can query; it may bear an agreed text as well."""
        room = self.rng.choice(sorted(self.rooms))
        known = self.rooms[room]
        by = self.rng.choice(sorted(known["memberships"]))
        name = self.rng.choice(sorted(self.made.explained))
        sql = self.made.sql(name) if self.rng.random() < 0.2 else self.texts()
        self.serial += 1
        alias = self.made.alias(name) if self.rng.random() < 0.4 else f"own-{self.serial}"
        used = sorted(set(re.findall(r"(?<!:):([a-z_]\w*)", sql)))
        declared = [(p, TYPES[self.made.parameters(name).get(p, {"type": "int64"})["type"]], None) for p in used]
        made, refused = self.outside.offer(by, known["memberships"][by], alias, sql, declared)
        if not made:
            self.attempts.append(Attempt("template", by, "", sql, why="no template of the agreement has this text", answer=refused, receivers=(by,)))
            return
        runner = known["runner"]
        one = self.attempt("template", runner, room, template=made, parameters={p: self.rng.choice(("1", "20", "18-24")) for p in used}, receivers=(self.receiver(room, runner),))
        one.why = one.why or "this template was never allowed, whatever its text"
        self.outside.withdraw_offer(by, known["memberships"][by], made)

    def pick(self, where=lambda room, name: True, least=LEFT_MIN):
        """An agreed template at the platform that its runner might run, with uses to spare."""
        found = [(room, one, self.law.texts[one["source"]["text"]]) for room, one in self.runnable()]
        found = [f for f in found if where(f[0], f[2]) and self.left(f[0], f[2]) > least]
        return self.rng.choice(found) if found else None

    def parameters(self):
        """An agreed template with a value that was not declared, or without one, or with one too many."""
        chosen = self.pick(lambda _, name: self.made.parameters(name))
        if not chosen:
            return False
        room, one, name = chosen
        values = self.fitting(name)
        victim = self.rng.choice(sorted(values))
        spec = self.made.parameters(name)[victim]
        near = [str(spec[b] + d) for b, d in (("min", -1), ("max", 1), ("min", -30), ("max", 30)) if isinstance(spec.get(b), int)]
        values[victim] = self.rng.choice(near * 4 + list(HOSTILE))
        turn = self.rng.random()
        if turn < 0.08:
            del values[victim]
        elif turn < 0.12:
            values["another"] = "1"
        elif near and turn < 0.5 and len(values) > 1:  # a whole range, as wide as it gets
            whole = {p: s for p, s in self.made.parameters(name).items() if s["type"] == "int64"}
            values |= {p: str(s.get("min", 0) - 100 if "from" in p else s.get("max", 0) + 100) for p, s in whole.items()}
        self.attempt("parameters", self.rooms[room]["runner"], room, template=one, parameters=values, receivers=self.made.document["templates"][name]["received_by"][:1])
        return True

    def receivers(self):
        """An agreed template for somebody whom it isn't for, alone or beside those whom it is for."""
        chosen = self.pick()
        if not chosen:
            return False
        room, one, name = chosen
        agreed = self.made.document["templates"][name]["received_by"]
        others = [m for m in [*self.made.accounts(), "stranger"] if m not in agreed]
        if not others:
            return False
        wrong = self.rng.choice(others)
        receivers = [wrong] if self.rng.random() < 0.7 else [*agreed, wrong]
        self.attempt("receiver", self.rooms[room]["runner"], room, template=one, parameters=self.fitting(name), receivers=receivers)
        return True

    def elsewhere(self):
        """An agreed template whose result goes to another Region."""
        for room, one in self.runnable():
            name, by = self.law.texts[one["source"]["text"]], self.rooms[room]["runner"]
            if by in self.made.document["templates"][name]["received_by"] and self.left(room, name) > LEFT_MIN:
                self.attempt("elsewhere", by, room, template=one, parameters=self.fitting(name), receivers=(by,), elsewhere=True)

    def everything(self):
        """Every template that is at the platform, whosever it is, run by whoever can query there."""
        for room, known in self.rooms.items():
            for one in known["templates"]:
                name = self.law.texts.get(one["source"]["text"])
                like = name or one["name"].rsplit("-", 1)[0]
                agreed = self.made.document["templates"].get(like)
                values = self.fitting(like) if agreed else {p["name"]: "1" for p in one.get("analysisParameters") or []}
                for receiver in dict.fromkeys([*(agreed["received_by"][:1] if agreed else ()), known["runner"]]):
                    self.attempt("template", known["runner"], room, template=one, parameters=values, receivers=(receiver,))

    def runners(self):
        """An agreed template run by a member whom it isn't for, under its own membership or another's."""
        chosen = self.pick()
        if not chosen:
            return False
        room, one, name = chosen
        entry = self.made.document["templates"][name]
        others = [m for m in [*self.made.accounts(), "stranger"] if m not in entry["run_by"] or m != self.rooms[room]["runner"]]
        at = room if self.rng.random() < 0.7 else self.rng.choice(sorted(self.rooms))
        self.attempt("runner", self.rng.choice(others), at, template=one, parameters=self.fitting(name), receivers=(self.rng.choice(entry["received_by"]),))
        return True

    def unapproved(self):
        """Templates at the platform that an owner has not approved."""
        for room, one in self.runnable():
            name = self.law.texts[one["source"]["text"]]
            if self.law.stands(name):
                self.as_agreed("unapproved", room, one)
        for name, owner in sorted(self.made.withheld):
            for room, known in self.rooms.items():
                if known["runner"] in self.made.document["templates"][name]["run_by"]:
                    self.attempt("unapproved", known["runner"], room, sql=self.made.sql(name), receivers=(self.receiver(room, known["runner"]),))

    def requests(self):
        """Runners ask for what only all members can give: a stranger as a member, the ability to receive for whoever has none."""
        for room, known in self.rooms.items():
            client = self.outside.clients[known["runner"]]
            members = {one["accountId"]: one["abilities"] for one in client.list_members(collaborationIdentifier=room)["memberSummaries"]}
            wanted = [m for m, abilities in members.items() if "CAN_RECEIVE_RESULTS" not in abilities]
            for account in [STRANGER, *wanted]:
                member = {"accountId": account, "displayName": "more", "memberAbilities": [*members.get(account, []), "CAN_RECEIVE_RESULTS"]}
                change = {"specificationType": "MEMBER", "specification": {"member": member}}
                with contextlib.suppress(ClientError):
                    client.create_collaboration_change_request(collaborationIdentifier=room, changes=[change])

    def strangers(self):
        """Somebody who is no member: looks, joins, runs."""
        client = self.outside.clients["stranger"]
        for room, known in self.rooms.items():
            for operation in ("get_collaboration", "create_membership", "list_schemas", "list_collaboration_analysis_templates"):
                more = {"queryLogStatus": "DISABLED"} if operation == "create_membership" else {}
                self.answered("stranger", "stranger", operation, lambda words={"collaborationIdentifier": room, **more}: getattr(client, operation)(**words), "it is no member")
            for template in known["templates"][:1]:
                self.attempt("stranger", "stranger", room, template=template, receivers=("stranger",))

    def answered(self, kind, by, act, call, why):
        """An attempt that is a single call."""
        try:
            call()
            answer = "SUCCESS"
        except (ClientError, BotoCoreError) as refused:
            answer = str(refused)
        self.attempts.append(Attempt(kind, by, "", act, why=why, answer=answer))

    def shown(self):
        """What partners are shown of each table: columns that the agreement knows and nobody withdrew."""
        for room, known in self.rooms.items():
            for viewer in known["memberships"]:
                for schema in self.outside.schemas(viewer, room):
                    dataset = self.made.document["datasets"].get(schema["name"])
                    if not dataset or (room, schema["name"]) in self.sources:
                        continue
                    more = sorted({c["name"] for c in schema["columns"]} - self.columns(schema["name"], dataset))
                    text = f"{schema['name']}: {', '.join(more) or 'nothing more'}"
                    self.attempts.append(Attempt("shown", viewer, "", text, why="the agreement has no such column", answer="SUCCESS" if more else "as agreed"))

    def columns(self, name, dataset):
        held = {c: spec for c, spec in dataset["columns"].items() if f"{name}.{c}" not in self.law.gone["column"]}
        keys = [k["from"] for spec in held.values() for k in spec.get("keys", [spec])]
        return {c.lower() for c in keys + [r["from"] for r in [dataset.get("consent"), *dataset.get("rows", [])] if r]}

    # Withdrawals and the cap

    def revocations(self):
        """One withdrawal after the other; after each, everything that stood is tried again. One template is spared, for the cap."""
        rng, law = self.rng, self.law
        spared = self.pick(self.stands, least=0)
        spared = spared[2] if spared else None
        templates = [n for n in self.made.explained if not law.stands(n) and n != spared]
        rng.shuffle(templates)
        kept = set(self.made.touched(spared)) if spared else set()
        chosen = []
        if len(templates) > 2:
            chosen += [(kind, name, rng.choice(sorted(law.owners(name)))) for kind, name in zip(("approval", "template"), templates, strict=False)]
            dataset, columns = rng.choice(sorted(self.made.touched(templates[2]).items()))
            entity = self.made.document["datasets"][dataset]["entity"]
            column = rng.choice(sorted(columns - {entity}) or [None]) if dataset not in kept else None
            owner = self.made.document["datasets"][dataset]["owner"]
            chosen += [("column", f"{dataset}.{column}", owner)] if column else []
        datasets = sorted({d for n in templates[3:] or templates for d in self.made.touched(n)} - kept)
        if datasets:
            dataset = rng.choice(datasets)
            chosen.append(("dataset", dataset, self.made.document["datasets"][dataset]["owner"]))
        stay = {known["runner"] for known in self.rooms.values()}
        stay |= law.owners(spared) | set(self.made.document["templates"][spared]["received_by"]) if spared else set()
        leavers = [m for m in self.made.accounts() if m not in stay]
        chosen += [("membership", rng.choice(leavers), None)] if leavers and rng.random() < 0.5 else []
        hidden = rng.randrange(len(chosen)) if chosen else -1
        for number, (kind, what, by) in enumerate(chosen):
            self.revoke(kind, what, by or what, behind=number == hidden)

    def again(self):
        """What was withdrawn stays so when the room is made as agreed once more."""
        before = self.runnable()
        applied(self)
        self.look()
        for room, one in [*before, *self.runnable()]:
            name = self.law.texts[one["source"]["text"]]
            if self.law.stands(name) and room in self.rooms:
                self.as_agreed("revoked", room, one)
        self.settle()

    def revoke(self, kind, what, by, behind=False):
        """A withdrawal, and the same attempts before and after it. `behind`: a runner took a name of ours before."""
        before = self.runnable()
        if behind:
            runner = next(iter(self.rooms.values()))["runner"]
            name = f"airlock.{self.made.collaboration}.{runner}.00000000"
            self.outside.clients[runner].create_collaboration(name=name, description="x", creatorDisplayName=runner, members=[], queryLogStatus="DISABLED",
                                                              creatorMemberAbilities=["CAN_QUERY", "CAN_RECEIVE_RESULTS"])
        words = [f"--{kind}"] if kind in ("membership", "room") else [f"--{kind}", what]
        try:
            self.gateway.call("revoke", self.made.collaboration, *words, "--as", by)
        except airlock.Failed as failure:
            print(f"  revoke {kind} {what}: {str(failure)[:300]}", flush=True)
        self.law.withdraw(kind, what, by)
        for room, one in before:
            name = self.law.texts[one["source"]["text"]]
            if self.law.stands(name) and room in self.rooms:
                self.as_agreed("revoked behind a stranger" if behind else "revoked", room, one)
        self.settle()
        if behind:
            strange = self.outside.clients[runner].list_collaborations(memberStatus="INVITED")["collaborationList"]
            for one in strange:
                if one["name"].endswith(".00000000"):
                    self.outside.clients[runner].delete_collaboration(collaborationIdentifier=one["id"])
            applied(self)
        self.look()

    def stands(self, room, name):
        """Whether a collaboration's runner may run a template."""
        return not self.law.stands(name) and self.rooms[room]["runner"] in self.made.document["templates"][name]["run_by"]

    def cap(self):
        """One template again and again until the platform has enough: no table is used more often than the collaboration may run."""
        chosen = self.pick(self.stands, least=0)
        if not chosen:
            return
        room, one, name = chosen
        most = self.made.document["limits"]["runs_max"]
        table = max(self.made.touched(name), key=lambda d: self.used[room, d])
        while self.used[room, table] < most + 3:
            began = self.used[room, table]
            made = self.as_agreed("beyond the cap", room, one)
            if self.used[room, table] > most:
                made.why = f"{table} was used {self.used[room, table]} times, and the collaboration may run {most} times"
            elif not made.query and began >= most:
                made.why = f"the collaboration may run {most} times"
            if not made.query:
                break
        self.settle()


def _less(rng, sql):
    numbers = list(re.finditer(r">= (\d+)", sql))
    if not numbers:
        return sql + " LIMIT 100"
    found = rng.choice(numbers)
    return sql[:found.start()] + ">= 1" + sql[found.end():]


CHANGES = (
    _less, lambda _, sql: sql + " ", lambda _, sql: sql.lower(), lambda _, sql: sql + "\n-- approved", lambda _, sql: f"SELECT * FROM ({sql}) x",
    lambda _, sql: re.sub(r"\nHAVING.*", "", sql, flags=re.DOTALL), lambda _, sql: re.sub(r"\n  WHERE .*", "", sql),
    lambda _, sql: sql.replace("COUNT(DISTINCT ", "COUNT("), lambda _, sql: f"{sql} UNION ALL {sql}",
    lambda _, sql: re.sub(r"REGEXP_SUBSTR\((`\w+`), '[^']*'\)", r"\1", sql),
)


# Provisioning

def provision(rng, make, folder, arguments, hostile, generate=agreements.generate):
    """An agreement on the stage, held there by the command line; before it is, runners took names that it would use."""
    scene = stage.Stage(folder, dict(zip(("a", "b", "c"), ACCOUNTS, strict=True)))
    ground = make(folder, rng)
    gateway = airlock.Airlock(airlock.binary(arguments.airlock), folder / "home", {})
    made = generate(rng, ground, gateway, folder, ACCOUNTS)
    scene.accounts = made.accounts()
    scene.tell("POST", "settings", SETTINGS)
    scene.tell("POST", "quotas", QUOTAS)
    for name, place in ground.files.items():
        scene.table(made.document["datasets"][name]["owner"], "weaker", name, place)
    gateway.environment |= scene.environment()
    members = list(made.document["members"])
    approvals = {m: [t for t in made.explained if m in Law(made).owners(t) and (t, m) not in made.withheld] for m in members}
    receivers = [m for m in members if "receive" in made.document["members"][m]["abilities"]]
    runners = {r for t in made.document["templates"].values() for r in t["run_by"]}
    scene.connect(folder / "home", receivers, operated=runners)
    (folder / "home").chmod(0o700)
    gateway.settle(made.file, made.collaboration, members, approvals)
    trial = Trial(rng, made, scene, gateway)
    gateway.call("apply", made.collaboration, "--room", ROOM)
    if hostile:
        forge(trial, hostile == "squat")
    scene.connect(folder / "home", receivers)
    if trial.forged or trial.squatted:
        applied(trial, FORGED_S)
        trial.look()
        try_forged(trial)
        trial.settle()
        take_back(trial)
    applied(trial)
    trial.look()
    return trial


def applied(trial, seconds=300):
    """Makes the room as agreed, as far as it can be; what waits for what others took is not waited for."""
    try:
        trial.gateway.call("apply", trial.made.collaboration, "--room", ROOM, timeout=seconds)
    except subprocess.TimeoutExpired:
        return
    except airlock.Failed as failure:
        if not trial.forged:
            raise
        print(f"  apply: {str(failure)[:300]}", flush=True)


def forge(trial, squats):
    """Under the names that Airlock would use: another text, a weaker one, the very text with another default; a table of one's own as another's."""
    trial.look()
    rng, made, outside = trial.rng, trial.made, trial.outside
    for room, known in sorted(trial.rooms.items()):
        runner = known["runner"]
        mine = [t for t in sorted(made.explained) if runner in made.document["templates"][t]["run_by"]]
        for number, name in enumerate(rng.sample(mine, min(3, -(-len(mine) // 2)))):
            declared = [(p, TYPES[s["type"]], None) for p, s in made.parameters(name).items()]
            sql = (lambda: rng.choice(made.texts)[0], lambda: _less(rng, made.sql(name)), lambda: made.sql(name))[number]()
            if number == 2:
                declared = [(p, kind, "99999" if kind == "BIGINT" else None) for p, kind, _ in declared]
            if number == 0:
                declared += [(p, "BIGINT", None) for p in sorted(set(re.findall(r"(?<!:):([a-z_]\w*)", sql))) if p not in [d[0] for d in declared]]
            offered, _ = outside.offer(runner, known["memberships"][runner], made.alias(name), sql, declared, description=f"template sha256:{'0' * 64} text sha256:{'0' * 64}")
            if offered:
                trial.forged.append((room, name, offered))
        if squats and not trial.squatted:
            squat(trial, room, runner)


def squat(trial, room, runner):
    """A table of the runner's own under the name of another owner's dataset."""
    datasets = trial.made.document["datasets"]
    others = sorted(n for n, d in datasets.items() if d["owner"] != runner and n not in trial.rooms[room]["schemas"])
    if not others:
        return
    name = trial.rng.choice(others)
    client = trial.outside.clients[runner]
    columns = sorted({k["from"].lower() for c in datasets[name]["columns"].values() for k in c.get("keys", [c])})
    entry = {"columns": [{"name": c, "type": "string"} for c in columns], "partitionKeys": [], "location": f"s3://airlock-data-{runner}/none/"}
    trial.scene.tell("PUT", f"glue/{trial.outside.accounts[runner]}/own/{name}", entry)
    glue = {"glue": {"databaseName": "own", "tableName": name}}
    made = client.create_configured_table(name=f"own-{name}-{room[:8]}", tableReference=glue, allowedColumns=columns, analysisMethod="DIRECT_QUERY")
    table = made["configuredTable"]["id"]
    client.create_configured_table_association(name=name, membershipIdentifier=trial.rooms[room]["memberships"][runner], configuredTableIdentifier=table,
                                               roleArn=f"arn:aws:iam::{trial.outside.accounts[runner]}:role/own")
    client.create_configured_table_analysis_rule(configuredTableIdentifier=table, analysisRuleType="CUSTOM", analysisRulePolicy={"v1": {"custom": {
        "allowedAnalyses": ["ANY_QUERY"], "allowedAnalysisProviders": [trial.outside.accounts[runner]]}}})
    trial.squatted = (room, name)


def take_back(trial):
    """What runners put there goes, so that the rest is provisioned."""
    for room, _, offered in trial.forged:
        runner = trial.rooms[room]["runner"]
        trial.outside.withdraw_offer(runner, trial.rooms[room]["memberships"][runner], offered)
    if trial.squatted:
        room, name = trial.squatted
        runner = trial.rooms[room]["runner"]
        client, membership = trial.outside.clients[runner], trial.rooms[room]["memberships"][runner]
        found = client.list_configured_table_associations(membershipIdentifier=membership)["configuredTableAssociationSummaries"]
        for one in found:
            if one["name"] == name:
                client.delete_configured_table_association(membershipIdentifier=membership, configuredTableAssociationIdentifier=one["id"])
    trial.forged, trial.squatted = [], None


def try_forged(trial):
    """What was there before Airlock came, run after it came."""
    for room, name, offered in trial.forged:
        if room not in trial.rooms:
            continue
        receivers = trial.made.document["templates"][name]["received_by"][:1]
        values, declared = trial.fitting(name), trial.made.parameters(name)
        if offered["source"]["text"] == trial.made.sql(name):  # what counts is the other default
            values = {p: v for p, v in values.items() if declared[p]["type"] != "int64"}
        trial.attempt("forged", trial.rooms[room]["runner"], room, template=offered, parameters=values, receivers=receivers)
    for room, name in [trial.squatted] if trial.squatted else []:
        for at, one in trial.runnable():
            template = trial.law.texts[one["source"]["text"]]
            if at == room and name in trial.made.touched(template):
                trial.as_agreed("squatted", room, one)
        trial.attempt("squatted", trial.rooms[room]["runner"], room, sql=f"SELECT * FROM {name} a JOIN {next(n for n in trial.made.document['datasets'] if n != name)} b ON 1 = 1",
                      receivers=(trial.receiver(room, trial.rooms[room]["runner"]),))


def besiege(trial, count, last):
    """Everything that is tried on one agreement."""
    trial.legitimate()
    trial.settle()
    trial.requests()
    trial.sparing = True
    trial.everything()
    trial.sparing = False
    trial.unapproved()
    trial.elsewhere()
    trial.strangers()
    trial.shown()
    wanted = [("parameters", trial.parameters)] * 10 + [("receiver", trial.receivers)] * 6 + [("runner", trial.runners)] * 12
    for kind, make in wanted * 3:
        make()
    trial.settle()
    while len(trial.attempts) < count and trial.rooms:
        (trial.text if trial.rng.random() < 0.8 else trial.template)()
    trial.settle()
    trial.revocations()
    trial.again()
    trial.shown()
    if last == "cap":
        trial.cap()
    else:
        trial.revoke("room", trial.made.collaboration, next(iter(trial.made.accounts())))


def report(trials, seconds):
    """Counts by kind; what failed; 0 when nothing did and nothing was missing."""
    attempts = [one for trial in trials for one in trial.attempts]
    print(f"\n{'kind':28}{'tried':>8}{'admitted':>10}{'refused':>9}{'failed':>8}")
    missing = []
    for kind in KINDS:
        mine = [a for a in attempts if a.kind == kind]
        admitted, failed = sum(a.admitted() for a in mine), sum(a.failed() for a in mine)
        print(f"{kind:28}{len(mine):8}{admitted:10}{len(mine) - admitted:9}{failed:8}")
        missing += [] if mine else [kind]
    spoiled = [a for a in attempts if SPENT in a.answer and a.kind != "beyond the cap"]
    idle = [t for t in trials if not any(a.kind == "legitimate" and a.admitted() for a in t.attempts)]
    refused = [a for a in attempts if a.kind == "legitimate" and not a.why and not a.admitted()]
    capped = any(a.kind == "beyond the cap" and SPENT in a.answer for a in attempts)
    for what, found in (("kinds that never occurred", missing), ("agreements whose own templates never ran", [t.made.collaboration for t in idle]),
                        ("refused for the cap alone", [str(a)[:300] for a in spoiled[:3]]), ("legitimate and refused", [str(a)[:600] for a in refused[:5]])):
        if found:
            print(f"{what}: {len(found)}: " + "\n  ".join(found[:5]))
    failed = [a for a in attempts if a.failed()]
    print(f"{len(trials)} agreements, {len(attempts)} attempts in {seconds:.0f} s, {len(failed)} admitted against the agreement" + ("" if capped else "; no cap was reached"))
    return 1 if failed or missing or idle or spoiled or refused or not capped else 0


def prove(arguments, folder):
    """The whole proof; 0 when it holds."""
    import planted  # it plants into trials of this file

    began, trials = time.monotonic(), []
    agreements_count = arguments.agreements or max(4, arguments.count // 3000)
    each = max(150, -(-arguments.count // agreements_count))
    for number in range(agreements_count):
        rng = random.Random(f"weaker {arguments.seed} {number}")
        place = folder / f"{number}"
        place.mkdir()
        try:
            trial = provision(rng, (agreements.shop, agreements.judged)[number % 2], place, arguments, ("forge", "", "squat", "")[number % 4])
        except airlock.Failed as failure:
            print(f"agreement {number} of seed {arguments.seed} is not provisioned: {failure}\n{failure.output[:800]}")
            return 1
        besiege(trial, each, "room" if number % 2 else "cap")
        trials.append(trial)
        failed = [a for a in trial.attempts if a.failed()]
        what = f"seed {arguments.seed}, agreement {number} ({trial.made.ground.name})"
        print(f"{what}: {len(trial.attempts)} attempts, {len(failed)} failed, {time.monotonic() - began:.0f} s", flush=True)
        for one in failed[:6]:
            print(f"ADMITTED: {what}: {one}", flush=True)
        if failed:
            print(json.dumps(trial.made.document, ensure_ascii=False)[:6000])
    print("\nthe same attempts, where something was weakened:")
    blind = planted.prove(arguments, folder, quick=True)
    return report(trials, time.monotonic() - began) or blind


def chosen(arguments):
    """The proof that was asked for."""
    import planted

    return planted.prove if arguments.planted else prove


if __name__ == "__main__":
    sys.exit(command.main("weaker", __doc__, lambda arguments, folder: chosen(arguments)(arguments, folder), {
        "--seed": {"type": int, "default": 1},
        "--count": {"type": int, "default": 2000, "help": "attempts; 100000 take about half an hour"},
        "--agreements": {"type": int, "help": "how many agreements they are spread over"},
        "--planted": command.FLAG | {"help": "weaken what was provisioned, term by term, and see that it is noticed"},
    }))
