"""Protected queries: states by the clock, where results go, what is refused at once, what revocation does."""

import duckdb
import pytest
from stage import OTHER, OWNER, RUNNER, Room, rows_of

COLUMNS = [("id", "string"), ("city", "string")]
ANY = {"allowedAnalyses": ["ANY_QUERY"], "allowedAnalysisProviders": [RUNNER]}
DATA = [("a", "rome"), ("b", "oslo")]
TEXT = "SELECT city FROM t"
MEMBERS = [{"accountId": RUNNER, "memberAbilities": ["CAN_QUERY", "CAN_RECEIVE_RESULTS"], "displayName": "runner"},
           {"accountId": OTHER, "memberAbilities": ["CAN_RECEIVE_RESULTS"], "displayName": "other"}]
ROLE = f"arn:aws:iam::{OTHER}:role/writes-results"
DEFAULT = {"outputConfiguration": {"s3": {"resultFormat": "PARQUET", "bucket": "others", "keyPrefix": "p/q", "singleFileOutput": True}}, "roleArn": ROLE}


@pytest.fixture
def scene(twin, endpoint, store):
    """A room of three with one table."""
    room = Room(twin, endpoint, store, MEMBERS)
    room.ids = room.table(OWNER, "t", COLUMNS, DATA, ANY)
    store.bucket("others", OTHER)
    return room


def default_of_other(room):
    """The third member says where its results go."""
    room.clients[OTHER].update_membership(membershipIdentifier=room.member(OTHER), defaultResultConfiguration=DEFAULT)


def cancel(room, identifier):
    """Asks for the end of a query."""
    return room.runner.update_protected_query(membershipIdentifier=room.member(RUNNER), protectedQueryIdentifier=identifier, targetStatus="CANCELLED")["protectedQuery"]


def test_the_clock_moves_a_query_and_reads_do_not(scene):
    scene.twin.set(query_start_s=5, query_run_s=5)
    identifier = scene.start(TEXT)
    for _ in range(3):
        assert scene.query(identifier)["status"] == "SUBMITTED"
    scene.twin.advance(5)
    assert scene.query(identifier)["status"] == "STARTED" and scene.store.objects("results") == {}
    scene.twin.advance(5)
    done = scene.query(identifier)
    assert done["status"] == "SUCCESS" and done["statistics"]["totalDurationInMillis"] == 10000
    assert done["result"]["output"]["s3"]["location"] == f"s3://results/in/{identifier}/"
    scene.twin.advance(100)
    assert scene.query(identifier) == done


def test_with_a_running_clock_a_query_ends_by_itself(scene):
    import time

    scene.twin.call("POST", "clock", {"mode": "real"})
    identifier = scene.start(TEXT)
    until = time.monotonic() + 20
    while not scene.store.objects("results") and time.monotonic() < until:
        time.sleep(0.05)
    assert scene.store.objects("results"), "nobody read the query, and its result is there"
    while scene.query(identifier)["status"] == "STARTED" and time.monotonic() < until:
        time.sleep(0.05)
    assert scene.query(identifier)["status"] == "SUCCESS"


def test_cancelling_passes_through_cancelling(scene):
    scene.twin.set(query_cancel_s=3)
    identifier = scene.start(TEXT)
    assert cancel(scene, identifier)["status"] == "CANCELLING"
    scene.twin.advance(1)
    assert scene.query(identifier)["status"] == "CANCELLING"
    scene.twin.advance(2)
    assert scene.query(identifier)["status"] == "CANCELLED" and scene.store.objects("results") == {}
    done = scene.start(TEXT)
    assert scene.finish(done)["status"] == "SUCCESS"
    for ended in (identifier, done):
        with pytest.raises(scene.runner.exceptions.ConflictException):
            cancel(scene, ended)


