"""Projection, masking and row access policies."""

import pytest
import stage

SHOWN = "506032"


@pytest.fixture
def hidden(people, share, consumer):
    """A function that shares the people with ID projection-constrained, and with other clauses."""
    def make(body="PROJECTION_CONSTRAINT(ALLOW => FALSE)", clauses=""):
        people.do(f"CREATE PROJECTION POLICY D.S.PP AS () RETURNS PROJECTION_CONSTRAINT -> {body}")
        share(consumer, f"(ID WITH PROJECTION POLICY D.S.PP, AREA, SPEND) {clauses}")
        return consumer
    return make


REFUSED = ["SELECT ID FROM M.S.SHOWN", "SELECT * FROM M.S.SHOWN", "SELECT UPPER(ID) AS A FROM M.S.SHOWN", "SELECT AREA || ID AS A FROM M.S.SHOWN", "SELECT MAX(ID) AS A FROM M.S.SHOWN", "SELECT A FROM (SELECT ID AS A FROM M.S.SHOWN)",
           "WITH T AS (SELECT ID FROM M.S.SHOWN) SELECT ID FROM T", "SELECT 'x' AS A UNION ALL SELECT ID FROM M.S.SHOWN", "SELECT CASE WHEN ID = 'n0' THEN 1 ELSE 0 END AS A FROM M.S.SHOWN", "SELECT (SELECT ID FROM M.S.SHOWN LIMIT 1) AS A",
           "SELECT ID, COUNT(*) AS N FROM M.S.SHOWN GROUP BY ID", "SELECT DISTINCT ID FROM M.S.SHOWN"]


@pytest.mark.parametrize("text", REFUSED)
def test_a_column_that_is_not_shown(hidden, text):
    assert hidden().refused(text) == SHOWN


def test_it_works_everywhere_else(hidden):
    consumer = hidden()
    assert consumer.rows("SELECT AREA, SPEND FROM M.S.SHOWN WHERE ID = 'n0' ORDER BY SPEND") == [["north", "0"], ["north", "1"]]
    assert consumer.rows("SELECT COUNT(DISTINCT ID) AS N, COUNT(ID) AS R FROM M.S.SHOWN") == [["17", "27"]]
    assert consumer.rows("SELECT AREA FROM (SELECT ID, AREA FROM M.S.SHOWN) WHERE ID = 's1'") == [["south"]]
    # Its values can be read off the other side of a join: what is hidden must be left out of the view.
    assert consumer.rows("SELECT X.K FROM M.S.SHOWN P JOIN (SELECT 's1' AS K) X ON P.ID = X.K") == [["s1"]]
    assert consumer.rows("SELECT COUNT(*) AS N FROM M.S.SHOWN GROUP BY ID HAVING COUNT(*) > 1 LIMIT 1") == [["2"]]


def test_it_is_not_stored_or_unloaded(hidden):
    consumer = hidden()
    consumer.do("CREATE DATABASE C", "CREATE VIEW C.PUBLIC.W AS SELECT ID AS K, AREA FROM M.S.SHOWN")
    assert consumer.refused("CREATE TABLE C.PUBLIC.T AS SELECT ID FROM M.S.SHOWN") == SHOWN
    assert consumer.refused("SELECT K FROM C.PUBLIC.W") == SHOWN
    assert len(consumer.rows("SELECT AREA FROM C.PUBLIC.W")) == 28


def test_nullified(hidden):
    consumer = hidden("PROJECTION_CONSTRAINT(ALLOW => FALSE, ENFORCEMENT => 'NULLIFY')")
    assert consumer.rows("SELECT ID, UPPER(ID) AS U, AREA FROM M.S.SHOWN WHERE ID = 's1'") == [[None, None, "south"]]


def test_allowed_for_the_provider(hidden, people):
    consumer = hidden("CASE WHEN INVOKER_SHARE() IS NULL THEN PROJECTION_CONSTRAINT(ALLOW => TRUE) ELSE PROJECTION_CONSTRAINT(ALLOW => FALSE) END")
    assert len(people.rows("SELECT ID FROM D.S.SHOWN")) == 28
    assert consumer.refused("SELECT ID FROM M.S.SHOWN") == SHOWN


