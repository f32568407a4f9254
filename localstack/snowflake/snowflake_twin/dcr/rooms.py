"""COLLABORATION procedures of a room's life: INITIALIZE, REVIEW, JOIN, LEAVE, TEARDOWN, GET_STATUS, VIEW_COLLABORATIONS.

Must not know what is linked in a room, nor how it runs.
"""

from __future__ import annotations

from typing import Any

import yaml

from ..catalog.types import LTZ
from ..protocol.encode import Result
from . import specs
from .desk import OVER, Desk, listed, said
from .specs import failed
from .state import Member, Room, Runner, nothing

JOINED = "JOINED"


def members_of(desk: Desk, body: dict[str, Any]) -> dict[str, Member]:
    """The accounts that a spec names."""
    found = {}
    for alias, text in body["collaborator_identifier_aliases"].items():
        account = desk.session.twin.organizations.spelled(text)
        if account is None:
            raise failed(f"account {text} of alias {alias} is unknown")
        found[alias] = Member(alias, account, updated_on=desk.session.now)
    return found


def runners_of(body: dict[str, Any]) -> dict[str, Runner]:
    """What a spec lets its runners use."""
    return {alias: Runner({p: [str(o["id"]) for o in x["data_offerings"]] for p, x in held["data_providers"].items()}, [str(t["id"]) for t in held.get("templates") or []],
                          list((held.get("activation_destinations") or {}).get("snowflake_collaborators") or [])) for alias, held in body["analysis_runners"].items()}


def check_items(desk: Desk, room: Room) -> None:
    """Every offering is registered by its provider, every template by some member."""
    for runner in room.runners.values():
        for alias, offered in runner.providers.items():
            for identity in offered:
                if desk.offering(alias, room, identity) is None:
                    raise failed(f"data offering {identity} is not registered by {alias}")
        for identity in runner.templates:
            desk.template(room, identity)


def initialize(desk: Desk, text: str, warehouse: str | None = None) -> Result:
    """INITIALIZE(yaml [, warehouse]): the room; with a warehouse the owner joins too."""
    desk.need("CREATE COLLABORATION")
    body = specs.load(text, "collaboration").body
    members = members_of(desk, body)
    own = next((a for a, m in members.items() if m.account is desk.session.account), None)
    owner = body.get("owner", own)
    if own is None or owner != own:
        raise failed("the owner is the account that initializes, under its alias")
    if any(r.name.upper() == body["name"].upper() and r.members[r.owner].account is desk.session.account and r.members[r.owner].status not in OVER for r in desk.world.rooms):
        raise failed(f"collaboration {body['name']} exists already")
    room = Room(body["name"], body.get("description", ""), body.get("version"), owner, members, runners_of(body), created_on=desk.session.now, updated_on=desk.session.now)
    check_items(desk, room)
    member = members[owner]
    for other in members.values():
        other.status = "CREATING" if other is member else "UNKNOWN"
    member.role, member.local_name = desk.session.primary(), room.name
    desk.world.rooms.append(room)

    def invite() -> None:
        for other in members.values():
            if other is not member:
                other.status = "INVITED"
    joining = [("INSTALLING", nothing), ("IN_REVIEW", nothing), ("JOINING", nothing), (JOINED, nothing)] if warehouse else []
    desk.walk(member, ("CREATED", invite), *joining)
    return said(f"Collaboration {room.name} is being created.")


def shown(room: Room) -> str:
    """The applied state of a room, as a spec."""
    body: dict[str, Any] = {"api_version": specs.API, "spec_type": "collaboration", "name": room.name}
    if room.version:
        body["version"] = room.version
    if room.description:
        body["description"] = room.description
    body |= {"owner": room.owner, "collaborator_identifier_aliases": {a: m.account.identifier for a, m in room.members.items()}, "analysis_runners": {}}
    for alias, runner in room.runners.items():
        held: dict[str, Any] = {"data_providers": {p: {"data_offerings": [{"id": i} for i in o]} for p, o in runner.providers.items()}, "templates": [{"id": t} for t in runner.templates]}
        if runner.receivers:
            held["activation_destinations"] = {"snowflake_collaborators": list(runner.receivers)}
        body["analysis_runners"][alias] = held
    return yaml.safe_dump(body, sort_keys=False)