def test_only_the_runner_sees_queries(scene):
    identifier = scene.start(TEXT)
    with pytest.raises(scene.owner.exceptions.AccessDeniedException):
        scene.owner.get_protected_query(membershipIdentifier=scene.member(RUNNER), protectedQueryIdentifier=identifier)
    with pytest.raises(scene.owner.exceptions.ResourceNotFoundException):
        scene.owner.get_protected_query(membershipIdentifier=scene.member(OWNER), protectedQueryIdentifier=identifier)
    assert scene.owner.list_protected_queries(membershipIdentifier=scene.member(OWNER))["protectedQueries"] == []


def test_lists_are_newest_first(scene):
    first = scene.start(TEXT)
    scene.finish(first)
    second = scene.start(TEXT)
    found = scene.runner.list_protected_queries(membershipIdentifier=scene.member(RUNNER))["protectedQueries"]
    assert [q["id"] for q in found] == [second, first]
    assert found[0]["receiverConfigurations"][0]["configurationDetails"]["directAnalysisConfigurationDetails"]["receiverAccountIds"] == [RUNNER]
    live = scene.runner.list_protected_queries(membershipIdentifier=scene.member(RUNNER), status="SUBMITTED")["protectedQueries"]
    assert [q["id"] for q in live] == [second]


def test_only_the_holder_of_can_query_runs(scene):
    with pytest.raises(scene.owner.exceptions.AccessDeniedException):
        scene.owner.start_protected_query(type="SQL", membershipIdentifier=scene.member(OWNER), sqlParameters={"queryString": TEXT},
                                          resultConfiguration={"outputConfiguration": {"s3": {"resultFormat": "CSV", "bucket": "results"}}})


