"""Join policies. People (the provider's, protected): n0..n9, s0..s3, e0..e2 and nobody; the consumer's MINE: n0, n1, s0, zz."""

import pytest

NONE, KEY = "506037", "506038"


@pytest.fixture
def joined(people, share, consumer):
    """The consumer with the people mounted under a join policy on ID."""
    people.do("CREATE JOIN POLICY D.S.J AS () RETURNS JOIN_CONSTRAINT -> JOIN_CONSTRAINT(JOIN_REQUIRED => TRUE)")
    share(consumer, "WITH JOIN POLICY D.S.J ALLOWED JOIN KEYS (ID)")
    consumer.do("CREATE DATABASE C", "CREATE TABLE C.PUBLIC.MINE AS SELECT column1 AS ID, column2 AS AREA FROM VALUES ('n0', 'north'), ('n1', 'north'), ('s0', 'south'), ('zz', 'nowhere')")
    return consumer


P, X = "M.S.SHOWN P", "C.PUBLIC.MINE X"
PASSING = {
    "inner": (f"SELECT P.ID, P.SPEND FROM {P} JOIN {X} ON P.ID = X.ID ORDER BY 2", [["n0", "0"], ["n0", "1"], ["n1", "1"], ["n1", "2"], ["s0", "10"]]),
    "using": (f"SELECT COUNT(*) AS N FROM {X} JOIN {P} USING (ID)", [["5"]]),
    "optional on the right": (f"SELECT COUNT(*) AS N FROM {X} LEFT JOIN {P} ON X.ID = P.ID", [["6"]]),
    "optional on the left": (f"SELECT COUNT(*) AS N FROM {P} RIGHT JOIN {X} ON X.ID = P.ID", [["6"]]),
    "with more conditions": (f"SELECT COUNT(*) AS N FROM {P} JOIN {X} ON P.ID = X.ID AND X.AREA = 'south'", [["1"]]),
    "a filter is free": (f"SELECT COUNT(*) AS N FROM {P} JOIN {X} ON P.ID = X.ID WHERE P.AREA = 'north'", [["4"]]),
    "through a cte": (f"WITH T AS (SELECT ID AS K, SPEND FROM {P}) SELECT SUM(T.SPEND) AS S FROM T JOIN {X} ON T.K = X.ID", [["14"]]),
    "intersect": (f"SELECT COUNT(*) AS N FROM (SELECT ID FROM {X} INTERSECT SELECT ID FROM {P})", [["3"]]),
    "except, protected second": (f"SELECT ID FROM {X} EXCEPT SELECT ID FROM {P}", [["zz"]]),
    "three": (f"SELECT COUNT(*) AS N FROM {X} JOIN {P} ON P.ID = X.ID JOIN C.PUBLIC.MINE Y ON Y.ID = X.ID", [["5"]]),
}
REFUSED = {
    "alone": (f"SELECT * FROM {P}", NONE), "aggregated alone": (f"SELECT COUNT(*) AS N FROM {P}", NONE), "comma": (f"SELECT 1 AS A FROM {P}, {X} WHERE P.ID = X.ID", NONE), "cross": (f"SELECT 1 AS A FROM {P} CROSS JOIN {X}", NONE),
    "full": (f"SELECT 1 AS A FROM {P} FULL JOIN {X} ON P.ID = X.ID", NONE), "kept on the left": (f"SELECT 1 AS A FROM {P} LEFT JOIN {X} ON P.ID = X.ID", NONE),
    "kept on the right": (f"SELECT 1 AS A FROM {X} RIGHT JOIN {P} ON P.ID = X.ID", NONE), "another key": (f"SELECT 1 AS A FROM {P} JOIN {X} ON P.AREA = X.AREA", KEY),
    "another key too": (f"SELECT 1 AS A FROM {P} JOIN {X} ON P.ID = X.ID AND P.AREA = X.AREA", KEY), "no equality": (f"SELECT 1 AS A FROM {P} JOIN {X} ON P.ID <> X.ID", KEY),
    "either": (f"SELECT 1 AS A FROM {P} JOIN {X} ON P.ID = X.ID OR TRUE", KEY), "constant": (f"SELECT 1 AS A FROM {P} JOIN {X} ON P.ID = 'n0'", KEY), "expression": (f"SELECT 1 AS A FROM {P} JOIN {X} ON LOWER(P.ID) = X.ID", KEY),
    "true": (f"SELECT 1 AS A FROM {P} JOIN {X} ON TRUE", NONE), "itself": (f"SELECT 1 AS A FROM {P} JOIN M.S.SHOWN Q ON P.ID = Q.ID", NONE), "in": (f"SELECT ID FROM {X} WHERE ID IN (SELECT ID FROM {P})", NONE),
    "exists": (f"SELECT ID FROM {X} WHERE EXISTS (SELECT 1 FROM {P} WHERE P.ID = X.ID)", NONE), "union": (f"SELECT ID FROM {P} UNION ALL SELECT ID FROM {X}", NONE), "except, protected first": (f"SELECT ID FROM {P} EXCEPT SELECT ID FROM {X}", NONE),
    "intersect on another": (f"SELECT AREA FROM {P} INTERSECT SELECT AREA FROM {X}", KEY), "aggregated before": (f"SELECT 1 AS A FROM (SELECT ID, COUNT(*) AS N FROM {P} GROUP BY ID) T JOIN {X} ON T.ID = X.ID", NONE),
    "renamed away": (f"SELECT 1 AS A FROM (SELECT UPPER(ID) AS K FROM {P}) T JOIN {X} ON T.K = X.ID", KEY),
}


