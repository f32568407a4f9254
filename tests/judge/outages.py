"""What befalls what gateways rest on, as scenarios of `sync.py`: their database, their disk, the platform. Must not know leases."""

import concurrent.futures
import json
import time

import checker
import gateways
from checker import HANGS_S, figure, played

# An account that does not answer is left alone for so long at most, what failed is tried again after so long, and looked at within this.
LEFT_ALONE_S, AGAIN_S, LOOK_S = 30, 30, 8


def database(arguments, folder):
    """The database loses power while workers work and something is withdrawn, then is down when the next is: in force or on record, never lost."""
    server = gateways.Server()
    try:
        names = gateways.names_of_shard("db", 4)  # one worker has several turns at once
        with played(arguments, folder, names, database=server.url) as (world, check):
            world.begin()
            check.opened(names, HANGS_S)

            def restart():
                time.sleep(0.15)
                server.restart()

            with concurrent.futures.ThreadPoolExecutor(2) as several:
                others = [several.submit(world.gateways[2].lines, "revoke", names[3], "--approval", "regions", "--as", "shop"), several.submit(restart)]
                code, said = world.gateways[0].lines("revoke", names[0], "--dataset", "customers", "--as", "shop")
            for one in others:
                one.result()
            first = said[-1].get("durable") if said else None
            back = time.time()
            check.holds("withdrawn while it restarts: on record or in force", code == 0 or "error" in said[-1] and said[-1]["error"]["code"] == "room-not-closed", (code, said[-1:]))
            log = gateways.until(lambda: (one := check.log(names[0])).of("revoked") and one, HANGS_S, 1)
            if check.holds("withdrawn while it restarts: never lost", bool(log)):
                index = log.of("revoked")[0][0]
                closed = gateways.until(lambda: check.log(names[0]).confirmed(index), HANGS_S, 1)
                check.holds("withdrawn while it restarts: closed", closed is not None and not check.usable(names[0]))
            recovered = time.time() - back
            holder = gateways.until(lambda: world.holder(names[1]), HANGS_S)
            if not check.holds("a worker after the restart", bool(holder), world.database.leases()):
                return check, ""
            server.stop()
            asked = time.time()
            code, said = holder.lines("revoke", names[1], "--dataset", "customers", "--as", "shop")
            answered = time.time() - asked
            check.same(f"withdrawn while it is down: durable, {json.dumps(said)[:400]}", (code, said[-1].get("durable", said[-1])), (0, False))
            gone = gateways.until(lambda: not check.usable(names[1]), 15)  # only told
            server.start()
            up = time.time()
            log = gateways.until(lambda: (one := check.log(names[1])).of("revoked") and one, HANGS_S, 1)
            if check.holds("withdrawn while it was down: put on record", bool(log)):
                recorded = time.time() - up
                index = log.of("revoked")[0][0]
                closed = gateways.until(lambda: check.log(names[1]).confirmed(index), HANGS_S, 1)
                check.holds("withdrawn while it was down: closed", closed is not None and not check.usable(names[1]))
                check.same("withdrawn while it was down: on record once", len(check.log(names[1]).of("revoked")), 1)
            else:
                recorded = None
            world.gateways[1].call("approve", names[3], "regions", "--as", "shop")
            again = world.gateways[0].approve_again(names[2])
            took = check.opened(names[2:], HANGS_S)
            for name in names:
                check.judge(name, open_max=4, recorded=name != names[1])
            check.doubled()
            for gateway in world.gateways:
                check.same(f"the worker of {gateway.name} runs", gateway.worker.process.poll(), None)
            return check, (f"restarted: durable {first}, closed {recovered:.1f} s later; down: answered in {answered:.1f} s, {'closed' if gone else 'open'} there while it was down, "
                           f"on record {figure(recorded)} after it was up; giving again after {figure(took and time.time() - again)}")
    finally:
        server.end()


