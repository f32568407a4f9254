#!/usr/bin/env python3
"""Never weaker, in both rooms of Snowflake: what the accounts get there by themselves, the agreement admits or its owners waived.

    weaker_snowflake.py [--seed N] [--pairs N] [--agreements N] [--airlock PATH] [--self-test] [--allow-not-run]

Agreements are generated over data with canaries and provisioned by the command line in `snowflake` and `snowflake-dcr`. Then each
runner's account, past the gateway, sends SQL of its own to the mounted shares (`prying.py`) and calls of its own to the data clean
rooms (`clean_room.py`), over the SQL API; other members and a stranger try as well. A pair is an agreement and a text. Each answer
is judged here: nothing of a canary may be in it; rows must be such as households' data, read by DuckDB from the owners' files, let
be known (`canaries.py`): groups of enough households of every dataset. What is admitted although the agreement refuses it must be a
loss that the assessment declared for that very term and place, and that its owner waived; how often each was needed is printed. Beside
every way to pry there is a legitimate question that must be answered, with rows.

`--self-test` weakens what was provisioned, in the owners' accounts, one thing at a time, and each must be seen.

The twin is ours: this shows that what is provisioned is no weaker by our reading of the platform. Must not know how Airlock decides,
nor how policies are enforced. Not tried: the cap (`limits` is `wider` in both tables), and what takes a person at the platform.
"""

import base64
import collections
import concurrent.futures
import hashlib
import http.client
import json
import random
import secrets
import sys
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

sys.dont_write_bytecode = True

from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import padding  # noqa: E402

import accounts  # noqa: E402
import airlock  # noqa: E402
import command  # noqa: E402
import canaries  # noqa: E402
import clean_room  # noqa: E402
import prying  # noqa: E402
import rooms  # noqa: E402
from accounts import CONSUMER, OTHER, PROVIDER  # noqa: E402
from canaries import DATASETS, KEY, TEMPLATES, alike, keys_in, spilled  # noqa: E402
from prying import ASKED, NOTHING, OWN, REFUSED, RUN, TOLD  # noqa: E402
from rooms import CLEAN, SHARES  # noqa: E402

MEMBERS = {"grocer": PROVIDER, "brand": CONSUMER, "press": "ACME.THIRD"}
STRANGER = {"stranger": OTHER}
PAIRS_EACH = 1200  # of one agreement, where nothing else is said
CONNECTIONS = 3
IN_ROOMS = 0.3  # the share of attempts that go to data clean rooms
TWINS = 0.12  # the share of attempts that are legitimate
TOKEN_S = 3000
# What a text of the provider's own would show.
OWNERS_TEXT = ('"PANTRY"."PUBLIC"', "PANTRY.PUBLIC.", "AS SELECT CASE WHEN")


@dataclass
class Answer:
    """What came back for one statement."""

    good: bool
    message: str
    columns: list = field(default_factory=list)
    rows: list = field(default_factory=list)
    body: str = ""
    handle: str = ""