@pytest.mark.parametrize("name", PASSING)
def test_passing(joined, name):
    text, rows = PASSING[name]
    assert joined.rows(text) == rows


@pytest.mark.parametrize("name", REFUSED)
def test_refused(joined, name):
    text, code = REFUSED[name]
    assert joined.refused(text) == code


def test_two_providers_cannot_be_joined_by_a_third(joined, people):
    people.do("CREATE SECURE VIEW D.S.OTHER WITH JOIN POLICY D.S.J AS SELECT ID FROM D.S.PEOPLE", "GRANT SELECT ON VIEW D.S.OTHER TO SHARE OUT")
    assert joined.refused("SELECT COUNT(*) AS N FROM M.S.SHOWN P JOIN M.S.OTHER O ON P.ID = O.ID") == NONE


def test_any_key_without_a_list_and_none_where_it_is_not_required(joined, people):
    people.do("ALTER VIEW D.S.SHOWN UNSET JOIN POLICY", "ALTER VIEW D.S.SHOWN SET JOIN POLICY D.S.J")
    assert joined.rows(f"SELECT COUNT(*) AS N FROM {P} JOIN {X} ON P.AREA = X.AREA") == [["46"]]  # 21 rows of north twice, 4 of south once
    people.do("ALTER JOIN POLICY D.S.J SET BODY -> JOIN_CONSTRAINT(JOIN_REQUIRED => FALSE)")
    assert len(joined.rows("SELECT * FROM M.S.SHOWN")) == 28


def test_with_an_aggregation_policy(joined, people):
    people.do("CREATE AGGREGATION POLICY D.S.A AS () RETURNS AGGREGATION_CONSTRAINT -> AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 2)", "ALTER VIEW D.S.SHOWN SET AGGREGATION POLICY D.S.A ENTITY KEY (ID)")
    assert joined.refused(f"SELECT P.ID FROM {P} JOIN {X} ON P.ID = X.ID") == "506031"
    # n0 and n1 are two of north; s0 is one of south, its own remainder, too small.
    assert sorted(joined.rows(f"SELECT X.AREA, COUNT(*) AS N FROM {P} JOIN {X} ON P.ID = X.ID GROUP BY X.AREA"), key=str) == [["north", "4"], [None, None]]


def test_read_back(joined, people):
    found = people.dicts("SELECT * FROM TABLE(D.INFORMATION_SCHEMA.POLICY_REFERENCES(REF_ENTITY_NAME => 'D.S.SHOWN', REF_ENTITY_DOMAIN => 'VIEW'))")
    assert [(f["POLICY_DB"], f["POLICY_NAME"], f["POLICY_KIND"], f["REF_ARG_COLUMN_NAMES"], f["POLICY_STATUS"]) for f in found] == [("D", "J", "JOIN_POLICY", '[ "ID" ]', "ACTIVE")]
    assert people.dicts("SELECT REF_ENTITY_NAME FROM TABLE(D.INFORMATION_SCHEMA.POLICY_REFERENCES(POLICY_NAME => 'D.S.J'))") == [{"REF_ENTITY_NAME": "SHOWN"}]
    assert joined.refused("SELECT * FROM TABLE(C.INFORMATION_SCHEMA.POLICY_REFERENCES(POLICY_NAME => 'D.S.J'))") == "002003"
