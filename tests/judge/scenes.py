#!/usr/bin/env python3
"""Plays scenes of a collaboration in AWS Clean Rooms, as LocalStack with the twin speaks it: runners, partners whom nobody operates here,
members who are removed, edits in the console, withdrawals, bad input, odd results.

    scenes.py [--airlock PATH] [--only SCENE] [--keep DIR] [--allow-not-run]

Each scene says exactly what must come out; what is refused has a legitimate twin that passes. Access is judged by raw calls of the other
member, never by what the gateway says of itself. Must not know how the gateway plans. The twin is ours: it is no proof about AWS.
`taken.py` has the scenes of what is taken away or edited.
"""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

import airlock  # noqa: E402
import judge  # noqa: E402
import playing  # noqa: E402
import stage  # noqa: E402
from console import Console  # noqa: E402
from scene import ACCOUNTS, NAME, ROOM, TEMPLATES, Meddler, Scene, by_hand, columns, denied, document, expired, expired_sts, landings, of  # noqa: E402
from taken import edited, foreign, kept, removed, removed_between, stopped, withdrawn  # noqa: E402


def two_runners(scene):
    """Two members run: two collaborations, each with its own receivers; what an owner of both withdraws is closed in both."""
    agreement = document(scene.folder, [("worth", "shop", "shop"), ("bands", "media", "bank")], ("shop", "media", "bank"))
    agreement["members"]["shop"]["abilities"] = ["contribute", "run", "receive"]
    agreement["members"]["bank"]["abilities"] = ["contribute", "receive"]
    scene.agree(agreement, ("shop", "bank"))
    scene.same("waiting", scene.apply()["waiting"], [])
    for runner, others in (("shop", {"bank", "shop"}), ("media", {"bank", "media"})):
        room = scene.rooms("bank")[runner]
        members = scene.stage.client("bank").list_members(collaborationIdentifier=room["id"])["memberSummaries"]
        scene.same(f"members with {runner}", {m["displayName"] for m in members}, others)
    scene.same("what media sees of shop's", sorted(scene.rooms("media")), ["media"])
    before, landed_before = scene.files(), landings(scene, "shop")
    scene.same("receivers of worth", list(scene.as_native("worth", "shop")), ["shop"])
    scene.same("receivers of bands", list(scene.as_native("bands", "media")), ["bank"])
    scene.same("destinations", {f.split("/")[0] for f in scene.files()} - set(before), {"bank", "shop"})
    scene.same("queries landed with shop", len({key.split("/")[1] for key in set(landings(scene, "shop")) - set(landed_before)}), 1)
    code, error = scene.gateway.refused("run", NAME, "worth", "--as", "media", "--room", ROOM)
    scene.same("media runs shop's template", (code, error["code"]), (3, "runner-not-allowed"))
    bands, worth, to = scene.template("bands"), scene.template("worth", "shop"), lambda m: {"member": {"accountId": ACCOUNTS[m]}}
    scene.same("bands for bank", scene.ask({"analysisTemplateArn": bands}, output=to("bank")), "SUCCESS")
    scene.same("bands for media itself", scene.ask({"analysisTemplateArn": bands}), "ValidationException")
    scene.same("worth for bank", scene.ask({"analysisTemplateArn": worth}, "shop", to("bank")), "ValidationException")
    scene.same("worth for shop", scene.ask({"analysisTemplateArn": worth}, "shop"), "SUCCESS")
    revoked = scene.gateway.call("revoke", NAME, "--dataset", "accounts", "--as", "bank")
    scene.same("open after the withdrawal", [room["open"] for room in revoked["rooms"]], [[]])
    for runner in ("shop", "media"):
        scene.same(f"accounts with {runner}", scene.schema(runner, "accounts", runner), "ResourceNotFoundException")
    for runner, arn, output in (("shop", worth, None), ("media", bands, to("bank"))):
        scene.same(f"{runner} asks again", scene.ask({"analysisTemplateArn": arn}, runner, output), "ResourceNotFoundException")
        code, error = scene.gateway.refused("run", NAME, "worth" if runner == "shop" else "bands", "--as", runner, "--room", ROOM)
        scene.same(f"{runner} runs again", (code, error["code"]), (3, "dataset-revoked"))