def review(desk: Desk, source: str, owner: str, local: str | None = None) -> Result:
    """REVIEW(source name, owner account [, local name]): what one is invited to. It installs."""
    desk.need("REVIEW COLLABORATION")
    account = desk.session.twin.organizations.spelled(owner)
    found = [(r, m) for r in desk.world.rooms for m in r.members.values() if r.name.upper() == source.upper() and r.members[r.owner].account is account and m.account is desk.session.account]
    found = [(r, m) for r, m in found if m.status not in (*OVER, "UNKNOWN")]
    if not found:
        raise failed(f"there is no collaboration {source[:80]} of {owner[:80]} to review")
    room, member = found[-1]
    if member.alias == room.owner:
        raise failed("the owner does not review")
    if member.status in ("INVITED", "INSTALLATION_FAILED"):
        member.role, member.local_name = desk.session.primary(), local or room.name
        if any(m is not member and m.account is member.account and m.status not in (*OVER, "INVITED", "UNKNOWN") and (m.local_name or "").upper() == member.local_name.upper() for r in desk.world.rooms for m in r.members.values()):
            member.local_name = None
            raise failed("the local name is taken")
        desk.walk(member, ("INSTALLING", nothing), ("IN_REVIEW", nothing))
    return listed(["COLLABORATION_NAME", "COLLABORATION_SPEC"], [(member.local_name, shown(room))])


def join(desk: Desk, name: str) -> Result:
    """JOIN(name): after REVIEW, in the same role; the owner from CREATED."""
    desk.need("JOIN COLLABORATION")
    room, member = desk.mine(name)
    if member.status == JOINED:
        raise failed(f"collaboration {name[:80]} is joined already")
    first = "CREATED" if member.alias == room.owner else "IN_REVIEW"
    again = ("JOIN_FAILED", "INSTALLATION_FAILED") if member.alias == room.owner else ("JOIN_FAILED",)
    if member.status not in (first, *again):
        raise failed(f"collaboration {name[:80]} is in state {member.status} here; {first} is needed")
    if member.role != desk.session.role:
        raise failed("JOIN is called in the role that reviewed")
    if member.account.edition == "STANDARD" and "DATA_PROVIDER" in room.roles(member.alias):
        raise failed("data providers need Enterprise Edition")
    away = [("REPLICATING", nothing)] if member.account.region != room.members[room.owner].account.region else []
    before = [("INSTALLING", nothing), ("IN_REVIEW", nothing)] if first == "CREATED" else []
    desk.walk(member, *before, ("JOINING", nothing), *away, (JOINED, nothing))
    return said(f"Joining {room.name}.")


def leave(desk: Desk, name: str) -> Result:
    """LEAVE(name), twice: again once the state is LOCAL_DROP_PENDING. It is final."""
    room, member = desk.mine(name)
    if member.alias == room.owner:
        raise failed("the owner tears down; it does not leave")
    return _out(desk, room, member, "LEAVING", "LEFT")


def teardown(desk: Desk, name: str) -> Result:
    """TEARDOWN(name), twice, by the joined owner."""
    room, member = desk.mine(name)
    if member.alias != room.owner:
        raise failed("only the owner tears down")
    return _out(desk, room, member, "DROPPING", "DROPPED")


def _out(desk: Desk, room: Room, member: Member, going: str, gone: str) -> Result:
    def end() -> None:
        for runner in room.runners.values():
            runner.providers.pop(member.alias, None)
        room.runners.pop(member.alias, None)
    if member.status == JOINED or member.status in ("LEAVE_FAILED", "DROP_FAILED"):
        member.status = going
        desk.walk(member, ("LOCAL_DROP_PENDING", end))
        return said("Call again when the state is LOCAL_DROP_PENDING.")
    if member.status == "LOCAL_DROP_PENDING":
        desk.walk(member, (gone, nothing))
        return said("Leaving is complete.")
    raise failed(f"the state is {member.status}; {JOINED} or LOCAL_DROP_PENDING is needed")


def get_status(desk: Desk, name: str) -> Result:
    """GET_STATUS(name)."""
    room, _ = desk.mine(name)
    rows = [(m.updated_on, m.account.identifier, m.alias, ", ".join(room.roles(m.alias)), m.status if m.status != "UNKNOWN" else "INVITED", m.details, m.account.region) for m in room.members.values()]
    return listed(["UPDATED_ON", "COLLABORATOR_ACCOUNT", "COLLABORATOR_NAME", "ROLES", "STATUS", "DETAILS", "REGION"], [*rows], {"UPDATED_ON": LTZ})


def view_collaborations(desk: Desk) -> Result:
    """VIEW_COLLABORATIONS(): those of this account; the local name is NULL until it is installed."""
    rows = []
    for room in desk.world.rooms:
        for member in room.members.values():
            if member.account is desk.session.account and member.status not in (*OVER, "UNKNOWN"):
                local = member.local_name if member.status not in ("INVITED", "CREATING", "CREATED") else None
                rows.append((room.name, local, room.members[room.owner].account.identifier, room.updated_on, shown(room)))
    return listed(["SOURCE_NAME", "COLLABORATION_NAME", "OWNER_ACCOUNT", "UPDATED_ON", "COLLABORATION_SPEC"], [*rows], {"UPDATED_ON": LTZ})
