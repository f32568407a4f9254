"""The collaboration API: registration, a room's life, approvals, runs, activation, and how access ends. A shop provides, a brand runs."""

import hashlib

import pytest
import stage

HOME = "SAMOOHA_BY_SNOWFLAKE_LOCAL_DB"
FAILED = "100357"


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


OFFERING = """
api_version: 2.0.0
spec_type: data_offering
name: sales
version: v1
datasets:
  - alias: buyers
    data_object_fqn: D.S.SALES
    allowed_analyses: template_only
    schema_and_template_policies:
      EMAIL: {category: join_standard, column_type: hashed_email_sha256}
      AREA: {category: passthrough, activation_allowed: true}
      SPEND: {category: passthrough}
"""
TEMPLATE = """
api_version: 2.0.0
spec_type: template
name: by_area
version: v1
type: sql_analysis
parameters:
  - {name: least, type: integer, required: true}
  - {name: area, type: string}
template: |
  SELECT p.AREA, COUNT(DISTINCT p.HASHED_EMAIL_SHA256) AS N
  FROM IDENTIFIER({{ source_table[0] }}) AS p
  {% if area %} WHERE p.AREA = {{ area }} {% endif %}
  GROUP BY p.AREA HAVING COUNT(DISTINCT p.HASHED_EMAIL_SHA256) >= {{ least }}
"""
ACTIVATION = """
api_version: 2.0.0
spec_type: template
name: send
version: v1
type: sql_activation
template: |
  BEGIN
    CREATE OR REPLACE TABLE cleanroom.activation_data_all AS SELECT p.{{ 'p.AREA' | activation_policy | replace_ }} FROM IDENTIFIER({{ source_table[0] }}) AS p;
    RETURN 'all';
  END;
"""


def room(offerings="[]", templates="[]", **more):
    text = f"""
api_version: 2.0.0
spec_type: collaboration
name: summer
description: the first
owner: brand
collaborator_identifier_aliases: {{brand: ACME.CONSUMER, shop: ACME.PROVIDER{more.get('aliases', '')}}}
analysis_runners:
  brand:
    data_providers:
      shop: {{data_offerings: {offerings}}}
    templates: {templates}
    activation_destinations: {{snowflake_collaborators: [brand, shop]}}
"""
    return text + more.get("end", "")


def call(client, procedure, *words):
    """A CALL whose texts are bound."""
    bound, shown = {}, []
    for word in words:
        if isinstance(word, str):
            bound[str(len(bound) + 1)] = {"type": "TEXT", "value": word}
            shown.append("?")
        else:
            shown.append(repr(word).replace("{'", "{'"))
    return client.submit(f"CALL {HOME}.{procedure}({', '.join(shown)})", bindings=bound)


def status(client):
    return {r["COLLABORATOR_NAME"]: r["STATUS"] for r in call(client, "COLLABORATION.GET_STATUS", "summer").dicts()}


def failed(answer):
    assert (answer.status, answer.code) == (422, FAILED), answer.raw
    return answer.body["message"]


@pytest.fixture
def shop(twin, provider):
    """Sales of 12 buyers in north and 3 in south."""
    rows = [[digest(f"n{n}"), "north", n] for n in range(12)] + [[digest(f"s{n}"), "south", n] for n in range(3)]
    twin.table(stage.PROVIDER, "D.S.SALES", [("EMAIL", "VARCHAR"), ("AREA", "VARCHAR"), ("SPEND", "NUMBER(10,0)")], rows)
    return provider


@pytest.fixture
def brand(consumer):
    """The owner and runner."""
    return consumer


