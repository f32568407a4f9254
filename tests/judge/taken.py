"""Scenes of what is taken away and of what is edited by hand: members removed, edits in the console, strangers' things, withdrawals of each
kind, of what runs and of what nobody could be told of. Must not know how the gateway plans; `scenes.py` plays these.
"""

import json
import os
import signal
import subprocess
import time

import airlock
import stage
from console import EDITS, Console
from scene import ACCOUNTS, DATASETS, NAME, ROOM, TEMPLATES, denied, document, expired_sts, landings, leave, of, until


def gone(scene, member, how, held=True):
    """A member is no member of the collaboration there any more: said, recorded at once where it was one, and nothing of it is made."""
    membership = f"membership of {member}"
    scene.stage.tell("DELETE", "log")
    plan = scene.plan()
    made = [s["call"] for s in plan["steps"] if s["call"] in ("CreateMembership", "CreateCollaboration") or s["call"].startswith("Create") and s["what"].endswith(f"of {member}")]
    scene.same(f"{how}: made anew", made, [])
    scene.same(f"{how}: said to show itself later", plan["pending"], False)
    scene.same(f"{how}: members waited for", sorted({w["member"] for w in plan["waiting"]}), [member])
    scene.same(f"{how}: said of it", [d for d in plan["drift"] if d["on"] == membership], [{"class": "tightened", "on": membership, "detail": "final-on-platform"}] if held else [])
    scene.same(f"{how}: apply waits for", scene.apply()["waiting"], [] if held else plan["waiting"])
    scene.same(f"{how}: recorded", membership in scene.found(), held)
    scene.same(f"{how}: made", scene.made(member), [])
    scene.same(f"{how}: left to do", (scene.plan()["steps"], scene.closing()), ([], []))


def removed(scene):
    """A member is removed by the collaboration's creator, or leaves: it counts as withdrawn at once, and nothing brings it back there."""
    scene.agree(document(scene.folder, ["overlap", "bands"], ("shop", "media", "bank")))
    scene.same("waiting", scene.apply()["waiting"], [])
    bands, overlap = scene.template("bands"), scene.template("overlap")
    scene.same("bands before", scene.ask({"analysisTemplateArn": bands}), "SUCCESS")
    scene.stage.client("media").delete_member(collaborationIdentifier=scene.rooms("media")["media"]["id"], accountId=ACCOUNTS["bank"])
    scene.same("a run before anybody looked", scene.refused("bands"), (3, "not-granted"))
    gone(scene, "bank", "removed")
    scene.same("its table", scene.schema("media", "accounts"), "ResourceNotFoundException")
    scene.same("bands after", scene.ask({"analysisTemplateArn": bands}), "ResourceNotFoundException")
    scene.same("what it sees itself", scene.schema("bank", "seen"), "no collaboration")
    scene.same("a run of what it brought", (scene.refused("bands"), scene.refused("bands", "native")), ((3, "member-revoked"), (3, "member-revoked")))
    scene.same("without it", scene.ask({"analysisTemplateArn": overlap}), "SUCCESS")
    code, error = scene.gateway.refused("reoffer", NAME, "--membership", "--as", "shop")
    scene.same("offered again by who never left", (code, error["code"]), (3, "not-found-withdrawn"))
    scene.gateway.call("reoffer", NAME, "--membership", "--as", "bank")
    scene.stage.tell("DELETE", "log")
    waiting = scene.apply()["waiting"]
    scene.same("offered again: waited for", [(w["member"], "into which nobody comes back" in w["what"]) for w in waiting], [("bank", True)])
    scene.same("offered again: let in", [c for c in scene.made("media") + scene.made("bank") if c in ("CreateMembership", "CreateCollaboration")], [])
    scene.same("offered again: its table", scene.schema("media", "accounts"), "ResourceNotFoundException")
    scene.same("offered again: still withdrawn", scene.found(), [])
    scene.same("offered again: here", bool(scene.run("bands", room="native")[1]["media"]), True)
    scene.same("offered again: there", scene.refused("bands"), (3, "not-granted"))
    scene.as_native("overlap")
    leave(scene, "shop")
    scene.stage.tell("DELETE", "log")
    plan = scene.plan()
    scene.same("left: made anew", [s["call"] for s in plan["steps"] if s["call"].startswith("Create") and not s["what"].endswith("of bank")], [])
    scene.same("left: members waited for", sorted({w["member"] for w in plan["waiting"]}), ["bank", "shop"])
    scene.apply()
    scene.same("left: recorded", (scene.found(), scene.made("shop")), (["membership of shop"], []))
    scene.same("overlap after", scene.ask({"analysisTemplateArn": overlap}), "ResourceNotFoundException")
    scene.same("a run of what is left", (scene.refused("overlap"), scene.refused("overlap", "native")), ((3, "member-revoked"), (3, "member-revoked")))


