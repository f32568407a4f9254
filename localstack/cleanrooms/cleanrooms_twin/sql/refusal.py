"""A query that may not run. Must not know when or how the runner is told."""


class Refused(Exception):
    """The error code and message of the failed query."""

    def __init__(self, message, code="MALFORMED_QUERY"):
        super().__init__(message)
        self.code = code


def refuse_unless(holds, message):
    """Stops at what does not hold."""
    if not holds:
        raise Refused(message)
