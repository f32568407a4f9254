"""Privacy budget templates and what is left of them. Access budgets count a table's uses; others are kept, not spent.

Must not know how a query is judged; whoever runs one asks `refusal` and then calls `spend`.
"""

import uuid
from datetime import datetime, timedelta, timezone

from .. import visibility
from ..errors import conflict, invalid, misconfigured, not_found
from ..operations import oldest_first, operation
from ..paging import page

CALENDAR = ("CALENDAR_DAY", "CALENDAR_WEEK", "CALENDAR_MONTH")
# A made-up scale: how many queries an epsilon buys, by cost of the aggregation. Never the service's figures.
DP_COUNTS = {"COUNT_DISTINCT": 60, "COUNT": 50, "SUM": 30, "AVG": 20, "STDDEV": 15}


def _window(kind, moment):
    """(start, end) of the calendar period around a moment; a lifetime has no end."""
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if kind == "CALENDAR_DAY":
        return day, day + timedelta(days=1)
    if kind == "CALENDAR_WEEK":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=7)
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)


def _fresh(parameters, now):
    """Untouched balances."""
    moment = datetime.fromtimestamp(now, timezone.utc)
    made = []
    for parameter in parameters:
        balance = {"budgetType": parameter["type"], "budget": parameter["budget"], "used": 0, "startTime": now}
        if parameter["type"] in CALENDAR:
            start, end = _window(parameter["type"], moment)
            balance |= {"autoRefresh": parameter.get("autoRefresh", "DISABLED"), "startTime": start.timestamp(), "endTime": end.timestamp()}
        made.append(balance)
    return made


def _balances(template, now):
    """Balances as of now: a period that ended begins anew when it refreshes itself, and is spent when it does not."""
    for balance in template["_balances"]:
        if balance.get("autoRefresh") == "ENABLED" and now >= balance["endTime"]:
            start, end = _window(balance["budgetType"], datetime.fromtimestamp(now, timezone.utc))
            balance |= {"used": 0, "startTime": start.timestamp(), "endTime": end.timestamp()}
    return template["_balances"]


def _left(balance, now):
    if "endTime" in balance and balance["autoRefresh"] == "DISABLED" and now >= balance["endTime"]:
        return 0
    return max(0, balance["budget"] - balance["used"])


def _on(view, association_id):
    return [t for t in view.budget_templates.values() if t.get("_association") == association_id]


def refusal(world, association_id, now):
    """Whether the table's access budget is spent."""
    return any(_left(b, now) < 1 for t in _on(world, association_id) for b in _balances(t, now))


def spend(world, association_id, now):
    """One use of a table."""
    for template in _on(world, association_id):
        for balance in _balances(template, now):
            balance["used"] += 1


def _check_access(call, membership, parameters):
    kinds = [p["type"] for p in parameters["budgetParameters"]]
    if len([k for k in kinds if k in CALENDAR]) > 1 or kinds.count("LIFETIME") > 1:
        raise invalid("parameters.accessBudget.budgetParameters", "at most one calendar period and one lifetime")
    for parameter in parameters["budgetParameters"]:
        if parameter["type"] == "LIFETIME" and "autoRefresh" in parameter:
            raise invalid("parameters.accessBudget.budgetParameters", "a lifetime does not refresh itself")
    if membership is None:
        return None
    found = [a for a in call.world.associations.values()
             if f"{membership['arn']}/configuredtableassociation/{a['id']}" == parameters["resourceArn"] and a["membershipId"] == membership["id"]]
    if not found:
        raise not_found("CONFIGURED_TABLE_ASSOCIATION", parameters["resourceArn"], "configured table association")
    return found[0]["id"]


def _find(call, params):
    membership = visibility.membership(call, params["membershipIdentifier"])
    found = call.world.budget_templates.get(params["privacyBudgetTemplateIdentifier"])
    if not found or found["membershipId"] != membership["id"]:
        raise not_found("MEMBERSHIP", params["privacyBudgetTemplateIdentifier"], "privacy budget template")
    return found