def removed_between(scene):
    """A member is removed between two passes: before it joined, and before its table came in."""
    scene.agree(document(scene.folder, ["overlap"]))
    for path, how in (("/memberships", "before it joined"), ("/configuredTableAssociations", "before its table")):
        joined = how == "before its table"
        if joined:
            # A withdrawn room is not made again: a new stage, and a new gateway on it.
            scene.__init__(scene.arguments, scene.folder.parent, f"{scene.folder.name}-2")
            scene.agree(document(scene.folder, ["overlap"]))
        stopped = lambda method, at, headers, _: denied() if method == "POST" and at.endswith(path) and of(headers, "shop") else None  # noqa: B023, E731
        with stage.Between(scene.stage.endpoint, stopped) as between:
            code, error = airlock.Airlock(scene.binary, scene.home, scene.stage.environment(endpoint=between.endpoint)).refused("apply", NAME, "--room", ROOM)
        scene.same(f"{how}: the pass", (code, error["code"]), (3, "access-denied"))
        scene.stage.client("media").delete_member(collaborationIdentifier=scene.rooms("media")["media"]["id"], accountId=ACCOUNTS["shop"])
        gone(scene, "shop", how, held=joined)
        scene.same(f"{how}: templates", scene.template("overlap"), None)
        scene.same(f"{how}: its table", scene.schema("media", "customers"), "ResourceNotFoundException")
        # Who never came took nothing away: only the platform is lost.
        scene.same(f"{how}: there", scene.refused("overlap"), (3, "member-revoked" if joined else "not-granted"))
        if joined:
            scene.same(f"{how}: here", scene.refused("overlap", "native"), (3, "member-revoked"))
        else:
            scene.same(f"{how}: here", bool(scene.run("overlap", room="native")[1]["media"]), True)


def edited(scene):
    """Edits in the console: what is wider is closed first and told; what an owner took away stays away until it says otherwise; the rest is nothing."""
    agreement = document(scene.folder, ["overlap", "regions", "campaigns", "bands"], ("shop", "media", "bank"))
    scene.agree(agreement)
    scene.stage.table("shop", "scenes", "more_customers", scene.folder / "data" / "customers.parquet")
    scene.same("waiting", scene.apply()["waiting"], [])
    before = whole(scene)
    scene.same("templates", [name.rsplit("-", 1)[0] for name in before[0]["templates"]], ["bands", "campaigns", "overlap", "regions"])
    widened(scene, before)
    unchanged(scene, before)
    parts_taken(scene, before)
    table_taken(scene, before)
    taken_together(scene)


def whole(scene):
    """All that everybody has there."""
    return [Console(scene, dataset).whole() for dataset in DATASETS]


