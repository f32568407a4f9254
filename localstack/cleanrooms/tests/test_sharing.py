"""Tables, rules, associations, schemas and templates: what is checked at write, and what partners see."""

import json

import pytest
from stage import OTHER, OWNER, RUNNER, Room

NOWHERE = "00000000-0000-4000-8000-000000000000"
COLUMNS = [("id", "string"), ("city", "string"), ("amount", "double"), ("n", "int")]
ANY = {"allowedAnalyses": ["ANY_QUERY"], "allowedAnalysisProviders": [RUNNER]}
THRESHOLD = {"identityColumns": ["id"], "minimumIdentityCount": 2, "type": "COUNT_DISTINCT", "allowedAggregateExpressionType": "COLUMNS_ONLY"}
COMPARISONS = {"allowedLiteralComparisonColumns": [], "allowedColumnComparisonColumns": []}
PRIVATE = {"columns": [{"name": "id"}]}
AGGREGATION = {"aggregateColumns": [{"columnNames": ["amount"], "function": "SUM"}], "joinColumns": ["id"], "dimensionColumns": ["city"], "scalarFunctions": [],
               "outputConstraints": [{"columnName": "id", "minimum": 2, "type": "COUNT_DISTINCT"}]}
LIST = {"joinColumns": ["id"], "listColumns": ["city"]}
ROLE = f"arn:aws:iam::{OWNER}:role/data-table-role"


@pytest.fixture
def table(room):
    """A configured table without a rule."""
    return room.table(OWNER, "t", COLUMNS, [("a", "rome", 1.5, 1)])[0]


def policy(kind, rule):
    """On the wire."""
    return {"v1": {kind.lower(): rule}}


@pytest.mark.parametrize("kind, rule", [("AGGREGATION", AGGREGATION), ("LIST", LIST), ("CUSTOM", ANY), ("CUSTOM", ANY | {"aggregationThresholds": [THRESHOLD]}),
                                        ("CUSTOM", {"allowedAnalyses": []}), ("CUSTOM", ANY | {"differentialPrivacy": PRIVATE}),
                                        ("CUSTOM", {"allowedAnalyses": ["ANY_JOB"], "allowedAnalysisProviders": [RUNNER]})])
def test_rules_that_hold(room, table, kind, rule):
    room.rule(OWNER, table, rule, kind)
    got = room.owner.get_configured_table_analysis_rule(configuredTableIdentifier=table, analysisRuleType=kind)["analysisRule"]
    assert got["policy"] == policy(kind, rule) and got["type"] == kind
    assert room.owner.get_configured_table(configuredTableIdentifier=table)["configuredTable"]["analysisRuleTypes"] == [kind]


@pytest.mark.parametrize("kind, rule", [
    ("AGGREGATION", AGGREGATION | {"dimensionColumns": ["nope"]}), ("AGGREGATION", AGGREGATION | {"dimensionColumns": ["id"]}),
    ("AGGREGATION", AGGREGATION | {"dimensionColumns": ["amount"]}), ("AGGREGATION", AGGREGATION | {"outputConstraints": [{"columnName": "nope", "minimum": 2, "type": "COUNT_DISTINCT"}]}),
    ("LIST", LIST | {"listColumns": ["id"]}), ("LIST", LIST | {"joinColumns": ["nope"]}), ("CUSTOM", {"allowedAnalyses": ["ANY_QUERY"]}),
    ("CUSTOM", {"allowedAnalyses": ["arn:aws:cleanrooms:us-east-1:222222222222:membership/m/analysistemplate/t"], "allowedAnalysisProviders": [RUNNER]}),
    ("CUSTOM", {"allowedAnalyses": ["ANY_QUERY", "arn:aws:cleanrooms:us-east-1:222222222222:membership/m/analysistemplate/t"], "allowedAnalysisProviders": [RUNNER]}),
    ("CUSTOM", ANY | {"disallowedOutputColumns": ["nope"]}), ("CUSTOM", ANY | {"differentialPrivacy": PRIVATE, "aggregationThresholds": [THRESHOLD]}),
    ("CUSTOM", ANY | {"differentialPrivacy": PRIVATE, "comparisonControls": COMPARISONS}),
    ("CUSTOM", {"allowedAnalyses": ["ANY_JOB"], "allowedAnalysisProviders": [RUNNER], "aggregationThresholds": [THRESHOLD]}),
    ("CUSTOM", {"allowedAnalyses": ["ANY_JOB"], "allowedAnalysisProviders": [RUNNER], "comparisonControls": COMPARISONS}),
    ("CUSTOM", ANY | {"aggregationThresholds": [THRESHOLD | {"identityColumns": ["n"]}]}), ("CUSTOM", ANY | {"aggregationThresholds": [THRESHOLD | {"minimumIdentityCount": 1}]}),
    ("CUSTOM", ANY | {"aggregationThresholds": [THRESHOLD | {"outputColumnThresholds": [{"outputColumnName": "city", "minimumIdentityCount": 1}]}]}),
    ("CUSTOM", ANY | {"comparisonControls": COMPARISONS | {"allowedLiteralComparisonColumns": ["nope"]}}),
])
def test_rules_that_do_not_hold(room, table, kind, rule):
    with pytest.raises(room.owner.exceptions.ValidationException):
        room.rule(OWNER, table, rule, kind)
    assert room.owner.get_configured_table(configuredTableIdentifier=table)["configuredTable"]["analysisRuleTypes"] == []


