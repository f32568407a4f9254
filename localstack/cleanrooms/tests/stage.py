"""What every test needs: a running twin, clients of several accounts, a collaboration with tables. Must not know any one test."""

import contextlib
import csv
import io
import json
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import boto3
import botocore.config
import duckdb

OWNER, RUNNER, OTHER, STRANGER = "111111111111", "222222222222", "333333333333", "999999999999"
REGION = "us-east-1"


class Twin:
    """The control API, at its own address."""

    def __init__(self, control):
        self.control = control

    def call(self, method, path, body=None):
        """One call; an error's text is raised."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.control}/{path}", data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=90) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise ValueError(error.read().decode()) from error

    def reset(self):
        """As new, with a clock that stands still."""
        self.call("POST", "reset")
        self.call("POST", "clock", {"mode": "manual"})

    def advance(self, seconds):
        """Moves the clock."""
        return self.call("POST", "clock", {"advance_s": seconds})

    def set(self, **switches):
        """Changes switches."""
        return self.call("POST", "settings", switches)

    def fault(self, kind, **fields):
        """Adds one fault."""
        return self.call("POST", "faults", {"faults": [{"kind": kind, **fields}]})

    def events(self, account):
        """Types of events an account heard."""
        return [e["detail-type"] for e in self.call("GET", f"events?account={account}")["events"]]

    def table(self, account, name, columns, location, partitions=()):
        """Gives an account a table."""
        def shown(pairs):
            return [{"name": n, "type": t} for n, t in pairs]
        self.call("PUT", f"glue/{account}/db/{name}", {"columns": shown(columns), "partitionKeys": shown(partitions), "location": location})


def client(endpoint, account, region=REGION, service="cleanrooms", **config):
    """A boto3 client whose account is its access key; no retries unless asked for."""
    config.setdefault("retries", {"total_max_attempts": 1})
    config.setdefault("parameter_validation", False)  # what the client would catch, the server must
    return boto3.client(service, region_name=region, endpoint_url=endpoint, aws_access_key_id=account, aws_secret_access_key="any",
                        config=botocore.config.Config(read_timeout=90, **config))


def parquet(path, columns, rows):
    """Writes a Parquet file of typed columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect()
    con.execute("CREATE TABLE t (" + ", ".join(f'"{n}" {t}' for n, t in columns) + ")")
    if rows:
        con.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(columns))})", rows)
    con.execute(f"COPY t TO '{path}' (FORMAT parquet)")


class Store:
    """Buckets that are folders: what the stand-alone server reads and writes."""

    def __init__(self, root):
        self.root = Path(root)

    def bucket(self, name, account=None):
        """A bucket that is there."""
        (self.root / name).mkdir(parents=True, exist_ok=True)
        return name

    def put(self, bucket, key, columns, rows, account=None):
        """A Parquet object."""
        self.bucket(bucket)
        parquet(self.root / bucket / key, columns, rows)

    def objects(self, bucket, account=None):
        """{key: bytes}."""
        place = self.root / bucket
        return {str(p.relative_to(place)): p.read_bytes() for p in sorted(place.rglob("*")) if p.is_file()}


class ObjectStore:
    """The same buckets behind an S3 endpoint. A test finds each one empty when it first names it."""

    def __init__(self, endpoint):
        self.endpoint, self.emptied = endpoint, set()

    def _client(self, account):
        return client(self.endpoint, account or OWNER, service="s3", s3={"addressing_style": "path"})

    def bucket(self, name, account=None):
        """A bucket that is there, whoever made it."""
        if name in self.emptied:
            return name
        s3 = self._client(account)
        with contextlib.suppress(s3.exceptions.BucketAlreadyExists, s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=name)
        for key in self._keys(name, account):
            s3.delete_object(Bucket=name, Key=key)
        self.emptied.add(name)
        return name

    def put(self, bucket, key, columns, rows, account=None):
        """A Parquet object."""
        self.bucket(bucket, account)
        with tempfile.TemporaryDirectory(prefix="twin-parquet-") as folder:
            parquet(Path(folder) / "object", columns, rows)
            self._client(account).put_object(Bucket=bucket, Key=key, Body=(Path(folder) / "object").read_bytes())

    def _keys(self, bucket, account):
        pages = self._client(account).get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def objects(self, bucket, account=None):
        """{key: bytes}."""
        s3 = self._client(account)
        return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in self._keys(bucket, account)}


def rows_of(files):
    """(header, rows) of a result's CSV objects."""
    header, rows = None, []
    for body in files.values():
        found = list(csv.reader(io.StringIO(body.decode())))
        assert header in (None, found[0]), "every part has the same header"
        header = found[0]
        rows += found[1:]
    return header, rows


