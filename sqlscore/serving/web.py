"""/metrics and /health over HTTP, for those who may reach the address: there is no password."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from sqlscore.errors import ServingError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

Health = Callable[[], tuple[bool, dict[str, Any]]]

_SLOWEST_CLIENT = 10  # seconds


class _Quiet(WSGIRequestHandler):
    """No line on stderr for each request, and no thread that waits for ever for a client."""

    timeout = _SLOWEST_CLIENT

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


class _Threaded(socketserver.ThreadingMixIn, WSGIServer):
    """A slow client keeps nobody else waiting, and the process does not wait for it at its end."""

    daemon_threads = True

    def server_bind(self) -> None:
        """Without the look-up of the host's full name, which may take seconds and is not needed."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()


class _ThreadedOverIPv6(_Threaded):
    address_family = socket.AF_INET6


def application(health: Health, metrics: WSGIApplication) -> WSGIApplication:
    """The two pages, read only."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        path, method = environ.get("PATH_INFO", "/"), environ["REQUEST_METHOD"]
        if method != "GET":
            return _plain(start_response, "405 Method Not Allowed", "only GET\n", ("Allow", "GET"))
        if path == "/metrics":
            return metrics(environ, start_response)
        if path == "/health":
            ok, facts = health()
            body = json.dumps(facts, default=_as_text, indent=1).encode() + b"\n"
            status = "200 OK" if ok else "503 Service Unavailable"
            start_response(status, [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
            return [body]
        return _plain(start_response, "404 Not Found", "sqlscore serve: /health and /metrics\n")

    return answer


@contextmanager
def listening(host: str, port: int, app: WSGIApplication) -> Iterator[str]:
    """Answer requests in threads of their own; gives the URL, with the port that was free where `port` is 0.

    Raises ServingError where the address cannot be listened on.
    """
    kind = _ThreadedOverIPv6 if ":" in host else _Threaded
    try:
        server = make_server(host, port, app, server_class=kind, handler_class=_Quiet)
    except (OSError, OverflowError) as error:
        raise ServingError(
            f"{host}:{port} cannot be listened on ({error}): choose another port with --port, 0 for any that is free, "
            "and with --host an address of this machine"
        ) from error
    thread = threading.Thread(target=server.serve_forever, name="sqlscore-web", daemon=True)
    thread.start()
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _plain(start_response: StartResponse, status: str, text: str, *headers: tuple[str, str]) -> list[bytes]:
    start_response(status, [("Content-Type", "text/plain; charset=utf-8"), *headers])
    return [text.encode()]


def _as_text(value: object) -> str:
    if isinstance(value, datetime):
        return (value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)).isoformat() + "Z"
    return str(value)
