"""The twin driven by the AWS CLI: another serialiser, paginator and reader of errors than ours."""

import json
import os
import subprocess
import sys
from pathlib import Path

import botocore
import pytest
from botocore import xform_name
from stage import OWNER, REGION, RUNNER, rows_of

AWS = Path(sys.executable).parent / "aws"
FAILED = 255  # what this CLI ends with after an error of the service
CREATE = {"name": "room", "description": "d", "creatorDisplayName": "owner", "creatorMemberAbilities": [], "queryLogStatus": "ENABLED", "members": []}
NOWHERE = "00000000-0000-4000-8000-000000000000"


class Cli:
    """The AWS CLI of an account; the account is its access key."""

    def __init__(self, endpoint, account, attempts=1):
        self.endpoint = endpoint
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")} | {
            "AWS_ACCESS_KEY_ID": account, "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": REGION, "AWS_MAX_ATTEMPTS": str(attempts), "AWS_RETRY_MODE": "standard",
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            # The CLI brings an older model of its own, without thresholds and comparison controls.
            "AWS_DATA_PATH": str(Path(botocore.__file__).parent / "data")}

    def run(self, operation, *words, **given):
        """One command, ended: arguments in the model's names, structures as JSON."""
        options = [w for name, value in given.items() for w in (f"--{xform_name(name, '-')}", value if isinstance(value, str) else json.dumps(value))]
        command = [AWS, "--endpoint-url", self.endpoint, "--output", "json", "cleanrooms", operation, *options, *words]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60, check=False)

    def __call__(self, operation, *words, **given):
        """What a command prints, which must succeed."""
        done = self.run(operation, *words, **given)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None


@pytest.fixture
def cli(twin, endpoint):
    """The CLI of an account."""
    if not AWS.exists():
        pytest.fail("NOT RUN: no AWS CLI in the tests' environment", pytrace=False)
    return lambda account, **how: Cli(endpoint, account, **how)


def raw(twin, operation):
    """The raw requests of one operation."""
    return [one["raw"] for one in twin.call("GET", "log")["log"] if one["operation"] == operation]


def test_the_lifecycle_of_the_readme(twin, cli, store):
    owner, runner = cli(OWNER), cli(RUNNER)
    store.put("data", "people/p.parquet", [("id", "string"), ("city", "string")], [(f"p{n}", f"city{n % 3}") for n in range(300)], OWNER)
    store.bucket("results", RUNNER)
    twin.call("PUT", f"glue/{OWNER}/shop/people", {"columns": [{"name": n, "type": "string"} for n in ("id", "city")], "location": "s3://data/people/"})
    room = runner("create-collaboration", **CREATE | {"creatorMemberAbilities": ["CAN_QUERY", "CAN_RECEIVE_RESULTS"],
                                                      "members": [{"accountId": OWNER, "displayName": "owner", "memberAbilities": []}]})["collaboration"]["id"]
    joined = {one: one("create-membership", collaborationIdentifier=room, queryLogStatus="ENABLED")["membership"]["id"] for one in (owner, runner)}
    table = owner("create-configured-table", name="people", tableReference={"glue": {"databaseName": "shop", "tableName": "people"}}, allowedColumns=["id", "city"],
                  analysisMethod="DIRECT_QUERY")["configuredTable"]["id"]
    owner("create-configured-table-association", name="people", membershipIdentifier=joined[owner], configuredTableIdentifier=table,
          roleArn=f"arn:aws:iam::{OWNER}:role/clean-rooms-read")
    template = runner("create-analysis-template", membershipIdentifier=joined[runner], name="by-city", format="SQL",
                      source={"text": "SELECT city, COUNT(DISTINCT id) AS n FROM people GROUP BY city"})["analysisTemplate"]["arn"]
    owner("create-configured-table-analysis-rule", configuredTableIdentifier=table, analysisRuleType="CUSTOM", analysisRulePolicy={"v1": {"custom": {"allowedAnalyses": [template]}}})
    seen = runner("get-schema", collaborationIdentifier=room, name="people")["schema"]
    assert seen["creatorAccountId"] == OWNER and seen["analysisRuleTypes"] == ["CUSTOM"]
    query = runner("start-protected-query", type="SQL", membershipIdentifier=joined[runner], sqlParameters={"analysisTemplateArn": template},
                   resultConfiguration={"outputConfiguration": {"s3": {"resultFormat": "CSV", "bucket": "results", "keyPrefix": "in"}}})["protectedQuery"]["id"]
    twin.advance(10)
    found = runner("get-protected-query", membershipIdentifier=joined[runner], protectedQueryIdentifier=query)["protectedQuery"]
    assert found["status"] == "SUCCESS" and found["result"]["output"]["s3"]["location"] == f"s3://results/in/{query}/"
    header, rows = rows_of(store.objects("results", RUNNER))
    assert header == ["city", "n"] and sorted(rows) == [["city0", "100"], ["city1", "100"], ["city2", "100"]]
    owner("delete-configured-table-analysis-rule", configuredTableIdentifier=table, analysisRuleType="CUSTOM")
    assert runner("get-schema", collaborationIdentifier=room, name="people")["schema"]["analysisRuleTypes"] == []


