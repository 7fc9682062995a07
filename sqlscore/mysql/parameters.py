"""Values of a prepared statement, as the binary protocol sends them."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from mysql_mimic.types import ColumnType

from sqlscore.mysql.refusals import NOT_SUPPORTED, WRONG_ARGUMENTS, WRONG_TEXT, WRONG_VALUE, Refusal

Kinds = tuple[tuple[ColumnType, bool], ...]
"""The type of each parameter, and whether it is unsigned."""

_NUMBERS = {
    ColumnType.TINY: "bB",
    ColumnType.BOOL: "bB",
    ColumnType.SHORT: "hH",
    ColumnType.YEAR: "hH",
    ColumnType.LONG: "iI",
    ColumnType.INT24: "iI",
    ColumnType.LONGLONG: "qQ",
    ColumnType.FLOAT: "ff",
    ColumnType.DOUBLE: "dd",
}
_TEXTS = frozenset({ColumnType.VARCHAR, ColumnType.VAR_STRING, ColumnType.STRING, ColumnType.ENUM, ColumnType.JSON})
_BYTES = frozenset({ColumnType.TINY_BLOB, ColumnType.MEDIUM_BLOB, ColumnType.LONG_BLOB, ColumnType.BLOB})
_DECIMALS = frozenset({ColumnType.DECIMAL, ColumnType.NEWDECIMAL})
_MOMENTS = frozenset({ColumnType.DATE, ColumnType.DATETIME, ColumnType.TIMESTAMP})


@dataclass
class Prepared:
    """A statement that a client prepared.

    Attributes:
        sql: its text.
        count: how many parameters it has.
        kinds: their types, as the last execution sent them.
        long: what was sent ahead, by parameter.
    """

    sql: str
    count: int
    kinds: Kinds = ()
    long: dict[int, bytearray] = field(default_factory=dict)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def take(self, size: int) -> bytes:
        part = self._data[self._place : self._place + size]
        if len(part) < size:
            raise Refusal(WRONG_ARGUMENTS, "the values of the statement end too early")
        self._place += size
        return part

    def number(self, code: str) -> Any:
        return struct.unpack(f"<{code}", self.take(struct.calcsize(f"<{code}")))[0]

    def text(self) -> bytes:
        first = self.number("B")
        sizes = {0xFC: 2, 0xFD: 3, 0xFE: 8}
        return self.take(int.from_bytes(self.take(sizes[first]), "little") if first in sizes else first)


def values(prepared: Prepared, data: bytes, codec: str) -> list[Any]:
    """The values of an execution, as DuckDB binds them.

    Args:
        prepared: the statement; its types are kept there.
        data: the packet behind the number of the statement.
        codec: of texts.

    Raises Refusal if the packet is not complete, or holds a type or a value that cannot be bound.
    """
    reader = _Reader(data)
    reader.take(5)  # whether a cursor is wished, and a number that is always 1
    if not prepared.count:
        return []
    nulls = int.from_bytes(reader.take((prepared.count + 7) // 8), "little")
    if reader.number("B"):
        prepared.kinds = tuple(_kind(reader) for _ in range(prepared.count))
    if len(prepared.kinds) != prepared.count:
        raise Refusal(WRONG_ARGUMENTS, "the statement was run without the types of its values")
    return list(_each(prepared.kinds, nulls, prepared.long, reader, codec))


def _each(kinds: Kinds, nulls: int, long: Mapping[int, bytearray], reader: _Reader, codec: str) -> Sequence[Any]:
    found: list[Any] = []
    for place, (kind, is_unsigned) in enumerate(kinds):
        if place in long:
            found.append(_decoded(bytes(long[place]), codec) if kind not in _BYTES else bytes(long[place]))
        elif nulls >> place & 1 or kind == ColumnType.NULL:
            found.append(None)
        else:
            found.append(_value(kind, is_unsigned, reader, codec))
    return found


def _kind(reader: _Reader) -> tuple[ColumnType, bool]:
    code, flags = reader.number("B"), reader.number("B")
    try:
        return ColumnType(code), bool(flags & 0x80)
    except ValueError as error:
        raise Refusal(NOT_SUPPORTED, f"a value of type {code} cannot be bound") from error


def _value(kind: ColumnType, is_unsigned: bool, reader: _Reader, codec: str) -> Any:
    if kind in _NUMBERS:
        return reader.number(_NUMBERS[kind][is_unsigned])
    if kind in _TEXTS:
        return _decoded(reader.text(), codec)
    if kind in _BYTES:
        return reader.text()
    if kind in _DECIMALS:
        text = reader.text().decode("ascii", "replace")
        try:
            return Decimal(text)
        except InvalidOperation as error:
            raise Refusal(WRONG_VALUE, f"the value '{text}' is no number") from error
    if kind in _MOMENTS:
        return _moment(kind, reader)
    if kind == ColumnType.TIME:
        return _time(reader)
    raise Refusal(NOT_SUPPORTED, f"a value of type {kind.name} cannot be bound: pass it as text")


def _decoded(data: bytes, codec: str) -> str:
    try:
        return data.decode(codec)
    except UnicodeDecodeError as error:
        raise Refusal(WRONG_TEXT, f"a value is no text in {codec}") from error


def _moment(kind: ColumnType, reader: _Reader) -> date | datetime:
    size = reader.number("B")
    part = reader.take(size).ljust(11, b"\0")
    year, month, day, hour, minute, second, micro = struct.unpack("<HBBBBBI", part[:11])
    try:
        if kind == ColumnType.DATE:
            return date(year, month, day)
        return datetime(year, month, day, hour, minute, second, micro)
    except ValueError as error:
        raise Refusal(WRONG_VALUE, f"a value is no moment: {error}") from error


def _time(reader: _Reader) -> time | timedelta:
    part = reader.take(reader.number("B")).ljust(12, b"\0")
    is_negative, days, hour, minute, second, micro = struct.unpack("<BIBBBI", part[:12])
    if days or is_negative or hour > 23:
        span = timedelta(days, second, micro, minutes=minute, hours=hour)
        return -span if is_negative else span
    return time(hour, minute, second, micro)