def late(scene):
    """A runner who hasn't made its collaboration yet keeps no other from running, and nothing of theirs is undone when it comes."""
    agreement = document(scene.folder, [("worth", "shop", "shop"), ("bands", "media", "media")], ("shop", "media", "bank"))
    agreement["members"]["shop"]["abilities"] = ["contribute", "run", "receive"]
    scene.agree(agreement, ("shop", "media"), operated=["media", "bank"])
    scene.same("waits for", [w["member"] for w in scene.apply()["waiting"]], ["shop"])
    code, error = scene.gateway.refused("run", NAME, "worth", "--as", "shop", "--room", ROOM)
    scene.same("the late one runs", (code, error["code"]), (3, "not-operated"))
    arn = scene.template("bands")
    scene.same("bands while shop is late", scene.ask({"analysisTemplateArn": arn}), "SUCCESS")
    scene.stage.connect(scene.home, ("shop", "media"))
    scene.same("waits for nobody then", scene.apply()["waiting"], [])
    scene.same("bands is the same one", scene.template("bands"), arn)
    scene.as_native("bands")
    scene.as_native("worth", "shop")


def not_ours(scene):
    """An owner whom nobody operates here: what the plan says it does, done as it is printed by the AWS CLI, leads to a run."""
    scene.agree(document(scene.folder, ["overlap"]), operated=["media"])
    waiting = scene.apply()["waiting"]
    room = scene.rooms("media")["media"]["id"]
    joins = f"aws cleanrooms create-membership --collaboration-identifier {room} --query-log-status ENABLED"
    scene.same("waits first for", [(w["member"], w["act"]) for w in waiting][:1], [("shop", joins)])
    scene.same("the plan waits for the same", scene.plan()["waiting"], waiting)
    scene.same("made in the owner's account", [one["operation"] for one in scene.stage.log() if one["account"] == ACCOUNTS["shop"]], [])
    code, error = scene.gateway.refused("run", NAME, "overlap", "--as", "media", "--room", ROOM)
    scene.same("a run before", (code, error["code"]), (3, "not-granted"))
    scene.stage.shell("shop", joins)
    waiting = scene.apply()["waiting"]
    scene.same("waits then for", [w["what"].split(" into ")[0] for w in waiting], ["it brings table customers"])
    try:
        for _ in range(4):
            for one in waiting:
                scene.stage.shell("shop", printed(scene, one["act"]), {"DataRole": f"arn:aws:iam::{ACCOUNTS['shop']}:role/airlock-data-reader", "CollaborationMedia": room})
            waiting = scene.apply()["waiting"] if waiting else []
        scene.same("waits after all that was printed", waiting, [])
    except airlock.Failed as failure:
        scene.wrong.append(f"what is printed for the owner doesn't run: {failure.errors.strip()[:200]}")
        table, association = by_hand(scene, "shop", "customers")
        scene.same("waits for no table", [w["what"].split(" allows ")[0] for w in scene.apply()["waiting"]], ["table customers is not ready: ANALYSIS_TEMPLATES_NOT_CONFIGURED"])
        scene.stage.client("shop").update_configured_table_analysis_rule(
            configuredTableIdentifier=table, analysisRuleType="CUSTOM", analysisRulePolicy={"v1": {"custom": {"allowedAnalyses": [scene.template("overlap")]}}})
    applied = scene.apply()
    scene.same("at the end", (applied["waiting"], applied["open"]), ([], ["dataset customers", "dataset seen", "template overlap"]))
    scene.same("nothing is left to do", (scene.plan()["steps"], scene.plan()["waiting"]), ([], []))
    scene.as_native("overlap")
    arn = scene.template("overlap")
    scene.same("asked by hand", scene.ask({"analysisTemplateArn": arn}), "SUCCESS")
    try:
        told = scene.gateway.call("revoke", NAME, "--dataset", "customers", "--as", "shop", timeout=90)
        scene.same("said to be open after the owner's withdrawal", [r["open"] for r in told["rooms"]], [[]])
    except airlock.Failed as failure:
        error = json.loads(failure.output.splitlines()[-1])["error"]
        scene.same("says what is open still, and who closes it", (error["code"], "customers" in json.dumps(error), "shop" in json.dumps(error)), ("room-not-closed", True, True))
    except subprocess.TimeoutExpired:
        scene.wrong.append("a withdrawal under an owner who is not operated here isn't answered within 90 s")
    scene.same("asked by hand after the owner's withdrawal", scene.ask({"analysisTemplateArn": arn}), "ResourceNotFoundException")
    plan = scene.plan()
    scene.same("open, and waited for", sorted({w["member"] for w in plan["waiting"]}), ["shop"] if plan["open"] else [])


