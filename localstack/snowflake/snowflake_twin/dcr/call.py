"""CALL: arguments read, the procedure found. Must not know what any procedure does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..catalog.session import Session
from ..commands.registry import How, command
from ..errors import SqlError, invalid
from ..protocol.encode import Result
from ..sql.lexer import NUMBER, STRING
from ..sql.names import path
from ..sql.reader import Reader
from . import links, registry, rooms, runs
from .desk import Desk

HOME = "SAMOOHA_BY_SNOWFLAKE_LOCAL_DB"
Procedure = Callable[..., Result]
# Name, the procedure, and the least and most arguments it takes.
PROCEDURES: dict[tuple[str, str], tuple[Procedure, int, int]] = {
    ("REGISTRY", "REGISTER_TEMPLATE"): (lambda d, *w: registry.register(d, "TEMPLATE", *w), 1, 2),
    ("REGISTRY", "REGISTER_DATA_OFFERING"): (lambda d, *w: registry.register(d, "DATA_OFFERING", *w), 1, 2),
    ("REGISTRY", "UNREGISTER_TEMPLATE"): (lambda d, i: registry.unregister(d, "TEMPLATE", i), 1, 1),
    ("REGISTRY", "UNREGISTER_DATA_OFFERING"): (lambda d, i: registry.unregister(d, "DATA_OFFERING", i), 1, 1),
    ("REGISTRY", "VIEW_REGISTERED_TEMPLATES"): (lambda d, *_: registry.view(d, "TEMPLATE"), 0, 1),
    ("REGISTRY", "VIEW_REGISTERED_DATA_OFFERINGS"): (lambda d, *_: registry.view(d, "DATA_OFFERING"), 0, 1),
    ("ADMIN", "GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE"): (registry.grant_on_account, 2, 2),
    ("ADMIN", "GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE"): (registry.grant_on_object, 4, 4),
    ("COLLABORATION", "INITIALIZE"): (rooms.initialize, 1, 2),
    ("COLLABORATION", "REVIEW"): (rooms.review, 2, 3),
    ("COLLABORATION", "JOIN"): (rooms.join, 1, 1),
    ("COLLABORATION", "LEAVE"): (rooms.leave, 1, 1),
    ("COLLABORATION", "TEARDOWN"): (rooms.teardown, 1, 1),
    ("COLLABORATION", "GET_STATUS"): (rooms.get_status, 1, 1),
    ("COLLABORATION", "VIEW_COLLABORATIONS"): (rooms.view_collaborations, 0, 0),
    ("COLLABORATION", "EDIT"): (links.edit, 2, 2),
    ("COLLABORATION", "LINK_DATA_OFFERING"): (links.link, 3, 3),
    ("COLLABORATION", "UNLINK_DATA_OFFERING"): (links.unlink, 3, 3),
    ("COLLABORATION", "ADD_TEMPLATE_REQUEST"): (links.add_template, 3, 3),
    ("COLLABORATION", "REMOVE_TEMPLATE"): (links.remove_template, 3, 3),
    ("COLLABORATION", "VIEW_UPDATE_REQUESTS"): (links.view_requests, 1, 1),
    ("COLLABORATION", "APPROVE_UPDATE_REQUEST"): (links.decide, 2, 2),
    ("COLLABORATION", "REJECT_UPDATE_REQUEST"): (links.decide, 3, 3),
    ("COLLABORATION", "SET_CONFIGURATION"): (links.configure, 3, 3),
    ("COLLABORATION", "GET_CONFIGURATION"): (links.configuration, 1, 1),
    ("COLLABORATION", "VIEW_TEMPLATES"): (links.view_templates, 1, 1),
    ("COLLABORATION", "VIEW_DATA_OFFERINGS"): (links.view_offerings, 1, 1),
    ("COLLABORATION", "RUN"): (runs.run, 2, 5),
    ("COLLABORATION", "VIEW_ACTIVATIONS"): (runs.view_activations, 1, 1),
    ("COLLABORATION", "PROCESS_ACTIVATION"): (runs.process, 1, 2),
    ("COLLABORATION", "VIEW_ACTIVITY_HISTORY"): (runs.history, 1, 1),
}
LISTS = ("LINK_DATA_OFFERING", "UNLINK_DATA_OFFERING", "ADD_TEMPLATE_REQUEST", "REMOVE_TEMPLATE")


class Arguments:
    """Arguments of a CALL: literals, lists, objects, bind variables."""

    def __init__(self, reader: Reader, bindings: dict[str, Any]) -> None:
        self.reader, self.bindings, self.serial = reader, bindings, 0

    def one(self) -> Any:
        """One value."""
        reader = self.reader
        if reader.take("["):
            return self._list("]")
        if reader.take("ARRAY_CONSTRUCT", "("):
            return self._list(")")
        if reader.take("OBJECT_CONSTRUCT", "("):
            flat = self._list(")")
            if len(flat) % 2:
                raise reader.fail()
            return dict(zip(flat[::2], flat[1::2], strict=True))
        if reader.take("{"):
            return self._object()
        if reader.take("?"):
            self.serial += 1
            return self._bound(str(self.serial))
        if reader.take(":"):
            return self._bound(str(reader.number()))
        for word, value in (("TRUE", True), ("FALSE", False), ("NULL", None)):
            if reader.take(word):
                return value
        sign = -1 if reader.take("-") else 1
        token = reader.next(NUMBER) if sign < 0 else reader.next(STRING, NUMBER)
        if token.kind == STRING:
            return token.text
        return sign * (float(token.text) if any(c in token.text for c in ".eE") else int(token.text))

    def _bound(self, position: str) -> Any:
        if position not in self.bindings:
            raise SqlError("002049", "42601", f"SQL compilation error:\nBind variable {position} not set.")
        return self.bindings[position]

    def _list(self, end: str) -> list[Any]:
        if self.reader.take(end):
            return []
        found = self.reader.items(self.one)
        self.reader.expect(end)
        return found

    def _object(self) -> dict[str, Any]:
        if self.reader.take("}"):
            return {}

        def pair() -> tuple[str, Any]:
            name = self.reader.string()
            self.reader.expect(":")
            return name, self.one()
        found = dict(self.reader.items(pair))
        self.reader.expect("}")
        return found


@command("CALL")
def call(session: Session, reader: Reader, how: How) -> Result:
    """CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.schema.procedure(arguments)."""
    names = reader.path(3)
    arguments = Arguments(reader, session.bindings)
    given = reader.braced(arguments.one)
    reader.end()
    found = PROCEDURES.get((names[-2], names[-1])) if len(names) == 3 and names[0] == HOME else None
    if found is None:
        raise SqlError("002141", "42601", f"SQL compilation error:\nUnknown user-defined function {path(*names)}")
    procedure, least, most = found
    if not least <= len(given) <= most:
        raise invalid(f"Invalid number of arguments for {names[-1]}: {len(given)}", "001044", "42P13")
    for place, value in enumerate(given):
        listed = names[-1] in LISTS and place == 2 or names[-1] == "RUN" and place in (2, 3) or names[-1] == "PROCESS_ACTIVATION" and place == 1 and isinstance(value, list) \
            or names[-1].startswith("VIEW_REGISTERED")
        wanted: tuple[type, ...] = (list,) if listed else (dict,) if names[-1] == "RUN" and place == 4 else (str,)
        if not isinstance(value, wanted):
            raise invalid(f"Invalid argument types for function '{names[-1]}'", "001044", "42P13")
    desk = Desk(session)
    desk.settle()
    return procedure(desk, *given)