def test_one_rule_per_table_and_the_type_stays(room, table):
    room.rule(OWNER, table, LIST, "LIST")
    with pytest.raises(room.owner.exceptions.ConflictException):
        room.rule(OWNER, table, ANY)
    with pytest.raises(room.owner.exceptions.ResourceNotFoundException):
        room.owner.update_configured_table_analysis_rule(configuredTableIdentifier=table, analysisRuleType="CUSTOM", analysisRulePolicy=policy("CUSTOM", ANY))
    with pytest.raises(room.owner.exceptions.ValidationException):
        room.owner.update_configured_table_analysis_rule(configuredTableIdentifier=table, analysisRuleType="LIST", analysisRulePolicy=policy("CUSTOM", ANY))
    room.owner.delete_configured_table_analysis_rule(configuredTableIdentifier=table, analysisRuleType="LIST")
    room.rule(OWNER, table, ANY)


def test_a_rule_over_100_kilobytes(room, table):
    arn = "arn:aws:cleanrooms:us-east-1:222222222222:membership/{}/analysistemplate/x"
    with pytest.raises(room.owner.exceptions.ServiceQuotaExceededException):
        room.rule(OWNER, table, {"allowedAnalyses": [arn.format(i) for i in range(1500)]})


def test_sources_other_than_glue_take_custom_rules_only(room, twin):
    twin.table(OWNER, "t2", COLUMNS, "s3://data/t2/")
    table = room.owner.create_configured_table(name="t2", tableReference={"athena": {"workGroup": "w", "databaseName": "db", "tableName": "t2"}},
                                               allowedColumns=["id", "city"], analysisMethod="DIRECT_QUERY")["configuredTable"]
    assert table["tableType"] == "ATHENA"
    for kind, rule in (("LIST", LIST), ("CUSTOM", ANY | {"differentialPrivacy": PRIVATE})):
        with pytest.raises(room.owner.exceptions.ValidationException):
            room.rule(OWNER, table["id"], rule, kind)
    room.rule(OWNER, table["id"], ANY)


def test_configured_tables_are_checked_against_their_source(room, table):
    reference = {"glue": {"databaseName": "db", "tableName": "t"}}
    good = {"name": "x", "tableReference": reference, "allowedColumns": ["id"], "analysisMethod": "DIRECT_QUERY"}
    for change in ({"allowedColumns": ["nope"]}, {"allowedColumns": ["id", "id"]}, {"tableReference": {"glue": {"databaseName": "db", "tableName": "nope"}}},
                   {"analysisMethod": "MULTIPLE"}, {"selectedAnalysisMethods": ["DIRECT_QUERY"]}):
        with pytest.raises(room.owner.exceptions.ValidationException):
            room.owner.create_configured_table(**(good | change))
    room.owner.create_configured_table(**(good | {"analysisMethod": "MULTIPLE", "selectedAnalysisMethods": ["DIRECT_QUERY", "DIRECT_JOB"]}))
    with pytest.raises(room.runner.exceptions.ValidationException):
        room.runner.create_configured_table(**good)