def widened(scene, before):
    """What lets out more than was agreed is closed before anything else, told, and brought to what was agreed."""
    console, order = Console(scene), ["revoke", "restrict", "neutral", "grant"]
    for name, (act, effect, call, exposed) in EDITS.items():
        act(console)
        query = {"analysisTemplateArn": scene.template(exposed)} if isinstance(exposed, str) else exposed
        if query:
            scene.same(f"{name}: what it let out", scene.ask(query), "SUCCESS")
        plan, size, alarms = scene.plan(), len(scene.leaves()), len(scene.alarms())
        steps = plan["steps"]
        scene.same(f"{name}: first", [(s["effect"], s["call"]) for s in steps][:1], [(effect, call)])
        scene.same(f"{name}: order", [s["effect"] for s in steps], sorted([s["effect"] for s in steps], key=order.index))
        scene.same(f"{name}: said", {(d["class"], d["detail"]) for d in plan["drift"] if d["class"] != "format-only"}, {("loosened", "closed-first")})
        scene.stage.tell("DELETE", "log")
        scene.same(f"{name}: waiting", scene.apply()["waiting"], [])
        scene.same(f"{name}: afterwards", whole(scene), before)
        scene.same(f"{name}: left to do", scene.plan()["steps"], [])
        scene.same(f"{name}: open without a fence", unfenced(scene.stage.log()), [])
        scene.same(f"{name}: told once, and nobody's withdrawal", ([w for w in scene.leaves()[size:] if not w.startswith("effect-") and w != "room-observed"], len(scene.alarms())),
                   (["drift-found"], alarms + 1))
        if query:
            scene.same(f"{name}: asked again", scene.ask(query) in ("FAILED", "ResourceNotFoundException"), True)
    scene.as_native("overlap")


def unchanged(scene, before):
    """What changes nothing for anybody is left as it is, and nothing is recorded."""
    size = len(scene.leaves())
    for dataset in DATASETS:
        Console(scene, dataset).harmless()
    scene.stage.tell("DELETE", "log")
    plan, applied = scene.plan(), scene.apply()
    scene.same("harmless: said", {d["class"] for d in plan["drift"]}, {"format-only"})
    scene.same("harmless: done", (plan["steps"], applied["steps"], applied["waiting"], scene.writes()), ([], 0, [], []))
    scene.same("harmless: recorded", scene.leaves()[size:], [])
    scene.same("harmless: afterwards", whole(scene), before)
    # The cap is a number of the agreement's, and no thing that is withdrawn: it is brought to what all agreed.
    seen = Console(scene, "seen")
    seen.cap_set(5)
    applied = scene.apply()
    scene.same("cap lowered: as agreed again", (applied["steps"], seen.whole()["cap"][0]["budget"]), (1, 50))
    scene.same("cap as agreed: done", (scene.apply()["steps"], whole(scene) == before), (0, True))


def taken_away(scene, what, act, found, refused, goes_on, closed, frame=()):  # noqa: PLR0913
    """Somebody took something away by hand: once it is certain it counts as withdrawn, here and there, and nothing is made again but the frame: a rule that
    allows nothing, a text that no rule allows."""
    scene.stage.tell("DELETE", "log")
    plan = scene.plan()
    scene.same(f"{what}: said at first", sorted(d["on"] for d in plan["drift"] if d["class"] == "tightened"), found)
    scene.same(f"{what}: certain at first", {d["detail"] for d in plan["drift"] if d["class"] == "tightened"}, {"not-certain-yet"})
    scene.same(f"{what}: would be given at once", [s["call"] for s in plan["steps"] if s["effect"] in ("neutral", "grant") and "waits_for" not in s and s["call"] not in frame], [])
    scene.same(f"{what}: recorded at first", scene.found(), [])
    act()
    scene.same(f"{what}: recorded, and closed", (scene.found(), scene.closing()), (found, []))
    scene.same(f"{what}: apply after it", (scene.apply()["waiting"], scene.plan()["steps"], scene.found()), ([], [], found))
    scene.same(f"{what}: made again", sorted(call for member in ACCOUNTS for call in scene.made(member)), sorted(frame))
    for template, code in refused.items():
        scene.same(f"{what}: {template}", (scene.refused(template), scene.refused(template, "native")), ((3, code), (3, code)))
    for template, arn in closed.items():
        scene.same(f"{what}: {template} asked by hand", scene.ask({"analysisTemplateArn": arn}) in ("FAILED", "ResourceNotFoundException"), True)
    for template in goes_on:
        scene.as_native(template)


