"""The control API under /_twin/: tables and roles for tests, clock, switches, faults, events and the log.

It is no part of the service and needs no signature. Must not know any operation.
"""

import json
from urllib.parse import parse_qs, unquote

from . import wire
from .catalogue import Role
from .operations import HANDLERS

PREFIX = "/_twin/"


class Control:
    """The routes by method and first word."""

    def __init__(self, twin, can_cut=True):
        self.twin, self.can_cut = twin, can_cut
        self.routes = {
            ("GET", "health"): self.health, ("POST", "reset"): self.reset, ("PUT", "glue"): self.put_table, ("PUT", "roles"): self.put_role,
            ("PUT", "accounts"): self.put_account, ("GET", "clock"): self.clock, ("POST", "clock"): self.move_clock, ("GET", "settings"): self.settings,
            ("POST", "settings"): self.change_settings, ("POST", "quotas"): self.change_quotas, ("GET", "faults"): self.faults,
            ("POST", "faults"): self.add_faults, ("DELETE", "faults"): self.clear_faults, ("GET", "events"): self.events, ("GET", "log"): self.log,
            ("DELETE", "log"): self.clear_log, ("DELETE", "glue"): self.drop_table,
        }

    def handle(self, request):
        """A reply; what cannot be understood is a 400 that says why."""
        words = [unquote(w) for w in request.path[len(PREFIX):].strip("/").split("/")]
        route = self.routes.get((request.method, words[0]))
        if not route:
            known = ", ".join(sorted(f"{m} {PREFIX}{w}" for m, w in self.routes))
            return wire.plain(404, {"error": f"no such route; there are {known}"})
        try:
            body = json.loads(request.body) if request.body.strip() else {}
            return wire.plain(200, route(words[1:], body, parse_qs(request.query)))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            return wire.plain(400, {"error": f"{type(error).__name__}: {error}"})

    def health(self, *_):
        """What is implemented, and by which model."""
        return {"operations": len(self.twin.api.operations), "implemented": sorted(HANDLERS), "s3_endpoint": self.twin.storage.endpoint}

    def reset(self, *_):
        """As new."""
        self.twin.reset()
        return {}

    def put_table(self, words, body, _):
        """PUT glue/{account}/{database}/{table}."""
        account, database, table = words
        self.twin.catalogue.put_table(account, database, table, body)
        return {}

    def drop_table(self, words, *_):
        """DELETE glue/{account}/{database}/{table}."""
        if self.twin.catalogue.tables.pop(tuple(words), None) is None:
            raise ValueError("no such table")
        return {}

    def put_role(self, _, body, __):
        """PUT roles {"arn", "age_s"?, "allows"?}."""
        if unknown := set(body) - {"arn", "age_s", "allows"}:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        self.twin.catalogue.roles[body["arn"]] = Role(self.twin.clock.now() - body.get("age_s", 0), body.get("allows", True))
        return {}

    def put_account(self, words, body, _):
        """PUT accounts/{access key} {"account"}."""
        if not (len(body["account"]) == 12 and body["account"].isdigit()):
            raise ValueError("an account has twelve digits")
        self.twin.accounts.given[words[0]] = body["account"]
        return {}

    def clock(self, *_):
        """The time."""
        return {"now": self.twin.clock.now(), "mode": "manual" if self.twin.clock.manual else "real"}

    def move_clock(self, _, body, __):
        """POST clock {"mode"?: manual or real, "advance_s"?}. What falls due is done when this answers."""
        if body.get("mode") == "manual":
            self.twin.clock.stand_still()
        elif body.get("mode") == "real":
            self.twin.clock.run()
        elif "mode" in body:
            raise ValueError("mode is manual or real")
        self.twin.clock.advance(body.get("advance_s", 0))
        self.twin.runs.settle()
        return self.clock()

    def settings(self, *_):
        """Every switch."""
        return self.twin.settings.shown()

    def change_settings(self, _, body, __):
        """Switches by name."""
        self.twin.settings.change({k: v for k, v in body.items() if k != "propagation_delay_s"})
        if "propagation_delay_s" in body:
            if isinstance(body["propagation_delay_s"], (str, bool)) or body["propagation_delay_s"] < 0:
                raise ValueError("propagation_delay_s is a number of seconds")
            self.twin.delay_propagation(body["propagation_delay_s"])
        return self.twin.settings.shown()

    def change_quotas(self, _, body, __):
        """Quotas by name; `concurrent queries per account` overrides both of the service's figures."""
        for name, value in body.items():
            if name not in self.twin.quotas.values and name != "concurrent queries per account":
                raise ValueError(f"no quota {name}; there are {', '.join(self.twin.quotas.values)}")
            if not isinstance(value, int) or isinstance(value, bool):
                raise ValueError(f"{name} is a number")
        self.twin.quotas.values |= body
        return self.twin.quotas.values

    def faults(self, *_):
        """Those that still wait."""
        return {"faults": self.twin.faults.shown()}

    def add_faults(self, _, body, __):
        """POST faults {"faults": [{"kind", "operation"?, "account"?, "times"?, "skip"?, "code"?}]}."""
        if not self.can_cut and any(f["kind"].startswith("cut") for f in body["faults"]):
            raise ValueError("this server cannot cut connections; the stand-alone server can")
        self.twin.faults.add(body["faults"])
        return self.faults()

    def clear_faults(self, *_):
        """None any more."""
        self.twin.faults.clear()
        return {}

    def events(self, _, __, query):
        """What a watcher of the event bus would have heard, oldest first; ?account= picks one's own."""
        wanted = query.get("account")
        return {"events": [e for e in list(self.twin.events) if not wanted or e["account"] in wanted]}

    def log(self, *_):
        """Requests and what became of them, oldest first, understood and raw; `lost` says how many older ones were dropped."""
        with self.twin.lock:
            return {"log": list(self.twin.log), "lost": self.twin.logged - len(self.twin.log)}

    def clear_log(self, *_):
        """An empty log."""
        self.twin.forget_log()
        return {}