def test_a_table_keeps_fitting_its_rule(room, table):
    room.rule(OWNER, table, LIST, "LIST")
    with pytest.raises(room.owner.exceptions.ValidationException):
        room.owner.update_configured_table(configuredTableIdentifier=table, allowedColumns=["id"])
    got = room.owner.update_configured_table(configuredTableIdentifier=table, allowedColumns=["id", "city"], name="new")["configuredTable"]
    assert got["allowedColumns"] == ["id", "city"] and got["name"] == "new"


def test_a_table_in_use_stays(room, table):
    with pytest.raises(room.owner.exceptions.ConflictException) as caught:
        room.owner.delete_configured_table(configuredTableIdentifier=table)
    assert caught.value.response["reason"] == "SUBRESOURCES_EXIST"
    association = room.owner.list_configured_table_associations(membershipIdentifier=room.member(OWNER))["configuredTableAssociationSummaries"][0]["id"]
    room.owner.delete_configured_table_association(membershipIdentifier=room.member(OWNER), configuredTableAssociationIdentifier=association)
    room.owner.delete_configured_table(configuredTableIdentifier=table)
    for _ in range(2):
        with pytest.raises(room.owner.exceptions.ResourceNotFoundException):
            room.owner.delete_configured_table(configuredTableIdentifier=table)


def test_association_names_are_lower_case_and_one_of_a_kind(room, table):
    assert room.owner.get_configured_table_association(membershipIdentifier=room.member(OWNER), configuredTableAssociationIdentifier=room.associate(OWNER, table, "Other"))[
        "configuredTableAssociation"]["name"] == "other"
    for name in ("OTHER", "t"):
        with pytest.raises(room.owner.exceptions.ConflictException):
            room.associate(OWNER, table, name)
    with pytest.raises(room.runner.exceptions.AccessDeniedException):
        room.associate(RUNNER, table, "stolen")


def test_partners_see_schemas_and_not_configured_tables(room, table):
    with pytest.raises(room.runner.exceptions.AccessDeniedException):
        room.runner.get_configured_table(configuredTableIdentifier=table)
    room.rule(OWNER, table, LIST, "LIST")
    seen = room.runner.get_schema(collaborationIdentifier=room.id, name="t")["schema"]
    assert seen["creatorAccountId"] == OWNER and [c["name"] for c in seen["columns"]] == ["id", "city", "amount", "n"] and seen["analysisRuleTypes"] == ["LIST"]
    association = seen["schemaTypeProperties"]["configuredTableAssociation"]["configuredTableAssociationId"]
    assert seen["resourceArn"] == f"arn:aws:cleanrooms:us-east-1:{OWNER}:membership/{room.member(OWNER)}/configuredtableassociation/{association}"
    assert [s["name"] for s in room.runner.list_schemas(collaborationIdentifier=room.id)["schemaSummaries"]] == ["t"]
    rule = room.runner.get_schema_analysis_rule(collaborationIdentifier=room.id, name="t", type="LIST")["analysisRule"]
    assert rule["policy"] == policy("LIST", LIST) and rule["consolidatedPolicy"] == policy("LIST", LIST) and "collaborationPolicy" not in rule
    batch = room.runner.batch_get_schema(collaborationIdentifier=room.id, names=["t", "nope"])
    assert [s["name"] for s in batch["schemas"]] == ["t"] and [e["name"] for e in batch["errors"]] == ["nope"]
    rules = room.runner.batch_get_schema_analysis_rule(collaborationIdentifier=room.id, schemaAnalysisRuleRequests=[{"name": "t", "type": "LIST"}, {"name": "t", "type": "CUSTOM"}])
    assert len(rules["analysisRules"]) == len(rules["errors"]) == 1
    with pytest.raises(room.runner.exceptions.ResourceNotFoundException):
        room.runner.get_schema(collaborationIdentifier=room.id, name="nope")


def test_allowed_columns_and_partition_keys_are_all_a_schema_shows(room, twin):
    twin.table(OWNER, "part", COLUMNS, "s3://data/part/", [("day", "string"), ("hour", "int")])
    table = room.owner.create_configured_table(name="part", tableReference={"glue": {"databaseName": "db", "tableName": "part"}}, allowedColumns=["id", "day"],
                                               analysisMethod="DIRECT_QUERY")["configuredTable"]["id"]
    room.associate(OWNER, table, "part")
    seen = room.runner.get_schema(collaborationIdentifier=room.id, name="part")["schema"]
    assert seen["columns"] == [{"name": "id", "type": "string"}] and seen["partitionKeys"] == [{"name": "day", "type": "string"}]


