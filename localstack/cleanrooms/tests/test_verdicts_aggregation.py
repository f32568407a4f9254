"""The verdict table of AGGREGATION rules: a row, a test; every refusal stands beside a twin that passes."""

import pytest
from stage import OWNER, RUNNER

P_COLUMNS = [("id", "string"), ("city", "string"), ("ts", "timestamp"), ("amount", "double")]
RULE = {"aggregateColumns": [{"columnNames": ["id"], "function": "COUNT_DISTINCT"}, {"columnNames": ["amount"], "function": "SUM"}], "joinColumns": ["id"],
        "joinRequired": "QUERY_RUNNER", "dimensionColumns": ["city", "ts"], "scalarFunctions": ["TRUNC"],
        "outputConstraints": [{"columnName": "id", "minimum": 100, "type": "COUNT_DISTINCT"}]}
RUNNER_RULE = {"aggregateColumns": [{"columnNames": ["id"], "function": "COUNT_DISTINCT"}], "joinColumns": ["id", "x"], "dimensionColumns": ["kind"],
               "scalarFunctions": [], "outputConstraints": [{"columnName": "id", "minimum": 2, "type": "COUNT_DISTINCT"}]}
BASE = "FROM p JOIN c ON p.id = c.id"


def people():
    """150 people in Rome, 99 in Oslo, each with one row; 120 in Lima with two."""
    rows = []
    for city, count, times in (("rome", 150, 1), ("oslo", 99, 1), ("lima", 120, 2)):
        rows += [(f"{city}-{i}", city, "2026-03-05 10:00:00", 2.5) for i in range(count) for _ in range(times)]
    return rows


@pytest.fixture
def scene(room):
    """Provider table p, runner table c."""
    data = people()
    room.table(OWNER, "p", P_COLUMNS, data, RULE, "AGGREGATION")
    ids = sorted({r[0] for r in data})
    room.table(RUNNER, "c", [("id", "string"), ("x", "string"), ("kind", "string")], [(i, i, "new") for i in ids], RUNNER_RULE, "AGGREGATION")
    return room


def test_groups_below_the_minimum_vanish(scene):
    assert scene.rows(f"SELECT COUNT(DISTINCT p.id), p.city {BASE} GROUP BY p.city") == [["120", "lima"], ["150", "rome"]]


def test_the_join_to_the_runner_is_required(scene):
    code, message = scene.refusal("SELECT COUNT(DISTINCT p.id), p.city FROM p GROUP BY p.city")
    assert message == "Inner join to query runner table required for table p" and code == "MALFORMED_QUERY"


def test_an_aggregate_is_required(scene):
    assert "aggregate" in scene.refusal(f"SELECT p.city {BASE}")[1]
    assert scene.rows(f"SELECT p.city, SUM(p.amount) {BASE} GROUP BY p.city") == [["lima", "600.0"], ["rome", "375.0"]]


def test_a_join_column_cannot_come_out(scene):
    assert "join column" in scene.refusal(f"SELECT p.id, COUNT(DISTINCT p.id) {BASE} GROUP BY p.id")[1]


def test_an_unlisted_function_on_a_column(scene):
    assert "not permitted" in scene.refusal(f"SELECT AVG(p.amount), p.city {BASE} GROUP BY p.city")[1]
    assert scene.rows(f"SELECT SUM(p.amount), p.city {BASE} GROUP BY p.city")


def test_an_argument_that_is_no_bare_column(scene):
    assert "bare column" in scene.refusal(f"SELECT SUM(p.amount*2), p.city {BASE} GROUP BY p.city")[1]


def test_a_filter_on_what_is_no_dimension(scene):
    assert "not a dimension" in scene.refusal(f"SELECT COUNT(DISTINCT p.id) {BASE} WHERE p.amount > 5")[1]
    assert scene.rows(f"SELECT COUNT(DISTINCT p.id) {BASE} WHERE p.city = 'rome'") == [["150"]]


def test_an_outer_join(scene):
    assert "INNER JOIN" in scene.refusal("SELECT COUNT(DISTINCT p.id) FROM p LEFT JOIN c ON p.id = c.id")[1]


def test_or_in_a_join_where_it_is_not_allowed(scene):
    assert "operator OR" in scene.refusal("SELECT COUNT(DISTINCT p.id) FROM p JOIN c ON p.id = c.id OR p.id = c.x")[1]
    assert scene.rows("SELECT COUNT(DISTINCT p.id) FROM p JOIN c ON p.id = c.id AND p.id = c.x") == [["369"]]


