"""What collaborations are: registered specs, rooms with their members, requests, activations, runs; and steps that fall due.

Must not know procedures or SQL.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..catalog.objects import Account
from .specs import Spec

SERIAL = itertools.count(1)
FAILURES = {"CREATED": "CREATE_FAILED", "INSTALLING": "INSTALLATION_FAILED", "IN_REVIEW": "INSTALLATION_FAILED", "JOINING": "JOIN_FAILED", "REPLICATING": "JOIN_FAILED", "JOINED": "JOIN_FAILED",
            "LOCAL_DROP_PENDING": "LEAVE_FAILED", "LEFT": "LEAVE_FAILED", "DROPPED": "DROP_FAILED"}


def nothing() -> None:
    """A step without an effect."""


@dataclass(eq=False)
class Registered:
    """A spec in an account's registry, and the role that put it there."""

    account: Account
    role: str
    spec: Spec
    created_on: float

    @property
    def identity(self) -> str:
        """{name}_{version}."""
        return self.spec.identity


@dataclass(eq=False)
class Member:
    """One collaborator of a room."""

    alias: str
    account: Account
    status: str = "INVITED"
    role: str = ""
    local_name: str | None = None
    updated_on: float = 0.0
    details: str = ""
    automatic: bool = False
    steps: list[tuple[float, str, Callable[[], None]]] = field(default_factory=list)


@dataclass(eq=False)
class Runner:
    """What an analysis runner may use."""

    providers: dict[str, list[str]] = field(default_factory=dict)
    templates: list[str] = field(default_factory=list)
    receivers: list[str] = field(default_factory=list)


@dataclass(eq=False)
class Asked:
    """A request that others must approve."""

    identity: str
    kind: str
    sender: str
    details: dict[str, Any]
    approvers: list[str]
    apply: Callable[[], None]
    approved: set[str] = field(default_factory=set)
    status: str = "REQUESTED"
    reason: str = ""
    created_on: float = 0.0
    due: float | None = None


@dataclass(eq=False)
class Activation:
    """Rows on their way to a receiver."""

    batch: str
    segment: str
    template: str
    sender: str
    receiver: str
    rows: list[dict[str, Any]]
    at: float
    due: float
    status: str = "PENDING"


@dataclass(eq=False)
class Room:
    """One collaboration. `pending` is what was asked for and is not applied yet."""

    name: str
    description: str
    version: str | None
    owner: str
    members: dict[str, Member]
    runners: dict[str, Runner]
    requests: dict[str, Asked] = field(default_factory=dict)
    activations: list[Activation] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    pending: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    created_on: float = 0.0
    updated_on: float = 0.0

    def roles(self, alias: str) -> list[str]:
        """What a member is."""
        found = ["OWNER"] if alias == self.owner else []
        if any(alias in r.providers for r in self.runners.values()):
            found.append("DATA_PROVIDER")
        return found + (["ANALYSIS_RUNNER"] if alias in self.runners else [])


@dataclass
class World:
    """Everything of the collaboration API in one organisation."""

    registered: dict[tuple[str, str, str], Registered] = field(default_factory=dict)
    rooms: list[Room] = field(default_factory=list)
    privileges: set[tuple[str, str, str, str]] = field(default_factory=set)

    def settle(self, now: float, fails: Callable[[Member], bool]) -> None:
        """Does every step that is due."""
        for room in self.rooms:
            for member in room.members.values():
                while member.steps and member.steps[0][0] <= now:
                    at, status, effect = member.steps.pop(0)
                    if fails(member):
                        member.status, member.details = FAILURES.get(status, "JOIN_FAILED"), "an injected fault"
                        member.steps.clear()
                        break
                    effect()
                    member.status, member.updated_on, room.updated_on = status, at, at
            for asked in room.requests.values():
                if asked.status == "APPROVED" and asked.due is not None and asked.due <= now:
                    asked.apply()
                    asked.status, room.updated_on = "COMPLETED", asked.due
            due = [p for p in room.pending if p[0] <= now]
            room.pending = [p for p in room.pending if p[0] > now]
            for at, act in due:
                act()
                room.updated_on = at
            for activation in room.activations:
                if activation.status == "PENDING" and activation.due <= now:
                    activation.status = "SHARED"