def printed(scene, act):
    """The script of an act: a command as it is, or the document that another command prints."""
    _, named, words = act.partition("the commands of: airlock ")
    return scene.gateway.call(*words.split())["document"] if named else act


def quickstart(scene):
    """The quickstart's three templates over 36,000 people each: the same from raw identifiers, and from hashed ones in both rooms."""
    demo, accounts = scene.folder / "demo", {"retailer": "111111111111", "publisher": "222222222222"}
    raw = {r["template"]: r for r in scene.gateway.call("quickstart", "--people", "36000", "--dir", str(demo))["runs"]}
    scene.stage = stage.Stage(scene.folder, accounts)
    gateway = airlock.Airlock(scene.binary, scene.home, scene.stage.environment())
    text = (airlock.ROOT / "src/demo/agreement.yaml").read_text(encoding="utf-8").replace("[local]", f"[local, {stage.REGION}]")
    text = text.replace("rooms: [native]", f"rooms: [native, {{ platform: {ROOM}, region: {stage.REGION} }}]").replace(", normalise: phone-us", "")
    text = text.replace("type: utf8 }", "type: utf8, hashed: sha256-hex, normalise: none }").replace(": results/", f": {(scene.folder / 'results').as_uri()}/")
    for owner, dataset, keys in (("retailer", "customers", {"email": email, "phone": phone}), ("publisher", "exposures", {"mail": email, "mobile": phone})):
        file = scene.folder / "hashed" / f"{dataset}.parquet"
        hash_keys(demo / f"data/{owner}/{dataset}.parquet", file, keys)
        scene.stage.table(owner, "demo", dataset, file)
        text = text.replace(f"{{ native: data/{owner}/{dataset}.parquet }}", f"{{ native: '{file.as_uri()}', {ROOM}: {{ glue: {{ database: demo, table: {dataset} }} }} }}")
        text = text.replace("abilities: [contribute, run, receive] }", f'abilities: [contribute, run, receive], identity: {{ {ROOM}: "{accounts[owner]}" }} }}', 1)
    file = scene.folder / "quickstart.yaml"
    file.write_text(text, encoding="utf-8")
    scene.stage.connect(scene.home, ("retailer", "publisher"))
    scene.home.chmod(0o700)
    gateway.settle(file, "quickstart", list(accounts))
    code, error = gateway.refused("apply", "quickstart", "--room", ROOM)
    wider = [f"templates.{name}.received_by" for name in sorted(raw)]
    scene.same("without the owners' consent", (code, error["code"], sorted(p["at"].split()[-1] for p in error["problems"])), (3, "wider", wider))
    code, error = gateway.refused("run", "quickstart", "overlap-by-segment", "--as", "retailer", "--room", ROOM)
    scene.same("a run without it", (code, error["code"]), (3, "wider"))
    scene.same("made without it", [one for one in scene.stage.log() if one["operation"].startswith("Create")], [])
    for term in wider:
        for owner in accounts:
            gateway.call("waive", "quickstart", "--room", ROOM, "--at", term, "--as", owner)
    scene.same("waiting", gateway.call("apply", "quickstart", "--room", ROOM)["applied"]["waiting"], [])
    for template, receiver, least in (("overlap-by-segment", "retailer", 5), ("reach-and-frequency", "retailer", 10), ("winter-audience", "publisher", 1000)):
        rows = {"raw": airlock.delivered({"results": [{"receiver": receiver, "manifest": raw[template]["result"]}]}, receiver)}
        for room in (ROOM, "native"):
            report = gateway.call("run", "quickstart", template, "--as", "retailer", "--room", room)
            scene.same(f"{template}: receivers in {room}", [r["receiver"] for r in report["results"]], [receiver])
            rows[room] = airlock.delivered(report, receiver)
        scene.same(f"{template}: rows", len(rows["raw"][1]) >= least, True)
        for room in (ROOM, "native"):
            scene.same(f"{template}: columns in {room}", rows[room][0], rows["raw"][0])
            scene.same(f"{template}: rows in {room}", judge.difference(rows["raw"][1], rows[room][1]), None)


