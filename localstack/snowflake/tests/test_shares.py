"""Shares across accounts: what they may hold, whom they reach, what each side sees, and how access ends."""

import pytest
import stage

VIEW = "SELECT COUNT(*) AS N FROM M.S.SHOWN"
GONE = "003030"


def test_what_the_provider_sees(people, share, consumer):
    share(consumer)
    shown = people.dicts("SHOW SHARES")[0]
    assert list(shown) == ["created_on", "kind", "owner_account", "name", "database_name", "to", "owner", "comment", "listing_global_name", "secure_objects_only"]
    assert (shown["kind"], shown["owner_account"], shown["name"], shown["database_name"], shown["to"], shown["owner"]) == ("OUTBOUND", "ACME.PROVIDER", "OUT", "D", "ACME.CONSUMER", "ACCOUNTADMIN")
    grants = people.dicts("SHOW GRANTS TO SHARE OUT")
    assert [(g["privilege"], g["granted_on"], g["name"]) for g in grants] == [("USAGE", "DATABASE", "D"), ("USAGE", "SCHEMA", "D.S"), ("SELECT", "VIEW", "D.S.SHOWN")]
    assert [g["privilege"] for g in people.dicts("SHOW GRANTS TO SHARE OUT LIMIT 2")] == ["USAGE", "USAGE"]
    assert [g["grantee_name"] for g in people.dicts("SHOW GRANTS OF SHARE OUT")] == ["ACME.CONSUMER"]
    assert [(r["kind"], r["name"]) for r in people.dicts("DESC SHARE OUT")] == [("DATABASE", "D"), ("SCHEMA", "D.S"), ("VIEW", "D.S.SHOWN")]
    assert people.dicts("SELECT KIND, NAME, \"TO\" FROM D.INFORMATION_SCHEMA.SHARES") == [{"KIND": "OUTBOUND", "NAME": "OUT", "TO": "ACME.CONSUMER"}]


def test_what_the_consumer_sees(people, share, consumer):
    share(consumer)
    shown = consumer.dicts("SHOW SHARES")[0]
    assert (shown["kind"], shown["owner_account"], shown["name"], shown["database_name"], shown["to"], shown["owner"]) == ("INBOUND", "ACME.PROVIDER", "OUT", "M", "ACME.CONSUMER", "")
    assert [(d["name"], d["origin"], d["kind"]) for d in consumer.dicts("SHOW DATABASES")] == [("M", "ACME.PROVIDER.OUT", "IMPORTED DATABASE")]
    assert [(v["name"], v["database_name"], v["text"], v["is_secure"]) for v in consumer.dicts("SHOW VIEWS IN DATABASE M")] == [("SHOWN", "M", "", "true")]
    assert consumer.rows("SHOW TABLES IN DATABASE M") == []
    assert [r["name"] for r in consumer.dicts("DESC SHARE ACME.PROVIDER.OUT")] == ["M", "M.S", "M.S.SHOWN"]
    assert consumer.rows("SELECT TABLE_NAME, VIEW_DEFINITION FROM M.INFORMATION_SCHEMA.VIEWS") == [["SHOWN", None]]
    assert consumer.rows(VIEW) == [["28"]]


def test_placeholders_before_it_is_mounted(people, share, consumer):
    share(consumer)
    consumer.do("DROP DATABASE M")
    assert [r["name"] for r in consumer.dicts("DESC SHARE ACME.PROVIDER.OUT")] == ["<DB>", "<DB>.S", "<DB>.S.SHOWN"]


def test_strangers_see_nothing(people, share, consumer, port):
    share(consumer)
    stranger = stage.Client(port, stage.SECURED)
    assert stranger.rows("SHOW SHARES") == []
    assert stranger.refused("DESC SHARE ACME.PROVIDER.OUT") == "002003"
    assert stranger.refused("CREATE DATABASE M FROM SHARE ACME.PROVIDER.OUT") == "002003"
    assert stranger.refused("SELECT * FROM D.S.PEOPLE") == "002003"


def test_only_what_was_granted(people, share, consumer):
    share(consumer)
    assert consumer.refused("SELECT * FROM M.S.PEOPLE") == "002003"
    people.do("GRANT SELECT ON TABLE D.S.PEOPLE TO SHARE OUT")
    assert len(consumer.rows("SELECT * FROM M.S.PEOPLE")) == 28
    people.do("REVOKE SELECT ON TABLE D.S.PEOPLE FROM SHARE OUT")
    assert consumer.refused("SELECT * FROM M.S.PEOPLE") == "002003"
    assert consumer.rows(VIEW) == [["28"]]


