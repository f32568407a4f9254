"""Faults that a test asks for: which requests fail, how, and how often. Must not know the operations' meaning.

A fault fits a request by operation and account (either may be left out) and is used up after `times` requests.
"""

import threading
from dataclasses import asdict, dataclass

KINDS = {
    "throttle": "ThrottlingException",
    "error_before": "InternalServerException",
    "error_after": "InternalServerException",
    "cut_before": None,
    "cut_after": None,
    "lose_event": None,
    "batch_error": None,
    "query_timeout": None,
    "query_failure": None,
}


@dataclass
class Fault:
    """One wish."""

    kind: str
    operation: str | None = None
    account: str | None = None
    times: int = 1
    skip: int = 0
    code: str = "TRANSIENT_ERROR"


class Faults:
    """The wishes that are still open."""

    def __init__(self):
        self._lock = threading.Lock()
        self._open = []

    def add(self, wishes):
        """Adds wishes, all or none."""
        made = []
        for wish in wishes:
            try:
                fault = Fault(**wish)
            except TypeError as error:
                raise ValueError(f"a fault is {{kind, operation?, account?, times?, skip?, code?}}: {error}") from error
            if fault.kind not in KINDS:
                raise ValueError(f"no fault {fault.kind}; there are {', '.join(KINDS)}")
            made.append(fault)
        with self._lock:
            self._open += made

    def take(self, kind, operation, account, modelled=None):
        """The first open wish that fits, used once; None when there is none. An error the operation does not model never fits."""
        if modelled is not None and KINDS[kind] and KINDS[kind] not in modelled:
            return None
        with self._lock:
            for fault in self._open:
                if fault.kind == kind and fault.operation in (None, operation) and fault.account in (None, account):
                    if fault.skip:
                        fault.skip -= 1
                        return None
                    fault.times -= 1
                    if fault.times <= 0:
                        self._open.remove(fault)
                    return fault
        return None

    def shown(self):
        """The open wishes."""
        with self._lock:
            return [asdict(f) for f in self._open]

    def clear(self):
        """None any more."""
        with self._lock:
            self._open.clear()
