"""The verdict table of CUSTOM rules: a row, a test; every refusal stands beside a twin that passes."""

import pytest
from stage import OTHER, OWNER, RUNNER

ANY = {"allowedAnalyses": ["ANY_QUERY"], "allowedAnalysisProviders": [RUNNER]}
USERS = [("name", "string"), ("age", "int"), ("city", "string")]
VIEWS = [("user_id", "string"), ("day", "string"), ("spent", "int")]


def threshold(minimum=100, expressions="COLUMNS_ONLY", overrides=None, **rule):
    """A rule with a threshold on user_id."""
    one = {"identityColumns": ["user_id"], "minimumIdentityCount": minimum, "type": "COUNT_DISTINCT", "allowedAggregateExpressionType": expressions}
    return ANY | {"aggregationThresholds": [one | ({"outputColumnThresholds": overrides} if overrides else {})]} | rule


def impressions():
    """120 users on monday, 99 on tuesday, 100 on wednesday, where each came twice."""
    return ([(f"u{i}", "mon", 1) for i in range(120)] + [(f"u{i}", "tue", 1) for i in range(99)] + [(f"u{i}", "wed", 2) for i in range(100) for _ in (1, 2)])


@pytest.fixture
def users(room):
    """Table u with three people."""
    def make(rule):
        return room.table(OWNER, "u", USERS, [("ann", 31, "rome"), ("bob", 29, "oslo"), ("eve", 45, "rome")], rule)
    room.make = make
    return room


@pytest.fixture
def views(room):
    """Table i with impressions."""
    def make(rule):
        return room.table(OWNER, "i", VIEWS, impressions(), rule)
    room.make = make
    return room


def test_an_allowed_template_runs(users):
    arn = users.template("SELECT name FROM u")
    users.make({"allowedAnalyses": [arn]})
    assert users.rows(template=arn) == [["ann"], ["bob"], ["eve"]]


def test_the_same_text_is_not_the_template(users):
    arn = users.template("SELECT name FROM u")
    users.make({"allowedAnalyses": [arn]})
    assert "not allowed" in users.refusal("SELECT name FROM u")[1]


def test_a_runner_who_is_no_provider(users):
    users.make({"allowedAnalyses": ["ANY_QUERY"], "allowedAnalysisProviders": [OWNER]})
    assert "not allowed" in users.refusal("SELECT name FROM u")[1]


def test_a_runner_who_is_a_provider(users):
    users.make(ANY)
    assert users.rows("SELECT name FROM u WHERE age < 30") == [["bob"]]


def test_a_template_of_an_allowed_provider(users):
    users.make({"allowedAnalyses": ["ANY_QUERY"], "allowedAnalysisProviders": [OWNER]})
    mine, theirs = users.template("SELECT name FROM u WHERE age > 40"), users.template("SELECT name FROM u WHERE age > 40", OWNER)
    assert users.rows(template=theirs) == [["eve"]]
    assert "not allowed" in users.refusal(template=mine)[1]


def test_a_template_must_be_allowed_by_every_table(users):
    arn = users.template("SELECT u.name FROM u JOIN v ON u.city = v.city")
    users.make({"allowedAnalyses": [arn]})
    table, _ = users.table(OWNER, "v", [("city", "string")], [("oslo",)], {"allowedAnalyses": []})
    assert users.refusal(template=arn)[0] == "MALFORMED_QUERY"
    users.owner.update_configured_table_analysis_rule(configuredTableIdentifier=table, analysisRuleType="CUSTOM",
                                                      analysisRulePolicy={"v1": {"custom": {"allowedAnalyses": [arn]}}})
    assert users.rows(template=arn) == [["bob"]]


def test_a_disallowed_column_may_filter(users):
    users.make(ANY | {"disallowedOutputColumns": ["age"]})
    assert users.rows("SELECT u.name FROM u WHERE u.age > 30") == [["ann"], ["eve"]]
    assert users.rows("SELECT x.name FROM (SELECT name, age FROM u) x ORDER BY x.age") == [["ann"], ["bob"], ["eve"]]


@pytest.mark.parametrize("text", [
    "WITH x AS (SELECT age a FROM u) SELECT a FROM x", "SELECT age FROM u", "SELECT * FROM u", "SELECT COUNT(age) FROM u", "SELECT x.b FROM (SELECT age + 1 AS b FROM u) x",
    "SELECT name, RANK() OVER (PARTITION BY age ORDER BY name) FROM u", "SELECT name FROM u UNION ALL SELECT CAST(age AS STRING) FROM u",
    "SELECT CASE WHEN age > 30 THEN 'old' ELSE 'young' END FROM u", "WITH a AS (SELECT age c FROM u), b AS (SELECT c AS d FROM a) SELECT MAX(d) FROM b",
    "SELECT name, (SELECT MAX(age) FROM u) FROM u", "CACHE TABLE z AS SELECT age FROM u; SELECT name FROM u", "SELECT y.* FROM u x JOIN u y ON x.name = y.name",
    "SELECT AGE FROM U", "SELECT `age` FROM u", "SELECT v FROM (SELECT explode(array(age)) AS v FROM u)",
])
def test_a_disallowed_column_cannot_come_out_in_any_form(users, text):
    users.make(ANY | {"disallowedOutputColumns": ["age"]})
    assert users.refusal(text)[0] == "MALFORMED_QUERY"


