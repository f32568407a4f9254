"""The rest-json wire: an HTTP request becomes an operation with its parameters, a result or an error becomes a reply.

Must not know any behaviour.
"""

import json
import uuid
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from .errors import HarnessError, ValidationException

SECRET_HEADERS = frozenset({"authorization", "cookie", "x-amz-security-token"})


@dataclass
class Request:
    """What came in. The path is raw: percent-encoded ARNs ride in it as one label."""

    method: str
    path: str
    query: str
    headers: dict
    body: bytes


@dataclass
class Reply:
    """What goes out. `cut` asks the server to close the connection without an answer."""

    status: int
    body: bytes = b""
    headers: dict = field(default_factory=dict)
    cut: bool = False


def as_received(request):
    """A request as it came, for the log: raw path, query and body; headers without what proves who signed."""
    headers = {k.lower(): v for k, v in request.headers.items() if k.lower() not in SECRET_HEADERS}
    return {"method": request.method, "path": request.path, "query": request.query, "headers": headers, "body": _text(request.body)}


def as_sent(reply):
    """A reply as it goes out, for the log; None when the connection is cut instead."""
    return None if reply.cut else {"status": reply.status, "headers": {k.lower(): v for k, v in reply.headers.items()}, "body": _text(reply.body)}


def _text(body):
    return body.decode("utf-8", "backslashreplace")


def _querystring(api, kind, values):
    """A query parameter by its shape; text that is no number stays text, so that validation names it."""
    shape = api.shape(kind)
    if shape["type"] == "list":
        return values
    if shape["type"] == "integer":
        try:
            return int(values[0])
        except ValueError:
            return values[0]
    return values[0]


def parameters(api, operation, labels, request):
    """The operation's parameters from path, query and body."""
    members = api.shape(operation.input)["members"]
    found = dict(labels)
    query = parse_qs(request.query, keep_blank_values=True)
    for name, member in members.items():
        if member.get("location") == "querystring" and member["locationName"] in query:
            found[name] = _querystring(api, member["shape"], query[member["locationName"]])
    in_body = [n for n, m in members.items() if "location" not in m]
    if request.body.strip():
        try:
            body = json.loads(request.body)
        except ValueError as error:
            raise ValidationException(f"the body is no JSON: {error}", reason="FIELD_VALIDATION_FAILED") from error
        if not isinstance(body, dict):
            raise ValidationException("the body is no JSON object", reason="FIELD_VALIDATION_FAILED")
        # A label or query parameter repeated in the body would be ignored by the service; here it is an unknown member.
        found |= {k if k in in_body else f"body.{k}": v for k, v in body.items()}
    return {k: v for k, v in found.items() if v is not None}


def _headers():
    return {"Content-Type": "application/json", "x-amzn-RequestId": str(uuid.uuid4())}


def success(operation, result):
    """A result; deletes answer 204 without a body."""
    if operation.status == 204:
        return Reply(204, b"", {"x-amzn-RequestId": str(uuid.uuid4())})
    return Reply(operation.status, json.dumps(result).encode(), _headers())


def failure(api, error):
    """An error: its name in the header, its fields in the body."""
    if isinstance(error, HarnessError):
        body = {"message": f"TWIN: {error}", "harness": True}
        return Reply(error.status, json.dumps(body).encode(), _headers() | {"x-amzn-ErrorType": error.code})
    return Reply(api.error_status(error.code), json.dumps(error.body).encode(), _headers() | {"x-amzn-ErrorType": error.code})


def plain(status, document):
    """An answer of the control API."""
    return Reply(status, json.dumps(document).encode(), {"Content-Type": "application/json"})