def test_not_even_counted_together_with_an_aggregation_policy(hidden, people):
    people.do("CREATE AGGREGATION POLICY D.S.A AS () RETURNS AGGREGATION_CONSTRAINT -> AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 5)")
    consumer = hidden(clauses="WITH AGGREGATION POLICY D.S.A ENTITY KEY (ID)")
    assert consumer.refused("SELECT COUNT(DISTINCT ID) AS N FROM M.S.SHOWN") == SHOWN
    assert consumer.rows("SELECT AREA, COUNT(*) AS N FROM M.S.SHOWN GROUP BY AREA ORDER BY N DESC") == [["north", "21"], [None, "7"]]


def test_one_projection_policy_at_a_time(hidden, people):
    hidden()
    people.do("CREATE PROJECTION POLICY D.S.Q AS () RETURNS PROJECTION_CONSTRAINT -> PROJECTION_CONSTRAINT(ALLOW => TRUE)")
    assert people.refused("ALTER VIEW D.S.SHOWN MODIFY COLUMN ID SET PROJECTION POLICY D.S.Q") == "003552"
    people.do("ALTER VIEW D.S.SHOWN MODIFY COLUMN ID SET PROJECTION POLICY D.S.Q FORCE")
    assert len(people.rows("SELECT ID FROM D.S.SHOWN")) == 28
    people.do("ALTER VIEW D.S.SHOWN MODIFY COLUMN ID UNSET PROJECTION POLICY")
    assert people.refused("ALTER VIEW D.S.SHOWN MODIFY COLUMN ID UNSET PROJECTION POLICY") == "003554"
    assert people.refused("ALTER VIEW D.S.SHOWN MODIFY COLUMN NONE_ SET PROJECTION POLICY D.S.Q") == "000904"


def test_masked(people, share, consumer):
    people.do("CREATE MASKING POLICY D.S.M AS (VAL VARCHAR) RETURNS VARCHAR -> CASE WHEN INVOKER_SHARE() IS NULL THEN VAL ELSE LEFT(VAL, 1) || '*' END")
    share(consumer, "(ID WITH MASKING POLICY D.S.M, AREA, SPEND)")
    assert consumer.rows("SELECT DISTINCT ID FROM M.S.SHOWN ORDER BY ID NULLS LAST") == [["e*"], ["n*"], ["s*"], [None]]
    assert consumer.rows("SELECT COUNT(*) AS N FROM M.S.SHOWN WHERE ID = 'n0'") == [["0"]]
    assert people.rows("SELECT COUNT(DISTINCT ID) AS N FROM D.S.SHOWN") == [["17"]]


def test_masked_by_another_column(people, share, consumer):
    people.do("CREATE MASKING POLICY D.S.M AS (VAL VARCHAR, WHERE_ VARCHAR) RETURNS VARCHAR -> IFF(WHERE_ = 'south', VAL, NULL)")
    share(consumer)
    people.do("ALTER VIEW D.S.SHOWN MODIFY COLUMN ID SET MASKING POLICY D.S.M USING (ID, AREA)")
    assert consumer.rows("SELECT COUNT(DISTINCT ID) AS N FROM M.S.SHOWN") == [["4"]]
    assert people.dicts("DESC VIEW D.S.SHOWN")[0]["policy name"] == "D.S.M"


def test_masked_before_entities_are_counted(people, share, consumer):
    people.do("CREATE MASKING POLICY D.S.M AS (VAL VARCHAR) RETURNS VARCHAR -> 'same'", "CREATE AGGREGATION POLICY D.S.A AS () RETURNS AGGREGATION_CONSTRAINT -> AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 2)")
    share(consumer, "(ID WITH MASKING POLICY D.S.M, AREA, SPEND) WITH AGGREGATION POLICY D.S.A ENTITY KEY (ID)")
    assert consumer.rows("SELECT COUNT(*) AS N FROM M.S.SHOWN") == [[None]]


def test_rows_by_account(people, share, consumer, port):
    locator = consumer.rows("SELECT CURRENT_ACCOUNT() AS A")[0][0]
    people.do("CREATE TABLE D.S.ALLOWED (ACCOUNT VARCHAR, AREA VARCHAR)", f"INSERT INTO D.S.ALLOWED VALUES ('{locator}', 'south'), ('OTHER', 'north')",
              "CREATE ROW ACCESS POLICY D.S.R AS (WHERE_ VARCHAR) RETURNS BOOLEAN -> EXISTS (SELECT 1 FROM ALLOWED A WHERE A.ACCOUNT = CURRENT_ACCOUNT() AND A.AREA = WHERE_)")
    share(consumer, "WITH ROW ACCESS POLICY D.S.R ON (AREA)")
    assert consumer.rows("SELECT AREA, COUNT(*) AS N FROM M.S.SHOWN GROUP BY AREA") == [["south", "4"]]
    assert people.rows("SELECT COUNT(*) AS N FROM D.S.SHOWN") == [["0"]]
    people.do(f"INSERT INTO D.S.ALLOWED VALUES ('{locator}', 'east')")
    assert consumer.rows("SELECT COUNT(*) AS N FROM M.S.SHOWN") == [["7"]]


