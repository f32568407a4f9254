"""Identifiers that would hurt: quotes, comments, statements in names, Unicode, length, case. A name stays a name, through every statement."""

import pytest
import stage

from snowflake_twin.query import guards

HOSTILE = ['a"b', "a'b", "a;b", "--", "/*x*/", "$$", "a b", "a.b", "SELECT", "%_", "é漢字😀", "1st", "\\", "a\nb", "a\tb", "?", ":1", "x" * 255, "lower", "ТАБЛИЦА", "\u202eevil", "t1; DROP TABLE D.S.PEOPLE; --", "ref$0", "{{x}}"]


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


@pytest.mark.parametrize("name", HOSTILE)
def test_a_whole_share_under_one_name(people, consumer, name):
    q = quoted(name)
    people.do(f"CREATE DATABASE {q}", f"CREATE SCHEMA {q}.{q}", f"CREATE TABLE {q}.{q}.BASE ({q} VARCHAR, N NUMBER)", f"INSERT INTO {q}.{q}.BASE VALUES ('a', 1), ('b', 2), ('c', 3)",
              f"CREATE AGGREGATION POLICY {q}.{q}.{q} AS () RETURNS AGGREGATION_CONSTRAINT -> AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 2)",
              f"CREATE TAG {q}.{q}.{q}", f"CREATE SECURE VIEW {q}.{q}.{q} WITH AGGREGATION POLICY {q}.{q}.{q} ENTITY KEY ({q}) AS SELECT * FROM {q}.{q}.BASE", f"ALTER VIEW {q}.{q}.{q} SET TAG {q}.{q}.{q} = 'v'",
              f"CREATE SHARE {q}", f"GRANT USAGE ON DATABASE {q} TO SHARE {q}", f"GRANT USAGE ON SCHEMA {q}.{q} TO SHARE {q}", f"GRANT SELECT ON VIEW {q}.{q}.{q} TO SHARE {q}", f"ALTER SHARE {q} ADD ACCOUNTS = ACME.CONSUMER")
    consumer.do(f"CREATE DATABASE {q} FROM SHARE ACME.PROVIDER.{q}")
    assert consumer.rows(f"SELECT COUNT(*) AS {q}, SUM(N) AS S FROM {q}.{q}.{q}") == [["3", "6"]]
    assert consumer.submit(f"SELECT COUNT(*) AS {q} FROM {q}.{q}.{q}").body["resultSetMetaData"]["rowType"][0]["name"] == name
    assert consumer.refused(f"SELECT {q} FROM {q}.{q}.{q}") == "506031"
    shown = people.dicts("SHOW SHARES")[0]
    assert (shown["name"], shown["database_name"]) == (name, name)
    assert [r["name"] for r in consumer.dicts(f"SHOW VIEWS IN SCHEMA {q}.{q}")] == [name]
    told = people.dicts(f"SHOW GRANTS TO SHARE {q}")[2]["name"]
    people.do(f"REVOKE SELECT ON VIEW {told} FROM SHARE {q}")  # what SHOW says can be said back
    assert consumer.refused(f"SELECT COUNT(*) AS N FROM {q}.{q}.{q}") == "002003"
    found = people.dicts(f"SELECT TAG_NAME, TAG_VALUE, OBJECT_NAME FROM TABLE({q}.INFORMATION_SCHEMA.TAG_REFERENCES('{told.replace(chr(92), chr(92) * 2).replace(chr(39), chr(39) * 2)}', 'VIEW'))")
    assert found == [{"TAG_NAME": name, "TAG_VALUE": "v", "OBJECT_NAME": name}]
    people.do(f"DROP SHARE {q}", f"DROP DATABASE {q}")
    assert len(people.rows("SELECT * FROM D.S.PEOPLE")) == 28


@pytest.mark.parametrize("name", HOSTILE)
def test_the_loading_route_takes_names_as_they_are(twin, provider, name):
    path = "/".join(stage.urllib.parse.quote(w, safe="") for w in (stage.PROVIDER, name, name, name))
    twin.call("PUT", f"tables/{path}", {"columns": [{"name": name, "type": "VARCHAR"}], "rows": [[name]]})
    q = quoted(name)
    assert provider.rows(f"SELECT {q} FROM {q}.{q}.{q}") == [[name]]