def direct(room, name="t"):
    """Reason codes of direct analysis, as the partner reads them."""
    details = room.runner.get_schema(collaborationIdentifier=room.id, name=name)["schema"]["schemaStatusDetails"]
    detail = next(d for d in details if d["analysisType"] == "DIRECT_ANALYSIS")
    codes = [r["code"] for r in detail.get("reasons", [])]
    assert (detail["status"] == "READY") == (not codes)
    return codes


def extra(room, association, kind, rule):
    """A collaboration analysis rule."""
    room.owner.create_configured_table_association_analysis_rule(membershipIdentifier=room.member(OWNER), configuredTableAssociationIdentifier=association,
                                                                 analysisRuleType=kind, analysisRulePolicy=policy(kind, rule))


def test_readiness_is_worked_out_on_each_read(room, twin):
    table, association = room.table(OWNER, "t", COLUMNS)
    assert direct(room) == ["ANALYSIS_RULE_MISSING"]
    room.rule(OWNER, table, {"allowedAnalyses": []})
    assert direct(room) == ["ANALYSIS_TEMPLATES_NOT_CONFIGURED"]

    def change(rule):
        room.owner.update_configured_table_analysis_rule(configuredTableIdentifier=table, analysisRuleType="CUSTOM", analysisRulePolicy=policy("CUSTOM", rule))
    change({"allowedAnalyses": ["ANY_QUERY"], "allowedAnalysisProviders": []})
    assert direct(room) == ["ANALYSIS_PROVIDERS_NOT_CONFIGURED"]
    change(ANY)
    assert direct(room) == []
    twin.set(absent_collaboration_rule="not_ready")
    assert direct(room) == ["COLLABORATION_ANALYSIS_RULE_NOT_CONFIGURED"]
    extra(room, association, "CUSTOM", {"allowedResultReceivers": []})
    assert direct(room) == ["RESULT_RECEIVERS_NOT_CONFIGURED"]
    room.owner.update_configured_table_association_analysis_rule(membershipIdentifier=room.member(OWNER), configuredTableAssociationIdentifier=association,
                                                                 analysisRuleType="CUSTOM", analysisRulePolicy=policy("CUSTOM", {"allowedResultReceivers": [RUNNER]}))
    assert direct(room) == []
    change(ANY | {"differentialPrivacy": PRIVATE})
    assert direct(room) == ["DIFFERENTIAL_PRIVACY_POLICY_NOT_CONFIGURED"]
    room.owner.create_privacy_budget_template(membershipIdentifier=room.member(OWNER), privacyBudgetType="DIFFERENTIAL_PRIVACY", autoRefresh="NONE",
                                              parameters={"differentialPrivacy": {"epsilon": 3, "usersNoisePerQuery": 30}})
    assert direct(room) == []
    room.owner.delete_configured_table_analysis_rule(configuredTableIdentifier=table, analysisRuleType="CUSTOM")
    room.rule(OWNER, table, LIST, "LIST")
    assert direct(room) == ["ANALYSIS_RULE_TYPES_NOT_COMPATIBLE"]


def test_additional_analyses_have_a_readiness_of_their_own(room):
    def codes():
        details = room.runner.get_schema(collaborationIdentifier=room.id, name="t")["schema"]["schemaStatusDetails"]
        return [r["code"] for d in details if d["analysisType"] == "ADDITIONAL_ANALYSIS" for r in d.get("reasons", [])]
    table, association = room.table(OWNER, "t", COLUMNS, (), LIST, "LIST")
    assert codes() == ["ADDITIONAL_ANALYSES_NOT_ALLOWED"]
    room.owner.update_configured_table_analysis_rule(configuredTableIdentifier=table, analysisRuleType="LIST", analysisRulePolicy=policy("LIST", LIST | {"additionalAnalyses": "ALLOWED"}))
    assert codes() == ["COLLABORATION_ANALYSIS_RULE_NOT_CONFIGURED"]
    extra(room, association, "LIST", {})
    assert codes() == ["ADDITIONAL_ANALYSES_NOT_CONFIGURED"]
    arn = "arn:aws:cleanrooms:us-east-1:*:membership/*/configuredaudiencemodelassociation/*"
    room.owner.update_configured_table_association_analysis_rule(membershipIdentifier=room.member(OWNER), configuredTableAssociationIdentifier=association,
                                                                 analysisRuleType="LIST", analysisRulePolicy=policy("LIST", {"allowedAdditionalAnalyses": [arn]}))
    assert codes() == []