def parts_taken(scene, before):
    """An owner's part in one template, another's in all of its own, a runner's text; new approvals bring them back."""
    arns = {name: scene.template(name) for name in ("campaigns", "bands", "regions")}
    Console(scene).allowed_no_more(arns["campaigns"])
    Console(scene, "accounts").rule_deleted()
    Console(scene).template_deleted("regions")
    found = ["approval of bands by bank", "approval of campaigns by shop", "approval of regions by media", "approval of regions by shop"]
    taken_away(scene, "parts", scene.apply, found, dict.fromkeys(arns, "approval-missing"), ["overlap"], arns, ("CreateAnalysisTemplate", "CreateConfiguredTableAnalysisRule"))
    for member, approved in (("bank", ["bands"]), ("media", ["regions"]), ("shop", ["campaigns", "regions"])):
        scene.same(f"parts: {member} approves", sorted(name for name, _ in scene.gateway.call("approve", NAME, "--all", "--as", member)["approved"]), approved)
    back(scene, "parts", before, arns)


def table_taken(scene, before):
    """An owner's table; only its owner offers it again."""
    arns = {name: scene.template(name) for name in ("overlap", "regions", "campaigns")}
    Console(scene).association_deleted()
    once = lambda: scene.gateway.call("sync", "--once")  # noqa: E731
    taken_away(scene, "table", once, ["dataset customers"], dict.fromkeys(arns, "dataset-revoked"), ["bands"], arns)
    for member, dataset, told in (("media", "customers", "not-an-owner"), ("media", "seen", "not-found-withdrawn")):
        code, error = scene.gateway.refused("reoffer", NAME, "--dataset", dataset, "--as", member)
        scene.same(f"table: {member} offers {dataset}", (code, error["code"]), (3, told))
    scene.gateway.call("reoffer", NAME, "--dataset", "customers", "--as", "shop")
    code, error = scene.gateway.refused("reoffer", NAME, "--dataset", "customers", "--as", "shop")
    scene.same("table: offered twice", (code, error["code"]), (3, "not-found-withdrawn"))
    back(scene, "table", before, arns)


def back(scene, what, before, templates):
    """What was given anew is there as it was."""
    scene.same(f"{what}: given anew", (scene.apply()["waiting"], scene.plan()["steps"], scene.found()), ([], [], []))
    scene.same(f"{what}: as before", whole(scene), before)
    for template in templates:
        scene.as_native(template)


def taken_together(scene):
    """What one owner took away stays away when another leaves at the same time."""
    overlap = scene.template("overlap")
    Console(scene).rule_deleted()
    leave(scene, "bank")
    given = [s["call"] for s in scene.plan()["steps"] if s["effect"] == "grant" and "waits_for" not in s]
    scene.same("together: would be given at once", given, [])
    found = ["approval of campaigns by shop", "approval of overlap by shop", "approval of regions by shop", "membership of bank"]
    with scene.worker():
        scene.same("together: recorded, and closed", until(lambda: scene.found() == found and scene.closing() == [], 45), True)
    scene.same("together: after it", (scene.apply()["open"], scene.found(), scene.schema("media", "customers") == "READY"), (["dataset seen"], found, False))
    scene.same("together: asked by hand", scene.ask({"analysisTemplateArn": overlap}) in ("FAILED", "ResourceNotFoundException"), True)
    scene.gateway.call("approve", NAME, "--all", "--as", "shop")
    scene.gateway.call("reoffer", NAME, "--membership", "--as", "bank")
    scene.same("together: given anew", scene.apply()["open"], ["dataset customers", "dataset seen", "template campaigns", "template overlap", "template regions"])
    scene.as_native("overlap")


