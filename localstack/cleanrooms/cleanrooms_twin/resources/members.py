"""Members: an entry per account in a collaboration, with its abilities, payments and status. Not a resource of its own.

Must not know how a collaboration is stored.
"""

from .. import visibility
from ..errors import conflict, invalid, misconfigured, not_found
from ..operations import operation
from ..paging import page

PAYMENTS = (("queryCompute",), ("jobCompute",), ("machineLearning", "modelTraining"), ("machineLearning", "modelInference"),
            ("machineLearning", "syntheticDataGeneration"))


def responsible(configuration, path):
    """Whether a payment configuration says that its member pays for something."""
    for step in path:
        configuration = (configuration or {}).get(step)
    return bool((configuration or {}).get("isResponsible"))


def check(everybody):
    """What the members of a new collaboration must be together."""
    accounts = [m["accountId"] for m in everybody]
    if len(set(accounts)) != len(accounts):
        raise invalid("members", "an account appears twice, or is the creator")
    for index, member in enumerate(everybody):
        if len(set(member["memberAbilities"])) != len(member["memberAbilities"]):
            raise invalid(f"members[{index}].memberAbilities", "an ability appears twice")
    runners = [m["accountId"] for m in everybody if "CAN_QUERY" in m["memberAbilities"]]
    jobs = [m["accountId"] for m in everybody if "CAN_RUN_JOB" in m["memberAbilities"]]
    if len(runners) > 1:
        raise misconfigured("Only one member can have the ability CAN_QUERY")
    if jobs and jobs != runners:
        raise misconfigured("CAN_RUN_JOB goes with CAN_QUERY, to the same one member")


def pays(everybody_says, member):
    """The payment configuration as kept: where nobody is named to pay for queries, the one who runs them pays."""
    configuration = dict(member.get("paymentConfiguration") or {})
    configuration.setdefault("queryCompute", {"isResponsible": not everybody_says and "CAN_QUERY" in member["memberAbilities"]})
    return configuration


def invite(call, collaboration_id, member):
    """A new entry, INVITED."""
    entry = {
        "accountId": member["accountId"], "status": "INVITED", "displayName": member["displayName"], "abilities": list(member["memberAbilities"]),
        "createTime": call.now, "updateTime": call.now, "_owner": call.account, "_collaboration": collaboration_id, "_serial": call.twin.next_serial(),
        "_payment_given": member.get("paymentConfiguration"), "id": visibility.member_key(collaboration_id, member["accountId"]),
    }
    if member.get("mlMemberAbilities"):
        entry["mlAbilities"] = member["mlMemberAbilities"]
    call.world.members[entry["id"]] = entry
    settle_payments(call.world, collaboration_id)
    return entry


def settle_payments(world, collaboration_id):
    """Who pays, over all members: the one who runs queries unless somebody else is named."""
    entries = visibility.members_of(world, collaboration_id)
    named = any(responsible(e["_payment_given"], ("queryCompute",)) for e in entries if e["status"] in visibility.INSIDE)
    for entry in entries:
        entry["paymentConfiguration"] = pays(named, {"paymentConfiguration": entry["_payment_given"], "memberAbilities": entry["abilities"]})
        # Named by nobody, the runner pays even when its own configuration left that open.
        if not named and "CAN_QUERY" in entry["abilities"]:
            entry["paymentConfiguration"]["queryCompute"] = {"isResponsible": True}


def remove(call, collaboration_id, entry):
    """REMOVED: the entry stays in the list, the membership stays readable, the tables leave the collaboration."""
    entry |= {"status": "REMOVED", "updateTime": call.now}
    held = call.world.memberships.get(entry.get("membershipId"))
    if held and held["status"] == "ACTIVE":
        held |= {"status": "REMOVED", "updateTime": call.now}
        call.event("Membership Updated", {"membershipId": held["id"], "collaborationId": collaboration_id, "status": "REMOVED"})


@operation("ListMembers")
def list_all(call, params):
    """Every entry, those who left or were removed too."""
    found = visibility.collaboration(call, params["collaborationIdentifier"])
    chosen, token = page(visibility.members_of(call.seen, found["id"]), params, call.settings.page_size_max)
    return {"memberSummaries": [call.project("MemberSummary", m) for m in chosen]} | ({"nextToken": token} if token else {})


@operation("DeleteMember")
def delete(call, params):
    """By the creator, never of the creator; no change request is needed."""
    found = visibility.created_collaboration(call, params["collaborationIdentifier"])
    if params["accountId"] == call.account:
        raise conflict("INVALID_STATE", "The creator cannot be removed from the collaboration", "COLLABORATION", found["id"])
    entry = visibility.member(call.world, found["id"], params["accountId"])
    if not entry or entry["status"] not in visibility.INSIDE:
        raise not_found("MEMBERSHIP", params["accountId"], "member")
    remove(call, found["id"], entry)