def test_a_collaboration_rule_is_of_the_tables_type(room):
    table, association = room.table(OWNER, "t", COLUMNS)
    with pytest.raises(room.owner.exceptions.ValidationException):
        extra(room, association, "LIST", {})
    room.rule(OWNER, table, LIST, "LIST")
    with pytest.raises(room.owner.exceptions.ValidationException):
        extra(room, association, "CUSTOM", {})
    extra(room, association, "LIST", {"allowedResultReceivers": [RUNNER]})
    with pytest.raises(room.owner.exceptions.ConflictException):
        extra(room, association, "LIST", {})
    got = room.runner.get_schema_analysis_rule(collaborationIdentifier=room.id, name="t", type="LIST")["analysisRule"]
    assert got["collaborationPolicy"] == policy("LIST", {"allowedResultReceivers": [RUNNER]})
    assert got["consolidatedPolicy"] == policy("LIST", LIST | {"allowedResultReceivers": [RUNNER]})


def test_a_rule_holds_in_every_collaboration(twin, endpoint, store):
    one, two = Room(twin, endpoint, store), Room(twin, endpoint, store)
    table, _ = one.table(OWNER, "t", COLUMNS, [("a", "rome", 1.5, 1)], ANY)
    two.associate(OWNER, table, "shared")
    assert one.rows("SELECT city FROM t") == two.rows("SELECT city FROM shared") == [["rome"]]
    one.owner.update_configured_table_analysis_rule(configuredTableIdentifier=table, analysisRuleType="CUSTOM",
                                                    analysisRulePolicy=policy("CUSTOM", ANY | {"disallowedOutputColumns": ["city"]}))
    assert one.refusal("SELECT city FROM t")[0] == two.refusal("SELECT city FROM shared")[0] == "MALFORMED_QUERY"