def unfenced(log):
    """Calls that brought a table in while its rule was allowing something: for a moment anybody received, as often as they liked."""
    allowed, open_to = {}, []
    for one in log:
        if one["operation"] in ("GetConfiguredTableAnalysisRule", "UpdateConfiguredTableAnalysisRule", "CreateConfiguredTableAnalysisRule") and one["status"] == 200:
            rule = one["response"]["analysisRule"]
            allowed[rule["configuredTableId"]] = rule["policy"]["v1"]["custom"]["allowedAnalyses"]
        if one["operation"] == "CreateConfiguredTableAssociation" and allowed.get(one["request"]["configuredTableIdentifier"]):
            open_to.append(one["request"]["name"])
    return open_to


def foreign(scene):
    """What doesn't carry this gateway's tag is left alone: under a name of ours nothing is done, under another it isn't looked at."""
    scene.agree(document(scene.folder, ["overlap"]))
    shop = scene.stage.client("shop")
    source = {"tableReference": {"glue": {"databaseName": "scenes", "tableName": "customers"}}, "allowedColumns": ["mail", "notes"], "analysisMethod": "DIRECT_QUERY"}
    own, taken = (shop.create_configured_table(name=name, **source)["configuredTable"] for name in ("shop-own", f"airlock.{NAME}.customers"))
    rule = {"analysisRuleType": "CUSTOM", "analysisRulePolicy": {"v1": {"custom": {"allowedAnalyses": ["ANY_QUERY"], "allowedAnalysisProviders": [ACCOUNTS["media"]]}}}}
    shop.create_configured_table_analysis_rule(configuredTableIdentifier=own["id"], **rule)
    scene.stage.tell("DELETE", "log")
    for command in ("plan", "apply"):
        code, error = scene.gateway.refused(command, NAME, "--room", ROOM)
        scene.same(f"{command} under a taken name", (code, error["code"], f"airlock.{NAME}.customers" in error["message"]), (3, "name-taken", True))
    scene.same("written", [one["operation"] for one in scene.stage.log() if not one["operation"].startswith(("List", "Get", "BatchGet"))], [])
    shop.delete_configured_table(configuredTableIdentifier=taken["id"])
    scene.same("waiting", scene.apply()["waiting"], [])
    table = Console(scene).table
    tags = shop.list_tags_for_resource(resourceArn=table["arn"])["tags"]
    shop.untag_resource(resourceArn=table["arn"], tagKeys=list(tags))
    code, error = scene.gateway.refused("apply", NAME, "--room", ROOM)
    scene.same("a table that lost its tags", (code, error["code"]), (3, "name-taken"))
    shop.tag_resource(resourceArn=table["arn"], tags=tags)
    scene.same("with its tags again", (scene.plan()["steps"], scene.plan()["waiting"]), ([], []))
    scene.as_native("overlap")
    kept = shop.get_configured_table_analysis_rule(configuredTableIdentifier=own["id"], analysisRuleType="CUSTOM")["analysisRule"]["policy"]
    scene.same("the owner's other table", (kept, own["id"] in [t["id"] for t in shop.list_configured_tables()["configuredTableSummaries"]]), (rule["analysisRulePolicy"], True))


