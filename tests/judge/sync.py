#!/usr/bin/env python3
"""Several `airlock sync` as real processes on one PostgreSQL and one stage, and what befalls them: killed, stopped, cut off, put back.

    sync.py [--airlock PATH] [--only NAME] [--lanes N] [--long] [--keep DIR] [--allow-not-run]

A worker that stands still does so for over two leases, which is when others have taken all of its work over; with --long for ten.
Each scenario says what has to hold and what was seen. Judged by exported logs, by the calls that came to the stage and by what the
other account sees there; the workers' own words are only asked for what they have to say.
"""

import concurrent.futures
import contextlib
import hmac
import json
import os
import secrets
import socket
import statistics
import subprocess
import sys
import threading
import time
import traceback
import urllib.error
import urllib.request

sys.dont_write_bytecode = True

import boto3  # noqa: E402

import airlock  # noqa: E402
import command  # noqa: E402
import checker  # noqa: E402
import gateways  # noqa: E402
import outages  # noqa: E402
import partner  # noqa: E402
import scene as scenery  # noqa: E402
from checker import HANGS_S, figure, played  # noqa: E402

# A lease is over after so long; free ones are asked for this often; a log that changed hands is read and looked at within this.
LEASE_S, BEAT_S, LOOK_S = 15, 5, 8
# The most until another worker has a lease that nobody renews, and from there until its first call, on a machine where processes stand still for seconds.
LEASED_S_MAX, BEGUN_S_MAX = LEASE_S + BEAT_S + 10, LOOK_S + 15
# What is to be closed is looked at every 30 s at last, a fifth less or more as chance has it.
CLOSING_S_MAX = 36 + LOOK_S + 10
# A call that hears nothing is given up by its sender after 20 s: what was held for longer than this when the sender is stopped may be followed by another.
HELD_S_MAX = 15
ROOM = gateways.ROOM


def gives(check, name, what="PATCH"):
    """Fits a call that allows every template in a collaboration's rule, or any that makes something there."""
    def fits(method, path, body):
        allowed = set(checker.ARN.findall(body.decode("utf-8", "replace"))) if what == "PATCH" and path.endswith("/CUSTOM") else ()
        if what == "PATCH" and len(allowed) < len(check.world.templates):
            return False
        return method == what and gateways.writes(method, path) and check.name_of(path, body) == name
    return fits


def held(faults):
    """The first call that met one of these faults, each of which is at a gateway's gate: the gateway and the fault. It alone stays."""
    found = gateways.until(lambda: next((g for g, fault in faults.items() if fault.met.is_set()), None), HANGS_S, 0.02)
    for gateway, fault in faults.items():
        if gateway is not found:
            fault.times = 0
    if not found:
        raise AssertionError("no call came that was to be held")
    return found, faults[found]


def shared(arguments, folder):
    """Three workers share twenty collaborations: all come to hold what is agreed, each step once; an unchanged world is left alone."""
    names = [f"room-{n}" for n in range(20)]
    with played(arguments, folder, names) as (world, check):
        world.begin()
        took = check.opened(names, HANGS_S)
        holders = {}

        def share():
            holders.update({name: world.holder(name) for name in names})
            return None not in holders.values() and len({h.name for h in holders.values()}) == 3

        check.holds("each collaboration has a worker, and three take part", gateways.until(share, HANGS_S, 1), {n: h and h.name for n, h in holders.items()})
        logs = {name: check.judge(name) for name in names}
        for name in names:
            counts = lambda: (len(check.writes(name)), sum("ended" in n for n in check.writes(name)), len(check.log(name).of("effect-intended")))  # noqa: B023, E731
            check.holds(f"{name}: as many calls, all answered, as intents", gateways.until(lambda: len(set(counts())) == 1, HANGS_S, 1), counts())  # noqa: B023
            made = check.writes(name)
            check.same(f"{name}: calls that were not done", [(n["path"], n["status"]) for n in made if (n["status"] or 599) >= 300], [])
            calls = [checker.called(n) for n in made]
            check.same(f"{name}: calls made twice", [c for c in calls if calls.count(c) > 1], [])
        check.doubled()
        # What is written after the last call is written by the look that follows it; three more see nothing new.
        last = {name: max(n["ended"] for n in check.writes(name)) for name in names}
        few = lambda: [name for name in names if looks_at(check, name, last[name]) < 4]  # noqa: E731
        gateways.until(lambda: not few(), HANGS_S, 1)
        check.same("not looked at thrice", few(), [])
        check.same("calls that write, in an unchanged world", [n["path"] for n in check.writes(since=max(last.values()) + 0.1)], [])
        calmed(check, names, 3)
        calm = time.time() - max(last.values())
        return check, f"all open {figure(took)} after all was agreed, {len(check.writes())} calls for {sum(len(log.of('effect-intended')) for log in logs.values())} intents; nothing in {calm:.0f} s of three looks at each"


