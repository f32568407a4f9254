"""The wire: validation by the model, raw replies, ARNs in paths, errors only where the model has them."""

import http.client
import json
from urllib.parse import quote, urlparse

import botocore.exceptions
import pytest
from stage import OWNER, RUNNER, client

from cleanrooms_twin import model, validation

SIGNED = "AWS4-HMAC-SHA256 Credential={}/20260101/us-east-1/cleanrooms/aws4_request, SignedHeaders=host, Signature=0"
GOOD = {"name": "n", "creatorMemberAbilities": [], "creatorDisplayName": "d", "queryLogStatus": "ENABLED", "members": []}
NOWHERE = "00000000-0000-4000-8000-000000000000"


def raw(endpoint, method, path, body=None, account=OWNER):
    """(status, headers, bytes) without any SDK between."""
    connection = http.client.HTTPConnection(urlparse(endpoint).netloc, timeout=20)
    text = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
    connection.request(method, path, text, {"Authorization": SIGNED.format(account)} if account else {})
    response = connection.getresponse()
    return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()


@pytest.mark.parametrize("change, field", [
    ({"name": None}, "name"), ({"name": "x" * 101}, "name"), ({"name": "  "}, "name"), ({"name": 7}, "name"), ({"extra": 1}, "body.extra"),
    ({"queryLogStatus": "MAYBE"}, "queryLogStatus"), ({"creatorMemberAbilities": ["CAN_FLY"]}, "creatorMemberAbilities[0]"),
    ({"members": [{"accountId": "12", "memberAbilities": [], "displayName": "x"}]}, "members[0].accountId"),
    ({"members": [{"accountId": RUNNER, "memberAbilities": []}]}, "members[0].displayName"), ({"members": None}, "members"), ({"tags": {"": "v"}}, "tags."),
    ({"allowedResultRegions": ["moon-1"]}, "allowedResultRegions[0]"), ({"dataEncryptionMetadata": {"allowCleartext": True}}, "dataEncryptionMetadata.allowDuplicates"),
])
def test_a_bad_field_is_named(twin, endpoint, change, field):
    status, headers, body = raw(endpoint, "POST", "/collaborations", GOOD | change)
    answer = json.loads(body)
    assert status == 400 and headers["x-amzn-errortype"] == "ValidationException" and answer["reason"] == "FIELD_VALIDATION_FAILED"
    assert field in [f["name"] for f in answer["fieldList"]]
    assert raw(endpoint, "POST", "/collaborations", GOOD)[0] == 200


def test_a_union_takes_one_member(twin, endpoint):
    table = {"name": "t", "allowedColumns": ["a"], "analysisMethod": "DIRECT_QUERY"}
    glue = {"databaseName": "d", "tableName": "t"}
    both = {"glue": glue, "athena": glue | {"workGroup": "w"}}
    for reference in (both, {}):
        fields = json.loads(raw(endpoint, "POST", "/configuredTables", table | {"tableReference": reference})[2])["fieldList"]
        assert fields[0]["name"] == "tableReference"


def test_patterns_and_ranges(twin, endpoint):
    rule = {"analysisRuleType": "AGGREGATION", "analysisRulePolicy": {"v1": {"aggregation": {
        "aggregateColumns": [{"columnNames": ["Upper"], "function": "SUM"}], "joinColumns": [], "dimensionColumns": [], "scalarFunctions": [],
        "outputConstraints": [{"columnName": "a", "minimum": 1, "type": "COUNT_DISTINCT"}]}}}}
    names = [f["name"] for f in json.loads(raw(endpoint, "POST", f"/configuredTables/{NOWHERE}/analysisRule", rule)[2])["fieldList"]]
    assert [n.rsplit(".", 1)[1] for n in names] == ["columnNames[0]", "minimum"]
    assert raw(endpoint, "GET", "/collaborations?maxResults=101")[0] == raw(endpoint, "GET", "/collaborations?maxResults=x")[0] == 400
    assert raw(endpoint, "GET", "/collaborations?maxResults=100")[0] == 200


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b'"x"'])
def test_a_body_that_is_no_json_object(twin, endpoint, body):
    assert raw(endpoint, "POST", "/collaborations", body)[0] == 400


def test_raw_answers(twin, endpoint):
    status, headers, body = raw(endpoint, "POST", "/collaborations", GOOD)
    made = json.loads(body)["collaboration"]
    assert status == 200 and headers["content-type"] == "application/json" and isinstance(made["createTime"], float)
    assert raw(endpoint, "DELETE", f"/collaborations/{made['id']}")[0::2] == (204, b"")
    status, headers, body = raw(endpoint, "GET", f"/collaborations/{made['id']}")
    assert status == 403 and headers["x-amzn-errortype"] == "AccessDeniedException" and json.loads(body)["reason"] == "INSUFFICIENT_PERMISSIONS"


