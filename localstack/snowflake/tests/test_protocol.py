"""The SQL API on the wire: states, partitions, types, bindings, request ids, several statements, cancelling, time."""

import time

import pytest
import stage

VALUES = ("SELECT 1 AS WHOLE, -2.50::NUMBER(10,2) AS PART, 'a\"é' AS WORD, TRUE AS YES, '1970-01-03'::DATE AS DAY, '1970-01-01 00:00:01.5'::TIMESTAMP_NTZ AS AT, NULL AS VOID, 1.5::FLOAT AS REAL_")


def test_a_statement_and_its_types(provider):
    answer = provider.submit(VALUES)
    assert answer.status == 200
    body = answer.body
    assert body["code"] == "090001" and body["sqlState"] == "00000" and body["statementStatusUrl"] == f"/api/v2/statements/{body['statementHandle']}"
    assert body["data"] == [["1", "-2.50", "a\"é", "true", "2", "1.500000000", None, "1.5"]]
    meta = body["resultSetMetaData"]
    assert (meta["numRows"], meta["format"], meta["partitionInfo"][0]["rowCount"]) == (1, "jsonv2", 1)
    assert [(c["name"], c["type"], c["scale"]) for c in meta["rowType"]][:6] == [("WHOLE", "fixed", 0), ("PART", "fixed", 2), ("WORD", "text", None), ("YES", "boolean", None), ("DAY", "date", None), ("AT", "timestamp_ntz", 9)]


def test_types_in_upper_case(provider, twin):
    twin.set(type_case="upper")
    assert provider.submit("SELECT 1 AS A").body["resultSetMetaData"]["rowType"][0]["type"] == "FIXED"