def looks_at(check, name, since=0.0, until=float("inf")):
    """Looks of any gateway at a collaboration."""
    ids = {one for one, of in check.ids().items() if of == name}
    return sum(since <= at <= until for gateway in check.world.gateways for at, one in list(gateway.gate.looked) if one in ids)


def calmed(check, names, looks):
    """Waits until each collaboration was looked at so many times since the last leaf of its log, which nothing is written into meanwhile."""
    since = lambda name: looks_at(check, name, check.log(name).leaves[-1]["at_ms"] / 1000)  # noqa: E731
    for name in names:
        check.holds(f"{name}: {looks} looks without a leaf", gateways.until(lambda: since(name) >= looks, HANGS_S, 1), since(name))  # noqa: B023


def killed(arguments, folder):
    """The worker that has a collaboration is killed while it gives, twice: its work moves within a lease and a look, nothing is doubled."""
    names = gateways.names_of_shard("killed", 2) + ["other-1", "other-2", "other-3", "other-4"]
    target = names[0]
    with played(arguments, folder, names) as (world, check), concurrent.futures.ThreadPoolExecutor(1) as several:
        said, dead, interrupted = [], [], 0
        world.start()
        world.shared_out()
        world.agree(names[1:])
        befall = [(act, {g: g.gate.add(gives(check, target, what), act) for g in world.gateways}) for act, what in (("hold", "POST"), ("lose", "PATCH"))]
        agreeing = several.submit(world.agree, [target])
        for act, faults in befall:
            first, fault = held(faults)
            begun = time.time()
            first.worker.kill()
            dead.append(first)
            interrupted += 1
            if act == "hold":  # it lands after its sender is dead, and before anybody else has the lease
                threading.Timer(4, fault.released.set).start()
            else:
                fault.released.set()
            rest = [g for g in world.gateways if g not in dead]
            leased = gateways.until(lambda: world.holder(target) in rest, HANGS_S, 0.1) and time.time() - begun  # noqa: B023
            took = gateways.until(lambda: next((n["at"] for n in check.writes(target, begun) if n["by"] in {g.name for g in rest}), None), HANGS_S)  # noqa: B023
            moved = took and took - begun
            if check.holds(f"{act}: nobody takes over", leased and moved, (leased, moved)):
                check.holds(f"{act}: another has its lease within {LEASED_S_MAX} s", leased <= LEASED_S_MAX, leased)
                check.holds(f"{act}: its first call within {BEGUN_S_MAX} s of that", moved - leased <= BEGUN_S_MAX, (leased, moved))
            said.append(f"{figure(moved)} (its lease after {figure(leased or None)})")
        agreeing.result()
        took = check.opened(names, HANGS_S)
        for name in names:
            check.judge(name, open_max=interrupted)
        left = check.log(target).open(checker.GIVE)
        check.holds("only what was interrupted waits for its end", len(left) <= interrupted, left)
        check.doubled()
        return check, f"moved after {' and '.join(said)}, all open {figure(took)} later; {len(left)} interrupted steps wait for their end"


KINDS = (("dataset", "customers", "shop"), ("template", "overlap", "media"), ("approval", "regions", "shop"), ("column", "customers.region", "shop"),
         ("membership", None, "shop"), ("room", None, "shop"))
LEAVES = {"dataset": set(), "template": {"regions"}, "approval": {"overlap"}, "column": {"overlap"}, "membership": set(), "room": set()}


