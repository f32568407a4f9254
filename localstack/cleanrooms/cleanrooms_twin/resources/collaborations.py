"""Collaborations: made by one account, seen by those it names. Must not know memberships' own fields."""

from .. import visibility
from ..errors import invalid, misconfigured
from ..operations import oldest_first, operation
from ..paging import page
from . import members

KEPT = ("name", "description", "queryLogStatus", "jobLogStatus", "dataEncryptionMetadata", "allowedResultRegions", "isMetricsEnabled")


def shown(call, entity, shape="Collaboration"):
    """A collaboration as the caller sees it: status and membership are the caller's."""
    entry = visibility.member(call.seen, entity["id"], call.account) or visibility.member(call.world, entity["id"], call.account)
    return call.project(shape, entity | {"memberStatus": entry["status"], "membershipId": entry.get("membershipId"), "membershipArn": entry.get("membershipArn")})


def engine(params):
    """Spark is the only engine a new collaboration can have."""
    if params.get("analyticsEngine") == "CLEAN_ROOMS_SQL":
        raise misconfigured("The analytics engine CLEAN_ROOMS_SQL takes no collaborations any more: use SPARK")
    return "SPARK"


@operation("CreateCollaboration")
def create(call, params):
    """The creator is a member too; everybody, the creator included, is INVITED until CreateMembership."""
    creator = {"accountId": call.account, "memberAbilities": params["creatorMemberAbilities"], "displayName": params["creatorDisplayName"],
               "mlMemberAbilities": params.get("creatorMLMemberAbilities"), "paymentConfiguration": params.get("creatorPaymentConfiguration")}
    everybody = [creator] + params["members"]
    members.check(everybody)
    call.twin.quotas.check("members invited per collaboration", len(params["members"]))
    made = [c for c in call.world.collaborations.values() if c["_owner"] == call.account]
    call.twin.quotas.check("collaborations created per account", len(made) + 1)
    entity = call.new(**{k: params.get(k) for k in KEPT}, analyticsEngine=engine(params), creatorAccountId=call.account,
                      creatorDisplayName=params["creatorDisplayName"], autoApprovedChangeTypes=params.get("autoApprovedChangeRequestTypes", []))
    entity["arn"] = call.arn(f"collaboration/{entity['id']}")
    entity["_serial"] = call.twin.next_serial()
    call.world.collaborations[entity["id"]] = entity
    for member in everybody:
        members.invite(call, entity["id"], member)
    call.tag(entity["arn"], params.get("tags"))
    call.event("Collaboration Created", {"collaborationId": entity["id"]})
    return {"collaboration": shown(call, entity)}


@operation("GetCollaboration")
def get(call, params):
    """As any invited or active member sees it."""
    return {"collaboration": shown(call, visibility.collaboration(call, params["collaborationIdentifier"]))}


@operation("ListCollaborations")
def list_all(call, params):
    """Those the caller is invited to or active in."""
    wanted = [params["memberStatus"]] if "memberStatus" in params else visibility.INSIDE
    mine = []
    for entity in oldest_first(call.seen.collaborations.values()):
        entry = visibility.member(call.seen, entity["id"], call.account)
        if entry and entry["status"] in wanted:
            mine.append(entity)
    chosen, token = page(mine, params, call.settings.page_size_max)
    return {"collaborationList": [shown(call, e, "CollaborationSummary") for e in chosen]} | ({"nextToken": token} if token else {})


@operation("UpdateCollaboration")
def update(call, params):
    """Name, description and engine; by the creator."""
    entity = visibility.created_collaboration(call, params["collaborationIdentifier"])
    given = {k: params[k] for k in ("name", "description") if k in params}
    if "analyticsEngine" in params:
        given["analyticsEngine"] = engine(params)
    if not given:
        raise invalid("name", "nothing to update is given")
    entity |= given | {"updateTime": call.now}
    call.event("Collaboration Updated", {"collaborationId": entity["id"]})
    return {"collaboration": shown(call, entity)}


@operation("DeleteCollaboration")
def delete(call, params):
    """By the creator. Memberships stay, readable, as COLLABORATION_DELETED."""
    entity = visibility.created_collaboration(call, params["collaborationIdentifier"])
    for membership in call.world.memberships.values():
        if membership["collaborationId"] == entity["id"] and membership["status"] == "ACTIVE":
            membership |= {"status": "COLLABORATION_DELETED", "updateTime": call.now}
            call.event("Membership Updated", {"membershipId": membership["id"], "status": "COLLABORATION_DELETED"})
    del call.world.collaborations[entity["id"]]
    call.world.tags.pop(entity["arn"], None)
