"""The embedded server on a loopback socket, a thread a request."""

from __future__ import annotations

import socketserver
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

if TYPE_CHECKING:
    from alga.practice.app import App


class Quiet(WSGIRequestHandler):
    """No line for each request."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        return


class Threaded(socketserver.ThreadingMixIn, WSGIServer):
    """Requests do not wait for each other; threads end with the process."""

    daemon_threads = True
    request_queue_size = 128  # the default of 5 refuses connections when many come at once


def listen(app: App, port: int) -> WSGIServer:
    """A server on 127.0.0.1, not yet serving; port 0 takes a free one. Raises OSError when the port is taken."""
    server = Threaded(("127.0.0.1", port), Quiet)
    server.set_app(app)
    return server
