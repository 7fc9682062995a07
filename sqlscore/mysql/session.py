"""One client's statements: one at a time, on a cursor of its own, until they are done or somebody ends them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from mysql_mimic.session import BaseSession
from mysql_mimic.stream import ConnectionClosed

from sqlscore.guarded_sql.clients import Client, Shown
from sqlscore.mysql.refusals import INTERRUPTED, KNOWN, TIMEOUT, WRONG_ARGUMENTS, Refusal, refusal
from sqlscore.mysql.statements import Change, Query, require_database, understood
from sqlscore.mysql.translating import MAIN, Setting
from sqlscore.mysql.variables import VERSION, Variables

if TYPE_CHECKING:
    from mysql_mimic.connection import Connection

    from sqlscore.mysql.counting import Counting

T = TypeVar("T")
LOG = logging.getLogger("sqlscore.serve")
_BATCH = 2_048  # rows
_AGAIN = 0.05  # seconds until an interrupt that found nothing to end is tried again


@dataclass(frozen=True)
class Answer:
    """What a statement gives. shown: its columns; none if it gives no rows."""

    shown: Sequence[Shown]
    rows: AsyncIterator[list[tuple[Any, ...]]]


class Session(BaseSession):
    """What a client has set, and what it runs, in a thread of its own.

    Models keep buffers for every thread that ever ran one (Intel's MKL, and the allocator's arena). In a pool that all
    clients share, one client that scores fills those of all its threads.

    Args:
        client: its cursor.
        seconds: the time limit of a statement.
        counting: what Prometheus sees.
        processes: the rows of SHOW PROCESSLIST.
    """

    def __init__(
        self,
        client: Client,
        seconds: float,
        counting: Counting,
        processes: Callable[[], Iterable[tuple[str, ...]]],
    ) -> None:
        """See the class."""
        self.variables: Variables = Variables()
        self.username = None
        self.database: str | None = None
        self.number = 0
        self._client = client
        self._thread = ThreadPoolExecutor(1, "sqlscore-mysql")
        self._seconds = seconds
        self._counting = counting
        self._processes = processes
        self._stopped: Refusal | None = None
        self._since: float | None = None

    @property
    def since(self) -> float | None:
        """When the statement that runs began, of `time.monotonic`; None if none runs."""
        return self._since

    async def init(self, connection: Connection) -> None:
        """The client is let in. Raises Refusal if it wants a database that is not there."""
        self.number = connection.connection_id
        self.variables.name_characters(str(self.variables.read("character_set_client")))
        if self.database:
            async with self.doing():
                await self.use(self.database)

    async def use(self, database: str) -> None:
        """Look for tables there. Raises Refusal if there is no such database."""
        await self._worked(require_database, database, self._look)
        self.database = database

    async def reset(self) -> None:
        """As after the login."""
        characters = str(self.variables.read("character_set_client"))
        self.variables = Variables()
        self.variables.name_characters(characters)
        self.database = None

    async def close(self) -> None:
        """The client is gone."""
        self._stopped = None  # what ended its last statement is no reason to keep its cursor
        try:
            await self._worked(self._client.close)
        finally:
            self._thread.shutdown(wait=False)

    @asynccontextmanager
    async def statement(self, sql: str, values: Sequence[Any] = ()) -> AsyncIterator[Answer | Change]:
        """Run a statement; what it gives is to be taken inside.

        Raises Refusal: if it is not served or fails, takes too long, or is ended by `stop`.
        """
        async with self.doing():
            asked = await self._worked(self._understood, sql)
            if isinstance(asked, Change):
                await self._change(asked)
                yield asked
                return
            if asked.parameters != len(values):
                raise Refusal(WRONG_ARGUMENTS, f"the statement has {asked.parameters} parameters, not {len(values)}")
            shown = await self._worked(self._client.ask, asked.sql, values)
            yield Answer(shown, self._batches())

    async def prepared(self, sql: str) -> int:
        """How many parameters a statement has. Raises Refusal if it is not served."""
        async with self.doing():
            asked = await self._worked(self._understood, sql)
            return asked.parameters if isinstance(asked, Query) else 0

    @asynccontextmanager
    async def doing(self) -> AsyncIterator[None]:
        """Something that can be stopped, within the time limit; errors leave it as Refusal."""
        seconds = min(self._seconds, self.variables.seconds or self._seconds)
        late = Refusal(TIMEOUT, f"the statement took longer than {seconds:g} seconds: ask for less of it")
        timer = asyncio.get_running_loop().call_later(seconds, self.stop, late)
        self._since, self._stopped = time.monotonic(), None
        code = 0
        try:
            yield
        except (asyncio.CancelledError, ConnectionClosed, TimeoutError):
            code = INTERRUPTED
            raise
        except Exception as error:
            found = self._stopped or refusal(error)
            code = found.code
            await self._dropped()
            if not isinstance(error, KNOWN) and self._stopped is None:
                LOG.error("a statement of MySQL: %s", type(error).__name__, exc_info=error)
            raise found from error
        finally:
            timer.cancel()
            self._counting.answered(code, time.monotonic() - self._since)
            self._since = None

    def stop(self, why: Refusal) -> None:
        """End what runs now, if anything does; it raises `why`."""
        if self._since is None:
            return
        self._stopped = self._stopped or why
        self._interrupt(self._since)

    def _interrupt(self, since: float) -> None:
        """Until it has an effect: between two steps of a statement there is nothing to interrupt."""
        if self._since == since:
            self._client.interrupt()
            asyncio.get_running_loop().call_later(_AGAIN, self._interrupt, since)

    async def _batches(self) -> AsyncIterator[list[tuple[Any, ...]]]:
        left = int(self.variables.read("sql_select_limit"))
        while rows := await self._worked(self._client.rows, min(_BATCH, left)):
            yield rows
            left -= len(rows)
            if left <= 0:
                await self._dropped()
                return

    async def _worked(self, work: Callable[..., T], *arguments: Any) -> T:
        """The result of something that takes time, done in a thread; nobody else uses the cursor until it is done."""
        if self._stopped is not None:
            raise self._stopped
        future = asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            self.stop(Refusal(INTERRUPTED, "the client was ended"))
            await asyncio.wait([future])
            raise

    async def _dropped(self) -> None:
        """Forget the rest of an answer."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._client.drop)

    def _understood(self, sql: str) -> Query | Change:
        return understood(sql, self._setting(), self._look, self._processes)

    def _look(self, sql: str) -> list[tuple[Any, ...]]:
        self._client.run(sql)
        return self._client.rows(1_000_000)

    def _setting(self) -> Setting:
        user = f"{self.username}@localhost"
        facts: dict[str, str | int | None] = {
            "DATABASE": self.database or MAIN,
            "VERSION": VERSION,
            "CONNECTION_ID": self.number,
            **dict.fromkeys(("USER", "CURRENT_USER", "SYSTEM_USER"), user),
            **dict.fromkeys(("LAST_INSERT_ID", "FOUND_ROWS", "ROW_COUNT"), 0),
        }
        return Setting(self.variables, facts, self.database or MAIN)

    async def _change(self, change: Change) -> None:
        if change.database is not None:
            await self.use(change.database)
        if change.characters is not None:
            self.variables.name_characters(*change.characters)
        for name, value in change.variables.items():
            self.variables.change(name, value)
