"""The stage for AWS Clean Rooms: LocalStack with the twin in it, buckets, tables and profiles of accounts, raw calls of an account,
and somebody between a gateway and the stage. Must not know any scenario.

`localstack/harness up localstack` starts it and its env file names it; an account is its access key.
"""

import http.client
import http.server
import json
import os
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import boto3
import botocore.config
import botocore.exceptions
import pyarrow as pa
import pyarrow.parquet as pq

import airlock

REGION = "eu-central-1"
IDLE_S_MAX = 1  # of a connection to the stage
SIGNED = "AWS4-HMAC-SHA256 Credential={key}/20260101/{region}/s3/aws4_request, SignedHeaders=host, Signature=00"
TYPES = {"string": "string", "large_string": "string", "int64": "bigint", "int32": "int", "int16": "smallint", "double": "double", "float": "float", "bool": "boolean",
         "date32[day]": "date", "timestamp[us]": "timestamp", "timestamp[us, tz=UTC]": "timestamp", "timestamp[ns]": "timestamp", "binary": "binary"}


class Stage:
    """One stage, as new: the one that is up, or the one at an endpoint."""

    def __init__(self, folder: Path, accounts: dict, endpoint=None):
        self.folder, self.accounts, self.clients = folder, accounts, {}
        self.endpoint, self.control = os.environ.get("AIRLOCK_LOCALSTACK"), os.environ.get("AIRLOCK_CLEANROOMS_CONTROL")
        if endpoint:
            self.endpoint, self.control = endpoint, f"{endpoint}/_twin"
        if not self.endpoint or not self.control:
            raise airlock.NotRun("no LocalStack with the Clean Rooms twin: localstack/harness up localstack")
        self.tell("POST", "reset")
        self.tell("POST", "clock", {"mode": "real"})

    def call(self, method, url, body=None, key="111111111111", region=REGION):
        """One request, signed as far as the stage looks."""
        headers = {"Authorization": SIGNED.format(key=key, region=region), "Content-Type": "application/octet-stream"}
        request = urllib.request.Request(url, data=body, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def tell(self, method, path, body=None):
        """One call of the twin's control."""
        return json.loads(self.call(method, f"{self.control}/{path}", json.dumps(body or {}).encode() if method != "GET" else None))

    def log(self):
        """What was asked of the service, and answered, since the log was cleared."""
        return self.tell("GET", "log")["log"]

    def judged(self, tally):
        """Has every raw call since the log was cleared judged by the service's model, and clears it."""
        found = self.tell("GET", "log")
        tally.take(found["log"], found["lost"])
        self.tell("DELETE", "log")

    def bucket(self, name, member, region=REGION):
        """A bucket of a member."""
        try:
            self.client(member, "s3", region).create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] not in ("BucketAlreadyExists", "BucketAlreadyOwnedByYou"):
                raise
        return name

    def table(self, member, database, name, place: Path, only=None):
        """A file or folder of Parquet in a member's bucket, and its table (of these columns only) in the member's catalogue."""
        bucket = self.bucket(f"airlock-data-{member}", member)
        files = sorted(place.rglob("*.parquet")) if place.is_dir() else [place]
        for file in files:
            key = file.relative_to(place) if place.is_dir() else file.name
            self.call("PUT", f"{self.endpoint}/{bucket}/{name}/{key}", file.read_bytes(), self.accounts[member])
        schema = pq.read_schema(files[0])
        columns = [{"name": f.name.lower(), "type": TYPES[str(f.type.value_type if pa.types.is_dictionary(f.type) else f.type)]} for f in schema if not only or f.name in only]
        self.tell("PUT", f"glue/{self.accounts[member]}/{database}/{name}", {"columns": columns, "partitionKeys": [], "location": f"s3://{bucket}/{name}/"})

    def client(self, member, service="cleanrooms", region=REGION):
        """Raw calls as a member, each made once."""
        if (member, service, region) not in self.clients:
            config = botocore.config.Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
            key = {"aws_access_key_id": self.accounts[member], "aws_secret_access_key": "any"}
            self.clients[member, service, region] = boto3.client(service, region_name=region, endpoint_url=self.endpoint, config=config, **key)
        return self.clients[member, service, region]

    def environment(self, region=REGION, endpoint=None):
        """What a process needs to reach the stage under a profile a member."""
        config, secrets = self.folder / "aws-config", self.folder / "aws-credentials"
        config.write_text("".join(f"[profile {m}]\nregion = {region}\n" for m in self.accounts), encoding="utf-8")
        secrets.write_text("".join(f"[{m}]\naws_access_key_id = {a}\naws_secret_access_key = any\n" for m, a in self.accounts.items()), encoding="utf-8")
        return {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(secrets), "AWS_ENDPOINT_URL": endpoint or self.endpoint, "AWS_EC2_METADATA_DISABLED": "true",
                # Nobody's: a profile's own credentials count, whatever lies in the environment.
                "AWS_ACCESS_KEY_ID": "999999999999", "AWS_SECRET_ACCESS_KEY": "any"}

    def account(self, number):
        """A client of an account that needs no gateway: what is sent is sent as it is, once."""
        once = botocore.config.Config(retries={"total_max_attempts": 1}, parameter_validation=False, read_timeout=60)
        return boto3.client("cleanrooms", region_name=REGION, endpoint_url=self.endpoint, aws_access_key_id=number, aws_secret_access_key="any", config=once)

    def connect(self, home: Path, receivers=(), result_format="parquet", operated=None):
        """Writes how a gateway reaches each member, or those it operates."""
        lines = []
        for member, account in self.accounts.items():
            if operated is not None and member not in operated:
                continue
            lines += [f"[aws-clean-rooms.members.{member}]", f'profile = "{member}"', f'data_role = "arn:aws:iam::{account}:role/airlock-data-reader"']
            if member in receivers:
                bucket = self.bucket(f"airlock-landing-{member}", member)
                lines += [f'landing = "s3://{bucket}/airlock"', f'result_role = "arn:aws:iam::{account}:role/airlock-result-writer"', f'result_format = "{result_format}"']
        home.mkdir(parents=True, exist_ok=True)
        (home / "connections.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def shell(self, member, script, known=None):
        """A script as a member with the AWS CLI on its path; its output."""
        aws = command_line()
        environment = os.environ | self.environment() | (known or {})
        environment |= {"AWS_PROFILE": member, "AWS_ACCESS_KEY_ID": self.accounts[member], "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "PATH": f"{aws}:{os.environ['PATH']}"}
        # The CLI brings an older model of its own, without thresholds and comparison controls.
        environment["AWS_DATA_PATH"] = str(next(aws.parent.glob("lib/python3*/site-packages/botocore/data")))
        done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise airlock.Failed(("sh", member), done.returncode, done.stdout[-800:], done.stderr[-1500:])
        return done.stdout


def command_line():
    """The folder of the AWS CLI, in the environment of the twin's own tests."""
    aws = Path(os.environ.get("AIRLOCK_VENV") or airlock.ROOT / ".venv") / "peers" / "cleanrooms-test" / "bin"
    if not (aws / "aws").exists():
        subprocess.run([airlock.ROOT / "localstack" / "cleanrooms" / "test", "--only-install"], stdout=subprocess.DEVNULL, check=False)
    if not (aws / "aws").exists():
        raise airlock.NotRun("no AWS CLI: localstack/cleanrooms/test makes its environment")
    return aws


class Between:
    """Stands between a gateway and the stage: hands everything on, but for what `answer` answers instead.

    `answer(method, path, headers, body)` gives (status, headers, body) or None; `alter(method, path, body)` gives another body of a good answer."""

    def __init__(self, endpoint, answer=None, alter=None):
        outer = self
        self.target, self.answer, self.alter, self.kept = endpoint, answer, alter, threading.local()

        class Handler(http.server.BaseHTTPRequestHandler):
            """One connection."""

            protocol_version, disable_nagle_algorithm, wbufsize = "HTTP/1.1", True, 1 << 16

            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, headers, answered = outer.ask(self.command, self.path, dict(self.headers), body)
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(answered)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answered)

            do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = do_HEAD = pass_on  # noqa: N815  the names are http.server's

            def log_message(self, *_):
                """Quiet."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"

    def ask(self, method, path, headers, body):
        """An answer of our own, or the stage's."""
        own = self.answer(method, path, headers, body) if self.answer else None
        if own:
            return own
        there, used = getattr(self.kept, "connection", (None, 0.0))
        # The stage may have closed it; what is sent once must not fail for that.
        if there is None or method not in ("GET", "HEAD") or time.monotonic() - used > IDLE_S_MAX:
            if there is not None:
                there.close()
            there = http.client.HTTPConnection(urllib.parse.urlsplit(self.target).netloc, timeout=60)
        there.request(method, path, body or None, {n: v for n, v in headers.items() if n.lower() not in ("host", "connection")})
        answer = there.getresponse()
        found = answer.read()
        self.kept.connection = there, time.monotonic()
        altered = self.alter(method, path, found) if self.alter and answer.status < 300 else None
        return answer.status, dict(answer.headers), found if altered is None else altered

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
