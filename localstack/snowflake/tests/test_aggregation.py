"""Aggregation policies, with numbers worked by hand.

People: north has 10 entities (n0..n9, spends n and n+1 each, so 2*45+10 = 100) and one row of nobody (1000); south has 4 (10 each: 40);
east has 3 (100 each: 300). 28 rows in all: 21 in north, 4 in south, 3 in east.
"""

import pytest
import stage

AGG, BY_ENTITY = "506031", "WITH AGGREGATION POLICY D.S.P ENTITY KEY (ID)"


@pytest.fixture
def policy(people):
    """A function that makes the policy of at least so many."""
    def make(least, name="P"):
        people.do(f"CREATE OR REPLACE AGGREGATION POLICY D.S.{name} AS () RETURNS AGGREGATION_CONSTRAINT -> AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => {least})")
    return make


@pytest.fixture
def shared(policy, share, consumer):
    """A function that shares the people under a policy of at least so many, by entity unless clauses say otherwise."""
    def make(least, clauses=BY_ENTITY):
        policy(least)
        share(consumer, clauses)
        return consumer
    return make


BY_AREA = "SELECT AREA, COUNT(DISTINCT ID) AS E, COUNT(*) AS R, SUM(SPEND) AS S FROM M.S.SHOWN GROUP BY AREA ORDER BY R DESC"


def test_large_groups_pass_as_they_are(shared):
    # A row of nobody is no entity: it is in the sums of its group, and counts for nothing.
    assert shared(3).rows(BY_AREA) == [["north", "10", "21", "1100"], ["south", "4", "4", "40"], ["east", "3", "3", "300"]]


def test_small_groups_are_merged_under_a_null_key(shared):
    # At least 5: south (4) and east (3) make one remainder of 7 entities, 7 rows, 340.
    assert shared(5).rows(BY_AREA) == [["north", "10", "21", "1100"], [None, "7", "7", "340"]]


def test_a_remainder_that_is_too_small_is_all_nulls(shared):
    # At least 8: the remainder has 7.
    assert sorted(shared(8).rows(BY_AREA), key=str) == [["north", "10", "21", "1100"], [None, None, None, None]]


def test_the_remainder_of_one_group(shared):
    # At least 4: only east (3) is small, and is its own remainder, too small.
    assert sorted(shared(4).rows(BY_AREA), key=str) == [["north", "10", "21", "1100"], ["south", "4", "4", "40"], [None, None, None, None]]


def test_without_group_by_one_group(shared):
    consumer = shared(17)
    assert consumer.rows("SELECT COUNT(*) AS R, AVG(SPEND) AS A FROM M.S.SHOWN WHERE AREA <> 'nowhere'")[0][0] == "28"
    assert consumer.rows("SELECT COUNT(*) AS R, SUM(SPEND) AS S FROM M.S.SHOWN WHERE AREA = 'north'") == [[None, None]]
    assert consumer.rows("SELECT COUNT(*) AS R FROM M.S.SHOWN WHERE FALSE") == [[None]]


def test_rows_are_counted_without_an_entity_key(shared):
    # By rows and at least 4: north 21, south 4, east 3.
    assert sorted(shared(4, "WITH AGGREGATION POLICY D.S.P").rows(BY_AREA), key=str) == [["north", "10", "21", "1100"], ["south", "4", "4", "40"], [None, None, None, None]]


def test_rows_are_those_of_the_protected_table(shared):
    """A join that multiplies rows makes no group larger."""
    consumer = shared(5, "WITH AGGREGATION POLICY D.S.P")
    consumer.do("CREATE DATABASE C", "CREATE TABLE C.PUBLIC.MANY AS SELECT column1 AS A FROM VALUES ('east'), ('east'), ('east')")
    # East has 9 joined rows, but 3 of the protected table's.
    assert consumer.rows("SELECT P.AREA, COUNT(*) AS R FROM M.S.SHOWN P JOIN C.PUBLIC.MANY X ON P.AREA = X.A GROUP BY P.AREA") == [[None, None]]


def test_entities_are_counted_on_each_side(shared, port, people):
    consumer = shared(3)
    consumer.do("CREATE DATABASE C", "CREATE TABLE C.PUBLIC.MINE AS SELECT column1 AS ID, column2 AS SEGMENT FROM VALUES ('n0','a'), ('n1','a'), ('n2','a'), ('s0','b'), ('s1','b'), ('e0','c')")
    rows = consumer.rows("SELECT X.SEGMENT, COUNT(DISTINCT P.ID) AS E FROM C.PUBLIC.MINE X LEFT JOIN M.S.SHOWN P ON P.ID = X.ID GROUP BY X.SEGMENT ORDER BY SEGMENT NULLS LAST")
    assert rows == [["a", "3"], [None, "3"]]  # b has 2 and c 1: one remainder of 3


