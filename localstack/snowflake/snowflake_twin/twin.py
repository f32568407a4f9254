"""The twin: accounts, tokens, clock, faults, statements and engine of one process, and what ties a request to them.

Must not know which server carries it, nor what any statement means.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections import deque
from pathlib import Path
from typing import Any

from . import wire
from .catalog.organization import Organizations
from .catalog.session import Session
from .clock import Clock
from .commands import (
    everything,  # noqa: F401  registers the handlers
    registry,
)
from .dcr.state import World
from .errors import HttpError, SqlError
from .faults import Faults
from .protocol.api import Api
from .protocol.auth import Caller, Token
from .protocol.encode import Result
from .protocol.statements import Statements
from .query.engine import Engine
from .settings import Settings
from .storage import Storage
from .wire import Reply, Request

LOG_MAX = 20_000


class Twin:
    """One process, many accounts."""

    def __init__(self, s3_endpoint: str | None = None, seed_keys: list[Any] | None = None) -> None:
        self.seed_keys = seed_keys or []
        self.storage = Storage(s3_endpoint)
        self.faults = Faults()
        self.spool = Path(tempfile.mkdtemp(prefix="snowflake-twin-"))
        self.lock = threading.RLock()
        self.log: deque[dict[str, Any]] = deque(maxlen=LOG_MAX)
        self.clock, self.settings = Clock(), Settings()
        self.statements = Statements(self.clock)
        self.api = Api(self)
        self._fresh()

    def _fresh(self) -> None:
        self.organizations = Organizations(self.clock.now())
        self.tokens: dict[str, Token] = {}
        self.buckets: dict[tuple[str, str], tuple[float, float]] = {}
        self.engine = Engine(self.spool)
        self.collaborations = World()
        for account in self.organizations.accounts.values():
            for user in account.users.values():
                user.keys = [*self.seed_keys, None, None][:2]

    def handle(self, request: Request) -> Reply:
        """A request of the SQL API in, a reply out."""
        record: dict[str, Any] = {"received": wire.as_received(request), "time": self.clock.now()}
        reply = self.api.handle(request, record)
        record |= {"status": None if reply.cut else reply.status, "body": reply.body.decode("utf-8", "backslashreplace") if "Content-Encoding" not in reply.headers else None}
        with self.lock:
            self.log.append(record)
        return reply

    def throttle(self, caller: Caller) -> None:
        """429 by a bucket of tokens per user, when that is switched on."""
        rate = self.settings.throttle_per_s
        if not rate:
            return
        key, now = (caller.account.identifier, caller.user.name), self.clock.now()
        with self.lock:
            tokens, at = self.buckets.get(key, (rate, now))
            tokens = min(rate, tokens + (now - at) * rate)
            self.buckets[key] = (tokens - 1 if tokens >= 1 else tokens, now)
        if tokens < 1:
            raise HttpError(429, "390505", "Too many requests")

    def session(self, caller: Caller, body: dict[str, Any], parameters: dict[str, str], handle: str) -> Session:
        """The session of one request. Context names are case-sensitive, as SHOW prints them."""
        role = body.get("role") or caller.role or caller.user.default_role or "PUBLIC"
        session = Session(self, caller.account, caller.user, role, caller.user.secondary_roles and caller.role is None, body.get("database"), body.get("schema"), body.get("warehouse"), parameters, handle=handle)
        if role not in caller.account.roles or not session.may_use(role) or (caller.role and role != caller.role):
            raise SqlError("390189", "08004", f"Role '{role[:255]}' specified in the connect string does not exist or not authorized. Contact your local system administrator, or attempt to login with another role.")
        if session.database and not session.schema:
            session.schema = "PUBLIC"
        return session

    def execute(self, session: Session, text: str) -> Result:
        """One statement, alone."""
        with self.lock:
            return registry.run(session, text)

    def reset(self) -> None:
        """As new: the seeded accounts, no statements, faults or log; defaults everywhere."""
        self.statements.forget()  # not under the lock, which a running statement takes under that of the statements
        with self.lock:
            self.clock, self.settings = Clock(), Settings()
            self.statements.clock = self.clock
            self.faults.clear()
            self.log.clear()
            self.engine.connection.close()
            self._fresh()

    def close(self) -> None:
        """Its folder goes."""
        shutil.rmtree(self.spool, ignore_errors=True)