def test_the_view_reads_live_rows_with_its_owner_s_rights(people, share, consumer):
    share(consumer)
    people.do("INSERT INTO D.S.PEOPLE VALUES ('w1', 'west', 1)")
    assert consumer.rows(VIEW) == [["29"]]


def test_removed_at_once_and_mounted_anew(people, share, consumer):
    share(consumer)
    people.do("ALTER SHARE OUT REMOVE ACCOUNTS = ACME.CONSUMER")
    assert consumer.refused(VIEW) == GONE
    assert consumer.rows("SHOW SHARES") == []
    people.do("ALTER SHARE OUT REMOVE ACCOUNTS = ACME.CONSUMER")  # absent: nothing to do
    people.do("ALTER SHARE OUT ADD ACCOUNTS = ACME.CONSUMER")
    assert consumer.refused(VIEW) == GONE
    consumer.do("DROP DATABASE M", "CREATE DATABASE M FROM SHARE ACME.PROVIDER.OUT")
    assert consumer.rows(VIEW) == [["28"]]
    people.do("ALTER SHARE OUT ADD ACCOUNTS = ACME.CONSUMER")  # present: its mount stays
    assert consumer.rows(VIEW) == [["28"]]


def test_accounts_are_replaced_by_set(people, share, consumer, port):
    share(consumer)
    people.do("ALTER SHARE OUT SET ACCOUNTS = ACME.SECURED")
    assert consumer.refused(VIEW) == GONE
    assert [r["to"] for r in people.dicts("SHOW SHARES")] == ["ACME.SECURED"]


def test_revoked_and_dropped(people, share, consumer):
    share(consumer)
    people.do("REVOKE SELECT ON VIEW D.S.SHOWN FROM SHARE OUT")
    assert consumer.refused(VIEW) == "002003"
    people.do("GRANT SELECT ON VIEW D.S.SHOWN TO SHARE OUT", "DROP SHARE OUT")
    assert consumer.refused(VIEW) == GONE
    people.do("DROP SHARE IF EXISTS OUT")
    assert people.refused("DROP SHARE OUT") == "002003"


def test_a_replaced_share_has_lost_everybody(people, share, consumer):
    share(consumer)
    people.do("CREATE OR REPLACE SHARE OUT")
    assert consumer.refused(VIEW) == GONE
    assert people.rows("SHOW GRANTS TO SHARE OUT") == []


def test_an_object_made_again_is_not_in_the_share(people, share, consumer):
    share(consumer)
    people.do("DROP VIEW D.S.SHOWN", "CREATE SECURE VIEW D.S.SHOWN AS SELECT ID FROM D.S.PEOPLE")
    assert consumer.refused(VIEW) == "002003"
    assert len(people.rows("SHOW GRANTS TO SHARE OUT")) == 2


def test_all_tables_is_a_snapshot(people, share, consumer):
    share(consumer)
    people.do("GRANT SELECT ON ALL TABLES IN SCHEMA D.S TO SHARE OUT", "CREATE TABLE D.S.LATER AS SELECT 1 AS A")
    assert len(consumer.rows("SELECT * FROM M.S.PEOPLE")) == 28
    assert consumer.refused("SELECT * FROM M.S.LATER") == "002003"


def test_a_mounted_database_is_read_only(share, consumer):
    share(consumer)
    for text in ("CREATE TABLE M.S.T (A NUMBER)", "CREATE SCHEMA M.X", "DROP VIEW M.S.SHOWN", "ALTER VIEW M.S.SHOWN SET COMMENT = 'x'"):
        assert consumer.refused(text) == "003001"
    assert consumer.refused("INSERT INTO M.S.SHOWN VALUES ('a', 'b', 1)") == "002003"
    consumer.do("CREATE SHARE AGAIN")
    assert consumer.refused("GRANT USAGE ON DATABASE M TO SHARE AGAIN") == "003003"


def test_a_share_is_mounted_once(share, consumer):
    share(consumer)
    assert consumer.refused("CREATE DATABASE M2 FROM SHARE ACME.PROVIDER.OUT") == "003016"


