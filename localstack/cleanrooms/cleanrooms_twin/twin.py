"""The twin: takes a request, finds caller and operation, applies faults, validates, runs the handler, checks the answer.

Must not know which server carries it, nor what any operation means.
"""

import threading
import time
from collections import deque

from . import model, validation, wire
from .accounts import Accounts
from .catalogue import Catalogue
from .clock import Clock
from .errors import HarnessError, InternalServerException, ServiceError, ThrottlingException, ValidationException
from .execution.runs import Runs
from .execution.storage import Storage
from .faults import Faults
from .operations import HANDLERS, Call
from .quotas import Quotas
from .resources import everything  # noqa: F401  registers the handlers
from .settings import Settings
from .state import Worlds

LOG_MAX = 20_000
EVENTS_MAX = 20_000
READS = ("GET",)


class Twin:
    """One process, many accounts, every Region."""

    def __init__(self, s3_endpoint=None, accounts=Accounts):
        self.make_accounts = accounts
        self.api = model.load()
        self.clock, self.settings, self.quotas = Clock(), Settings(), Quotas()
        self.accounts, self.faults, self.worlds = accounts(), Faults(), Worlds()
        self.catalogue = Catalogue()
        self.storage = Storage(s3_endpoint)
        self.lock = threading.RLock()
        self.runs = Runs(self)
        self.log, self.events, self.buckets = deque(maxlen=LOG_MAX), deque(maxlen=EVENTS_MAX), {}
        self.serial = self.logged = 0

    def handle(self, request):
        """A request of the service's own API in, a reply out."""
        record = {"method": request.method, "path": request.path, "operation": None, "account": None, "request": None, "response": None, "raw": wire.as_received(request)}
        started_at = time.monotonic()
        try:
            reply = self._answer(request, record)
        except (ServiceError, HarnessError) as error:
            reply = self._refuse(error, record)
        record.pop("_errors", None)
        record |= {"status": None if reply.cut else reply.status, "time": self.clock.now(), "took_ms": round(1000 * (time.monotonic() - started_at), 1)}
        record["raw"]["answer"] = wire.as_sent(reply)
        with self.lock:
            self.log.append(record)
            self.logged += 1
        return reply

    def _answer(self, request, record):
        routed = self.api.route(request.method, request.path)
        if not routed:
            raise HarnessError("UnknownOperationException", f"no operation has the route {request.method} {request.path}", 404)
        operation, labels = routed
        record |= {"operation": operation.name, "_errors": operation.errors}
        caller = self.accounts.caller(request.headers)
        record |= {"account": caller.account, "region": caller.region}
        if self.faults.take("cut_before", operation.name, caller.account):
            return wire.Reply(0, cut=True)
        self._throttle(operation, caller)
        if self.faults.take("error_before", operation.name, caller.account, operation.errors):
            raise InternalServerException("an injected fault, before any effect")
        params = wire.parameters(self.api, operation, labels, request)
        record["request"] = params
        breaches = validation.breaches(self.api, operation.input, params)
        if breaches:
            fields = [{"name": n, "message": m} for n, m in breaches]
            raise ValidationException(f"{len(fields)} field(s) are not valid: " + "; ".join(f"{n} {m}" for n, m in breaches),
                                      reason="FIELD_VALIDATION_FAILED", fieldList=fields)
        handler = HANDLERS.get(operation.name)
        if not handler:
            raise HarnessError("NotImplementedByTwin", f"{operation.name} is not implemented by the twin")
        result = self._run(operation, handler, caller, params)
        if self.faults.take("error_after", operation.name, caller.account, operation.errors):
            raise InternalServerException("an injected fault, after the effect")
        if self.faults.take("cut_after", operation.name, caller.account):
            return wire.Reply(0, cut=True)
        record["response"] = result
        return wire.success(operation, result)

    def _run(self, operation, handler, caller, params):
        """The handler under the lock; what it changed is remembered, what it answers is checked."""
        with self.lock:
            now = self.clock.now()
            world = self.worlds[caller.region]
            seen = world.seen_by(caller.account, now, self.settings.propagation_delay_s)
            call = Call(operation.name, caller.account, caller.region, world, seen, now, self)
            result = handler(call, params) or {}
            if self.settings.propagation_delay_s and operation.method not in READS:
                world.remember(now)
            self._publish(call)
        wrong = validation.breaches(self.api, operation.output, result)
        if wrong:
            raise HarnessError("TwinResponseInvalid", f"the answer of {operation.name} breaks the service model: "
                               + "; ".join(f"{n} {m}" for n, m in wrong), 500)
        return result

    def _throttle(self, operation, caller):
        """429 by wish, or by a bucket of tokens per account and operation."""
        if self.faults.take("throttle", operation.name, caller.account, operation.errors):
            raise ThrottlingException("Rate exceeded")
        rate = self.settings.throttle_per_s
        if not rate or "ThrottlingException" not in operation.errors:
            return
        key, now = (caller.account, operation.name), self.clock.now()
        with self.lock:
            tokens, at = self.buckets.get(key, (rate, now))
            tokens = min(rate, tokens + (now - at) * rate)
            self.buckets[key] = (max(tokens - 1, 0) if tokens >= 1 else tokens, now)
        if tokens < 1:
            raise ThrottlingException("Rate exceeded")

    def _publish(self, call):
        for event in call.events:
            if not self.faults.take("lose_event", None, call.account):
                self.events.append(event)

    def _refuse(self, error, record):
        """An error as a reply. An error that the operation does not model is a fault of the twin, and loud."""
        if isinstance(error, ServiceError) and error.code not in record["_errors"]:
            error = HarnessError("TwinErrorNotModelled", f"{record['operation']} does not model {error.code}: {error}", 500)
        record["error"] = {"code": error.code, "message": str(error)} | ({"body": error.body} if isinstance(error, ServiceError) else {})
        return wire.failure(self.api, error)

    def delay_propagation(self, seconds):
        """Sets the delay; the present becomes what others see until then."""
        with self.lock:
            self.settings.propagation_delay_s = seconds
            for world in self.worlds.all():
                world.forget()
                if seconds:
                    world.remember(self.clock.now() - seconds)

    def forget_log(self):
        """An empty log, that has lost nothing."""
        with self.lock:
            self.log.clear()
            self.logged = 0

    def next_serial(self):
        """Orders entities made at the same time."""
        self.serial += 1
        return self.serial

    def reset(self):
        """As new: no entities, tables, faults or log; defaults everywhere."""
        with self.lock:
            self.runs.abandon()
            self.clock, self.settings, self.quotas = Clock(), Settings(), Quotas()
            self.accounts, self.worlds, self.catalogue = self.make_accounts(), Worlds(), Catalogue()
            self.faults.clear()
            self.forget_log()
            self.events.clear()
            self.buckets.clear()
