"""What flows out of a part of a query: which protected references are still in it unaggregated, unjoined, or not to be shown.

Plain records. Must not know trees or policies' texts.
"""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass, field

SERIAL = itertools.count(1)
SECRET = secrets.token_hex(8)


def hidden() -> str:
    """A fresh name that no query can name: a column of it is in no schema that names are resolved against, and nobody can guess it
    to give a column of his own the same name."""
    return f"\x01{SECRET}{next(SERIAL)}"


@dataclass(frozen=True)
class Need:
    """At least so many distinct values of a hidden column in each group. `key` is the visible columns that make up the
    same entity here, None when they are not all to be had; a need by rows has no key ever."""

    column: str
    minimum: int
    key: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Taint:
    """One reference to an aggregation-constrained relation whose rows are still there one by one."""

    name: str
    needs: tuple[Need, ...]


@dataclass(frozen=True)
class JoinNeed:
    """One reference to a join-constrained relation that is not joined yet. `allowed` is its keys by visible name; None: any."""

    name: str
    allowed: frozenset[str] | None


@dataclass(frozen=True)
class Shown:
    """A column that may not be shown: `nullify` shows NULL instead of failing. `counted` says that COUNT is refused too."""

    name: str
    nullify: bool
    counted: bool = False


@dataclass
class Out:
    """What a query or a relation gives to whoever reads it: visible columns, and what flows along with them."""

    columns: list[str]
    taints: list[Taint] = field(default_factory=list)
    joins: list[JoinNeed] = field(default_factory=list)
    shown: dict[str, frozenset[Shown]] = field(default_factory=dict)
    guarded: bool = False  # whether any aggregation-constrained relation is beneath, aggregated or not

    def hidden_columns(self) -> list[str]:
        """The hidden columns that it exposes."""
        return [n.column for t in self.taints for n in t.needs]