def withdrawn(arguments, folder):
    """A withdrawal of each kind with --wait: closed as the other account sees it before the evidence says so; status and plan say settled."""
    names = {kind: f"of-{kind}" for kind, _, _ in KINDS}
    with played(arguments, folder, names.values()) as (world, check):
        world.begin()
        check.opened(names.values(), HANGS_S)

        def withdraw(number, kind, what, member):
            name, closes, gateway = names[kind], set(world.templates) - LEAVES[kind], world.gateways[number % 3]
            watch = checker.Watch(check, name, lambda: check.usable(name) & closes)
            words = ["revoke", name, f"--{kind}", *([what] if what else []), "--as", member, "--wait", "--within", "2"]
            code, said = gateway.lines(*words, timeout=150)
            time.sleep(1.0)
            watch.end()
            return number, kind, code, said, watch

        with concurrent.futures.ThreadPoolExecutor(2) as several:
            ended = [done.result() for done in [several.submit(withdraw, n, *kind) for n, kind in enumerate(KINDS)]]
        took, seen = [], []
        for _, kind, code, said, watch in ended:
            name = names[kind]
            check.same(f"{kind}: exit code, {json.dumps(said[-1:])[:300]}", code, 0)
            log = check.judge(name)
            found = log.of("revoked")
            if not check.same(f"{kind}: withdrawals", len(found), 1):
                continue
            index, at, _ = found[0]
            confirmed = log.confirmed(index)
            if not check.holds(f"{kind}: no leaf says that it was seen closed", confirmed is not None):
                continue
            check.same(f"{kind}: seen open after the evidence", watch.open_after(confirmed), [])
            check.holds(f"{kind}: was never seen open", any(was for _, was in watch.looks))
            check.holds(f"{kind}: seen closed by the other account", watch.closed_at() is not None)
            told = next((room for one in said[-1]["evidence"] if one["revocation"] == index for room in one["rooms"]), None) if "evidence" in said[-1] else None
            check.holds(f"{kind}: the evidence it printed", bool(told) and told["confirmed"] is not None, told)
            took.append((confirmed - at) / 1000)
            seen.append((watch.closed_at() or 0) - at / 1000)
            left = gateways.until(lambda: check.usable(name) == LEAVES[kind], HANGS_S)  # noqa: B023
            check.holds(f"{kind}: what goes on", left, check.usable(name))
            standing = lambda: world.gateways[0].call("status", name)["collaborations"][0]  # noqa: B023, E731
            settled = lambda: not standing()["closing"] and {c["kind"] for r in standing()["rooms"] for c in r["conditions"]} == {"settled"}  # noqa: E731
            check.holds(f"{kind}: status says settled", gateways.until(settled, HANGS_S, 0.5), standing()["rooms"][0]["conditions"])
            plan = world.gateways[1].call("plan", name, "--room", ROOM)["plan"]
            check.same(f"{kind}: plan", (plan["steps"], plan["pending"]), ([], False))
        if not took:
            return check, "none was confirmed"
        return check, f"{len(took)} kinds: from leaf to seen closed p50 {statistics.median(took):.1f} s, max {max(took):.1f} s; closed for the other account p50 {statistics.median(seen):.1f} s, max {max(seen):.1f} s"


def ended(check, name, steps, waiting, watch, awake):
    """What came of a withdrawal once the calls that gave it landed and their sender went on. Where that was too late to hear the answer of one, nobody knows its end, and
    nothing is confirmed for a quarter of an hour; it is closed all the same."""
    def outcomes():
        last = {body["step"]: body["outcome"] for _, _, body in check.log(name).of("effect-outcome") if body["step"] in steps}
        return set(last) == steps and set(last.values())

    unknown = "unknown" in (found := gateways.until(outcomes, HANGS_S, 0.5) or ())
    check.holds(f"{name}: an end of what was interrupted, or that nobody knows it", found)
    if unknown:
        time.sleep(max(0.0, awake + CLOSING_S_MAX + 5 - time.time()))  # whatever opens it again is seen
        waiting.kill()
        waiting.wait()
    else:
        check.same(f"{name}: exit code of revoke --wait", waiting.wait(timeout=400), 0)
        time.sleep(2)
    watch.end()
    log = check.judge(name, open_max=len(steps))
    confirmed, closed = log.confirmed(log.of("revoked")[0][0]), watch.closed_at()
    check.holds(f"{name}: seen closed", closed is not None)
    if unknown:
        check.same(f"{name}: confirmed while nobody knows the end of a call that gives", confirmed, None)
        check.same(f"{name}: open for longer than {CLOSING_S_MAX} s", watch.open_after((awake + CLOSING_S_MAX) * 1000), [])
        return f"{name} closed again within {max(0.0, (closed or 0) - awake):.1f} s, its call's end unknown"
    if check.holds(f"{name}: not seen closed", confirmed is not None):
        check.same(f"{name}: open after the evidence", watch.open_after(confirmed), [])
    return f"{name} confirmed within {figure(confirmed and confirmed / 1000 - awake)}"


def stopped(arguments, folder):
    """The worker that has three collaborations stands still in the middle of giving, for more than two leases (ten with --long); another takes over and two things are withdrawn. When it goes on, its appends are fenced."""
    folder.mkdir()
    for number in range(3):
        names = gateways.names_of_shard(f"stopped-{number}", 3)
        with played(arguments, folder / str(number), names) as (world, check):
            if stands := caught(world, check, names):
                return stood_still(arguments, world, check, names, *stands)
    raise AssertionError("three times a call was held for so long that its sender may have sent another")


