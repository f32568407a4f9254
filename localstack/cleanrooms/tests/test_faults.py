"""Faults: each once with the fault and once without, and how an SDK takes it."""

import json
import time

import botocore.exceptions
import pytest
from stage import OWNER, RUNNER, Room, client

ANY = {"allowedAnalyses": ["ANY_QUERY"], "allowedAnalysisProviders": [RUNNER]}
CREATE = {"name": "c", "creatorMemberAbilities": [], "creatorDisplayName": "owner", "queryLogStatus": "ENABLED", "members": []}


@pytest.fixture
def owner(twin, endpoint):
    return client(endpoint, OWNER)


def count(owner):
    """Collaborations that are there."""
    return len(owner.list_collaborations()["collaborationList"])


def test_a_burst_of_429_is_retried_by_the_sdk(twin, endpoint):
    patient = client(endpoint, OWNER, retries={"mode": "standard", "total_max_attempts": 3})
    twin.fault("throttle", operation="CreateCollaboration", times=2)
    assert patient.create_collaboration(**CREATE) and count(patient) == 1
    statuses = [r["status"] for r in twin.call("GET", "log")["log"] if r["operation"] == "CreateCollaboration"]
    assert statuses == [429, 429, 200]


def test_a_fault_fits_by_account_and_operation(twin, owner, endpoint):
    twin.fault("throttle", operation="ListMemberships", account=RUNNER)
    owner.list_memberships()
    client(endpoint, RUNNER).list_collaborations()
    with pytest.raises(botocore.exceptions.ClientError):
        client(endpoint, RUNNER).list_memberships()
    client(endpoint, RUNNER).list_memberships()


def test_tag_operations_have_no_throttling(twin, owner, room):
    arn = room.owner.get_collaboration(collaborationIdentifier=room.id)["collaboration"]["arn"]
    twin.fault("throttle", operation="ListTagsForResource")
    assert room.owner.list_tags_for_resource(resourceArn=arn)["tags"] == {}
    twin.call("DELETE", "faults")


def test_500_before_has_no_effect_and_500_after_has(twin, owner):
    twin.fault("error_before", operation="CreateCollaboration")
    with pytest.raises(owner.exceptions.InternalServerException):
        owner.create_collaboration(**CREATE)
    assert count(owner) == 0
    twin.fault("error_after", operation="CreateCollaboration")
    with pytest.raises(owner.exceptions.InternalServerException):
        owner.create_collaboration(**CREATE)
    assert count(owner) == 1


def test_cut_connections(twin, owner, inside):
    if inside:  # LocalStack's gateway always answers; the wish is refused, so that no test believes in a cut that never came
        for kind in ("cut_before", "cut_after"):
            with pytest.raises(ValueError, match="cannot cut"):
                twin.fault(kind)
        return
    for kind, there in (("cut_before", 0), ("cut_after", 1)):
        twin.fault(kind, operation="CreateCollaboration")
        with pytest.raises((botocore.exceptions.ConnectionClosedError, botocore.exceptions.EndpointConnectionError)):
            owner.create_collaboration(**CREATE)
        assert count(owner) == there


def test_propagation_between_accounts(twin, owner, endpoint):
    twin.set(propagation_delay_s=5)
    runner = client(endpoint, RUNNER)
    made = owner.create_collaboration(**(CREATE | {"members": [{"accountId": RUNNER, "memberAbilities": [], "displayName": "r"}]}))["collaboration"]
    assert owner.get_collaboration(collaborationIdentifier=made["id"])
    for call in (lambda: runner.get_collaboration(collaborationIdentifier=made["id"]), lambda: runner.create_membership(collaborationIdentifier=made["id"], queryLogStatus="ENABLED")):
        with pytest.raises(runner.exceptions.AccessDeniedException):
            call()
    twin.advance(5)
    assert runner.get_collaboration(collaborationIdentifier=made["id"])["collaboration"]["name"] == "c"
    runner.create_membership(collaborationIdentifier=made["id"], queryLogStatus="ENABLED")

    def runner_status():
        return {m["accountId"]: m["status"] for m in owner.list_members(collaborationIdentifier=made["id"])["memberSummaries"]}[RUNNER]
    assert runner_status() == "INVITED"
    twin.advance(5)
    assert runner_status() == "ACTIVE"


def test_a_revocation_takes_its_time_to_arrive(twin, endpoint, store):
    room = Room(twin, endpoint, store)
    table, _ = room.table(OWNER, "t", [("city", "string")], [("rome",)], ANY)
    twin.set(propagation_delay_s=60)
    room.owner.delete_configured_table_analysis_rule(configuredTableIdentifier=table, analysisRuleType="CUSTOM")
    assert room.runner.get_schema(collaborationIdentifier=room.id, name="t")["schema"]["analysisRuleTypes"] == ["CUSTOM"]
    assert room.owner.get_schema(collaborationIdentifier=room.id, name="t")["schema"]["analysisRuleTypes"] == []
    assert room.rows("SELECT city FROM t") == [["rome"]]
    twin.advance(60)
    assert room.runner.get_schema(collaborationIdentifier=room.id, name="t")["schema"]["analysisRuleTypes"] == []
    assert room.refusal("SELECT city FROM t")[0] == "MALFORMED_QUERY"