def email(text):
    """An address as its owner writes it down before hashing."""
    return text.strip().lower()


def phone(text):
    """A North American number in international form."""
    return f"+1{''.join(c for c in text if c.isdigit())[-10:]}"


def hash_keys(source, target, keys):
    """The same file with identifiers hashed by their owner."""
    table = pq.read_table(source)
    for name, normal in keys.items():
        made = [v and hashlib.sha256(normal(v).encode()).hexdigest() for v in table[name].to_pylist()]
        table = table.set_column(table.column_names.index(name), name, pa.array(made, pa.string()))
    target.parent.mkdir(exist_ok=True)
    pq.write_table(table, target)


def words_of_sql(scene):
    """Names that are words of SQL on either side mean themselves."""
    agreement = document(scene.folder, ["overlap"])
    customers = agreement["datasets"]["order"] = agreement["datasets"].pop("customers")
    for name, column in (("group", "segment"), ("select", "points")):
        customers["columns"][name] = {**customers["columns"].pop(column), "from": column}
    text = 'SELECT c."group", COUNT(DISTINCT c.person) AS people, SUM(c."select") AS "from" FROM "order" c JOIN seen e ON c.person = e.person GROUP BY c."group"'
    agreement["templates"]["overlap"]["sql"] = text
    customers["at"][ROOM]["glue"]["table"] = "order"
    shutil.copy(scene.folder / "data" / "customers.parquet", scene.folder / "data" / "order.parquet")
    scene.agree(agreement)
    scene.same("held", (scene.apply()["open"], scene.schema("media", "order")), (["dataset order", "dataset seen", "template overlap"], "READY"))
    scene.as_native("overlap")


def misspelt(scene):
    """What the platform can't spell or take is refused before anything is recorded, each beside a neighbour that passes."""
    def column(name, **changes):
        return lambda d: d["datasets"]["customers"]["columns"][name].update(changes)

    def both(*acts):
        return lambda d: [act(d) for act in acts]

    def sql(segments):
        listed = ", ".join(f"'s{n}'" for n in range(segments))
        return lambda d: d["templates"]["overlap"].update(sql=TEMPLATES["overlap"].replace(" GROUP", f" WHERE c.segment IN ({listed}) GROUP"))

    def renamed(name):
        return lambda d: d["datasets"].update({name: d["datasets"]["customers"]})

    def glue(name):
        return lambda d: d["datasets"]["customers"]["at"][ROOM]["glue"].update(table=name)

    def account(number):
        return lambda d: d["members"]["shop"]["identity"].update({ROOM: number})

    def home(region):
        return lambda d: d.update(residency=["local", region])

    points, longest = lambda name: column("points", **{"from": name}), "d" * 63  # noqa: E731
    spelling, known = ("not-held", f"{ROOM} datasets.customers.columns"), (3, "room-refused")
    cases = (
        ("a column of other letters", points("größe"), points("groesse"), known, spelling),
        ("a column that ends in a hyphen", points("points-"), points("points-n"), known, spelling),
        ("a column of 128 letters", points("p" * 128), points("p" * 127), known, spelling),
        ("columns alike in lower case", both(points("Points"), column("region", **{"from": "points"})), points("Points"), known, spelling),
        ("a table of other letters", glue("kunden-ü"), glue("Kunden"), (2, "agreement-invalid"), ("location", "datasets.customers.at.aws-clean-rooms.glue.table")),
        ("a dataset in upper case", renamed("Others"), renamed("others"), (2, "agreement-invalid"), ("bad-identifier", "datasets.Others")),
        ("a dataset too long beside the collaboration", both(renamed(longest), lambda d: d.update(collaboration="c" * 63)), renamed(longest), known,
         ("not-held", f"{ROOM} datasets.{longest}.at")),
        ("an account of eleven digits", account("1" * 11), account("4" * 12), known, ("not-held", f"{ROOM} members.shop")),
        ("an account of two members", account(ACCOUNTS["media"]), account("4" * 12), known, ("not-held", f"{ROOM} members.shop")),
        ("a room without a Region", lambda d: d["rooms"][1].pop("region"), lambda d: d["rooms"][1].update(region="us-east-1"), known, ("not-held", f"{ROOM} rooms.{ROOM}")),
        ("a room outside residency", home("us-east-1"), home(stage.REGION), (2, "agreement-invalid"), ("residency", "rooms.1")),
        ("a text beyond every limit", sql(90_000), sql(90), (2, "agreement-invalid"), ("template-too-long", "templates.overlap.sql")),
    )
    scene.gateway.call("keygen", "--member", "shop")
    for what, bad, good, told, (code, at) in cases:
        for change, passes in ((good, True), (bad, False)):
            agreement = document(scene.folder, ["overlap", "regions"])
            change(agreement)
            if passes:
                scene.same(f"not {what}", "error" in scene.gateway.call("check", str(scene.write(agreement))), False)
                continue
            exit_code, error = scene.gateway.refused("check", str(scene.write(agreement)))
            scene.same(what, (exit_code, error["code"]), told)
            scene.same(f"{what}: where", [(p["code"], p["at"].endswith(at)) for p in error["problems"]][:1], [(code, True)])
            scene.same(f"{what}: proposed", scene.gateway.refused("apply", str(scene.folder / "agreement.json"), "--as", "shop")[0], told[0])
    scene.same("asked of the platform", scene.stage.log(), [])