FUNCTIONS = [("OCTET_LENGTH('é')", "2"), ("DAYOFWEEKISO('2026-01-04'::DATE) % 7", "0"), ("WEEKISO('2026-01-05'::DATE)", "2"), ("TO_VARCHAR('2026-01-02'::DATE, 'YYYY-MM-DD')", "2026-01-02"), ("TO_DATE('1970-01-03', 'YYYY-MM-DD')", "2"),
             ("REGEXP_LIKE('abc', 'b')", "false"), ("REGEXP_LIKE('abc', '.*b.*')", "true"), ("LEAST_IGNORE_NULLS(1, NULL, 3)", "1"), ("GREATEST_IGNORE_NULLS(1, NULL, 3)", "3"), ("SHA2('a', 256)", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
             ("TRIM(' a ', ' ') || 'b'", "ab"), ("'a%b' LIKE 'a\\\\%%' ESCAPE '\\\\'", "true"), ("IFF(TRUE, 1, 2)", "1"), ("TRY_TO_NUMBER('x')", None), ("EXTRACT(HOUR FROM CAST('2026-01-02'::DATE AS TIMESTAMP_NTZ(9)))", "0"), ("EQUAL_NULL(1, NULL)", "false")]


@pytest.mark.parametrize(("text", "wanted"), FUNCTIONS)
def test_functions_as_snowflake_has_them(provider, text, wanted):
    assert provider.rows(f"SELECT {text} AS A") == [[wanted]]


DATES = [("DATE_TRUNC('month', D)", "date", "19723"), ("TRUNC(D, 'year')", "date", "19723"), ("DATE_TRUNC('quarter', T)", "timestamp_ntz", "1704067200.000000000"),
         ("DATE_TRUNC('month', Z)", "timestamp_ltz", "1704067200.000000000"), ("DATEADD('month', 1, D)", "date", "19782"), ("TIMESTAMPADD(DAYS, -1, D)", "date", "19752"),
         ("DATEADD('day', 1 - DAYOFWEEKISO(D), DATE_TRUNC('day', D))", "date", "19751"), ("DATEADD('hour', 1, D)", "timestamp_ntz", "1706662800.000000000"),
         ("DATEADD('year', 1, T)", "timestamp_ntz", "1738281661.000000000"), ("DATEADD('hour', 1, H)", "time", "39600.000000000"), ("D + 1", "date", "19754")]


@pytest.mark.parametrize(("text", "kind", "wanted"), DATES)
def test_what_is_made_of_a_date_is_one_unless_hours_are_added(provider, twin, text, kind, wanted):
    twin.table(stage.PROVIDER, "D.S.T", [("D", "DATE"), ("T", "TIMESTAMP_NTZ"), ("Z", "TIMESTAMP_LTZ"), ("H", "TIME")], [["2024-01-31", "2024-01-31 00:01:01", "2024-01-31 00:01:01+00", "10:00:00"]])
    asked = provider.submit(f"SELECT {text} AS A, COUNT(*) AS N FROM D.S.T GROUP BY {text}")
    assert (asked.body["resultSetMetaData"]["rowType"][0]["type"], asked.rows) == (kind, [[wanted, "1"]])


def test_zones_binary_and_times(provider, twin):
    twin.table(stage.PROVIDER, "D.S.T", [("A", "TIMESTAMP_LTZ"), ("B", "TIMESTAMP_TZ"), ("C", "BINARY"), ("D", "TIME")], [["1970-01-01 00:00:10+00", "1970-01-01 01:00:00+00", b"".hex(), "00:01:00"]])
    provider.do("INSERT INTO D.S.T SELECT A, B, TO_BINARY('0aff'), D FROM D.S.T")
    assert sorted(provider.rows("SELECT A, B, C, D FROM D.S.T"))[1] == ["10.000000000", "3600.000000000", "0AFF", "60.000000000"]


def test_nulls_as_text(provider):
    assert provider.submit("SELECT NULL AS A", {"nullable": "false"}).rows == [["null"]]


def test_partitions(provider, twin):
    twin.set(partition_rows=3)
    twin.table(stage.PROVIDER, "D.S.T", [("N", "NUMBER")], [[n] for n in range(7)])
    first = provider.submit("SELECT N FROM D.S.T ORDER BY N")
    handle = first.body["statementHandle"]
    assert [p["rowCount"] for p in first.body["resultSetMetaData"]["partitionInfo"]] == [3, 3, 1]
    assert 'partition=1>; rel="next"' in first.headers["link"] and 'partition=2>; rel="last"' in first.headers["link"]
    second = provider.poll(handle, 1)
    assert second.headers["content-encoding"] == "gzip" and list(second.body) == ["data"]
    assert first.rows + second.rows + provider.poll(handle, 2).rows == [[str(n)] for n in range(7)]
    assert provider.poll(handle, 3).status == 400
    assert provider.poll(handle).body["resultSetMetaData"]["numRows"] == 7


def test_asynchronous_and_polled(provider, twin):
    twin.call("POST", "clock", {"mode": "manual"})
    twin.set(statement_run_s=5)
    provider.token = stage.jwt(provider.account, now=twin.call("GET", "clock")["now"])
    answer = provider.submit("SELECT 7 AS A", {"async": "true"})
    assert (answer.status, answer.code) == (202, "333334")
    handle = answer.body["statementHandle"]
    assert provider.poll(handle).status == 202
    twin.call("POST", "clock", {"advance_s": 6})
    assert _ended(provider, handle).rows == [["7"]]


def _ended(client, handle):
    until = time.monotonic() + 10
    while (answer := client.poll(handle)).status == 202 and time.monotonic() < until:
        time.sleep(0.02)
    return answer


def test_a_long_synchronous_call_becomes_asynchronous(provider, twin):
    twin.set(statement_run_s=0.6, sync_s_max=0.1)
    answer = provider.submit("SELECT 8 AS A")
    assert answer.status == 202
    assert _ended(provider, answer.body["statementHandle"]).rows == [["8"]]


def test_cancelled_before_it_runs(provider, twin):
    twin.set(statement_run_s=60)
    handle = provider.submit("CREATE DATABASE GONE", {"async": "true"}).body["statementHandle"]
    cancelled = provider.cancel(handle)
    assert (cancelled.status, cancelled.code, cancelled.body["sqlState"]) == (200, "000604", "57014")
    assert provider.poll(handle).code == "000604"
    twin.set(statement_run_s=0)
    assert provider.rows("SHOW DATABASES LIKE 'GONE'") == []
    assert provider.cancel(provider.submit("SELECT 1 AS A").body["statementHandle"]).status == 422


def test_time_runs_out(provider, twin):
    twin.set(statement_run_s=5)
    answer = provider.submit("CREATE DATABASE LATE", timeout=0.1)
    assert (answer.status, answer.code) == (408, "000630")
    assert provider.submit("CREATE DATABASE LATE", parameters={"STATEMENT_TIMEOUT_IN_SECONDS": "1"}).status == 408
    twin.set(statement_run_s=0)
    assert provider.rows("SHOW DATABASES LIKE 'LATE'") == []


def test_the_same_request_id_runs_once_only_with_retry(provider, twin):
    query = {"requestId": "11111111-2222-3333-4444-555555555555"}
    first = provider.submit("SELECT 'once' AS A", query)
    again = provider.submit("SELECT 'once' AS A", query | {"retry": "true"})
    assert again.rows == [["once"]] and again.body["statementHandle"] == first.body["statementHandle"]
    assert twin.count("'once'") == 1
    provider.submit("SELECT 'once' AS A", query)
    assert twin.count("'once'") == 2


def test_a_failed_request_runs_again_on_retry(provider):
    query = {"requestId": "11111111-2222-3333-4444-666666666666"}
    assert provider.submit("SELECT A FROM D.S.T", query).status == 422
    provider.do("CREATE DATABASE D", "CREATE SCHEMA D.S", "CREATE TABLE D.S.T AS SELECT 1 AS A")
    assert provider.submit("SELECT A FROM D.S.T", query | {"retry": "true"}).rows == [["1"]]


def test_bindings(provider):
    given = {"1": ("FIXED", "-12"), "2": ("TEXT", "o'x"), "3": ("BOOLEAN", "true"), "4": ("DATE", "86400000"), "5": ("TIMESTAMP_NTZ", "1500000000"), "6": ("BINARY", "0aff"), "7": ("REAL", "1.5")}
    bound = {k: {"type": t, "value": v} for k, (t, v) in given.items()}
    rows = provider.rows("SELECT ? AS A, ? AS B, ? AS C, ? AS D, ? AS E, ? AS F, ? AS G", bindings=bound)
    assert rows == [["-12", "o'x", "true", "1", "1.500000000", "0AFF", "1.5"]]
    assert provider.rows("SELECT :2 || :2 AS A", bindings=bound) == [["o'xo'x"]]


def test_bindings_count_as_they_stand_in_the_text(provider):
    bound = {str(n): {"type": "FIXED", "value": str(n)} for n in range(1, 7)}
    text = "WITH A AS (SELECT ? AS X /* ? */), B AS (SELECT ? AS Y, '?' AS Q -- ?\n) SELECT ? AS S, X, Y, (SELECT ?) AS Z FROM A JOIN B ON X < ? WHERE Y < ? ORDER BY 1"
    assert provider.rows(text, bindings=bound) == [["3", "1", "2", "4"]]


@pytest.mark.parametrize(("kind", "value"), [("FIXED", "one"), ("BOOLEAN", "maybe"), ("DATE", "2026-01-01"), ("BINARY", "xyz"), ("WORD", "a"), ("FIXED", 3)])
def test_a_bind_value_of_the_wrong_type(provider, kind, value):
    answer = provider.submit("SELECT ? AS A", bindings={"1": {"type": kind, "value": value}})
    assert (answer.status, answer.code, answer.body["sqlState"]) == (422, "100037", "22018")


def test_several_statements(provider):
    answer = provider.submit("CREATE DATABASE D; USE DATABASE D; CREATE TABLE T AS SELECT 5 AS N; SELECT N FROM T", parameters={"MULTI_STATEMENT_COUNT": "4"})
    assert answer.rows == [["Multiple statements executed successfully."]]
    handles = answer.body["statementHandles"]
    assert len(handles) == 4 and provider.poll(handles[3]).rows == [["5"]]


def test_several_statements_stop_at_the_first_that_fails(provider):
    answer = provider.submit("CREATE DATABASE D; CREATE DATABASE D; CREATE DATABASE E", parameters={"multi_statement_count": "0"})
    assert (answer.status, answer.code) == (422, "002002")
    assert [r["name"] for r in provider.dicts("SHOW DATABASES")] == ["D"]


@pytest.mark.parametrize(("text", "count"), [("SELECT 1 AS A; SELECT 2 AS A", "1"), ("SELECT 1 AS A; SELECT 2 AS A", "3"), ("SELECT 1 AS A", "2")])
def test_another_number_of_statements(provider, text, count):
    assert provider.refused(text, parameters={"MULTI_STATEMENT_COUNT": count}) == "000008"


def test_semicolons_in_strings_and_comments_part_nothing(provider):
    assert provider.rows("SELECT ';' AS A -- ; SELECT 2\n /* ; */") == [[";"]]


def test_no_session_outlives_a_request(provider):
    assert provider.refused("USE ROLE SYSADMIN") == "391911"
    provider.do("CREATE DATABASE D")
    assert provider.refused("CREATE TABLE T (A NUMBER)") == "090105"
    assert provider.submit("CREATE TABLE T (A NUMBER)", database="D").status == 200


def test_handles_are_of_their_user_and_live_a_day(port, provider, twin):
    handle = provider.submit("SELECT 1 AS A").body["statementHandle"]
    assert stage.Client(port, stage.CONSUMER).poll(handle).code == "000709"
    assert provider.poll("01-no-such").code == "000709"
    twin.set(result_life_s=0)
    time.sleep(0.01)
    assert provider.poll(handle).code == "000709"


def test_rows_changed_are_counted(provider):
    provider.do("CREATE DATABASE D", "CREATE TABLE D.PUBLIC.T (A NUMBER, B VARCHAR)")
    stats = provider.submit("INSERT INTO D.PUBLIC.T (B, A) VALUES ('x', 1), ('y', 2)").body["stats"]
    assert stats["numRowsInserted"] == 2
    assert provider.submit("UPDATE D.PUBLIC.T SET B = 'z' || B WHERE A = 2").body["stats"]["numRowsUpdated"] == 1
    assert provider.submit("DELETE FROM D.PUBLIC.T WHERE A = 1").rows == [["1"]]
    assert provider.rows("SELECT * FROM D.PUBLIC.T") == [["2", "zy"]]


@pytest.mark.parametrize(("change", "status"), [({"User-Agent": ""}, 400), ({"Content-Type": "text/plain"}, 415), ({"Accept": "text/html"}, 406)])
def test_headers(port, provider, change, status):
    assert stage.call(port, "POST", "/api/v2/statements", {"statement": "SELECT 1 AS A"}, provider.headers(**change)).status == status


@pytest.mark.parametrize("body", [b"no json", {"sql": "SELECT 1"}, {"statement": "SELECT 1", "surprise": 1}, {"statement": "SELECT 1", "role": 5}, {"statement": "SELECT 1", "timeout": -1}, {"statement": "SELECT 1", "parameters": [1]}])
def test_bodies(port, provider, body):
    assert stage.call(port, "POST", "/api/v2/statements", body, provider.headers()).status == 400


def test_paths_and_methods(port, provider):
    assert stage.call(port, "GET", "/api/v2/statements", None, provider.headers()).status == 405
    assert stage.call(port, "GET", "/api/v1/query", None, provider.headers()).status == 404


UNKNOWN = ["PUT file:///etc/passwd @s", "GET @s file:///tmp", "ATTACH 'x.db'", "PRAGMA database_list", "INSTALL httpfs", "COPY t TO '/tmp/x'", "EXPLAIN SELECT 1", "BEGIN", "SET x = 1", "CREATE FUNCTION f() RETURNS INT",
           "CREATE MACRO f() AS 1", "SELECT", "CREATE", "SHOW NOTHING", "DROP DATABASE", "SELECT 1; ; DROP", "EXECUTE IMMEDIATE 'SELECT 1'", "CHECKPOINT", "MERGE INTO t USING u ON 1 = 1"]


@pytest.mark.parametrize("text", UNKNOWN)
def test_what_is_not_known_is_a_syntax_error(provider, text):
    assert provider.refused(text) in ("001003", "000008")


@pytest.mark.parametrize("text", ["SELECT read_text('/etc/passwd') AS A", "SELECT getenv('HOME') AS A", "SELECT * FROM read_parquet('x')", "SELECT * FROM '/etc/passwd'", "SELECT current_setting('threads') AS A",
                                  "SELECT * FROM duckdb_settings()", "SELECT * FROM TABLE(duckdb_tables())", "SELECT * FROM t1", "SELECT * FROM information_schema.tables", "SELECT * FROM sqlite_master", "SELECT UUID_STRING() AS A", "SELECT version() AS A"])
def test_nothing_of_the_engine_is_reached(provider, text):
    provider.do("CREATE DATABASE D", "CREATE TABLE D.PUBLIC.REAL_ (A NUMBER)")
    assert provider.refused(text) in ("002141", "002003", "000002", "001003", "090105", "001008")
