"""COPY INTO a location: Parquet objects under a stage or an integration, by who may, with every policy."""

import pytest
import stage


@pytest.fixture
def store(people, buckets):
    """A bucket, an integration over one prefix of it, and a stage."""
    (buckets / "out").mkdir()
    people.do("CREATE STORAGE INTEGRATION SI TYPE = EXTERNAL_STAGE STORAGE_PROVIDER = 'S3' ENABLED = TRUE STORAGE_AWS_ROLE_ARN = 'arn:aws:iam::1:role/r' STORAGE_ALLOWED_LOCATIONS = ('s3://out/in/')",
              "CREATE STAGE D.S.ST URL = 's3://out/in/' STORAGE_INTEGRATION = SI")
    return buckets / "out"


def files(store):
    return sorted(str(p.relative_to(store)) for p in store.rglob("*.parquet"))


def read(store, name="in/run=1/*.parquet"):
    import duckdb

    cursor = duckdb.sql(f"SELECT * FROM read_parquet('{store}/{name}', hive_partitioning = false)")
    return [d[0] for d in cursor.description], cursor.fetchall()


COPY = "COPY INTO @D.S.ST/run=1/ FROM (SELECT AREA, COUNT(*) AS N, SUM(SPEND) AS TOTAL FROM D.S.PEOPLE GROUP BY AREA ORDER BY N) FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE"


def test_rows_arrive(people, store):
    answer = people.dicts(COPY)[0]
    assert list(answer) == ["rows_unloaded", "input_bytes", "output_bytes"] and answer["rows_unloaded"] == "3"
    assert files(store) == ["in/run=1/data_0_0_0.snappy.parquet"]
    assert read(store) == (["AREA", "N", "TOTAL"], [("east", 3, 300), ("south", 4, 40), ("north", 21, 1100)])


def test_details_and_names(people, store):
    answer = people.submit(COPY + " INCLUDE_QUERY_ID = TRUE DETAILED_OUTPUT = TRUE")
    rows = answer.dicts()
    assert [(r["ROW_COUNT"], answer.body["statementHandle"] in r["FILE_NAME"]) for r in rows] == [("3", True)]
    people.do(COPY + " INCLUDE_QUERY_ID = TRUE")
    assert len(files(store)) == 2
    assert people.refused(COPY + " INCLUDE_QUERY_ID = TRUE OVERWRITE = TRUE") == "001008"


def test_several_files(people, store, twin):
    twin.set(unload_row_max=2)
    people.do(COPY)
    assert len(files(store)) == 2 and len(read(store)[1]) == 3


def test_without_header_names_are_lost(people, store):
    people.do(COPY.replace(" HEADER = TRUE", ""))
    assert read(store)[0] == ["_COL_0", "_COL_1", "_COL_2"]


def test_nothing_is_overwritten_unasked(people, store):
    people.do(COPY)
    assert people.refused(COPY) == "001030"
    people.do(COPY + " OVERWRITE = TRUE")


def test_no_rows_no_file(people, store, twin):
    people.do("COPY INTO 's3://out/in/none/' STORAGE_INTEGRATION = SI FROM (SELECT ID FROM D.S.PEOPLE WHERE FALSE) FILE_FORMAT = (TYPE = PARQUET)")
    assert files(store) == []
    twin.set(empty_unload="file")
    people.do("COPY INTO 's3://out/in/none/' STORAGE_INTEGRATION = SI FROM (SELECT ID FROM D.S.PEOPLE WHERE FALSE) FILE_FORMAT = (TYPE = PARQUET)")
    assert len(files(store)) == 1


def test_an_earlier_result(people, store):
    handle = people.submit("SELECT AREA FROM D.S.PEOPLE WHERE SPEND = 100 LIMIT 1").body["statementHandle"]
    people.do(f"COPY INTO @D.S.ST/run=1/ FROM (SELECT * FROM TABLE(RESULT_SCAN('{handle}'))) FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE")
    assert read(store) == (["AREA"], [("east",)])


@pytest.mark.parametrize(("where", "code"), [("'s3://out/elsewhere/' STORAGE_INTEGRATION = SI", "003142"), ("'s3://out/inn/' STORAGE_INTEGRATION = SI", "003142"), ("'s3://other/in/' STORAGE_INTEGRATION = SI", "003142"), ("'s3://out/in/'", "001008"),
                                             ("'file:///tmp/x/' STORAGE_INTEGRATION = SI", "001008"), ("'s3://out/in/' STORAGE_INTEGRATION = NONE_", "002003"), ("@D.S.NONE_/x/", "002003"), ("D.S.T", "000002"),
                                             ("'s3://out/in/../../../escape/' STORAGE_INTEGRATION = SI", "003142")])