class TestDelivery:
    """Where results go."""

    def test_csv_has_a_header_in_each_part_and_parts_are_two(self, scene):
        identifier = scene.start("SELECT id, city AS town FROM t ORDER BY id")
        scene.finish(identifier)
        files = scene.store.objects("results")
        assert len(files) == 2 and all(k.startswith(f"in/{identifier}/") for k in files)
        assert rows_of(files) == (["id", "town"], [["a", "rome"], ["b", "oslo"]])

    def test_one_file_when_asked_for(self, scene):
        identifier = scene.start(TEXT, output={"s3": {"resultFormat": "CSV", "bucket": "results", "singleFileOutput": True}})
        scene.finish(identifier)
        assert list(scene.store.objects("results")) == [f"{identifier}/part-00000.csv"]

    def test_an_empty_result_has_a_header(self, scene):
        identifier = scene.start("SELECT city FROM t WHERE city = 'x'")
        assert scene.finish(identifier)["status"] == "SUCCESS"
        assert rows_of(scene.store.objects("results")) == (["city"], [])

    def test_another_member_by_its_default(self, scene, tmp_path):
        default_of_other(scene)
        identifier = scene.start(TEXT, output={"member": {"accountId": OTHER}})
        assert scene.finish(identifier)["result"] == {"output": {"memberList": [{"accountId": OTHER}]}}
        assert list(scene.store.objects("others")) == [f"p/q/{identifier}/part-00000.parquet"] and scene.store.objects("results") == {}
        path = tmp_path / "result.parquet"
        path.write_bytes(scene.store.objects("others")[f"p/q/{identifier}/part-00000.parquet"])
        assert duckdb.sql(f"SELECT * FROM '{path}' ORDER BY 1").fetchall() == [("oslo",), ("rome",)]

    def test_to_both(self, scene):
        default_of_other(scene)
        own = {"s3": {"resultFormat": "CSV", "bucket": "results", "singleFileOutput": True}}
        identifier = scene.start(TEXT, output={"distribute": {"locations": [own, {"member": {"accountId": OTHER}}]}})
        output = scene.finish(identifier)["result"]["output"]["distribute"]
        assert output == {"s3": {"location": f"s3://results/{identifier}/"}, "memberList": [{"accountId": OTHER}]}
        assert len(scene.store.objects("results")) == len(scene.store.objects("others")) == 1

    def test_the_runners_default(self, scene):
        with pytest.raises(scene.runner.exceptions.ValidationException):
            scene.runner.start_protected_query(type="SQL", membershipIdentifier=scene.member(RUNNER), sqlParameters={"queryString": TEXT})
        scene.runner.update_membership(membershipIdentifier=scene.member(RUNNER), defaultResultConfiguration={
            "outputConfiguration": {"s3": {"resultFormat": "CSV", "bucket": "results", "keyPrefix": "mine"}}})
        identifier = scene.runner.start_protected_query(type="SQL", membershipIdentifier=scene.member(RUNNER), sqlParameters={"queryString": TEXT})["protectedQuery"]["id"]
        scene.finish(identifier)
        assert all(k.startswith(f"mine/{identifier}/") for k in scene.store.objects("results"))

    def test_what_cannot_receive(self, scene):
        own = {"s3": {"resultFormat": "CSV", "bucket": "results"}}
        other = {"member": {"accountId": OTHER}}
        for output in (other, {"member": {"accountId": OWNER}}, {"member": {"accountId": RUNNER}}, {"member": {"accountId": "999999999999"}},
                       {"distribute": {"locations": [own, own]}}, {"distribute": {"locations": [own, {"member": {"accountId": RUNNER}}]}},
                       {"s3": {"resultFormat": "CSV", "bucket": f"data-{OWNER}"}}):
            with pytest.raises(scene.runner.exceptions.ValidationException):
                scene.start(TEXT, output=output)
        default_of_other(scene)
        assert scene.finish(scene.start(TEXT, output=other))["status"] == "SUCCESS"

    def test_regions_of_results(self, twin, endpoint, store):
        room = Room(twin, endpoint, store, MEMBERS, allowedResultRegions=["eu-west-1"])
        room.table(OWNER, "t", COLUMNS, DATA, ANY)
        with pytest.raises(room.runner.exceptions.ValidationException):
            room.start(TEXT)
        allowed = Room(twin, endpoint, store, MEMBERS, allowedResultRegions=["us-east-1"])
        allowed.table(OWNER, "t", COLUMNS, DATA, ANY)
        assert allowed.rows(TEXT) == [["oslo"], ["rome"]]

    def test_a_bucket_that_is_not_there(self, scene):
        query = scene.finish(scene.start(TEXT, output={"s3": {"resultFormat": "CSV", "bucket": "nowhere"}}))
        assert query["status"] == "FAILED" and query["error"]["code"] == "RESOURCE_ACCESS_DENIED"

    def test_partitions_and_declared_types(self, scene):
        for day, n in (("2026-01-01", "1"), ("2026-01-02", "2")):
            scene.store.put("lake", f"t/day={day}/x.parquet", [("n", "varchar")], [(n,)])
        scene.twin.table(OWNER, "days", [("n", "int")], "s3://lake/t/", [("day", "date")])
        table = scene.owner.create_configured_table(name="days", tableReference={"glue": {"databaseName": "db", "tableName": "days"}}, allowedColumns=["n", "day"],
                                                    analysisMethod="DIRECT_QUERY")["configuredTable"]["id"]
        scene.rule(OWNER, table, ANY)
        scene.associate(OWNER, table, "days")
        assert scene.rows("SELECT n + 1 AS m, day FROM days WHERE day > DATE '2026-01-01'") == [["3", "2026-01-02"]]

    def test_a_table_without_objects_is_empty(self, scene):
        scene.table(OWNER, "void", COLUMNS, (), ANY, key="not-parquet.txt")
        assert scene.rows("SELECT city FROM void") == []