def test_a_reference_to_itself_twice(shared):
    """Each reference counts for itself: the same relation joined with itself is two."""
    consumer = shared(5)
    # Pairs of different people of the same area: in south and east 4 and 3 on both sides, 7 in the remainder of each.
    rows = consumer.rows("SELECT A.AREA, COUNT(DISTINCT A.ID) AS E, COUNT(DISTINCT B.ID) AS F FROM M.S.SHOWN A JOIN M.S.SHOWN B ON A.AREA = B.AREA AND A.ID < B.ID GROUP BY A.AREA ORDER BY E DESC")
    # Of 10, 4 and 3 the last (first) has nobody after (before) it: 9 and 9; 3 + 2 = 5 and 5.
    assert rows == [["north", "9", "9"], [None, "5", "5"]]


def test_having_sees_what_passed(shared):
    consumer = shared(5)
    assert consumer.rows("SELECT AREA, COUNT(DISTINCT ID) AS E FROM M.S.SHOWN GROUP BY AREA HAVING COUNT(DISTINCT ID) < 10") == [[None, "7"]]
    consumer.rows("SELECT 1 AS A")
    assert consumer.rows("SELECT AREA, COUNT(*) AS R FROM M.S.SHOWN GROUP BY AREA HAVING AREA = 'south'") == []


def test_having_drops_a_remainder_that_is_too_small(shared):
    assert shared(8).rows("SELECT AREA, COUNT(*) AS R FROM M.S.SHOWN GROUP BY AREA HAVING COUNT(*) >= 0") == [["north", "21"]]


def test_expressions_keys_and_limits(shared):
    consumer = shared(5)
    assert consumer.rows("SELECT UPPER(AREA) AS A, SUM(SPEND) / COUNT(*) AS M_, ROUND(AVG(SPEND), 1) AS V FROM M.S.SHOWN GROUP BY UPPER(AREA) ORDER BY 1 LIMIT 1") == [["NORTH", consumer.rows("SELECT 1100/21 AS A")[0][0], "52.4"]]
    assert consumer.rows("WITH T AS (SELECT AREA AS WHERE_, SPEND FROM M.S.SHOWN WHERE SPEND < 1000) SELECT WHERE_, SUM(SPEND) AS S FROM T GROUP BY WHERE_ ORDER BY S") == [["north", "100"], [None, "340"]]
    assert consumer.rows("SELECT SUM(S) AS T FROM (SELECT AREA, SUM(SPEND) AS S FROM M.S.SHOWN GROUP BY AREA)") == [["1440"]]


def test_deferred_to_the_outer_query_when_each_inner_group_is_one_entity(shared):
    # Spend by person: north persons spend 2n+1: 1,3,..,19, south 10 each, east 100 each; nobody's row is its own group and no entity.
    inner = "SELECT ID, SUM(SPEND) AS S FROM M.S.SHOWN GROUP BY ID"
    consumer = shared(4)
    assert consumer.rows(f"SELECT S, COUNT(*) AS N FROM ({inner}) GROUP BY S ORDER BY N") == [["10", "4"], [None, "14"]]
    assert consumer.refused(inner) == AGG
    assert consumer.rows("SELECT COUNT(*) AS N FROM (SELECT DISTINCT ID, AREA FROM M.S.SHOWN)") == [["18"]]


def test_not_deferred_without_the_whole_key(shared):
    # Groups by area inside are enforced there: at least 5 leaves two rows.
    assert shared(5).rows("SELECT COUNT(*) AS N FROM (SELECT AREA, SUM(SPEND) AS S FROM M.S.SHOWN GROUP BY AREA)") == [["2"]]