def caught(world, check, names):
    """Stops the worker that has all three in the middle of giving in each: its gateway, the faults that hold its calls and when. Nothing where one was held for so
    long that its sender may have given it up."""
    closing, approval, going_on = names
    world.start()
    world.shared_out()
    faults = {g: [g.gate.add(gives(check, name, what), "hold") for name, what in ((closing, "PATCH"), (approval, "PATCH"), (going_on, "POST"))] for g in world.gateways}
    world.agree()
    met = lambda: next((g for g, all_of in faults.items() if all(f.met.is_set() for f in all_of)), None)  # noqa: E731
    late = lambda: max(f.age() for all_of in faults.values() for f in all_of) > HELD_S_MAX  # noqa: E731
    gateways.until(lambda: met() or late(), HANGS_S, 0.02)
    if not (first := met()) and late():
        return None
    if not first:
        raise AssertionError(f"nobody gives in all three: {[[f.met.is_set() for f in all_of] for all_of in faults.values()]}")
    first.worker.pause()
    begun = time.time()
    if max(fault.age() for fault in faults[first]) > HELD_S_MAX:
        return None
    for gateway in world.gateways:
        if gateway is not first:
            gateway.gate.clear()
    return first, faults[first], begun


def stood_still(arguments, world, check, names, first, faults, begun):
    """What comes of it."""
    closing, approval, going_on = names
    inside = {name: set(check.log(name).open(checker.GIVE)) for name in names}
    check.same("calls that give, under way when it was stopped", {name: len(steps) for name, steps in inside.items()}, dict.fromkeys(names, 1))
    second = gateways.until(lambda: (h := world.holder(closing)) is not first and h, HANGS_S)
    moved = time.time() - begun
    if not check.holds(f"another takes over within {LEASED_S_MAX} s", bool(second) and moved <= LEASED_S_MAX, moved) and not second:
        return check, ""
    took = check.opened(names, HANGS_S)
    watches = [checker.Watch(check, closing, lambda: check.usable(closing)), checker.Watch(check, approval, lambda: check.usable(approval) & {"regions"})]
    waits = [subprocess.Popen([second.airlock.binary, "--home", str(second.home), "--json", "revoke", name, *words, "--as", "shop", "--wait", "--within", "5" if arguments.long else "3"],
                              env=second.airlock.environment, stdout=subprocess.PIPE, text=True) for name, words in ((closing, ["--dataset", "customers"]), (approval, ["--approval", "regions"]))]
    closed = gateways.until(lambda: not check.usable(closing) and "regions" not in check.usable(approval), CLOSING_S_MAX)
    check.holds("closed while the first stands still", closed, (check.usable(closing), check.usable(approval)))
    still = LEASE_S * (10 if arguments.long else 2) + 10
    gateways.until(lambda: time.time() - begun > still, still)
    early = {name: check.log(name) for name in (closing, approval)}
    for name, log in early.items():
        check.same(f"{name}: said to be closed while a call that gives may still come", log.of("revocation-confirmed"), [])
        settled = inside[name] - set(log.open(checker.GIVE))
        check.same(f"{name}: said to have ended while its sender stands still", sorted(settled), [])
    fixed = {name: check.log(name).size for name in names}
    for fault in faults:
        fault.released.set()
    # The calls land: what was withdrawn is open again.
    landed = lambda: len([n for n in list(world.notes) if n["by"] == first.name and n["at"] > begun and n["status"]]) >= 3  # noqa: E731
    check.holds("what was held lands", gateways.until(landed, HANGS_S, 0.05))
    time.sleep(0.5)
    first.worker.go_on()
    awake, said = time.time(), []
    for name, waiting, watch in zip((closing, approval), waits, watches, strict=True):
        said.append(ended(check, name, inside[name], waiting, watch, awake))
    check.judge(going_on, open_max=len(inside[going_on]))
    usable = lambda: (check.usable(closing), check.usable(approval), check.usable(going_on))  # noqa: E731
    check.holds("open at the end", gateways.until(lambda: usable() == (set(), {"overlap"}, {"overlap", "regions"}), HANGS_S, 1), usable())
    token = world.database.leases().get(gateways.shard(closing))
    mine = token and token[0] == first.known_as()
    given = [(n["method"], n["path"], n["body"]) for n in check.gave(since=awake) if n["by"] == first.name and not mine]
    check.same("calls that give by the one that had lost its lease", given, [])
    # Its turns end: where the fence is not what stops them, the leaves of the other do, which it read first.
    turns = lambda: {one["pass"]["collaboration"] for at, one in list(first.worker.said) if at >= awake and "pass" in one}  # noqa: E731
    check.holds("its turns come to an end", gateways.until(lambda: turns() == set(names), HANGS_S), turns())
    stopped_by = "its fence" if "lease-lost" in first.worker.problems(since=awake) else "what others wrote"
    others = lambda: [n for n in check.gave(since=awake) if n["by"] != first.name or mine]  # noqa: E731
    intents = lambda: [body for name in names for _, at, body in check.log(name).of("effect-intended") if at >= awake * 1000 and body["effect"] in checker.GIVE]  # noqa: E731
    check.holds("nothing is intended that nobody else did", gateways.until(lambda: len(intents()) <= len(others()), checker.ENDS_S, 1), intents())
    twice = check.twice()
    plan = lambda: world.gateways[1].lines("plan", going_on, "--room", ROOM)  # noqa: E731
    nothing = lambda found: found[0] == 0 and not found[1][-1]["plan"]["steps"]  # noqa: E731
    check.holds("what came late and stands twice keeps nothing from going on", gateways.until(lambda: nothing(plan()), HANGS_S, 1), (twice, plan()))
    watch = checker.Watch(check, going_on, lambda: check.usable(going_on))
    code, told = second.lines("revoke", going_on, "--dataset", "seen", "--as", "media", "--wait", "--within", "2", timeout=150)
    check.same(f"withdrawn what stands twice, {json.dumps(told[-1:])[:600]}", code, 0)
    check.same("open after what stands twice was withdrawn", check.usable(going_on), set())
    if confirmed_at := check.log(going_on).confirmed(check.log(going_on).of("revoked")[0][0]):
        check.same("what stands twice: open after the evidence", watch.end().open_after(confirmed_at), [])
    check.doubled()
    return check, f"taken over after {moved:.1f} s, all given {figure(took)} later; withdrawn and closed meanwhile, not confirmed before; after it went on {', '.join(said)}, and it was kept from giving by {stopped_by}; logs then {fixed}"