class TestTemplates:
    """Text with parameters."""

    TEXT = "SELECT city, n FROM t WHERE n >= :least AND city = :city"
    PARAMETERS = [{"name": "least", "type": "INTEGER", "defaultValue": "2"}, {"name": "city", "type": "VARCHAR"}]

    @pytest.fixture
    def scene(self, room):
        self.arn = room.template(self.TEXT, analysisParameters=self.PARAMETERS)
        room.table(OWNER, "t", COLUMNS, [("a", "rome", 1.5, 1), ("b", "rome", 1.5, 3), ("c", "x' OR '1'='1", 1.0, 9)], {"allowedAnalyses": [self.arn]})
        return room

    def test_parameters_are_literals(self, scene):
        assert scene.rows(template=self.arn, parameters={"city": "rome"}) == [["rome", "3"]]
        assert scene.rows(template=self.arn, parameters={"city": "rome", "least": "1"}) == [["rome", "1"], ["rome", "3"]]
        assert scene.rows(template=self.arn, parameters={"city": "x' OR '1'='1"}) == [["x' OR '1'='1", "9"]]
        assert scene.rows(template=self.arn, parameters={"city": ":least"}) == []

    def test_values_that_do_not_fit(self, scene):
        for values in ({"city": "rome", "least": "1 OR 1=1"}, {"city": "rome", "least": "99999999999"}, {"least": "1"}, {"city": "rome", "extra": "1"}):
            with pytest.raises(scene.runner.exceptions.ValidationException):
                scene.start(template=self.arn, parameters=values)
        with pytest.raises(scene.runner.exceptions.ValidationException):
            scene.start("SELECT city FROM t", parameters={"city": "rome"})

    def test_partners_read_the_text_and_find_the_tables(self, scene):
        seen = scene.owner.get_collaboration_analysis_template(collaborationIdentifier=scene.id, analysisTemplateArn=self.arn)["collaborationAnalysisTemplate"]
        assert seen["source"] == {"text": self.TEXT} and seen["schema"] == {"referencedTables": ["t"]} and seen["creatorAccountId"] == RUNNER
        batch = scene.owner.batch_get_collaboration_analysis_template(collaborationIdentifier=scene.id, analysisTemplateArns=[self.arn, f"{self.arn[:-36]}{NOWHERE}"])
        assert len(batch["collaborationAnalysisTemplates"]) == len(batch["errors"]) == 1
        assert len(scene.owner.list_collaboration_analysis_templates(collaborationIdentifier=scene.id)["collaborationAnalysisTemplateSummaries"]) == 1

    def test_a_template_is_of_one_collaboration(self, scene):
        two = Room(scene.twin, scene.endpoint, scene.store)
        with pytest.raises(two.runner.exceptions.ResourceNotFoundException):
            two.start(template=self.arn, parameters={"city": "rome"})
        with pytest.raises(two.owner.exceptions.ResourceNotFoundException):
            two.owner.get_collaboration_analysis_template(collaborationIdentifier=two.id, analysisTemplateArn=self.arn)

    def test_only_the_description_changes(self, scene):
        mine = self.arn.rsplit("/", 1)[1]
        got = scene.runner.update_analysis_template(membershipIdentifier=scene.member(RUNNER), analysisTemplateIdentifier=mine, description="d")["analysisTemplate"]
        assert got["description"] == "d" and got["source"]["text"] == self.TEXT and got["arn"] == self.arn

    def test_the_quota_is_25(self, room):
        arns = {room.template("SELECT id FROM t", name=f"t{i}") for i in range(25)}
        assert len(arns) == 25
        with pytest.raises(room.runner.exceptions.ServiceQuotaExceededException):
            room.template("SELECT id FROM t", name="t25")

    @pytest.mark.parametrize("text", ["SELECT FROM", "SELECT id FROM :least", "SELECT id FROM t WHERE id = :other", "DROP TABLE t", "SELECT id FROM `data/t.parquet`"])
    def test_texts_that_are_no_template(self, room, text):
        with pytest.raises(room.runner.exceptions.ValidationException):
            room.template(text, analysisParameters=self.PARAMETERS)

    @pytest.mark.parametrize("kind, good, bad", [
        ("DATE", "2026-01-31", "2026-02-31"), ("BOOLEAN", "true", "yes"), ("DECIMAL", "1.50", "one"), ("TIMESTAMP", "2026-01-31 10:00:00", "soon"),
        ("TINYINT", "-128", "128"), ("DOUBLE", "1e3", "x")])
    def test_types(self, room, kind, good, bad):
        parameters = [{"name": "v", "type": kind}]
        arn = room.template("SELECT :v AS v, city FROM t", analysisParameters=parameters)
        room.table(OWNER, "t", COLUMNS, [("a", "rome", 1.5, 1)], {"allowedAnalyses": [arn]})
        assert len(room.rows(template=arn, parameters={"v": good})) == 1
        with pytest.raises(room.runner.exceptions.ValidationException):
            room.start(template=arn, parameters={"v": bad})


def test_nothing_of_the_wire_depends_on_json_order(room, table):
    shown = room.owner.get_configured_table(configuredTableIdentifier=table)["configuredTable"]
    assert json.dumps(shown["tableReference"]) == '{"glue": {"tableName": "t", "databaseName": "db"}}' or shown["tableReference"]["glue"] == {"databaseName": "db", "tableName": "t"}


def test_a_member_removed_takes_its_tables_along(twin, endpoint, store):
    room = Room(twin, endpoint, store, [{"accountId": RUNNER, "memberAbilities": ["CAN_QUERY", "CAN_RECEIVE_RESULTS"], "displayName": "r"},
                                        {"accountId": OTHER, "memberAbilities": [], "displayName": "o"}])
    room.table(OTHER, "t", COLUMNS, [("a", "rome", 1.5, 1)], ANY)
    assert room.rows("SELECT city FROM t") == [["rome"]]
    room.owner.delete_member(collaborationIdentifier=room.id, accountId=OTHER)
    assert room.runner.list_schemas(collaborationIdentifier=room.id)["schemaSummaries"] == []
    assert room.refusal("SELECT city FROM t")[0] == "RESOURCE_NOT_FOUND"
