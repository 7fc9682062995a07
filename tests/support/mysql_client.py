"""A server of MySQL's protocol in this process, and clients: pymysql, and one that prepares statements."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
from prometheus_client import CollectorRegistry
from pymysql.constants import COMMAND, FIELD_TYPE

from sqlscore.guarded_sql.connection import Guarded, Limits
from sqlscore.mysql.counting import Counting
from sqlscore.mysql.server import answering

PASSWORD = "a-password-of-the-tests"
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Server:
    """Where clients find it."""

    port: int
    registry: CollectorRegistry

    def connect(self, **options: Any) -> pymysql.connections.Connection[Any]:
        """A client that is let in, unless `password` is another one."""
        given = {"host": HOST, "port": self.port, "user": "somebody", "password": PASSWORD, "read_timeout": 120}
        return pymysql.connect(**{**given, **options})

    def ask(self, sql: str, values: Sequence[Any] | None = None, **options: Any) -> tuple[tuple[Any, ...], ...]:
        """The rows of one statement, of a client of its own."""
        with self.connect(**options) as con, con.cursor() as cursor:
            cursor.execute(sql, values)
            return tuple(cursor.fetchall())

    def refused(self, sql: str, values: Sequence[Any] | None = None) -> tuple[int, str]:
        """Number and text of the error of a statement."""
        try:
            rows = self.ask(sql, values)
        except pymysql.MySQLError as error:
            return int(error.args[0]), str(error.args[1])
        raise AssertionError(f"{sql} was answered: {rows!r:.200}")

    def running(self) -> int:
        """How many statements run, besides the one that asks."""
        return len([row for row in self.ask("SHOW PROCESSLIST") if row[4] == "Query"]) - 1

    def count(self, name: str, **labels: str) -> float:
        """A value that Prometheus would read."""
        return self.registry.get_sample_value(name, labels) or 0.0


@contextmanager
def serving(file: Path, seconds: float = 60.0) -> Iterator[Server]:
    """A server of a file on a free port of loopback."""
    registry = CollectorRegistry()
    with (
        Guarded(file, Limits(seconds=seconds), device="cpu") as guarded,
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener,
    ):
        listener.bind((HOST, 0))
        with answering(guarded, listener, PASSWORD, Counting(registry)):
            yield Server(listener.getsockname()[1], registry)


_CODES = {
    FIELD_TYPE.TINY: "b", FIELD_TYPE.SHORT: "h", FIELD_TYPE.LONG: "i", FIELD_TYPE.LONGLONG: "q",
    FIELD_TYPE.FLOAT: "f", FIELD_TYPE.DOUBLE: "d",
}  # fmt: skip
_UNSIGNED = 0x20


@dataclass(frozen=True)
class Prepared:
    """A statement that the server has prepared; its values go in the binary protocol, and its rows come in it."""

    con: pymysql.connections.Connection[Any]
    number: int
    count: int

    @classmethod
    def of(cls, con: pymysql.connections.Connection[Any], sql: str) -> Prepared:
        """Prepare a statement."""
        con._execute_command(COMMAND.COM_STMT_PREPARE, sql)
        data = con._read_packet().get_all_data()
        number, _, count = struct.unpack_from("<IHH", data, 1)
        for _ in range(count + 1 if count else 0):  # pymysql does without DEPRECATE_EOF
            con._read_packet()
        return cls(con, number, count)

    def ask(self, *values: Any) -> list[tuple[Any, ...]]:
        """The rows for these values: texts, bytes, whole numbers, numbers or None."""
        nulls = sum((value is None) << place for place, value in enumerate(values))
        kinds, sent = b"", b""
        for value in values:
            kind, data = _sent(value)
            kinds += struct.pack("<BB", kind, 0)
            sent += data
        body = struct.pack("<IBI", self.number, 0, 1)
        if values:
            body += nulls.to_bytes((len(values) + 7) // 8, "little") + b"\1" + kinds + sent
        self.con._execute_command(COMMAND.COM_STMT_EXECUTE, body)
        count = self.con._read_packet().read_length_encoded_integer()
        columns = [self.con._read_packet().get_all_data() for _ in range(count)]
        self.con._read_packet()
        rows = []
        while not (packet := self.con._read_packet()).is_eof_packet():
            rows.append(_row(packet.get_all_data(), [_column(column) for column in columns]))
        return rows


def _sent(value: Any) -> tuple[int, bytes]:
    if value is None:
        return FIELD_TYPE.NULL, b""
    if isinstance(value, bool | int):
        return FIELD_TYPE.LONGLONG, struct.pack("<q", value)
    if isinstance(value, float):
        return FIELD_TYPE.DOUBLE, struct.pack("<d", value)
    data = value.encode() if isinstance(value, str) else value
    kind = FIELD_TYPE.VAR_STRING if isinstance(value, str) else FIELD_TYPE.BLOB
    size = bytes([len(data)]) if len(data) < 0xFB else b"\xfd" + len(data).to_bytes(3, "little")
    return kind, size + data


def _column(data: bytes) -> tuple[int, bool]:
    """The type of a column and whether it is unsigned: behind six texts and the length of the rest."""
    tail = data[-13:]  # length, character set, length of values, type, flags, decimals, filler
    return tail[7], bool(struct.unpack_from("<H", tail, 8)[0] & _UNSIGNED)


def _row(data: bytes, columns: list[tuple[int, bool]]) -> tuple[Any, ...]:
    size = (len(columns) + 9) // 8
    nulls = int.from_bytes(data[1 : 1 + size], "little") >> 2
    place = 1 + size
    row: list[Any] = []
    for number, (kind, is_unsigned) in enumerate(columns):
        if nulls >> number & 1:
            row.append(None)
        elif kind in _CODES:
            code = "<" + (_CODES[kind].upper() if is_unsigned else _CODES[kind])
            row.append(struct.unpack_from(code, data, place)[0])
            place += struct.calcsize(code)
        else:
            long = {0xFC: 2, 0xFD: 3, 0xFE: 8}.get(data[place], 0)
            length = int.from_bytes(data[place + 1 : place + 1 + long], "little") if long else data[place]
            place += 1 + long
            row.append(data[place : place + length])
            place += length
    return tuple(row)
