"""Databases, schemas, tables, views, roles, tags; SHOW and DESC with their scopes; IF EXISTS, IF NOT EXISTS, OR REPLACE."""

import pytest
import stage


@pytest.fixture
def place(provider):
    """A database D with schemas A and B and things in them."""
    provider.do("CREATE DATABASE D", "CREATE SCHEMA D.A", "CREATE SCHEMA D.B", "CREATE TABLE D.A.T1 (ID VARCHAR NOT NULL, N NUMBER(10,2) COMMENT 'how many')", "CREATE TABLE D.A.T2 AS SELECT 1 AS X",
                "CREATE TABLE D.B.T3 AS SELECT 1 AS X", "CREATE VIEW D.A.V1 AS SELECT ID FROM T1", "CREATE SECURE VIEW D.B.V2 COMMENT = 'c' AS SELECT X AS Y FROM D.A.T2")
    return provider


def names(client, text, **body):
    return [r["name"] for r in client.dicts(text, **body)]


SHOWS = [("SHOW TABLES IN ACCOUNT", ["T1", "T2", "T3"]), ("SHOW TABLES IN DATABASE D", ["T1", "T2", "T3"]), ("SHOW TABLES IN SCHEMA D.A", ["T1", "T2"]), ("SHOW TABLES IN D.B", ["T3"]), ("SHOW TABLES LIKE 't_' IN D.A", ["T1", "T2"]),
         ("SHOW TABLES LIKE '%3' IN ACCOUNT", ["T3"]), ("SHOW TABLES IN ACCOUNT STARTS WITH 'T' LIMIT 2", ["T1", "T2"]), ("SHOW TABLES IN ACCOUNT LIMIT 10 FROM 'T1'", ["T2", "T3"]), ("SHOW TABLES IN ACCOUNT STARTS WITH 't'", []),
         ("SHOW VIEWS IN DATABASE D", ["V1", "V2"]), ("SHOW SCHEMAS IN DATABASE D", ["A", "B", "PUBLIC"]), ("SHOW DATABASES LIKE 'd'", ["D"]), ("SHOW DATABASES LIKE 'D_'", []), ("SHOW WAREHOUSES", ["COMPUTE_WH"]),
         ("SHOW ROLES LIKE 'SYS%'", ["SYSADMIN"]), ("SHOW USERS", ["GATEWAY"]), ("SHOW INTEGRATIONS", []), ("SHOW STAGES IN ACCOUNT", []), ("SHOW TAGS IN ACCOUNT", []), ("SHOW MASKING POLICIES IN ACCOUNT", [])]


@pytest.mark.parametrize(("text", "wanted"), SHOWS)
def test_shown(place, text, wanted):
    assert names(place, text) == wanted


def test_a_schema_is_commented(place):
    place.do("ALTER SCHEMA D.A SET COMMENT = 'it''s'")
    shown = {r["name"]: r["comment"] for r in place.dicts("SHOW SCHEMAS IN DATABASE D")}
    assert (shown["A"], shown["B"]) == ("it's", "")
    place.do("ALTER SCHEMA D.A UNSET COMMENT", "ALTER SCHEMA IF EXISTS D.NOWHERE SET COMMENT = 'x'")
    assert {r["comment"] for r in place.dicts("SHOW SCHEMAS IN DATABASE D")} == {""}
    assert place.refused("ALTER SCHEMA D.NOWHERE SET COMMENT = 'x'") == "002003"


def test_the_current_place_narrows(place):
    assert names(place, "SHOW TABLES", database="D", schema="B") == ["T3"]
    assert names(place, "SHOW TABLES") == ["T1", "T2", "T3"]
    assert place.rows("SELECT X FROM T3", database="D", schema="B") == [["1"]]


def test_who_and_where_one_is(place):
    assert place.rows("SELECT CURRENT_ORGANIZATION_NAME() || '.' || CURRENT_ACCOUNT_NAME() AS A, CURRENT_REGION() AS R, CURRENT_DATABASE() AS D, CURRENT_SCHEMA() AS S", database="D") == [["ACME.PROVIDER", "AWS_US_EAST_1", "D", "PUBLIC"]]


