"""Columns and values of an answer: DuckDB's types as MySQL's, in both forms that the protocol has."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from mysql_mimic.charset import CharacterSet
from mysql_mimic.packets import make_column_definition_41
from mysql_mimic.results import NullBitmap
from mysql_mimic.types import ColumnDefinition, ColumnType, str_len

from sqlscore.guarded_sql.clients import Shown
from sqlscore.mysql.refusals import WRONG_VALUE, Refusal

_PLAIN = ColumnDefinition(0)
_UNSIGNED = ColumnDefinition.UNSIGNED_FLAG | ColumnDefinition.NUM_FLAG
_SIGNED = ColumnDefinition.NUM_FLAG
_BINARY = ColumnDefinition.BINARY_FLAG


@dataclass(frozen=True)
class _Form:
    """How values of a type go. text: the value as text; it is None where the value is NULL for MySQL."""

    kind: ColumnType
    text: Callable[[Any], str | bytes | None]
    binary: Callable[[Any], bytes] | None = None  # None: the text with its length before it
    length: int = 0
    flags: ColumnDefinition = _PLAIN
    decimals: int = 0


def _packed(code: str) -> Callable[[Any], bytes]:
    return struct.Struct(f"<{code}").pack


def _double(value: float) -> str | None:
    return repr(value) if math.isfinite(value) else None


def _single(value: float) -> str | None:
    return str(np.float32(value)) if math.isfinite(value) else None


def _moment(value: Any) -> str:
    value = _in_range(value)
    return (value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value).isoformat(" ")


def _packed_moment(value: Any) -> bytes:
    value = _in_range(value)
    if isinstance(value, datetime):
        if value.tzinfo:
            value = value.astimezone(UTC)
        parts = (value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond)
        return struct.pack("<BHBBBBBI", 11, *parts)
    return struct.pack("<BHBB", 4, value.year, value.month, value.day)


def _in_range(value: Any) -> Any:
    if isinstance(value, str):  # what Python cannot hold, MySQL cannot either
        raise Refusal(WRONG_VALUE, f"the moment {value} is outside of the years 1 to 9999: CAST it AS CHAR")
    return value


def _packed_time(value: time) -> bytes:
    return struct.pack("<BBIBBBI", 12, 0, 0, value.hour, value.minute, value.second, value.microsecond)


def _time(value: time) -> str:
    return value.replace(tzinfo=None).isoformat()


def _document(value: Any) -> str:
    return json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: Any) -> Any:
    """A nested value as JSON takes it."""
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, datetime | date):
        return str(value)
    return float(value) if isinstance(value, Decimal) else str(value)


def _span(value: timedelta) -> str:
    """An interval, of whose months DuckDB makes 30 days."""
    return str(value)


_TEXT = _Form(ColumnType.VAR_STRING, str, length=1 << 18)
_NESTED = _Form(ColumnType.VAR_STRING, _document, length=1 << 20)
_FORMS = {
    "boolean": _Form(ColumnType.TINY, lambda value: "1" if value else "0", _packed("b"), 1, _SIGNED),
    "tinyint": _Form(ColumnType.TINY, str, _packed("b"), 4, _SIGNED),
    "smallint": _Form(ColumnType.SHORT, str, _packed("h"), 6, _SIGNED),
    "integer": _Form(ColumnType.LONG, str, _packed("i"), 11, _SIGNED),
    "bigint": _Form(ColumnType.LONGLONG, str, _packed("q"), 20, _SIGNED),
    "utinyint": _Form(ColumnType.TINY, str, _packed("B"), 3, _UNSIGNED),
    "usmallint": _Form(ColumnType.SHORT, str, _packed("H"), 5, _UNSIGNED),
    "uinteger": _Form(ColumnType.LONG, str, _packed("I"), 10, _UNSIGNED),
    "ubigint": _Form(ColumnType.LONGLONG, str, _packed("Q"), 20, _UNSIGNED),
    "hugeint": _Form(ColumnType.NEWDECIMAL, str, None, 40, _SIGNED),
    "uhugeint": _Form(ColumnType.NEWDECIMAL, str, None, 40, _SIGNED),
    "bignum": _Form(ColumnType.VAR_STRING, str, length=1 << 10),
    "float": _Form(ColumnType.FLOAT, _single, _packed("f"), 12, _SIGNED, 31),
    "double": _Form(ColumnType.DOUBLE, _double, _packed("d"), 22, _SIGNED, 31),
    "date": _Form(ColumnType.DATE, lambda value: _in_range(value).isoformat(), _packed_moment, 10, _BINARY),
    **{
        f"timestamp{ending}": _Form(ColumnType.DATETIME, _moment, _packed_moment, 26, _BINARY, 6)
        for ending in ("", "_s", "_ms", "_ns", " with time zone")
    },
    "time": _Form(ColumnType.TIME, _time, _packed_time, 15, _BINARY, 6),
    "time with time zone": _Form(ColumnType.TIME, _time, _packed_time, 15, _BINARY, 6),
    "interval": _Form(ColumnType.VAR_STRING, _span, length=64),
    "blob": _Form(ColumnType.BLOB, bytes, length=1 << 20, flags=_BINARY | ColumnDefinition.BLOB_FLAG),
    "null": _Form(ColumnType.NULL, str),
    **dict.fromkeys(("list", "array", "struct", "map", "union", "variant"), _NESTED),
}


def _form(kind: Any) -> _Form:
    if kind.id == "decimal":
        width, scale = (int(part) for part in str(kind)[8:-1].split(","))
        return _Form(ColumnType.NEWDECIMAL, lambda value: f"{value:f}", None, width + 2, _SIGNED, scale)
    return _FORMS.get(kind.id, _TEXT)


class Columns:
    """The columns of an answer.

    Args:
        shown: their names and DuckDB's types.
        characters: what the client wants texts in.
    """

    def __init__(self, shown: Sequence[Shown], characters: CharacterSet) -> None:
        """See the class."""
        self._shown = shown
        self._characters = characters
        self._codec = characters.codec
        self._forms = [_form(column.kind) for column in shown]

    def __len__(self) -> int:
        """How many there are."""
        return len(self._shown)

    def definitions(self) -> list[bytes]:
        """A packet for each."""
        return [
            definition(shown.name, form.kind, self._characters, form.length, form.flags, form.decimals)
            for shown, form in zip(self._shown, self._forms, strict=True)
        ]

    def text_row(self, row: Sequence[Any]) -> bytes:
        """A row in the form of the text protocol."""
        packet = bytearray()
        for value, form in zip(row, self._forms, strict=True):
            text = None if value is None else form.text(value)
            if text is None:
                packet.append(0xFB)
                continue
            data = text if isinstance(text, bytes) else text.encode(self._codec, "replace")
            if len(data) < 0xFB:
                packet.append(len(data))
                packet += data
            else:
                packet += str_len(data)
        return bytes(packet)

    def binary_row(self, row: Sequence[Any]) -> bytes:
        """A row in the form of prepared statements."""
        nulls = NullBitmap.new(len(row), offset=2)
        packet = bytearray()
        for place, (value, form) in enumerate(zip(row, self._forms, strict=True)):
            text = None if value is None else form.text(value)
            if text is None:
                nulls.flip(place)
            elif form.binary is not None:
                packet += form.binary(value)
            else:
                packet += str_len(text if isinstance(text, bytes) else text.encode(self._codec, "replace"))
        return b"\0" + bytes(nulls) + bytes(packet)


def definition(
    name: str,
    kind: ColumnType,
    characters: CharacterSet,
    length: int = 255,
    flags: ColumnDefinition = _PLAIN,
    decimals: int = 0,
) -> bytes:
    """The packet that describes a column, or a parameter."""
    return make_column_definition_41(
        server_charset=characters,
        name=name.encode(characters.codec, "replace").decode(characters.codec),
        character_set=characters if kind == ColumnType.VAR_STRING else CharacterSet.binary,
        column_length=length,
        column_type=kind,
        flags=flags,
        decimals=decimals,
    )