def _in_collaboration(call, collaboration_id):
    return oldest_first([t for t in call.seen.budget_templates.values() if t["collaborationId"] == collaboration_id])


@operation("CreatePrivacyBudgetTemplate")
def create(call, params):
    """One per table for access, one per collaboration for differential privacy."""
    membership = visibility.active_membership(call, params["membershipIdentifier"])
    kind, parameters = params["privacyBudgetType"], params["parameters"]
    if ("accessBudget" in parameters) != (kind == "ACCESS_BUDGET"):
        raise invalid("parameters", f"do not fit the type {kind}")
    entity = call.new(membershipId=membership["id"], membershipArn=membership["arn"], collaborationId=membership["collaborationId"],
                      collaborationArn=membership["collaborationArn"], creatorAccountId=call.account, privacyBudgetType=kind,
                      autoRefresh=params.get("autoRefresh", "NONE"), parameters=parameters)
    if kind == "ACCESS_BUDGET":
        entity["_association"] = _check_access(call, membership, parameters["accessBudget"])
        if _on(call.world, entity["_association"]):
            raise conflict("ALREADY_EXISTS", "The table has an access budget", "CONFIGURED_TABLE_ASSOCIATION", entity["_association"])
        entity["_balances"] = _fresh(parameters["accessBudget"]["budgetParameters"], call.now)
    else:
        if any(t["privacyBudgetType"] == kind and t["collaborationId"] == membership["collaborationId"] for t in call.world.budget_templates.values()):
            raise conflict("ALREADY_EXISTS", "The collaboration has a differential privacy budget template", "COLLABORATION", membership["collaborationId"])
        if "autoRefresh" not in params:
            raise invalid("autoRefresh", "is required for differential privacy")
    entity["arn"] = call.arn(f"privacybudgettemplate/{entity['id']}")
    entity["_budget_id"], entity["_serial"] = str(uuid.uuid4()), call.twin.next_serial()
    call.world.budget_templates[entity["id"]] = entity
    call.tag(entity["arn"], params.get("tags"))
    return {"privacyBudgetTemplate": call.project("PrivacyBudgetTemplate", entity)}


@operation("GetPrivacyBudgetTemplate")
def get(call, params):
    """The owner's own."""
    return {"privacyBudgetTemplate": call.project("PrivacyBudgetTemplate", _find(call, params))}


@operation("ListPrivacyBudgetTemplates")
def list_all(call, params):
    """Those of one membership."""
    membership = visibility.membership(call, params["membershipIdentifier"])
    mine = oldest_first([t for t in call.world.budget_templates.values() if t["membershipId"] == membership["id"]])
    chosen, token = page(mine, params, call.settings.page_size_max)
    return {"privacyBudgetTemplateSummaries": [call.project("PrivacyBudgetTemplateSummary", t) for t in chosen]} | ({"nextToken": token} if token else {})


@operation("UpdatePrivacyBudgetTemplate")
def update(call, params):
    """Replaces the parameters; an access budget starts afresh."""
    entity = _find(call, params)
    if params["privacyBudgetType"] != entity["privacyBudgetType"]:
        raise misconfigured("The type of a privacy budget template cannot change")
    parameters = params.get("parameters", {})
    if "accessBudget" in parameters and entity["privacyBudgetType"] == "ACCESS_BUDGET":
        _check_access(call, None, parameters["accessBudget"])
        entity["parameters"] = {"accessBudget": entity["parameters"]["accessBudget"] | parameters["accessBudget"]}
        entity["_balances"] = _fresh(parameters["accessBudget"]["budgetParameters"], call.now)
    elif "differentialPrivacy" in parameters and entity["privacyBudgetType"] == "DIFFERENTIAL_PRIVACY":
        entity["parameters"] = {"differentialPrivacy": entity["parameters"]["differentialPrivacy"] | parameters["differentialPrivacy"]}
    elif parameters:
        raise invalid("parameters", f"do not fit the type {entity['privacyBudgetType']}")
    entity["updateTime"] = call.now
    return {"privacyBudgetTemplate": call.project("PrivacyBudgetTemplate", entity)}


