"""Clients of a gateway that is killed under them who ask for effects, each under a key: runs in the native room, and schedules that are taken away again.

Some requests are cut before their answer is read; all are asked again under the same key until they are answered, and once more in the end. Judged
is what is on record and what lies at the destination: one effect a key. Must not know: when the gateway is killed.
"""

import collections
import hashlib
import http.client
import json
import secrets
import time

import clients
import proofs
import receipts

RUNNERS, RUNS_MAX, PAUSE_S, ENDED_S = 2, 800, 0.15, 120
NEVER = "0 0 29 2 *"


class Asking(clients.Clients):
    """The clients, over one collaboration whose templates are approved; its destination is a folder of this machine."""

    def __init__(self, gateway, filled, name):
        self.gateway, self.filled, self.name, self.token = gateway, filled, name, filled.tokens[filled.alfa]
        told = gateway.ask("GET", f"/v1/collaborations/{name}/templates", self.token).json()["templates"]
        ready = next(one for one in told if filled.alfa in one["run_by"] and not one["waits_for"])
        self.version = {"template": ready["template"], "digest": ready["digest"]}
        self.before = self.left()
        super().__init__([*[self.runs] * RUNNERS, self.schedules])
        self.asked, self.odd, self.cut, self.again = {}, [], 0, 0

    def left(self):
        """How many runs the cap still admits."""
        return self.gateway.ask("GET", f"/v1/collaborations/{self.name}", self.token).json()["runs_left"]

    def runs(self, number):
        """One that asks for run after run, and leaves every third request before its answer."""
        count = 0
        while not self.stop.is_set() and count * RUNNERS < RUNS_MAX:
            count += 1
            self.one(f"run-{number}-{count}-{secrets.token_hex(8)}", "runs", self.version, cuts=count % 3 == 0)
            self.stop.wait(PAUSE_S)

    def schedules(self, number):
        """One that makes schedules for a day that is far away, and takes each away again."""
        count = 0
        while not self.stop.is_set():
            count += 1
            schedule, key = f"made-{number}-{count}", f"schedule-{number}-{count}-{secrets.token_hex(8)}"
            if self.one(key, "schedules", self.version | {"schedule": schedule, "cron": NEVER}, cuts=count % 3 == 0):
                self.one(f"un{key}", f"schedules/{schedule}/removals", None, cuts=count % 3 == 1)
            self.stop.wait(PAUSE_S * 2)

    def one(self, key, what, body, cuts=False):
        """One request under its key, until it is answered; whether it was done."""
        told = []
        with self.lock:
            self.asked[key] = (what, body, told)
        if cuts:
            self.leave(key, what, body)
        while not self.stop.is_set():
            answer = self.ask(key, what, body)
            if answer is None or answer.status in (429, 503):
                time.sleep(0.02)
                continue
            with self.lock:
                told.append(answer)
                if answer.status not in (201, 202):
                    self.odd.append((key, answer))
            return answer.status in (201, 202)
        return False

    def ask(self, key, what, body):
        """One answer, or nothing where the connection broke."""
        path, headers = f"/v1/collaborations/{self.name}/{what}", {"Idempotency-Key": key}
        try:
            return self.gateway.ask("POST", path, self.token, body, headers, timeout=15)
        except (OSError, http.client.HTTPException):
            with self.lock:
                self.again += 1
            return None

    def leave(self, key, what, body):
        """Sends it whole and goes before the answer."""
        data = b"" if body is None else json.dumps(body).encode()
        lines = [f"POST /v1/collaborations/{self.name}/{what} HTTP/1.1", f"Host: {self.gateway.at[0]}:{self.gateway.at[1]}", f"Authorization: Bearer {self.token}",
                 f"Idempotency-Key: {key}", *(["Content-Type: application/json"] if body is not None else []), f"Content-Length: {len(data)}"]
        try:
            with self.gateway.raw(5) as stream:
                stream.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + data)
        except OSError:
            return
        with self.lock:
            self.cut += 1

    def repeat(self):
        """Every answered request once more, under its key: what is told then is told beside what was told before."""
        for key, (what, body, told) in self.asked.items():
            if not told or told[0].status not in (201, 202):
                continue
            until = time.monotonic() + 30
            while (answer := self.ask(key, what, body)) is None or answer.status in (429, 503):
                if time.monotonic() > until:
                    break
                time.sleep(0.05)
            if answer is not None:
                told.append(answer)

    def settled(self, seen):
        """Waits until no run is under way any more."""
        until, place = time.monotonic() + ENDED_S, f"/v1/collaborations/{self.name}/runs?limit=200&state="
        while time.monotonic() < until:
            open_runs = [one for state in ("requested", "delivering") for one in self.gateway.ask("GET", place + state, self.token).json()["runs"]]
            if not open_runs:
                return
            time.sleep(0.25)
        seen.holds(f"runs are under way {ENDED_S} s later", False, open_runs[:3])

    def judge(self, seen, folder):
        """One effect a key, all that was acknowledged on record, and what lies at the destination is what the record says."""
        self.repeat()
        self.settled(seen)
        seen.holds("effects: answers that are neither done nor for later", not self.odd, self.odd[:3])
        left, to = self.left(), folder / f"export-{secrets.token_hex(4)}"
        self.gateway.cli.call("audit", "export", self.name, "--to", str(to))
        proofs.verify(to, self.filled.key)
        bodies = [json.loads(leaf)["body"] for leaf in proofs.leaves(to)]
        runs = collections.Counter(body["run"] for body in bodies if body["kind"] == "run-requested")
        seen.holds("a run is on record more than once", max(runs.values(), default=0) <= 1, runs.most_common(3))
        # Those that were there before the clients came are of the same day.
        seen.holds("the cap has counted something else than the runs on record", self.before - left == sum(runs.values()) - self.earlier(), (self.before, left, sum(runs.values())))
        self.answered(seen, bodies, runs)
        delivered = self.at_the_destination(seen, bodies, runs)
        good = sum(bool(told) for what, _, told in self.asked.values() if what == "runs")
        seen.holds("too few runs were asked for", good >= 3 and delivered > self.earlier(), (good, delivered))
        made = sum(body["kind"] == "scheduled" for body in bodies)
        return f"{good} runs and {made} schedules acknowledged, {self.cut} requests left before their answer, {self.again} cut off, {delivered} results delivered"

    def earlier(self):
        """Runs of this collaboration that others asked for before."""
        return 1000 - self.before

    def answered(self, seen, bodies, runs):
        """What was acknowledged is where its receipt says, and the same each time; a key has one run."""
        owners = collections.defaultdict(set)
        for key, (what, body, told) in self.asked.items():
            good = [one for one in told if one.status in (201, 202)]
            said = {json.dumps(one.json(), sort_keys=True) for one in good}
            seen.holds(f"{key}: asked again, it is told something else", len({json.dumps([json.loads(one).get("run"), json.loads(one)["receipt"]["index"]]) for one in said}) <= 1, said)
            for one in good[:1]:
                wrong = receipts.judged(one.status, one.body, self.filled.key)
                seen.holds(f"{key}: its receipt", wrong is None, wrong)
                index = one.json()["receipt"]["index"]
                leaf = bodies[index] if index < len(bodies) else {}
                wanted = self.expected(what, body, one.json())
                seen.holds(f"{key}: not on record at {index}", wanted.items() <= leaf.items(), leaf)
            for one in good:
                if what == "runs":
                    owners[one.json()["run"]].add(key)
        seen.holds("two keys have one run", all(len(keys) == 1 for keys in owners.values()), owners)
        # Nobody else asks here: what is on record without an answer was asked for, and its answer never came.
        unread = sum(what == "runs" and not told for what, _, told in self.asked.values())
        seen.holds("there are runs that nobody asked for", len(runs) - self.earlier() <= len(owners) + unread, (len(runs), len(owners), unread))
        for kind in ("scheduled", "unscheduled"):
            times = collections.Counter(body["schedule"] for body in bodies if body["kind"] == kind)
            seen.holds(f"{kind} twice", max(times.values(), default=0) <= 1, times.most_common(3))

    @staticmethod
    def expected(what, body, answer):
        """What its leaf says at least."""
        if what == "runs":
            return {"kind": "run-requested", "run": answer["run"]} | body
        if what == "schedules":
            return {"kind": "scheduled"} | body
        return {"kind": "unscheduled", "schedule": what.split("/")[1]}

    def at_the_destination(self, seen, bodies, runs):
        """Each run has one outcome, and a manifest at most, the one on record, with all of its files; how many there are."""
        ends = collections.defaultdict(list)
        for body in bodies:
            if body["kind"] in ("run-succeeded", "run-failed", "run-cancelled"):
                ends[body["run"]].append(body.get("manifests", body.get("delivered", {})).get(self.filled.alfa))
        seen.holds("runs without one outcome", all(len(ends[run]) == 1 for run in runs), {run: ends[run] for run in runs if len(ends[run]) != 1})
        where, found = self.gateway.folder / "results" / self.filled.alfa / f"{self.name}-plain", collections.defaultdict(list)
        for manifest in where.rglob("manifest*"):
            found[manifest.parent.name].append(manifest)
        for run, manifests in found.items():
            digests = ["sha256:" + hashlib.sha256(one.read_bytes()).hexdigest() for one in manifests]
            seen.holds(f"{run}: what was delivered is not what is on record", run in runs and digests == ends[run], (digests, ends[run]))
            files = {part["name"] for part in json.loads(manifests[0].read_text(encoding="utf-8"))["files"]}
            lies = {one.name for one in manifests[0].parent.iterdir()} - {one.name for one in manifests}
            seen.holds(f"{run}: other files lie there than its manifest names", files == lies, (files, lies))
        missing = [run for run, said in ends.items() if said[0] is not None and run not in found]
        seen.holds("what is on record as delivered is not there", not missing, missing)
        return len(found)
