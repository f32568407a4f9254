"""Protected queries: taken in, judged at once, run later. Must not know how they are executed."""

from .. import visibility
from ..errors import HarnessError, ValidationException, conflict, denied, invalid, misconfigured, not_found
from ..execution.runs import LIVE
from ..operations import operation
from ..paging import page
from ..sql import statement
from ..sql.facts import RunFacts
from ..sql.judge import judge
from ..sql.refusal import Refused
from . import analysis_templates, budgets, members, result_delivery, schemas

WORKERS = {"worker": {"type": "CR.1X", "number": 16}}


def shown(call, entity, shape="ProtectedQuery"):
    """A query as its runner reads it."""
    return call.project(shape, entity)


def find(call, params):
    """A query of the caller's own membership."""
    membership = visibility.membership(call, params["membershipIdentifier"])
    found = call.world.queries.get(params["protectedQueryIdentifier"])
    if not found or found["membershipId"] != membership["id"]:
        raise not_found("MEMBERSHIP", params["protectedQueryIdentifier"], "protected query")
    return found


def payer(call, collaboration_id, asked):
    """The account that pays for the run: the one candidate, or the one that is asked for."""
    entries = [m for m in visibility.members_of(call.world, collaboration_id) if m["status"] in visibility.INSIDE]
    candidates = {m["accountId"]: m for m in entries if members.responsible(m["paymentConfiguration"], ("queryCompute",))}
    if asked is not None and asked not in candidates:
        raise misconfigured(f"The account {asked} does not pay for queries of this collaboration")
    if asked is None and len(candidates) != 1:
        raise misconfigured("Several members can pay: name one as queryComputePayerAccountId" if candidates else "No member pays for queries")
    chosen = asked or next(iter(candidates))
    if candidates[chosen]["status"] != "ACTIVE":
        raise misconfigured(f"The member {chosen}, who pays for queries, is {candidates[chosen]['status']}")
    return chosen


def text_of(call, collaboration_id, parameters):
    """(tree, cached names, template): the bound query. Parameters are literals, never text."""
    given = [k for k in ("queryString", "analysisTemplateArn") if k in parameters]
    if len(given) != 1:
        raise invalid("sqlParameters", "takes either queryString or analysisTemplateArn")
    values = parameters.get("parameters", {})
    if given == ["queryString"]:
        if values:
            raise invalid("sqlParameters.parameters", "go with an analysis template only")
        query, cached = statement.parse(parameters["queryString"])
        if statement.placeholders(query):
            raise Refused("A query text has no parameters")
        return query, cached, None
    template = analysis_templates.by_arn(call.seen, collaboration_id, parameters["analysisTemplateArn"])
    if not template:
        raise not_found("COLLABORATION", parameters["analysisTemplateArn"], "analysis template")
    query, cached = statement.parse(template["source"]["text"])
    try:
        return statement.bind(query, template.get("analysisParameters", []), values), cached, template
    except ValueError as error:
        raise invalid("sqlParameters.parameters", str(error)) from error


def decide(view, twin, collaboration_id, query, cached, run):
    """The judge's verdict by a view of the world."""
    found = schemas.shared(view, twin, collaboration_id)
    tables = {name: s.facts() for name, s in found.items()}
    verdict = judge(query, cached, tables, run)
    if any("differentialPrivacy" in t.rule for t in verdict.tables):
        raise HarnessError("NotImplementedByTwin", "queries on tables with differential privacy are not implemented by the twin")
    return verdict


def check_quotas(call, membership):
    """Live queries: per membership, and per account in this Region."""
    live = [q for q in call.world.queries.values() if q["_owner"] == call.account and q["status"] in LIVE]
    call.twin.quotas.check("ongoing queries per membership", len([q for q in live if q["membershipId"] == membership["id"]]) + 1)
    call.twin.quotas.check_concurrent(call.region, len(live) + 1)


