"""The stand-alone server: plain HTTP on a loopback port. Must not know the service.

The path is handed on raw, because percent-encoded ARNs are one label of it.
"""

import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .control import PREFIX, Control
from .twin import Twin
from .wire import Reply, Request

BODY_MAX = 8 * 1024 * 1024
IDLE_S = 60


def answer(twin, control, request):
    """The control API's reply, or the service's."""
    if request.path.startswith(PREFIX):
        return control.handle(request)
    return twin.handle(request)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "cleanrooms-twin"
    timeout = IDLE_S
    disable_nagle_algorithm = True

    def _serve(self):
        length = int(self.headers.get("Content-Length") or 0)
        if length > BODY_MAX or self.headers.get("Transfer-Encoding"):
            self._send(Reply(413))
            self.close_connection = True
            return
        path, _, query = self.path.partition("?")
        headers = {k.lower(): v for k, v in self.headers.items()}
        request = Request(self.command, path, query, headers, self.rfile.read(length))
        try:
            reply = answer(self.server.twin, self.server.control, request)
        except Exception as error:  # a broken handler must show as the twin's fault, never as the service's answer
            sys.excepthook(*sys.exc_info())
            reply = Reply(500, f'{{"message": "TWIN: {type(error).__name__}", "harness": true}}'.encode(), {"x-amzn-ErrorType": "TwinBroken"})
        if reply.cut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._send(reply)

    def _send(self, reply):
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if reply.status != 204:
            self.wfile.write(reply.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815  the names are http.server's

    def log_message(self, *_):
        """Quiet: the control API has the log."""


class Server(ThreadingHTTPServer):
    """A twin behind a port."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port, s3_endpoint=None):
        self.twin = Twin(s3_endpoint)
        self.control = Control(self.twin)
        super().__init__(("127.0.0.1", port), Handler)

    def handle_error(self, request, client_address):
        """A client that went away is no news."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)
