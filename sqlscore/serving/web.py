"""/metrics and /health over HTTP, without a password: whoever reaches the address may read them."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client.exposition import ThreadingWSGIServer

from sqlscore.errors import ServingError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

Health = Callable[[], tuple[bool, dict[str, Any]]]

_SLOWEST_CLIENT = 10  # seconds


class _Quiet(WSGIRequestHandler):
    """Writes no line on stderr for a request, and gives up a client that says nothing for too long."""

    timeout = _SLOWEST_CLIENT

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing."""


class _OverIPv6(ThreadingWSGIServer):
    address_family = socket.AF_INET6


def application(health: Health, metrics: WSGIApplication) -> WSGIApplication:
    """The WSGI application with the two pages, both read-only."""

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
    """Answer each request in a thread of its own; yields the URL.

    Args:
        host: an IPv4 or IPv6 address, or a host's name.
        port: 0 takes one that is free.
        app: answers the requests.

    Raises ServingError if nothing can listen at the address.
    """
    kind = _OverIPv6 if ":" in host else ThreadingWSGIServer
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