def full(arguments, folder):
    """The disk of a gateway with a store of its own is full: a withdrawal is in force from the reserve, and closed there; nothing else can be decided; it comes on record
    once there is room, once."""
    names = ["full", "other"]
    with played(arguments, folder, names, database=False) as (world, check):
        gateway = world.gateways[0]
        world.begin()
        check.opened(names, HANGS_S)
        for name in names:
            check.judge(name)  # waits for the ends of what gives
        watch = checker.Watch(check, names[0], lambda: check.usable(names[0]))
        gateway.fill(4096)  # what is in place can be overwritten, as the reserve is
        filled = time.time()
        code, error = gateway.lines("approve", names[1], "overlap", "--as", "shop")
        check.holds("decided on a full disk", code == 1 and error[-1]["error"]["code"] == "store-full", (code, error))
        code, said = gateway.lines("revoke", names[0], "--dataset", "customers", "--as", "shop")
        check.same(f"withdrawn on a full disk, {json.dumps(said)[:600]}", (code, said[-1].get("durable", said[-1])), (0, False))
        closed = gateways.until(lambda: not check.usable(names[0]), 30)
        check.holds("withdrawn on a full disk: closed within 30 s", closed, check.usable(names[0]))
        took = time.time() - filled
        code, status = gateway.lines("status", names[0])
        check.same("told of it", (code, status[-1]["collaborations"][0]["pending"]), (0, ["dataset customers"]))
        time.sleep(5)
        gateway.fill(-1)
        room = time.time()
        log = gateways.until(lambda: (one := check.log(names[0])).of("revoked") and one, HANGS_S, 1)
        if check.holds("there is room again: on record", bool(log)):
            index, recorded, _ = log.of("revoked")[0]
            check.holds("there is room again: seen closed", gateways.until(lambda: check.log(names[0]).confirmed(index), HANGS_S, 1) is not None)
        log = check.judge(names[0], open_max=4, recorded=False)
        check.same("on record once", len(log.of("revoked")), 1)
        check.judge(names[1])
        check.same("open at the end", (check.usable(names[0]), check.usable(names[1])), (set(), {"overlap", "regions"}))
        check.same("open again after it was closed", watch.end().open_after((filled + took) * 1000), [])
        check.doubled()
        check.same("its worker runs", gateway.worker.process.poll(), None)
        return check, f"closed after {took:.1f} s, on record {figure(log and recorded / 1000 - room)} after there was room"


def closes(check, name):
    """Fits a call that takes something away in a collaboration."""
    return lambda method, path, body: method in ("PATCH", "DELETE") and gateways.writes(method, path) and check.name_of(path, body) == name


def platform(arguments, folder):
    """The platform answers 500 after it did what was asked, throttles with Retry-After, is down for 20 s: closed within 30 s of the withdrawal, and after it was down
    within what its account is left alone for, a try and a look; never said before."""
    names = ["answers-500", "throttles", "down"]
    with played(arguments, folder, names) as (world, check):
        world.begin()
        check.opened(names, HANGS_S)
        for name, act, times in ((names[0], "after", 2), (names[1], "throttle", 3)):
            for gateway in world.gateways:
                gateway.gate.add(closes(check, name), act, times)
        watches = {name: checker.Watch(check, name, lambda name=name: check.usable(name)) for name in names}

        def withdraw(number, name):
            return world.gateways[number].lines("revoke", name, "--dataset", "customers", "--as", "shop", "--wait", "--within", "3", timeout=250)

        with concurrent.futures.ThreadPoolExecutor(2) as several:
            ended = list(several.map(withdraw, (0, 1), names[:2]))
        for gateway in world.gateways:
            gateway.gate.down = True
        with concurrent.futures.ThreadPoolExecutor(1) as several:
            last = several.submit(withdraw, 2, names[2])
            time.sleep(20)
            early = check.log(names[2])
            check.same("down: on record", len(early.of("revoked")), 1)
            check.same("down: said to be closed", early.of("revocation-confirmed"), [])
            check.holds("down: open there meanwhile", check.usable(names[2]))
            for gateway in world.gateways:
                gateway.gate.down = False
            back = time.time()
            ended.append(last.result())
        time.sleep(1)
        figures = []
        for name, (code, said) in zip(names, ended, strict=True):
            check.same(f"{name}: exit code, {json.dumps(said[-1:])[:300]}", code, 0)
            watch, log = watches[name].end(), check.judge(name, open_max=6)
            index, at, _ = log.of("revoked")[0]
            confirmed, closed = log.confirmed(index), watch.closed_at()
            if not check.holds(f"{name}: not closed, or not said so", confirmed is not None and closed is not None):
                continue
            check.same(f"{name}: open after the evidence", watch.open_after(confirmed), [])
            since = max(at / 1000, back) if name == "down" else at / 1000
            most = LEFT_ALONE_S + AGAIN_S + LOOK_S if name == "down" else 30
            check.holds(f"{name}: closed within {most} s", closed - since <= most, closed - since)
            figures.append(f"{name} closed after {closed - since:.1f} s, confirmed after {confirmed / 1000 - since:.1f} s")
        check.doubled()
        return check, "; ".join(figures)


