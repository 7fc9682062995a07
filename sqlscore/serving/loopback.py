"""An ASGI application on this machine alone: who else reaches the network does not reach it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlscore.errors import ServingError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

HOST = "127.0.0.1"


def listening(port: int) -> socket.socket:
    """A socket on loopback. port: 0 takes one that is free.

    Raises ServingError if the port is taken or is none.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise ServingError(
            f"{HOST}:{port} cannot be listened on ({error}): choose another port with --port, 0 for any that is free"
        ) from error
    return listener


def address(listener: socket.socket) -> str:
    """The URL of what listens there."""
    return f"http://{HOST}:{listener.getsockname()[1]}"


def run(app: ASGIApp, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until the process is told to stop.

    Args:
        app: the application.
        listener: from `listening`.
        ready: is called once it answers.
    """
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready()

    settings = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=3)
    Server(settings).run(sockets=[listener])
