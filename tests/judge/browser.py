#!/usr/bin/env python3
"""A real browser walks the console: Chromium of the system, driven by playwright-core, with axe-core in every page.

    browser.py [--self-test] [--airlock PATH] [--keep DIR] [--allow-not-run]

A gateway serves two members who operate their accounts on the stage, with its worker; `browser/walk.mjs` walks there as each of them. Pictures of what it saw
lie in the folder that AIRLOCK_ARTEFACTS names, else beside what is built; its path is printed. `--self-test` puts a proxy before the gateway that lies.
Must not know: what a page says.
"""

import base64
import contextlib
import datetime
import hashlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True

from cryptography import x509  # noqa: E402
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402
from cryptography.x509.oid import NameOID  # noqa: E402

import airlock  # noqa: E402
import command  # noqa: E402
import issuer  # noqa: E402
import scene  # noqa: E402
import stage  # noqa: E402

HERE = Path(__file__).resolve().parent / "browser"
NODE_MIN, CHROMIUM_MIN = 20, 120
MEMBERS = {"shop": "111111111111", "media": "222222222222"}
HOST = "airlock.judge.example"
STARTS_S, WALKS_S = 60, 1800
SCRIPT = "<script>window.__pwned=1</script>"
# What a text may carry: markup that closes whatever it may stand in, a handler, quotes, marks of direction and characters without width.
HOSTILE = f"\"'></code></pre></td></title></textarea>--><img src=x onerror=window.__pwned=1>{SCRIPT} \u202egnp.exe\u202c \u2066x\u2069 a\u200bb {{{{7*7}}}} javascript:alert(1)"


def said(*words):
    """What a program prints, or nothing where it can't be run."""
    try:
        return subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def chromium():
    """A Chromium of this machine, which is brought from Debian where there is none and this is root."""
    def found():
        named = [os.environ["AIRLOCK_CHROMIUM"]] if os.environ.get("AIRLOCK_CHROMIUM") else ["chromium", "chromium-headless-shell", "chromium-browser", "google-chrome-stable", "google-chrome"]
        for place in filter(None, map(shutil.which, named)):
            version = re.search(r"(\d+)\.\d+\.\d+", said(place, "--version"))
            if version and int(version.group(1)) >= CHROMIUM_MIN:
                return place
        return None

    if not os.environ.get("AIRLOCK_CHROMIUM") and not found() and shutil.which("apt-get") and os.geteuid() == 0:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": False, "env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"}}
        install = ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]
        if subprocess.run(install, **quiet).returncode:
            subprocess.run(["apt-get", "update"], **quiet)
            subprocess.run(install, **quiet)
    if place := found():
        return place
    raise airlock.NotRun(f"no Chromium {CHROMIUM_MIN} or newer: apt-get install chromium as root, or name one with AIRLOCK_CHROMIUM")


def modules():
    """The folder of what is pinned in package-lock.json, made anew when that changes."""
    version = re.match(r"v(\d+)", said("node", "--version"))
    if not version or int(version.group(1)) < NODE_MIN or not shutil.which("npm"):
        raise airlock.NotRun(f"no node {NODE_MIN} or newer with npm")
    folder = Path(os.environ.get("AIRLOCK_VENV") or airlock.ROOT / ".venv").absolute() / "peers" / "browser"
    pins = [HERE / "package.json", HERE / "package-lock.json"]
    digest, mark = hashlib.sha256(b"".join(p.read_bytes() for p in pins)).hexdigest(), folder / "package-lock.sha256"
    if not mark.exists() or mark.read_text(encoding="utf-8") != digest:
        folder.mkdir(parents=True, exist_ok=True)
        for pin in pins:
            shutil.copy(pin, folder)
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise airlock.NotRun(f"playwright-core and axe-core could not be installed into {folder}: {done.stderr.strip()[-300:]}")
        mark.write_text(digest, encoding="utf-8")
    return folder


def routes():
    """The console's routes as its source has them, by method, names left out."""
    source, found = (airlock.ROOT / "src/http/console/mod.rs").read_text(encoding="utf-8"), {"get": [], "post": []}
    for part in source.split(".route(")[1:]:
        path = re.sub(r"\{\w+\}", "*", part.split('"')[1])
        path = f"/console/collaborations/*{path}" if part.lstrip().startswith("&of(") else path
        for method in re.findall(r"\b(get|post)\(", part.split(".route")[0].split(".with_state")[0]):
            if not path.endswith((".css", ".js", ".svg")):
                found[method].append(path)
    if len(found["get"]) < 10 or len(found["post"]) < 5:
        raise AssertionError(f"the console's routes can't be read: {found}")
    return found