@pytest.fixture
def joined(shop, brand):
    """A room that both have joined, with the offering linked and the template approved."""
    assert call(shop, "REGISTRY.REGISTER_DATA_OFFERING", OFFERING).rows == [["sales_v1"]]
    assert call(brand, "REGISTRY.REGISTER_TEMPLATE", TEMPLATE).rows == [["by_area_v1"]]
    assert call(brand, "COLLABORATION.INITIALIZE", room(), "COMPUTE_WH").status == 200
    assert status(brand) == {"brand": "JOINED", "shop": "INVITED"}
    assert "summer" in call(shop, "COLLABORATION.REVIEW", "summer", "ACME.CONSUMER").rows[0]
    assert status(shop)["shop"] == "IN_REVIEW"
    assert call(shop, "COLLABORATION.JOIN", "summer").status == 200
    assert status(brand) == {"brand": "JOINED", "shop": "JOINED"}
    assert call(shop, "COLLABORATION.LINK_DATA_OFFERING", "summer", "sales_v1", ["brand"]).status == 200
    request = call(brand, "COLLABORATION.ADD_TEMPLATE_REQUEST", "summer", "by_area_v1", ["brand"]).rows[0][0]
    assert call(shop, "COLLABORATION.APPROVE_UPDATE_REQUEST", "summer", request).status == 200
    return shop, brand


def analysis(template="by_area_v1", view="shop.sales_v1.buyers", arguments="{least: 5}", more=""):
    return f"""
api_version: 2.0.0
spec_type: analysis
template: {template}
template_configuration:
  view_mappings: {{source_tables: [{view}]}}
  arguments: {arguments}
{more}
"""


def run(client, **words):
    return call(client, "COLLABORATION.RUN", "summer", analysis(**words))


def test_a_whole_life(joined):
    shop, brand = joined
    assert run(brand).rows == [["north", "12"]]
    assert run(brand, arguments="{least: 1, area: south}").rows == [["south", "3"]]
    answer = call(brand, "COLLABORATION.RUN", "summer", "by_area_v1", ["shop.sales_v1.buyers"], [], {"least": 1})
    assert sorted(answer.rows) == [["north", "12"], ["south", "3"]]
    assert brand.rows(f"SELECT AREA FROM TABLE(RESULT_SCAN('{answer.body['statementHandle']}')) WHERE N > 5") == [["north"]]
    assert "replaced" not in call(brand, "COLLABORATION.VIEW_COLLABORATIONS").dicts()[0]["COLLABORATION_SPEC"]


def test_values_are_bound_and_never_spliced(joined):
    _, brand = joined
    hostile = "north' OR '1'='1"
    assert run(brand, arguments=f"{{least: 1, area: \"{hostile}\"}}").rows == []
    for bad in ("{least: '1 OR 1=1'}", "{}", "{least: 1, more: 2}", "{least: true}"):
        failed(run(brand, arguments=bad))


def test_what_is_not_shared_is_not_there(joined, port):
    shop, brand = joined
    failed(run(brand, view="shop.sales_v1.others"))
    failed(run(brand, view="shop.other_v1.buyers"))
    failed(run(brand, template="other_v1"))
    failed(run(shop))  # no runner
    failed(call(stage.Client(port, stage.SECURED), "COLLABORATION.GET_STATUS", "summer"))
    assert call(stage.Client(port, stage.SECURED), "COLLABORATION.VIEW_COLLABORATIONS").rows == []


def test_a_provider_that_has_not_joined_gives_nothing(shop, brand):
    call(shop, "REGISTRY.REGISTER_DATA_OFFERING", OFFERING)
    call(brand, "REGISTRY.REGISTER_TEMPLATE", TEMPLATE)
    call(brand, "COLLABORATION.INITIALIZE", room("[{id: sales_v1}]", "[{id: by_area_v1}]"), "COMPUTE_WH")
    assert "not shared" in failed(run(brand))
    call(shop, "COLLABORATION.REVIEW", "summer", "ACME.CONSUMER")
    assert "not shared" in failed(run(brand))
    call(shop, "COLLABORATION.JOIN", "summer")
    assert run(brand).rows == [["north", "12"]]