def test_table_functions_are_of_a_database_that_is_there(place):
    call = "SELECT COUNT(*) AS N FROM TABLE({}.INFORMATION_SCHEMA.POLICY_REFERENCES(REF_ENTITY_NAME => 'D.A.T1', REF_ENTITY_DOMAIN => 'TABLE'))"
    assert place.rows(call.format("d")) == place.rows(call.format('"D"')) == [["0"]]
    for name in ("E", '"d"'):
        assert place.refused(call.format(name)) == "002003"


def test_what_was_run_is_found_by_its_tag(place, port, twin):
    handle = place.submit("SELECT 1 AS A", parameters={"query_tag": "gw:run-9"}).body["statementHandle"]
    place.refused("SELECT NOTHING", parameters={"query_tag": "gw:run-9"})
    history = "SELECT QUERY_ID, EXECUTION_STATUS, ERROR_CODE FROM TABLE(D.INFORMATION_SCHEMA.QUERY_HISTORY(RESULT_LIMIT => 50)) WHERE QUERY_TAG = 'gw:run-9' ORDER BY START_TIME"
    found = place.rows(history)
    assert found[0] == [handle, "SUCCESS", None] and found[1][1:] == ["FAILED_WITH_ERROR", "000904"]
    twin.call("PUT", f"users/{stage.PROVIDER}/ANN", {"public_key": stage.pem(stage.KEY), "roles": ["R"]})
    place.do("GRANT USAGE ON DATABASE D TO ROLE R")
    assert stage.Client(port, stage.PROVIDER, "ANN").rows(history) == []


def test_columns_of_shows(place):
    shown = place.dicts("SHOW VIEWS IN DATABASE D")
    assert [(v["is_secure"], v["comment"], v["schema_name"]) for v in shown] == [("false", "", "A"), ("true", "c", "B")]
    assert shown[1]["text"].startswith("CREATE SECURE VIEW D.B.V2")
    described = place.dicts("DESC TABLE D.A.T1")
    assert [(c["name"], c["type"], c["kind"], c["null?"], c["comment"]) for c in described] == [("ID", "VARCHAR(16777216)", "COLUMN", "N", None), ("N", "NUMBER(10,2)", "COLUMN", "Y", "how many")]
    assert [c["column_name"] for c in place.dicts("SHOW COLUMNS IN TABLE D.A.T1")] == ["ID", "N"]
    assert place.refused("DESC VIEW D.A.T1") == place.refused("DESC TABLE D.A.V1") == "002003"
    assert place.rows("SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE FROM D.INFORMATION_SCHEMA.TABLES ORDER BY 2 LIMIT 1") == [["A", "T1", "BASE TABLE"]]
    stamp = "SELECT CREATED, LAST_DDL FROM D.INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA IN ('A') AND TABLE_NAME IN ('T1')"
    [[made, changed]] = place.rows(stamp)
    place.do("INSERT INTO D.A.T1 VALUES ('z', 1)")
    assert place.rows(stamp) == [[made, changed]], "rows are no DDL"
    place.do("ALTER TABLE D.A.T1 ADD COLUMN M NUMBER", "ALTER TABLE D.A.T1 DROP COLUMN M")
    assert place.rows(stamp)[0][0] == made and float(place.rows(stamp)[0][1]) > float(changed)
    assert place.rows("SELECT COLUMN_NAME FROM D.INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'T1' ORDER BY ORDINAL_POSITION") == [["ID"], ["N"]]


KINDS = [("DATABASE", "E", ""), ("SCHEMA", "D.C", ""), ("TABLE", "D.A.N", "(X NUMBER)"), ("VIEW", "D.A.N", "AS SELECT 1 AS X"), ("ROLE", "R", ""), ("SHARE", "S", ""), ("TAG", "D.A.G", ""), ("WAREHOUSE", "W", ""), ("USER", "U", ""),
         ("AGGREGATION POLICY", "D.A.P", "AS () RETURNS AGGREGATION_CONSTRAINT -> NO_AGGREGATION_CONSTRAINT()"), ("ROW ACCESS POLICY", "D.A.P", "AS (A VARCHAR) RETURNS BOOLEAN -> TRUE")]


