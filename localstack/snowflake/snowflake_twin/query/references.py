"""Which tables and views a view's query refers to, all the way down. Must not know policies."""

from __future__ import annotations

from sqlglot import exp

from ..catalog.objects import Item, View
from ..catalog.session import Session
from . import compile as compiling
from .relations import owner_session


def direct(session: Session, view: View) -> list[Item]:
    """The relations that a view's query names, resolved with its owner's rights."""
    holder = owner_session(session, view)
    found: list[Item] = []
    for node in compiling.parse(view.query).find_all(exp.Table):
        if isinstance(node.this, (exp.Identifier, exp.DynamicIdentifier)) and not compiling.is_cte(node):
            names = compiling.names_of(node)
            if len(names) < 2 or names[-2] != "INFORMATION_SCHEMA":
                found.append(holder.find("RELATION", names, "SELECT"))
    return found


def closure(session: Session, view: View) -> list[Item]:
    """Everything below a view, with the policies that are set there."""
    found: list[Item] = []
    open_: list[Item] = direct(session, view)
    while open_:
        item = open_.pop()
        if item in found:
            continue
        found.append(item)
        found += [p for p, _, _ in getattr(item, "policies", list)()]
        if isinstance(item, View):
            open_ += direct(session, item)
    return found
