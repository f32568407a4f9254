"""Requests and replies as the server hands them on. Must not know any route or statement."""

import gzip
import json
from dataclasses import dataclass, field
from typing import Any

SECRET_HEADERS = frozenset({"authorization", "cookie"})


@dataclass
class Request:
    """What came in."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Reply:
    """What goes out. `cut` closes the connection without an answer, `truncate` in the middle of one; `delay_s` keeps it back."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    truncate: bool = False
    delay_s: float = 0.0


def as_received(request: Request) -> dict[str, Any]:
    """A request for the log, without what proves who sent it."""
    headers = {k: v for k, v in request.headers.items() if k not in SECRET_HEADERS}
    return {"method": request.method, "path": request.path, "query": request.query, "headers": headers, "body": request.body.decode("utf-8", "backslashreplace")}


def plain(status: int, document: object, headers: dict[str, str] | None = None, packed: bool = False) -> Reply:
    """JSON, gzip-packed when asked for."""
    body = json.dumps(document, ensure_ascii=False).encode()
    given = {"Content-Type": "application/json"} | (headers or {})
    if packed:
        return Reply(status, gzip.compress(body, mtime=0), given | {"Content-Encoding": "gzip"})
    return Reply(status, body, given)