def owner(arguments, folder):
    """A partner acts in its console: what it took away is recorded as withdrawn and not made again until it offers it; what it widened is taken back within one look."""
    association, arn, left, wider = names = ["association", "arn", "left", "wider"]
    with played(arguments, folder, names) as (world, check):
        world.begin()
        check.opened(names, HANGS_S)
        partners = {name: partner.Partner(world, check, name) for name in names}
        allowed = partners[arn].analyses()
        acted = time.time()
        widened = partners[wider].widen() or time.time()
        partners[association].drop_association()
        dropped = partners[arn].drop_analysis("regions")
        partners[left].leave()
        check.same("the edit shows itself", check.usable(arn), {"overlap"})
        back = gateways.until(lambda: not partners[wider].is_wider(), CLOSING_S_MAX, 0.1)
        narrowed = next((n["at"] for n in check.writes(wider, widened) if n["method"] != "GET"), None)
        check.holds("wider: taken away", back)
        if check.holds("wider: by a gateway", narrowed is not None):
            # One more may have been under way when it was widened, its rule read before.
            check.holds("wider: within one look", looks_at(check, wider, widened, narrowed) <= 2, looks_at(check, wider, widened, narrowed))
        check.holds("wider: a leaf tells it", gateways.until(lambda: check.log(wider).of("drift-found"), HANGS_S, 1), [])
        whats = {association: {"kind": "dataset", "dataset": "customers"}, arn: {"kind": "approval", "of": "shop", "template": "regions"}, left: {"kind": "member", "member": "shop"}}
        found, waited = {}, {}
        for name, what in whats.items():
            leaf = gateways.until(lambda: check.log(name).of("found-withdrawn"), HANGS_S, 1)  # noqa: B023
            if not check.holds(f"{name}: recorded as found withdrawn", bool(leaf), leaf):
                continue
            found[name], waited[name] = leaf[0][0], leaf[0][1] / 1000 - acted
            check.same(f"{name}: what", {k: v for k, v in leaf[0][2]["what"].items() if k != "digest"}, what)
        for name, index in found.items():
            check.holds(f"{name}: seen closed", gateways.until(lambda: check.log(name).confirmed(index), HANGS_S, 1) is not None)  # noqa: B023
        time.sleep(8)  # workers look again
        check.same("left to use", {n: check.usable(n) for n in whats}, {association: set(), arn: {"overlap"}, left: set()})
        # A cap that is missing may be made again as long as nobody knows that the table is gone: it takes away.
        made = [n["path"] for n in check.writes(association, acted) if n["method"] == "POST" and not n["path"].endswith("/privacybudgettemplates")]
        check.same("made again: association", made, [])
        check.same("made again: arn", [n["path"] for n in check.writes(arn, acted) if dropped in n["body"] and n["account"] == scenery.ACCOUNTS["shop"]], [])
        check.same("made again: left", [n["path"] for n in check.writes(left, acted) if n["method"] == "POST"], [])
        for name in names:
            check.judge(name)
        gateway = world.gateways[0]
        gateway.call("reoffer", association, "--dataset", "customers", "--as", "shop")
        gateway.call("approve", arn, "regions", "--as", "shop")
        took = check.opened([association, arn], HANGS_S)
        check.same("allowed again", len(partners[arn].analyses()), len(allowed))
        gateways.until(lambda: False, 3)
        for name in (association, arn):
            check.judge(name)
        check.doubled()
        return check, (f"wider taken back after {figure(narrowed and narrowed - widened)}; found withdrawn after {', '.join(f'{n} {s:.0f} s' for n, s in waited.items())}; "
                       f"offered again, and open {figure(took)} later")