def test_columns_that_are_not_listed_are_not_exposed(joined, twin):
    _, brand = joined
    text = TEMPLATE.replace("by_area", "raw").replace("p.AREA, COUNT(DISTINCT p.HASHED_EMAIL_SHA256) AS N", "p.EMAIL").split("  {%")[0].split("parameters:")[0] + "template: |\n  SELECT p.EMAIL FROM IDENTIFIER({{ source_table[0] }}) AS p\n"
    call(brand, "REGISTRY.REGISTER_TEMPLATE", text)
    _, shop = brand, joined[0]
    request = call(brand, "COLLABORATION.ADD_TEMPLATE_REQUEST", "summer", "raw_v1", ["brand"]).rows[0][0]
    call(shop, "COLLABORATION.APPROVE_UPDATE_REQUEST", "summer", request)
    assert run(brand, template="raw_v1", arguments="{}").code == "000904"


def test_policies_of_the_source_hold_in_a_run(joined):
    shop, brand = joined
    shop.do("CREATE AGGREGATION POLICY D.S.P AS () RETURNS AGGREGATION_CONSTRAINT -> AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 5)", "ALTER TABLE D.S.SALES SET AGGREGATION POLICY D.S.P ENTITY KEY (EMAIL)")
    assert sorted(run(brand, arguments="{least: 0}").rows) == [["north", "12"]]  # the remainder of 3 is NULLs, which HAVING drops
    again = failed(call(shop, "REGISTRY.REGISTER_DATA_OFFERING", OFFERING.replace("v1", "v2")))
    assert "cannot be checked" in again


def test_unlinked(joined):
    shop, brand = joined
    failed(call(brand, "COLLABORATION.UNLINK_DATA_OFFERING", "summer", "sales_v1", ["brand"]))
    assert call(shop, "COLLABORATION.UNLINK_DATA_OFFERING", "summer", "sales_v1", ["brand"]).status == 200
    failed(run(brand))
    failed(call(shop, "COLLABORATION.UNLINK_DATA_OFFERING", "summer", "sales_v1", ["brand"]))
    assert call(shop, "COLLABORATION.LINK_DATA_OFFERING", "summer", "sales_v1", ["brand"]).status == 200
    assert run(brand).status == 200


def test_unlinking_takes_its_time(joined, twin):
    shop, brand = joined
    _slow(twin, shop, brand)
    call(shop, "COLLABORATION.UNLINK_DATA_OFFERING", "summer", "sales_v1", ["brand"])
    assert run(brand).status == 200
    assert "sales_v1" in call(shop, "COLLABORATION.VIEW_COLLABORATIONS").dicts()[0]["COLLABORATION_SPEC"]
    twin.call("POST", "clock", {"advance_s": 11})
    failed(run(brand))
    assert "sales_v1" not in call(shop, "COLLABORATION.VIEW_COLLABORATIONS").dicts()[0]["COLLABORATION_SPEC"]


def _slow(twin, *clients):
    twin.call("POST", "clock", {"mode": "manual"})
    twin.set(dcr_step_s=10)
    for client in clients:
        client.token = stage.jwt(client.account, now=twin.call("GET", "clock")["now"])


def test_templates_are_removed_by_their_registrar_only(joined):
    shop, brand = joined
    assert "registered" in failed(call(shop, "COLLABORATION.REMOVE_TEMPLATE", "summer", "by_area_v1", ["brand"]))
    assert call(brand, "COLLABORATION.REMOVE_TEMPLATE", "summer", "by_area_v1", ["brand"]).status == 200
    failed(run(brand))


