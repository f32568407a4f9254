#!/usr/bin/env python3
"""Results that are shared, read by the official client of Delta Sharing (pip `delta-sharing`) at a real `airlock serve`, against what DuckDB reads.

    delta.py [--airlock PATH] [--self-test] [--allow-not-run]

Lists, version, metadata, rows in both formats; tokens that are wrong, another's, expired, rotated or taken back; shares and URLs that are over; what
is on record of all that. `--self-test` puts a proxy before the gateway that lies, and each lie must be found.
"""

import datetime
import json
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import warnings
from pathlib import Path

sys.dont_write_bytecode = True

import airlock  # noqa: E402
import command  # noqa: E402

try:
    warnings.filterwarnings("ignore")
    import delta_sharing
    import duckdb
    import pyarrow
    import pyarrow.parquet
    import requests
    from delta_sharing.protocol import DeltaSharingProfile, Schema, Share
    from delta_sharing.rest_client import DataSharingRestClient

    import liar
    import served
    MISSING = None
except ImportError as error:
    MISSING = str(error)

AGREEMENT = """agreement: v1
collaboration: alfa-spring
members:
  alfa: {{ name: Alfa, abilities: [contribute, run, receive] }}
  bravo: {{ name: Bravo, abilities: [contribute, run, receive] }}
rooms: [native]
datasets:
  sales:
    owner: alfa
    at: {{ native: "{root}/data/alfa/sales.parquet" }}
    entity: person
    columns:
      person: {{ use: match, key: email, from: email, type: utf8 }}
      day: {{ type: date, use: dimension }}
      amount: {{ type: float64, use: measure, aggregates: [sum, avg] }}
    rule: {{ entities_min: 3, join: required }}
  seen:
    owner: bravo
    at: {{ native: "{root}/data/bravo/seen.parquet" }}
    entity: person
    columns:
      person: {{ use: match, key: email, from: mail, type: utf8 }}
      campaign: {{ type: utf8, use: dimension }}
    rule: {{ entities_min: 1 }}
templates:
  reach:
    class: aggregate
    sql: SELECT e.campaign, s.day, COUNT(DISTINCT s.person) AS people, SUM(s.amount) AS spent FROM sales s JOIN seen e ON s.person = e.person GROUP BY e.campaign, s.day
    run_by: [bravo]
    received_by: [bravo]
  days:
    class: aggregate
    sql: SELECT s.day, COUNT(DISTINCT s.person) AS people FROM sales s JOIN seen e ON s.person = e.person GROUP BY s.day
    run_by: [alfa]
    received_by: [alfa]
limits: {{ runs_max: 100, within: 24h }}
destinations: {{ alfa: "{root}/results/alfa", bravo: "{root}/results/bravo" }}
"""
OF, PEOPLE = "alfa-spring", 600
TOKENS = []


def fill(gateway):
    """Data, an agreement over it, and three runs."""
    root = gateway.folder.resolve()
    mails = [f"person{n}@example.org" for n in range(PEOPLE)]
    days = pyarrow.array([f"2026-01-{1 + n % 28:02}" for n in range(PEOPLE)]).cast(pyarrow.date32())
    sales = {"email": mails, "day": days, "amount": [1.25 + n % 7 for n in range(PEOPLE)]}
    pyarrow.parquet.write_table(pyarrow.table(sales), root / "data/alfa/sales.parquet")
    seen = {"mail": mails, "campaign": [f"campaign \u00fc{n % 3}" for n in range(PEOPLE)]}
    pyarrow.parquet.write_table(pyarrow.table(seen), root / "data/bravo/seen.parquet")
    file = root / "agreement.yaml"
    file.write_text(AGREEMENT.format(root=f"file://{root}"), encoding="utf-8")
    cli = gateway.cli
    cli.call("apply", str(file), "--as", "alfa")
    for word in (["join", OF], ["approve", OF, "--all"]):
        for member in ("alfa", "bravo"):
            cli.call(*word, "--as", member)
    for run in ("run-1", "run-2"):
        cli.call("run", OF, "reach", "--as", "bravo", "--run-id", run)
    cli.call("run", OF, "days", "--as", "alfa", "--run-id", "run-3")


