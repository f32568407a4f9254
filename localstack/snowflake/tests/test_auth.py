"""Key-pair tokens checked claim by claim; bearer tokens of other kinds; roles; who may be whom."""

import time

import pytest
import stage


def ask(port, token, kind="KEYPAIR_JWT", path="/api/v2/statements", **headers):
    given = stage.Client(port, stage.PROVIDER).headers(Authorization=f"Bearer {token}", **headers)
    if kind is None:
        given.pop("X-Snowflake-Authorization-Token-Type")
    else:
        given["X-Snowflake-Authorization-Token-Type"] = kind
    return stage.call(port, "POST", path, {"statement": "SELECT CURRENT_USER() AS U, CURRENT_ROLE() AS R"}, given)


def test_a_good_token(port):
    assert ask(port, stage.jwt(stage.PROVIDER)).rows == [["GATEWAY", "ACCOUNTADMIN"]]
    assert ask(port, stage.jwt(stage.PROVIDER), kind=None).status == 200


NOW = int(time.time())
BAD = {
    "another key": {"key": stage.OTHER_KEY}, "an hour ago": {"now": NOW - 7200}, "longer than an hour, an hour later": {"now": NOW - 3700, "life_s": 7200}, "from the future": {"now": NOW + 600},
    "no issuer": {"iss": ""}, "another subject": {"sub": "ACME-PROVIDER.SOMEBODY"}, "lower case": {"iss": "acme-provider.GATEWAY.SHA256:x", "sub": "acme-provider.GATEWAY"},
    "another algorithm": {"header": {"alg": "none"}}, "symmetric": {"header": {"alg": "HS256"}}, "no expiry": {"exp": None}, "expiry as text": {"exp": "9999999999"}, "no issue time": {"iat": None},
    "fingerprint of another key": {"iss": f"ACME-PROVIDER.GATEWAY.SHA256:{stage.fingerprint(stage.OTHER_KEY)}"},
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_token(port, name):
    answer = ask(port, stage.jwt(stage.PROVIDER, **BAD[name]))
    assert (answer.status, answer.code) == (401, "390144")


def test_a_signature_of_another_body(port):
    head, body, _ = stage.jwt(stage.PROVIDER).split(".")
    _, other, signed = stage.jwt(stage.CONSUMER).split(".")
    assert other != body
    for text in (f"{head}.{body}.{signed}", f"{head}.{body}.", f"{head}.{body}", "a.b.c", "no token"):
        assert ask(port, text).status == 401


def test_a_lifetime_of_an_hour_at_most_counts_from_issue(port):
    assert ask(port, stage.jwt(stage.PROVIDER, life_s=86400)).status == 200
    assert ask(port, stage.jwt(stage.PROVIDER, now=time.time() - 3500, life_s=86400)).status == 200
    assert ask(port, stage.jwt(stage.PROVIDER, now=time.time() - 3601, life_s=86400)).status == 401


def test_a_clock_that_is_off(port, twin):
    twin.set(clock_skew_s=-30)
    assert ask(port, stage.jwt(stage.PROVIDER)).status == 200
    twin.set(clock_skew_s=-600)
    assert ask(port, stage.jwt(stage.PROVIDER)).status == 401
    twin.set(clock_skew_s=3600)
    assert ask(port, stage.jwt(stage.PROVIDER)).status == 401


def test_two_keys_for_rotation(port, twin):
    user = f"users/{stage.PROVIDER}/GATEWAY"
    prints = twin.call("PUT", user, {"public_key_2": stage.pem(stage.OTHER_KEY)})["fingerprints"]
    assert prints == [f"SHA256:{stage.fingerprint(k)}" for k in (stage.KEY, stage.OTHER_KEY)]
    assert ask(port, stage.jwt(stage.PROVIDER, key=stage.OTHER_KEY)).status == ask(port, stage.jwt(stage.PROVIDER)).status == 200
    twin.call("PUT", user, {"public_key": None})
    assert ask(port, stage.jwt(stage.PROVIDER)).status == 401
    assert ask(port, stage.jwt(stage.PROVIDER, key=stage.OTHER_KEY)).status == 200


def test_keys_by_statement(port, provider):
    body = "".join(stage.pem(stage.OTHER_KEY).splitlines()[1:-1])
    provider.do(f"ALTER USER GATEWAY SET RSA_PUBLIC_KEY_2 = '{body}'")
    shown = {r["property"]: r["value"] for r in provider.dicts("DESC USER GATEWAY")}
    assert shown["RSA_PUBLIC_KEY_2_FP"] == f"SHA256:{stage.fingerprint(stage.OTHER_KEY)}" and shown["TYPE"] == "SERVICE"
    assert ask(port, stage.jwt(stage.PROVIDER, key=stage.OTHER_KEY)).status == 200
    provider.do("ALTER USER GATEWAY UNSET RSA_PUBLIC_KEY_2")
    assert ask(port, stage.jwt(stage.PROVIDER, key=stage.OTHER_KEY)).status == 401


def test_a_disabled_user(port, twin):
    twin.call("PUT", f"users/{stage.PROVIDER}/GATEWAY", {"disabled": True})
    assert ask(port, stage.jwt(stage.PROVIDER)).status == 401


def test_the_account_is_that_of_the_address(port):
    token = stage.jwt(stage.PROVIDER)
    assert ask(port, token, path="/accounts/ACME-PROVIDER/api/v2/statements").status == 200
    assert ask(port, token, path="/accounts/ACME-CONSUMER/api/v2/statements").status == 401
    assert ask(port, token, Host="acme-provider.snowflakecomputing.com").status == 200
    assert ask(port, token, Host="acme-consumer.snowflakecomputing.com").status == 401


def test_bearer_tokens(port, twin):
    twin.call("PUT", "tokens/opaque", {"account": stage.PROVIDER, "user": "GATEWAY", "role": "SYSADMIN"})
    assert ask(port, "opaque", "OAUTH").rows == [["GATEWAY", "SYSADMIN"]]
    assert ask(port, "opaque", None).status == 200
    for kind in ("PROGRAMMATIC_ACCESS_TOKEN", "KEYPAIR_JWT", "SOMETHING"):
        assert ask(port, "opaque", kind).status == 401
    twin.call("PUT", "tokens/old", {"account": stage.PROVIDER, "user": "GATEWAY", "expires_in_s": -1})
    assert ask(port, "old", "OAUTH").code == "390318"
    assert ask(port, "unheard-of", "OAUTH").code == "390303"
    twin.call("PUT", "tokens/pat", {"account": stage.PROVIDER, "user": "GATEWAY", "kind": "PROGRAMMATIC_ACCESS_TOKEN"})
    assert ask(port, "pat", "PROGRAMMATIC_ACCESS_TOKEN").status == 200
    twin.call("DELETE", "tokens/opaque")
    assert ask(port, "opaque", "OAUTH").status == 401


def test_no_token(port):
    headers = stage.Client(port, stage.PROVIDER).headers()
    headers.pop("Authorization")
    assert stage.call(port, "POST", "/api/v2/statements", {"statement": "SELECT 1 AS A"}, headers).status == 401


def test_roles(port, provider, twin):
    assert provider.rows("SELECT CURRENT_ROLE() AS R", role="SYSADMIN") == [["SYSADMIN"]]
    assert provider.refused("SELECT 1 AS A", role="ORGADMIN") == "390189"
    assert provider.refused("SELECT 1 AS A", role="accountadmin") == "390189"  # names are exact
    twin.call("PUT", f"users/{stage.PROVIDER}/READER", {"public_key": stage.pem(stage.KEY), "roles": ["READER"], "secondary_roles": False})
    reader = stage.Client(port, stage.PROVIDER, "READER")
    assert reader.refused("CREATE DATABASE X") == "003001"
    provider.do("CREATE DATABASE D", "CREATE TABLE D.PUBLIC.T AS SELECT 1 AS A")
    assert reader.refused("SELECT A FROM D.PUBLIC.T") == "002003"
    provider.do("GRANT USAGE ON DATABASE D TO ROLE READER", "GRANT USAGE ON SCHEMA D.PUBLIC TO ROLE READER")
    assert reader.refused("SELECT A FROM D.PUBLIC.T") == "002003"
    provider.do("GRANT SELECT ON TABLE D.PUBLIC.T TO ROLE READER")
    assert reader.rows("SELECT A FROM D.PUBLIC.T") == [["1"]]
    provider.do("REVOKE SELECT ON TABLE D.PUBLIC.T FROM ROLE READER")
    assert reader.refused("SELECT A FROM D.PUBLIC.T") == "002003"