def restored(arguments, folder):
    """An older dump of the database is put back: nothing is granted on it, denying goes on, and it is said; what is not older goes on."""
    withdrawn_since, changed_since, same = names = ["withdrawn-since", "changed-since", "same"]
    with played(arguments, folder, names) as (world, check):
        world.begin()
        check.opened(names, HANGS_S)
        calmed(check, names, 2)  # nothing of what is there is written after the dump
        world.database.dump(folder / "older.sql")
        code, said = world.gateways[0].lines("revoke", withdrawn_since, "--dataset", "customers", "--as", "shop", "--wait", "--within", "2", timeout=150)
        check.same("withdrawn", code, 0)
        world.gateways[1].approve_again(changed_since)
        check.opened([changed_since], HANGS_S)
        for gateway in world.gateways:  # every one has seen how far the logs went
            gateway.call("status")
        watch = checker.Watch(check, withdrawn_since, lambda: check.usable(withdrawn_since))
        world.database.restore(folder / "older.sql")
        put_back = time.time()
        closed = gateways.until(lambda: not check.usable(changed_since), CLOSING_S_MAX)
        took = time.time() - put_back
        check.holds("what may lack withdrawals is closed", closed, check.usable(changed_since))
        gateways.until(lambda: time.time() - put_back > 20, 30)
        for gateway in world.gateways:
            told = {one["collaboration"]: (one.get("doubt") or {}).get("code") for one in gateway.call("status")["collaborations"]}
            check.same(f"{gateway.name}: said of each", told, {withdrawn_since: "log-rolled-back", changed_since: "log-rolled-back", same: None})
        said = lambda: {code for gateway in world.gateways for code in gateway.worker.problems(since=put_back)}  # noqa: E731
        check.holds("workers say it", gateways.until(lambda: "log-rolled-back" in said(), HANGS_S), sorted(said()))
        for name in (withdrawn_since, changed_since):
            code, error = world.gateways[0].refused("apply", name, "--room", ROOM)
            check.same(f"{name}: asked to give", error["code"], "log-rolled-back")
            given = [(n["by"], n["method"], n["path"]) for n in check.writes(name, put_back) if n["method"] == "POST" or '"allowedAnalyses":["arn' in n["body"]]
            check.same(f"{name}: calls that give", given, [])
        size = check.log(same).size
        code, said = world.gateways[1].lines("revoke", changed_since, "--membership", "--as", "shop")
        check.same(f"denied on the older log, {json.dumps(said[-1:])[:300]}", (code, said[-1].get("durable")), (0, False))
        code, said = world.gateways[2].lines("revoke", same, "--approval", "regions", "--as", "shop", "--wait", "--within", "2", timeout=150)
        check.same(f"withdrawn in what is not older, {json.dumps(said[-1:])[:300]}", (code, said[-1].get("durable")), (0, True))
        check.same("open at the end", {n: check.usable(n) for n in names}, {withdrawn_since: set(), changed_since: set(), same: {"overlap"}})
        check.same("open again after the restore", watch.end().open_after(put_back * 1000), [])
        check.judge(same, recorded=False)
        return check, f"closed what may lack withdrawals after {took:.1f} s; nothing given in {time.time() - put_back:.0f} s; the other log, {size} leaves, goes on"


def clock(arguments, folder):
    """Lease rows are moved by an hour either way: work goes on or moves within the lease's time, and nothing stale is appended."""
    names = [f"clock-{n}" for n in range(6)]
    with played(arguments, folder, names) as (world, check):
        world.begin()
        check.opened(names, HANGS_S)
        said = []
        for number, (word, by) in enumerate((("ahead", 3_600_000), ("behind", -3_600_000))):
            held_before = world.database.leases()
            world.database.sql(f"UPDATE airlock.lease SET until_ms = until_ms + {by} WHERE resource LIKE 'sync/%'")
            moved = time.time()
            for step, name in enumerate(names[2 * number:2 * number + 2]):
                world.gateways[step].approve_again(name)
            check.opened(names[2 * number:2 * number + 2], LEASED_S_MAX + BEGUN_S_MAX)
            took = time.time() - moved
            kept = gateways.until(lambda: len(world.database.leases()) == gateways.SHARDS, LEASED_S_MAX)
            check.holds(f"{word}: every part has a worker", kept, world.database.leases())
            now = world.database.leases()
            fallen = [s for s, (_, token) in held_before.items() if now.get(s, (None, token))[1] < token]
            check.same(f"{word}: tokens that fell", fallen, [])
            said.append(f"{word}: withdrawn and given again within {took:.1f} s, {sum(now.get(s) != h for s, h in held_before.items())} of {len(held_before)} leases moved")
        for name in names:
            check.judge(name, open_max=1)
        check.doubled()
        for gateway in world.gateways:
            check.same(f"the worker of {gateway.name} runs", gateway.worker.process.poll(), None)
        return check, "; ".join(said)