def test_approval_of_everybody_or_nothing(joined):
    shop, brand = joined
    call(brand, "REGISTRY.REGISTER_TEMPLATE", TEMPLATE.replace("version: v1", "version: v2"))
    request = call(brand, "COLLABORATION.ADD_TEMPLATE_REQUEST", "summer", "by_area_v2", ["brand"]).rows[0][0]

    def seen(client):
        return {r["REQUEST_ID"]: r["STATUS"] for r in call(client, "COLLABORATION.VIEW_UPDATE_REQUESTS", "summer").dicts()}[request]
    assert (seen(brand), seen(shop)) == ("PENDING_PARTNER_APPROVAL", "PENDING_MY_APPROVAL")
    failed(run(brand, template="by_area_v2"))
    failed(call(brand, "COLLABORATION.APPROVE_UPDATE_REQUEST", "summer", request))  # it did so by asking
    assert call(shop, "COLLABORATION.REJECT_UPDATE_REQUEST", "summer", request, "no").status == 200
    assert (seen(brand), seen(shop)) == ("REJECTED", "REJECTED")
    failed(call(shop, "COLLABORATION.APPROVE_UPDATE_REQUEST", "summer", request))
    failed(run(brand, template="by_area_v2"))


def test_approved_beforehand(joined):
    shop, brand = joined
    call(shop, "COLLABORATION.SET_CONFIGURATION", "summer", "TEMPLATE_AUTO_APPROVAL", "true")
    assert call(shop, "COLLABORATION.GET_CONFIGURATION", "summer").dicts() == [{"NAME": "TEMPLATE_AUTO_APPROVAL", "VALUE": "true", "STATUS": "ACTIVE"}]
    call(brand, "REGISTRY.REGISTER_TEMPLATE", TEMPLATE.replace("version: v1", "version: v2"))
    call(brand, "COLLABORATION.ADD_TEMPLATE_REQUEST", "summer", "by_area_v2", ["brand"])
    assert run(brand, template="by_area_v2").status == 200


def test_leaving_takes_two_calls_and_is_final(joined, twin):
    shop, brand = joined
    _slow(twin, shop, brand)
    assert call(shop, "COLLABORATION.LEAVE", "summer").status == 200
    assert status(brand)["shop"] == "LEAVING"
    failed(call(shop, "COLLABORATION.LEAVE", "summer"))  # not yet
    twin.call("POST", "clock", {"advance_s": 11})
    assert status(brand)["shop"] == "LOCAL_DROP_PENDING"
    failed(run(brand))
    call(shop, "COLLABORATION.LEAVE", "summer")
    twin.call("POST", "clock", {"advance_s": 11})
    assert status(brand)["shop"] == "LEFT"
    failed(call(shop, "COLLABORATION.REVIEW", "summer", "ACME.CONSUMER"))
    failed(call(shop, "COLLABORATION.JOIN", "summer"))


def test_torn_down(joined):
    shop, brand = joined
    failed(call(brand, "COLLABORATION.LEAVE", "summer"))
    failed(call(shop, "COLLABORATION.TEARDOWN", "summer"))
    call(brand, "COLLABORATION.TEARDOWN", "summer")
    assert status(shop)["brand"] == "LOCAL_DROP_PENDING"
    call(brand, "COLLABORATION.TEARDOWN", "summer")
    assert status(shop)["brand"] == "DROPPED"
    failed(run(brand))
    assert call(brand, "COLLABORATION.VIEW_COLLABORATIONS").rows == []


def test_states_on_the_way(shop, brand, twin):
    _slow(twin, shop, brand)
    call(brand, "COLLABORATION.INITIALIZE", room())
    seen = [status(brand)["brand"]]
    twin.call("POST", "clock", {"advance_s": 10})
    call(brand, "COLLABORATION.JOIN", "summer")
    for _ in range(5):
        seen.append(status(brand)["brand"])
        twin.call("POST", "clock", {"advance_s": 10})
    assert seen == ["CREATING", "CREATED", "INSTALLING", "IN_REVIEW", "JOINING", "JOINED"]
    failed(call(shop, "COLLABORATION.JOIN", "summer"))  # REVIEW comes first