def test_imported_privileges(share, consumer, port, twin):
    share(consumer)
    twin.call("PUT", f"users/{stage.CONSUMER}/ANALYST", {"public_key": stage.pem(stage.KEY), "roles": ["ANALYST"]})
    analyst = stage.Client(port, stage.CONSUMER, "ANALYST")
    assert analyst.refused(VIEW) == "002003"
    assert consumer.refused("GRANT USAGE ON DATABASE M TO ROLE ANALYST") == "003003"
    for other in ("SELECT ON VIEW M.S.SHOWN", "SELECT ON ALL VIEWS IN DATABASE M", "USAGE ON SCHEMA M.S", "OWNERSHIP ON VIEW M.S.SHOWN", "OWNERSHIP ON DATABASE M"):
        assert consumer.refused(f"GRANT {other} TO ROLE ANALYST") == "003003", other
    consumer.do("GRANT IMPORTED PRIVILEGES ON DATABASE M TO ROLE ANALYST")
    assert analyst.rows(VIEW) == [["28"]]
    consumer.do("REVOKE IMPORTED PRIVILEGES ON DATABASE M FROM ROLE ANALYST")
    assert analyst.refused(VIEW) == "002003"


def test_the_order_of_grants(people):
    people.do("CREATE SHARE S1", "CREATE SECURE VIEW D.S.V AS SELECT ID FROM D.S.PEOPLE")
    assert people.refused("GRANT USAGE ON SCHEMA D.S TO SHARE S1") == "003011"
    assert people.refused("ALTER SHARE S1 ADD ACCOUNTS = ACME.CONSUMER") == "003021"
    people.do("GRANT USAGE ON DATABASE D TO SHARE S1")
    assert people.refused("GRANT SELECT ON VIEW D.S.V TO SHARE S1") == "003012"
    people.do("GRANT USAGE ON SCHEMA D.S TO SHARE S1", "GRANT SELECT ON VIEW D.S.V TO SHARE S1", "CREATE DATABASE E")
    assert people.refused("GRANT USAGE ON DATABASE E TO SHARE S1") == "003013"
    assert people.refused("GRANT SELECT ON DATABASE D TO SHARE S1") == "003008"
    assert people.refused("GRANT INSERT ON TABLE D.S.PEOPLE TO SHARE S1") == "003008"


def test_secure_objects_only(people, share, consumer):
    share(consumer)
    people.do("CREATE VIEW D.S.PLAIN AS SELECT ID FROM D.S.PEOPLE")
    assert people.refused("GRANT SELECT ON VIEW D.S.PLAIN TO SHARE OUT") == "003027"
    assert people.refused("CREATE OR REPLACE VIEW D.S.SHOWN COPY GRANTS AS SELECT ID FROM D.S.PEOPLE") == "003027"
    assert people.refused("ALTER VIEW D.S.SHOWN UNSET SECURE") == "003027"
    assert people.refused("ALTER SHARE OUT SET SECURE_OBJECTS_ONLY = TRUE") == "001003"
    people.do("ALTER SHARE OUT SET SECURE_OBJECTS_ONLY = FALSE", "GRANT SELECT ON VIEW D.S.PLAIN TO SHARE OUT")


def test_other_databases_need_reference_usage(people, share, consumer):
    share(consumer)
    people.do("CREATE DATABASE E", "CREATE TABLE E.PUBLIC.T AS SELECT 'n0' AS ID", "CREATE SECURE VIEW D.S.BOTH AS SELECT P.ID FROM D.S.PEOPLE P JOIN E.PUBLIC.T T ON P.ID = T.ID")
    assert people.refused("GRANT SELECT ON VIEW D.S.BOTH TO SHARE OUT") == "003028"
    people.do("GRANT REFERENCE_USAGE ON DATABASE E TO SHARE OUT", "GRANT SELECT ON VIEW D.S.BOTH TO SHARE OUT")
    assert len(consumer.rows("SELECT * FROM M.S.BOTH")) == 2
    assert consumer.refused("SELECT * FROM E.PUBLIC.T") == "002003"