def forgotten(arguments, folder):
    """The platform itself is killed and comes up with nothing in it: what was withdrawn meanwhile is on record, and said to be closed once it was looked at; what is gone
    is found withdrawn and made by nobody until every member offers it; even then a withdrawal stays one."""
    platform = gateways.Platform()
    try:
        standing, narrowed, away = names = ["standing", "narrowed", "away"]
        with played(arguments, folder, names, stage_of=gateways.as_new(folder.parent, platform.endpoint)) as (world, check):
            world.begin()
            check.opened(names, HANGS_S)
            code, said = world.gateways[0].lines("revoke", narrowed, "--approval", "regions", "--as", "shop", "--wait", "--within", "2", timeout=150)
            check.same(f"withdrawn before, {json.dumps(said[-1:])[:300]}", code, 0)
            platform.kill()
            killed = time.time()
            code, said = world.gateways[1].lines("revoke", away, "--dataset", "customers", "--as", "shop", timeout=150)
            check.holds("withdrawn while it is away: told that nobody knows whether it is closed", code != 0, (code, said[-1:]))
            check.same("withdrawn while it is away: on record", len(check.log(away).of("revoked")), 1)
            time.sleep(3)  # some looks fail; many would let workers wait for minutes
            check.same("said to be closed while nobody answers", check.log(away).of("revocation-confirmed"), [])
            check.same("found withdrawn while nobody answers", {n: check.log(n).of("found-withdrawn") for n in names}, {n: [] for n in names})
            told = lambda: {code for gateway in world.gateways for code in gateway.worker.problems(since=killed)}  # noqa: E731
            check.holds("workers say that it does not answer", gateways.until(told, HANGS_S))
            platform.start()
            back = time.time()
            missed = {n: gateways.until(lambda: check.log(n).of("found-withdrawn"), 2 * HANGS_S, 1) for n in (standing, narrowed)}  # noqa: B023
            for name, leaves in missed.items():
                check.same(f"{name}: found withdrawn", [leaf[2]["what"] for leaf in leaves], [{"kind": "room"}])
            confirmed = gateways.until(lambda: check.log(away).confirmed(check.log(away).of("revoked")[0][0]), HANGS_S, 1)
            check.holds("withdrawn while it was away: seen closed", confirmed is not None)
            time.sleep(10)  # workers look again
            check.same("made again by nobody", [(n["method"], n["path"]) for n in check.writes(since=back)], [])
            world.catalogue()
            for name in (standing, narrowed):
                world.gateways[2].call("reoffer", name, "--room", "--as", "shop")
            time.sleep(8)
            check.same("made for one member alone", [(n["method"], n["path"]) for n in check.writes(since=back)], [])
            for name in (standing, narrowed):
                world.gateways[0].call("reoffer", name, "--room", "--as", "media")
            offered = time.time()
            check.opened([standing], HANGS_S)
            check.opened([narrowed], HANGS_S, {"overlap"})
            took = time.time() - offered
            check.same("withdrawn while it was away: made again", (check.writes(away, back), check.usable(away)), ([], set()))
            for name in names:
                check.judge(name, open_max=2)
            check.doubled()
            for gateway in world.gateways:
                check.same(f"the worker of {gateway.name} runs", gateway.worker.process.poll(), None)
            found = [(missed[name][0][1] / 1000 - back) for name in missed if missed[name]]
            return check, (f"away for {back - killed:.0f} s; found withdrawn {', '.join(f'{s:.0f} s' for s in found)} after it was back empty, the withdrawal confirmed {confirmed and confirmed / 1000 - back:.0f} s after; "
                           f"nothing made until both had offered it, and open {took:.0f} s later without what was withdrawn")
    finally:
        platform.end()
