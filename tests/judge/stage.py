"""The stage for AWS Clean Rooms: LocalStack with the twin in it, buckets, tables and profiles of accounts. Must not know any
scenario.

`localstack/harness up localstack` starts it and its env file names it; an account is its access key.
"""

import json
import os
import urllib.error
import urllib.request
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import airlock

REGION = "eu-central-1"
SIGNED = "AWS4-HMAC-SHA256 Credential={key}/20260101/{region}/s3/aws4_request, SignedHeaders=host, Signature=00"
LOCATION = f'<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>{REGION}</LocationConstraint></CreateBucketConfiguration>'
TYPES = {"string": "string", "large_string": "string", "int64": "bigint", "int32": "int", "int16": "smallint", "double": "double", "float": "float", "bool": "boolean",
         "date32[day]": "date", "timestamp[us]": "timestamp", "timestamp[us, tz=UTC]": "timestamp", "timestamp[ns]": "timestamp", "binary": "binary"}


class Stage:
    """One stage, as new."""

    def __init__(self, folder: Path, accounts: dict):
        self.folder, self.accounts = folder, accounts
        self.endpoint, self.control = os.environ.get("AIRLOCK_LOCALSTACK"), os.environ.get("AIRLOCK_CLEANROOMS_CONTROL")
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

    def bucket(self, name, member):
        """A bucket of a member."""
        try:
            self.call("PUT", f"{self.endpoint}/{name}", LOCATION.encode(), self.accounts[member])
        except urllib.error.HTTPError as error:
            if error.code != 409:
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

    def environment(self):
        """What a process needs to reach the stage under a profile a member."""
        config, secrets = self.folder / "aws-config", self.folder / "aws-credentials"
        config.write_text("".join(f"[profile {m}]\nregion = {REGION}\n" for m in self.accounts), encoding="utf-8")
        secrets.write_text("".join(f"[{m}]\naws_access_key_id = {a}\naws_secret_access_key = any\n" for m, a in self.accounts.items()), encoding="utf-8")
        return {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(secrets), "AWS_ENDPOINT_URL": self.endpoint, "AWS_EC2_METADATA_DISABLED": "true",
                # Nobody's: a profile's own credentials count, whatever lies in the environment.
                "AWS_ACCESS_KEY_ID": "999999999999", "AWS_SECRET_ACCESS_KEY": "any"}

    def account(self, number):
        """A client of an account that needs no gateway: what is sent is sent as it is, once."""
        import boto3
        from botocore.config import Config

        once = Config(retries={"total_max_attempts": 1}, parameter_validation=False, read_timeout=60)
        return boto3.client("cleanrooms", region_name=REGION, endpoint_url=self.endpoint, aws_access_key_id=number, aws_secret_access_key="any", config=once)

    def connect(self, home: Path, receivers=(), result_format="parquet", only=None):
        """Writes how a gateway reaches each member, or only some."""
        lines = []
        for member, account in self.accounts.items():
            if only is not None and member not in only:
                continue
            lines += [f"[aws-clean-rooms.members.{member}]", f'profile = "{member}"', f'data_role = "arn:aws:iam::{account}:role/airlock-data-reader"']
            if member in receivers:
                bucket = self.bucket(f"airlock-landing-{member}", member)
                lines += [f'landing = "s3://{bucket}/airlock"', f'result_role = "arn:aws:iam::{account}:role/airlock-result-writer"', f'result_format = "{result_format}"']
        home.mkdir(parents=True, exist_ok=True)
        (home / "connections.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