def test_a_step_that_fails(shop, brand, twin):
    call(brand, "COLLABORATION.INITIALIZE", room(), "COMPUTE_WH")
    call(shop, "COLLABORATION.REVIEW", "summer", "ACME.CONSUMER", "sommer")
    twin.fault("dcr_step", account=stage.PROVIDER)
    call(shop, "COLLABORATION.JOIN", "sommer")
    assert status(brand)["shop"] == "JOIN_FAILED"
    call(shop, "COLLABORATION.JOIN", "sommer")
    assert status(brand)["shop"] == "JOINED"


def test_an_installation_that_fails(shop, brand, twin):
    twin.fault("dcr_step", account=stage.CONSUMER, skip=1)
    call(brand, "COLLABORATION.INITIALIZE", room())
    call(brand, "COLLABORATION.JOIN", "summer")
    assert status(brand)["brand"] == "INSTALLATION_FAILED"
    call(brand, "COLLABORATION.JOIN", "summer")
    assert status(brand)["brand"] == "JOINED"
    twin.fault("dcr_step", account=stage.PROVIDER)
    call(shop, "COLLABORATION.REVIEW", "summer", "ACME.CONSUMER", "sommer")
    assert status(brand)["shop"] == "INSTALLATION_FAILED"
    failed(call(shop, "COLLABORATION.JOIN", "sommer"))
    call(shop, "COLLABORATION.REVIEW", "summer", "ACME.CONSUMER", "sommer")
    assert status(brand)["shop"] == "IN_REVIEW"


def test_edited_by_approval(joined, port):
    shop, brand = joined
    third = stage.Client(port, stage.SECURED)
    request = call(brand, "COLLABORATION.EDIT", "summer", room("[{id: sales_v1}]", "[{id: by_area_v1}]", aliases=", more: ACME.SECURED", end="  more:\n    data_providers:\n      shop: {data_offerings: []}\n")).rows[0][0]
    assert call(third, "COLLABORATION.VIEW_COLLABORATIONS").rows == []
    call(shop, "COLLABORATION.APPROVE_UPDATE_REQUEST", "summer", request)
    assert status(brand)["more"] == "INVITED"
    assert run(brand).status == 200
    failed(call(brand, "COLLABORATION.EDIT", "summer", room().replace("the first", "the second")))
    failed(call(shop, "COLLABORATION.EDIT", "summer", room()))


def test_registered_specs_are_immutable_and_seen_by_their_account(joined):
    shop, brand = joined
    assert "registered already" in failed(call(shop, "REGISTRY.REGISTER_DATA_OFFERING", OFFERING))
    assert [r["DATA_OFFERING_ID"] for r in call(shop, "REGISTRY.VIEW_REGISTERED_DATA_OFFERINGS").dicts()] == ["sales_v1"]
    assert call(brand, "REGISTRY.VIEW_REGISTERED_DATA_OFFERINGS").rows == []
    assert "summer" in failed(call(shop, "REGISTRY.UNREGISTER_DATA_OFFERING", "sales_v1"))
    seen = call(brand, "COLLABORATION.VIEW_DATA_OFFERINGS", "summer").dicts()[0]
    assert (seen["TEMPLATE_VIEW_NAME"], seen["TEMPLATE_JOIN_COLUMNS"], seen["ANALYSIS_ALLOWED_COLUMNS"], seen["ACTIVATION_ALLOWED_COLUMNS"]) == ("shop.sales_v1.buyers", "HASHED_EMAIL_SHA256", "AREA, SPEND", "AREA")


BAD = [("version: v1", "version: 'v 1'"), ("name: sales", "name: 1sales"), ("category: passthrough}", "category: measure}"), ("spec_type: data_offering", "spec_type: template"), ("2.0.0", "1.0.0"),
       ("EMAIL: {category: join_standard, column_type: hashed_email_sha256}", "EMAIL: {category: join_standard}"), ("D.S.SALES", "D.S.NONE_"), ("D.S.SALES", "SALES"), ("AREA:", "NOWHERE:"),
       ("EMAIL: {category: join_standard, column_type: hashed_email_sha256}", "AREA: {category: join_standard, column_type: email}"), ("name: sales", "name: sales\nsurprise: 1"), ("datasets:", "datasets: ]")]