def test_cached_tables_run(users):
    users.make(ANY | {"disallowedOutputColumns": ["age"]})
    assert users.rows("CACHE TABLE z AS SELECT name, city FROM u; SELECT z.name FROM z WHERE z.city = 'oslo'") == [["bob"]]


def test_thin_days_are_missing(views):
    views.make(threshold())
    assert views.rows("SELECT day, COUNT(DISTINCT user_id) FROM i GROUP BY day") == [["mon", "120"], ["wed", "100"]]


def test_the_identity_cannot_be_compared_with_a_literal(views):
    views.make(threshold())
    for condition in ("user_id = 'u1'", "user_id IN ('u1')", "user_id LIKE 'u1%'", "user_id BETWEEN 'a' AND 'b'", "upper(user_id) = 'U1'", "user_id > 'u5' OR day = 'mon'"):
        code, message = views.refusal(f"SELECT day, COUNT(DISTINCT user_id) FROM i WHERE {condition} GROUP BY day")
        assert code == "MALFORMED_QUERY" and "literal" in message
    assert "literal" in views.refusal("SELECT day, COUNT(u) FROM (SELECT day, user_id AS u FROM i) x WHERE u = 'u1' GROUP BY day")[1]
    assert views.rows("SELECT day, COUNT(DISTINCT user_id) FROM i WHERE user_id IS NOT NULL AND day = 'mon' GROUP BY day") == [["mon", "120"]]


def test_plain_counts_of_one_table_are_exempt(views):
    views.make(threshold())
    assert views.rows("SELECT COUNT(DISTINCT user_id) FROM i WHERE day = 'tue'") == [["99"]]
    assert views.rows("SELECT COUNT(*) FROM i WHERE day = 'tue'") == [["99"]]


def test_other_totals_are_not_exempt(views):
    views.make(threshold())
    assert views.rows("SELECT SUM(spent) FROM i WHERE day = 'tue'") == []
    assert views.rows("SELECT SUM(spent) FROM i WHERE day = 'wed'") == [["400"]]
    assert views.rows("SELECT COUNT(DISTINCT user_id) FROM (SELECT * FROM i WHERE day = 'tue') x") == []


def test_single_rows_are_suppressed(views):
    views.make(threshold())
    assert views.rows("SELECT user_id, day FROM i") == []
    assert views.rows("SELECT DISTINCT day FROM i") == [["mon"], ["wed"]]


def test_identities_are_counted_through_nesting(views):
    views.make(threshold())
    inner = "SELECT user_id AS u, day AS d, SUM(spent) AS s FROM i GROUP BY user_id, day"
    assert views.rows(f"SELECT d, COUNT(u), SUM(s) FROM ({inner}) x GROUP BY d") == [["mon", "120", "120"], ["wed", "100", "400"]]
    assert views.rows(f"WITH x AS ({inner}), y AS (SELECT d, s FROM x) SELECT d, MAX(s) FROM y GROUP BY d") == [["mon", "1"], ["wed", "4"]]
    assert views.rows("SELECT d FROM (SELECT day AS d FROM i UNION ALL SELECT 'mon' AS d FROM i) x GROUP BY d") == [["mon"], ["wed"]]
    assert views.rows("SELECT day FROM i WHERE day <> 'mon' UNION SELECT day FROM i WHERE day = 'mon'") == [["mon"], ["wed"]]
    assert views.rows("SELECT a.day, COUNT(a.user_id) FROM i a LEFT JOIN i b ON a.user_id = b.user_id AND a.day = b.day GROUP BY a.day") == [["mon", "120"], ["wed", "400"]]
    assert views.rows("SELECT x.d FROM (SELECT day AS d, COUNT(user_id) AS n FROM i GROUP BY day) x ORDER BY x.n LIMIT 1") == [["mon"]]


def test_the_strictest_of_two_tables_wins(views):
    views.make(threshold(100))
    views.table(RUNNER, "j", VIEWS, impressions(), threshold(110))
    text = "SELECT i.day, COUNT(DISTINCT i.user_id) FROM i JOIN j ON i.user_id = j.user_id AND i.day = j.day GROUP BY i.day"
    assert views.rows(text) == [["mon", "120"]]


def test_expressions_in_aggregates(views):
    views.make(threshold())
    for call in ("SUM(spent * 2)", "SUM(ROUND(spent))", "MAX(CASE WHEN day = 'mon' THEN spent END)", "SUM(spent + 1) OVER (PARTITION BY day)", "SUM(x.s)"):
        source = "(SELECT day, spent * 2 AS s FROM i) x" if "x.s" in call else "i"
        assert "columns only" in views.refusal(f"SELECT day, {call} FROM {source}{'' if 'OVER' in call else ' GROUP BY day'}")[1]
    assert views.rows("SELECT day, SUM(spent) FROM i GROUP BY day") == [["mon", "120"], ["wed", "400"]]