def test_the_log_keeps_the_bytes_that_were_sent_and_arrived(twin, endpoint):
    for method, path, body in (("POST", "/collaborations", GOOD | {"name": "Zürich 🚆"}), ("GET", "/collaborations?maxResults=1&memberStatus=INVITED", None),
                               ("GET", f"/collaborations/{NOWHERE}", None), ("POST", "/collaborations", b'{ "name" : "spaced" }')):
        status, headers, arrived = raw(endpoint, method, path, body)
        kept = twin.call("GET", "log")["log"][-1]["raw"]
        sent = body if isinstance(body, bytes) else json.dumps(body).encode() if body else b""
        assert (kept["method"], kept["path"] + (f"?{kept['query']}" if kept["query"] else ""), kept["body"].encode()) == (method, path, sent)
        assert (kept["answer"]["status"], kept["answer"]["body"].encode()) == (status, arrived)
        assert all(headers[name] == kept["answer"]["headers"][name] for name in ("content-type", "x-amzn-requestid"))


def test_arns_ride_in_the_path_as_one_label(room, endpoint):
    arn = room.template("SELECT 1 AS one FROM t")
    label = quote(arn, safe="")
    assert raw(endpoint, "POST", f"/tags/{label}", {"tags": {"a": "1", "b": "2", "c": "3"}}, RUNNER)[0] == 200
    assert raw(endpoint, "DELETE", f"/tags/{label}?tagKeys=a&tagKeys=b", account=RUNNER)[0] == 200
    assert json.loads(raw(endpoint, "GET", f"/tags/{label}", account=RUNNER)[2]) == {"tags": {"c": "3"}}
    assert raw(endpoint, "GET", f"/tags/{label}", account=OWNER)[0] == 404
    assert raw(endpoint, "GET", f"/collaborations/{room.id}/analysistemplates/{label}", account=OWNER)[0] == 200
    assert raw(endpoint, "GET", f"/tags/{arn}", account=RUNNER)[0] == 404, "unescaped, an ARN is several labels"


def test_unsigned_and_unknown(twin, endpoint, inside):
    # LocalStack knows the service by the signature alone: without one the request is taken for S3's.
    assert raw(endpoint, "GET", "/collaborations", account=None)[0] == (404 if inside else 403)
    status, headers, body = raw(endpoint, "GET", "/nothing/here")
    assert status == 404 and json.loads(body)["harness"]


def test_what_is_not_implemented_says_so(room):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        room.runner.list_protected_jobs(membershipIdentifier=room.member(RUNNER))
    assert caught.value.response["Error"]["Code"] == "NotImplementedByTwin" and caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_every_typed_error_reads_as_such(room, endpoint):
    cleanrooms = room.owner
    stranger = client(endpoint, "999999999999")
    with pytest.raises(stranger.exceptions.AccessDeniedException):
        stranger.get_collaboration(collaborationIdentifier=room.id)
    with pytest.raises(cleanrooms.exceptions.ResourceNotFoundException) as missing:
        cleanrooms.get_configured_table(configuredTableIdentifier=NOWHERE)
    assert missing.value.response["resourceType"] == "CONFIGURED_TABLE" and missing.value.response["resourceId"] == NOWHERE
    with pytest.raises(cleanrooms.exceptions.ConflictException) as clash:
        cleanrooms.create_membership(collaborationIdentifier=room.id, queryLogStatus="ENABLED")
    assert clash.value.response["reason"] == "ALREADY_EXISTS"


def test_an_answer_that_lacks_a_required_field_would_be_noticed():
    api = model.load()
    good = {"collaborationList": []}
    assert validation.breaches(api, api.operations["ListCollaborations"].output, good) == []
    assert validation.breaches(api, api.operations["ListCollaborations"].output, {}) == [("collaborationList", "must not be null")]


def test_the_model_is_the_current_one_and_every_handler_is_in_it():
    from cleanrooms_twin.operations import HANDLERS

    api = model.load()
    assert len(api.operations) >= 103 and set(HANDLERS) <= set(api.operations) and len(HANDLERS) >= 60


def test_every_pattern_of_the_model_is_understood():
    for shape in model.load().shapes.values():
        if "pattern" in shape:
            model.pattern(shape["pattern"])
    assert model.pattern("[\\p{L}\\p{M}\\p{N}\\p{Pc}\\p{Pd}]+").fullmatch("été-1_x") and model.pattern("[\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDBFF-\\uDC00\\uDFFF\\t]*").fullmatch("a😀")
