"""Identifiers: unquoted ones are upper case, quoted ones are as they stand. Must not know any object."""

import re

from ..errors import SqlError

NAME_MAX = 255
PLAIN = re.compile(r"[A-Z_][A-Z0-9_$]*")


def folded(text: str, quoted: bool) -> str:
    """The name that an identifier means."""
    name = text if quoted else text.upper()
    if not name:
        raise SqlError("001003", "42000", "SQL compilation error:\nzero-length identifiers are not allowed")
    if len(name) > NAME_MAX:
        raise SqlError("000209", "42601", f"SQL compilation error:\nObject name is too long: {len(name)} characters, the maximum is {NAME_MAX}")
    return name


def shown(name: str) -> str:
    """A name as SQL would have to spell it."""
    return name if PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def path(*names: str) -> str:
    """A dotted name."""
    return ".".join(shown(n) for n in names)


def like(pattern: str, name: str) -> bool:
    """SHOW … LIKE: % and _, without regard to case."""
    shape = "".join(".*" if c == "%" else "." if c == "_" else re.escape(c) for c in pattern)
    return re.fullmatch(shape, name, re.IGNORECASE | re.DOTALL) is not None
