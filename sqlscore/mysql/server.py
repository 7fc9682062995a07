"""Clients of MySQL's protocol, accepted in a thread of their own."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from mysql_mimic.constants import KillKind
from mysql_mimic.control import Control
from mysql_mimic.stream import ConnectionClosed

from sqlscore.guarded_sql.clients import Client
from sqlscore.guarded_sql.connection import Guarded
from sqlscore.mysql.counting import Counting
from sqlscore.mysql.passwords import OnePassword
from sqlscore.mysql.protocol import ClientConnection
from sqlscore.mysql.refusals import INTERRUPTED, TOO_MANY_CLIENTS, Refusal
from sqlscore.mysql.session import Session
from sqlscore.mysql.stream import Stream

if TYPE_CHECKING:
    from mysql_mimic.connection import Connection

LOG = logging.getLogger("sqlscore.serve")
MOST_CLIENTS = 64
_TO_END = 5.0  # seconds


class _Reader(asyncio.StreamReader):
    """A client's bytes; a client that is gone is noticed while its statement runs."""

    session: Session | None = None

    def feed_eof(self) -> None:
        super().feed_eof()
        if self.session is not None:
            self.session.stop(Refusal(INTERRUPTED, "the client is gone"))

    def set_exception(self, exc: BaseException) -> None:
        super().set_exception(exc)  # type: ignore[arg-type]  # asyncio takes any
        if self.session is not None:
            self.session.stop(Refusal(INTERRUPTED, "the client is gone"))


class Clients(Control):
    """All clients by their numbers."""

    def __init__(self) -> None:
        """Nobody yet."""
        self._connections: dict[int, ClientConnection] = {}
        self._last = 0

    def __len__(self) -> int:
        """How many there are."""
        return len(self._connections)

    async def add(self, connection: Connection) -> int:
        """Give a client its number."""
        self._last += 1
        if isinstance(connection, ClientConnection):
            self._connections[self._last] = connection
        return self._last

    async def remove(self, connection_id: int) -> None:
        """A client is gone."""
        self._connections.pop(connection_id, None)

    async def kill(self, connection_id: int, kind: KillKind = KillKind.CONNECTION) -> None:
        """End a client or its statement. Raises KeyError if there is none."""
        self._connections[connection_id].kill(kind)

    def end_all(self) -> None:
        """End them all."""
        for connection in list(self._connections.values()):
            connection.kill()

    def rows(self) -> Iterator[tuple[str, ...]]:
        """What SHOW PROCESSLIST shows; what others run is theirs to know."""
        for number, connection in sorted(self._connections.items()):
            session = connection.session
            since = session.since
            seconds = "0" if since is None else str(int(time.monotonic() - since))
            doing = "Sleep" if since is None else "Query"
            yield str(number), str(session.username), "localhost", session.database or "", doing, seconds, "", ""


class _Server:
    def __init__(self, guarded: Guarded, password: str, counting: Counting) -> None:
        self._guarded = guarded
        self._passwords = OnePassword(password)
        self._counting = counting
        self._clients = Clients()
        self._tasks: set[asyncio.Task[None]] = set()
        counting.watch(lambda: len(self._clients))

    async def run(self, listener: socket.socket, ready: threading.Event, ended: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()

        def protocol() -> asyncio.StreamReaderProtocol:
            return asyncio.StreamReaderProtocol(_Reader(loop=loop), self._accept, loop=loop)

        server = await loop.create_server(protocol, sock=listener)
        ready.set()
        await ended.wait()
        server.close()
        self._clients.end_all()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_TO_END)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            await self._serve(reader, writer)
        finally:
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream = Stream(reader, writer)
        cursor = Client(self._guarded)
        session = Session(cursor, self._guarded.limits.seconds, self._counting, self._clients.rows)
        connection = ClientConnection(stream, session, self._clients, self._passwords)
        if len(self._clients) >= MOST_CLIENTS:
            cursor.close()
            with suppress(ConnectionClosed, TimeoutError):
                await stream.write(
                    connection.error(msg=f"{MOST_CLIENTS} clients are here already", code=TOO_MANY_CLIENTS)
                )
            return
        if isinstance(reader, _Reader):
            reader.session = session
        connection.connection_id = await self._clients.add(connection)
        try:
            await connection.start()
        except (ConnectionClosed, TimeoutError):
            pass  # the client is gone, or too slow
        except asyncio.CancelledError:
            with suppress(ConnectionClosed, TimeoutError):
                await stream.write(connection.error(msg="the client was ended", code=INTERRUPTED))
        except Exception as error:  # noqa: BLE001 - whatever a client sends, the others go on
            LOG.warning("a client of MySQL's protocol was let go: %s", type(error).__name__)
        finally:
            await self._clients.remove(connection.connection_id)
            if session.username is None:
                self._counting.refused()


@contextmanager
def answering(guarded: Guarded, listener: socket.socket, password: str, counting: Counting) -> Iterator[None]:
    """Answer clients until the block is left.

    Args:
        guarded: the file; its limits hold for each statement.
        listener: a socket that is bound.
        password: of every client.
        counting: what Prometheus sees.
    """
    loop = asyncio.new_event_loop()
    ended = asyncio.Event()
    ready = threading.Event()
    server = _Server(guarded, password, counting)
    listener.setblocking(False)

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(server.run(listener, ready, ended))

    thread = threading.Thread(target=run, name="sqlscore-mysql", daemon=True)
    thread.start()
    ready.wait()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(2 * _TO_END)
