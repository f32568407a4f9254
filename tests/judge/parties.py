"""Fills a gateway with collaborations of two tenants, each alone and both together, over HTTP alone. Every receipt that comes back is verified.

What only one tenant may read carries its sentinels: `named` in what a path or a body may name, `deep` in what nobody but its members ever
sees. Must not know: what is asked of the gateway afterwards.
"""

import json
import time

import pyarrow as pa
import pyarrow.parquet as pq

import receipts

SPARE, RUN_S, DAY_MS = 4, 60, 86_400_000
# A term that a room of shares holds more loosely than agreed.
WAIVED = "datasets.{}.rule.entities_min"
ACCOUNTS = {"alfa": "111111111111", "bravo": "222222222222"}


def named(member):
    """The sentinel of names."""
    return f"zqname{member}"


def deep(member):
    """The sentinel of everything else."""
    return f"zqdeep{member}"


class Parties:
    """Two tenants of a gateway, and what they agreed."""

    def __init__(self, served):
        self.served, self.alfa, self.bravo = served, *served.tenants
        self.tokens = {member: served.token(member) for member in served.tenants}
        self.key = served.ask("GET", "/v1/me", self.tokens[self.alfa]).json()["gateway_key"]
        self.decided, self.runs, self.standing = 0, 0, {}
        self.can_run = "post" in served.ask("GET", "/openapi.json").json()["paths"].get("/v1/collaborations/{collaboration}/runs", {})

    def data(self):
        """Files of rows; a tenant's own texts are in its private ones."""
        for member in self.served.tenants:
            for name, mark in (("shared", "plain"), (deep(member), deep(member))):
                table = pa.table({"mail": [f"{n}@example.org" for n in range(40)], "label": [f"{mark}-{n % 3}" for n in range(40)], "amount": [1.5] * 40})
                pq.write_table(table, self.served.folder / "data" / member / f"{name}.parquet")

    def dataset(self, owner, private):
        """One dataset of a document, in the native room and on a platform that nobody here has a connection to."""
        file = deep(owner) if private else "shared"
        columns = {"person": {"use": "match", "key": "email", "from": "mail", "type": "utf8"},
                   "label": {"type": "utf8", "use": "dimension"},
                   "amount": {"type": "float64", "use": "measure", "aggregates": ["sum", "avg"]}}
        if private:
            columns[f"{named(owner)}_label"] = {"type": "utf8", "use": "dimension", "from": "label"}
        at = {"native": f"file://{self.served.folder.resolve()}/data/{owner}/{file}.parquet", "aws-clean-rooms": {"glue": {"database": file, "table": file}}}
        return {"owner": owner, "at": at, "entity": "person", "columns": columns, "rule": {"entities_min": 2, "join": "optional"}}

    def document(self, collaboration, members, private=None, entities_min=2):
        """An agreement; with `private`, one whose every text is that member's."""
        root = f"file://{self.served.folder.resolve()}"
        mark = deep(private) if private else "plain"
        runner = members[0]
        sets, templates = {}, {}
        for member in members:
            name = f"{named(member)}_sales" if private == member else f"sales_{member}"
            sets[name] = self.dataset(member, private == member)
            sets[name]["rule"]["entities_min"] = entities_min
            template = f"{named(member)}-sums" if private == member else f"sums-{member}"
            said = f"'{mark}-x'"
            templates[template] = {"class": "aggregate", "run_by": [runner], "received_by": [runner],
                                   "sql": f"SELECT s.label, COUNT(DISTINCT s.person) AS people FROM {name} s WHERE s.label <> {said} GROUP BY s.label"}
        return {"agreement": "v1", "collaboration": collaboration, "description": f"{mark} description",
                "members": {m: {"name": f"{mark} {m}", "abilities": ["contribute", "run", "receive"], "identity": {"aws-clean-rooms": ACCOUNTS[m]}} for m in members},
                "rooms": ["native", {"platform": "aws-clean-rooms", "region": "eu-central-1"}], "datasets": sets, "templates": templates, "limits": {"runs_max": 1000, "within": "24h"},
                "destinations": {m: f"{root}/results/{m}/{collaboration}-{mark}" for m in members}}

    def decide(self, member, path, body, looked="*"):
        """A change that must be done, with a receipt that holds."""
        told = self.served.change(f"/v1/collaborations/{path}", self.tokens[member], body, looked)
        wrong = receipts.judged(told.status, told.body, self.key)
        if told.status != 201 or wrong:
            raise AssertionError(f"{member} {path}: {wrong or told}")
        self.decided += 1
        return told

    def propose(self, member, document, looked=None):
        """Puts a document before its members; its digest."""
        name = document["collaboration"]
        self.decide(member, f"{name}/agreements", document, looked)
        versions = self.served.ask("GET", f"/v1/collaborations/{name}/agreements", self.tokens[member]).json()["agreements"]
        return next(version["digest"] for version in versions if version["state"] == "waiting")

    def agree(self, document, members, proposer=None, looked=None, approves=True):
        """From a document to an agreement in force, everything approved."""
        name = document["collaboration"]
        digest = self.propose(proposer or members[0], document, looked)
        for member in members:
            self.decide(member, f"{name}/joins", {"agreement": digest})
        for member in members if approves else []:
            for template in self.served.ask("GET", f"/v1/collaborations/{name}/templates", self.tokens[member]).json()["templates"]:
                if member in template["waits_for"]:
                    self.decide(member, f"{name}/templates/{template['template']}/approvals", {"digest": template["digest"]})
        return digest

    def ran(self, member, name):
        """A run of a member's, to its end, where runs are asked for over HTTP."""
        templates = self.served.ask("GET", f"/v1/collaborations/{name}/templates", self.tokens[member]).json()["templates"] if self.can_run else []
        for template in [one for one in templates if member in one["run_by"] and not one["waits_for"]][:1]:
            told = self.served.change(f"/v1/collaborations/{name}/runs", self.tokens[member], {"template": template["template"], "digest": template["digest"]})
            wrong = receipts.judged(told.status, told.body, self.key)
            if told.status != 202 or wrong:
                raise AssertionError(f"a run in {name}: {wrong or told}")
            place, until = f"/v1/collaborations/{name}/runs/{told.json()['run']}", time.monotonic() + RUN_S
            while (state := self.served.ask("GET", place, self.tokens[member]).json()["state"]) != "succeeded":
                if state in ("failed", "cancelled") or time.monotonic() > until:
                    raise AssertionError(f"a run in {name} is {state}")
                time.sleep(0.05)
            self.runs += 1

    def besides(self, member, name):
        """What lies beside an agreement: a schedule, a result that is opened to somebody, each called as nobody but its members may read."""
        templates = self.served.ask("GET", f"/v1/collaborations/{name}/templates", self.tokens[member]).json()["templates"]
        version = {"template": templates[0]["template"], "digest": templates[0]["digest"]}
        self.decide(member, f"{name}/schedules", version | {"schedule": f"{deep(member)}-nightly", "cron": "0 0 29 2 *"})
        runs = self.served.ask("GET", f"/v1/collaborations/{name}/runs?state=succeeded", self.tokens[member]).json()["runs"]
        until = int(time.time() * 1000) + DAY_MS
        self.decide(member, f"{name}/shares", {"run": runs[0]["run"], "recipient": f"{deep(member)}-agency", "until_ms": until})

    def waits(self, member):
        """A consent of one person that waits for a second one, about a dataset that is called as nobody but its members may read."""
        name, dataset = f"{member}-{named(member)}-two", f"{deep(member)}_sales"
        document = self.document(name, [member], member)
        made = json.dumps(document).replace(f"{named(member)}_sales", dataset)
        document = json.loads(made)
        document["rooms"] = ["native", {"platform": "snowflake", "region": "us-east-1"}]
        document["members"][member]["identity"] = {"snowflake": f"ACME.{member.upper()}"}
        one = document["datasets"][dataset]
        one["at"] = {"native": one["at"]["native"], "snowflake": "D.S.SALES"}
        one["columns"]["person"] |= {"normalise": "none", "hashed": "sha256-hex"}
        digest = self.agree(document, [member], approves=False)
        at = f"/v1/collaborations/{name}"
        told = self.served.change(f"{at}/waivers", self.tokens[member], {"room": "snowflake", "at": WAIVED.format(dataset), "agreement": digest})
        there = self.served.ask("GET", f"{at}/waiting", self.tokens[member])
        if told.status != 202 or deep(member) not in there.body.decode():
            raise AssertionError(f"what waits for two: {told}; {there}")

    def alone(self, member, other):
        """What a member has by itself: in force, waiting for an answer, with something withdrawn, and some to be broken."""
        first, waits, less = (f"{member}-{named(member)}-{what}" for what in ("first", "waits", "less"))
        self.agree(self.document(first, [member], member), [member])
        self.ran(member, first)
        self.besides(member, first)
        self.waits(member)
        self.propose(member, self.document(waits, [member], member))
        self.agree(self.document(less, [member], member), [member])
        told = self.served.ask("POST", f"/v1/collaborations/{less}/revocations", self.tokens[member], {"kind": "dataset", "dataset": f"{named(member)}_sales"})
        if told.status != 201:
            raise AssertionError(f"a withdrawal: {told}")
        for n in range(SPARE):
            self.agree(self.document(f"{member}-{named(member)}-spare-{n}", [member], member), [member], approves=False)
            self.propose(member, self.document(f"{member}-asking-{n}", [member, other]))
        # The other is asked about a second version, and sees nothing of the first.
        asks = f"{member}-asks"
        self.agree(self.document(asks, [member], member), [member])
        self.ran(member, asks)
        self.propose(member, self.document(asks, [member, other]), "*")
        # The other left, and sees nothing of what came then.
        left = f"{member}-left"
        self.agree(self.document(left, [member, other]), [member, other])
        self.ran(member, left)
        told = self.served.ask("POST", f"/v1/collaborations/{left}/revocations", self.tokens[other], {"kind": "membership"})
        if told.status != 201:
            raise AssertionError(f"leaving: {told}")
        self.agree(self.document(left, [member], member, 3), [member], looked="*")
        self.ran(member, left)

    def fill(self):
        """All of it."""
        self.data()
        self.alone(self.alfa, self.bravo)
        self.alone(self.bravo, self.alfa)
        both = [self.alfa, self.bravo]
        self.agree(self.document(f"{self.alfa}-both", both), both)
        self.ran(self.alfa, f"{self.alfa}-both")
        for n in range(SPARE):
            self.agree(self.document(f"{self.alfa}-spare-{n}", both), both, approves=False)
        self.stands(self.alfa, self.bravo)
        self.stands(self.bravo, self.alfa)

    def stands(self, member, other):
        """Where a member stands is what was meant."""
        told = self.served.ask("GET", "/v1/collaborations?limit=200", self.tokens[member])
        found = {one["name"]: one["standing"] for one in told.json()["collaborations"]}
        for name, standing in ((f"{member}-{named(member)}-first", "member"), (f"{other}-asks", "invited"), (f"{other}-left", "former"), (f"{self.alfa}-both", "member")):
            if found.get(name) != standing:
                raise AssertionError(f"{member} stands {found.get(name)} in {name}, not {standing}")
        if any(named(other) in name for name in found):
            raise AssertionError(f"{member} is told of {found}")
        self.standing[member] = found


