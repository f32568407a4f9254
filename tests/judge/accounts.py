"""The stage for Snowflake: the twin as new, tables and connections of accounts, statements of an account without a gateway.
Must not know any scenario.

`localstack/harness up snowflake` starts it and its env file names it; an account is `ORG.ACCOUNT`.
"""

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.hazmat.primitives import serialization

import airlock

PROVIDER, CONSUMER, OTHER = "ACME.PROVIDER", "ACME.CONSUMER", "ACME.SECURED"
REGION = "us-east-1"
BUCKET = "airlock-results"
SETTLES_MS = 1000  # of a clean room, in the place of a minute
ROLE = "arn:aws:iam::111111111111:role/landing"
TYPES = {"string": "VARCHAR", "large_string": "VARCHAR", "int64": "NUMBER(38,0)", "int32": "NUMBER(38,0)", "int16": "NUMBER(38,0)", "double": "FLOAT", "float": "FLOAT", "bool": "BOOLEAN",
         "date32[day]": "DATE", "timestamp[us]": "TIMESTAMP_NTZ(9)", "timestamp[us, tz=UTC]": "TIMESTAMP_NTZ(9)", "timestamp[ns]": "TIMESTAMP_NTZ(9)", "binary": "BINARY"}


class Refused(Exception):
    """The platform refused a statement."""


class Accounts:
    """The twin as new, with the accounts of members."""

    def __init__(self, members: dict):
        self.members = members
        named = ("AIRLOCK_SNOWFLAKE", "AIRLOCK_SNOWFLAKE_CONTROL", "AIRLOCK_SNOWFLAKE_KEY_FILE", "AIRLOCK_SNOWFLAKE_USER", "AIRLOCK_SNOWFLAKE_STORE")
        if not all(os.environ.get(name) for name in named):
            raise airlock.NotRun("no Snowflake twin: localstack/harness up snowflake")
        self.endpoint, self.control, self.key_file, self.user, self.store = (os.environ[name] for name in named)
        self.tell("POST", "reset")
        known = {one["identifier"] for one in self.tell("GET", "accounts")["accounts"]}
        for account in members.values():
            if account not in known:
                self.make(account)
            self.sql(account, "CREATE DATABASE AIRLOCK")
            self.sql(account, f"CREATE STORAGE INTEGRATION LANDING TYPE = EXTERNAL_STAGE STORAGE_PROVIDER = 'S3' ENABLED = TRUE STORAGE_AWS_ROLE_ARN = '{ROLE}' "
                              f"STORAGE_ALLOWED_LOCATIONS = ('s3://{BUCKET}/')")
        if self.store.startswith("file://"):
            (airlock.local(self.store) / BUCKET).mkdir(parents=True, exist_ok=True)

    def tell(self, method, path, body=None):
        """One call of the twin's control; Refused where the statement was."""
        data = None if method == "GET" else json.dumps(body or {}).encode()
        request = urllib.request.Request(f"{self.control}/{path}", data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=300) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            said = error.read().decode()
            if error.code == 422:
                raise Refused(said) from error
            raise AssertionError(f"{method} {path}: {said}") from error

    def make(self, account):
        """An account like the seeded ones, with the user of the gateway."""
        self.tell("PUT", f"accounts/{account}", {"region": "aws_us_east_1", "edition": "ENTERPRISE"})
        key = serialization.load_pem_private_key(Path(self.key_file).read_bytes(), None).public_key()
        pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
        self.tell("PUT", f"users/{account}/{self.user}", {"public_key": pem, "roles": ["ACCOUNTADMIN"]})
        self.sql(account, "CREATE WAREHOUSE IF NOT EXISTS COMPUTE_WH")

    def sql(self, account, *statements):
        """What the account's administrator is told by the last of some statements: a dict a row."""
        result = self.tell("POST", "sql", {"account": account, "statements": list(statements)})["results"][-1]
        return [dict(zip(result["columns"], row, strict=True)) for row in result["rows"]]

    def refuses(self, account, statement):
        """Whether an account's statement is refused."""
        try:
            self.sql(account, statement)
        except Refused:
            return True
        return False

    def table(self, member, database, name, place: Path, only=None):
        """A file or folder of Parquet as a table of a member, of these columns only."""
        files = sorted(place.rglob("*.parquet")) if place.is_dir() else [place]
        shown = [f for f in pq.read_schema(files[0]) if not only or f.name in only]
        columns = [{"name": f.name, "type": TYPES[str(f.type.value_type if pa.types.is_dictionary(f.type) else f.type)]} for f in shown]
        place = f"tables/{self.members[member]}/{database}/PUBLIC/{name}"
        self.tell("PUT", place, {"columns": columns, "files": [str(f) for f in files]})

    def connect(self, home: Path, operated=None, verified=("preset-tables",)):
        """Writes how a gateway reaches each member, or those it operates, behind what is there, and what its operator saw hold. What the twin did it shows at once."""
        lines = ["[snowflake]", f"settles_ms = {SETTLES_MS}", f"verified = {json.dumps(verified)}"]
        for member, account in self.members.items():
            if operated is None or member in operated:
                lines += [f"[snowflake.members.{member}]", f'endpoint = "{self.endpoint}/accounts/{account.replace(".", "-")}"', f'user = "{self.user}"',
                          f'key_file = "{self.key_file}"', 'warehouse = "COMPUTE_WH"', f'unload = "s3://{BUCKET}/{member}"', 'storage_integration = "LANDING"',
                          f'landing = "{self.store.rstrip("/")}/{BUCKET}/{member}"']
                if self.store.startswith("file://"):
                    (airlock.local(self.store) / BUCKET / member).mkdir(parents=True, exist_ok=True)
        home.mkdir(parents=True, exist_ok=True)
        with (home / "connections.toml").open("a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        home.chmod(0o700)

    def statements(self, match="", account=""):
        """Every statement that came over the API, oldest first."""
        query = urllib.parse.urlencode({k: v for k, v in (("match", match), ("account", account)) if v})
        return self.tell("GET", f"statements?{query}")["statements"]
