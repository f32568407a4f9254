"""Faults that a test asks for: each kind, whom it hits and how often, and that nothing else changes."""

import http.client
import time

import pytest
import stage

LOST = (http.client.RemoteDisconnected, ConnectionResetError, http.client.IncompleteRead, http.client.BadStatusLine)


def databases(client):
    return [r["name"] for r in client.dicts("SHOW DATABASES")]


@pytest.mark.parametrize(("kind", "status", "runs"), [("throttle", 429, False), ("error_before", 503, False), ("error_after", 503, True), ("statement_error", 422, False), ("expired", 401, False), ("malformed", 200, True)])
def test_a_reply_of_another_kind(provider, twin, kind, status, runs):
    twin.fault(kind, status=503, match="CREATE DATABASE")
    assert provider.submit("CREATE DATABASE D").status == status
    assert databases(provider) == (["D"] if runs else [])
    assert twin.count("CREATE DATABASE") == runs


def test_malformed_is_no_json(provider, twin):
    twin.fault("malformed")
    with pytest.raises(ValueError):
        assert provider.submit("SELECT 1 AS A").body


@pytest.mark.parametrize(("kind", "runs"), [("cut_before", False), ("cut_after", True), ("truncate", True)])
def test_a_reply_that_is_lost(provider, twin, kind, runs):
    twin.fault(kind)
    with pytest.raises(LOST):
        provider.submit("CREATE DATABASE D")
    assert databases(provider) == (["D"] if runs else [])


def test_a_lost_reply_is_asked_for_again(provider, twin):
    query = {"requestId": "aaaaaaaa-1111-2222-3333-444444444444"}
    twin.fault("cut_after")
    with pytest.raises(LOST):
        provider.submit("CREATE DATABASE D", query)
    assert provider.submit("CREATE DATABASE D", query | {"retry": "true"}).status == 200
    assert provider.submit("CREATE DATABASE D", query).code == "002002"


def test_whom_and_how_often(provider, consumer, twin):
    twin.fault("throttle", account=stage.CONSUMER, route="submit", skip=1, times=2)
    assert [provider.submit("SELECT 1 AS A").status for _ in range(3)] == [200] * 3
    assert [consumer.submit("SELECT 1 AS A").status for _ in range(4)] == [200, 429, 429, 200]
    assert twin.call("GET", "faults")["faults"] == []


def test_in_the_middle_of_a_sequence(people, twin):
    twin.fault("statement_error", match="GRANT SELECT", code="000630", state="57014", message="gone")
    people.do("CREATE SECURE VIEW D.S.V AS SELECT ID FROM D.S.PEOPLE", "CREATE SHARE S", "GRANT USAGE ON DATABASE D TO SHARE S", "GRANT USAGE ON SCHEMA D.S TO SHARE S")
    assert people.refused("GRANT SELECT ON VIEW D.S.V TO SHARE S") == "000630"
    assert len(people.rows("SHOW GRANTS TO SHARE S")) == 2
    people.do("GRANT SELECT ON VIEW D.S.V TO SHARE S")


def test_in_the_middle_of_a_request(provider, twin):
    twin.fault("child_error", match="DATABASE B")
    answer = provider.submit("CREATE DATABASE A; CREATE DATABASE B; CREATE DATABASE C", parameters={"MULTI_STATEMENT_COUNT": "3"})
    assert (answer.status, answer.code) == (422, "000603")
    assert databases(provider) == ["A"]


def test_polls(provider, twin):
    twin.set(partition_rows=1)
    handle = provider.submit("SELECT column1 AS A FROM VALUES (1), (2)").body["statementHandle"]
    twin.fault("partition_error")
    assert provider.poll(handle).status == 200
    assert provider.poll(handle, 1).status == 500
    assert provider.poll(handle, 1).status == 200
    twin.fault("status_lost")
    assert provider.poll(handle).code == "000709"
    twin.fault("throttle", route="cancel")
    assert provider.cancel(handle).status == 429


def test_accepted_only(provider, twin):
    twin.fault("force_202")
    answer = provider.submit("SELECT 1 AS A")
    assert answer.status == 202
    assert provider.poll(answer.body["statementHandle"]).rows == [["1"]]


def test_late(provider, twin):
    twin.fault("delay", delay_s=0.4)
    began = time.monotonic()
    assert provider.submit("SELECT 1 AS A").status == 200
    assert time.monotonic() - began >= 0.4


def test_a_rate(provider, consumer, twin):
    twin.call("POST", "clock", {"mode": "manual"})
    now = twin.call("GET", "clock")["now"]
    provider.token, consumer.token = stage.jwt(provider.account, now=now), stage.jwt(consumer.account, now=now)
    twin.set(throttle_per_s=2)
    answers = [provider.submit("SELECT 1 AS A") for _ in range(4)]
    assert [a.status for a in answers] == [200, 200, 429, 429] and answers[3].code == "390505"
    assert consumer.submit("SELECT 1 AS A").status == 200
    twin.call("POST", "clock", {"advance_s": 1})
    assert provider.submit("SELECT 1 AS A").status == 200


@pytest.mark.parametrize("wish", [{"kind": "nothing"}, {"kind": "delay", "who": "me"}, {"kind": "delay", "match": "("}, {"kind": "delay", "route": "push"}])
def test_wishes_that_cannot_be(twin, wish):
    with pytest.raises(ValueError):
        twin.call("POST", "faults", {"faults": [{"kind": "throttle"}, wish]})
    assert twin.call("GET", "faults")["faults"] == []


def test_the_log_holds_no_token(provider, twin):
    provider.submit("SELECT 1 AS A", {"requestId": "x"}, parameters={"QUERY_TAG": "run-7"})
    log = twin.call("GET", "log")["log"]
    assert log[-1]["statement"] == "SELECT 1 AS A" and log[-1]["status"] == 200
    assert "authorization" not in log[-1]["received"]["headers"] and "Bearer" not in str(log)
    assert twin.call("GET", "statements?match=SELECT")["statements"][0]["query_tag"] == "run-7"
    twin.call("DELETE", "log")
    assert twin.call("GET", "log")["log"] == []


def test_switches_and_routes(twin):
    for body in ({"nothing": 1}, {"type_case": "mixed"}, {"partition_rows": "many"}, {"statement_run_s": -1}):
        with pytest.raises(ValueError):
            twin.set(**body)
    with pytest.raises(ValueError):
        twin.call("GET", "nowhere")
    assert twin.call("PUT", "accounts/OTHER.ONE", {"region": "aws_eu_west_1", "edition": "STANDARD"})["identifier"] == "OTHER.ONE"
    assert len(twin.call("GET", "accounts")["accounts"]) == 6
    twin.call("POST", "reset")
    assert len(twin.call("GET", "accounts")["accounts"]) == 5