def texts(value):
    """Every (name, value) of a JSON value that is a text or a number; what is in a list or an object goes by the list's name without its s."""
    found = []
    if isinstance(value, dict):
        for name, inner in value.items():
            single = name[:-1] if name.endswith("s") else name
            if isinstance(inner, (str, int)) and not isinstance(inner, bool):
                found.append((name, inner))
            elif isinstance(inner, list):
                found += [(single, one) for one in inner if isinstance(one, str)]
                found += [(single, one[key]) for one in inner if isinstance(one, dict) for key in ("name", "id") if isinstance(one.get(key), str)]
            elif isinstance(inner, dict):
                found += [(single, key) for key in inner]
            found += texts(inner)
    elif isinstance(value, list):
        for inner in value:
            found += texts(inner)
    return found


def harvest(served, token, document, names, known=None, most=12):
    """Values under these names, as this caller may read them: every GET is asked with what is known so far, until nothing more comes."""
    pool, asked, grown = dict(known or {}), set(), True
    while grown and len(asked) < 600:
        grown = False
        for path, methods in document["paths"].items():
            # Streams have no end, and files no values.
            is_json = "application/json" in methods.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
            for concrete in filled(path, pool, most) if is_json else []:
                if concrete in asked:
                    continue
                asked.add(concrete)
                told = served.ask("GET", concrete, token)
                if not told.header("content-type", "").startswith(("application/json", "application/problem+json")):
                    continue
                for name, value in texts(told.json()):
                    values = pool.setdefault(name, [])
                    if name in names and value not in values and len(values) < 40:
                        values.append(value)
                        grown = True
    return {name: values for name, values in pool.items() if values}


def filled(path, pool, most):
    """A path's concrete forms by known values: none where one of its names has no value yet."""
    forms = [[]]
    for part in path.split("/"):
        if part.startswith("{") and part.endswith("}"):
            values = pool.get(part[1:-1], [])[:most]
            forms = [[*form, str(value)] for value in values for form in forms][: most * 4]
        else:
            forms = [[*form, part] for form in forms]
    return ["/".join(form) for form in forms]