@operation("DeletePrivacyBudgetTemplate")
def delete(call, params):
    """Lifts the limit."""
    entity = _find(call, params)
    del call.world.budget_templates[entity["id"]]
    call.world.tags.pop(entity["arn"], None)


@operation("GetCollaborationPrivacyBudgetTemplate")
def get_in_collaboration(call, params):
    """Any member's, as every member sees it."""
    found = visibility.collaboration(call, params["collaborationIdentifier"])
    entity = next((t for t in _in_collaboration(call, found["id"]) if t["id"] == params["privacyBudgetTemplateIdentifier"]), None)
    if not entity:
        raise not_found("COLLABORATION", params["privacyBudgetTemplateIdentifier"], "privacy budget template")
    return {"collaborationPrivacyBudgetTemplate": call.project("CollaborationPrivacyBudgetTemplate", entity)}


@operation("ListCollaborationPrivacyBudgetTemplates")
def list_in_collaboration(call, params):
    """Every member's."""
    found = visibility.collaboration(call, params["collaborationIdentifier"])
    chosen, token = page(_in_collaboration(call, found["id"]), params, call.settings.page_size_max)
    summaries = [call.project("CollaborationPrivacyBudgetTemplateSummary", t) for t in chosen]
    return {"collaborationPrivacyBudgetTemplateSummaries": summaries} | ({"nextToken": token} if token else {})


def _budget(call, template):
    """What is left of a template's budget."""
    if template["privacyBudgetType"] == "DIFFERENTIAL_PRIVACY":
        epsilon = template["parameters"]["differentialPrivacy"]["epsilon"]
        counts = [{"type": k, "maxCount": n * epsilon, "remainingCount": n * epsilon} for k, n in DP_COUNTS.items()]
        return {"differentialPrivacy": {"aggregations": counts, "epsilon": epsilon}}
    details = []
    for balance in _balances(call.world.budget_templates.get(template["id"], template), call.now):
        shown = {k: balance[k] for k in ("budgetType", "budget", "startTime", "endTime", "autoRefresh") if k in balance}
        details.append(shown | {"remainingBudget": _left(balance, call.now)})
    return {"accessBudget": {"resourceArn": template["parameters"]["accessBudget"]["resourceArn"], "details": details,
                             "aggregateRemainingBudget": min(d["remainingBudget"] for d in details)}}


def _budgets(call, templates, params, shape):
    wanted = [t for t in templates if t["privacyBudgetType"] == params["privacyBudgetType"]]
    arn = params.get("accessBudgetResourceArn")
    if arn:
        wanted = [t for t in wanted if t["parameters"].get("accessBudget", {}).get("resourceArn") == arn]
    chosen, token = page(wanted, params, call.settings.page_size_max)
    found = [call.project(shape, t | {"id": t["_budget_id"], "privacyBudgetTemplateId": t["id"], "privacyBudgetTemplateArn": t["arn"],
                                      "type": t["privacyBudgetType"], "budget": _budget(call, t)}) for t in chosen]
    return found, {"nextToken": token} if token else {}


@operation("ListPrivacyBudgets")
def list_budgets(call, params):
    """Of one membership."""
    membership = visibility.membership(call, params["membershipIdentifier"])
    mine = oldest_first([t for t in call.world.budget_templates.values() if t["membershipId"] == membership["id"]])
    found, token = _budgets(call, mine, params, "PrivacyBudgetSummary")
    return {"privacyBudgetSummaries": found} | token


@operation("ListCollaborationPrivacyBudgets")
def list_budgets_in_collaboration(call, params):
    """Every member's."""
    collaboration = visibility.collaboration(call, params["collaborationIdentifier"])
    found, token = _budgets(call, _in_collaboration(call, collaboration["id"]), params, "CollaborationPrivacyBudgetSummary")
    return {"collaborationPrivacyBudgetSummaries": found} | token
