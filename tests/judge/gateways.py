"""Several gateways on one log: a database that they share, homes with the same keys, a way of each to the stage that can be held or cut,
and workers that are real processes. Must not know any scenario, nor what has to come out.
"""

import collections
import concurrent.futures
import contextlib
import copy
import hashlib
import importlib.machinery
import importlib.util
import json
import os
import pwd
import re
import resource
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
from pathlib import Path

import airlock
import scene as scenery
import stage

ROOM = scenery.ROOM
SHARDS = 16
STORE = "AIRLOCK_SYNC_STORE"
# What is a program of PostgreSQL's, or its start, hangs after so long.
TOOL_S_MAX = 300
# Workers that started together have an equal share each after a few beats.
SHARED_S_MAX = 120
# A process whose files don't grow beyond so many bytes, and that is told so rather than killed.
LIMITED = [sys.executable, "-c", "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY)); os.execv(sys.argv[2], sys.argv[2:])"]
LOOK = re.compile(r"^/collaborations/([0-9a-f-]{36})/schemas(?:\?|$)")  # asked once in each look


def shard(name):
    """The part of the work that a collaboration belongs to: by the twelfth digit of its name's digest."""
    return int(hashlib.sha256(name.encode()).hexdigest()[11], 16) % SHARDS


def names_of_shard(word, count):
    """Names that fall into one shard, of which a worker has all or none."""
    found = (f"{word}-{n}" for n in range(10_000))
    same = [next(found)]
    while len(same) < count:
        if shard(name := next(found)) == shard(same[0]):
            same.append(name)
    return same


def until(what, seconds, every=0.2):
    """What becomes true, once it is; what it is at last when it never does."""
    end = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < end:
        time.sleep(every)
    return found


def free_port():
    """A port that nobody has at the moment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Database:
    """A database of its own on the stage's server, or on another server of this kind."""

    def __init__(self, url=None):
        self.server, self.tools = url or os.environ.get("AIRLOCK_POSTGRES_URL"), os.environ.get("AIRLOCK_POSTGRES_TOOLS")
        if not self.server or not self.tools:
            raise airlock.NotRun("no PostgreSQL: localstack/harness up postgres")
        self.name = f"sync_{secrets.token_hex(6)}"
        self.url = self.server
        try:
            self.sql(f"CREATE DATABASE {self.name}")
        except (airlock.Failed, OSError) as error:
            raise airlock.NotRun(f"no database can be made in PostgreSQL: {error}") from error
        self.url = self.server.rpartition("/")[0] + f"/{self.name}"

    def tool(self, name, *words, **more):
        """A tool of the server's, by the database's address; its output."""
        place = urllib.parse.urlsplit(self.url)
        known = {"PGHOST": place.hostname, "PGPORT": str(place.port), "PGUSER": place.username, "PGPASSWORD": place.password, "PGDATABASE": place.path[1:]}
        done = subprocess.run([f"{self.tools}/{name}", *map(str, words)], env=os.environ | known, capture_output=True, text=True, timeout=TOOL_S_MAX, check=False, **more)
        if done.returncode:
            raise airlock.Failed((name,), done.returncode, done.stdout[-800:], done.stderr[-1500:])
        return done.stdout

    def sql(self, text):
        """Rows of a statement, as lists of words."""
        rows = self.tool("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-tA", "-F", "\t", "-c", text)
        return [row.split("\t") for row in rows.splitlines() if row]

    def leases(self):
        """{shard: (holder's name among workers, token)} of leases that run."""
        found = self.sql("SELECT resource, holder, token FROM airlock.lease WHERE resource LIKE 'sync/shard/%' AND holder IS NOT NULL AND until_ms > airlock.now_ms()")
        return {int(resource.rpartition("/")[2]): (holder.rpartition("/")[2], int(token)) for resource, holder, token in found}

    def dump(self, file):
        """All of it, into a file."""
        self.tool("pg_dump", "--no-owner", "-f", file)

    def restore(self, file):
        """As it was when it was dumped; whoever is in it is cut off."""
        url, self.url = self.url, self.server
        self.sql(f"DROP DATABASE {self.name} WITH (FORCE)")
        self.sql(f"CREATE DATABASE {self.name}")
        self.url = url
        self.tool("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-1", "-f", file)

    def drop(self):
        """Gone, whoever is in it."""
        name, self.url = self.name, self.server
        with contextlib.suppress(airlock.Failed):
            self.sql(f"DROP DATABASE {name} WITH (FORCE)")