def credentials(scene):
    """Credentials that are over, missing or another account's, and permissions that are missing: named, nothing is done in that account."""
    scene.agree(document(scene.folder, ["overlap"]))
    broken = lambda error: [(p["code"], p["at"]) for p in error.get("problems", [])]  # noqa: E731
    at = lambda member, permission: f"{ROOM}, {member}: {permission}"  # noqa: E731
    tested = scene.gateway.call("connections", "test", NAME)["connections"]
    scene.same("all works", ([c["error"] for c in tested if c["error"]], {c["member"] for c in tested}), ([], {"media", "shop"}))
    reads = (
        ("expired", "credentials-refused", "shop", "sts:GetCallerIdentity", lambda m, p, h, b: expired_sts() if b"GetCallerIdentity" in b and of(h, "shop") else None),
        ("forbidden to list", "access-denied", "shop", "cleanrooms:ListConfiguredTables",
         lambda m, p, h, b: denied() if (m, p.split("?")[0]) == ("GET", "/configuredTables") and of(h, "shop") else None),
        ("forbidden to look at the landing", "landing-unreadable", "media", "s3:ListBucket",
         lambda m, p, h, b: (403, {}, b"<Error><Code>AccessDenied</Code></Error>") if m == "GET" and p.startswith("/airlock-landing-media") else None),
    )
    for what, code, member, permission, answer in reads:
        with stage.Between(scene.stage.endpoint, answer) as between:
            gateway = airlock.Airlock(scene.binary, scene.home, scene.stage.environment(endpoint=between.endpoint))
            exit_code, error = gateway.refused("connections", "test", NAME)
            scene.same(what, (exit_code, error["code"], broken(error)), (1, "connection-broken", [(code, at(member, permission))]))
            if member == "shop":
                waiting = gateway.call("plan", NAME, "--room", ROOM)["plan"]["waiting"]
                scene.same(f"{what}: plan", [(w["member"], w["what"]) for w in waiting], [("shop", f"its account could not be looked at: {code}")])
    writes = (("forbidden to write", "access-denied", 3, denied), ("expired in the middle", "credentials-refused", 1, expired))
    for what, code, wanted, answer in writes:
        stop = lambda m, p, h, b: answer() if (m, p) == ("POST", "/configuredTables") and of(h, "shop") else None  # noqa: B023, E731
        with stage.Between(scene.stage.endpoint, stop) as between:
            exit_code, error = airlock.Airlock(scene.binary, scene.home, scene.stage.environment(endpoint=between.endpoint)).refused("apply", NAME, "--room", ROOM)
        scene.same(what, (exit_code, error["code"]), (wanted, code))
        scene.same(f"{what}: says which call of whom", [word in json.dumps(error) for word in ("CreateConfiguredTable", "shop")], [True, True])
    secrets = Path(scene.stage.environment()["AWS_SHARED_CREDENTIALS_FILE"])
    right = secrets.read_text(encoding="utf-8")
    wrong = (("another account's", right.replace(ACCOUNTS["shop"], ACCOUNTS["bank"]), "wrong-account"), ("missing", right.replace("[shop]", "[nobody]"), "credentials-missing"))
    for what, text, code in wrong:
        secrets.write_text(text, encoding="utf-8")
        scene.stage.tell("DELETE", "log")
        exit_code, error = scene.gateway.refused("connections", "test", NAME)
        scene.same(what, (exit_code, error["code"], broken(error)), (1, "connection-broken", [(code, at("shop", "sts:GetCallerIdentity"))]))
        scene.same(f"{what}: waits for", [(w["member"], w["what"]) for w in scene.plan()["waiting"]], [("shop", f"its account could not be looked at: {code}")])
        exit_code, error = scene.gateway.refused("apply", NAME, "--room", ROOM)
        scene.same(f"{what}: apply", (exit_code, error["code"], broken(error)), (1, "room-unseen", [(code, f"{ROOM}, shop")]))
        scene.same(f"{what}: accounts called", {one["account"] for one in scene.stage.log()}, {ACCOUNTS["media"]})
        scene.same(f"{what}: made in the wrong account", scene.stage.client("bank").list_configured_tables()["configuredTableSummaries"], [])
    secrets.write_text(right, encoding="utf-8")
    scene.stage.tell("DELETE", "log")
    scene.gateway = airlock.Airlock(scene.binary, scene.home, scene.stage.environment(region="us-west-2"))
    scene.same("with all of it, under profiles of another Region", scene.apply()["waiting"], [])
    scene.same("Regions called", {one["region"] for one in scene.stage.log()}, {stage.REGION})
    scene.as_native("overlap")


