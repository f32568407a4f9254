"""Statements that were submitted: run now or later, awaited, cancelled, timed out, and kept for a day.

A statement that takes time runs at its end, so that a cancelled one has done nothing. Must not know what any statement does.
"""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..clock import Clock
from ..errors import Canceled, SqlError, Timeout
from .encode import Result

LOOK_S = 0.02
RUNNING, DONE, FAILED = "RUNNING", "SUCCEEDED", "FAILED"
SERIAL = itertools.count(1)


def new_handle() -> str:
    """A statement handle: unique, and in order of making."""
    text = uuid.uuid4().hex
    return f"01{next(SERIAL):06x}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@dataclass(eq=False)
class Statement:
    """One submitted statement."""

    account: str
    user: str
    text: str
    created_on: float
    ready_at: float
    deadline: float
    timeout_s: float
    handle: str = field(default_factory=new_handle)
    state: str = RUNNING
    result: Result | None = None
    error: SqlError | None = None
    role: str | None = None
    tag: str = ""
    request_id: str | None = None
    nullable: bool = True
    ended: threading.Event = field(default_factory=threading.Event)
    canceled: bool = False
    executed: bool = False


class Statements:
    """All of them, by handle and by request id."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.held: dict[str, Statement] = {}
        self.requests: dict[tuple[str, str, str], Statement] = {}
        self.generation = 0

    def add(self, statement: Statement) -> None:
        """Keeps a statement."""
        with self.lock:
            self.held[statement.handle] = statement
            if statement.request_id:
                self.requests[statement.account, statement.user, statement.request_id] = statement

    def start(self, statement: Statement, run: Callable[[], Result]) -> None:
        """Runs a statement: here when it is due at once, else in a thread that waits for its time."""
        if statement.ready_at <= self.clock.now():
            self._finish(statement, run)
        else:
            threading.Thread(target=self._wait, args=(statement, run, self.generation), daemon=True).start()

    def _wait(self, statement: Statement, run: Callable[[], Result], generation: int) -> None:
        while not statement.canceled and generation == self.generation:
            now = self.clock.now()
            if now >= min(statement.ready_at, statement.deadline):
                break
            statement.ended.wait(LOOK_S)
        if generation == self.generation:
            self._finish(statement, run)
        statement.ended.set()

    def _finish(self, statement: Statement, run: Callable[[], Result]) -> None:
        with self.lock:
            try:
                if statement.canceled:
                    raise Canceled
                if statement.deadline < statement.ready_at:
                    raise Timeout(statement.timeout_s)
                statement.executed = True
                statement.result = run()
                statement.state = DONE
            except SqlError as error:
                statement.error, statement.state = error, FAILED
            finally:
                statement.ended.set()

    def cancel(self, statement: Statement) -> bool:
        """Whether it could still be cancelled."""
        with self.lock:
            if statement.state != RUNNING:
                return False
            statement.canceled = True
            statement.error, statement.state = Canceled(), FAILED
        statement.ended.set()
        return True

    def find(self, handle: str, account: str, user: str, life_s: float) -> Statement | None:
        """A statement of this user that is not too old."""
        found = self.held.get(handle)
        if found is None or (found.account, found.user) != (account, user) or self.clock.now() - found.created_on > life_s:
            return None
        return found

    def earlier(self, account: str, user: str, request_id: str) -> Statement | None:
        """What a request id stands for, unless it failed."""
        found = self.requests.get((account, user, request_id))
        return found if found and found.state != FAILED else None

    def shown(self) -> list[dict[str, Any]]:
        """For the control: every statement in order, and what became of it."""
        return [{"handle": s.handle, "account": s.account, "user": s.user, "role": s.role, "text": s.text, "state": s.state, "executed": s.executed, "request_id": s.request_id,
                 "code": s.error.code if s.error else None, "message": str(s.error) if s.error else None, "query_tag": s.tag, "timeout_s": s.timeout_s, "created_on": s.created_on} for s in self.held.values()]

    def forget(self) -> None:
        """None any more; those that wait never run."""
        with self.lock:
            self.generation += 1
            for statement in self.held.values():
                statement.ended.set()
            self.held.clear()
            self.requests.clear()
