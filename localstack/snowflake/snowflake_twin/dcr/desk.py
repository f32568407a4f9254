"""What every procedure needs: the caller, its privileges, its rooms, and the answers' form. Must not know any procedure."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..catalog.session import Session
from ..catalog.types import TEXT, Type
from ..faults import Where
from ..protocol.encode import Result, table
from .specs import failed
from .state import Member, Registered, Room, World

ALL_POWERFUL = ("ACCOUNTADMIN", "SAMOOHA_APP_ROLE")
OVER = ("LEFT", "DROPPED")


@dataclass
class Desk:
    """One call."""

    session: Session

    @property
    def world(self) -> World:
        """Every collaboration there is."""
        return self.session.twin.collaborations

    @property
    def me(self) -> str:
        """The caller's account."""
        return self.session.account.identifier

    @property
    def step_s(self) -> float:
        """How long an asynchronous step takes."""
        return self.session.twin.settings.dcr_step_s

    def settle(self) -> None:
        """Does what is due."""
        def fails(member: Member) -> bool:
            return self.session.twin.faults.take("dcr_step", Where(account=member.account.identifier)) is not None
        self.world.settle(self.session.now, fails)

    # Privileges

    def may(self, privilege: str, what: str = "ACCOUNT") -> bool:
        """Whether the role has a privilege on the account or on one room."""
        roles = self.session.active()
        return any(r in roles for r in ALL_POWERFUL) or any((self.me, r, privilege, what) in self.world.privileges for r in roles)

    def need(self, privilege: str, what: str = "ACCOUNT") -> None:
        """Refuses without it."""
        if not self.may(privilege, what):
            raise failed(f"insufficient privileges: {privilege} is not granted to the role")

    # Rooms

    def mine(self, name: str, *statuses: str) -> tuple[Room, Member]:
        """A room by its local name, or its own, that this account is a member of; in one of these states."""
        for room in reversed(self.world.rooms):
            for member in room.members.values():
                if member.account is self.session.account and name.upper() in ((member.local_name or room.name).upper(), room.name.upper() if member.local_name is None else ""):
                    if statuses and member.status not in statuses:
                        raise failed(f"collaboration {name[:80]} is in state {member.status} here; {' or '.join(statuses)} is needed")
                    if member.role and member.role not in self.session.active() and not self.may("READ", room.name.upper()) and not self.may("UPDATE", room.name.upper()):
                        raise failed(f"the role has no part in collaboration {name[:80]}")
                    return room, member
        raise failed(f"collaboration {name[:80]} does not exist or is not authorized")

    def registered(self, kind: str, identity: str) -> Registered:
        """A spec of this account's registry."""
        found = self.world.registered.get((self.me, kind, identity.upper()))
        if found is None:
            raise failed(f"{kind} {identity[:120]} is not registered in this account")
        return found

    def offering(self, alias: str, room: Room, identity: str) -> Registered | None:
        """A member's offering."""
        return self.world.registered.get((room.members[alias].account.identifier, "data_offering", identity.upper()))

    def template(self, room: Room, identity: str) -> Registered:
        """A template that some member registered."""
        for member in room.members.values():
            if found := self.world.registered.get((member.account.identifier, "template", identity.upper())):
                return found
        raise failed(f"template {identity[:120]} is not registered by any collaborator")

    # Time

    def walk(self, member: Member, *steps: tuple[str, Callable[[], None]]) -> None:
        """Puts steps one after another, from now on."""
        if member.steps:
            raise failed(f"another operation is in progress: {member.status}")
        at = self.session.now
        for status, effect in steps:
            at += self.step_s
            member.steps.append((at, status, effect))
        self.settle()

    def later(self, room: Room, act: Callable[[], None]) -> None:
        """Does something to a room one step from now."""
        room.pending.append((self.session.now + self.step_s, act))
        self.settle()


def said(text: str) -> Result:
    """A procedure's answer of one text."""
    return Result([("RESPONSE", TEXT)], [(text,)])


def listed(names: list[str], rows: list[tuple[Any, ...]], types: dict[str, Type] | None = None) -> Result:
    """A procedure's answer of rows."""
    return table(names, rows, types)


def fresh(word: str) -> str:
    """An id."""
    return f"{word}_{uuid.uuid4().hex[:12]}"