class TestRefusals:
    """At once, or later, by the switch."""

    def test_later_by_default(self, scene):
        identifier = scene.start("SELECT nope FROM t")
        assert scene.query(identifier)["status"] == "SUBMITTED"
        done = scene.finish(identifier)
        assert done["status"] == "FAILED" and done["error"]["code"] == "MALFORMED_QUERY" and "result" not in done

    def test_at_once_by_the_switch(self, scene):
        scene.twin.set(refusals="sync")
        with pytest.raises(scene.runner.exceptions.ValidationException) as caught:
            scene.start("SELECT nope FROM t")
        assert caught.value.response["reason"] == "INVALID_QUERY"
        assert scene.rows(TEXT) == [["oslo"], ["rome"]]

    def test_queries_at_a_time(self, scene):
        for _ in range(5):
            scene.start(TEXT)
        with pytest.raises(scene.runner.exceptions.ServiceQuotaExceededException):
            scene.start(TEXT)
        scene.twin.advance(10)
        scene.start(TEXT)

    def test_payers(self, twin, endpoint, store):
        pays = {"queryCompute": {"isResponsible": True}}
        members = [MEMBERS[0] | {"paymentConfiguration": pays}]
        room = Room.__new__(Room)
        with pytest.raises(Exception, match="assigned|assigns"):
            Room.__init__(room, twin, endpoint, store, members, creatorPaymentConfiguration=pays)
        room.owner.create_membership(collaborationIdentifier=room.id, queryLogStatus="ENABLED", paymentConfiguration=pays)
        room.memberships = {OWNER: None, RUNNER: room.runner.create_membership(collaborationIdentifier=room.id, queryLogStatus="ENABLED", paymentConfiguration=pays)["membership"]}
        with pytest.raises(room.runner.exceptions.ValidationException):
            room.start("SELECT 1 FROM t")
        with pytest.raises(room.runner.exceptions.ValidationException):
            room.start("SELECT 1 FROM t", queryComputePayerAccountId=OTHER)
        assert room.query(room.start("SELECT 1 FROM t", queryComputePayerAccountId=OWNER))["queryComputePayerAccountId"] == OWNER

    def test_receivers_a_table_does_not_allow(self, scene):
        default_of_other(scene)
        scene.owner.create_configured_table_association_analysis_rule(
            membershipIdentifier=scene.member(OWNER), configuredTableAssociationIdentifier=scene.ids[1], analysisRuleType="CUSTOM",
            analysisRulePolicy={"v1": {"custom": {"allowedResultReceivers": [RUNNER]}}})
        assert "cannot go to" in scene.refusal(TEXT, output={"member": {"accountId": OTHER}})[1]
        assert scene.rows(TEXT) == [["oslo"], ["rome"]]

    def test_a_text_that_runs_too_long(self, scene):
        scene.twin.set(execution_s_max=1.5)
        scene.table(OWNER, "big", [("n", "int")], [(i,) for i in range(2000)], ANY)
        query = scene.finish(scene.start("SELECT COUNT(DISTINCT a.n * b.n + c.n) AS x FROM big a CROSS JOIN big b CROSS JOIN big c"))
        assert query["status"] == "TIMED_OUT"
        assert scene.rows(TEXT)


def custom(rule):
    """On the wire."""
    return {"v1": {"custom": rule}}


def rule_change(room, rule):
    """Replaces the table's rule."""
    room.owner.update_configured_table_analysis_rule(configuredTableIdentifier=room.ids[0], analysisRuleType="CUSTOM", analysisRulePolicy=custom(rule))


REVOCATIONS = {
    "association": lambda r: r.owner.delete_configured_table_association(membershipIdentifier=r.member(OWNER), configuredTableAssociationIdentifier=r.ids[1]),
    "rule": lambda r: r.owner.delete_configured_table_analysis_rule(configuredTableIdentifier=r.ids[0], analysisRuleType="CUSTOM"),
    "all analyses": lambda r: rule_change(r, {"allowedAnalyses": []}),
    "provider": lambda r: rule_change(r, {"allowedAnalyses": ["ANY_QUERY"], "allowedAnalysisProviders": [OWNER]}),
    "receiver": lambda r: r.owner.create_configured_table_association_analysis_rule(
        membershipIdentifier=r.member(OWNER), configuredTableAssociationIdentifier=r.ids[1], analysisRuleType="CUSTOM",
        analysisRulePolicy=custom({"allowedResultReceivers": [OTHER]})),
    "column": lambda r: r.owner.update_configured_table(configuredTableIdentifier=r.ids[0], allowedColumns=["id"]),
}