@operation("StartProtectedQuery")
def start(call, params):
    """Answers SUBMITTED at once; a breach of a rule shows later as FAILED, or at once by a switch."""
    membership = visibility.active_membership(call, params["membershipIdentifier"])
    collaboration = visibility.collaboration(call, membership["collaborationId"])
    entry = visibility.member(call.world, collaboration["id"], call.account)
    if "CAN_QUERY" not in entry["abilities"]:
        raise denied("The member does not have the ability CAN_QUERY")
    pays = payer(call, collaboration["id"], params.get("queryComputePayerAccountId"))
    entity = call.new(membershipId=membership["id"], membershipArn=membership["arn"], sqlParameters=params["sqlParameters"], status="SUBMITTED",
                      resultConfiguration=params.get("resultConfiguration"), computeConfiguration=params.get("computeConfiguration", WORKERS),
                      queryComputePayerAccountId=pays)
    made, result = result_delivery.deliveries(call, membership, collaboration["id"], params.get("resultConfiguration"), entity["id"])
    receivers = sorted({d["account"] for d in made})
    check_quotas(call, membership)
    entity |= {"_region": call.region, "_serial": call.twin.next_serial(), "_deliveries": made, "_result": result, "_collaboration": collaboration["id"],
               "_start_at": call.now + call.settings.query_start_s, "_sql": None, "_tables": [], "_outputs": [],
               "receiverConfigurations": [{"analysisType": "DIRECT_ANALYSIS", "configurationDetails": {"directAnalysisConfigurationDetails": {"receiverAccountIds": receivers}}}]}
    if "resultConfiguration" not in entity:
        entity["resultConfiguration"] = {"outputConfiguration": membership["defaultResultConfiguration"]["outputConfiguration"]}
    try:
        _plan(call, collaboration, entity, receivers)
    except Refused as refused:
        if call.settings.refusals == "sync":
            raise ValidationException(str(refused), reason="INVALID_QUERY") from refused
        entity["_refusal"] = (refused.code, str(refused))
    call.world.queries[entity["id"]] = entity
    call.event("Protected Query Submitted", {"id": entity["id"], "membershipId": membership["id"], "status": "SUBMITTED"})
    return {"protectedQuery": shown(call, entity)}


def _plan(call, collaboration, entity, receivers):
    """Judges, and keeps what the run will need."""
    query, cached, template = text_of(call, collaboration["id"], entity["sqlParameters"])
    run = RunFacts(call.account, receivers, template["arn"] if template else None, template["creatorAccountId"] if template else None)
    verdict = decide(call.seen, call.twin, collaboration["id"], query.copy(), cached, run)
    result_delivery.check_buckets(call, entity["_deliveries"], verdict.tables, collaboration)
    for table in verdict.tables:
        if budgets.refusal(call.world, table.association, call.now):
            raise Refused(f"The access budget of table {table.name} is spent", "RESOURCE_ACCESS_DENIED")
    for table in verdict.tables:
        budgets.spend(call.world, table.association, call.now)
    entity |= {"_sql": verdict.sql, "_outputs": verdict.outputs, "_query": query, "_cached": cached, "_run": run,
               "_tables": [{"name": t.name, "owner": t.owner, "location": t.location, "columns": t.columns, "role": t.role, "association": t.association}
                           for t in verdict.tables]}


def still_allowed(twin, world, query):
    """Why a running query would be refused now, None when it would not: for the switch that lets revocations reach it."""
    collaboration = world.collaborations.get(query["_collaboration"])
    entry = visibility.member(world, query["_collaboration"], query["_owner"])
    if not collaboration or entry["status"] != "ACTIVE":
        return "the runner is no active member any more"
    run = query["_run"]
    for account in run.receivers:
        receiver = visibility.member(world, query["_collaboration"], account)
        if receiver["status"] != "ACTIVE" or "CAN_RECEIVE_RESULTS" not in receiver["abilities"]:
            return f"the account {account} cannot receive results any more"
    if run.template and not analysis_templates.by_arn(world, query["_collaboration"], run.template):
        return "the analysis template is gone"
    view = world.seen_by(query["_owner"], twin.clock.now(), twin.settings.propagation_delay_s)
    try:
        verdict = decide(view, twin, query["_collaboration"], query["_query"].copy(), query["_cached"], run)
    except Refused as refused:
        return str(refused)
    if {t.association for t in verdict.tables} != {t["association"] for t in query["_tables"]}:
        return "a table was replaced"
    return None


@operation("GetProtectedQuery")
def get(call, params):
    """The runner's own."""
    return {"protectedQuery": shown(call, find(call, params))}


@operation("ListProtectedQueries")
def list_all(call, params):
    """Newest first."""
    membership = visibility.membership(call, params["membershipIdentifier"])
    mine = [q for q in call.world.queries.values() if q["membershipId"] == membership["id"] and params.get("status") in (None, q["status"])]
    mine.sort(key=lambda q: (q["createTime"], q["_serial"]), reverse=True)
    chosen, token = page(mine, params, call.settings.page_size_max)
    return {"protectedQueries": [shown(call, q, "ProtectedQuerySummary") for q in chosen]} | ({"nextToken": token} if token else {})


@operation("UpdateProtectedQuery")
def update(call, params):
    """Cancels a query that has not ended, by way of CANCELLING."""
    entity = find(call, params)
    if entity["status"] not in ("SUBMITTED", "STARTED"):
        raise conflict("INVALID_STATE", f"The query is {entity['status']}", "MEMBERSHIP", entity["membershipId"])
    entity |= {"status": "CANCELLING", "_cancel_at": call.now + call.settings.query_cancel_s}
    call.event("Protected Query Cancelling", {"id": entity["id"], "membershipId": entity["membershipId"], "status": "CANCELLING"})
    return {"protectedQuery": shown(call, entity)}
