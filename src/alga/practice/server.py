"""The embedded server on a loopback socket: a thread a request, of which there are few, each with little time."""

from __future__ import annotations

import re
import socket
import socketserver
import threading
import time
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from alga.practice.request import Response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from alga.practice.app import App

MOST_CONNECTIONS = 64  # more wait to be accepted
IDLE, WHOLE = 10.0, 60.0  # seconds for the next bytes of a request, and for a whole request and its answer
HERE = re.compile(r"(127\.0\.0\.1|localhost)(:[0-9]+)?", re.IGNORECASE)  # a web page elsewhere may point here, too


class Quiet(WSGIRequestHandler):
    """No line for each request, and no waiting for one that does not come."""

    timeout = IDLE

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        return

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What is no HTTP is refused in JSON, too."""
        answer = Response.failed(code, "BAD_REQUEST", message or "Not a request")
        self.send_response(code)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)


class Threaded(socketserver.ThreadingMixIn, WSGIServer):
    """Requests do not wait for each other, up to MOST_CONNECTIONS; threads end with the process."""

    daemon_threads = True
    request_queue_size = 128  # the default of 5 refuses connections when many come at once

    def __init__(self, *args: Any) -> None:
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._open: dict[socket.socket, float] = {}  # since when
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        while not self._free.acquire(timeout=0.1):
            self.service_actions()
        self._open[request] = time.monotonic()
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread could be started
            self._done(request)
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._done(request)

    def _done(self, request: Any) -> None:
        self._open.pop(request, None)
        self._free.release()

    def get_request(self) -> Any:
        try:
            return super().get_request()
        except OSError:  # too many files are open: it would be tried again at once, and for ever
            time.sleep(0.1)
            raise

    def service_actions(self) -> None:
        """Hang up on whoever takes too long. Called while the server waits."""
        for request, since in list(self._open.items()):
            if time.monotonic() - since > WHOLE:
                hang_up(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is nothing to speak of; for everything else see answering()."""


def hang_up(request: socket.socket) -> None:
    """End a connection that a thread may be reading from."""
    try:
        request.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def answering(app: App) -> Any:
    """The app for this computer's clients only, with one answer in JSON for whatever goes wrong."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not HERE.fullmatch(environ.get("HTTP_HOST", "")):
            return Response.failed(403, "FORBIDDEN", "Only this computer is served").sent(start_response)
        try:
            if (key := environ.get("HTTP_X_API_KEY")) and not app.knows(key):  # before its body is read
                return Response.failed(401, "UNAUTHORIZED", "Invalid API key").sent(start_response)
            return app(environ, start_response)
        except Exception:  # noqa: BLE001  damaged data, a fault of ours: the client gets an answer, and others are served
            return Response.failed(500, "INTERNAL_ERROR", "An unexpected error occurred").sent(start_response)

    return answer


def listen(app: App, port: int) -> WSGIServer:
    """A server on 127.0.0.1, not yet serving; port 0 takes a free one. Raises OSError when the port is taken."""
    server = Threaded(("127.0.0.1", port), Quiet)
    server.set_app(answering(app))
    return server