class Client:
    """The SQL API as accounts without a gateway speak it: kept connections, a token of each account's."""

    def __init__(self, snow):
        self.snow, self.kept, self.tokens = snow, threading.local(), {}
        self.key = serialization.load_pem_private_key(Path(snow.key_file).read_bytes(), None)
        public = self.key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.print = base64.b64encode(hashlib.sha256(public).digest()).decode()
        self.netloc = urllib.parse.urlsplit(snow.endpoint).netloc

    def token(self, account):
        """A token of an account's user, made anew when it is old."""
        made, text = self.tokens.get(account, (0, ""))
        now = int(time.time())
        if now - made > TOKEN_S:
            name = f"{account.replace('.', '-')}.{self.snow.user}"

            def packed(data):
                return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
            claims = {"iss": f"{name}.SHA256:{self.print}", "sub": name, "iat": now, "exp": now + 3540}
            text = ".".join(packed(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT"}, claims))
            text += f".{packed(self.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"
            self.tokens[account] = now, text
        return text

    def ask(self, account, statement, **words):
        """One statement of an account's."""
        body = json.dumps({"statement": statement, "warehouse": "COMPUTE_WH"} | words).encode()
        headers = {"Authorization": f"Bearer {self.token(account)}", "X-Snowflake-Authorization-Token-Type": "KEYPAIR_JWT", "Content-Type": "application/json", "Accept": "application/json",
                   "User-Agent": "weaker/1"}
        path = f"/accounts/{account.replace('.', '-')}/api/v2/statements"
        if not hasattr(self.kept, "connection"):
            self.kept.connection = http.client.HTTPConnection(self.netloc, timeout=120)
        try:
            self.kept.connection.request("POST", path, body, headers)
        except BrokenPipeError:  # it lay idle for so long that the other side closed it: nothing was asked
            self.kept.connection.close()
            self.kept.connection.request("POST", path, body, headers)
        reply = self.kept.connection.getresponse()
        text = reply.read().decode()
        said = json.loads(text)
        if reply.status in (401, 429) or reply.status >= 500 or reply.status == 202:
            raise AssertionError(f"the twin answers {reply.status}: {text[:600]}\n{statement[:2000]}")
        if reply.status == 200 and said.get("statementHandles"):  # the last of several is what was asked for
            return self.fetch(account, said["statementHandles"][-1])
        return self.read(reply.status, said, text)

    def fetch(self, account, handle):
        """The rows of one statement of several."""
        headers = {"Authorization": f"Bearer {self.token(account)}", "X-Snowflake-Authorization-Token-Type": "KEYPAIR_JWT", "Accept": "application/json", "User-Agent": "weaker/1"}
        self.kept.connection.request("GET", f"/accounts/{account.replace('.', '-')}/api/v2/statements/{handle}", headers=headers)
        reply = self.kept.connection.getresponse()
        text = reply.read().decode()
        return self.read(reply.status, json.loads(text), text)

    @staticmethod
    def read(status, said, text):
        columns = [c["name"] for c in said.get("resultSetMetaData", {}).get("rowType", [])]
        return Answer(status == 200, said.get("message", ""), columns, said.get("data") or [], text, said.get("statementHandle", ""))

    def rows(self, account, statement):
        """The rows of a statement that must succeed, a dict each."""
        answer = self.ask(account, statement)
        if not answer.good:
            raise AssertionError(f"{account}: {statement[:300]}: {answer.message}")
        return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


class Law:
    """What may come back: the agreement as its document says it, and what its owners waived of it."""

    def __init__(self, ground, checked, waived):
        self.ground, self.document = ground, ground.document
        self.declared = {room["platform"]: {(v["term"], v["at"]) for v in room["verdicts"] if v["fidelity"] in ("wider", "unsupported") and v["residual"] == "none"} for room in checked["rooms"]}
        self.waived = {room: {(term, at) for term, at in terms if at in waived.get(room, ())} for room, terms in self.declared.items()}

    def judge(self, question, answers, said):
        """(what became of it, why it must not have, the losses that explain it); `said` is what the asker said before, which its own history tells again."""
        last, text = answers[-1], "\n".join(a.body for a in answers)
        asked = said if "QUERY_HISTORY" in question.text() else question.text()
        canary = spilled(text, asked)
        if canary:
            return "failed", f"{canary} came back", set()
        keys = keys_in(text, asked, self.ground.tokens)
        if keys and not self.may_show_keys(question):
            return "failed", f"keys of {len(keys)} households came back", set()
        if not last.good:
            return "refused", "", set()
        if question.expects == TOLD:
            return self.told(question, answers, asked)
        return {NOTHING: self.nothing, REFUSED: self.refused, ASKED: self.asked, RUN: self.run}[question.expects](question, answers)

    def may_show_keys(self, question):
        """Whether everything that a question reads has no minimum, and its owner waived what becomes of its keys; or all is the asker's own."""
        if question.expects == ASKED and question.asks:
            read = {d for ask in question.asks for d, _ in ask.relations if d in DATASETS}
            return all(DATASETS[d][0] == question.by or not self.ground.least(d) and ("datasets.columns.match", f"datasets.{d}.columns.{KEY}") in self.waived[SHARES] for d in read)
        return False

    @staticmethod
    def silent(rows):
        """Whether rows say nothing."""
        return all(value in (None, "null") for row in rows for value in row)

    def nothing(self, question, answers):
        last = answers[-1]
        if last.columns == ["status"]:
            return "refused", "", set()
        return ("silent", "", set()) if self.silent(last.rows) else ("failed", f"rows came back: {question.why}", set())

    @staticmethod
    def told(question, answers, asked):
        text = answers[-1].body.replace(clean_room.NOT_THERE, "")
        found = next((w for w in OWNERS_TEXT if w in text and w not in asked), None)
        return ("failed", f"{question.why}: {found} came back", set()) if found else ("as agreed", "", set())

    @staticmethod
    def refused(question, answers):
        return "failed", f"it succeeded: {question.why}", set()

    def asked(self, question, answers):
        """Rows are groups that may be known, and everything that the agreement refuses of the question was waived."""
        last, known, needs = answers[-1], [], set()
        for ask in question.asks:
            large, merged = self.ground.known(ask)
            known += [(ask, row, short, False) for row, short in large] + ([(ask, *merged, True)] if merged else [])
            needs |= self.needs(ask, question.by)
        seen = False
        for row in last.rows:
            row = row[:question.width] if question.width else row
            if self.silent([row]):
                continue
            found = next((k for k in known if alike(row, k[1])), None)
            if found is None:
                return "failed", f"a row came back that nobody may know: {row}", needs
            ask, _, short, merged = found
            seen = True
            conditions = short[len(ask.figures):]
            few = any(s and v is not None for s, v in zip(short, row[len(ask.keys):], strict=False)) or any(conditions)
            needs |= {("datasets.rule.entities_min", f"datasets.{d}.rule.entities_min") for d, _ in ask.relations if self.ground.least(d)} if few else set()
            needs |= {("templates.class.aggregate", f"templates.{t}.class") for t in self.readers(ask)} if merged else set()
        if not seen:
            return "silent", "", set()
        needs |= self.differs(question)
        lacking = sorted(n for n in needs if n not in self.waived[SHARES])
        return ("failed", f"nobody waived {lacking}", needs) if lacking else ("explained", "", needs)

    def readers(self, ask):
        """Templates whose approval brought what an ask reads."""
        return {t for t, (_, held, _) in TEMPLATES.items() if {d for d, _ in held.relations} & {d for d, _ in ask.relations} and t != canaries.WITHHELD[0]}

    def needs(self, ask, by):
        """The losses without which a question may not be asked at all: none of what is the asker's own."""
        own = {d for d, _ in ask.relations if DATASETS.get(d, (by,))[0] == by}
        found = {n for n in prying.needed(ask) if n[1].split(".")[1] not in own}
        found |= {("templates.sql", f"templates.{t}.sql") for t in self.readers(ask)}
        owners = {DATASETS[d][0] for d, _ in ask.relations if d in DATASETS}
        for dataset, _ in ask.relations:
            if dataset not in own and self.document["datasets"][dataset]["rule"]["join"] == "required" and len(owners) < 2:
                found.add(("datasets.rule.join", f"datasets.{dataset}.rule.join"))
        return found

    def differs(self, question):
        """What it takes to ask two questions that differ by few households."""
        if not question.pair:
            return set()
        whole, rest = (self.ground.people(ask) for ask in question.pair)
        dataset = question.dataset
        few = 0 < len(whole - rest) < self.ground.least(dataset)
        return {("datasets.rule.entities_min", f"datasets.{dataset}.rule.entities_min")} if few else set()

    def run(self, question, answers):
        """A run of a template: as agreed, or without anything in it."""
        last = answers[-1]
        if question.why:
            empty = all(value in (None, "null", "0") for row in last.rows for value in row)
            return ("silent", "", set()) if empty else ("failed", f"rows came back: {question.why}", set())
        _, ask, declared = TEMPLATES[question.template]
        bound = {n: int(v) if declared[n]["type"] == "int64" else v for n, v in question.values.items()}
        large, _ = self.ground.known(ask, bound)
        for row in last.rows:
            width = len(ask.keys)
            if not self.silent([row]) and not any(self.fits(row, known, short, width) for known, short in large):
                return "failed", f"a row came back that nobody may know: {row}", set()
        return ("as agreed" if last.rows else "silent"), "", set()

    @staticmethod
    def fits(row, known, short, width):
        """Whether a row is a group that may be known, figures that few are behind left out."""
        allowed = (*known[:width], *(None if s else v for v, s in zip(known[width:], short, strict=False)))
        lenient = tuple(None if row[n] is None and n >= width else value for n, value in enumerate(allowed))
        return alike(row, lenient)


class Trial:
    """One agreement, provisioned in both rooms, and everything that is tried on it."""

    def __init__(self, rng, number, folder, arguments):
        self.rng, self.folder = rng, folder
        self.ground = canaries.Ground(folder, rng, number, (SHARES, CLEAN))
        self.snow = accounts.Accounts(MEMBERS | STRANGER)
        self.client = Client(self.snow)
        self.tally, self.pairs, self.explained = collections.Counter(), set(), collections.Counter()
        self.failures, self.missing = [], []
        self.provision(arguments)

    def provision(self, arguments):
        """From the agreement's file to two rooms in which everything is open."""
        ground = self.ground
        document = ground.document
        document |= {"rooms": [{"platform": room, "region": accounts.REGION} for room in (SHARES, CLEAN)], "residency": [accounts.REGION]}
        for name, member in document["members"].items():
            member |= {"name": name.title(), "identity": dict.fromkeys((SHARES, CLEAN), MEMBERS[name])}
        for name, dataset in document["datasets"].items():
            self.snow.table(dataset["owner"], "PANTRY", ground.tables[name], ground.files[name])
        self.snow.connect(self.folder / "home", operated=list(MEMBERS))
        gateway = airlock.Airlock(airlock.binary(arguments.airlock), self.folder / "home")
        file = ground.write()
        checked = gateway.call("check", str(file))
        owners = {d: entry["owner"] for d, entry in document["datasets"].items()}
        approvals = {m: [t for t, (_, ask, _) in TEMPLATES.items() if m in {owners[d] for d, _ in ask.relations} and (t, m) != canaries.WITHHELD] for m in MEMBERS}
        gateway.settle(file, ground.name, list(MEMBERS), approvals)
        waived = {room: rooms.waived(gateway, ground.name, room)[1] for room in (SHARES, CLEAN)}
        for room in (SHARES, CLEAN):
            gateway.call("apply", ground.name, "--room", room, timeout=900)
        self.law = Law(ground, checked, waived)
        self.furnish()

    def furnish(self):
        """What runners have of their own: a database, households that they have in mind, a share, and what they know of others' statements."""
        ground = self.ground
        rows = ground.guesses(self.rng.sample(range(canaries.HOUSEHOLDS), 30))
        values = ", ".join(f"('{k}', '{n}')" for k, n in rows)
        for member in ("brand", "press"):
            self.snow.sql(MEMBERS[member], "CREATE DATABASE OWN", f'CREATE TABLE {OWN}.GUESSES ("household" VARCHAR, "note" VARCHAR)', f"INSERT INTO {OWN}.GUESSES VALUES {values}",
                          f"CREATE TABLE {OWN}.TAKEN (X VARCHAR)", "CREATE SHARE ONWARD", "GRANT USAGE ON DATABASE OWN TO SHARE ONWARD", f"GRANT USAGE ON SCHEMA {OWN} TO SHARE ONWARD",
                          f"ALTER SHARE ONWARD ADD ACCOUNTS = {OTHER}")
        read = {r: sorted({d for t, (by, ask, _) in TEMPLATES.items() if by == r and t != canaries.WITHHELD[0] for d, _ in ask.relations}) for r in ("brand", "press")}
        self.pries = [prying.Pry(self.rng, ground, r, [d for d in read[r] if DATASETS[d][0] != r], [d for d in read[r] if DATASETS[d][0] == r]) for r in ("brand", "press")]
        strange = [self.client.ask(PROVIDER, f"SELECT * FROM PANTRY.PUBLIC.{prying.quoted(ground.tables['sales'])} LIMIT {n}").handle for n in range(1, 4)]
        strange += [s["handle"] for s in self.snow.statements(account=PROVIDER)[-6:]]
        for pry in self.pries:
            pry.handles, pry.stage = strange, f"s3://{accounts.BUCKET}/{pry.runner}/{secrets.token_hex(4)}/"  # files outlive the twin's accounts
            pry.own_handles = [self.client.ask(MEMBERS[pry.runner], f"SELECT {n} AS X").handle for n in range(3)]
        self.calls = clean_room.Calls(self.rng, ground, clean_room.seen(self.client, MEMBERS))

    # Trying

    def draw(self, only=None, rooms_only=None, twin=None):
        """One question: a way to pry or the legitimate one beside it."""
        rng = self.rng
        inside = rng.random() < IN_ROOMS if rooms_only is None else rooms_only
        ways, weights, by = (clean_room.WAYS, clean_room.WEIGHTS, self.calls) if inside else (prying.WAYS, prying.WEIGHTS, rng.choices(self.pries, (3, 1))[0])
        names = [w for w in ways if only is None or w in only]
        kind = rng.choices(names, [weights.get(w, 2) for w in names])[0]
        if not inside and not by.guarded:
            by = self.pries[0]
        twin = rng.random() < TWINS if twin is None else twin
        question = by.twin(kind) if twin else ways[kind](by)
        question.by = question.by or by.runner
        question.kind = kind
        return question

    def send(self, question):
        """Its statements, one after the other, on one connection."""
        account = (MEMBERS | STRANGER)[question.by]
        return question, [self.client.ask(account, step, **question.words) for step in question.steps]

    def besiege(self, count, **chosen):
        """So many pairs, over a few connections at once."""
        drawn, tries = [], 0
        every = [{"only": (way,), "rooms_only": inside, "twin": twin} for inside, ways in ((False, prying.WAYS), (True, clean_room.WAYS)) for way in ways for twin in (False, True)]
        first = [] if chosen else every  # none of them is left to chance
        while len(drawn) < count and tries < count * 5:
            question, tries = self.draw(**(first.pop() if first else chosen)), tries + 1
            pair = (question.by, question.text())
            if pair not in self.pairs:
                self.pairs.add(pair)
                drawn.append(question)
        with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
            for question, answers in pool.map(self.send, drawn):
                self.weigh(question, answers)

    def weigh(self, question, answers):
        """One answer, judged and counted."""
        said = "\n".join(text for by, text in self.pairs if by == question.by)
        verdict, why, needs = self.law.judge(question, answers, said)
        self.tally[question.kind, question.twin, verdict] += 1
        if verdict == "explained":
            self.explained.update(term for term, _ in needs)
        if verdict == "failed":
            self.failures.append(f"{question.kind}: {question.by}: {why}\n    {question.text()[:1500]}")
        elif question.twin and verdict not in ("as agreed", "explained"):
            self.missing.append(f"{question.kind}: {question.by}: {answers[-1].message[:300]}\n    {question.text()[:1500]}")


def report(trials, seconds, wanted):
    """Counts by way; 0 when nothing failed, every way was tried, and every legitimate question was answered."""
    tally, explained = sum((t.tally for t in trials), collections.Counter()), sum((t.explained for t in trials), collections.Counter())
    print(f"\n{'way':22}{'tried':>8}{'refused':>9}{'silent':>8}{'answered':>10}{'failed':>8}{'legitimate':>12}{'answered':>10}")
    unseen = []
    for kind in [*prying.WAYS, *clean_room.WAYS]:
        def count(twin, *verdicts, kind=kind):
            return sum(n for (k, t, v), n in tally.items() if k == kind and t == twin and (not verdicts or v in verdicts))
        print(f"{kind:22}{count(False):8}{count(False, 'refused'):9}{count(False, 'silent'):8}{count(False, 'explained', 'as agreed'):10}{count(False, 'failed') + count(True, 'failed'):8}"
              f"{count(True):12}{count(True, 'explained', 'as agreed'):10}")
        unseen += [] if count(False) and count(True, "explained", "as agreed") else [kind]
    print("\nwaived losses that explain what was answered: " + ", ".join(f"{t} {n}" for t, n in explained.most_common()))
    failures, missing = [f for t in trials for f in t.failures], [m for t in trials for m in t.missing]
    for what, found in (("ways that were not tried, or whose legitimate question was never answered", unseen), ("legitimate and not answered", missing)):
        if found:
            print(f"{what}: {len(found)}\n  " + "\n  ".join(found[:6]))
    pairs = sum(len(t.pairs) for t in trials)
    print(f"{len(trials)} agreements, {pairs} pairs in {seconds:.0f} s, {len(failures)} admitted against the agreement")
    if pairs < wanted:
        print(f"fewer than {wanted} pairs")
    return 1 if failures or missing or unseen or pairs < wanted else 0


def prove(arguments, folder):
    """The whole proof; 0 when it holds."""
    began, trials = time.monotonic(), []
    many = arguments.agreements or max(2, round(arguments.pairs / PAIRS_EACH))
    print(f"seed {arguments.seed}, {arguments.pairs} pairs over {many} agreements", flush=True)
    for number in range(many):
        place = folder / f"{number}"
        place.mkdir()
        since = time.monotonic()
        trial = Trial(random.Random(f"pry {arguments.seed} {number}"), number, place, arguments)
        held = time.monotonic() - since
        trial.besiege(-(-arguments.pairs // many))
        trials.append(trial)
        print(f"{trial.ground.name}: held in {held:.1f} s, {len(trial.pairs)} pairs in {time.monotonic() - since - held:.1f} s, {len(trial.failures)} failed", flush=True)
        for one in trial.failures[:8]:
            print(f"ADMITTED: seed {arguments.seed}, {trial.ground.name}: {one}", flush=True)
    return report(trials, time.monotonic() - began, arguments.pairs)


def chosen(arguments, folder):
    """What the words ask for."""
    if arguments.self_test:
        import weakenings
        return weakenings.prove(arguments, folder)
    return prove(arguments, folder)


if __name__ == "__main__":
    sys.exit(command.main("weaker-snowflake", __doc__, chosen, {
        "--seed": {"type": int, "default": 1},
        "--pairs": {"type": int, "default": 2400, "help": "agreements and texts"},
        "--agreements": {"type": int, "help": "how many agreements they are spread over"},
        "--self-test": command.FLAG | {"help": "weaken what was provisioned, one thing at a time, and see that it is noticed"},
    }))
