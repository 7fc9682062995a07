"""One client's packets.

Of the library mysql-mimic this has the handshake, the way passwords are proved, and the forms of packets. What a packet
of a command does is here: every statement goes to the session, which knows the guard, and values are never put into
a statement's text.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from mysql_mimic.charset import CharacterSet
from mysql_mimic.connection import Connection
from mysql_mimic.constants import DEFAULT_SERVER_CAPABILITIES, KillKind
from mysql_mimic.control import Control
from mysql_mimic.stream import ConnectionClosed
from mysql_mimic.types import Capabilities, ColumnType, Commands, uint_len

from sqlscore.mysql.columns import Columns, definition
from sqlscore.mysql.logins import require_whole
from sqlscore.mysql.parameters import values
from sqlscore.mysql.passwords import OnePassword
from sqlscore.mysql.prepared import PreparedStatements
from sqlscore.mysql.refusals import (
    INTERRUPTED,
    NO_SUCH_THREAD,
    UNKNOWN_COMMAND,
    WRONG_TEXT,
    Refusal,
    refusal,
    state,
)
from sqlscore.mysql.session import Answer, Session
from sqlscore.mysql.statements import Change
from sqlscore.mysql.stream import PADDING, Stream

# What clients may ask for: no attributes beside a statement, no files, no compression, no TLS.
CAPABILITIES = DEFAULT_SERVER_CAPABILITIES & ~Capabilities.CLIENT_QUERY_ATTRIBUTES | Capabilities.CLIENT_TRANSACTIONS
_TO_LOG_IN = 10.0  # seconds

# It writes statements and messages to the log.
logging.getLogger("mysql_mimic").setLevel(logging.CRITICAL)


class ClientConnection(Connection):
    """A client from its first packet to its last.

    Args:
        stream: its packets.
        session: its statements.
        clients: all clients, for KILL.
        passwords: who is let in.
    """

    session: Session
    stream: Stream  # it has what the library's has, and a limit

    def __init__(self, stream: Stream, session: Session, clients: Control, passwords: OnePassword) -> None:
        """See the class."""
        super().__init__(stream, session, clients, passwords, CAPABILITIES)
        self._prepared = PreparedStatements()
        self._commands: dict[int, Callable[[bytes], Awaitable[None]]] = {
            Commands.COM_QUERY: self.handle_query,
            Commands.COM_STMT_PREPARE: self.handle_stmt_prepare,
            Commands.COM_STMT_EXECUTE: self.handle_stmt_execute,
            Commands.COM_STMT_SEND_LONG_DATA: self.handle_stmt_send_long_data,
            Commands.COM_STMT_RESET: self.handle_stmt_reset,
            Commands.COM_STMT_CLOSE: self.handle_stmt_close,
            Commands.COM_PING: self.handle_ping,
            Commands.COM_INIT_DB: self.handle_init_db,
            Commands.COM_FIELD_LIST: self.handle_field_list,
            Commands.COM_RESET_CONNECTION: self.handle_reset_connection,
            Commands.COM_STATISTICS: self._tell,
            Commands.COM_PROCESS_KILL: self._kill_by_number,
            Commands.COM_SET_OPTION: self._set_option,
        }

    async def start(self) -> None:
        """Serve the client until it leaves, is ended, or breaks the rules."""
        self._task = asyncio.current_task()
        try:
            self.stream.judge = partial(require_whole, offered=CAPABILITIES)
            self.stream.padding = PADDING
            async with asyncio.timeout(_TO_LOG_IN):
                await self.connection_phase()
            self.stream.padding = b""
            if self.session.username is None:
                raise ConnectionClosed  # it was told why; nothing that it sends is read
            try:
                await self.session.init(self)
            except Refusal as found:  # the login has been answered already, so its first command is refused
                self.stream.reset_seq()
                await self.stream.read()
                await self._refuse(found)
                raise ConnectionClosed from found
            await self.command_phase()
        finally:
            await self.session.close()

    async def command_phase(self) -> None:
        """One command after the other."""
        while True:
            self.stream.reset_seq()
            packet = await self.stream.read()
            if not packet:
                raise ConnectionClosed
            if packet[0] == Commands.COM_QUIT:
                return
            try:
                handle = self._commands.get(packet[0])
                if handle is None:
                    raise Refusal(UNKNOWN_COMMAND, f"the command {packet[0]} is not served")
                await handle(packet[1:])
            except (ConnectionClosed, TimeoutError):
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer, and the server goes on
                await self._refuse(refusal(error))

    async def handle_query(self, data: bytes) -> None:
        """A statement as text."""
        async with self.session.statement(self._text(data)) as answer:
            await self._send(answer, is_binary=False)

    async def handle_stmt_prepare(self, data: bytes) -> None:
        """A statement whose values come later."""
        self._prepared.require_room()
        sql = self._text(data)
        count = await self.session.prepared(sql)
        number = self._prepared.add(sql, count)
        self.stream.put(struct.pack("<BIHHBH", 0, number, 0, count, 0, 0))
        for _ in range(count):
            self.stream.put(definition("?", ColumnType.VAR_STRING, self.server_charset))
        if count and not self.deprecate_eof():
            self.stream.put(self.eof())
        await self.stream.drain()

    async def handle_stmt_execute(self, data: bytes) -> None:
        """The values of a prepared statement, which are bound to it."""
        prepared = self._prepared.named_in(data)
        try:
            bound = values(prepared, data[4:], self.client_charset.codec)
        finally:
            prepared.long.clear()
        async with self.session.statement(prepared.sql, bound) as answer:
            await self._send(answer, is_binary=True)

    async def handle_stmt_send_long_data(self, data: bytes) -> None:
        """A part of a value, ahead of the others. It has no answer; too much of it is refused with the execution."""
        try:
            self._prepared.keep_part(data)
        except Refusal as found:
            await self._refuse(found)
            raise ConnectionClosed from found

    async def handle_stmt_reset(self, data: bytes) -> None:
        """Forget the values that were sent ahead."""
        self._prepared.named_in(data).long.clear()
        await self.stream.write(self.ok())

    async def handle_stmt_close(self, data: bytes) -> None:
        """Forget a prepared statement. It has no answer."""
        self._prepared.close(data)

    async def handle_init_db(self, data: bytes) -> None:
        """USE, as a command."""
        async with self.session.doing():
            await self.session.use(self._text(data))
        await self.stream.write(self.ok())

    async def handle_reset_connection(self, data: bytes) -> None:
        """As after the login."""
        await self.session.reset()
        self._prepared.clear()
        await self.stream.write(self.ok())

    async def handle_field_list(self, data: bytes) -> None:
        """The columns of a table, without rows."""
        table = self._text(data.split(b"\0", 1)[0]).replace("`", "``")
        async with self.session.statement(f"SELECT * FROM `{table}` LIMIT 0") as answer:
            if isinstance(answer, Answer):
                for packet in Columns(answer.shown, self.server_charset).definitions():
                    self.stream.put(packet + b"\xfb")  # no default
        await self.stream.write(self.ok_or_eof())

    def kill(self, kind: KillKind = KillKind.CONNECTION) -> None:
        """End what the client runs, or the client itself."""
        self.session.stop(Refusal(INTERRUPTED, "the statement was ended by KILL"))
        if kind == KillKind.CONNECTION and self._task is not None:
            self._task.cancel()

    def error(self, **told: Any) -> bytes:
        """The packet of an error. msg: its text; code: MySQL's number."""
        code, text = int(told["code"]), str(told.get("msg", "")).encode(self.server_charset.codec, "replace")
        mark = b"#" + state(code).encode() if Capabilities.CLIENT_PROTOCOL_41 in self.capabilities else b""
        return b"\xff" + struct.pack("<H", code) + mark + text

    async def _send(self, answer: Answer | Change, *, is_binary: bool) -> None:
        if isinstance(answer, Change):
            if answer.killed is not None:
                await self._kill_client(*answer.killed)
            await self.stream.write(self.ok())
            return
        columns = Columns(answer.shown, self.server_charset)
        self.stream.put(uint_len(len(columns)))
        for packet in columns.definitions():
            self.stream.put(packet)
        if not self.deprecate_eof():
            self.stream.put(self.eof())
        encoded = columns.binary_row if is_binary else columns.text_row
        async for rows in answer.rows:
            for row in rows:
                self.stream.put(encoded(row))
                if self.stream.is_full:
                    await self.stream.drain()
        await self.stream.write(self.ok_or_eof())

    async def _refuse(self, found: Refusal) -> None:
        await self.stream.write(self.error(msg=found, code=found.code))

    async def _kill_client(self, number: int, is_query: bool) -> None:
        try:
            await self.control.kill(number, KillKind.QUERY if is_query else KillKind.CONNECTION)
        except KeyError as error:
            raise Refusal(NO_SUCH_THREAD, f"there is no client {number}: SHOW PROCESSLIST lists them") from error

    async def _kill_by_number(self, data: bytes) -> None:
        await self._kill_client(int.from_bytes(data[:4], "little"), is_query=False)
        await self.stream.write(self.ok())

    async def _set_option(self, data: bytes) -> None:
        if data[:2] == b"\0\0":
            raise Refusal(UNKNOWN_COMMAND, "one statement is run at a time: send them one by one")
        await self.stream.write(self.eof())

    async def _tell(self, data: bytes) -> None:
        await self.stream.write(b"sqlscore over MySQL's protocol, for reading")

    def _text(self, data: bytes) -> str:
        characters: CharacterSet = self.client_charset
        try:
            return data.decode(characters.codec)
        except UnicodeDecodeError as error:
            raise Refusal(WRONG_TEXT, f"the statement is no text in {characters.name}") from error
