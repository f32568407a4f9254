"""Who may see and do what: a collaboration is there for its invited and active members, a membership for its owner.

Must not know what is done with what was found.
"""

from .errors import denied, not_found

INSIDE = ("INVITED", "ACTIVE")


def member_key(collaboration_id, account):
    """The key of a member's entry."""
    return f"{collaboration_id}/{account}"


def member(view, collaboration_id, account):
    """A member's entry, None when the account never was one."""
    return view.members.get(member_key(collaboration_id, account))


def members_of(view, collaboration_id):
    """Every entry of a collaboration, removed and departed ones too, oldest first."""
    found = [m for m in view.members.values() if m["_collaboration"] == collaboration_id]
    return sorted(found, key=lambda m: m["_serial"])


def holder_of(view, collaboration_id, ability):
    """The accounts that hold an ability and have not gone."""
    return [m["accountId"] for m in members_of(view, collaboration_id) if ability in m["abilities"] and m["status"] in INSIDE]


def collaboration(call, identifier):
    """A collaboration the caller is invited to or active in; 403 for all others, and for one that is not there."""
    found = call.seen.collaborations.get(identifier)
    entry = member(call.seen, identifier, call.account)
    if not found or not entry or entry["status"] not in INSIDE:
        raise denied("You do not have access to the collaboration, or it does not exist")
    return found


def created_collaboration(call, identifier):
    """A collaboration of which the caller is the creator."""
    found = collaboration(call, identifier)
    if found["creatorAccountId"] != call.account:
        raise denied("Only the creator of the collaboration may do this")
    return found


def membership(call, identifier):
    """The caller's own membership; 403 for another account's, 404 for none."""
    found = call.world.memberships.get(identifier)
    if not found or found.get("_left"):
        raise not_found("MEMBERSHIP", identifier, "membership")
    if found["_owner"] != call.account:
        raise denied("The membership belongs to another account")
    return found


def active_membership(call, identifier):
    """The caller's own membership while it is active: nothing is made in one that is not."""
    found = membership(call, identifier)
    if found["status"] != "ACTIVE":
        raise denied(f"The membership is {found['status']}")
    return found


def own(call, entities, identifier, kind, what):
    """An account-owned resource; 403 for another account's, 404 for none."""
    found = entities.get(identifier)
    if not found:
        raise not_found(kind, identifier, what)
    if found["_owner"] != call.account:
        raise denied(f"The {what} belongs to another account")
    return found
