"""/metrics and /health over HTTP, without a password: whoever reaches the address may read them."""

from __future__ import annotations

import inspect
import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from sqlscore.errors import ServingError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

Health = Callable[[], tuple[bool, dict[str, Any]]]

_MOST_CONNECTIONS = 1_024
_TO_START = 30.0  # seconds


def application(health: Health, registry: CollectorRegistry, more: Sequence[BaseRoute] = ()) -> ASGIApp:
    """The pages. Those that are applications themselves are reached at once, not through Starlette's own.

    Args:
        health: whether all is well, and the facts.
        registry: what /metrics shows.
        more: pages besides /health and /metrics.
    """

    async def show_health(_: Request) -> Response:
        ok, facts = health()
        body = json.dumps(facts, default=_as_text, indent=1).encode() + b"\n"
        headers = {"Cache-Control": "no-store"}
        return Response(body, 200 if ok else 503, headers, media_type="application/json")

    async def show_metrics(request: Request) -> Response:
        encode, kind = choose_encoder(request.headers.get("accept", ""))
        return Response(await run_in_threadpool(encode, registry), headers={"Content-Type": kind})

    pages = [*more, Route("/health", show_health, methods=["GET"]), Route("/metrics", show_metrics, methods=["GET"])]
    paths = [page.path for page in pages if isinstance(page, Route)]

    async def not_found(_: Request, __: Exception) -> Response:
        return PlainTextResponse(f"sqlscore serve: {', '.join(sorted(paths))}\n", 404)

    others = Starlette(routes=pages, exception_handlers={404: not_found})
    direct: dict[tuple[str, str], ASGIApp] = {
        (method, page.path): page.endpoint
        for page in pages
        if isinstance(page, Route) and not inspect.isroutine(page.endpoint)
        for method in page.methods or ()
    }

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        page = direct.get((scope["method"], scope["path"]), others) if scope["type"] == "http" else others
        await page(scope, receive, send)

    return dispatch


@contextmanager
def listening(host: str, port: int, app: ASGIApp, patience: float = 5.0) -> Iterator[str]:
    """Answer requests in a thread; yields the URL.

    Args:
        host: an IPv4 or IPv6 address, or a host's name.
        port: 0 takes one that is free.
        app: answers the requests.
        patience: seconds that requests get to end once the server is asked to stop.

    Raises ServingError if nothing can listen at the address.
    """
    import uvicorn

    listener = bound(host, port)
    settings = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nobody asks who the client is
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=max(1, round(patience)),
    )
    answering = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            answering.set()

    server = Server(settings)
    thread = threading.Thread(target=server.run, args=([listener],), name="sqlscore-web", daemon=True)
    thread.start()
    if not answering.wait(_TO_START):
        raise ServingError(f"nothing answered at {host}:{port} within {_TO_START:g} s: the log says why")
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(patience + _TO_START)
        listener.close()


def bound(host: str, port: int, option: str = "--port") -> socket.socket:
    """A socket at the address. Raises ServingError if there can be none."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, OverflowError, UnicodeError) as error:
        raise _cannot_listen(host, port, option, error) from error
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise _cannot_listen(host, port, option, error) from error
    return listener


def _cannot_listen(host: str, port: int, option: str, error: Exception) -> ServingError:
    return ServingError(
        f"{host}:{port} cannot be listened on ({error}): choose another port with {option}, 0 for any that is free, "
        "and with --host an address of this machine"
    )


def _as_text(value: object) -> str:
    if isinstance(value, datetime):
        return (value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)).isoformat() + "Z"
    return str(value)
