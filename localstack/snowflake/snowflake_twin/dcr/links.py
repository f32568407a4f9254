"""COLLABORATION procedures about what a room holds: offerings linked and unlinked, templates asked for and removed, edits, approvals.

Must not know how runs go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

from ..catalog.types import LTZ
from ..protocol.encode import Result
from . import specs
from .desk import Desk, fresh, listed, said
from .registry import columns
from .rooms import JOINED, check_items, members_of, runners_of
from .specs import failed
from .state import Asked, Member, Room

OPEN = ("REQUESTED", "APPROVED")


def _runners(room: Room, aliases: list[str]) -> list[str]:
    if not aliases or not all(isinstance(a, str) for a in aliases):
        raise failed("at least one analysis runner is named")
    if unknown := [a for a in aliases if a not in room.runners]:
        raise failed(f"{unknown[0][:80]} is no analysis runner of the collaboration")
    return aliases


def link(desk: Desk, name: str, identity: str, aliases: list[str]) -> Result:
    """LINK_DATA_OFFERING(name, id, [runners]): by its provider, in the role that joined; all or nothing."""
    room, member = _provider(desk, name)
    found = desk.registered("data_offering", identity)
    for alias in _runners(room, aliases):
        if member.alias not in room.runners[alias].providers:
            raise failed(f"{member.alias} is no data provider of {alias}")
        if found.identity in room.runners[alias].providers[member.alias]:
            raise failed(f"{found.identity} is shared with {alias} already")

    def act() -> None:
        for alias in aliases:
            if alias in room.runners and found.identity not in room.runners[alias].providers.get(member.alias, [found.identity]):
                room.runners[alias].providers[member.alias].append(found.identity)
    desk.later(room, act)
    return said(f"Linking {found.identity}.")


def unlink(desk: Desk, name: str, identity: str, aliases: list[str]) -> Result:
    """UNLINK_DATA_OFFERING(name, id, [runners]): by its provider, alone."""
    room, member = _provider(desk, name)
    held = [a for a in _runners(room, aliases) if identity.upper() in [i.upper() for i in room.runners[a].providers.get(member.alias, [])]]
    if len(held) != len(aliases):
        raise failed(f"{identity[:120]} is not shared with all of them")

    def act() -> None:
        for alias in aliases:
            if alias in room.runners and member.alias in room.runners[alias].providers:
                room.runners[alias].providers[member.alias] = [i for i in room.runners[alias].providers[member.alias] if i.upper() != identity.upper()]
    desk.later(room, act)
    return said(f"Unlinking {identity}.")


def _provider(desk: Desk, name: str) -> tuple[Room, Member]:
    room, member = desk.mine(name, JOINED)
    if "DATA_PROVIDER" not in room.roles(member.alias):
        raise failed(f"{member.alias} is no data provider of the collaboration")
    return room, member


# Requests


def _ask(desk: Desk, room: Room, sender: Member, kind: str, details: dict[str, Any], approvers: set[str], apply: Callable[[], None]) -> Result:
    """A request; its sender approves itself, and those who said so beforehand too."""
    asked = Asked(fresh("REQ"), kind, sender.alias, details, sorted(approvers), apply, created_on=desk.session.now)
    room.requests[asked.identity] = asked
    asked.approved = {a for a in asked.approvers if a == sender.alias or kind == "ADD_TEMPLATE" and room.members[a].automatic}
    _decide(desk, asked)
    return said(asked.identity)


def _decide(desk: Desk, asked: Asked) -> None:
    if asked.status == "REQUESTED" and set(asked.approvers) <= asked.approved:
        asked.status, asked.due = "APPROVED", desk.session.now + desk.step_s
    desk.settle()


def add_template(desk: Desk, name: str, identity: str, aliases: list[str]) -> Result:
    """ADD_TEMPLATE_REQUEST(name, id, [runners]): approved by each of them and every data provider of theirs."""
    room, member = desk.mine(name, JOINED)
    found = desk.registered("template", identity)
    approvers = {member.alias}
    for alias in _runners(room, aliases):
        if found.identity in room.runners[alias].templates:
            raise failed(f"{found.identity} is listed for {alias} already")
        approvers |= {alias, *room.runners[alias].providers}

    def apply() -> None:
        for alias in aliases:
            if alias in room.runners and found.identity not in room.runners[alias].templates:
                room.runners[alias].templates.append(found.identity)
    return _ask(desk, room, member, "ADD_TEMPLATE", {"template": found.identity, "analysis_runners": aliases}, approvers, apply)


def remove_template(desk: Desk, name: str, identity: str, aliases: list[str]) -> Result:
    """REMOVE_TEMPLATE(name, id, [runners]): by the party that registered it, and nobody else; without approval."""
    room, member = desk.mine(name, JOINED)
    if desk.template(room, identity).account is not member.account:
        raise failed("only the collaborator that registered a template can remove it")
    if [a for a in _runners(room, aliases) if identity.upper() not in [t.upper() for t in room.runners[a].templates]]:
        raise failed(f"{identity[:120]} is not listed for all of them")

    def act() -> None:
        for alias in aliases:
            if alias in room.runners:
                room.runners[alias].templates = [t for t in room.runners[alias].templates if t.upper() != identity.upper()]
    desk.later(room, act)
    return said(f"Removing {identity}.")


def edit(desk: Desk, name: str, text: str) -> Result:
    """EDIT(name, whole target spec): by the owner, approved by all others that have joined; all or nothing."""
    room, member = desk.mine(name, JOINED)
    if member.alias != room.owner:
        raise failed("only the owner edits")
    body = specs.load(text, "collaboration").body
    members, runners = members_of(desk, body), runners_of(body)
    if (body["name"], body.get("description", ""), body.get("owner", room.owner)) != (room.name, room.description, room.owner) or room.owner not in members:
        raise failed("name, description and owner cannot be changed")
    for alias in members.keys() & room.members.keys():
        if members[alias].account is not room.members[alias].account:
            raise failed("an alias stays with its account")
    for alias in runners.keys() & room.runners.keys():
        if sorted(runners[alias].receivers) != sorted(room.runners[alias].receivers):
            raise failed("activation_destinations cannot be changed")
    check_items(desk, Room(room.name, "", None, room.owner, {**members}, runners))
    if any(a.kind == "EDIT" and a.status in OPEN for a in room.requests.values()):
        raise failed("another edit is open")
    gone = set(room.members) - set(members)
    voters = {a for a, m in room.members.items() if m.status == JOINED}
    if not desk.session.twin.settings.dcr_removed_approves:
        voters -= gone

    def apply() -> None:
        for alias in gone:
            room.members.pop(alias)
        for alias, new in members.items():
            room.members.setdefault(alias, new).updated_on = desk.session.now
        room.runners = runners
    return _ask(desk, room, member, "EDIT", {"removed": sorted(gone), "added": sorted(set(members) - set(room.members)), "operations": [{"kind": "EDIT", "status": "PENDING"}]}, voters | {member.alias}, apply)


def view_requests(desk: Desk, name: str) -> Result:
    """VIEW_UPDATE_REQUESTS(name), as this member sees them."""
    room, member = desk.mine(name)

    def status(asked: Asked) -> str:
        if asked.status != "REQUESTED":
            return asked.status
        return "PENDING_MY_APPROVAL" if member.alias in asked.approvers and member.alias not in asked.approved else "PENDING_PARTNER_APPROVAL"
    rows = [(a.identity, a.kind, a.sender, status(a), a.details, a.reason or None, ", ".join(a.approvers), ", ".join(sorted(a.approved)), a.created_on) for a in room.requests.values()]
    shown = [(i, k, s, t, yaml.safe_dump(d, default_flow_style=True).strip(), *rest) for i, k, s, t, d, *rest in rows]
    return listed(["REQUEST_ID", "REQUEST_TYPE", "REQUESTED_BY", "STATUS", "DETAILS", "REASON", "APPROVERS", "APPROVED_BY", "CREATED_ON"], [*shown], {"CREATED_ON": LTZ})


def decide(desk: Desk, name: str, identity: str, reason: str | None = None) -> Result:
    """APPROVE_UPDATE_REQUEST(name, id); with a reason, REJECT_UPDATE_REQUEST(name, id, reason). Neither can be taken back."""
    room, member = desk.mine(name, JOINED)
    asked = room.requests.get(identity)
    if asked is None or member.alias not in asked.approvers:
        raise failed(f"there is no request {identity[:60]} for {member.alias} to decide")
    if asked.status != "REQUESTED" or member.alias in asked.approved:
        raise failed(f"request {identity[:60]} is decided: {asked.status}")
    if reason is not None:
        asked.status, asked.reason = "REJECTED", reason
        return said("rejected")
    asked.approved.add(member.alias)
    _decide(desk, asked)
    return said("approved")


def configure(desk: Desk, name: str, key: str, value: str) -> Result:
    """SET_CONFIGURATION(name, 'TEMPLATE_AUTO_APPROVAL', 'true' | 'false'): of this member, for requests to come."""
    room, member = desk.mine(name, JOINED)
    if key.upper() != "TEMPLATE_AUTO_APPROVAL" or value.lower() not in ("true", "false"):
        raise failed("TEMPLATE_AUTO_APPROVAL is true or false; there is no other configuration")

    def act() -> None:
        member.automatic = value.lower() == "true"
    desk.later(room, act)
    return said("set")


def configuration(desk: Desk, name: str) -> Result:
    """GET_CONFIGURATION(name)."""
    room, member = desk.mine(name)
    return listed(["NAME", "VALUE", "STATUS"], [("TEMPLATE_AUTO_APPROVAL", "true" if member.automatic else "false", "PENDING" if room.pending else "ACTIVE")])


# Views


def view_templates(desk: Desk, name: str) -> Result:
    """VIEW_TEMPLATES(name): body and parameters are seen by all."""
    room, _ = desk.mine(name, JOINED)
    rows = []
    for identity in sorted({t for r in room.runners.values() for t in r.templates}):
        found = desk.template(room, identity)
        by = next(a for a, m in room.members.items() if m.account is found.account)
        rows.append((identity, found.spec.text, by, ", ".join(a for a, r in room.runners.items() if identity in r.templates)))
    return listed(["TEMPLATE_ID", "TEMPLATE_SPEC", "SHARED_BY", "SHARED_WITH"], [*rows])


def view_offerings(desk: Desk, name: str) -> Result:
    """VIEW_DATA_OFFERINGS(name): a row for each dataset that this member offers or may use."""
    room, member = desk.mine(name, JOINED)
    rows = []
    for provider in room.members:
        for identity in sorted({i for r in room.runners.values() for i in r.providers.get(provider, [])}):
            found = desk.offering(provider, room, identity)
            with_ = [a for a, r in room.runners.items() if identity in r.providers.get(provider, [])]
            if found is None or member.alias not in (provider, *with_):
                continue
            for dataset in found.spec.body["datasets"]:
                held = list(zip(columns(dataset), dataset["schema_and_template_policies"].values(), strict=True))
                joins = [e for (_, e), h in held if h["category"].startswith("join")]
                others = [e for (_, e), h in held if not h["category"].startswith("join")]
                free = f"{provider}.{identity}.{dataset['alias']}_freeform" if dataset["allowed_analyses"] != "template_only" else None
                rows.append((f"{provider}.{identity}.{dataset['alias']}", ", ".join(joins), ", ".join(others), ", ".join(e for (_, e), h in held if h.get("activation_allowed")), free, None, provider, ", ".join(with_), identity))
    return listed(["TEMPLATE_VIEW_NAME", "TEMPLATE_JOIN_COLUMNS", "ANALYSIS_ALLOWED_COLUMNS", "ACTIVATION_ALLOWED_COLUMNS", "FREEFORM_SQL_VIEW_NAME", "FREEFORM_SQL_COLUMN_POLICIES", "SHARED_BY", "SHARED_WITH",
                   "DATA_OFFERING_ID"], [*rows])