REFUSED = {
    "rows": "SELECT * FROM M.S.SHOWN", "one column": "SELECT ID FROM M.S.SHOWN", "distinct": "SELECT DISTINCT AREA FROM M.S.SHOWN", "limit": "SELECT AREA FROM M.S.SHOWN LIMIT 1",
    "min": "SELECT MIN(SPEND) AS A FROM M.S.SHOWN", "max": "SELECT AREA, MAX(SPEND) AS A FROM M.S.SHOWN GROUP BY AREA", "median": "SELECT MEDIAN(SPEND) AS A FROM M.S.SHOWN",
    "stddev": "SELECT STDDEV(SPEND) AS A FROM M.S.SHOWN", "array": "SELECT ARRAY_AGG(ID) AS A FROM M.S.SHOWN", "listagg": "SELECT LISTAGG(ID) AS A FROM M.S.SHOWN", "any": "SELECT ANY_VALUE(ID) AS A FROM M.S.SHOWN",
    "window": "SELECT SUM(SPEND) OVER (PARTITION BY AREA) AS A FROM M.S.SHOWN", "row number": "SELECT AREA, COUNT(*) AS A, ROW_NUMBER() OVER (ORDER BY AREA) AS B FROM M.S.SHOWN GROUP BY AREA",
    "qualify": "SELECT ID FROM M.S.SHOWN QUALIFY ROW_NUMBER() OVER (ORDER BY ID) = 1", "rollup": "SELECT AREA, COUNT(*) AS A FROM M.S.SHOWN GROUP BY ROLLUP (AREA)",
    "sets": "SELECT AREA, COUNT(*) AS A FROM M.S.SHOWN GROUP BY GROUPING SETS ((AREA), ())", "cube": "SELECT AREA, COUNT(*) AS A FROM M.S.SHOWN GROUP BY CUBE (AREA)",
    "union all of rows": "SELECT ID FROM M.S.SHOWN UNION ALL SELECT 'x'", "union": "SELECT COUNT(*) AS A FROM M.S.SHOWN UNION SELECT 1", "except": "SELECT COUNT(*) AS A FROM M.S.SHOWN EXCEPT SELECT 1",
    "intersect": "SELECT COUNT(*) AS A FROM M.S.SHOWN INTERSECT SELECT 1", "cte": "WITH T AS (SELECT * FROM M.S.SHOWN) SELECT ID FROM T", "nested": "SELECT A FROM (SELECT ID AS A FROM (SELECT * FROM M.S.SHOWN))",
    "in": "SELECT 1 AS A WHERE 'n0' IN (SELECT ID FROM M.S.SHOWN)", "exists": "SELECT 1 AS A WHERE EXISTS (SELECT 1 FROM M.S.SHOWN WHERE ID = 'n0')",
    "scalar": "SELECT (SELECT SPEND FROM M.S.SHOWN LIMIT 1) AS A", "correlated": "SELECT X.A, (SELECT COUNT(*) FROM M.S.SHOWN P WHERE P.ID = X.A) AS N FROM (SELECT 'n0' AS A) X",
    "correlated outwards": "SELECT COUNT(*) AS A FROM M.S.SHOWN P WHERE EXISTS (SELECT 1 FROM (SELECT 'n0' AS K) X WHERE X.K = P.ID)",
    "cast inside": "SELECT SUM(CAST(AREA AS NUMBER)) AS A FROM M.S.SHOWN", "function inside": "SELECT COUNT(DISTINCT LEFT(ID, 1)) AS A FROM M.S.SHOWN", "union over cte": "WITH T AS (SELECT ID FROM M.S.SHOWN) SELECT COUNT(*) AS A FROM (SELECT ID FROM T UNION ALL SELECT ID FROM T)",
    "order": "SELECT AREA, COUNT(*) AS A FROM M.S.SHOWN GROUP BY AREA ORDER BY SUM(SPEND)",
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(shared, name):
    assert shared(2).refused(REFUSED[name]) == AGG


PASSING = {
    "scalar aggregate": ("SELECT (SELECT COUNT(*) FROM M.S.SHOWN) AS A", [["28"]]), "union all of aggregates": ("SELECT COUNT(*) AS A FROM M.S.SHOWN UNION ALL SELECT SUM(SPEND) FROM M.S.SHOWN", [["28"], ["1440"]]),
    "try inside": ("SELECT SUM(TRY_CAST(AREA AS NUMBER)) AS A FROM M.S.SHOWN", [[None]]), "case inside": ("SELECT SUM(CASE WHEN AREA = 'south' THEN SPEND ELSE 0 END) AS A FROM M.S.SHOWN", [["40"]]),
    "in a list of its own": ("SELECT COUNT(*) AS A FROM M.S.SHOWN WHERE AREA IN (SELECT 'south')", [["4"]]),
}


@pytest.mark.parametrize("name", PASSING)
def test_passing(shared, name):
    text, rows = PASSING[name]
    assert sorted(shared(2).rows(text)) == sorted(rows)


def test_a_key_of_several_columns_and_several_keys(shared, people, consumer):
    # Key (ID, AREA) is the same people; key (AREA) has 3 entities in all, so at least 4 of both lets nothing through.
    shared(3, "WITH AGGREGATION POLICY D.S.P ENTITY KEY (ID, AREA)")
    assert consumer.rows("SELECT COUNT(*) AS R FROM M.S.SHOWN") == [["28"]]
    people.do("ALTER VIEW D.S.SHOWN ADD AGGREGATION POLICY D.S.P ENTITY KEY (AREA)")
    assert consumer.rows("SELECT COUNT(*) AS R FROM M.S.SHOWN") == [["28"]]
    assert consumer.rows("SELECT COUNT(*) AS R FROM M.S.SHOWN WHERE AREA <> 'east'") == [[None]]
    people.do("ALTER VIEW D.S.SHOWN DROP AGGREGATION POLICY D.S.P ENTITY KEY (AREA)")
    assert consumer.rows("SELECT COUNT(*) AS R FROM M.S.SHOWN WHERE AREA <> 'east'") == [["25"]]


def test_rows_and_entities_at_once(people, share, consumer):
    people.do("CREATE AGGREGATION POLICY D.S.P AS () RETURNS AGGREGATION_CONSTRAINT -> AGGREGATION_CONSTRAINT(MIN_ROW_COUNT => 21, MIN_ENTITY_COUNT => 2)")
    share(consumer, BY_ENTITY)
    assert consumer.rows("SELECT AREA, COUNT(*) AS R FROM M.S.SHOWN GROUP BY AREA ORDER BY R") == [["north", "21"], [None, None]]


def test_one_and_zero(shared, consumer, people):
    """One asks for a protected record in each group; zero for aggregation only."""
    shared(1)
    consumer.do("CREATE DATABASE C", "CREATE TABLE C.PUBLIC.MINE AS SELECT column1 AS ID FROM VALUES ('n0'), ('zz')")
    query = "SELECT X.ID, COUNT(P.ID) AS N FROM C.PUBLIC.MINE X LEFT JOIN M.S.SHOWN P ON X.ID = P.ID GROUP BY X.ID ORDER BY N"
    assert consumer.rows(query) == [["n0", "2"], [None, None]]
    people.do("ALTER AGGREGATION POLICY D.S.P SET BODY -> AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 0)")
    assert consumer.rows(query) == [["zz", "0"], ["n0", "2"]]
    assert consumer.refused("SELECT ID FROM M.S.SHOWN") == AGG


def test_by_account(policy, share, people, consumer):
    policy(5)
    share(consumer, BY_ENTITY)
    locator = consumer.rows("SELECT CURRENT_ACCOUNT() AS A")[0][0]
    assert people.refused("SELECT ID FROM D.S.SHOWN") == AGG
    people.do(f"ALTER AGGREGATION POLICY D.S.P SET BODY -> CASE WHEN CURRENT_ACCOUNT() = '{locator}' THEN AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 5) ELSE NO_AGGREGATION_CONSTRAINT() END")
    assert len(people.rows("SELECT ID FROM D.S.SHOWN")) == 28
    assert consumer.refused("SELECT ID FROM M.S.SHOWN") == AGG
    people.do("ALTER AGGREGATION POLICY D.S.P SET BODY -> CASE WHEN INVOKER_SHARE() = 'OUT' THEN NO_AGGREGATION_CONSTRAINT() ELSE AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 5) END")
    assert len(consumer.rows("SELECT ID FROM M.S.SHOWN")) == 28


def test_a_role_of_the_consumer_means_nothing(shared, people):
    consumer = shared(5)
    people.do("ALTER AGGREGATION POLICY D.S.P SET BODY -> CASE WHEN CURRENT_ROLE() = 'ACCOUNTADMIN' THEN NO_AGGREGATION_CONSTRAINT() ELSE AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 5) END")
    assert consumer.refused("SELECT ID FROM M.S.SHOWN") == AGG
    assert len(people.rows("SELECT ID FROM D.S.SHOWN")) == 28


def test_a_body_that_comes_to_null_fails(shared, people):
    consumer = shared(5)
    people.do("ALTER AGGREGATION POLICY D.S.P SET BODY -> CASE WHEN TRUE THEN NULL ELSE AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 5) END")
    assert consumer.refused("SELECT COUNT(*) AS A FROM M.S.SHOWN") == "003555"


def test_on_the_table_below_a_view(people, policy, share, consumer):
    policy(5)
    people.do("ALTER TABLE D.S.PEOPLE SET AGGREGATION POLICY D.S.P ENTITY KEY (ID)")
    share(consumer)
    assert consumer.refused("SELECT ID FROM M.S.SHOWN") == AGG
    assert consumer.rows(BY_AREA) == [["north", "10", "21", "1100"], [None, "7", "7", "340"]]


def test_a_policy_on_a_view_leaves_its_table_alone(shared, people):
    shared(5)
    assert len(people.rows("SELECT * FROM D.S.PEOPLE")) == 28


def test_replacing_goes_with_force_and_never_twice(shared, people, policy):
    consumer = shared(5)
    policy(3, "Q")
    assert people.refused("ALTER VIEW D.S.SHOWN SET AGGREGATION POLICY D.S.Q ENTITY KEY (ID)") == "003552"
    people.do("ALTER VIEW D.S.SHOWN SET AGGREGATION POLICY D.S.Q ENTITY KEY (ID) FORCE")
    assert len(consumer.rows(BY_AREA)) == 3
    assert people.refused("DROP AGGREGATION POLICY D.S.Q") == "003551"
    people.do("ALTER VIEW D.S.SHOWN UNSET AGGREGATION POLICY", "DROP AGGREGATION POLICY D.S.Q")
    assert len(consumer.rows("SELECT * FROM M.S.SHOWN")) == 28


def test_a_view_that_is_replaced_has_no_policy_any_more(shared, people):
    """The trap: COPY GRANTS keeps the share's grant, and nothing keeps the policy but the statement itself."""
    consumer = shared(5)
    people.do("CREATE OR REPLACE SECURE VIEW D.S.SHOWN COPY GRANTS AS SELECT ID, AREA, SPEND FROM D.S.PEOPLE")
    assert len(consumer.rows("SELECT * FROM M.S.SHOWN")) == 28
    people.do(f"CREATE OR REPLACE SECURE VIEW D.S.SHOWN {BY_ENTITY} COPY GRANTS AS SELECT ID, AREA, SPEND FROM D.S.PEOPLE")
    assert consumer.refused("SELECT * FROM M.S.SHOWN") == AGG
    people.do(f"CREATE OR REPLACE SECURE VIEW D.S.SHOWN {BY_ENTITY} AS SELECT ID, AREA, SPEND FROM D.S.PEOPLE")
    assert consumer.refused("SELECT COUNT(*) AS A FROM M.S.SHOWN") == "002003"


def test_nothing_is_carried_off(shared):
    """What may not be seen may not be stored either."""
    consumer = shared(5)
    consumer.do("CREATE DATABASE C", "CREATE TABLE C.PUBLIC.T (ID VARCHAR)")
    for text in ("INSERT INTO C.PUBLIC.T SELECT ID FROM M.S.SHOWN", "CREATE TABLE C.PUBLIC.U AS SELECT ID FROM M.S.SHOWN"):
        assert consumer.refused(text) == AGG
    consumer.do("CREATE VIEW C.PUBLIC.W AS SELECT ID, AREA FROM M.S.SHOWN")
    assert consumer.refused("SELECT ID FROM C.PUBLIC.W") == AGG
    assert consumer.rows("SELECT AREA, COUNT(*) AS N FROM C.PUBLIC.W GROUP BY AREA ORDER BY N DESC") == [["north", "21"], [None, "7"]]


BODIES = ["AGGREGATION_CONSTRAINT(MIN_GROUP_SIZES => 5)", "AGGREGATION_CONSTRAINT(5)", "5", "PROJECTION_CONSTRAINT(ALLOW => TRUE)", "CASE WHEN TRUE THEN AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 5) END",
          "CASE WHEN EXISTS (SELECT 1 FROM D.S.PEOPLE) THEN NO_AGGREGATION_CONSTRAINT() ELSE AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 5) END", "SELECT 1"]


@pytest.mark.parametrize("body", BODIES)
def test_bodies_that_cannot_be(people, body):
    assert people.refused(f"CREATE AGGREGATION POLICY D.S.BAD AS () RETURNS AGGREGATION_CONSTRAINT -> {body}") in ("001008", "001003")


def test_an_edition_without_policies(port):
    small = stage.Client(port, stage.SMALL)
    small.do("CREATE DATABASE D")
    assert small.refused("CREATE AGGREGATION POLICY D.PUBLIC.P AS () RETURNS AGGREGATION_CONSTRAINT -> AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 5)") == "000002"
