"""Which statement is whose: handlers by their first words, and the dispatch of a text. Must not know any handler.

What no handler's words fit is refused as a syntax error; nothing is handed to the engine unread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..catalog.session import Session
from ..errors import SqlError
from ..protocol.encode import Result
from ..sql.reader import Reader

MODIFIERS = ("SECURE", "TRANSIENT", "TEMPORARY", "TEMP", "RECURSIVE")


@dataclass
class How:
    """What CREATE says before the kind."""

    replace: bool = False
    modifiers: set[str] = field(default_factory=set)


Handler = Callable[[Session, Reader, How], Result]
HANDLERS: dict[tuple[str, ...], Handler] = {}


def command(*starts: str) -> Callable[[Handler], Handler]:
    """Registers a handler for statements that start so; for CREATE, modifiers are left out of the words."""
    def add(handler: Handler) -> Handler:
        for start in starts:
            HANDLERS[tuple(start.split())] = handler
        return handler
    return add


def run(session: Session, text: str) -> Result:
    """One statement."""
    reader, how = Reader(text), How()
    if reader.peek() is None:
        raise SqlError("000900", "42601", "SQL compilation error:\nEmpty SQL statement.")
    if reader.sees("("):
        return HANDLERS["SELECT",](session, reader, how)
    words: tuple[str, ...] = ()
    if reader.take("CREATE"):
        words, how.replace = ("CREATE",), reader.take("OR", "REPLACE")
        while (token := reader.peek()) is not None and token.text.upper() in MODIFIERS and not reader.sees("TEMPORARY", "STAGE"):
            how.modifiers.add(token.text.upper())
            reader.at += 1
    start = reader.at
    for length in range(4, 0, -1):
        for known, handler in HANDLERS.items():
            rest = known[len(words):]
            if known[:len(words)] == words and len(rest) == length and reader.sees(*rest):
                reader.at = start + length
                return handler(session, reader, how)
    if words:
        reader.at = start
    raise reader.fail()