class TestRevocation:
    """The matrix for new queries, and both outcomes for one that runs."""

    @pytest.mark.parametrize("act", REVOCATIONS)
    def test_new_queries_are_refused(self, scene, act):
        assert scene.rows(TEXT) == [["oslo"], ["rome"]]
        REVOCATIONS[act](scene)
        assert scene.refusal(TEXT)[0] in ("MALFORMED_QUERY", "RESOURCE_NOT_FOUND")

    @pytest.mark.parametrize("act", REVOCATIONS)
    @pytest.mark.parametrize("outcome, status", [("finish", "SUCCESS"), ("fail", "FAILED")])
    def test_running_queries_by_either_switch(self, scene, act, outcome, status):
        scene.twin.set(in_flight=outcome, query_run_s=5)
        identifier = scene.start(TEXT)
        scene.twin.advance(1)
        assert scene.query(identifier)["status"] == "STARTED"
        REVOCATIONS[act](scene)
        assert scene.finish(identifier)["status"] == status
        assert bool(scene.store.objects("results")) == (status == "SUCCESS")

    @pytest.mark.parametrize("outcome", ["finish", "fail"])
    def test_a_running_query_nobody_revoked_succeeds(self, scene, outcome):
        scene.twin.set(in_flight=outcome)
        assert scene.rows(TEXT) == [["oslo"], ["rome"]]

    @pytest.mark.parametrize("outcome", ["finish", "fail"])
    def test_a_role_without_access_stops_even_a_running_query(self, scene, outcome):
        scene.twin.set(in_flight=outcome, query_run_s=5)
        identifier = scene.start(TEXT)
        scene.twin.advance(1)
        scene.twin.call("PUT", "roles", {"arn": f"arn:aws:iam::{OWNER}:role/data-t-role", "age_s": 1000, "allows": False})
        query = scene.finish(identifier)
        assert query["status"] == "FAILED" and query["error"]["code"] == "RESOURCE_ACCESS_DENIED"
        scene.twin.call("PUT", "roles", {"arn": f"arn:aws:iam::{OWNER}:role/data-t-role", "age_s": 1000, "allows": True})
        assert scene.rows(TEXT)

    def test_a_template_taken_out_of_a_rule_and_one_deleted(self, scene):
        arn = scene.template(TEXT)
        rule_change(scene, {"allowedAnalyses": [arn]})
        assert scene.rows(template=arn) == [["oslo"], ["rome"]]
        rule_change(scene, {"allowedAnalyses": []})
        assert scene.refusal(template=arn)[0] == "MALFORMED_QUERY"
        rule_change(scene, {"allowedAnalyses": [arn]})
        scene.runner.delete_analysis_template(membershipIdentifier=scene.member(RUNNER), analysisTemplateIdentifier=arn.rsplit("/", 1)[1])
        with pytest.raises(scene.runner.exceptions.ResourceNotFoundException):
            scene.start(template=arn)
        assert scene.owner.get_configured_table_analysis_rule(configuredTableIdentifier=scene.ids[0], analysisRuleType="CUSTOM")[
            "analysisRule"]["policy"] == custom({"allowedAnalyses": [arn]}), "a dangling ARN remains"

    def test_a_deleted_collaboration(self, scene):
        scene.owner.delete_collaboration(collaborationIdentifier=scene.id)
        with pytest.raises(scene.runner.exceptions.AccessDeniedException):
            scene.start(TEXT)

    def test_a_receiver_who_left(self, scene):
        default_of_other(scene)
        scene.clients[OTHER].delete_membership(membershipIdentifier=scene.member(OTHER))
        with pytest.raises(scene.runner.exceptions.ValidationException):
            scene.start(TEXT, output={"member": {"accountId": OTHER}})