class Shared:
    """A recipient of a member, and its profile file."""

    def __init__(self, gateway, url, name, by="bravo"):
        self.gateway, self.url, self.name, self.by, self.count = gateway, url, name, by, 0
        self.profile = None

    def words(self, expires):
        """How a share or a token is asked for."""
        self.count += 1
        file = self.gateway.folder / f"{self.by}-{self.name}-{self.count}-{len(TOKENS)}.share"
        return file, ["--to", self.name, "--as", self.by, "--expires", expires, "--profile", str(file), "--endpoint", self.url]

    def add(self, run, *more, expires="1d"):
        """Opens a result."""
        file, words = self.words(expires)
        said = self.gateway.cli.call("share", "add", OF, run, *words, *more)
        if said["file"]:
            self.keep(file)
        return self

    def rotate(self, *more, expires="1d"):
        """Another token; the profile before it."""
        before, (file, words) = self.profile, self.words(expires)
        self.gateway.cli.call("share", "rotate", OF, *words, *more)
        self.keep(file)
        return before

    def keep(self, file):
        """The profile from now on."""
        assert file.stat().st_mode & 0o077 == 0, "others may read the profile"
        said = json.loads(file.read_text(encoding="utf-8"))
        assert said["shareCredentialsVersion"] == 1 and said["expirationTime"].endswith("Z"), said.keys()
        TOKENS.append(said["bearerToken"])
        self.profile = str(file)

    def revoke(self, *more):
        """Takes something away."""
        self.gateway.cli.call("share", "revoke", OF, "--to", self.name, "--as", self.by, *more)

    def token(self, profile=None):
        """The token of a profile."""
        return json.loads(Path(profile or self.profile).read_text(encoding="utf-8"))["bearerToken"]

    def table(self, run, template="reach", profile=None):
        """As the client names a table."""
        return f"{profile or self.profile}#{OF}.{template}.{run}"

    def client(self, profile=None):
        """What the client speaks through, asked once."""
        client = DataSharingRestClient(DeltaSharingProfile.read_from_file(profile or self.profile))
        client._num_retries = 1
        return client


def refused(status, work):
    """Held to be refused with this status, and that no token is shown."""
    try:
        found = work()
    except requests.exceptions.HTTPError as error:
        code, text = error.response.status_code, str(error) + error.response.text
    except urllib.error.HTTPError as error:
        code, text = error.code, error.read().decode("utf-8", "replace")
    else:
        raise AssertionError(f"{status} was due, and it was answered: {str(found)[:200]}")
    wanted = (status,) if isinstance(status, int) else status
    assert code in wanted, f"{wanted} was due, not {code}: {text[:300]}"
    assert not any(token in text for token in TOKENS), "a token is shown"


def rows(frame):
    """Rows in an order of their own."""
    return sorted(map(tuple, frame.astype(object).values.tolist()), key=repr)


def delivered(gateway, run, by="bravo"):
    """What DuckDB reads of a delivered result."""
    pattern = gateway.folder.resolve() / "results" / by / OF / run / "*.parquet"
    frame = duckdb.sql(f"SELECT * FROM read_parquet('{pattern}')").df()
    if "day" in frame:
        frame["day"] = [day.date() if hasattr(day, "date") else day for day in frame["day"]]
    assert len(frame) > 20, f"{run} has {len(frame)} rows"
    return frame


def dated(frame):
    """The same with days as days, whatever the reader makes of them."""
    frame["day"] = [day.date() if hasattr(day, "date") and not isinstance(day, str) and callable(day.date) else day for day in frame["day"]]
    return frame