def test_unquoted_names_are_upper_case_and_quoted_ones_exact(provider):
    provider.do("create database d", 'create table d.public.T ("lower" varchar, UPPER varchar)', "insert into D.PUBLIC.t values ('a', 'b')")
    assert provider.rows('SELECT "lower", upper FROM "D"."PUBLIC"."T"') == [["a", "b"]]
    for text in ("SELECT lower FROM D.PUBLIC.T", 'SELECT "upper" FROM D.PUBLIC.T', 'SELECT UPPER FROM D.PUBLIC."t"', 'SELECT UPPER FROM "d".PUBLIC.T'):
        assert provider.refused(text) in ("000904", "002003")


@pytest.mark.parametrize("name", ["x" * 256, ""])
def test_names_that_cannot_be(provider, name):
    assert provider.refused(f'CREATE DATABASE "{name}"') in ("000209", "001003")


def test_columns_that_differ_in_case_only_are_refused(provider):
    provider.do("CREATE DATABASE D")
    assert provider.refused('CREATE TABLE D.PUBLIC.T (A NUMBER, "a" NUMBER)') == "000002"
    assert provider.refused("CREATE TABLE D.PUBLIC.T (A NUMBER, A NUMBER)") == "002025"


def test_a_hidden_column_cannot_be_named(people, share, consumer):
    people.do("CREATE AGGREGATION POLICY D.S.P AS () RETURNS AGGREGATION_CONSTRAINT -> AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 2)")
    share(consumer, "WITH AGGREGATION POLICY D.S.P ENTITY KEY (ID)")
    for name in ("\x01k0", "\x01n0", "\x01c0", "\x01small", guards.hidden()):
        assert consumer.refused(f'SELECT COUNT("{name}") AS N FROM M.S.SHOWN') == "000904"


def test_names_of_the_rewriting_may_be_used(people, share, consumer):
    """Somebody's own columns, tables and CTEs under names that the twin uses inside change nothing."""
    people.do("CREATE AGGREGATION POLICY D.S.P AS () RETURNS AGGREGATION_CONSTRAINT -> AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 5)")
    share(consumer, "WITH AGGREGATION POLICY D.S.P ENTITY KEY (ID)")
    inner = ", ".join(f'SPEND AS "{n}"' for n in ("\x01k0", "\x01n0", "\x01c0", "\x01small", "\x01h1"))
    assert consumer.rows(f'SELECT AREA, COUNT(*) AS "\x01n0" FROM (SELECT AREA, {inner} FROM M.S.SHOWN) AS "\x01m" GROUP BY AREA ORDER BY 2 DESC') == [["north", "21"], [None, "7"]]
    assert consumer.rows('WITH "\x01b" AS (SELECT AREA FROM M.S.SHOWN AS "\x01v") SELECT COUNT(*) AS N FROM "\x01b" AS "\x01i" WHERE AREA = \'south\'') == [[None]]


@pytest.mark.parametrize("text", ["SELECT 'a' AS A /* open", "SELECT 'open", 'SELECT "open', "SELECT $$open", "CREATE SHARE S -- x\n FOO", "CREATE /* OR REPLACE */ SHARE"])
def test_what_is_open_is_a_syntax_error(provider, text):
    assert provider.refused(text) == "001003"


def test_comments_and_case_do_not_matter(provider):
    provider.do("cReAtE /* a */ sHaRe -- b\n s1 // c\n comment = 'it''s \\'x\\' -- /* */'")
    assert provider.dicts("show shares like 'S1'")[0]["comment"] == "it's 'x' -- /* */"


def test_dollar_strings_end_at_dollars(provider):
    provider.do("CREATE SHARE S1 COMMENT = $$a 'b' \"c\" ; -- $$")
    assert provider.dicts("SHOW SHARES")[0]["comment"] == "a 'b' \"c\" ; -- "