def certificate(folder):
    """A key and a certificate of a name, as nobody else would sign it."""
    key, name, now = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)]), datetime.datetime.now(datetime.UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
    built = built.not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=1))
    built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False).sign(key, hashes.SHA256())
    (folder / "tls.pem").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "tls.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain))
    return {"key": str(folder / "tls.key"), "certificate": str(folder / "tls.pem")}


def document(folder, name, templates=("overlap",), hostile=False, native=False):
    """An agreement between the two over the people of the scenes."""
    root = f"file://{folder.resolve()}"
    made = scene.document(folder, list(templates)) | {"collaboration": name, "description": "How many of the people who saw a campaign buy, by segment"}
    for dataset in made["datasets"].values():
        dataset["at"]["native"] = f"{root}/{dataset['at']['native']}"
        if native:
            dataset["at"] = {"native": dataset["at"]["native"]}
    if native:
        made["rooms"] = ["native"]
    made["destinations"] = {receiver: f"{root}/results/{receiver}/{name}" for receiver in made["destinations"]}
    for receiver in made["destinations"]:
        made["members"][receiver]["abilities"] = sorted({*made["members"][receiver]["abilities"], "receive"})
    for template in made["templates"].values():
        runner = made["members"][template["run_by"][0]]
        runner["abilities"] = sorted({*runner["abilities"], "run"})
    if hostile:
        made["description"] = HOSTILE
        for member in made["members"].values():
            member["name"] = HOSTILE
        sql = made["templates"]["overlap"]["sql"]
        made["templates"]["overlap"]["sql"] = sql.replace(" GROUP BY", " WHERE c.region <> '" + HOSTILE.replace("'", "''") + "' GROUP BY")
        made["datasets"]["customers"]["rows"] = [{"from": "notes", "type": "utf8", "any_of": ["note 1", HOSTILE]}]
        made["datasets"]["customers"]["columns"]["segment"]["from"] = "segment"
    return made