def test_rows_that_are_filtered_count_for_nothing(people, share, consumer):
    people.do("CREATE ROW ACCESS POLICY D.S.R AS (A VARCHAR) RETURNS BOOLEAN -> A = 'south'", "CREATE AGGREGATION POLICY D.S.P AS () RETURNS AGGREGATION_CONSTRAINT -> AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 5)")
    share(consumer, "WITH ROW ACCESS POLICY D.S.R ON (AREA) WITH AGGREGATION POLICY D.S.P ENTITY KEY (ID)")
    assert consumer.rows("SELECT COUNT(*) AS N FROM M.S.SHOWN") == [[None]]


def test_one_row_access_policy_at_a_time(people):
    people.do("CREATE ROW ACCESS POLICY D.S.R AS (A VARCHAR) RETURNS BOOLEAN -> TRUE", "CREATE ROW ACCESS POLICY D.S.R2 AS (A VARCHAR) RETURNS BOOLEAN -> FALSE", "ALTER TABLE D.S.PEOPLE ADD ROW ACCESS POLICY D.S.R ON (AREA)")
    assert people.refused("ALTER TABLE D.S.PEOPLE ADD ROW ACCESS POLICY D.S.R2 ON (AREA)") == "003552"
    people.do("ALTER TABLE D.S.PEOPLE DROP ROW ACCESS POLICY D.S.R, ADD ROW ACCESS POLICY D.S.R2 ON (ID)")
    assert people.rows("SELECT * FROM D.S.PEOPLE") == []
    people.do("ALTER TABLE D.S.PEOPLE DROP ALL ROW ACCESS POLICIES")
    assert len(people.rows("SELECT * FROM D.S.PEOPLE")) == 28
    assert people.refused("ALTER TABLE D.S.PEOPLE ADD ROW ACCESS POLICY D.S.R ON (SPEND)") == "003553"


@pytest.mark.parametrize("text", ["CREATE MASKING POLICY D.S.X AS (V VARCHAR) RETURNS NUMBER -> 1", "CREATE MASKING POLICY D.S.X AS () RETURNS VARCHAR -> 'x'", "CREATE ROW ACCESS POLICY D.S.X AS (V VARCHAR) RETURNS VARCHAR -> V"])
def test_signatures(people, text):
    assert people.refused(text) == "001008"


def test_who_may_set_policies(people, port, twin):
    people.do("CREATE AGGREGATION POLICY D.S.A AS () RETURNS AGGREGATION_CONSTRAINT -> AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 5)")
    twin.call("PUT", f"users/{stage.PROVIDER}/MAKER", {"public_key": stage.pem(stage.KEY), "roles": ["MAKER"]})
    maker = stage.Client(port, stage.PROVIDER, "MAKER")
    people.do("GRANT USAGE ON DATABASE D TO ROLE MAKER", "GRANT USAGE ON SCHEMA D.S TO ROLE MAKER", "GRANT CREATE TABLE ON SCHEMA D.S TO ROLE MAKER", "GRANT APPLY ON AGGREGATION POLICY D.S.A TO ROLE MAKER")
    maker.do("CREATE TABLE D.S.OWN AS SELECT 1 AS A", "ALTER TABLE D.S.OWN SET AGGREGATION POLICY D.S.A")
    assert maker.refused("ALTER TABLE D.S.PEOPLE SET AGGREGATION POLICY D.S.A") == "002003"
    people.do("GRANT SELECT ON TABLE D.S.PEOPLE TO ROLE MAKER")
    assert maker.refused("ALTER TABLE D.S.PEOPLE SET AGGREGATION POLICY D.S.A") == "003001"
    assert maker.refused("CREATE AGGREGATION POLICY D.S.B AS () RETURNS AGGREGATION_CONSTRAINT -> NO_AGGREGATION_CONSTRAINT()") == "003001"
