"""The verdict table of LIST rules: a row, a test; every refusal stands beside a twin that passes."""

import pytest
from stage import OWNER, RUNNER

BASE = "FROM p JOIN c ON p.id = c.id"


@pytest.fixture
def scene(room):
    """Provider table p, runner table c, which overlap in two people."""
    room.table(OWNER, "p", [("id", "string"), ("city", "string"), ("age", "int")], [("a", "rome", 30), ("b", "oslo", 40), ("z", "lima", 50)],
               {"joinColumns": ["id"], "listColumns": ["city", "age"]}, "LIST")
    room.table(RUNNER, "c", [("id", "string"), ("x", "string"), ("kind", "string")], [("a", "q", "new"), ("b", "q", "old"), ("b", "q", "old")],
               {"joinColumns": ["id", "x"], "listColumns": ["kind"], "allowedJoinOperators": ["AND", "OR"]}, "LIST")
    return room


def test_distinct_list_columns_of_the_overlap(scene):
    assert scene.rows(f"SELECT DISTINCT p.city {BASE} WHERE p.city = 'rome' LIMIT 10") == [["rome"]]
    assert scene.rows(f"SELECT DISTINCT p.city, p.age + 1 AS next {BASE}") == [["oslo", "41"], ["rome", "31"]]


def test_distinct_is_required(scene):
    assert "DISTINCT" in scene.refusal(f"SELECT p.city {BASE}")[1]


def test_a_join_column_cannot_come_out(scene):
    assert "not a list column" in scene.refusal(f"SELECT DISTINCT p.id {BASE}")[1]


def test_the_join_to_the_runner_is_required(scene):
    assert scene.refusal("SELECT DISTINCT p.city FROM p")[1] == "Inner join to query runner table required for table p"


def test_functions_are_not_allowed(scene):
    assert scene.refusal(f"SELECT DISTINCT UPPER(p.city) {BASE}")[0] == "MALFORMED_QUERY"


@pytest.mark.parametrize("text", [
    f"SELECT DISTINCT p.city {BASE} ORDER BY p.city", f"SELECT DISTINCT p.city {BASE} GROUP BY p.city", f"SELECT DISTINCT COUNT(p.city) {BASE}",
    f"SELECT DISTINCT p.city {BASE} WHERE p.id = 'a'", f"SELECT DISTINCT p.city {BASE} LIMIT 1 OFFSET 1", f"SELECT DISTINCT p.city FROM (SELECT * FROM p) p JOIN c ON p.id = c.id",
    "SELECT DISTINCT p.city FROM p JOIN c ON p.id = c.id OR p.id = c.x", "SELECT DISTINCT p.city FROM p JOIN c ON p.city = c.kind", f"SELECT DISTINCT * {BASE}",
])
def test_what_the_grammar_does_not_have(scene, text):
    assert scene.refusal(text)[0] == "MALFORMED_QUERY"


def test_types_of_rules_do_not_mix(scene):
    scene.table(OWNER, "u", [("id", "string")], [("a",)], {"allowedAnalyses": ["ANY_QUERY"], "allowedAnalysisProviders": [RUNNER]})
    assert "same type" in scene.refusal("SELECT DISTINCT p.city FROM p JOIN c ON p.id = c.id JOIN u ON u.id = c.id")[1]
    assert scene.rows("SELECT u.id FROM u") == [["a"]]