def test_places_that_are_not_allowed(people, store, where, code):
    assert people.refused(f"COPY INTO {where} FROM (SELECT ID FROM D.S.PEOPLE) FILE_FORMAT = (TYPE = PARQUET)") == code
    assert files(store.parent) == []


@pytest.mark.parametrize("tail", ["FILE_FORMAT = (TYPE = CSV)", "", "FILE_FORMAT = (TYPE = PARQUET) PARTITION BY (ID)", "PARTITION BY (ID) FILE_FORMAT = (TYPE = PARQUET)"])
def test_other_forms(people, store, tail):
    assert people.refused(f"COPY INTO @D.S.ST/x/ FROM (SELECT ID FROM D.S.PEOPLE) {tail}") in ("000002", "001003")


def test_types_that_parquet_does_not_take(people, store):
    assert people.refused("COPY INTO @D.S.ST/x/ FROM (SELECT '2026-01-01 00:00:00'::TIMESTAMP_LTZ AS A) FILE_FORMAT = (TYPE = PARQUET)") == "002126"


def test_policies_hold(people, share, consumer, buckets):
    people.do("CREATE AGGREGATION POLICY D.S.P AS () RETURNS AGGREGATION_CONSTRAINT -> AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 5)")
    share(consumer, "WITH AGGREGATION POLICY D.S.P ENTITY KEY (ID)")
    (buckets / "mine").mkdir()
    consumer.do("CREATE STORAGE INTEGRATION SI TYPE = EXTERNAL_STAGE STORAGE_PROVIDER = 'S3' ENABLED = TRUE STORAGE_AWS_ROLE_ARN = 'arn:aws:iam::1:role/r' STORAGE_ALLOWED_LOCATIONS = ('s3://mine/')")
    copy = "COPY INTO 's3://mine/r/' STORAGE_INTEGRATION = SI FROM ({}) FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE"
    assert consumer.refused(copy.format("SELECT ID FROM M.S.SHOWN")) == "506031"
    consumer.do(copy.format("SELECT AREA, COUNT(*) AS N FROM M.S.SHOWN GROUP BY AREA ORDER BY N DESC"))
    assert read(buckets / "mine", "r/*.parquet")[1] == [("north", 21), (None, 7)]


def test_a_location_ends_at_a_slash(people, store):
    people.do("ALTER STORAGE INTEGRATION SI SET STORAGE_ALLOWED_LOCATIONS = ('s3://out/in')")
    copy = "COPY INTO '{}' STORAGE_INTEGRATION = SI FROM (SELECT AREA FROM D.S.PEOPLE) FILE_FORMAT = (TYPE = PARQUET)"
    assert people.refused(copy.format("s3://out/inner/")) == "003142"
    people.do(copy.format("s3://out/in/x/"), "ALTER STORAGE INTEGRATION SI SET STORAGE_BLOCKED_LOCATIONS = ('s3://out/in/x/')")
    assert people.refused(copy.format("s3://out/in/x/y/")) == "003142"


def test_it_stops_in_its_middle(people, store, twin):
    twin.set(unload_row_max=1)
    twin.fault("unload")
    assert people.refused(COPY) == "100016"
    assert len(files(store)) == 1


def test_integrations_are_described(people, store):
    found = {r["property"]: r["property_value"] for r in people.dicts("DESC INTEGRATION SI")}
    assert found["STORAGE_ALLOWED_LOCATIONS"] == "s3://out/in/" and found["STORAGE_AWS_EXTERNAL_ID"] and found["STORAGE_AWS_IAM_USER_ARN"].startswith("arn:aws:iam::")
    people.do("ALTER STORAGE INTEGRATION SI SET ENABLED = FALSE")
    assert people.refused(COPY) == "003142"


def test_who_may(people, store, port, twin):
    twin.call("PUT", f"users/{stage.PROVIDER}/ANN", {"public_key": stage.pem(stage.KEY), "roles": ["R"]})
    ann = stage.Client(port, stage.PROVIDER, "ANN")
    people.do("GRANT USAGE ON DATABASE D TO ROLE R", "GRANT USAGE ON SCHEMA D.S TO ROLE R", "GRANT SELECT ON TABLE D.S.PEOPLE TO ROLE R")
    assert ann.refused(COPY) == "002003"
    people.do("GRANT USAGE ON STAGE D.S.ST TO ROLE R")
    assert ann.refused(COPY) == "002003"
    people.do("GRANT USAGE ON INTEGRATION SI TO ROLE R")
    ann.do(COPY)