@pytest.mark.parametrize(("old", "new"), BAD)
def test_specs_that_cannot_be(shop, old, new):
    assert old in OFFERING
    failed(call(shop, "REGISTRY.REGISTER_DATA_OFFERING", OFFERING.replace(old, new)))


def test_filters(joined, twin):
    shop, brand = joined
    text = "api_version: 2.0.0\nspec_type: template\nname: free\nversion: v1\ntype: sql_analysis\nparameters: [{name: col, type: string}]\ntemplate: |\n  SELECT {{ col | sqlsafe | column_policy }} AS A, COUNT(*) AS N FROM IDENTIFIER({{ source_table[0] }}) AS p GROUP BY 1\n"
    call(brand, "REGISTRY.REGISTER_TEMPLATE", text)
    call(shop, "COLLABORATION.APPROVE_UPDATE_REQUEST", "summer", call(brand, "COLLABORATION.ADD_TEMPLATE_REQUEST", "summer", "free_v1", ["brand"]).rows[0][0])
    assert sorted(run(brand, template="free_v1", arguments="{col: p.AREA}").rows) == [["north", "12"], ["south", "3"]]
    assert "column_policy" in failed(run(brand, template="free_v1", arguments="{col: p.HASHED_EMAIL_SHA256}"))
    failed(run(brand, template="free_v1", arguments="{col: 'p.AREA, p.SPEND'}"))
    twin.set(dcr_filters=False)
    failed(run(brand, template="free_v1", arguments="{col: p.AREA}"))
    failed(call(brand, "REGISTRY.REGISTER_TEMPLATE", text.replace("v1", "v2")))


def test_preset_tables(joined, twin):
    """Whoever runs can put no table in their place, unless the switch says that it goes."""
    shop, brand = joined
    twin.table(stage.PROVIDER, "D.S.FEW", [("AREA", "VARCHAR")], [["east"]])
    few = "api_version: 2.0.0\nspec_type: data_offering\nname: few\nversion: v1\ndatasets: [{alias: rows_, data_object_fqn: D.S.FEW, allowed_analyses: template_only, schema_and_template_policies: {AREA: {category: passthrough}}}]\n"
    assert call(shop, "REGISTRY.REGISTER_DATA_OFFERING", few).rows == [["few_v1"]]
    assert call(shop, "COLLABORATION.LINK_DATA_OFFERING", "summer", "few_v1", ["brand"]).status == 200
    text = "api_version: 2.0.0\nspec_type: template\nname: bound\nversion: v1\ntype: sql_analysis\npreset_tables: [{alias: of, template_view_name: shop.sales_v1.buyers}]\ntemplate: |\n  SELECT COUNT(*) AS N FROM IDENTIFIER({{ preset_tables['of'] }})\n"
    call(brand, "REGISTRY.REGISTER_TEMPLATE", text)
    call(shop, "COLLABORATION.APPROVE_UPDATE_REQUEST", "summer", call(brand, "COLLABORATION.ADD_TEMPLATE_REQUEST", "summer", "bound_v1", ["brand"]).rows[0][0])
    named = analysis("bound_v1", arguments="{}").replace("source_tables: [shop.sales_v1.buyers]", "preset_tables: shop.few_v1.rows_")
    assert "preset_tables: shop.few_v1.rows_" in named
    assert run(brand, template="bound_v1", arguments="{}").rows == [["15"]]
    failed(call(brand, "COLLABORATION.RUN", "summer", named))
    twin.set(dcr_presets="named")
    assert call(brand, "COLLABORATION.RUN", "summer", named).rows == [["1"]]
    assert run(brand, template="bound_v1", arguments="{}").rows == [["15"]]


