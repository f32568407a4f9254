"""What the service answers when it refuses: a code, an SQL state, a message, and the HTTP status it travels on.

Codes that the reference names are used as they are; the others are guesses, and marked here. Must not know who raises them.
"""


class SqlError(Exception):
    """A statement failed: HTTP 422, or 408 for a timeout."""

    status = 422

    def __init__(self, code: str, state: str, message: str) -> None:
        super().__init__(message)
        self.code, self.state = code, state


class HttpError(Exception):
    """A request failed before any statement was looked at."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Timeout(SqlError):
    """The statement's own time is up."""

    status = 408

    def __init__(self, seconds: float) -> None:
        super().__init__("000630", "57014", f"Statement reached its statement or warehouse timeout of {seconds:g} second(s) and was canceled.")


class Canceled(SqlError):
    """Somebody cancelled it."""

    def __init__(self) -> None:
        super().__init__("000604", "57014", "SQL execution canceled")


def syntax(text: str, line: int = 1, position: int = 0) -> SqlError:
    """What cannot be read. Unknown statements are this too."""
    return SqlError("001003", "42000", f"SQL compilation error:\nsyntax error line {line} at position {position} unexpected '{text[:60]}'.")


def unsupported(what: str) -> SqlError:
    """What Snowflake may know and the twin does not: refused, and never run as something else."""
    return SqlError("000002", "0A000", f"Unsupported feature '{what}'. (TWIN: not part of this stand-in)")


def missing(kind: str, name: str) -> SqlError:
    """Absent and forbidden look the same."""
    return SqlError("002003", "02000" if kind in ("Database", "Schema") else "42S02",
                    f"SQL compilation error:\n{kind} '{name}' does not exist or not authorized.")


def present(kind: str, name: str) -> SqlError:
    """The name is taken."""
    return SqlError("002002", "42710", f"SQL compilation error:\nObject '{name}' already exists.")


def forbidden(kind: str, name: str) -> SqlError:
    """Seen, but not allowed."""
    return SqlError("003001", "42501", f"SQL access control error:\nInsufficient privileges to operate on {kind} '{name}'")


def invalid_identifier(name: str) -> SqlError:
    """No such column."""
    return SqlError("000904", "42000", f"SQL compilation error:\ninvalid identifier '{name}'")


def invalid(message: str, code: str = "001008", state: str = "22023") -> SqlError:
    """A value that cannot be; the code is a guess."""
    return SqlError(code, state, f"SQL compilation error:\n{message}")


# The code of a query that an aggregation or projection policy refuses is a guess; those of join policies are documented.
AGGREGATION = ("506031", "23001")
PROJECTION = ("506032", "23001")
NO_JOIN = ("506037", "23001")
JOIN_KEY = ("506038", "23001")


def violates(kind: tuple[str, str], message: str) -> SqlError:
    """A query that a policy refuses."""
    return SqlError(*kind, f"SQL compilation error:\n{message}")