@pytest.mark.parametrize(("kind", "name", "rest"), KINDS)
def test_made_twice_and_dropped_twice(place, kind, name, rest):
    place.do(f"CREATE {kind} {name} {rest}")
    assert place.refused(f"CREATE {kind} {name} {rest}") == "002002"
    place.do(f"CREATE {kind} IF NOT EXISTS {name} {rest}", f"CREATE OR REPLACE {kind} {name} {rest}")
    assert place.refused(f"CREATE OR REPLACE {kind} IF NOT EXISTS {name} {rest}") in ("002262", "001003")
    place.do(f"DROP {kind} {name}", f"DROP {kind} IF EXISTS {name}")
    assert place.refused(f"DROP {kind} {name}") == "002003"


def test_grants_of_what_is_replaced(place):
    place.do("CREATE ROLE R", "GRANT SELECT ON VIEW D.A.V1 TO ROLE R")
    place.do("CREATE OR REPLACE VIEW D.A.V1 COPY GRANTS AS SELECT ID FROM T1")
    assert [g["privilege"] for g in place.dicts("SHOW GRANTS TO ROLE R")] == ["SELECT"]
    place.do("CREATE OR REPLACE VIEW D.A.V1 AS SELECT ID FROM T1")
    assert place.rows("SHOW GRANTS TO ROLE R") == []


def test_roles_inherit(place, port, twin):
    place.do("CREATE ROLE LOW", "CREATE ROLE HIGH", "GRANT ROLE LOW TO ROLE HIGH", "GRANT USAGE ON DATABASE D TO ROLE LOW", "GRANT USAGE ON SCHEMA D.A TO ROLE LOW", "GRANT SELECT ON ALL TABLES IN SCHEMA D.A TO ROLE LOW")
    twin.call("PUT", f"users/{stage.PROVIDER}/ANN", {"public_key": stage.pem(stage.KEY), "roles": ["HIGH"]})
    ann = stage.Client(port, stage.PROVIDER, "ANN")
    assert ann.rows("SELECT X FROM D.A.T2") == [["1"]]
    assert ann.rows("SELECT X FROM D.A.T2", role="LOW") == [["1"]]
    assert names(ann, "SHOW TABLES IN ACCOUNT") == ["T1", "T2"]
    assert place.refused("GRANT ROLE HIGH TO ROLE LOW") == "003013"
    place.do("REVOKE ROLE LOW FROM ROLE HIGH")
    assert ann.refused("SELECT X FROM D.A.T2") == "002003"
    assert [g["grantee_name"] for g in place.dicts("SHOW GRANTS OF ROLE HIGH")] == ["ANN"]


def test_secondary_roles(place, port, twin):
    user = f"users/{stage.PROVIDER}/ANN"
    twin.call("PUT", user, {"public_key": stage.pem(stage.KEY), "roles": ["ONE", "TWO"], "secondary_roles": True})
    place.do("GRANT USAGE ON DATABASE D TO ROLE TWO", "GRANT USAGE ON SCHEMA D.A TO ROLE TWO", "GRANT SELECT ON TABLE D.A.T2 TO ROLE TWO")
    ann = stage.Client(port, stage.PROVIDER, "ANN")
    assert ann.rows("SELECT X FROM D.A.T2") == [["1"]]
    place.do("ALTER USER ANN SET DEFAULT_SECONDARY_ROLES = ()")
    assert ann.refused("SELECT X FROM D.A.T2") == "002003"
    assert ann.rows("SELECT X FROM D.A.T2", role="TWO") == [["1"]]


def test_views_have_their_owner_s_rights(place, port, twin):
    twin.call("PUT", f"users/{stage.PROVIDER}/ANN", {"public_key": stage.pem(stage.KEY), "roles": ["R"]})
    place.do("GRANT USAGE ON DATABASE D TO ROLE R", "GRANT USAGE ON SCHEMA D.A TO ROLE R", "GRANT SELECT ON VIEW D.A.V1 TO ROLE R")
    ann = stage.Client(port, stage.PROVIDER, "ANN")
    assert ann.rows("SELECT * FROM D.A.V1") == []
    assert ann.refused("SELECT * FROM D.A.T1") == "002003"
    place.do("DROP TABLE D.A.T1")
    assert ann.refused("SELECT * FROM D.A.V1") == "002003"