class TestAccessBudgets:
    """Uses of a table, counted."""

    def give(self, room, *parameters):
        arn = room.runner.get_schema(collaborationIdentifier=room.id, name="t")["schema"]["resourceArn"]
        return room.owner.create_privacy_budget_template(membershipIdentifier=room.member(OWNER), privacyBudgetType="ACCESS_BUDGET",
                                                         parameters={"accessBudget": {"resourceArn": arn, "budgetParameters": list(parameters)}})["privacyBudgetTemplate"]

    def left(self, room):
        found = room.runner.list_collaboration_privacy_budgets(collaborationIdentifier=room.id, privacyBudgetType="ACCESS_BUDGET")["collaborationPrivacyBudgetSummaries"]
        return found[0]["budget"]["accessBudget"]["aggregateRemainingBudget"] if found else None

    def test_each_use_costs_one_and_an_edit_starts_afresh(self, scene):
        template = self.give(scene, {"type": "LIFETIME", "budget": 2})
        assert self.left(scene) == 2
        scene.rows(TEXT)
        scene.refusal("SELECT nope FROM t")
        assert self.left(scene) == 1, "a refused query costs nothing"
        scene.rows(TEXT)
        assert self.left(scene) == 0 and "budget" in scene.refusal(TEXT)[1]
        scene.owner.update_privacy_budget_template(membershipIdentifier=scene.member(OWNER), privacyBudgetTemplateIdentifier=template["id"], privacyBudgetType="ACCESS_BUDGET",
                                                   parameters={"accessBudget": {"budgetParameters": [{"type": "LIFETIME", "budget": 1}]}})
        assert self.left(scene) == 1
        scene.owner.delete_privacy_budget_template(membershipIdentifier=scene.member(OWNER), privacyBudgetTemplateIdentifier=template["id"])
        assert self.left(scene) is None and all(scene.rows(TEXT) for _ in range(3))

    def test_the_lower_of_two(self, scene):
        self.give(scene, {"type": "LIFETIME", "budget": 5}, {"type": "CALENDAR_DAY", "budget": 1, "autoRefresh": "ENABLED"})
        scene.rows(TEXT)
        assert self.left(scene) == 0
        scene.twin.advance(86400)
        assert self.left(scene) == 1
        scene.rows(TEXT)
        assert self.left(scene) == 0

    def test_a_period_that_does_not_refresh_is_over(self, scene):
        self.give(scene, {"type": "CALENDAR_DAY", "budget": 5, "autoRefresh": "DISABLED"})
        assert self.left(scene) == 5
        scene.twin.advance(86400)
        assert self.left(scene) == 0 and "budget" in scene.refusal(TEXT)[1]

    def test_budgets_that_do_not_hold(self, scene):
        for parameters in ([{"type": "CALENDAR_DAY", "budget": 1}, {"type": "CALENDAR_WEEK", "budget": 1}], [{"type": "LIFETIME", "budget": 1, "autoRefresh": "ENABLED"}]):
            with pytest.raises(scene.owner.exceptions.ValidationException):
                self.give(scene, *parameters)
        self.give(scene, {"type": "LIFETIME", "budget": 0})
        with pytest.raises(scene.owner.exceptions.ConflictException):
            self.give(scene, {"type": "LIFETIME", "budget": 1})
        assert "budget" in scene.refusal(TEXT)[1]

    def test_an_association_takes_its_budget_along(self, scene):
        self.give(scene, {"type": "LIFETIME", "budget": 1})
        REVOCATIONS["association"](scene)
        assert scene.owner.list_privacy_budget_templates(membershipIdentifier=scene.member(OWNER))["privacyBudgetTemplateSummaries"] == []