class Room:
    """A collaboration of an owner and a runner, with whatever tables a test adds."""

    def __init__(self, twin, endpoint, store, members=None, make=client, **collaboration):
        self.twin, self.endpoint, self.store = twin, endpoint, store
        self.owner, self.runner = make(endpoint, OWNER), make(endpoint, RUNNER)
        self.clients = {OWNER: self.owner, RUNNER: self.runner}
        members = members if members is not None else [{"accountId": RUNNER, "memberAbilities": ["CAN_QUERY", "CAN_RECEIVE_RESULTS"], "displayName": "runner"}]
        arguments = {"name": "room", "creatorMemberAbilities": [], "creatorDisplayName": "owner", "queryLogStatus": "ENABLED", "members": members} | collaboration
        self.id = self.owner.create_collaboration(**arguments)["collaboration"]["id"]
        self.memberships = {}
        for account in [OWNER] + [m["accountId"] for m in members]:
            self.clients.setdefault(account, make(endpoint, account))
            self.memberships[account] = self.clients[account].create_membership(collaborationIdentifier=self.id, queryLogStatus="ENABLED")["membership"]
        store.bucket("results", RUNNER)

    def member(self, account):
        """A member's membership id."""
        return self.memberships[account]["id"]

    def table(self, account, name, columns, rows=(), rule=None, kind="CUSTOM", bucket=None, allowed=None, key="data.parquet"):
        """Data, catalogue entry, configured table, rule and association: (table id, association id)."""
        bucket = bucket or f"data-{account}"
        self.store.put(bucket, f"{name}/{key}", columns, list(rows), account)
        self.twin.table(account, name, columns, f"s3://{bucket}/{name}/")
        table = self.clients[account].create_configured_table(
            name=name, tableReference={"glue": {"databaseName": "db", "tableName": name}}, allowedColumns=allowed or [n for n, _ in columns],
            analysisMethod="DIRECT_QUERY")["configuredTable"]["id"]
        if rule is not None:
            self.rule(account, table, rule, kind)
        return table, self.associate(account, table, name)

    def rule(self, account, table, rule, kind="CUSTOM"):
        """A table's rule."""
        self.clients[account].create_configured_table_analysis_rule(configuredTableIdentifier=table, analysisRuleType=kind,
                                                                    analysisRulePolicy={"v1": {kind.lower(): rule}})

    def associate(self, account, table, name):
        """Places a table."""
        return self.clients[account].create_configured_table_association(
            name=name, membershipIdentifier=self.member(account), configuredTableIdentifier=table,
            roleArn=f"arn:aws:iam::{account}:role/data-{name}-role")["configuredTableAssociation"]["id"]

    def template(self, text, account=RUNNER, name="t1", **fields):
        """A template's ARN."""
        return self.clients[account].create_analysis_template(membershipIdentifier=self.member(account), name=name, format="SQL", source={"text": text},
                                                              **fields)["analysisTemplate"]["arn"]

    def start(self, text=None, template=None, output=None, parameters=None, **fields):
        """Starts a query; its id."""
        sql = {"queryString": text} if text is not None else {"analysisTemplateArn": template}
        if parameters:
            sql["parameters"] = parameters
        output = output or {"s3": {"resultFormat": "CSV", "bucket": "results", "keyPrefix": "in"}}
        return self.runner.start_protected_query(type="SQL", membershipIdentifier=self.member(RUNNER), sqlParameters=sql,
                                                 resultConfiguration={"outputConfiguration": output}, **fields)["protectedQuery"]["id"]

    def query(self, identifier):
        """A query as the runner reads it."""
        return self.runner.get_protected_query(membershipIdentifier=self.member(RUNNER), protectedQueryIdentifier=identifier)["protectedQuery"]

    def finish(self, identifier):
        """Lets a query come to its end."""
        self.twin.advance(10)
        return self.query(identifier)

    def rows(self, text=None, **how):
        """Sorted rows of a query that must succeed."""
        identifier = self.start(text, **how)
        query = self.finish(identifier)
        assert query["status"] == "SUCCESS", query.get("error")
        prefix = f"in/{identifier}/"
        files = {k: b for k, b in self.store.objects("results", RUNNER).items() if k.startswith(prefix)}
        assert files, "a result has at least one object"
        return sorted(rows_of(files)[1])

    def refusal(self, text=None, **how):
        """(code, message) of a query that must fail."""
        query = self.finish(self.start(text, **how))
        assert query["status"] == "FAILED", query["status"]
        return query["error"]["code"], query["error"]["message"]