class Gateway:
    """A gateway's folder with its collaborations, and the process that serves it with its worker while it is there."""

    def __init__(self, arguments, folder):
        self.folder, self.home, self.binary = folder, folder / "home", airlock.binary(arguments.airlock)
        scene.write_people(folder)
        self.stage = stage.Stage(folder, MEMBERS)
        self.stage.tell("POST", "settings", {"query_start_s": 0.0, "query_run_s": 0.0, "propagation_delay_s": 1.0})
        self.environment = self.stage.environment()
        self.cli = airlock.Airlock(self.binary, self.home, self.environment)
        for table, (owner, _) in scene.DATASETS.items():
            if owner in MEMBERS:
                self.stage.table(owner, "scenes", table, folder / "data" / f"{table}.parquet")
        self.stage.connect(self.home, receivers=("media",))
        self.home.chmod(0o700)
        # Where people come back to is written down, so ports are chosen before.
        self.port, self.tls_port = free_ports(2)
        self.client = issuer.Client(f"http://127.0.0.1:{self.port}/console/sign-in/judge", org="shop", roles=["analyst", "auditor"])
        self.issuer = issuer.Issuer("https://issuer.judge.example", [self.client], "airlock")
        self.provider = Provider(f"https://{HOST}:{self.tls_port}/console/sign-in/certified")
        self.environment |= {"JUDGE_CLIENT_KEY": self.provider.key}
        lines = ["[egress]", "loopback = true", "[http]", "development_issuer = true", f'hosts = ["{HOST}"]']
        lines += way(self.issuer.name, self.issuer.url, f'client_id = "{self.client.client_id}", redirect_uri = "{self.client.redirect_uri}", label = "judge.example"')
        lines += way(self.provider.url, self.provider.url, f'client_id = "console at judge", redirect_uri = "{self.provider.back}", label = "certified.example", '
                     'scopes = ["openid", "airlock"], client_key_env = "JUDGE_CLIENT_KEY", client_key_id = "console", sign_out = true')
        for member in MEMBERS:
            self.cli.call("keygen", "--member", member)
            (folder / "results" / member).mkdir(parents=True)
            lines += ["[[http.tenants]]", f'member = "{member}"', f'places = ["file://{folder.resolve()}/data/"]', f'destinations = ["file://{folder.resolve()}/results/{member}/"]']
        (self.home / "gateway.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def written(self, name, **words):
        """The file of an agreement, as somebody would write it."""
        file = self.folder / f"{name}.json"
        file.write_text(json.dumps(document(self.folder, name, **words), indent=1), encoding="utf-8")
        return file

    def propose(self, name, joined=(), approved=(), **words):
        """A collaboration: put before both by the consumer, joined by these, each template approved by those."""
        file = self.written(name, **words)
        self.cli.call("apply", str(file), "--as", "media")
        for member in joined:
            self.cli.call("join", name, "--as", member)
        for member in approved:
            self.cli.call("approve", name, "--all", "--as", member)
        return name

    def __enter__(self):
        words = [str(self.binary), "--json", "--home", str(self.home), "serve", "--listen", f"127.0.0.1:{self.port}"]
        # What is written down when all is: no token, and nothing that gets one.
        with (self.folder / "serve.log").open("ab") as log:
            self.child = subprocess.Popen(words, env=os.environ | {"AIRLOCK_LOG": "info,airlock=trace"} | self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        late = threading.Timer(STARTS_S, self.child.kill)
        late.start()
        line = self.child.stdout.readline()
        late.cancel()
        if not line:
            raise AssertionError(f"serve did not start: {(self.folder / 'serve.log').read_text(encoding='utf-8', errors='replace')[-600:]}")
        self.url = f"http://{json.loads(line)['listening']}"
        return self

    def __exit__(self, *_):
        self.child.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.child.wait(20)
        self.child.kill()
        self.child.wait()
        self.child.stdout.close()
        self.issuer.end()
        self.provider.end()

    def wronged(self, told):
        """What the gateway did wrong as a client of an issuer, and what of the issuer's it wrote down."""
        yield from self.issuer.wrong
        if not self.issuer.given:
            yield "nobody signed in"
        if any(secret in told for secret in [*self.issuer.given, self.provider.key.splitlines()[1]]):
            yield "what an issuer gave is written down"


class Provider:
    """A certified OpenID Provider, in a process of its own while it is there."""

    def __init__(self, back):
        self.back, self.secret, self.child = back, secrets.token_urlsafe(32), None
        self.key, self.public = client_key()
        self.host, (self.port,) = "127.0.0.2", free_ports(1, "127.0.0.2")
        self.url = f"http://{self.host}:{self.port}"

    def begin(self, place):
        """Starts it, with what is installed there."""
        asked = {"modules": str(place), "host": self.host, "port": self.port, "redirect_uri": self.back, "audience": "airlock", "claims": {"org": "shop", "roles": ["analyst", "auditor"]}, "client_key": self.public}
        words = ["node", str(HERE / "provider.mjs"), json.dumps(asked)]
        self.child = subprocess.Popen(words, env=os.environ | {"JUDGE_CLIENT_SECRET": self.secret}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if b"listening" not in self.child.stdout.readline():
            raise AssertionError("the OpenID Provider did not start")

    def end(self):
        """Ends it."""
        self.child.kill()
        self.child.wait()
        self.child.stdout.close()


def client_key():
    """A private key of the console's as PEM, and its public half as a JWK."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    numbers = key.public_key().public_numbers()
    x, y = (base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode() for number in (numbers.x, numbers.y))
    return pem, {"kty": "EC", "crv": "P-256", "kid": "console", "use": "sig", "alg": "ES256", "x": x, "y": y}


def way(name, url, sign_in):
    """An issuer at which people of both sign in, in the settings."""
    return ["[[http.issuers]]", f'issuer = "{name}"', f'discovery = "{url}/.well-known/openid-configuration"', 'tenants = ["shop", "media"]', f"sign_in = {{ {sign_in} }}"]


def free_ports(many, host="127.0.0.1"):
    """Ports at which nobody listens."""
    with contextlib.ExitStack() as stack:
        return [stack.enter_context(socket.create_server((host, 0))).getsockname()[1] for _ in range(many)]


def filled(gateway):
    """Every collaboration that is walked through; where which is."""
    both = list(MEMBERS)
    sizes = [(size, scripts) for size in ("desktop", "phone") for scripts in (True, False)]
    # Nobody proposed these: the provider offers them in the console.
    journeys = [{"name": f"shop-{size}-{'script' if scripts else 'plain'}", "size": size, "scripts": scripts} for size, scripts in sizes]
    journeys = [one | {"text": gateway.written(one["name"]).read_text(encoding="utf-8")} for one in journeys]
    forged = gateway.written("shop-forged").read_text(encoding="utf-8")
    keys = gateway.propose("media-keys", both, ["media"])
    asked = gateway.propose("media-asked")
    # Two templates of one runner over the same tables that differ in receivers: the platform lets the runner choose, so owners are asked for a waiver.
    forms = gateway.propose("media-forms", both, ["media"], templates=("overlap", ("regions", "media", "shop"), ("campaigns", "shop", "shop")))
    # Due on the first of January, and not while it is looked at.
    gateway.cli.call("schedule", "add", forms, "yearly", "campaigns", "--cron", "0 0 1 1 *", "--as", "shop", "--room", "native")
    hostile = gateway.propose("media-hostile", both, both, hostile=True, templates=("overlap", ("campaigns", "shop", "shop")))
    gateway.cli.call("run", hostile, "overlap", "--as", "media", "--room", "native")
    # What a member opened to somebody, so that each form about it is shown.
    gateway.cli.call("run", hostile, "campaigns", "--as", "shop", "--room", "native", "--run-id", "shared")
    gateway.cli.call("share", "add", hostile, "shared", "--to", "agency", "--as", "shop", "--expires", "1d")
    # A version that waits beside the one in force, with another text of the same template.
    following = gateway.propose("media-next", both, both, native=True)
    gateway.propose(following, hostile=True, native=True)
    gone = gateway.propose("media-gone", both, ["media"])
    gateway.cli.call("revoke", gone, "--membership", "--as", "shop")
    return {"journeys": journeys, "keys": keys, "toured": [forms, asked, hostile], "hostile": hostile, "following": following, "gone": gone, "offered": {"name": "shop-forged", "text": forged},
            "left": {"name": forms, "path": f"/console/collaborations/{forms}/templates/overlap", "button": "Approve overlap"}}


def walk(arguments, folder):
    """All of it; 0 when nothing is wrong."""
    since = time.monotonic()
    program, place = chromium(), modules()
    artefacts = folder if arguments.self_test else airlock.artefacts() / "console"
    gateway = Gateway(arguments, folder)
    asked = filled(gateway) | {"chromium": program, "modules": str(place), "artefacts": str(artefacts), "airlock": str(gateway.binary), "home": str(gateway.home), "names": [HOST],
                               "tls": certificate(folder) | {"port": gateway.tls_port, "issuer": {"name": "certified", "label": "certified.example", "url": gateway.provider.url, "signs_out": True}},
                               "issuer": {"name": "judge", "label": "judge.example", "url": gateway.issuer.url}, "routes": routes(), "pictures": not arguments.self_test, "waits": 5_000 if arguments.self_test else 15_000, "comes": 5_000 if arguments.self_test else 60_000}
    gateway.provider.begin(place)
    with gateway:
        file = folder / "asked.json"
        file.write_text(json.dumps(asked | {"url": gateway.url}), encoding="utf-8")
        words = ["node", str(HERE / "walk.mjs"), str(file), *(["--self-test"] if arguments.self_test else [])]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, timeout=WALKS_S, check=False)
    told = (folder / "serve.log").read_text(encoding="utf-8", errors="replace")
    wrong = done.returncode != 0
    if not arguments.self_test:
        for what in gateway.wronged(told):
            wrong = True
            print(f"FAILED: at an issuer: {what}")
    if "panicked" in told:
        wrong = True
        print(f"FAILED: the gateway panicked: {told[told.index('panicked') - 200:][:600]}")
    if not arguments.self_test:
        print(f"pictures: {artefacts}")
    print(f"{'something is wrong' if wrong else 'nothing is wrong'}; {time.monotonic() - since:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(command.main("browser", __doc__, walk, {"--self-test": command.FLAG}, wrong=[AssertionError, ValueError, OSError, subprocess.TimeoutExpired]))
