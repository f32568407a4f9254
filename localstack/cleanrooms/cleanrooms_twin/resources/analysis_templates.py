"""Analysis templates: a query's text with parameters, immutable, known by its ARN. Must not know who allows one."""

from .. import validation, visibility
from ..errors import HarnessError, ValidationException, conflict, invalid, not_found
from ..operations import oldest_first, operation
from ..paging import page
from ..sql import statement
from ..sql.refusal import Refused


def find(call, params):
    """A template of the caller's own membership."""
    membership = visibility.membership(call, params["membershipIdentifier"])
    found = call.world.templates.get(params["analysisTemplateIdentifier"])
    if not found or found["membershipId"] != membership["id"]:
        raise not_found("MEMBERSHIP", params["analysisTemplateIdentifier"], "analysis template")
    return found


def in_collaboration(view, collaboration_id):
    """Templates of members who are active in the collaboration, oldest first."""
    active = {m["id"] for m in view.memberships.values() if m["collaborationId"] == collaboration_id and m["status"] == "ACTIVE" and not m.get("_left")}
    return oldest_first([t for t in view.templates.values() if t["membershipId"] in active])


def by_arn(view, collaboration_id, arn):
    """One of the collaboration's templates, None elsewhere."""
    return next((t for t in in_collaboration(view, collaboration_id) if t["arn"] == arn), None)


def referenced(text, declared):
    """The tables a template names; its parameters must be declared, and stand for literals."""
    try:
        query, _ = statement.parse(text)
        used = statement.placeholders(query)
        tables = statement.table_names(query)
    except Refused as refused:
        raise ValidationException(str(refused), reason="INVALID_QUERY") from refused
    names = [p["name"] for p in declared]
    if len(set(names)) != len(names):
        raise invalid("analysisParameters", "a parameter appears twice")
    if unknown := sorted(set(used) - set(names)):
        raise invalid("analysisParameters", f"not declared: {', '.join(unknown)}")
    for parameter in declared:
        if "defaultValue" in parameter:
            try:
                statement.literal(parameter["type"], parameter["defaultValue"])
            except ValueError as error:
                raise invalid("analysisParameters", f"the default of {parameter['name']} {error}") from error
    return tables


@operation("CreateAnalysisTemplate")
def create(call, params):
    """A new id and ARN each time; nobody has approved it yet."""
    membership = visibility.active_membership(call, params["membershipIdentifier"])
    if params["format"] != "SQL" or "text" not in params["source"] or "syntheticDataParameters" in params:
        raise HarnessError("NotImplementedByTwin", "only SQL templates are implemented by the twin")
    mine = [t for t in call.world.templates.values() if t["membershipId"] == membership["id"]]
    if any(t["name"] == params["name"] for t in mine):
        raise conflict("ALREADY_EXISTS", f"The membership has an analysis template {params['name']}", "MEMBERSHIP", membership["id"])
    call.twin.quotas.check("analysis templates per membership", len(mine) + 1)
    tables = referenced(params["source"]["text"], params.get("analysisParameters", []))
    if odd := [t for t in tables if validation.breaches(call.twin.api, "TableAlias", t)]:
        raise ValidationException(f"No table can be named {', '.join(map(repr, odd))}", reason="INVALID_QUERY")
    kept = {k: params.get(k) for k in ("name", "description", "format", "source", "analysisParameters", "errorMessageConfiguration")}
    entity = call.new(**kept, collaborationId=membership["collaborationId"], collaborationArn=membership["collaborationArn"],
                      membershipId=membership["id"], membershipArn=membership["arn"], creatorAccountId=call.account, schema={"referencedTables": tables})
    entity["arn"] = call.arn(f"membership/{membership['id']}/analysistemplate/{entity['id']}")
    entity["_serial"] = call.twin.next_serial()
    call.world.templates[entity["id"]] = entity
    call.tag(entity["arn"], params.get("tags"))
    return {"analysisTemplate": call.project("AnalysisTemplate", entity)}


@operation("GetAnalysisTemplate")
def get(call, params):
    """The author's own."""
    return {"analysisTemplate": call.project("AnalysisTemplate", find(call, params))}


@operation("ListAnalysisTemplates")
def list_all(call, params):
    """Those of one membership."""
    membership = visibility.membership(call, params["membershipIdentifier"])
    mine = oldest_first([t for t in call.world.templates.values() if t["membershipId"] == membership["id"]])
    chosen, token = page(mine, params, call.settings.page_size_max)
    return {"analysisTemplateSummaries": [call.project("AnalysisTemplateSummary", t) for t in chosen]} | ({"nextToken": token} if token else {})


@operation("UpdateAnalysisTemplate")
def update(call, params):
    """The description; all else is immutable."""
    entity = find(call, params)
    entity |= {k: params[k] for k in ("description",) if k in params} | {"updateTime": call.now}
    return {"analysisTemplate": call.project("AnalysisTemplate", entity)}


@operation("DeleteAnalysisTemplate")
def delete(call, params):
    """The ARN stays behind in the rules that allow it, and means nothing."""
    entity = find(call, params)
    del call.world.templates[entity["id"]]
    call.world.tags.pop(entity["arn"], None)


@operation("GetCollaborationAnalysisTemplate")
def get_in_collaboration(call, params):
    """Any member's, as every member sees it."""
    found = visibility.collaboration(call, params["collaborationIdentifier"])
    entity = by_arn(call.seen, found["id"], params["analysisTemplateArn"])
    if not entity:
        raise not_found("COLLABORATION", params["analysisTemplateArn"], "analysis template")
    return {"collaborationAnalysisTemplate": call.project("CollaborationAnalysisTemplate", entity)}


@operation("ListCollaborationAnalysisTemplates")
def list_in_collaboration(call, params):
    """Every member's."""
    found = visibility.collaboration(call, params["collaborationIdentifier"])
    chosen, token = page(in_collaboration(call.seen, found["id"]), params, call.settings.page_size_max)
    summaries = [call.project("CollaborationAnalysisTemplateSummary", t) for t in chosen]
    return {"collaborationAnalysisTemplateSummaries": summaries} | ({"nextToken": token} if token else {})


@operation("BatchGetCollaborationAnalysisTemplate")
def batch_get(call, params):
    """What is there, and an error for each that is not."""
    found = visibility.collaboration(call, params["collaborationIdentifier"])
    results, errors = [], []
    for arn in params["analysisTemplateArns"]:
        entity = by_arn(call.seen, found["id"], arn)
        if entity and not call.twin.faults.take("batch_error", call.operation, call.account):
            results.append(call.project("CollaborationAnalysisTemplate", entity))
        else:
            errors.append({"arn": arn, "code": "RESOURCE_NOT_FOUND", "message": "No such analysis template"})
    return {"collaborationAnalysisTemplates": results, "errors": errors}
