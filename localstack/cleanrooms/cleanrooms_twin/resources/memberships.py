"""Memberships: an account's own acceptance of a collaboration. Must not know what lies inside one."""

from .. import visibility
from ..errors import conflict, denied, invalid, misconfigured
from ..operations import oldest_first, operation
from ..paging import page
from .members import PAYMENTS, responsible

KEPT = ("queryLogStatus", "jobLogStatus", "defaultResultConfiguration", "defaultJobResultConfiguration", "isMetricsEnabled")
INSIDE_OF = ("associations", "templates", "budget_templates")
CREATOR_STAYS = "Cannot delete membership for the creator of the collaboration while their membership is still ACTIVE"


def shown(call, entity, shape="Membership"):
    """A membership with what the collaboration says of its member."""
    entry = visibility.member(call.world, entity["collaborationId"], call.account)
    found = call.world.collaborations.get(entity["collaborationId"])
    now = {"collaborationName": found["name"]} if found else {}
    return call.project(shape, entity | now | {"memberAbilities": entry["abilities"], "mlMemberAbilities": entry.get("mlAbilities")})


def accept_payments(entry, given):
    """A membership accepts exactly the payments its member was assigned. The runner's own queries need no word."""
    assigned = entry["paymentConfiguration"]
    if given is None:
        given = {"queryCompute": {"isResponsible": "CAN_QUERY" in entry["abilities"] and responsible(assigned, ("queryCompute",))}}
    for path in PAYMENTS:
        if responsible(assigned, path) != responsible(given, path):
            raise misconfigured(f"paymentConfiguration.{'.'.join(path)}.isResponsible differs from what the collaboration assigns to this member")
    return given


def check_results(configuration, account):
    """A default for results names the role that writes them, of the same account."""
    role = (configuration or {}).get("roleArn")
    if role and role.split(":")[4] != account:
        raise invalid("defaultResultConfiguration.roleArn", "is a role of another account")


@operation("CreateMembership")
def create(call, params):
    """An invited account joins; one that left or was removed never does."""
    found = visibility.collaboration(call, params["collaborationIdentifier"])
    entry = visibility.member(call.world, found["id"], call.account)
    if entry["status"] == "ACTIVE":
        raise conflict("ALREADY_EXISTS", "The account has a membership in this collaboration", "MEMBERSHIP", entry["membershipId"])
    if entry["status"] != "INVITED" or found["id"] not in call.world.collaborations:
        raise denied()
    mine = [m for m in call.world.memberships.values() if m["_owner"] == call.account and m["status"] == "ACTIVE"]
    call.twin.quotas.check("memberships per account", len(mine) + 1)
    check_results(params.get("defaultResultConfiguration"), call.account)
    payments = accept_payments(entry, params.get("paymentConfiguration"))
    entity = call.new(**{k: params.get(k) for k in KEPT}, status="ACTIVE", paymentConfiguration=payments, collaborationId=found["id"],
                      collaborationArn=found["arn"], collaborationCreatorAccountId=found["creatorAccountId"],
                      collaborationCreatorDisplayName=found["creatorDisplayName"], collaborationName=found["name"])
    entity["arn"] = call.arn(f"membership/{entity['id']}")
    entity["_serial"] = call.twin.next_serial()
    call.world.memberships[entity["id"]] = entity
    entry |= {"status": "ACTIVE", "membershipId": entity["id"], "membershipArn": entity["arn"], "updateTime": call.now, "_owner": call.account}
    call.tag(entity["arn"], params.get("tags"))
    call.event("Membership Created", {"membershipId": entity["id"], "collaborationId": found["id"]})
    return {"membership": shown(call, entity)}


@operation("GetMembership")
def get(call, params):
    """The owner's own."""
    return {"membership": shown(call, visibility.membership(call, params["membershipIdentifier"]))}


@operation("ListMemberships")
def list_all(call, params):
    """The caller's own, whatever became of them, but for those it left."""
    mine = [m for m in oldest_first(call.world.memberships.values())
            if m["_owner"] == call.account and not m.get("_left") and params.get("status") in (None, m["status"])]
    chosen, token = page(mine, params, call.settings.page_size_max)
    return {"membershipSummaries": [shown(call, m, "MembershipSummary") for m in chosen]} | ({"nextToken": token} if token else {})


@operation("UpdateMembership")
def update(call, params):
    """Log switches, defaults for results, payments."""
    entity = visibility.membership(call, params["membershipIdentifier"])
    if entity["status"] != "ACTIVE":
        raise conflict("INVALID_STATE", f"The membership is {entity['status']}", "MEMBERSHIP", entity["id"])
    given = {k: params[k] for k in KEPT if k in params}
    check_results(given.get("defaultResultConfiguration"), call.account)
    if "membershipPaymentConfiguration" in params:
        entry = visibility.member(call.world, entity["collaborationId"], call.account)
        given["paymentConfiguration"] = accept_payments(entry, entity["paymentConfiguration"] | params["membershipPaymentConfiguration"])
    entity |= given | {"updateTime": call.now}
    call.event("Membership Updated", {"membershipId": entity["id"], "status": entity["status"]})
    return {"membership": shown(call, entity)}


@operation("DeleteMembership")
def delete(call, params):
    """Leaving is final. The creator stays while the collaboration is there; nothing may be left inside."""
    entity = visibility.membership(call, params["membershipIdentifier"])
    if entity["status"] == "ACTIVE" and entity["collaborationCreatorAccountId"] == call.account:
        raise conflict("INVALID_STATE", CREATOR_STAYS, "MEMBERSHIP", entity["id"])
    for name in INSIDE_OF:
        if any(e.get("membershipId") == entity["id"] for e in getattr(call.world, name).values()):
            raise conflict("SUBRESOURCES_EXIST", f"The membership still has {name.replace('_', ' ')}", "MEMBERSHIP", entity["id"])
    entry = visibility.member(call.world, entity["collaborationId"], call.account)
    if entry["status"] == "ACTIVE":
        entry |= {"status": "LEFT", "updateTime": call.now}
    entity["_left"] = True
    call.world.tags.pop(entity["arn"], None)
    call.event("Membership Deleted", {"membershipId": entity["id"], "collaborationId": entity["collaborationId"]})
