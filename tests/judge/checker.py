"""Judges gateways by what they can't help leaving behind: exported logs, calls as they came to the stage, and what the other account sees.
Must not know workers, leases nor schedules.
"""

import collections
import contextlib
import json
import re
import shutil
import threading
import time

import botocore.exceptions

import gateways
import proofs

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ARN = re.compile(r'"(arn:aws:cleanrooms:[^"]+/analysistemplate/[^"]+)"')
TABLES = ("customers", "seen")
GIVE = ("neutral", "grant")
# A call of unknown end may take effect for as long as its signature is accepted, then shows itself within two seconds.
UNSETTLED_MS_MAX = 15 * 60_000 + 2_000 + 10_000
CODES = ("ResourceNotFoundException", "AccessDeniedException")
# A call that takes away is planned on a look; what ended since then may be called once more.
LOOKED_MS_MAX = 10_000
# What takes longer hangs; no promise says how long it may take.
HANGS_S = 180
# What is under way when a log is to be judged has so long to come to its end.
ENDS_S = 60
TAKES_AWAY = ("revoke", "restrict")


class Log:
    """One exported log, verified."""

    def __init__(self, gateway, name, folder, older=None):
        shutil.rmtree(folder, ignore_errors=True)
        key = gateway.call("audit", "export", name, "--to", str(folder))["key"]
        self.name, self.folder, self.size = name, folder, proofs.verify(folder, key, older)
        self.leaves = [json.loads(line) for line in proofs.leaves(folder)]
        self.bodies = [leaf["body"] for leaf in self.leaves]

    def of(self, kind, **parts):
        """[(index, milliseconds, body)] of a kind, with these parts."""
        found = ((n, leaf["at_ms"], leaf["body"]) for n, leaf in enumerate(self.leaves))
        return [one for one in found if one[2]["kind"] == kind and all(one[2].get(k) == v for k, v in parts.items())]

    def open(self, effects=("revoke", "restrict", *GIVE)):
        """Intents whose end is not known, by step."""
        ended = {body["step"] for body in self.bodies if body["kind"] == "effect-outcome" and body["outcome"] != "unknown"}
        return {body["step"]: at for _, at, body in self.of("effect-intended") if body["step"] not in ended and body["effect"] in effects}

    def withdrawals(self):
        """[(index, milliseconds, what)] of members' own and of those found on the platform."""
        return [(n, at, body["what"]) for n, at, body in self.of("revoked") + self.of("found-withdrawn")]

    def confirmed(self, index):
        """When a withdrawal was seen closed, in milliseconds; None while it was not."""
        return next((at for _, at, _ in self.of("revocation-confirmed", revocation=index)), None)


def unordered(value):
    """A document without the order in its lists."""
    if isinstance(value, dict):
        return {k: unordered(v) for k, v in sorted(value.items())}
    return sorted((unordered(v) for v in value), key=json.dumps) if isinstance(value, list) else value


def called(note):
    """What makes two calls the same: account, method, path, and the body without order."""
    return note.get("account"), note["method"], note["path"], json.dumps(unordered(json.loads(note["body"] or "{}")))


def concerns(what, of):
    """Whether a withdrawal is about any of these, by structure alone."""
    if not of or what["kind"] == "room":
        return True
    parts = {"member": ("member",), "dataset": ("dataset",), "column": ("dataset", "column"), "template": ("template", "digest"), "approval": ("template", "digest", "of")}[what["kind"]]
    return any(one["kind"] == what["kind"] and all(one.get(part) == what.get(part) for part in parts) for one in of)