def test_a_policy_of_another_database_needs_reference_usage(people, share, consumer):
    share(consumer)
    people.do("CREATE DATABASE RULES", "CREATE AGGREGATION POLICY RULES.PUBLIC.P AS () RETURNS AGGREGATION_CONSTRAINT -> AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 2)",
              "ALTER VIEW D.S.SHOWN SET AGGREGATION POLICY RULES.PUBLIC.P ENTITY KEY (ID)")
    assert consumer.refused(VIEW) == "003028"  # fails closed
    people.do("GRANT REFERENCE_USAGE ON DATABASE RULES TO SHARE OUT")
    assert consumer.rows(VIEW) == [["28"]]


def test_accounts_that_cannot_be_reached(people, share, consumer, port):
    share(consumer)
    assert people.refused("ALTER SHARE OUT ADD ACCOUNTS = ACME.FAR") == "003019"
    assert people.refused("ALTER SHARE OUT ADD ACCOUNTS = ACME.SMALL, ACME.NOBODY") == "003019"
    assert people.refused("ALTER SHARE OUT ADD ACCOUNTS = ACME.PROVIDER") == "003019"
    assert people.dicts("SHOW SHARES")[0]["to"] == "ACME.CONSUMER"  # all or none
    secured = stage.Client(port, stage.SECURED)
    secured.do("CREATE DATABASE D", "CREATE SHARE S1", "GRANT USAGE ON DATABASE D TO SHARE S1")
    assert secured.refused("ALTER SHARE S1 ADD ACCOUNTS = ACME.CONSUMER") == "003020"
    secured.do("ALTER SHARE S1 ADD ACCOUNTS = ACME.CONSUMER SHARE_RESTRICTIONS = FALSE")


def test_who_may(people, port, twin, share, consumer):
    share(consumer)
    twin.call("PUT", f"users/{stage.PROVIDER}/MAKER", {"public_key": stage.pem(stage.KEY), "roles": ["MAKER"]})
    maker = stage.Client(port, stage.PROVIDER, "MAKER")
    assert maker.refused("CREATE SHARE S1") == "003001"
    people.do("GRANT CREATE SHARE ON ACCOUNT TO ROLE MAKER")
    maker.do("CREATE SHARE S1")
    assert maker.refused("ALTER SHARE OUT REMOVE ACCOUNTS = ACME.CONSUMER") == "003001"
    assert maker.refused("GRANT USAGE ON DATABASE D TO SHARE S1") in ("002003", "003001")
    people.do("CREATE DATABASE MADE", "GRANT OWNERSHIP ON DATABASE MADE TO ROLE MAKER REVOKE CURRENT GRANTS")
    maker.do("GRANT USAGE ON DATABASE MADE TO SHARE S1")
    assert maker.refused("ALTER SHARE S1 ADD ACCOUNTS = ACME.CONSUMER") == "003001"  # CREATE SHARE alone is not enough
    people.do("GRANT MANAGE SHARE TARGET ON ACCOUNT TO ROLE MAKER")
    maker.do("ALTER SHARE S1 ADD ACCOUNTS = ACME.CONSUMER")


def test_names_are_taken_or_not(people):
    people.do("CREATE SHARE S1", "CREATE SHARE IF NOT EXISTS S1 COMMENT = 'x'", "ALTER SHARE S1 SET COMMENT = 'it''s'")
    assert people.refused("CREATE SHARE S1") == "002002"
    assert people.dicts("SHOW SHARES LIKE 's_'")[0]["comment"] == "it's"
    people.do("ALTER SHARE S1 UNSET COMMENT", "ALTER SHARE IF EXISTS NONE_ ADD ACCOUNTS = ACME.CONSUMER")
    assert people.refused("CREATE OR REPLACE SHARE IF NOT EXISTS S1") == "002262"


@pytest.mark.parametrize("text", ["ALTER SHARE S1 ADD ACCOUNTS", "ALTER SHARE S1 ADD ACCOUNTS = ", "ALTER SHARE S1 UNSET ACCOUNTS = A.B", "ALTER SHARE S1 ADD COMMENT = 'x'", "CREATE SHARE S1 FOO = 1", "GRANT USAGE ON DATABASE D TO SHARE",
                                  "GRANT USAGE ON DATABASE D TO SHARE S1 EXTRA", "SHOW GRANTS TO SHARE S1 EXTRA", "DESC SHARE A.B.C.D"])
def test_half_statements_do_nothing(people, text):
    assert people.refused(text) == "001003"
    assert people.rows("SHOW SHARES") == []