def test_a_young_role(twin, room):
    twin.set(iam_synchronization_s=10)
    role = f"arn:aws:iam::{OWNER}:role/data-t-role"
    twin.call("PUT", "roles", {"arn": role})
    with pytest.raises(room.owner.exceptions.ValidationException) as caught:
        room.table(OWNER, "t", [("city", "string")])
    assert caught.value.response["reason"] == "IAM_SYNCHRONIZATION_DELAY"
    twin.advance(10)
    room.associate(OWNER, room.owner.list_configured_tables()["configuredTableSummaries"][0]["id"], "t")


def test_partial_batch_errors(twin, room):
    for name in ("a", "b"):
        room.table(OWNER, name, [("city", "string")])
    twin.fault("batch_error", operation="BatchGetSchema")
    got = room.runner.batch_get_schema(collaborationIdentifier=room.id, names=["a", "b"])
    assert [e["name"] for e in got["errors"]] == ["a"] and [s["name"] for s in got["schemas"]] == ["b"]
    assert room.runner.batch_get_schema(collaborationIdentifier=room.id, names=["a", "b"])["errors"] == []


def test_lost_events(twin, owner):
    twin.fault("lose_event", times=1)
    made = owner.create_collaboration(**CREATE)["collaboration"]
    assert twin.events(OWNER) == []
    owner.update_collaboration(collaborationIdentifier=made["id"], name="d")
    assert twin.events(OWNER) == ["Collaboration Updated"]


def test_injected_ends_of_queries(twin, room):
    room.table(OWNER, "t", [("city", "string")], [("rome",)], ANY)
    twin.fault("query_failure", code="TRANSIENT_ERROR")
    query = room.finish(room.start("SELECT city FROM t"))
    assert query["status"] == "FAILED" and query["error"]["code"] == "TRANSIENT_ERROR" and query["error"]["retry"] == {"retryable": True}
    twin.fault("query_timeout")
    assert room.finish(room.start("SELECT city FROM t"))["status"] == "TIMED_OUT"
    assert room.rows("SELECT city FROM t") == [["rome"]]


def test_rates(twin, owner):
    twin.set(throttle_per_s=5)
    for _ in range(5):
        owner.list_collaborations()
    with pytest.raises(owner.exceptions.ThrottlingException):
        owner.list_collaborations()
    owner.list_memberships()
    twin.advance(1)
    owner.list_collaborations()


def test_the_control_api_refuses_what_it_does_not_know(twin):
    for call in (lambda: twin.set(nope=1), lambda: twin.set(refusals="maybe"), lambda: twin.fault("nope"), lambda: twin.advance(-1), lambda: twin.call("GET", "nope"),
                 lambda: twin.table(OWNER, "t", [("A", "string")], "s3://b/"), lambda: twin.table(OWNER, "t", [("a", "string")], "/etc/"),
                 lambda: twin.call("POST", "quotas", {"nope": 1}), lambda: twin.set(propagation_delay_s="x"), lambda: twin.set(query_run_s=-1)):
        with pytest.raises(ValueError):
            call()


def test_the_log_tells_what_happened(twin, owner):
    owner.create_collaboration(**CREATE)
    with pytest.raises(owner.exceptions.AccessDeniedException):
        owner.get_collaboration(collaborationIdentifier="00000000-0000-4000-8000-000000000000")
    made, missed = twin.call("GET", "log")["log"][-2:]
    assert (made["method"], made["operation"], made["account"], made["status"]) == ("POST", "CreateCollaboration", OWNER, 200)
    assert made["request"]["name"] == "c" and made["response"]["collaboration"]["name"] == "c"
    assert missed["status"] == 403 and missed["error"]["code"] == "AccessDeniedException"


def test_the_log_keeps_the_raw_wire_and_no_signature(twin, owner):
    with pytest.raises(owner.exceptions.ValidationException):
        owner.create_collaboration(**CREATE | {"queryLogStatus": "MAYBE"})
    owner.list_collaborations(maxResults=7)
    refused, listed = (one["raw"] for one in twin.call("GET", "log")["log"][-2:])
    assert (refused["method"], refused["path"], refused["query"]) == ("POST", "/collaborations", "")
    assert json.loads(refused["body"]) == CREATE | {"queryLogStatus": "MAYBE"} and refused["headers"]["content-type"] == "application/json"
    assert refused["answer"]["status"] == 400 and refused["answer"]["headers"]["x-amzn-errortype"] == "ValidationException"
    assert (listed["query"], listed["body"]) == ("maxResults=7", "") and json.loads(listed["answer"]["body"]) == {"collaborationList": []}
    assert not {"authorization", "x-amz-security-token"} & refused["headers"].keys()


def test_a_log_that_lost_entries_says_how_many(twin, owner):
    owner.list_collaborations()
    assert twin.call("GET", "log")["lost"] == 0 and len(twin.call("GET", "log")["log"]) == 1
    twin.call("DELETE", "log")
    assert twin.call("GET", "log") == {"log": [], "lost": 0}


def test_a_running_clock_runs(twin):
    twin.call("POST", "clock", {"mode": "real"})
    before = twin.call("GET", "clock")["now"]
    time.sleep(0.05)
    assert twin.call("GET", "clock")["now"] > before