class Checker:
    """Everything that was found wrong in one world."""

    def __init__(self, world):
        self.world, self.wrong = world, []

    def same(self, what, found, wanted):
        """Notes what is not as it must be, and goes on."""
        if found != wanted:
            self.wrong.append(f"{what}: {found!r}, not {wanted!r}")
        return found == wanted

    def holds(self, what, true, found=""):
        """Notes what is not so."""
        if not true:
            self.wrong.append(f"{what}{f': {found!r}' if found != '' else ''}")
        return bool(true)

    def log(self, name, gateway=None, older=None):
        """A log as it is now."""
        return Log(gateway or self.world.gateways[0], name, self.world.folder / f"export-{name}", older)

    def ids(self):
        """{id on the platform: collaboration}, learned from answers."""
        known = {}
        for note in list(self.world.notes):
            name = self._named(note, known)
            if name and (note["status"] or 500) < 300:
                known |= dict.fromkeys(UUID.findall(note["answer"]), name)
        return known

    @staticmethod
    def _named(note, known):
        said = re.search(r'"airlock:collaboration":\s*"([a-z0-9-]+)"', note["body"])
        return said.group(1) if said else next((known[one] for one in UUID.findall(note["path"] + note["body"]) if one in known), None)

    def name_of(self, path, body=b""):
        """The collaboration that a call is about."""
        return self._named({"path": path, "body": body.decode("utf-8", "replace")}, self.ids())

    def writes(self, name=None, since=0.0):
        """Calls that gateways sent to change something, as they came."""
        known = self.ids()
        return [note for note in list(self.world.notes) if note["at"] >= since and name in (None, self._named(note, known))]

    def gave(self, name=None, since=0.0):
        """Those among them that gave: made something, or allowed in a rule what the call before it did not."""
        before, gave = {}, []
        for note in self.writes(name):
            place, allows = (note["account"], note["path"].removesuffix("/CUSTOM")), set(ARN.findall(note["body"]))
            if note["at"] >= since and (note["method"] == "POST" or note["method"] == "PATCH" and allows - before.get(place, set())):
                gave.append(note)
            if (note["status"] or 0) < 300:
                before[place] = allows
        return gave

    def judge(self, name, open_max=0, recorded=True, ends_s=ENDS_S):
        """What holds of every log at any time; the log. `open_max`: steps that give and may wait for their end still, after `ends_s` seconds (what two
        take away at once waits for its end as well, a quarter of an hour at most); `recorded`: whether every call has its intent, which a log that
        can't be written excuses closing from."""
        gateways.until(lambda: all("ended" in note for note in self.writes(name)), ends_s)
        calls = self.writes(name)  # before the log is read: what comes later may have its intent later
        read = [self.log(name)]

        def has_ended():
            if len(read[-1].open(GIVE)) > open_max:
                read.append(self.log(name))
            return len(read[-1].open(GIVE)) <= open_max

        gateways.until(has_ended, ends_s, 1)
        log = read[-1]
        intents, outcomes = log.of("effect-intended"), log.of("effect-outcome")
        steps = collections.Counter(body["step"] for _, _, body in intents)
        ends = collections.Counter(body["step"] for _, _, body in outcomes if body["outcome"] != "unknown")
        self.same(f"{name}: steps intended twice", [s for s, n in steps.items() if n > 1], [])
        self.same(f"{name}: steps ended twice", [s for s, n in ends.items() if n > 1], [])
        self.same(f"{name}: ends without an intent", sorted(set(ends) - set(steps)), [])
        waiting, giving = log.open(), log.open(GIVE)
        self.holds(f"{name}: steps that give without an end, of {open_max} that may be", len(giving) <= open_max, giving)
        now = time.time() * 1000
        self.same(f"{name}: left unsettled for too long", [s for s, at in waiting.items() if now - at > UNSETTLED_MS_MAX], [])
        for index, _, body in intents:
            if body["effect"] in ("grant",):
                stale = [n for n, _, what in log.withdrawals() if body["basis"] <= n < index and concerns(what, body.get("of", []))]
                self.same(f"{name}: leaf {index} gives on a plan older than a withdrawal", stale, [])
        for index, at, what in log.withdrawals():
            confirmed = log.of("revocation-confirmed", revocation=index)
            self.holds(f"{name}: leaf {index} confirmed more than once", len(confirmed) < 2, confirmed)
            until = self._again(log, what, index)
            given = [n for n, _, body in intents if body["effect"] == "grant" and index < n < until and concerns(what, body.get("of", []))]
            self.same(f"{name}: leaf {index} withdrew, and it was given again", given, [])
        if recorded:
            self._intended(name, log, calls)
        return log

    def _again(self, log, what, index):
        """From which leaf on it may be given anew: a whole room once every member has said so."""
        needed = set(self.world.members if what["kind"] == "room" else ())
        for n, body in enumerate(log.bodies):
            if n <= index:
                continue
            if body["kind"] == "approved" and what["kind"] in ("approval", "template") and body["template"] == what["template"]:
                return n
            if body["kind"] == "reoffered" and body["what"] == what:
                needed.discard(body.get("by"))
                if not needed:
                    return n
        return len(log.bodies) + 1

    def _intended(self, name, log, calls):
        """At every moment as many intents are on record as calls came to the stage. The same call that takes away may come again under
        its intent while nobody knows its end; one that gives may not."""
        intents = log.of("effect-intended")
        ended = {body["step"]: at for _, at, body in log.of("effect-outcome") if body["outcome"] != "unknown"}
        taking = [(at, body["step"]) for _, at, body in intents if body["effect"] in TAKES_AWAY]
        times, last, under, number = sorted(at for _, at, _ in intents), {}, {}, 0
        for note in calls:
            came, call = note["at"] * 1000, called(note)
            before, last[call] = last.get(call), came
            if before is not None and note["method"] != "POST":
                open_then = [step for at, step in taking if at <= before + 1 and ended.get(step, came) >= came - LOOKED_MS_MAX]
                if again := next((step for step in open_then if under.get(step, call) == call), None):
                    under[again] = call
                    continue
            number += 1
            known = sum(at <= came + 1 for at in times)
            if known < number:
                self.wrong.append(f"{name}: call {number}, {note['method']} {note['path']} by {note['by']}, with {known} intents on record")
                return

    # What the other account sees.

    def room(self, name, viewer="media"):
        """A collaboration as a member sees it; None when it is not there."""
        pages = self.world.stage.client(viewer).get_paginator("list_collaborations").paginate()
        found = [one for page in pages for one in page["collaborationList"] if one["name"].split(".")[1:2] == [name]]
        self.holds(f"{name}: collaborations on the platform, as {viewer} sees it", len(found) < 2, [one["name"] for one in found])
        return found[0] if found else None

    def schema(self, name, table, viewer="media", room=None):
        """A table as a member sees it: None when it is not READY, else its columns and the ARNs that it allows."""
        room = room or self.room(name, viewer)
        if not room:
            return None
        client = self.world.stage.client(viewer)
        try:
            found = client.get_schema(collaborationIdentifier=room["id"], name=table)["schema"]
            direct = next(d for d in found["schemaStatusDetails"] if d["analysisType"] == "DIRECT_ANALYSIS")
            if direct["status"] != "READY":
                return None
            rule = client.get_schema_analysis_rule(collaborationIdentifier=room["id"], name=table, type="CUSTOM")["analysisRule"]["policy"]["v1"]["custom"]
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in CODES:
                return None
            raise
        return {"columns": sorted(c["name"] for c in found["columns"]), "allowed": set(rule["allowedAnalyses"]), "rule": rule}

    def usable(self, name, viewer="media"):
        """The templates that the runner can run now, by what its own calls say."""
        room = self.room(name, viewer)
        if not room or room["memberStatus"] != "ACTIVE":
            return set()
        client = self.world.stage.client(viewer)
        try:
            found = client.list_collaboration_analysis_templates(collaborationIdentifier=room["id"])["collaborationAnalysisTemplateSummaries"]
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in CODES:
                return set()
            raise
        arns = {t["arn"]: t["name"].rsplit("-", 1)[0] for t in found}
        seen = [self.schema(name, table, viewer, room) for table in TABLES]
        if None in seen:
            return set()
        allowed = seen[0]["allowed"] & seen[1]["allowed"]
        return {label for arn, label in arns.items() if arn in allowed or "ANY_QUERY" in allowed}

    def opened(self, names, seconds, wanted=None):
        """Waits until members can use all that is agreed; the seconds that took, None when it never came."""
        begun, left = time.monotonic(), list(names)
        wanted = set(self.world.templates) if wanted is None else wanted
        while left and time.monotonic() - begun < seconds:
            left = [name for name in left if self.usable(name) != wanted]
            time.sleep(0.2 if left else 0)
        self.same("not as agreed on the platform", {name: self.usable(name) for name in left}, {})
        return None if left else time.monotonic() - begun

    def doubled(self, seconds=ENDS_S):
        """Nothing stands twice on the platform, or not for long."""
        self.same("twice on the platform", [] if gateways.until(lambda: not self.twice(), seconds, 1) else self.twice(), [])

    def twice(self):
        """Names that something of a member has twice on the platform."""
        twice, mine = [], lambda name: name.split(".")[1:2] and name.split(".")[1] in self.world.names
        for member in self.world.members:
            client = self.world.stage.client(member)
            tables = [t["name"] for page in client.get_paginator("list_configured_tables").paginate() for t in page["configuredTableSummaries"] if mine(t["name"])]
            rooms = [c["name"] for page in client.get_paginator("list_collaborations").paginate() for c in page["collaborationList"] if mine(c["name"])]
            inside = []
            for one in (m for page in client.get_paginator("list_memberships").paginate() for m in page["membershipSummaries"]):
                if one["status"] != "ACTIVE" or not mine(one["collaborationName"]):
                    continue
                own = one["id"]
                inside += [(own, t["name"]) for t in client.list_analysis_templates(membershipIdentifier=own)["analysisTemplateSummaries"]]
                inside += [(own, a["name"]) for a in client.list_configured_table_associations(membershipIdentifier=own)["configuredTableAssociationSummaries"]]
            twice += [name for name, count in collections.Counter([*tables, *rooms, *inside]).items() if count > 1]
        return twice


