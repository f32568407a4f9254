"""Faults that a test asks for: which requests fail, how, and how often. Must not know what any statement means.

A fault fits by account, user, route (submit, poll, cancel) and by a pattern over the statement's text; each may be left out.
`skip` lets that many fitting requests pass first, `times` is how many it then hits.
"""

import re
import threading
from dataclasses import asdict, dataclass
from typing import Any

KINDS = {
    "throttle": "429, code 390505, nothing done",
    "error_before": "`status` (500, 502, 503 or 504), nothing done",
    "error_after": "`status`, after the statement ran",
    "cut_before": "the connection closes, nothing done",
    "cut_after": "the connection closes after the statement ran: a lost reply",
    "truncate": "the reply ends in its middle",
    "malformed": "the reply is 200 and no JSON",
    "delay": "the reply is kept back for `delay_s`",
    "expired": "401, code 390144: as if the token had expired",
    "statement_error": "422 with `code`, `state`, `message`; the statement does not run",
    "child_error": "the same for one statement of a request of several: those before it stay, those after it never run",
    "force_202": "a synchronous call answers 202, and the statement goes on",
    "partition_error": "500 for a partition after the first",
    "status_lost": "a poll answers 422, code 000709: the handle is unknown",
    "dcr_step": "an asynchronous step of a collaboration ends in its FAILED state",
    "unload": "COPY INTO a location writes its first file, then fails",
}
ROUTES = ("submit", "poll", "cancel")


@dataclass
class Fault:
    """One wish."""

    kind: str
    account: str | None = None
    user: str | None = None
    route: str | None = None
    match: str | None = None
    times: int = 1
    skip: int = 0
    status: int = 500
    delay_s: float = 1.0
    code: str = "000603"
    state: str = "XX000"
    message: str = "SQL execution internal error (an injected fault)"

    def fits(self, where: "Where") -> bool:
        """Whether the wish is about this request."""
        pairs = ((self.account, where.account), (self.user, where.user), (self.route, where.route))
        if any(wish is not None and wish != fact for wish, fact in pairs):
            return False
        return self.match is None or re.search(self.match, where.text or "", re.IGNORECASE | re.DOTALL) is not None


@dataclass
class Where:
    """What a request is about."""

    account: str | None = None
    user: str | None = None
    route: str | None = None
    text: str | None = None


class Faults:
    """The wishes that are still open."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[Fault] = []

    def add(self, wishes: list[dict[str, Any]]) -> None:
        """Adds wishes, all or none."""
        made = []
        for wish in wishes:
            try:
                fault = Fault(**wish)
                re.compile(fault.match or "")
            except (TypeError, re.error) as error:
                raise ValueError(f"a fault is {{{', '.join(Fault.__dataclass_fields__)}}}: {error}") from error
            if fault.kind not in KINDS:
                raise ValueError(f"no fault {fault.kind}; there are {', '.join(KINDS)}")
            if fault.route not in (None, *ROUTES):
                raise ValueError(f"no route {fault.route}; there are {', '.join(ROUTES)}")
            made.append(fault)
        with self._lock:
            self._open += made

    def take(self, kind: str, where: Where) -> Fault | None:
        """The first open wish that fits, used once; None when there is none."""
        with self._lock:
            for fault in self._open:
                if fault.kind == kind and fault.fits(where):
                    if fault.skip:
                        fault.skip -= 1
                        return None
                    fault.times -= 1
                    if fault.times <= 0:
                        self._open.remove(fault)
                    return fault
        return None

    def shown(self) -> list[dict[str, Any]]:
        """The open wishes."""
        with self._lock:
            return [asdict(f) for f in self._open]

    def clear(self) -> None:
        """None any more."""
        with self._lock:
            self._open.clear()