def test_expressions_in_aggregates_where_any_is_allowed(views):
    views.make(threshold(expressions="ANY_EXPRESSION"))
    assert views.rows("SELECT day, SUM(spent * 2) FROM i GROUP BY day") == [["mon", "240"], ["wed", "800"]]


def test_a_minimum_of_its_own_for_an_output_column(views):
    views.make(threshold(overrides=[{"outputColumnName": "spent", "minimumIdentityCount": 110}, {"outputColumnName": "day", "minimumIdentityCount": 2}]))
    assert views.rows("SELECT DISTINCT day FROM i") == [["mon"], ["tue"], ["wed"]]
    assert views.rows("SELECT day, SUM(spent) FROM i GROUP BY day") == [["mon", "120"]]


@pytest.mark.parametrize("text", [
    "SELECT day, COUNT(user_id) FROM i GROUP BY CUBE (day)", "SELECT day, COUNT(user_id) FROM i GROUP BY ROLLUP (day)",
    "SELECT COUNT(user_id) FROM i WHERE EXISTS (SELECT 1 FROM i j WHERE j.day = i.day)", "SELECT day FROM i EXCEPT SELECT day FROM i", "SELECT day FROM i INTERSECT SELECT day FROM i",
    "SELECT day FROM i LEFT SEMI JOIN i j ON i.day = j.day", "SELECT day, COUNT(user_id) FROM i GROUP BY day LIMIT 1 OFFSET 1", "SELECT day FROM i SORT BY day",
    "SELECT COUNT(user_id) FROM i WHERE day IN (SELECT day FROM i)", "SELECT day, (SELECT COUNT(user_id) FROM i) FROM i", "SELECT i.day FROM i LATERAL VIEW explode(array(1)) t AS x",
    "SELECT day FROM i TABLESAMPLE (10 PERCENT)", "SELECT day, ROW_NUMBER() OVER (ORDER BY day) r FROM i QUALIFY r = 1",
])
def test_the_smaller_surface(views, text):
    views.make(threshold())
    assert views.refusal(text)[0] == "MALFORMED_QUERY"


def test_comparison_controls(views):
    views.make(ANY | {"comparisonControls": {"allowedLiteralComparisonColumns": ["spent"], "allowedColumnComparisonColumns": ["day"]}})
    assert views.rows("SELECT day, MAX(spent) FROM i WHERE spent > 1 GROUP BY day") == [["wed", "2"]]
    for text in ("SELECT spent FROM i WHERE day = 'mon'", "SELECT spent, COUNT(day) FROM i GROUP BY spent", "SELECT a.day FROM i a JOIN i b ON a.user_id = b.user_id",
                 "SELECT SUM(spent) OVER (PARTITION BY user_id) FROM i", "SELECT a.day FROM i a JOIN i b USING (user_id)", "SELECT day FROM i WHERE user_id = day",
                 "SELECT CASE day WHEN 'mon' THEN 1 END FROM i"):
        assert views.refusal(text)[0] == "MALFORMED_QUERY", text


def test_empty_comparison_controls_block_everything(views):
    views.make(ANY | {"comparisonControls": {"allowedLiteralComparisonColumns": [], "allowedColumnComparisonColumns": []}})
    assert views.refusal("SELECT day FROM i WHERE spent > 1")[0] == views.refusal("SELECT day FROM i GROUP BY day")[0] == "MALFORMED_QUERY"
    assert len(views.rows("SELECT day FROM i")) == 419


@pytest.mark.parametrize("text", ["SELECT nope FROM u", "SELECT FROM u", "DROP TABLE u", "SELECT 1", "SELECT city FROM u", "SELECT name FROM u; SELECT name FROM u",
                                  "SELECT name FROM db.u", "SELECT name FROM read_parquet('x')", "INSERT INTO u VALUES (1)", "SELECT :p FROM u",
                                  "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT n FROM r JOIN u ON 1 = 1"])
def test_texts_that_are_no_query_of_these_tables(room, text):
    room.table(OWNER, "u", USERS, [("ann", 31, "rome")], ANY, allowed=["name", "age"])
    assert room.refusal(text)[0] == "MALFORMED_QUERY"
    assert room.rows("SELECT name FROM u") == [["ann"]]


def test_an_unknown_table(room):
    assert room.refusal("SELECT a FROM nowhere")[0] == "RESOURCE_NOT_FOUND"


def test_a_table_without_a_rule(room):
    room.table(OWNER, "u", USERS, [])
    assert "no analysis rule" in room.refusal("SELECT name FROM u")[1]


def test_an_account_that_is_a_provider_is_one_in_every_collaboration(room):
    table, _ = room.table(OWNER, "u", USERS, [("ann", 31, "rome")], {"allowedAnalyses": ["ANY_QUERY"], "allowedAnalysisProviders": [OTHER]})
    assert room.refusal("SELECT name FROM u")[0] == "MALFORMED_QUERY"