def test_tags(place):
    place.do("CREATE TAG D.A.ROOM ALLOWED_VALUES 'x', 'y'", "CREATE TAG D.A.FREE", "ALTER TABLE D.A.T1 SET TAG D.A.ROOM = 'x', D.A.FREE = 'any''thing'", "ALTER TABLE D.A.T1 MODIFY COLUMN ID SET TAG D.A.FREE = 'col'",
             "CREATE SHARE S", "ALTER SHARE S SET TAG D.A.FREE = 'share'")
    assert place.refused("ALTER TABLE D.A.T1 SET TAG D.A.ROOM = 'z'") == "391907"
    assert place.rows("SELECT SYSTEM$GET_TAG('D.A.ROOM', 'D.A.T1', 'TABLE') AS A, SYSTEM$GET_TAG('D.A.FREE', 'D.A.T1.ID', 'COLUMN') AS B, SYSTEM$GET_TAG('D.A.FREE', 'S', 'SHARE') AS C, SYSTEM$GET_TAG('D.A.FREE', 'D.A.T2', 'TABLE') AS D") == [["x", "col", "share", None]]
    found = place.dicts("SELECT * FROM TABLE(D.INFORMATION_SCHEMA.TAG_REFERENCES('D.A.T1', 'TABLE'))")
    assert sorted((f["TAG_NAME"], f["TAG_VALUE"], f["LEVEL"]) for f in found) == [("FREE", "any'thing", "TABLE"), ("ROOM", "x", "TABLE")]
    place.do("ALTER TABLE D.A.T1 UNSET TAG D.A.ROOM", "DROP TAG D.A.FREE")
    assert place.rows("SELECT * FROM TABLE(D.INFORMATION_SCHEMA.TAG_REFERENCES('D.A.T1', 'TABLE'))") == []


def test_a_tag_is_inherited(place):
    place.do("CREATE TAG D.A.G", "CREATE VIEW D.A.W WITH TAG (D.A.G = 'inline') AS SELECT 1 AS X")
    assert place.rows("SELECT SYSTEM$GET_TAG('D.A.G', 'D.A.W', 'VIEW') AS A") == [["inline"]]


def test_policies_are_shown_and_described(place):
    place.do("CREATE AGGREGATION POLICY D.A.P AS () RETURNS AGGREGATION_CONSTRAINT -> AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 5) COMMENT = 'c'", "CREATE MASKING POLICY D.B.M AS (V VARCHAR, W NUMBER) RETURNS VARCHAR -> V")
    shown = place.dicts("SHOW AGGREGATION POLICIES IN ACCOUNT")
    assert [(p["name"], p["kind"], p["comment"], p["schema_name"]) for p in shown] == [("P", "AGGREGATION_POLICY", "c", "A")]
    assert place.dicts("DESC AGGREGATION POLICY D.A.P") == [{"name": "P", "signature": "()", "return_type": "AGGREGATION_CONSTRAINT", "body": "AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 5)"}]
    assert place.dicts("DESC MASKING POLICY D.B.M")[0]["signature"] == "(V VARCHAR(16777216), W NUMBER(38,0))"
    place.do("ALTER AGGREGATION POLICY D.A.P RENAME TO Q", "ALTER AGGREGATION POLICY D.A.Q SET COMMENT = 'd'")
    assert names(place, "SHOW AGGREGATION POLICIES IN D.A") == ["Q"]


def test_tables_are_altered(place):
    place.do("ALTER TABLE D.A.T2 ADD COLUMN Y VARCHAR", "INSERT INTO D.A.T2 VALUES (2, 'b')", "ALTER TABLE D.A.T2 RENAME TO T9", "ALTER TABLE D.A.T9 SET COMMENT = 'x'")
    assert sorted(place.rows("SELECT X, Y FROM D.A.T9"), key=str) == [["1", None], ["2", "b"]]
    place.do("ALTER TABLE D.A.T9 DROP COLUMN X")
    assert place.refused("SELECT X FROM D.A.T9") == "000904"
    assert place.refused("ALTER TABLE D.A.T9 DROP COLUMN NONE_") == "000904"
    place.do("TRUNCATE TABLE D.A.T9")
    assert place.rows("SELECT * FROM D.A.T9") == []