def withdrawn(scene):
    """A withdrawal of each kind: closed as the other member sees it, the rest goes on, and the gateway says what is open still."""
    agreement = document(scene.folder, ["overlap", "regions", "campaigns", "bands", "worth"], ("shop", "media", "bank"))
    scene.agree(agreement)
    opened = scene.apply()
    scene.same("waiting", opened["waiting"], [])
    arns = {name: scene.template(name) for name in agreement["templates"]}
    left = set(arns)
    kinds = (("approval", "campaigns", "shop", {"campaigns"}), ("template", "overlap", "shop", {"overlap"}), ("column", "customers.region", "shop", {"regions"}),
             ("dataset", "seen", "media", {"bands"}), ("membership", None, "bank", {"worth"}))
    for kind, what, member, closes in kinds:
        left -= closes
        revoked = scene.gateway.call("revoke", NAME, f"--{kind}", *([what] if what else []), "--as", member)
        scene.same(f"{kind}: rooms", [r["room"] for r in revoked["rooms"]], [ROOM])
        said = {o for r in revoked["rooms"] for o in r["open"]}
        scene.same(f"{kind}: said to be open", {f"template {n}" for n in closes} & said, set())
        for name in closes:
            scene.same(f"{kind}: {name} asked by hand", scene.ask({"analysisTemplateArn": arns[name]}) in ("FAILED", "ResourceNotFoundException"), True)
            code, error = scene.gateway.refused("run", NAME, name, "--as", "media", "--room", ROOM)
            scene.same(f"{kind}: {name} run", (code, error["code"]), (3, REFUSALS[kind]))
        applied = scene.apply()
        scene.same(f"{kind}: open after apply", {o for o in applied["open"] if o.startswith("template ")}, {f"template {n}" for n in left})
        scene.same(f"{kind}: nothing more to do", scene.plan()["steps"], [])
        seen = {table: scene.analyses("media", table) for table in DATASETS if scene.schema("media", table) == "READY"}
        usable = {n for n in arns if all(n in seen.get(table, []) for table in DATASETS if f" {table} " in TEMPLATES[n])}
        scene.same(f"{kind}: allowed as media sees it", usable, left)
        scene.same(f"{kind}: allowed by its owner", closes & set(seen.get({"shop": "customers", "media": "seen", "bank": "accounts"}[member], [])), set())
        for name in sorted(left)[:1]:
            scene.same(f"{kind}: {name} goes on", scene.ask({"analysisTemplateArn": arns[name]}), "SUCCESS")
            scene.as_native(name)
        if kind == "column":
            room = scene.rooms("media")["media"]["id"]
            columns = scene.stage.client("media").get_schema(collaborationIdentifier=room, name="customers")["schema"]["columns"]
            scene.same("column: columns that media sees", sorted(c["name"] for c in columns), ["mail", "points", "segment"])
    revoked = scene.gateway.call("revoke", NAME, "--room", "--as", "shop")
    scene.same("room: said to be open", [r["open"] for r in revoked["rooms"]], [[]])
    for table in DATASETS:
        scene.same(f"room: {table}", scene.schema("media", table) == "READY", False)
    scene.same("room: after apply", (scene.apply()["open"], scene.rooms("media"), scene.rooms("shop")), ([], {}, {}))
    for member in ACCOUNTS:
        left_over = scene.stage.client(member).list_configured_tables()["configuredTableSummaries"]
        scene.same(f"room: tables left with {member}", [t["name"] for t in left_over], [])


REFUSALS = {"approval": "approval-missing", "template": "approval-missing", "column": "column-revoked", "dataset": "dataset-revoked", "membership": "member-revoked"}