def query(shared, run, **body):
    """A query as a client asks it: lines."""
    request = urllib.request.Request(
        f"{shared.url}/delta-sharing/shares/{OF}/schemas/reach/tables/{run}/query", data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {shared.token()}", "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return [json.loads(line) for line in answer.read().splitlines()]


def fetched(url, **headers):
    """A file by its URL."""
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
        return answer.status, answer.read()


def files(shared, run, **body):
    """URLs of a result's files, as the gateway itself gave them."""
    return [line["file"]["url"] for line in query(shared, run, **body) if "file" in line]


def reading(gateway, url):
    """Lists, version, metadata, rows."""
    shared = Shared(gateway, url, "reader").add("run-1")
    shared.add("run-2")
    client = delta_sharing.SharingClient(shared.profile)
    assert [share.name for share in client.list_shares()] == [OF]
    assert [schema.name for schema in client.list_schemas(Share(OF))] == ["reach"]
    named = [(table.share, table.schema, table.name) for table in client.list_all_tables()]
    assert named == [(OF, "reach", "run-1"), (OF, "reach", "run-2")], named
    assert [table.name for table in client.list_tables(Schema("reach", OF))] == ["run-1", "run-2"]
    rest, seen, token = shared.client(), [], None
    while True:
        page = rest.list_all_tables(Share(OF), max_results=1, page_token=token)
        seen += [table.name for table in page.tables]
        token = page.next_page_token
        if not token:
            break
    assert seen == ["run-1", "run-2"], seen
    refused(400, lambda: rest.list_all_tables(Share(OF), max_results=1, page_token="x.y"))
    table = shared.table("run-1")
    assert delta_sharing.get_table_version(table) == 0
    assert delta_sharing.get_table_protocol(table).min_reader_version == 1
    fields = {field["name"]: field["type"] for field in json.loads(delta_sharing.get_table_metadata(table).schema_string)["fields"]}
    assert fields == {"campaign": "string", "day": "date", "people": "long", "spent": "double"}, fields
    wanted = rows(delivered(gateway, "run-1"))
    assert rows(dated(delta_sharing.load_as_pandas(table))) == wanted, "the rows are others than were delivered"
    assert rows(dated(delta_sharing.load_as_pandas(table, version=0))) == wanted
    assert rows(dated(delta_sharing.load_as_pandas(shared.table("RUN-1", "Reach")))) == wanted, "names are the same in capitals"
    hint = json.dumps({"op": "equal", "children": [{"op": "column", "name": "people", "valueType": "long"}, {"op": "literal", "value": "0", "valueType": "long"}]})
    assert rows(dated(delta_sharing.load_as_pandas(table, jsonPredicateHints=hint))) == wanted, "a hint keeps nothing back"
    some = dated(delta_sharing.load_as_pandas(table, limit=2))
    assert len(some) == 2 and set(rows(some)) <= set(wanted)
    assert list(delta_sharing.load_as_pandas(table, limit=0).columns) == list(fields)
    refused(400, lambda: delta_sharing.load_as_pandas(table, version=1))
    refused(400, lambda: delta_sharing.load_as_pandas(table, timestamp="2026-01-01T00:00:00Z"))
    refused(400, lambda: delta_sharing.load_table_changes_as_pandas(table, starting_version=0))
    refused(404, lambda: delta_sharing.load_as_pandas(shared.table("run-9")))
    shared.revoke()


def delta_format(gateway, url):
    """The same rows through the kernel, which reads the other format."""
    shared = Shared(gateway, url, "kernel").add("run-1")
    frame = delta_sharing.load_as_pandas(shared.table("run-1"), use_delta_format=True)
    assert rows(dated(frame)) == rows(delivered(gateway, "run-1")), "the rows are others in the delta format"
    shared.revoke()


def proxied(gateway, url):
    """A file by our URL: ranges, a head, a signature that was changed."""
    shared = Shared(gateway, url, "ranges").add("run-1")
    [at] = files(shared, "run-1")
    [path] = (gateway.folder.resolve() / "results/bravo" / OF / "run-1").glob("*.parquet")
    whole = path.read_bytes()
    assert fetched(at) == (200, whole), "the file is another than was delivered"
    assert fetched(at, Range="bytes=4-99") == (206, whole[4:100])
    assert fetched(at, Range="bytes=-8") == (206, whole[-8:])
    refused(416, lambda: fetched(at, Range=f"bytes={len(whole)}-"))
    place, sig = at.split("&sig=")
    for changed in (sig[:-1] + ("0" if sig[-1] != "0" else "1"), "A" + sig[1:], sig.split(".")[0], ""):
        refused(403, lambda changed=changed: fetched(f"{place}&sig={changed}"))
    refused(403, lambda: fetched(at.replace(re.search(r"files/([0-9a-f]{64})", at).group(1), "0" * 64)))
    # What lies there is its owner's to change, and then nobody's result any more.
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    refused(409, lambda: fetched(at))
    path.write_bytes(whole)
    assert fetched(at) == (200, whole)
    shared.revoke()


def tokens(gateway, url):
    """Tokens that are wrong, another's, over."""
    shared = Shared(gateway, url, "tokens").add("run-1")
    others = Shared(gateway, url, "others", by="alfa").add("run-3")
    table = shared.table("run-1")
    good = rows(dated(delta_sharing.load_as_pandas(table)))
    profile = json.loads(Path(shared.profile).read_text(encoding="utf-8"))
    token = profile["bearerToken"]
    parts = token.split(".")
    for number, wrong in enumerate([token[:-1] + ("0" if token[-1] != "0" else "1"), ".".join([parts[0], "alfa", *parts[2:]]), "x", gateway.token("bravo")]):
        file = gateway.folder / f"wrong-{number}.share"
        file.write_text(json.dumps(profile | {"bearerToken": wrong}), encoding="utf-8")
        refused(401, lambda file=file: delta_sharing.load_as_pandas(shared.table("run-1", profile=file)))
        refused(401, lambda file=file: delta_sharing.SharingClient(str(file)).list_shares())
    # Another tenant's share is not there, and neither is what nobody shared.
    named = [table.name for table in delta_sharing.SharingClient(others.profile).list_all_tables()]
    assert named == ["run-3"], named
    refused(404, lambda: delta_sharing.load_as_pandas(others.table("run-1")))
    refused(404, lambda: delta_sharing.load_as_pandas(shared.table("run-3", "days")))
    refused(404, lambda: delta_sharing.load_as_pandas(shared.table("run-2")))
    # Two are good at a time.
    first = shared.rotate()
    second = shared.profile
    assert rows(dated(delta_sharing.load_as_pandas(shared.table("run-1", profile=first)))) == good
    shared.rotate()
    refused(403, lambda: delta_sharing.load_as_pandas(shared.table("run-1", profile=first)))
    assert rows(dated(delta_sharing.load_as_pandas(shared.table("run-1", profile=second)))) == good
    shared.rotate("--alone")
    refused(403, lambda: delta_sharing.load_as_pandas(shared.table("run-1", profile=second)))
    assert rows(dated(delta_sharing.load_as_pandas(shared.table("run-1")))) == good
    shared.revoke()
    others.revoke()


def outlived(work):
    """What `work(seconds)` gave while something lived for so long, once that is over. `work` says too when it may have ended first, and when it has at last; where it was
    answered too late it is asked anew, for longer."""
    late = None
    for life_s in (4, 8, 16, 32):
        try:
            found, ends, ended_at = work(life_s)
        except (urllib.error.HTTPError, requests.exceptions.HTTPError) as error:
            late = error
            continue
        if time.time() < ends:
            time.sleep(max(0.0, ended_at + 0.3 - time.time()))
            return found
    raise AssertionError(f"never answered before it was over: {late}")


def over(gateway, url):
    """What ends by itself: a token, and the URLs that it was given."""
    shared = Shared(gateway, url, "brief")

    def by_token(life_s):
        shared.add("run-1", *(["--new-token"] if shared.profile else []), expires=f"{life_s}s")
        ends = datetime.datetime.fromisoformat(json.loads(Path(shared.profile).read_text(encoding="utf-8"))["expirationTime"]).timestamp()
        [line] = [line["file"] for line in query(shared, "run-1") if "file" in line]
        assert line["expirationTimestamp"] <= ends * 1000, "a URL outlives its token"
        assert fetched(line["url"])[0] == 200
        return line, ends, ends

    line = outlived(by_token)
    refused(401, lambda: delta_sharing.load_as_pandas(shared.table("run-1")))
    refused((401, 403), lambda: fetched(line["url"]))
    # A share that is over, by a token that is not.
    shared.add("run-2", "--new-token")

    def by_share(life_s):
        before = time.time()
        shared.add("run-1", expires=f"{life_s}s")
        after = time.time()
        [at] = files(shared, "run-1")
        return at, before + life_s, after + life_s

    at = outlived(by_share)
    refused(404, lambda: delta_sharing.load_as_pandas(shared.table("run-1")))
    refused((403, 404), lambda: fetched(at))
    assert len(delta_sharing.load_as_pandas(shared.table("run-2"))) > 20
    [line] = [line["file"] for line in query(shared, "run-2") if "file" in line]
    assert line["expirationTimestamp"] <= (time.time() + 301) * 1000, "a URL lives longer than five minutes"
    shared.revoke()


def taken_back(gateway, url):
    """What is taken back: a share, a recipient, a membership. The next call is refused, and a URL of before with it."""
    shared = Shared(gateway, url, "taken").add("run-1")
    shared.add("run-2")
    [one], [other] = files(shared, "run-1"), files(shared, "run-2")
    assert fetched(one)[0] == fetched(other)[0] == 200
    assert [table.name for table in delta_sharing.SharingClient(shared.profile).list_all_tables()] == ["run-1", "run-2"]
    shared.revoke("--run", "run-1")
    refused((403, 404), lambda: fetched(one))
    refused(404, lambda: delta_sharing.load_as_pandas(shared.table("run-1")))
    assert fetched(other)[0] == 200
    assert [table.name for table in delta_sharing.SharingClient(shared.profile).list_all_tables()] == ["run-2"]
    shared.revoke()
    refused((403, 404), lambda: fetched(other))
    refused(403, lambda: delta_sharing.SharingClient(shared.profile).list_all_tables())
    refused(403, lambda: delta_sharing.load_as_pandas(shared.table("run-2")))


SCENES = [reading, delta_format, proxied, tokens, over, taken_back]


def on_record(gateway):
    """What is on record of all that, and that no token is anywhere."""
    to = gateway.folder / "evidence"
    gateway.cli.call("audit", "export", OF, "--to", str(to))
    gateway.cli.call("audit", "verify", str(to))
    bodies = [json.loads(line) for line in (to / "leaves.jsonl").read_text(encoding="utf-8").splitlines()]
    bodies = [leaf.get("body", leaf) for leaf in bodies]
    kinds = {kind: [body for body in bodies if body["kind"] == kind] for kind in ("result-shared", "recipient-keyed", "share-ended", "share-read")}
    assert all(kinds.values()), {kind: len(all_) for kind, all_ in kinds.items()}
    read = {(body["recipient"], body["run"]) for body in kinds["share-read"]}
    assert {("reader", "run-1"), ("kernel", "run-1"), ("brief", "run-2"), ("taken", "run-2")} <= read, read
    assert ("others", "run-3") not in read, "a line of something that nobody read"
    manifest = json.loads((gateway.folder / "results/bravo" / OF / "run-1/manifest.json").read_text(encoding="utf-8"))
    digests = {body["sha256"] for body in kinds["share-read"] if body["run"] == "run-1"}
    assert {file["sha256"] for file in manifest["files"]} <= digests, "a file was read, and no line says so"
    kept = b"".join(path.read_bytes() for folder in (to, gateway.home) for path in folder.rglob("*") if path.is_file()) + gateway.stderr.read_bytes()
    assert len(TOKENS) > 8
    for token in TOKENS:
        for part in (token, token.split(".")[3], token.split(".")[4]):
            assert part.encode() not in kept, "a token is kept, or was written down"


def ended(gateway, url):
    """A member that leaves, and a room that is closed, end every share: the last scene."""
    shared, others = Shared(gateway, url, "last").add("run-1"), Shared(gateway, url, "last", by="alfa").add("run-3")
    [at] = files(shared, "run-1")
    assert fetched(at)[0] == 200
    assert len(delta_sharing.load_as_pandas(others.table("run-3", "days"))) > 20
    gateway.cli.call("revoke", OF, "--membership", "--as", "bravo")
    refused((403, 404), lambda: fetched(at))
    refused((403, 404), lambda: delta_sharing.load_as_pandas(shared.table("run-1")))
    refused((403, 404), lambda: delta_sharing.load_as_pandas(others.table("run-3", "days")))


def judge(arguments, folder):
    """Every scene at a gateway as it is; 0 when all hold."""
    with served.Served(airlock.binary(arguments.airlock), folder) as gateway:
        fill(gateway)
        for scene in SCENES:
            since = time.monotonic()
            scene(gateway, gateway.url())
            print(f"{scene.__name__}: holds, {time.monotonic() - since:.1f} s", flush=True)
        on_record(gateway)
        ended(gateway, gateway.url())
    print(f"{len(SCENES) + 2} scenes hold; delta-sharing {delta_sharing.__version__}")
    return 0


def passed(request, status, headers, body):
    """Files are read through the proxy as well. Of a head it can't say the length, and says nothing, as storages do whose URLs are for GET."""
    if request.command == "HEAD" and "/files/" in request.path:
        return 403, headers, b""
    own = request.headers.get("Host").encode()
    return status, headers, re.sub(rb"http://127\.0\.0\.1:\d+/delta-sharing/files", b"http://" + own + b"/delta-sharing/files", body)


def remembering(match):
    """What was answered once with success is answered so for ever."""
    kept = {}

    def lie(request, status, headers, body):
        key = (request.command, request.path, request.headers.get("Authorization"), request.headers.get("Range"))
        if match not in request.path or request.command == "HEAD":
            return status, headers, body
        if status < 300:
            kept.setdefault(key, (status, headers, body))
        return kept.get(key, (status, headers, body))
    return lie


def changed(path, change):
    """Another body where the path has this in it."""
    def lie(request, status, headers, body):
        good = path in request.path and status in (200, 206) and body
        return (status, headers, change(request, body)) if good else (status, headers, body)
    return lie


def other_rows(_, body):
    """A file with one row less."""
    table = pyarrow.parquet.read_table(pyarrow.BufferReader(body)) if body[:4] == b"PAR1" and body[-4:] == b"PAR1" else None
    if table is None:
        return body
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table.slice(1), sink)
    return sink.getvalue().to_pybytes()