@pytest.mark.parametrize("code, operation, given", [
    ("ValidationException", "create-collaboration", CREATE | {"queryLogStatus": "MAYBE"}),
    ("AccessDeniedException", "get-collaboration", {"collaborationIdentifier": NOWHERE}),
    ("ResourceNotFoundException", "get-configured-table", {"configuredTableIdentifier": NOWHERE}),
    ("NotImplementedByTwin", "list-configured-audience-model-associations", {"membershipIdentifier": NOWHERE}),
])
def test_errors_have_their_names(cli, code, operation, given):
    done = cli(OWNER).run(operation, **given)
    assert done.returncode == FAILED and f"({code})" in done.stderr, done.stderr


def test_a_second_membership_conflicts_and_a_collaboration_too_many_is_402(twin, cli):
    owner = cli(OWNER)
    twin.call("POST", "quotas", {"collaborations created per account": 1})
    room = owner("create-collaboration", **CREATE)["collaboration"]["id"]
    join = {"collaborationIdentifier": room, "queryLogStatus": "ENABLED"}
    owner("create-membership", **join)
    again, more = owner.run("create-membership", **join), owner.run("create-collaboration", **CREATE)
    assert "(ConflictException)" in again.stderr and "(ServiceQuotaExceededException)" in more.stderr
    answer = raw(twin, "CreateCollaboration")[-1]["answer"]
    assert answer["status"] == 402 and json.loads(answer["body"])["quotaValue"] == 1.0


def test_throttling_is_retried_when_it_may_be(twin, cli):
    for attempts, code, asked in ((1, FAILED, 1), (3, 0, 2)):
        twin.call("DELETE", "log")
        twin.fault("throttle", operation="ListCollaborations")
        done = cli(OWNER, attempts=attempts).run("list-collaborations")
        assert done.returncode == code and len(raw(twin, "ListCollaborations")) == asked, done.stderr
    twin.fault("error_before", operation="ListCollaborations")
    assert "(InternalServerException)" in cli(OWNER).run("list-collaborations").stderr


def test_pages(twin, cli):
    owner = cli(OWNER)
    made = [owner("create-collaboration", **CREATE)["collaboration"]["id"] for _ in range(5)]
    twin.call("DELETE", "log")
    assert [c["id"] for c in owner("list-collaborations", "--page-size", "2")["collaborationList"]] == made
    asked = [dict(pair.split("=", 1) for pair in one["query"].split("&")) for one in raw(twin, "ListCollaborations")]
    assert [one["maxResults"] for one in asked] == ["2", "2", "2"] and ["nextToken" in one for one in asked] == [False, True, True]
    some = owner("list-collaborations", "--page-size", "2", "--max-items", "3")
    assert [c["id"] for c in some["collaborationList"]] == made[:3]
    rest = owner("list-collaborations", "--page-size", "2", "--starting-token", some["NextToken"])
    assert [c["id"] for c in rest["collaborationList"]] == made[3:] and "NextToken" not in rest


def test_arns_are_percent_encoded_in_paths(twin, cli, room):
    runner, arn = cli(RUNNER), room.template("SELECT 1 AS one FROM t")
    runner("tag-resource", resourceArn=arn, tags={"a": "1", "b": "2"})
    runner("untag-resource", "--tag-keys", "a", "c", resourceArn=arn)
    assert runner("list-tags-for-resource", resourceArn=arn)["tags"] == {"b": "2"}
    seen = cli(OWNER)("get-collaboration-analysis-template", collaborationIdentifier=room.id, analysisTemplateArn=arn)["collaborationAnalysisTemplate"]
    assert seen["arn"] == arn
    label = arn.replace(":", "%3A").replace("/", "%2F")
    paths = [one["path"] for one in raw(twin, "TagResource") + raw(twin, "GetCollaborationAnalysisTemplate")]
    assert paths == [f"/tags/{label}", f"/collaborations/{room.id}/analysistemplates/{label}"]
    assert raw(twin, "UntagResource")[0]["query"] == "tagKeys=a&tagKeys=c"