class Server:
    """A PostgreSQL server of one scenario's own, which may be treated badly; run by nobody when this is root."""

    def __init__(self):
        tools = os.environ.get("AIRLOCK_POSTGRES_TOOLS")
        if not tools:
            raise airlock.NotRun("no PostgreSQL: localstack/harness up postgres")
        self.tools, self.folder = Path(tools), Path(tempfile.mkdtemp(prefix="airlock-sync-postgres-"))
        self.identity = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self.identity = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
        self._run("initdb", "-D", self.folder / "data", "-U", "airlock", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-instructions")
        self._start_anywhere()

    def _start_anywhere(self, tries=3):
        self.url = f"postgres://airlock:none@127.0.0.1:{free_port()}/postgres"
        try:
            self.start()
        except airlock.NotRun:  # somebody else may have taken the port
            if tries == 1:
                raise
            self._start_anywhere(tries - 1)

    def restart(self):
        """As if the machine had lost power, and up again at once."""
        self._run("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-m", "immediate", "-w", "-t", str(TOOL_S_MAX), "restart")

    def _run(self, tool, *words):
        done = subprocess.run([self.tools / tool, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=TOOL_S_MAX, check=False, cwd=self.folder, **self.identity)
        if done.returncode:
            raise airlock.NotRun(f"{tool} of PostgreSQL failed: {done.stderr.strip()[-300:]}")

    def stop(self):
        """As if the machine had lost power."""
        self._run("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "-w", "-t", str(TOOL_S_MAX), "stop")

    def start(self):
        """Comes up again with what is on disk."""
        port = urllib.parse.urlsplit(self.url).port
        settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=on"
        self._run("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-w", "-t", str(TOOL_S_MAX), "-o", settings, "start")

    def end(self):
        """Stopped, and nothing left."""
        with contextlib.suppress(airlock.NotRun):
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Platform:
    """A LocalStack with the twin of one scenario's own, in the environment that the harness made. It comes up empty each time."""

    STARTING_S_MAX = 300

    def __init__(self):
        loader = importlib.machinery.SourceFileLoader("harness", str(airlock.ROOT / "localstack" / "harness"))
        harness = importlib.util.module_from_spec(importlib.util.spec_from_loader("harness", loader))
        loader.exec_module(harness)
        self.peer, self.folder, self.process = harness.Localstack(), Path(tempfile.mkdtemp(prefix="airlock-sync-localstack-")), None
        if not self.peer.installed():
            raise airlock.NotRun("no LocalStack that is current: localstack/harness up localstack")
        for left in (2, 1, 0):
            self.port = free_port()
            self.endpoint = f"http://127.0.0.1:{self.port}"
            try:
                self.start()
                break
            except airlock.NotRun:  # somebody else may have taken the port
                if not left or self.process.poll() is None:
                    self.end()
                    raise

    def start(self):
        """Comes up, and answers real calls."""
        words, known = self.peer.command(self.port)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([str(word) for word in words], env=os.environ | known | {"FILESYSTEM_ROOT": str(self.folder / "files")}, cwd=self.folder,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

        def answers():
            with contextlib.suppress(OSError):
                return self.process.poll() is not None or self.peer.answers(self.endpoint)

        if not until(answers, self.STARTING_S_MAX) or self.process.poll() is not None:
            said = (self.folder / "log").read_text(encoding="utf-8", errors="replace")[-300:]
            raise airlock.NotRun(f"LocalStack does not start: {said}")

    def kill(self):
        """Gone at once, with all that it knew."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self):
        """Gone, and nothing left."""
        if self.process:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Fault:
    """What befalls calls that fit, so many times, at a gate."""

    def __init__(self, fits, act, times=1):
        self.fits, self.act, self.times = fits, act, times
        self.met, self.released, self.met_at = threading.Event(), threading.Event(), None

    def age(self):
        """Seconds since it was met."""
        return 0.0 if self.met_at is None else time.monotonic() - self.met_at


class Gate(stage.Between):
    """A gateway's way to the stage. Notes every call that writes, in the order in which it came to the stage."""

    def __init__(self, endpoint, name, notes):
        super().__init__(endpoint)
        self.notes = notes  # of all gates of a world, in one order
        self.server.handle_error = lambda *_: None  # cut connections are meant
        self.name, self.faults, self.down, self.looked = name, [], False, []

    def add(self, fits, act, times=1):
        """`act` is hold (until released, then it goes on), lose (held, and never goes on), after (done, then answered 500), before
        (500, not done), or throttle (429 with Retry-After of 2 s)."""
        fault = Fault(fits, act, times)
        self.faults.append(fault)
        return fault

    def clear(self):
        """Nothing befalls any call from now on; what is held goes on."""
        for fault in self.faults:
            fault.times = 0
            fault.released.set()
        self.faults.clear()

    def _fault(self, method, path, body):
        for fault in list(self.faults):  # some may be taken away meanwhile
            if fault.times > 0 and fault.fits(method, path, body):
                fault.times -= 1
                fault.met_at = time.monotonic() if fault.met_at is None else fault.met_at
                fault.met.set()
                return fault
        return None

    def ask(self, method, path, headers, body):
        if method == "GET" and (room := LOOK.match(path)):
            self.looked.append((time.time(), room.group(1)))
        if self.down:
            raise ConnectionResetError("the platform is down")
        fault = self._fault(method, path, body)
        if fault and fault.act in ("hold", "lose"):
            fault.released.wait(timeout=900)
            if fault.act == "lose":
                raise ConnectionResetError("lost on its way")
        if fault and fault.act == "throttle":
            return 429, {"x-amzn-ErrorType": "ThrottlingException", "Content-Type": "application/json", "Retry-After": "2"}, b'{"message": "Rate exceeded"}'
        broken = 500, {"x-amzn-ErrorType": "InternalServerException", "Content-Type": "application/json"}, b'{"message": "something went wrong"}'
        if fault and fault.act == "before":
            return broken
        if not writes(method, path):
            return super().ask(method, path, headers, body)
        note = {"at": time.time(), "by": self.name, "account": headers.get("Authorization", headers.get("authorization", "")).partition("Credential=")[2][:12],
                "method": method, "path": urllib.parse.unquote(path), "body": body.decode("utf-8", "replace"), "status": None, "answer": ""}
        self.notes.append(note)
        try:
            status, answered, found = super().ask(method, path, headers, body)
            note["status"], note["answer"] = status, found.decode("utf-8", "replace")
        finally:
            note["ended"] = time.time()  # answered or not
        return broken if fault and fault.act == "after" else (status, answered, found)


def writes(method, path):
    """Whether a call of Clean Rooms changes anything; POST / is STS, and batches read."""
    return method != "GET" and path != "/" and "/batch-" not in path and "/protectedQueries" not in path


class Worker:
    """`airlock sync --json` of one home."""

    def __init__(self, gateway, every=1):
        self.gateway, self.said, self.ended = gateway, [], None
        self.errors = (gateway.home / "sync.stderr").open("a")
        self.process = subprocess.Popen(gateway.words("sync", "--every", str(every)), stdout=subprocess.PIPE, stderr=self.errors, text=True,
                                        env=gateway.airlock.environment | {"AIRLOCK_LOG": "airlock=warn"})
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self.process.stdout:
            with contextlib.suppress(ValueError):
                self.said.append((time.time(), json.loads(line)))

    def problems(self, name=None, since=0.0):
        """Codes that it told, of one collaboration or all."""
        passes = [one["pass"] for at, one in list(self.said) if at >= since and "pass" in one]
        return [p["code"] for one in passes if name in (None, one["collaboration"]) for p in one["problems"]]

    def kill(self):
        """Gone at once."""
        self.process.kill()
        self.process.wait()

    def pause(self):
        """Stands still, knowing nothing of it."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        """Goes on as if nothing had been."""
        self.process.send_signal(signal.SIGCONT)

    def end(self):
        """Ends as told; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.kill()
        self.errors.close()
        return self.process.returncode


class Gateway:
    """One home, its gate and its worker."""

    def __init__(self, world, name):
        self.name, self.home = name, world.folder / name
        self.gate = Gate(world.stage.endpoint, name, world.notes)
        environment, self.worker, self.file_bytes_max = world.stage.environment(endpoint=self.gate.endpoint), None, -1
        world.stage.connect(self.home, ())
        self.home.chmod(0o700)
        if world.database:
            environment |= {STORE: world.database.url}
            (self.home / "gateway.toml").write_text(f'[store]\nurl_env = "{STORE}"\n', encoding="utf-8")
        self.airlock = airlock.Airlock(world.binary, self.home, environment)

    def __getattr__(self, what):
        return getattr(self.airlock, what)

    def start(self, every=1):
        """Its worker."""
        self.worker = Worker(self, every)
        return self.worker

    def known_as(self):
        """Its name among workers."""
        file = self.home / "holder"
        return file.read_text(encoding="utf-8").split()[0] if file.exists() else None

    def words(self, *arguments):
        """A command, whose files grow no further than this gateway's may."""
        return [*LIMITED, str(self.file_bytes_max), self.airlock.binary, "--home", str(self.home), "--json", *arguments]

    def fill(self, file_bytes_max):
        """No file of its worker, or of a command from now on, is written beyond this: as on a full disk. -1 makes room."""
        self.file_bytes_max = file_bytes_max
        resource.prlimit(self.worker.process.pid, resource.RLIMIT_FSIZE, (file_bytes_max, resource.RLIM_INFINITY))

    def lines(self, *arguments, timeout=120):
        """Exit code and every object that a command printed."""
        done = subprocess.run(self.words(*arguments), capture_output=True, text=True, timeout=timeout, env=self.airlock.environment, check=False)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]

    def approve_again(self, name, template="regions", member="shop"):
        """An approval withdrawn, and given again once it was seen closed; when the new one was given."""
        code, said = self.lines("revoke", name, "--approval", template, "--as", member, "--wait", "--within", "2", timeout=150)
        if code:
            raise AssertionError(f"{name}: the withdrawal of an approval ended with {code}: {json.dumps(said[-1:])[:500]}")
        self.call("approve", name, template, "--as", member)
        return time.time()


def as_new(folder, endpoint=None):
    """The stage, or another at an endpoint, as new, for several worlds of other names."""
    try:
        found = stage.Stage(folder, scenery.ACCOUNTS, endpoint)
    except urllib.error.URLError as error:
        raise airlock.NotRun(f"LocalStack does not answer at {endpoint or os.environ['AIRLOCK_LOCALSTACK']}: {error.reason}") from error
    found.tell("POST", "quotas", {"collaborations created per account": 100})
    return found


class World:
    """Gateways that share their logs, or one that has a store of its own where there is to be no database (`False`), and collaborations that are
    offered there: nobody joined one, no worker runs yet."""

    def __init__(self, arguments, folder, names, templates=("overlap", "regions"), database=None, stage_of=None):
        self.folder, self.names = folder, list(names)
        folder.mkdir()
        scenery.write_people(folder)
        self.binary, self.stage = airlock.binary(arguments.airlock), copy.copy(stage_of or arguments.stage)
        self.stage.folder, self.stage.clients = folder, {}
        self.database, self.notes = None if database is False else Database(database), []
        self.gateways = [Gateway(self, f"g{n}") for n in ((1, 2, 3) if self.database else (1,))]
        self.members = ["shop", "media"]
        self.templates = templates
        first = self.gateways[0]
        self.catalogue()
        for member in self.members:
            first.call("keygen", "--member", member)
        for gateway in self.gateways[1:]:
            (gateway.home / "keys").symlink_to(first.home / "keys")
        self._offer(self.names[0])  # which makes the database
        with concurrent.futures.ThreadPoolExecutor(3) as several:
            list(several.map(self._offer, self.names[1:]))

    def catalogue(self):
        """The members' data and tables, in their own accounts."""
        for dataset in ("customers", "seen"):
            self.stage.table(scenery.DATASETS[dataset][0], "scenes", dataset, self.folder / "data" / f"{dataset}.parquet")

    def begin(self):
        """A worker each, with its share of the leases, and then all that is agreed."""
        self.start()
        self.shared_out()
        self.agree()

    def agree(self, names=None):
        """Everybody joins and approves these collaborations, or all: each step of all of them before the next."""
        names = self.names if names is None else names
        with concurrent.futures.ThreadPoolExecutor(3) as several:
            for step, more in (("join", ()), ("approve", ("--all",))):
                for member in self.members:
                    list(several.map(lambda name: self.gateways[0].call(step, name, *more, "--as", member), names))  # noqa: B023

    def _offer(self, name):
        agreement = scenery.document(self.folder, list(self.templates)) | {"collaboration": name}
        file = self.folder / f"{name}.json"
        file.write_text(json.dumps(agreement), encoding="utf-8")
        self.gateways[0].call("apply", str(file), "--as", self.members[0])

    def start(self, every=1):
        """A worker each."""
        for gateway in self.gateways:
            gateway.start(every)

    def shared_out(self):
        """Waits until every worker has its share of the leases, and no more: whoever starts first takes them all, and gives back what is others' while it works."""
        if not self.database:
            return
        most, found = -(-SHARDS // len(self.gateways)), {}

        def is_even():
            with contextlib.suppress(airlock.Failed):  # their table is made by whoever comes first
                found.clear()
                found.update(self.database.leases())
            many = collections.Counter(holder for holder, _ in found.values())
            return len(found) == SHARDS and len(many) == len(self.gateways) and max(many.values()) <= most

        ended = lambda: [g.name for g in self.gateways if g.worker.process.poll() is not None]  # noqa: E731
        if not until(lambda: is_even() or ended(), SHARED_S_MAX) or ended():
            raise AssertionError(f"the leases are not shared out after {SHARED_S_MAX} s: {found}, workers that ended: {ended()}")

    def end(self):
        """Every worker ended, the database gone."""
        for gateway in self.gateways:
            for fault in gateway.gate.faults:
                fault.released.set()
            gateway.gate.down = False
        for gateway in self.gateways:
            if gateway.worker:
                gateway.worker.end()
                (gateway.home / "sync.said").write_text("".join(f"{at:.3f} {json.dumps(one)}\n" for at, one in gateway.worker.said), encoding="utf-8")
            gateway.gate.__exit__()
        (self.folder / "calls.json").write_text(json.dumps(self.notes, indent=1), encoding="utf-8")
        if self.database:
            self.database.drop()

    def holder(self, name):
        """The gateway that has the lease on a collaboration."""
        holder = self.database.leases().get(shard(name), (None, 0))[0]
        return next((g for g in self.gateways if holder and g.known_as() == holder), None)