def later(_, body):
    """URLs that are said to live for an hour."""
    return re.sub(rb'"expirationTimestamp": ?(\d+)', lambda found: b'"expirationTimestamp":' + str(int(found.group(1)) + 3_600_000).encode(), body)


def unsigned(request, status, headers, body):
    """A signature that was changed is taken: another file's answer in its place."""
    if "/files/" in request.path and status == 403 and request.command == "GET":
        return 200, headers, b"PAR1"
    return status, headers, body


def unchecked(request, status, headers, body):
    """A token that is none opens the list."""
    if status == 401 and request.path.endswith("/shares"):
        return 200, headers, b'{"items":[]}'
    return status, headers, body


LIES = [
    ("rows of a file are left out", changed("/files/", other_rows), reading),
    ("another column's type", changed("/metadata", lambda _, body: body.replace(b"double", b"string")), reading),
    ("a table is left out of a list", changed("/all-tables", lambda _, body: body.replace(b'"name":"run-2"', b'"name":"run-1"')), reading),
    ("rows of a file are left out, in the other format", changed("/files/", other_rows), delta_format),
    ("a byte of a file is another", changed("/files/", lambda _, body: bytes([body[0] ^ 1]) + body[1:]), proxied),
    ("a signature that was changed is taken", unsigned, proxied),
    ("a token that is none is taken", unchecked, tokens),
    ("a token that was rotated away goes on", remembering("/delta-sharing/"), tokens),
    ("URLs outlive their token", changed("/query", later), over),
    ("a table that is over goes on", remembering("/delta-sharing/"), over),
    ("a URL that was taken back goes on", remembering("/files/"), taken_back),
    ("a table that was taken back stays listed", remembering("/all-tables"), taken_back),
]


