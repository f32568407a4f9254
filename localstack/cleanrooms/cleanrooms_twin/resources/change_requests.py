"""Change requests: what the creator wants to change of members or of auto-approval, for all active members to approve.

Must not know queries.
"""

from .. import visibility
from ..errors import conflict, denied, invalid, misconfigured, not_found
from ..operations import oldest_first, operation
from ..paging import page
from . import members

RUNNING = ("CAN_QUERY", "CAN_RUN_JOB")
GRANTS = {"CAN_RECEIVE_RESULTS": "RECEIVE_RESULTS_ABILITY", "CAN_EXPORT_QUERY_ANALYSIS_LOG": "EXPORT_QUERY_ANALYSIS_LOG_ABILITY"}
ML_GRANTS = {"CAN_RECEIVE_MODEL_OUTPUT": "CAN_RECEIVE_MODEL_OUTPUT", "CAN_RECEIVE_INFERENCE_OUTPUT": "CAN_RECEIVE_INFERENCE_OUTPUT"}
ALLOWED_FROM = {"APPROVE": ("PENDING",), "DENY": ("PENDING",), "CANCEL": ("PENDING", "APPROVED"), "COMMIT": ("APPROVED",)}


def _types(call, collaboration, change):
    """What a change amounts to."""
    specification = change["specification"]
    if (change["specificationType"] == "MEMBER") != ("member" in specification):
        raise invalid("changes", "the specification is not of its type")
    if "collaboration" in specification:
        return ["EDIT_AUTO_APPROVED_CHANGE_TYPES"]
    wanted = specification["member"]
    entry = visibility.member(call.world, collaboration["id"], wanted["accountId"])
    if not entry or entry["status"] not in visibility.INSIDE:
        return _addition(call, collaboration, wanted, entry)
    return _difference(entry, wanted)


def _addition(call, collaboration, wanted, entry):
    if entry and (entry["status"] == "LEFT" or call.settings.readd_removed == "refuse"):
        raise misconfigured(f"The account {wanted['accountId']} {entry['status'].lower()} and cannot be added again")
    if set(wanted["memberAbilities"]) & set(RUNNING):
        raise misconfigured("CAN_QUERY and CAN_RUN_JOB cannot be granted by a change request")
    if "displayName" not in wanted:
        raise invalid("changes.specification.member.displayName", "is required for a new member")
    invited = [m for m in visibility.members_of(call.world, collaboration["id"]) if m["status"] in visibility.INSIDE and m["accountId"] != call.account]
    call.twin.quotas.check("members invited per collaboration", len(invited) + 1)
    return ["ADD_MEMBER"]


def _difference(entry, wanted):
    before, after = set(entry["abilities"]), set(wanted["memberAbilities"])
    if any((a in before) != (a in after) for a in RUNNING):
        raise misconfigured("CAN_QUERY and CAN_RUN_JOB cannot change")
    types = []
    for ability, name in GRANTS.items():
        if (ability in before) != (ability in after):
            types.append(f"{'GRANT' if ability in after else 'REVOKE'}_{name}")
    if "mlMemberAbilities" in wanted:
        held = set((entry.get("mlAbilities") or {}).get("customMLMemberAbilities", []))
        given = set(wanted["mlMemberAbilities"]["customMLMemberAbilities"])
        for ability, name in ML_GRANTS.items():
            if (ability in held) != (ability in given):
                types.append(f"{'GRANT' if ability in given else 'REVOKE'}_{name}")
    if "paymentConfiguration" in wanted:
        pays = members.responsible(wanted["paymentConfiguration"], ("queryCompute",))
        if pays != members.responsible(entry["paymentConfiguration"], ("queryCompute",)):
            types.append("ADD_PAYER_CANDIDATE" if pays else "REMOVE_PAYER_CANDIDATE")
    if not types:
        raise invalid("changes", f"nothing would change for {wanted['accountId']}")
    return types


def _apply(call, collaboration, request):
    """What was approved comes into force."""
    for change in request["changes"]:
        specification = change["specification"]
        if "collaboration" in specification:
            collaboration["autoApprovedChangeTypes"] = specification["collaboration"].get("autoApprovedChangeTypes", [])
            continue
        wanted = specification["member"]
        if "ADD_MEMBER" in change["types"]:
            members.invite(call, collaboration["id"], wanted)
            continue
        entry = visibility.member(call.world, collaboration["id"], wanted["accountId"])
        entry |= {"abilities": list(wanted["memberAbilities"]), "updateTime": call.now}
        if "mlMemberAbilities" in wanted:
            entry["mlAbilities"] = wanted["mlMemberAbilities"]
        if "paymentConfiguration" in wanted:
            entry["_payment_given"] = wanted["paymentConfiguration"]
            members.settle_payments(call.world, collaboration["id"])
    collaboration["updateTime"] = call.now
    call.event("Collaboration Updated", {"collaborationId": collaboration["id"]})