def listens(port):
    """Whether somebody does, at a port of this machine."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False


def told(arguments, folder):
    """Looks ten minutes apart: an edit by hand is seen within seconds where an event lies in the gateway's queue, or its webhook is called; forged, unread or too much, a word does nothing else."""
    moto = os.environ.get("AIRLOCK_MOTO")
    if not moto:
        raise airlock.NotRun("no queues: localstack/harness up moto")
    queues = boto3.client("sqs", region_name="eu-central-1", endpoint_url=moto, aws_access_key_id="test", aws_secret_access_key="test")
    url, secret, mark = queues.create_queue(QueueName=f"told-{secrets.token_hex(6)}")["QueueUrl"], secrets.token_hex(32), f"mark-{secrets.token_hex(6)}"
    port = 0
    event = {"version": "0", "detail-type": "AWS API Call via CloudTrail", "source": "aws.cleanrooms", "account": scenery.ACCOUNTS["shop"], "resources": [],
             "detail": {"eventSource": "cleanrooms.amazonaws.com", "eventName": "UpdateConfiguredTableAnalysisRule", "readOnly": False, "recipientAccountId": scenery.ACCOUNTS["shop"]}}

    def call(body, key=secret, at=None):
        at = int(time.time()) if at is None else at
        signature = hmac.new(key.encode(), f"{at}.".encode() + body, "sha256").hexdigest()
        request = urllib.request.Request(f"http://127.0.0.1:{port}/wake", data=body, headers={"Airlock-Signature": f"t={at},v1={signature}"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, None
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())["code"]

    def too_much(tries=3):
        """What is answered to a body that nobody reads to its end: the connection may be closed while it is sent."""
        with socket.create_connection(("127.0.0.1", port), timeout=60) as stream:
            body = b"x" * 70_000
            with contextlib.suppress(ConnectionError):
                stream.sendall(f"POST /wake HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {len(body)}\r\nAirlock-Signature: t={int(time.time())},v1={'0' * 64}\r\nConnection: close\r\n\r\n".encode() + body)
            whole = b""
            with contextlib.suppress(ConnectionError):
                while more := stream.recv(65536):
                    whole += more
        head, _, answered = whole.partition(b"\r\n\r\n")
        if not answered and tries > 1:
            return too_much(tries - 1)
        return int(head.split(b" ")[1]), json.loads(answered[answered.index(b"{"):answered.rindex(b"}") + 1])["code"]

    by_queue, by_call = names = ["by-queue", "by-call"]
    with played(arguments, folder, names) as (world, check):
        world.agree()
        gateway = world.gateways[0]
        gateway.airlock.environment |= {"AWS_ENDPOINT_URL_SQS": moto, "AIRLOCK_WEBHOOK_SECRET": secret}
        settings = gateway.home / "gateway.toml"
        queues_said = "".join(f'[[triggers.sqs]]\nqueue_url = "{one}"\nregion = "eu-central-1"\nprofile = "shop"\n' for one in (url, url + "-that-is-not-there"))
        said = f'{settings.read_text(encoding="utf-8")}{queues_said}[egress]\nloopback = true\n'
        for _ in range(3):  # somebody else may take the port before the worker does
            port = gateways.free_port()
            settings.write_text(f'{said}[triggers.webhook]\nlisten = "127.0.0.1:{port}"\nsecret_env = "AIRLOCK_WEBHOOK_SECRET"\n', encoding="utf-8")
            gateway.start(every=600)
            if gateways.until(lambda: gateway.worker.process.poll() is not None or listens(port), HANGS_S) and gateway.worker.process.poll() is None:  # noqa: B023
                break
        check.opened(names, HANGS_S)
        calm = lambda: not any(looks_at(check, name, time.time() - 15) for name in names)  # noqa: E731
        check.holds("nobody looks without a reason", gateways.until(calm, 150, 1))

        def seen(name, word, *before):
            """Until an edit is taken back that nobody tells of for a while, though something else is told; how long after it was."""
            edited = partner.Partner(world, check, name)
            edited.widen()
            for one in before:
                one()
            time.sleep(12)
            check.holds(f"{name}: seen before it was told", edited.is_wider())
            since = time.time()
            word()
            back = gateways.until(lambda: not edited.is_wider(), 60, 0.1)
            took = time.time() - since
            check.holds(f"{name}: taken back within 20 s", back and took <= 20, took)
            check.holds(f"{name}: a leaf tells it", gateways.until(lambda: check.log(name).of("drift-found"), HANGS_S, 1))
            return took

        sent = lambda body: queues.send_message(QueueUrl=url, MessageBody=body)  # noqa: E731
        nonsense = [lambda body=body: sent(body) for body in (mark, json.dumps({"collaboration": mark.upper()}), json.dumps(event | {"source": mark, "detail": {}}), "[" * 100_000)]
        queued = seen(by_queue, lambda: sent(json.dumps(event)), *nonsense)
        check.holds("settled again", gateways.until(calm, 150, 1))
        body = json.dumps({"collaboration": by_call, "room": ROOM}).encode()
        answers = []
        called = seen(by_call, lambda: answers.append(call(body)), *[lambda how=how: answers.append(call(body, **how)) for how in ({"key": "0" * 64}, {"at": int(time.time()) - 400})],
                      lambda: answers.append(call(json.dumps({"collaboration": "nobody"}).encode())), lambda: answers.append(call(mark.encode())), lambda: answers.append(too_much()))
        check.same("answers", answers, [(401, "signature-invalid"), (401, "signature-invalid"), (202, None), (400, "trigger-invalid"), (413, "body-too-large"), (202, None)])
        check.holds("settled again", gateways.until(calm, 150, 1))
        flood = time.time()
        for _ in range(30):
            queues.send_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": json.dumps(event)} for n in range(10)])
            call(body)
        gateways.until(lambda: False, max(0, flood + 25 - time.time()))
        took, looks = time.time() - flood, {name: looks_at(check, name, flood) for name in names}
        check.holds("three hundred words make a look every ten seconds", all(1 <= many <= took / 10 + 2 for many in looks.values()), looks)

        def left():
            found = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            return int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"])
        check.holds("all that lay in the queue is deleted", gateways.until(lambda: left() == 0, HANGS_S, 1) is True, left())
        check.same("the worker runs", gateway.worker.process.poll(), None)
        said = (gateway.home / "sync.stderr").read_text(encoding="utf-8")
        check.holds("it says that it was told nonsense, and not what", "trigger-invalid" in said and mark not in said.lower(), said[-600:])
        check.same("it says once that a queue is not there", said.count("queue-not-found"), 1)
        for name in names:
            check.judge(name)
        check.doubled()
        return check, f"seen {queued:.1f} s after an event was in the queue, {called:.1f} s after the webhook was called, not within 12 s without; {looks} looks in a flood of {took:.0f} s"


SCENARIOS = (shared, outages.forgotten, killed, stopped, outages.platform, outages.database, owner, restored, clock, told, withdrawn, outages.full)  # the longest early, since several are played at a time


def act(one, arguments, folder):
    """A scenario: how long it took, what was wrong, what was seen; NotRun goes through."""
    begun, wrong, said = time.monotonic(), [], ""
    try:
        check, said = one(arguments, folder / one.__name__)
        wrong = check.wrong
    except airlock.NotRun:
        raise
    except Exception as error:  # noqa: BLE001  whatever it is, the other scenarios are played
        wrong = [f"{type(error).__name__} {error}", traceback.format_exc(limit=-2)]
    return time.monotonic() - begun, wrong, said


def play(arguments, folder):
    """Every scenario, the first alone and the others several at a time; 0 when nothing was wrong."""
    chosen = [one for one in SCENARIOS if arguments.only in (None, one.__name__)]
    arguments.stage, failed, count = gateways.as_new(folder), [], 0
    with concurrent.futures.ThreadPoolExecutor(arguments.lanes) as lanes:
        for together in (chosen[:1], chosen[1:]):
            for one, done in [(one, lanes.submit(act, one, arguments, folder)) for one in together]:
                try:
                    took, wrong, said = done.result()
                except airlock.NotRun as reason:
                    print(f"NOT RUN: {one.__name__}: {reason}", flush=True)
                    failed += [] if arguments.allow_not_run else [one.__name__]
                    continue
                count += 1
                print(f"{'WRONG' if wrong else 'holds'}: {one.__name__}, {took:.1f} s: {said or one.__doc__}", flush=True)
                for line in wrong:
                    print(f"  {line[:1200]}", flush=True)
                failed += [one.__name__] if wrong else []
    print(f"{count} scenarios, {len(failed)} wrong")
    return 1 if failed or (not count and not arguments.allow_not_run) else 0


if __name__ == "__main__":
    sys.exit(command.main("sync", __doc__, play, {
        "--only": {"choices": [one.__name__ for one in SCENARIOS]},
        "--lanes": {"type": int, "default": 3, "help": "scenarios at a time"},
        "--long": command.FLAG | {"help": "who stands still does so for ten leases, not two"},
    }))