def test_activation(joined, twin):
    shop, brand = joined
    text = ACTIVATION.replace("p.{{ 'p.AREA' | activation_policy | replace_ }}", "p.AREA")
    call(brand, "REGISTRY.REGISTER_TEMPLATE", text)
    call(shop, "COLLABORATION.APPROVE_UPDATE_REQUEST", "summer", call(brand, "COLLABORATION.ADD_TEMPLATE_REQUEST", "summer", "send_v1", ["brand"]).rows[0][0])
    more = "  activation: {snowflake_collaborator: shop, segment_name: everybody}"
    failed(run(brand, template="send_v1", arguments="{}"))
    answer = run(brand, template="send_v1", arguments="{}", more=more)
    assert answer.rows == [["Activation is under way."]]
    assert call(brand, "COLLABORATION.VIEW_ACTIVATIONS", "summer").dicts()[0]["STATUS"] == "SHARED"
    assert call(brand, "COLLABORATION.PROCESS_ACTIVATION", "summer").rows == [["0", "0"]]  # the receiver's to do
    assert call(shop, "COLLABORATION.PROCESS_ACTIVATION", "summer", "everybody").rows == [["1", "15"]]
    assert call(shop, "COLLABORATION.VIEW_ACTIVATIONS", "summer").dicts()[0]["STATUS"] == "PROCESSED"
    assert shop.rows("SELECT SEGMENT_NAME, COUNT(*) AS N FROM SUMMER.ACTIVATION.SEGMENT_RECORDS GROUP BY SEGMENT_NAME") == [["everybody", "15"]]


def test_history(joined):
    shop, brand = joined
    run(brand)
    run(brand, arguments="{least: x}")
    seen = [call(c, "COLLABORATION.VIEW_ACTIVITY_HISTORY", "summer").dicts() for c in (brand, shop)]
    assert [[r["STATUS"] for r in rows] for rows in seen] == [["COMPLETED", "FAILED"]] * 2
    assert '"least": 5' in seen[0][0]["ACTIVITY_INFO"] and "least" not in seen[1][0]["ACTIVITY_INFO"]
    assert seen[1][1]["FAILURE_REASON"] == "REDACTED" and "least" in seen[0][1]["FAILURE_REASON"]


def test_results_that_the_sql_api_cannot_return(joined, twin):
    twin.set(dcr_results="refuse")
    assert run(joined[1]).code == "391916"


def test_roles(joined, port, twin):
    shop, brand = joined
    twin.call("PUT", f"users/{stage.CONSUMER}/HELPER", {"public_key": stage.pem(stage.KEY), "roles": ["HELPER"]})
    other = stage.Client(port, stage.CONSUMER, "HELPER")
    failed(call(other, "REGISTRY.REGISTER_TEMPLATE", TEMPLATE.replace("v1", "v3")))
    failed(call(other, "COLLABORATION.GET_STATUS", "summer"))
    assert call(brand, "ADMIN.GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE", "REGISTER TEMPLATE", "HELPER").status == 200
    assert call(other, "REGISTRY.REGISTER_TEMPLATE", TEMPLATE.replace("v1", "v3")).status == 200
    assert call(brand, "ADMIN.GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE", "READ", "COLLABORATION", "summer", "HELPER").status == 200
    assert call(other, "COLLABORATION.GET_STATUS", "summer").status == 200


@pytest.mark.parametrize("text", [f"CALL {HOME}.COLLABORATION.NOTHING()", "CALL OTHER.COLLABORATION.RUN('a')", f"CALL {HOME}.COLLABORATION.JOIN()", f"CALL {HOME}.COLLABORATION.JOIN(1)", f"CALL {HOME}.COLLABORATION.JOIN('a') x",
                                  f"CALL {HOME}.COLLABORATION.JOIN(?)", f"CALL {HOME}.COLLABORATION.JOIN('a'); DROP"])
def test_calls_that_cannot_be(provider, text):
    assert provider.refused(text) in ("002141", "001044", "001003", "002049", "000008")
