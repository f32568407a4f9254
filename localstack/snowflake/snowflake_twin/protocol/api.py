"""The SQL API v2: submit, poll, cancel. Must not know what any statement does, nor how it is run."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from .. import wire
from ..catalog.types import TEXT
from ..errors import HttpError, SqlError
from ..faults import Where
from ..sql import lexer
from ..wire import Reply, Request
from . import auth, bindings, encode
from .auth import Caller
from .statements import DONE, FAILED, RUNNING, Statement

if TYPE_CHECKING:
    from ..catalog.session import Session
    from ..twin import Twin

ROUTE = re.compile(r"(?:/accounts/([^/]+))?/api/v2/statements(?:/([^/]+?))?(/cancel)?/?")
TIMEOUT_S_MAX = 604_800.0
TEXT_MAX = 1_000_000
BODY = ("statement", "timeout", "database", "schema", "warehouse", "role", "bindings", "parameters", "resultSetMetaData")
DONE_CODE, RUNNING_CODE = "090001", "333334"
MULTIPLE = "Multiple statements executed successfully."
UNKNOWN = SqlError("000709", "02000", "SQL execution error: Statement not found")


class Api:
    """The routes of /api/v2/statements."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin

    def handle(self, request: Request, record: dict[str, Any]) -> Reply:
        """A reply to a request; refusals are replies too."""
        found = ROUTE.fullmatch(request.path)
        if found is None:
            return self._refusal(HttpError(404, "390404", f"no route {request.path[:80]}"))
        account, handle, cancel = found.groups()
        route = {("POST", False, False): "submit", ("GET", True, False): "poll", ("POST", True, True): "cancel"}.get((request.method, handle is not None, cancel is not None))
        if route is None:
            return self._refusal(HttpError(405, "390405", "Method not allowed"))
        where = Where(route=route)
        record |= {"route": route, "handle": handle}
        try:
            self._check_headers(request, route)
            caller = self._caller(request, account)
            where.account, where.user = caller.account.identifier, caller.user.name
            record |= {"account": where.account, "user": where.user}
            query = {k: v[-1] for k, v in parse_qs(request.query).items()}
            if route == "submit":
                return self._submit(request, caller, query, where, record)
            statement = self._held(handle or "", caller)
            where.text = record["statement"] = statement.text
            return self._faulty(where, lambda: self._cancel(statement) if route == "cancel" else self._poll(statement, query, where))
        except HttpError as error:
            return self._refusal(error)
        except SqlError as error:
            return self._failure(error, handle or "", None)

    # Requests

    @staticmethod
    def _check_headers(request: Request, route: str) -> None:
        headers = request.headers
        if not headers.get("user-agent"):
            raise HttpError(400, "390142", "The User-Agent header is missing")
        accept = headers.get("accept", "*/*")
        if not any(w.split(";")[0].strip() in ("application/json", "application/*", "*/*") for w in accept.split(",")):
            raise HttpError(406, "391902", f"Unsupported Accept header {accept[:60]} is specified.")
        if route == "submit" and headers.get("content-type", "").split(";")[0].strip() != "application/json":
            raise HttpError(415, "391903", "The Content-Type is application/json")

    def _caller(self, request: Request, account: str | None) -> Caller:
        twin = self.twin
        now = twin.clock.now() + twin.settings.clock_skew_s
        found = auth.caller(request.headers, twin.organizations, twin.tokens, now, twin.settings.token_life_s_max)
        wanted = account or self._host(request)
        if wanted and twin.organizations.spelled(wanted) is not found.account:
            raise HttpError(401, "390422" if account is None else "390100", "The token is for another account than the address")
        twin.throttle(found)
        return found

    @staticmethod
    def _host(request: Request) -> str | None:
        host = request.headers.get("host", "").partition(":")[0]
        return host.partition(".")[0] if host.endswith(".snowflakecomputing.com") else None

    def _held(self, handle: str, caller: Caller) -> Statement:
        found = self.twin.statements.find(handle, caller.account.identifier, caller.user.name, self.twin.settings.result_life_s)
        if found is None:
            raise UNKNOWN
        return found

    def _submit(self, request: Request, caller: Caller, query: dict[str, str], where: Where, record: dict[str, Any]) -> Reply:
        body = self._body(request)
        where.text = record["statement"] = body["statement"]
        record["request_id"] = query.get("requestId")

        def act() -> Reply:
            earlier = self._earlier(caller, query)
            record["resubmitted"] = earlier is not None
            statement = earlier or self._begin(caller, body, query)
            record["handle"] = statement.handle
            if query.get("async") == "true" or self.twin.faults.take("force_202", where):
                return self._running(statement)
            statement.ended.wait(self.twin.settings.sync_s_max)
            return self._shown(statement, 0)

        return self._faulty(where, act)

    def _earlier(self, caller: Caller, query: dict[str, str]) -> Statement | None:
        """The statement of a resubmitted request: only with retry=true, and only if it did not fail."""
        if query.get("retry") != "true" or not query.get("requestId"):
            return None
        return self.twin.statements.earlier(caller.account.identifier, caller.user.name, query["requestId"])

    @staticmethod
    def _body(request: Request) -> dict[str, Any]:
        try:
            body = json.loads(request.body)
        except ValueError as error:
            raise HttpError(400, "390142", "The body is no JSON") from error
        if not isinstance(body, dict) or not isinstance(body.get("statement"), str):
            raise HttpError(400, "390142", "The body has no statement")
        if unknown := [k for k in body if k not in BODY]:
            raise HttpError(400, "390142", f"The body has unknown fields: {', '.join(sorted(unknown))[:100]}")
        for name in ("database", "schema", "warehouse", "role"):
            if not isinstance(body.get(name, ""), str):
                raise HttpError(400, "390142", f"{name} is text")
        if len(body["statement"].encode()) > TEXT_MAX:
            raise HttpError(413, "390142", "The statement is too long")
        return body

    def _begin(self, caller: Caller, body: dict[str, Any], query: dict[str, str]) -> Statement:
        """A new statement, started."""
        twin, now = self.twin, self.twin.clock.now()
        timeout = body.get("timeout", 0)
        if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or timeout < 0:
            raise HttpError(400, "390142", "timeout is a number of seconds")
        if not isinstance(body.get("parameters") or {}, dict):
            raise HttpError(400, "390142", "parameters is an object")
        parameters = {str(k).upper(): str(v) for k, v in (body.get("parameters") or {}).items()}
        wanted = parameters.get("STATEMENT_TIMEOUT_IN_SECONDS", "0")
        limit = float(timeout) if "timeout" in body and timeout else float(wanted) if wanted.isdigit() and "timeout" not in body else 0.0
        limit = limit or TIMEOUT_S_MAX
        statement = Statement(caller.account.identifier, caller.user.name, body["statement"], now, now + twin.settings.statement_run_s, now + limit, limit,
                              request_id=query.get("requestId"), tag=parameters.get("QUERY_TAG", ""), nullable=query.get("nullable") != "false")
        session = twin.session(caller, body, parameters, statement.handle)
        statement.role = session.role
        twin.statements.add(statement)
        try:
            session.bindings = bindings.read(body.get("bindings") or {})
            texts = self._texts(body["statement"], parameters, session.bindings)
        except SqlError as error:
            statement.error, statement.state = error, FAILED
            statement.ended.set()
            return statement
        if len(texts) == 1 and parameters.get("MULTI_STATEMENT_COUNT", "1") == "1":
            twin.statements.start(statement, lambda: twin.execute(session, texts[0]))
        else:
            session.multiple = True
            twin.statements.start(statement, lambda: self._several(session, texts, statement))
        return statement

    @staticmethod
    def _texts(text: str, parameters: dict[str, str], bound: dict[str, Any]) -> list[str]:
        """The statements of a request, as many as it says."""
        texts = lexer.split(text)
        wanted = parameters.get("MULTI_STATEMENT_COUNT", "1")
        if not wanted.isdigit():
            raise SqlError("000008", "0A000", "MULTI_STATEMENT_COUNT is a number")
        if not texts:
            raise SqlError("000900", "42601", "SQL compilation error:\nEmpty SQL statement.")
        if int(wanted) not in (0, len(texts)):
            raise SqlError("000008", "0A000", f"Actual statement count {len(texts)} did not match the desired statement count {wanted}.")
        if wanted != "1" and bound:
            raise SqlError("000008", "0A000", "Bind variables are not supported in a request of multiple statements.")
        return texts

    def _several(self, session: Session, texts: list[str], parent: Statement) -> encode.Result:
        """Statements one after another in one session; the first that fails ends it, and what came before stays."""
        result = encode.Result([("multiple statement execution", TEXT)], [(MULTIPLE,)])
        for text in texts:
            now = self.twin.clock.now()
            child = Statement(parent.account, parent.user, text, now, now, now + TIMEOUT_S_MAX, TIMEOUT_S_MAX, role=session.role, tag=parent.tag)
            session.handle = child.handle
            self.twin.statements.add(child)
            result.children.append(child.handle)
            self.twin.statements.start(child, lambda text=text: self._child(session, text))  # type: ignore[misc]
            if child.error:
                raise child.error
        return result

    def _child(self, session: Session, text: str) -> encode.Result:
        fault = self.twin.faults.take("child_error", Where(session.account.identifier, session.user.name, "submit", text))
        if fault:
            raise SqlError(fault.code, fault.state, fault.message)
        return self.twin.execute(session, text)

    # Replies

    def _poll(self, statement: Statement, query: dict[str, str], where: Where) -> Reply:
        if self.twin.faults.take("status_lost", where):
            raise UNKNOWN
        text = query.get("partition", "0")
        if not text.isdigit():
            raise HttpError(400, "391901", "partition is a number")
        if int(text) and self.twin.faults.take("partition_error", where):
            raise HttpError(500, "000603", "an injected fault")
        return self._shown(statement, int(text))

    def _cancel(self, statement: Statement) -> Reply:
        done = self.twin.statements.cancel(statement)
        error = SqlError("000604", "57014", "SQL execution canceled") if done or statement.canceled else SqlError("000605", "02000", "Identified SQL statement is not currently executing.")
        return wire.plain(200 if error.code == "000604" else 422, {
            "code": error.code, "sqlState": error.state, "message": str(error), "statementHandle": statement.handle,
            "statementStatusUrl": self._url(statement)})

    @staticmethod
    def _url(statement: Statement) -> str:
        return f"/api/v2/statements/{statement.handle}"

    def _running(self, statement: Statement) -> Reply:
        return wire.plain(202, {"code": RUNNING_CODE, "message": "Asynchronous execution in progress. Use provided query id to perform query monitoring and management.",
                                "statementHandle": statement.handle, "statementStatusUrl": self._url(statement)})

    def _shown(self, statement: Statement, number: int) -> Reply:
        """What a statement's state is, on the wire."""
        if statement.state == RUNNING:
            return self._running(statement)
        if statement.error is not None:
            return self._failure(statement.error, statement.handle, self._url(statement))
        assert statement.state == DONE and statement.result is not None
        settings, result = self.twin.settings, statement.result
        parts = encode.partitions(result, settings.partition_rows, statement.nullable)
        if number >= len(parts):
            raise HttpError(400, "391901", f"there is no partition {number}")
        links = self._links(statement, number, len(parts))
        if number:
            return wire.plain(200, {"data": parts[number]}, links, packed=settings.partition_gzip)
        document = {"resultSetMetaData": encode.metadata(result, parts, settings.type_case == "upper"), "data": parts[0], "code": DONE_CODE,
                    "statementStatusUrl": self._url(statement), "requestId": statement.request_id or statement.handle, "sqlState": "00000",
                    "statementHandle": statement.handle, "message": "Statement executed successfully.", "createdOn": round(statement.created_on * 1000)}
        if result.children:
            document["statementHandles"] = result.children
        if result.stats:
            document["stats"] = result.stats
        return wire.plain(200, document, links)

    def _links(self, statement: Statement, number: int, count: int) -> dict[str, str]:
        """The Link header."""
        def link(place: int, name: str) -> str:
            return f"<{self._url(statement)}?partition={place}>; rel=\"{name}\""
        found = [link(0, "first"), *([link(number - 1, "prev")] if number else []), *([link(number + 1, "next")] if number + 1 < count else []), link(count - 1, "last")]
        return {"Link": ",".join(found)}

    @staticmethod
    def _failure(error: SqlError, handle: str, url: str | None) -> Reply:
        document = {"code": error.code, "message": str(error), "sqlState": error.state, "statementHandle": handle}
        return wire.plain(error.status, document | ({"statementStatusUrl": url} if url else {}))

    @staticmethod
    def _refusal(error: HttpError) -> Reply:
        return wire.plain(error.status, {"code": error.code, "message": str(error)})

    def _faulty(self, where: Where, act: Any) -> Reply:
        """The reply, with whatever faults are wished for."""
        faults = self.twin.faults
        if faults.take("cut_before", where):
            return Reply(0, cut=True)
        if faults.take("expired", where):
            raise HttpError(401, auth.JWT_INVALID, "JWT token is invalid. [expired, an injected fault]")
        if faults.take("throttle", where):
            raise HttpError(429, "390505", "Too many requests")
        if fault := faults.take("error_before", where):
            raise HttpError(fault.status, "000603", "an injected fault, before any effect")
        if fault := faults.take("statement_error", where):
            raise SqlError(fault.code, fault.state, fault.message)
        reply: Reply = act()
        if fault := faults.take("error_after", where):
            raise HttpError(fault.status, "000603", "an injected fault, after the effect")
        reply.cut = faults.take("cut_after", where) is not None
        reply.truncate = faults.take("truncate", where) is not None
        if faults.take("malformed", where):
            reply = Reply(200, b'{"code": "090001", "data": [[', {"Content-Type": "application/json"})
        if fault := faults.take("delay", where):
            reply.delay_s = fault.delay_s
        return reply