def stopped(scene):
    """A query that runs while something under it is withdrawn is cancelled, by the run's own process or, when that died, by the withdrawal."""
    scene.agree(document(scene.folder, ["overlap", "regions", "campaigns"]))
    scene.same("waiting", scene.apply()["waiting"], [])
    client, own = scene.stage.client("media"), scene.rooms("media")["media"]["membershipId"]
    scene.run("campaigns")
    delivered, landed = scene.files(), landings(scene, "media")
    for name, dies in (("overlap", False), ("regions", True)):
        scene.stage.tell("POST", "settings", {"query_run_s": 3600.0})
        before = {q["id"] for q in client.list_protected_queries(membershipIdentifier=own)["protectedQueries"]}
        running = subprocess.Popen([str(scene.binary), "--home", str(scene.home), "--json", "run", NAME, name, "--as", "media", "--room", ROOM],
                                   env=scene.gateway.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        started = lambda: [q["id"] for q in client.list_protected_queries(membershipIdentifier=own, status="STARTED")["protectedQueries"] if q["id"] not in before]  # noqa: B023, E731
        query = until(started)[0]
        if dies:
            running.kill()
            running.wait()
        begun = time.monotonic()
        revoked = scene.gateway.call("revoke", NAME, "--template", name, "--as", "shop")
        scene.same(f"{name}: said to be open", f"template {name}" in [o for r in revoked["rooms"] for o in r["open"]], False)
        state = until(lambda: client.get_protected_query(membershipIdentifier=own, protectedQueryIdentifier=query)["protectedQuery"]["status"] == "CANCELLED")  # noqa: B023
        scene.same(f"{name}: cancelled within 10 s", (state, time.monotonic() - begun < 10), (True, True))
        output = running.communicate(timeout=30)[0]
        if not dies:
            scene.same(f"{name}: how the run ended", (running.returncode, json.loads(output)["error"]["code"]), (3, "approval-missing"))
        scene.same(f"{name}: delivered", (scene.files(), landings(scene, "media")), (delivered, landed))
        scene.stage.tell("POST", "settings", {"query_run_s": 0.0})
    scene.as_native("campaigns")
    runs = scene.gateway.call("status", NAME)["collaborations"][0]["runs"]
    scene.same("runs on record", sorted(state.split(":")[0] for _, state in runs), ["cancelled", "failed", "succeeded", "succeeded", "succeeded"])


def kept(scene):
    """A withdrawal that no platform could be told of is said to be open, and closed by the worker as soon as it sees the platform."""
    scene.agree(document(scene.folder, ["overlap", "regions"]))
    scene.apply()
    arn = scene.template("overlap")
    scene.same("asked by hand", scene.ask({"analysisTemplateArn": arn}), "SUCCESS")
    quiet = scene.gateway.call("sync", "--once")["passes"]
    scene.same("nothing to take away", [(p["collaboration"], p["steps"], p["problems"]) for p in quiet], [(NAME, 0, [])])
    blind = lambda m, p, h, b: expired_sts() if b"GetCallerIdentity" in b and of(h, "shop") else None  # noqa: E731
    with stage.Between(scene.stage.endpoint, blind) as between:
        gateway = airlock.Airlock(scene.binary, scene.home, scene.stage.environment(endpoint=between.endpoint))
        code, error = gateway.refused("revoke", NAME, "--dataset", "customers", "--as", "shop")
        scene.same("withdrawn, and not seen", (code, error["code"], [p["code"] for p in error["problems"]]), (1, "room-not-closed", ["room-unseen"]))
        code, error = gateway.refused("sync", "--once")
        scene.same("the worker doesn't see it either", (code, [p["code"] for p in error["problems"]]), (1, ["credentials-refused"]))
    passes = scene.gateway.call("sync", "--once")["passes"]
    scene.same("taken away", ([p["problems"] for p in passes], passes[0]["steps"] > 0, passes[0]["rooms"][0]["open"]), ([[]], True, []))
    scene.same("asked by hand after it", scene.ask({"analysisTemplateArn": arn}) == "SUCCESS", False)
    scene.same("nothing is left", scene.gateway.call("sync", "--once")["passes"][0]["steps"], 0)
    woken(scene)


def woken(scene):
    """A worker that looks once an hour closes what another process withdrew within seconds."""
    worker = subprocess.Popen([scene.binary, "--home", str(scene.home), "--json", "sync", "--every", "3600"], stdout=subprocess.PIPE, text=True,
                              env=os.environ | scene.stage.environment())
    try:
        time.sleep(3)
        nowhere = airlock.Airlock(scene.binary, scene.home, scene.stage.environment(endpoint="http://127.0.0.1:9"))
        code, error = nowhere.refused("revoke", NAME, "--room", "--as", "media")
        scene.same("withdrawn where nothing answers", (code, error["code"]), (1, "room-not-closed"))
        said = json.loads(worker.stdout.readline())["pass"]
        scene.same("closed by the worker", (said["collaboration"], said["steps"] > 0, said["problems"]), (NAME, True, []))
    finally:
        worker.send_signal(signal.SIGINT)
        scene.same("the worker's end", worker.wait(timeout=20), 0)