class Watch:
    """Looks at a collaboration again and again as the other account, and remembers when it was open."""

    def __init__(self, checker, name, is_open):
        self.checker, self.name, self.is_open = checker, name, is_open
        self.looks, self.ending = [], threading.Event()
        self.thread = threading.Thread(target=self._look_on, daemon=True)
        self._look_whole()
        self.thread.start()

    def _look(self):
        asked = time.time()
        with contextlib.suppress(botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError):
            self.looks.append((asked, bool(self.is_open())))
            return True
        return False

    def _look_on(self):
        while not self.ending.is_set():
            self._look()
            self.ending.wait(0.3)

    def _look_whole(self):
        if not gateways.until(self._look, HANGS_S, 0.3):
            raise AssertionError(f"{self.name}: the other account can't look")

    def end(self):
        """A last look, and no more."""
        if not self.ending.is_set():
            self.ending.set()
            self.thread.join(timeout=HANGS_S)
            self._look_whole()
        return self

    def closed_at(self):
        """When it was first seen closed for good, in seconds since 1970."""
        last = max((at for at, was_open in self.looks if was_open), default=0.0)
        return next((at for at, was_open in self.looks if at > last and not was_open), None)

    def open_after(self, ms):
        """Looks that were begun after a moment and saw it open."""
        return [at for at, was_open in self.looks if was_open and at * 1000 > ms]


@contextlib.contextmanager
def played(arguments, folder, names, **more):
    """A world with its checker; whatever runs is ended."""
    world = gateways.World(arguments, folder, names, **more)
    try:
        yield world, Checker(world)
    finally:
        world.end()


def figure(seconds):
    """Seconds for people."""
    return "never" if seconds is None else f"{seconds:.1f} s"