def _shown(call, entity, shape="CollaborationChangeRequest"):
    return call.project(shape, entity)


def _find(call, params):
    collaboration = visibility.collaboration(call, params["collaborationIdentifier"])
    found = call.seen.change_requests.get(params["changeRequestIdentifier"])
    if not found or found["collaborationId"] != collaboration["id"]:
        raise not_found("COLLABORATION", params["changeRequestIdentifier"], "change request")
    return collaboration, found


@operation("CreateCollaborationChangeRequest")
def create(call, params):
    """By the creator, who has thereby approved. Changes that are all auto-approved are in force at once."""
    collaboration = visibility.created_collaboration(call, params["collaborationIdentifier"])
    changes = [c | {"types": _types(call, collaboration, c)} for c in params["changes"]]
    accounts = [c["specification"]["member"]["accountId"] for c in changes if "member" in c["specification"]]
    if len(set(accounts)) != len(accounts):
        raise invalid("changes", "an account appears twice")
    automatic = all(t in collaboration["autoApprovedChangeTypes"] for c in changes for t in c["types"])
    entity = call.new(collaborationId=collaboration["id"], changes=changes, isAutoApproved=automatic, status="PENDING")
    entity["_serial"] = call.twin.next_serial()
    call.world.change_requests[entity["id"]] = entity
    if automatic:
        entity["status"] = "COMMITTED"
        _apply(call, collaboration, entity)
    else:
        active = [m["accountId"] for m in visibility.members_of(call.world, collaboration["id"]) if m["status"] == "ACTIVE" or m["accountId"] == call.account]
        entity["approvals"] = {a: {"status": "APPROVED" if a == call.account else "PENDING"} for a in active}
        _settle(entity)
    call.event("Collaboration Change Request Created", {"changeRequestId": entity["id"], "collaborationId": collaboration["id"]})
    return {"collaborationChangeRequest": _shown(call, entity)}


def _settle(entity):
    said = {a["status"] for a in entity["approvals"].values()}
    if "DENIED" in said:
        entity["status"] = "DENIED"
    elif said == {"APPROVED"}:
        entity["status"] = "APPROVED"


@operation("UpdateCollaborationChangeRequest")
def update(call, params):
    """APPROVE and DENY by members who are asked; CANCEL and COMMIT by the creator."""
    collaboration, seen = _find(call, params)
    entity, action = call.world.change_requests[seen["id"]], params["action"]
    mine = collaboration["creatorAccountId"] == call.account
    if action in ("CANCEL", "COMMIT") and not mine:
        raise denied(f"Only the creator of the collaboration may {action.lower()} a change request")
    if action in ("APPROVE", "DENY") and call.account not in entity.get("approvals", {}):
        raise denied("The account is not asked about this change request")
    if entity["status"] not in ALLOWED_FROM[action]:
        raise conflict("INVALID_STATE", f"{action} is not possible: the change request is {entity['status']}", "COLLABORATION", collaboration["id"])
    if action in ("APPROVE", "DENY"):
        if entity["approvals"][call.account]["status"] != "PENDING":
            raise conflict("INVALID_STATE", "The account has answered already", "COLLABORATION", collaboration["id"])
        entity["approvals"][call.account] = {"status": "APPROVED" if action == "APPROVE" else "DENIED"}
        _settle(entity)
    elif action == "CANCEL":
        entity["status"] = "CANCELLED"
    else:
        _apply(call, call.world.collaborations[collaboration["id"]], entity)
        entity["status"] = "COMMITTED"
    entity["updateTime"] = call.now
    call.event("Collaboration Change Request Updated", {"changeRequestId": entity["id"], "status": entity["status"]})
    return {"collaborationChangeRequest": _shown(call, entity)}


@operation("GetCollaborationChangeRequest")
def get(call, params):
    """As every member sees it."""
    return {"collaborationChangeRequest": _shown(call, _find(call, params)[1])}


@operation("ListCollaborationChangeRequests")
def list_all(call, params):
    """All, or those of one status."""
    collaboration = visibility.collaboration(call, params["collaborationIdentifier"])
    found = [r for r in oldest_first(call.seen.change_requests.values())
             if r["collaborationId"] == collaboration["id"] and params.get("status") in (None, r["status"])]
    chosen, token = page(found, params, call.settings.page_size_max)
    shown = [_shown(call, r, "CollaborationChangeRequestSummary") for r in chosen]
    return {"collaborationChangeRequestSummaries": shown} | ({"nextToken": token} if token else {})