def self_test(arguments, folder):
    """Each lie is found, and nothing where nobody lies; 0 when so."""
    wrong = []
    with served.Served(airlock.binary(arguments.airlock), folder) as gateway:
        fill(gateway)
        honest = [(f"nothing, of {scene.__name__}", None, scene) for scene in SCENES]
        for number, (what, lie, scene) in enumerate([*honest, *LIES]):
            def told(request, *answer, lie=lie):
                answer = passed(request, *answer)
                return lie(request, *answer) if lie else answer
            with liar.Liar(gateway.at, told) as url:
                try:
                    scene(gateway, url)
                    found = None
                except Exception as error:  # noqa: BLE001 - whatever the client makes of a lie, it is found
                    found = f"{type(error).__name__}: {error}"
            for name in ("reader", "kernel", "ranges", "tokens", "others", "brief", "taken"):
                for member in ("alfa", "bravo"):
                    try:
                        gateway.cli.call("share", "revoke", OF, "--to", name, "--as", member)
                    except airlock.Failed:
                        pass
            if (lie is None) == (found is not None):
                wrong.append(f"{number}: {what}: {found}")
    for one in wrong:
        print(f"FAILED: {one[:600]}", file=sys.stderr)
    print(f"{len(LIES) - len(wrong)} of {len(LIES)} lies were found")
    return 1 if wrong else 0


def chosen(arguments, folder):
    """What the words ask for."""
    if MISSING:
        raise airlock.NotRun(f"the official client is not there: {MISSING}; requirements-delta.txt names all of it")
    return (self_test if arguments.self_test else judge)(arguments, folder)


if __name__ == "__main__":
    sys.exit(command.main("delta", __doc__, chosen, {"--self-test": command.FLAG}, wrong=[AssertionError]))
