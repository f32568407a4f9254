"""The stand-alone server: plain HTTP on a loopback port. Must not know the service."""

from __future__ import annotations

import socket
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from . import wire
from .control import PREFIX, Control
from .twin import Twin
from .wire import Reply, Request

BODY_MAX = 64 * 1024 * 1024
IDLE_S = 60


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "snowflake-twin"
    timeout = IDLE_S
    disable_nagle_algorithm = True
    server: Server

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > BODY_MAX or self.headers.get("Transfer-Encoding"):
            self._send(Reply(413))
            self.close_connection = True
            return
        path, _, query = self.path.partition("?")
        request = Request(self.command, path, query, {k.lower(): v for k, v in self.headers.items()}, self.rfile.read(length))
        try:
            reply = self.server.control.handle(request) if path.startswith(PREFIX) else self.server.twin.handle(request)
        except Exception as error:  # a broken handler must show as the twin's fault, never as the service's answer
            sys.excepthook(*sys.exc_info())
            reply = wire.plain(500, {"code": "TWIN", "message": f"TWIN: {type(error).__name__}: {error}", "harness": True})
        if reply.delay_s:
            time.sleep(reply.delay_s)
        if reply.cut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if reply.truncate:
            self.wfile.write(reply.body[:len(reply.body) // 2])
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.wfile.write(reply.body)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815  the names are http.server's

    def log_message(self, *_: object) -> None:
        """Quiet: the control API has the log."""


class Server(ThreadingHTTPServer):
    """A twin behind a port."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, s3_endpoint: str | None = None, seed_keys: list[Any] | None = None) -> None:
        self.twin = Twin(s3_endpoint, seed_keys)
        self.control = Control(self.twin)
        super().__init__(("127.0.0.1", port), Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)
