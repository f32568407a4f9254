"""One scene in AWS Clean Rooms: its people, the agreement over them, a gateway on a stage, what each member sees by raw calls of its own,
and what hands other than the gateway's do. Must not know what has to come out.
"""

import contextlib
import hashlib
import json
import random
import signal
import subprocess
import time

import botocore.exceptions
import pyarrow as pa
import pyarrow.parquet as pq

import airlock
import judge
import stage

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

    def refused(self, template, room=ROOM):
        """How a run that must not start is refused."""
        code, error = self.gateway.refused("run", NAME, template, "--as", "media", "--room", room)
        return code, error["code"]

    @contextlib.contextmanager
    def worker(self, every=1):
        """A worker beside everything else."""
        with (self.folder / "worker.log").open("ab") as told:
            command = [self.binary, "--home", str(self.home), "--json", "sync", "--every", str(every)]
            running = subprocess.Popen(command, stdout=told, stderr=told, env=self.gateway.environment)
            try:
                yield
            finally:
                running.send_signal(signal.SIGINT)
                self.same("the worker's end", running.wait(timeout=30), 0)

    # What is on record.

    def leaves(self):
        """The kinds of all leaves."""
        return [leaf["what"] for leaf in self.gateway.call("audit", "show", NAME)["leaves"]]

    def standing(self):
        """Where the room stands, by the gateway's own record."""
        return self.gateway.call("status", NAME)["collaborations"][0]

    def conditions(self, kind):
        """Reasons of one kind."""
        return [c["reason"] for room in self.standing()["rooms"] for c in room["conditions"] if c["kind"] == kind]

    def found(self):
        """What was found taken away there, and is not offered again."""
        return sorted(reason.partition(" was taken away there by its owner")[0] for reason in self.conditions("found-withdrawn"))

    def alarms(self):
        """What was found wider than agreed."""
        return self.conditions("loosened")

    def closing(self):
        """Withdrawals that were not seen closed."""
        return self.standing()["closing"]

    def writes(self, member=None):
        """What was changed on the platform since its log was cleared."""
        own = [one for one in self.stage.log() if member is None or one["account"] == ACCOUNTS[member]]
        return [one["operation"] for one in own if not one["operation"].startswith(("List", "Get", "BatchGet"))]

    def made(self, member):
        """What was made in a member's account since then."""
        return [one for one in self.writes(member) if one.startswith("Create")]

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
            query = client.start_protected_query(
                type="SQL", membershipIdentifier=room["membershipId"], sqlParameters=parameters, resultConfiguration={"outputConfiguration": place})["protectedQuery"]
            while query["status"] in ("SUBMITTED", "STARTED", "CANCELLING"):
                time.sleep(0.05)
                query = client.get_protected_query(membershipIdentifier=room["membershipId"], protectedQueryIdentifier=query["id"])["protectedQuery"]
        except botocore.exceptions.ClientError as error:
            return error.response["Error"]["Code"]
        return query["status"]


def by_hand(scene, owner, dataset, runner="media"):
    """A table brought into a collaboration by its owner's own tools, its rule allowing nothing yet."""
    client, account = scene.stage.client(owner), ACCOUNTS[owner]
    membership, columns = scene.rooms(owner)[runner]["membershipId"], ["mail", *DATASETS[dataset][1]]
    reference = {"glue": {"databaseName": "scenes", "tableName": dataset}}
    table = client.create_configured_table(name=f"own {dataset}", tableReference=reference, allowedColumns=columns, analysisMethod="DIRECT_QUERY")["configuredTable"]["id"]
    association = client.create_configured_table_association(
        name=dataset, membershipIdentifier=membership, configuredTableIdentifier=table, roleArn=f"arn:aws:iam::{account}:role/airlock-data-reader")
    client.create_configured_table_analysis_rule(configuredTableIdentifier=table, analysisRuleType="CUSTOM", analysisRulePolicy={"v1": {"custom": {"allowedAnalyses": []}}})
    return table, association["configuredTableAssociation"]["id"]


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


def of(headers, member):
    """Whether a request is signed by a member's account."""
    return f"Credential={ACCOUNTS[member]}/" in headers.get("Authorization", headers.get("authorization", ""))


def denied():
    """The service's word for a missing permission."""
    body = json.dumps({"message": "User is not authorized to perform this", "reason": "INSUFFICIENT_PERMISSIONS"}).encode()
    return 403, {"x-amzn-ErrorType": "AccessDeniedException", "Content-Type": "application/json"}, body


def expired(code="ExpiredTokenException"):
    """The platform's word for credentials that are over."""
    return 403, {"x-amzn-ErrorType": code, "Content-Type": "application/json"}, b'{"message": "The security token included in the request is expired"}'


def expired_sts():
    """The same, as STS says it."""
    return 403, {"Content-Type": "text/xml"}, (b'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>ExpiredToken</Code>'
                                               b"<Message>The security token included in the request is expired</Message></Error><RequestId>1</RequestId></ErrorResponse>")


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


def columns(body, change):
    """A Parquet object with other columns."""
    made = pa.BufferOutputStream()
    pq.write_table(change(pq.read_table(pa.BufferReader(body))), made)
    return made.getvalue().to_pybytes()


def landings(scene, member):
    """What lies in a member's landing."""
    found = scene.stage.client(member, "s3").list_objects_v2(Bucket=f"airlock-landing-{member}").get("Contents", [])
    return sorted(o["Key"] for o in found)


def until(what, seconds=20):
    """What becomes true, once it is; nothing when it never is."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.1)
    return None