def limits(scene):
    """Quotas, throttling, time limits and places that the platform refuses: said by name, nothing half delivered, and it goes on afterwards."""
    agreement = document(scene.folder, ["overlap", "regions"])
    agreement["residency"] = ["local", stage.REGION]
    scene.agree(agreement)
    scene.stage.tell("POST", "quotas", {"analysis templates per membership": 1})
    code, error = scene.gateway.refused("apply", NAME, "--room", ROOM)
    scene.same("a quota in the middle", (code, error["code"], "analysis templates per membership" in error["message"]), (1, "quota-exceeded", True))
    left = [(s["call"], s["what"].split("/")[1].split("-")[0]) for s in scene.plan()["steps"] if s["effect"] == "neutral"]
    scene.same("left to make", left, [("CreateAnalysisTemplate", "regions")])
    scene.stage.tell("POST", "quotas", {"analysis templates per membership": 25})
    scene.stage.tell("POST", "faults", {"faults": [{"kind": "throttle", "operation": "CreateAnalysisTemplate", "times": 5}]})
    applied = scene.apply()
    scene.same("raised, and throttled on the way", (applied["waiting"], applied["open"]), ([], ["dataset customers", "dataset seen", "template overlap", "template regions"]))
    scene.same("made twice", [t["name"] for t in Console(scene).media.list_analysis_templates(membershipIdentifier=Console(scene).runs)["analysisTemplateSummaries"]][2:], [])
    scene.as_native("overlap")
    before = scene.files()
    connections = (scene.home / "connections.toml").read_text(encoding="utf-8")
    elsewhere = scene.stage.bucket("airlock-landing-elsewhere", "media", "us-west-2")
    faults = lambda *all: lambda: scene.stage.tell("POST", "faults", {"faults": [{"kind": kind, "code": code} for kind, code in all]})  # noqa: E731
    landing = lambda bucket: lambda: (scene.home / "connections.toml").write_text(connections.replace("airlock-landing-media/", f"{bucket}/"), encoding="utf-8")  # noqa: E731
    cases = (
        ("the platform's time limit", faults(("query_timeout", "")), "platform-timed-out"),
        ("too little compute", faults(("query_failure", "INSUFFICIENT_COMPUTE")), "insufficient-compute"),
        ("a role without access", faults(("query_failure", "RESOURCE_ACCESS_DENIED")), "resource-access-denied"),
        ("a refused text", faults(("query_failure", "MALFORMED_QUERY")), "query-refused"),
        ("a bad moment", faults(("query_failure", "TRANSIENT_ERROR")), "platform-transient"),
        ("no query more", lambda: scene.stage.tell("POST", "quotas", {"concurrent queries per account": 0}), "quota-exceeded"),
        ("the source's bucket", landing("airlock-data-shop"), "configuration-refused"),
        ("a bucket in another Region", landing(elsewhere), "configuration-refused"),
        ("no bucket", landing("airlock-landing-nowhere"), "resource-access-denied"),
    )
    for what, act, wanted in cases:
        act()
        code, error = scene.gateway.refused("run", NAME, "overlap", "--as", "media", "--room", ROOM)
        scene.same(what, (code, error["code"]), (1, wanted))
        scene.same(f"{what}: delivered", scene.files(), before)
        scene.stage.tell("DELETE", "faults")
        scene.stage.tell("POST", "quotas", {"concurrent queries per account": 2})
        landing("airlock-landing-media")()
    scene.as_native("overlap")
    sources = scene.stage.client("shop", "s3").list_objects_v2(Bucket="airlock-data-shop", Prefix="customers/")["Contents"]
    scene.same("still in the source's bucket", [o["Key"] for o in sources], ["customers/customers.parquet"])


