"""The control API under /_twin/: accounts, users, tokens, tables for tests, clock, switches, faults, statements and the log.

It is no part of the service and needs no token. Must not know any statement.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote

from . import wire
from .catalog.objects import Account
from .errors import HttpError, SqlError
from .faults import KINDS
from .loading import load
from .protocol import auth, encode
from .protocol.auth import Caller, Token
from .protocol.statements import new_handle
from .twin import Twin
from .wire import Reply, Request

PREFIX = "/_twin/"
Words = list[str]
Body = dict[str, Any]
Query = dict[str, list[str]]


class Control:
    """The routes by method and first word."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin
        self.routes: dict[tuple[str, str], Callable[[Words, Body, Query], Any]] = {
            ("GET", "health"): self.health, ("POST", "reset"): self.reset, ("GET", "accounts"): self.accounts, ("PUT", "accounts"): self.put_account, ("PUT", "users"): self.put_user,
            ("PUT", "tokens"): self.put_token, ("DELETE", "tokens"): self.drop_token, ("PUT", "tables"): self.put_table, ("POST", "sql"): self.sql, ("GET", "clock"): self.clock,
            ("POST", "clock"): self.move_clock, ("GET", "settings"): self.settings, ("POST", "settings"): self.change_settings, ("GET", "faults"): self.faults,
            ("POST", "faults"): self.add_faults, ("DELETE", "faults"): self.clear_faults, ("GET", "statements"): self.statements, ("GET", "log"): self.log, ("DELETE", "log"): self.clear_log,
        }

    def handle(self, request: Request) -> Reply:
        """A reply; what cannot be understood is a 400 that says why."""
        words = [unquote(w) for w in request.path[len(PREFIX):].strip("/").split("/")]
        route = self.routes.get((request.method, words[0]))
        if not route:
            known = ", ".join(sorted(f"{m} {PREFIX}{w}" for m, w in self.routes))
            return wire.plain(404, {"error": f"no such route; there are {known}"})
        try:
            body = json.loads(request.body) if request.body.strip() else {}
            return wire.plain(200, route(words[1:], body, parse_qs(request.query)))
        except SqlError as error:
            return wire.plain(422, {"error": str(error), "code": error.code, "sqlState": error.state})
        except (ValueError, TypeError, KeyError, AttributeError, HttpError, OSError) as error:
            return wire.plain(400, {"error": f"{type(error).__name__}: {error}"})

    def _account(self, text: str) -> Account:
        found = self.twin.organizations.spelled(text)
        if found is None:
            raise ValueError(f"no account {text}; there are {', '.join(a.identifier for a in self.twin.organizations.accounts.values())}")
        return found

    def health(self, *_: Any) -> Any:
        """That it lives, and what can be wished for."""
        return {"accounts": [a.identifier for a in self.twin.organizations.accounts.values()], "faults": KINDS, "s3_endpoint": self.twin.storage.endpoint}

    def reset(self, *_: Any) -> Any:
        """As new."""
        self.twin.reset()
        return {}

    def accounts(self, *_: Any) -> Any:
        """Every account with what identifies it."""
        return {"accounts": [{"identifier": a.identifier, "host": f"{a.organization}-{a.name}", "locator": a.locator, "region": a.region, "edition": a.edition, "users": sorted(a.users)}
                             for a in self.twin.organizations.accounts.values()]}

    def put_account(self, words: Words, body: Body, _: Query) -> Any:
        """PUT accounts/{ORG.ACCOUNT} {"region"?, "edition"?}."""
        organization, name = words[0].upper().split(".")
        found = self.twin.organizations.named(organization, name) or self.twin.organizations.add(organization, name, self.twin.clock.now())
        found.region, found.edition = body.get("region", found.region), body.get("edition", found.edition)
        return {"identifier": found.identifier, "locator": found.locator, "region": found.region, "edition": found.edition}

    def put_user(self, words: Words, body: Body, _: Query) -> Any:
        """PUT users/{ORG.ACCOUNT}/{USER} {"public_key"?, "public_key_2"?, "roles"?, "secondary_roles"?, "disabled"?}. A key of null takes it away."""
        if unknown := set(body) - {"public_key", "public_key_2", "roles", "secondary_roles", "disabled"}:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        user = self.twin.organizations.add_user(self._account(words[0]), words[1], self.twin.clock.now(), *body.get("roles", ()))
        for place, name in enumerate(("public_key", "public_key_2")):
            if name in body:
                user.keys[place] = auth.public_key(body[name]) if body[name] else None
        user.secondary_roles = body.get("secondary_roles", user.secondary_roles)
        user.disabled = body.get("disabled", user.disabled)
        return {"fingerprints": [auth.fingerprint(k) if k is not None else None for k in user.keys], "default_role": user.default_role}

    def put_token(self, words: Words, body: Body, _: Query) -> Any:
        """PUT tokens/{token} {"account", "user", "kind"?: OAUTH or PROGRAMMATIC_ACCESS_TOKEN, "expires_in_s"?, "role"?}."""
        kind = body.get("kind", "OAUTH")
        if kind not in auth.TYPES[1:]:
            raise ValueError(f"kind is one of {', '.join(auth.TYPES[1:])}")
        self.twin.tokens[words[0]] = Token(self._account(body["account"]).identifier, body["user"].upper(), kind, self.twin.clock.now() + body.get("expires_in_s", 600), body.get("role"))
        return {}

    def drop_token(self, words: Words, *_: Any) -> Any:
        """DELETE tokens/{token}."""
        self.twin.tokens.pop(words[0])
        return {}

    def put_table(self, words: Words, body: Body, _: Query) -> Any:
        """PUT tables/{ORG.ACCOUNT}/{database}/{schema}/{table}: see `loading`."""
        with self.twin.lock:
            return load(self.twin, self._account(words[0]), words[1:], body)

    def sql(self, _: Words, body: Body, __: Query) -> Any:
        """POST sql {"account", "user"?, "role"?, "statements", "database"?, "schema"?}: runs without a token; stops at the first that fails."""
        account = self._account(body["account"])
        caller = Caller(account, account.users[body.get("user", "GATEWAY").upper()])
        session = self.twin.session(caller, {k: body[k] for k in ("role", "database", "schema") if k in body}, {}, new_handle())
        session.multiple = True
        results = []
        for text in body["statements"]:
            result = self.twin.execute(session, text)
            results.append({"columns": [n for n, _ in result.columns], "rows": encode.partitions(result, max(len(result.rows), 1), nullable=True)[0]})
        return {"results": results}

    def clock(self, *_: Any) -> Any:
        """The time."""
        return {"now": self.twin.clock.now(), "mode": "manual" if self.twin.clock.manual else "real"}

    def move_clock(self, _: Words, body: Body, __: Query) -> Any:
        """POST clock {"mode"?: manual or real, "advance_s"?}."""
        if body.get("mode") == "manual":
            self.twin.clock.stand_still()
        elif body.get("mode") == "real":
            self.twin.clock.run()
        elif "mode" in body:
            raise ValueError("mode is manual or real")
        self.twin.clock.advance(body.get("advance_s", 0))
        return self.clock()

    def settings(self, *_: Any) -> Any:
        """Every switch."""
        return self.twin.settings.shown()

    def change_settings(self, _: Words, body: Body, __: Query) -> Any:
        """Switches by name."""
        self.twin.settings.change(body)
        return self.twin.settings.shown()

    def faults(self, *_: Any) -> Any:
        """Those that still wait."""
        return {"faults": self.twin.faults.shown()}

    def add_faults(self, _: Words, body: Body, __: Query) -> Any:
        """POST faults {"faults": [{"kind", …}]}."""
        self.twin.faults.add(body["faults"])
        return self.faults()

    def clear_faults(self, *_: Any) -> Any:
        """None any more."""
        self.twin.faults.clear()
        return {}

    def statements(self, _: Words, __: Body, query: Query) -> Any:
        """Statements that were submitted, oldest first, and what became of them; ?match= (a pattern), ?account=, ?state= narrow it."""
        import re

        found = [s for s in self.twin.statements.shown() if all(s[k] in query[k] for k in ("account", "user", "state") if k in query)]
        if "match" in query:
            found = [s for s in found if re.search(query["match"][0], s["text"], re.IGNORECASE | re.DOTALL)]
        return {"statements": found, "count": len(found)}

    def log(self, *_: Any) -> Any:
        """Requests and replies, oldest first."""
        with self.twin.lock:
            return {"log": list(self.twin.log)}

    def clear_log(self, *_: Any) -> Any:
        """An empty log."""
        with self.twin.lock:
            self.twin.log.clear()
        return {}