def test_not_null_holds(place):
    assert place.refused("INSERT INTO D.A.T1 VALUES (NULL, 1)") == "100072"
    assert place.refused("INSERT INTO D.A.T1 (N) VALUES (1)") == "100072"
    assert place.refused("INSERT INTO D.A.T1 VALUES ('a')") == "002057"


def test_what_a_database_s_end_takes_with_it(place):
    place.do("CREATE SHARE S", "GRANT USAGE ON DATABASE D TO SHARE S", "DROP DATABASE D")
    assert place.dicts("SHOW SHARES")[0]["database_name"] == ""
    assert place.rows("SHOW GRANTS TO SHARE S") == []


def test_a_policy_used_elsewhere_keeps_its_schema(place):
    place.do("CREATE DATABASE RULES", "CREATE AGGREGATION POLICY RULES.PUBLIC.P AS () RETURNS AGGREGATION_CONSTRAINT -> NO_AGGREGATION_CONSTRAINT()", "ALTER TABLE D.A.T2 SET AGGREGATION POLICY RULES.PUBLIC.P")
    assert place.refused("DROP DATABASE RULES") == place.refused("DROP SCHEMA RULES.PUBLIC") == "003551"
    place.do("ALTER TABLE D.A.T2 UNSET AGGREGATION POLICY", "DROP DATABASE RULES")


def test_csv_and_parquet_are_loaded(twin, provider, tmp_path):
    import duckdb

    (tmp_path / "a.csv").write_text("id,n\nx,1\ny,2\n", encoding="utf-8")
    duckdb.sql(f"COPY (SELECT 'p' || i AS id, i AS n FROM range(5) t(i)) TO '{tmp_path}/a.parquet' (FORMAT parquet)")
    for end, count in (("csv", "2"), ("parquet", "5")):
        twin.call("PUT", f"tables/{stage.PROVIDER}/L/S/{end.upper()}", {"files": [str(tmp_path / f"a.{end}")]})
        assert provider.rows(f"SELECT COUNT(DISTINCT ID) AS C FROM L.S.{end.upper()}") == [[count]]


def test_many_rows_of_every_type(twin, provider):
    columns = [("A", "VARCHAR"), ("B", "NUMBER(38,0)"), ("C", "NUMBER(10,2)"), ("D", "FLOAT"), ("E", "BOOLEAN"), ("F", "DATE"), ("G", "TIMESTAMP_NTZ"), ("H", "TIMESTAMP_LTZ"), ("I", "TIME")]
    row = ["a'b", 12345678901234567890, "1.25", 1.5, True, "1970-01-02", "1970-01-01 00:00:01", "1970-01-01 00:00:02+00", "00:00:03"]
    twin.table(stage.PROVIDER, "D.S.MANY", columns, [row, [None] * 9] * 200)
    provider.do("CREATE TABLE D.S.AGAIN AS SELECT * FROM D.S.MANY", "INSERT INTO D.S.AGAIN SELECT * FROM D.S.MANY")
    assert provider.rows("SELECT COUNT(*) AS N, COUNT(A) AS A, SUM(C) AS C FROM D.S.AGAIN") == [["800", "400", "500.00"]]
    assert provider.rows("SELECT DISTINCT * FROM D.S.AGAIN WHERE A IS NOT NULL") == [["a'b", "12345678901234567890", "1.25", "1.5", "true", "1", "1.000000000", "2.000000000", "3.000000000"]]
    handle = provider.submit("SELECT * FROM D.S.AGAIN").body["statementHandle"]
    assert provider.rows(f"SELECT COUNT(DISTINCT B) AS N, COUNT(*) AS M FROM TABLE(RESULT_SCAN('{handle}'))") == [["1", "800"]]


def test_loading_again_keeps_grants_and_policies(people, share, consumer, twin):
    share(consumer)
    people.do("GRANT SELECT ON TABLE D.S.PEOPLE TO SHARE OUT")
    twin.table(stage.PROVIDER, "D.S.PEOPLE", [("ID", "VARCHAR"), ("AREA", "VARCHAR"), ("SPEND", "NUMBER(10,0)")], [["a", "b", 1]])
    assert consumer.rows("SELECT * FROM M.S.PEOPLE") == [["a", "b", "1"]]