ODD = ("plain", 'say "hi", twice', "two\nlines", "", None, "Straße, naïve", " spaced ", "NULL", "0012")


def landed(scene):
    """What comes by way of CSV is what was computed; what was cut, retyped or renamed on the way ends the run, and nothing is delivered."""
    file = scene.folder / "data" / "customers.parquet"
    people = pq.read_table(file)
    odd = pa.array([ODD[int(k[:8], 16) % len(ODD)] for k in people["mail"].to_pylist()], pa.string())
    pq.write_table(people.set_column(1, "segment", odd), file)
    scene.agree(document(scene.folder, ["overlap", "regions"], minimum=5), result_format="csv")
    scene.same("waiting", scene.apply()["waiting"], [])
    native = scene.run("overlap", room="native")[1]["media"]
    scene.same("segments in the native room", {row[0] for row in native}, set(ODD))
    # In CSV an empty field is no value: nobody can tell which of the two it was.
    told = [(row[0] or None, *row[1:]) for row in native]
    scene.same("by way of CSV", judge.difference(told, scene.run("overlap")[1]["media"]), None)
    scene.stage.connect(scene.home, ("media",), "parquet")
    scene.same("by way of Parquet", judge.difference(native, scene.run("overlap")[1]["media"]), None)
    before = scene.files()
    meddled = {
        "csv": (
            ("left alone", lambda b: b, None),
            ("beside what is no part of it", lambda b: {"_SUCCESS": b"1", ".part-00000.csv.crc": b"crc"}, None),
            ("beside a stranger's object", lambda b: {"notes.txt": b"no part of it\n"}, "schema-mismatch"),
            ("cut within a line's first field", lambda b: b[: b.rindex(b"\n", 0, -1) + 3], "landing-unreadable"),
            ("cut within the last number", lambda b: b[:-3], "landing-unreadable"),
            ("of other types", lambda b: b.replace(b"north", b"north,x") if b"north" in b else b[:-1] + b"x\n", "landing-unreadable"),
            ("of another header", lambda b: b.replace(b"people", b"persons", 1), "schema-mismatch"),
            ("of one column more", lambda b: b"\n".join(line + b",x" for line in b.splitlines()) + b"\n", "schema-mismatch"),
            ("without its header", lambda b: b.split(b"\n", 1)[1], "schema-mismatch"),
            ("no text at all", lambda b: b"\x00\xff\xfe" * 9, "landing-unreadable"),
        ),
        "parquet": (
            ("left alone", lambda b: b, None),
            ("cut", lambda b: b[: len(b) // 2], "landing-unreadable"),
            ("of other types", lambda b: columns(b, lambda t: t.set_column(1, "people", t["people"].cast(pa.string()))), "schema-mismatch"),
            ("of wider numbers that fit", lambda b: columns(b, lambda t: t.set_column(1, "people", t["people"].cast(pa.int32()))), None),
            ("of another order", lambda b: columns(b, lambda t: t.select(t.column_names[::-1])), "schema-mismatch"),
            ("with a hidden column", lambda b: columns(b, lambda t: t.append_column("mail", pa.array(["x"] * t.num_rows))), "schema-mismatch"),
        ),
    }
    for form, cases in meddled.items():
        scene.stage.connect(scene.home, ("media",), form)
        right = scene.run("regions", room="native")[1]["media"]
        for what, change, code in cases:
            before = scene.files()
            found = Meddler(scene, change).run("regions")
            if code is None:
                scene.same(f"{form} {what}", isinstance(found, list) and judge.difference(right, found), None)
                continue
            scene.same(f"{form} {what}", found, (1, code))
            scene.same(f"{form} {what}: delivered", scene.files(), before)
    scene.as_native("regions")
    scene.same("left in scratch", [f for f in (scene.home / "scratch").rglob("*") if f.is_file()], [])


def many_and_none(scene):
    """Results of many objects come whole; one without a row is a success that says which rule may have left everything out."""
    agreement = document(scene.folder, ["days"], minimum=10)
    scene.agree(agreement)
    scene.same("waiting", scene.apply()["waiting"], [])
    for parts in (1, 7, 50):
        scene.stage.tell("POST", "settings", {"result_parts": parts})
        before = landings(scene, "media")
        report, rows = scene.run("days")
        scene.same(f"{parts} parts: objects and rows", (len(landings(scene, "media")) - len(before), report["rows"], len(rows["media"])), (min(parts, 9), 9, 9))
        scene.same(f"{parts} parts", judge.difference(scene.run("days", room="native")[1]["media"], rows["media"]), None)
    few = Scene(scene.arguments, scene.folder, "few")
    scene.wrong = few.wrong = scene.wrong + few.wrong
    agreement = document(few.folder, ["overlap"], minimum=500)
    agreement["datasets"]["customers"]["columns"]["segment"]["activate"] = True
    agreement["datasets"]["customers"]["rule"]["activation"] = {"to": ["media"], "audience_min": 5000}
    text = "SELECT c.segment FROM customers c JOIN seen e ON c.person = e.person"
    agreement["templates"]["audience"] = {"class": "activation", "sql": text, "run_by": ["media"], "received_by": ["media"]}
    few.agree(agreement)
    few.same("few: waiting", few.apply()["waiting"], [])
    for template, words in (("overlap", "0 rows; groups with too few entities were left out, the room doesn't say how many"),
                            ("audience", "the audience is below its minimum: withheld by rule, nothing was delivered")):
        report, rows = few.run(template)
        few.same(f"{template}: no row", (report["state"], report["rows"], report["withheld"], rows), ("succeeded", 0, None, {"media": []}))
        manifest = json.loads(airlock.local(report["results"][0]["manifest"]).read_text(encoding="utf-8"))
        few.same(f"{template}: the manifest", (manifest["rows"], manifest["withheld"], manifest["suppression"], manifest["platform"]), (0, None, "dropped", ROOM))
        rules = [(r["dataset"], r["entities_min"], r["rule_of"]) for r in manifest["rules"]]
        few.same(f"{template}: the rules that held", rules, [("customers", 500, "shop"), ("seen", 500, "media")] if template == "overlap" else [("customers", 5000, "shop")])
        command = [str(few.binary), "--home", str(few.home), "run", NAME, template, "--as", "media", "--room", ROOM]
        said = subprocess.run(command, env=few.gateway.environment, capture_output=True, text=True, check=False)
        few.same(f"{template}: said to people", (said.returncode, words in said.stdout), (0, True))
    few.same("the native room agrees", (few.run("overlap", room="native")[0]["withheld"], few.run("overlap", room="native")[1]), (3, {"media": []}))


SCENES = (two_runners, late, not_ours, removed, removed_between, edited, foreign, withdrawn, kept, stopped, words_of_sql, misspelt, credentials, limits, landed, many_and_none,
          quickstart)


if __name__ == "__main__":
    sys.exit(playing.main("scenes", __doc__, SCENES, Scene))