def test_a_scalar_function_that_is_not_listed(scene):
    assert "UPPER" in scene.refusal(f"SELECT COUNT(DISTINCT p.id), UPPER(p.city) {BASE} GROUP BY UPPER(p.city)")[1]
    found = scene.rows(f"SELECT COUNT(DISTINCT p.id), TRUNC(p.ts, 'MM') {BASE} GROUP BY TRUNC(p.ts, 'MM')")
    assert [r[0] for r in found] == ["369"] and found[0][1].startswith("2026-03-01")


def test_a_thin_total_is_empty_and_succeeds(scene):
    assert scene.rows(f"SELECT COUNT(DISTINCT p.id) {BASE} WHERE p.city = 'oslo'") == []


@pytest.mark.parametrize("text", [
    "WITH x AS (SELECT city FROM p) SELECT COUNT(city) FROM x", "SELECT COUNT(DISTINCT p.id) FROM p JOIN c ON p.id = c.id LIMIT 1",
    "SELECT COUNT(DISTINCT p.id) FROM p JOIN c ON p.id = c.id UNION ALL SELECT COUNT(DISTINCT p.id) FROM p JOIN c ON p.id = c.id",
    "SELECT COUNT(*) FROM p JOIN c ON p.id = c.id", "SELECT COUNT(DISTINCT p.id) FROM p, c WHERE p.id = c.id", "SELECT * FROM p JOIN c ON p.id = c.id",
    "SELECT COUNT(DISTINCT p.id) FROM p JOIN c ON p.id = c.id WHERE p.city IN (SELECT kind FROM c)", "SELECT COUNT(DISTINCT id) FROM p JOIN c USING (id)",
    "SELECT COUNT(DISTINCT p.id), RANK() OVER (ORDER BY p.city) FROM p JOIN c ON p.id = c.id GROUP BY p.city",
    "SELECT SUM(p.amount) FROM p JOIN c ON p.city = c.kind", "SELECT COUNT(DISTINCT p.id) FROM p CROSS JOIN c",
    "SELECT COUNT(DISTINCT p.id) FROM p JOIN c ON UPPER(p.id) = c.id", "SELECT COUNT(DISTINCT p.id) FILTER (WHERE p.city = 'rome') FROM p JOIN c ON p.id = c.id",
    "SELECT MAX(p.amount) FROM p JOIN c ON p.id = c.id", "SELECT COUNT(DISTINCT p.id), CASE WHEN p.city = 'x' THEN 1 END FROM p JOIN c ON p.id = c.id GROUP BY 2",
    "SELECT COUNT(DISTINCT p.id) FROM p JOIN c ON p.id = c.id GROUP BY CUBE (p.city)", "SELECT COUNT(DISTINCT p.id) FROM p TABLESAMPLE (10 PERCENT) JOIN c ON p.id = c.id",
    "SELECT COUNT(DISTINCT p.id, p.city) FROM p JOIN c ON p.id = c.id",
])
def test_what_the_grammar_does_not_have(scene, text):
    assert scene.refusal(text)[0] == "MALFORMED_QUERY"


def test_the_rest_of_the_grammar(scene):
    text = f"""SELECT SUM(p.amount) AS total, p.city AS town {BASE} WHERE p.city NOT IN ('paris') AND p.city LIKE '%m%' AND p.city IS NOT NULL AND NOT p.city = 'x'
               GROUP BY p.city HAVING SUM(p.amount) >= 100 ORDER BY total DESC, p.city"""
    assert scene.rows(text) == [["375.0", "rome"], ["600.0", "lima"]]


def test_a_join_by_way_of_a_third_table(scene):
    rule = RULE | {"aggregateColumns": [{"columnNames": ["id"], "function": "COUNT"}], "dimensionColumns": [], "scalarFunctions": []}
    scene.table(OWNER, "q", [("id", "string")], [(f"rome-{i}",) for i in range(150)], rule, "AGGREGATION")
    assert scene.rows("SELECT COUNT(DISTINCT p.id) FROM q JOIN p ON q.id = p.id JOIN c ON p.id = c.id") == [["150"]]
    assert "table q" in scene.refusal("SELECT COUNT(q.id) FROM q")[1]
