"""The statements that one client prepared, by their numbers."""

from __future__ import annotations

import struct

from sqlscore.mysql.parameters import Prepared
from sqlscore.mysql.refusals import (
    PACKET_TOO_LARGE,
    TOO_MANY_STATEMENTS,
    UNKNOWN_STATEMENT,
    WRONG_ARGUMENTS,
    Refusal,
)
from sqlscore.mysql.stream import MOST

_MOST = 1_000  # statements


class PreparedStatements:
    """Statements whose values come later, or in parts. Packets name a statement in their first four bytes."""

    def __init__(self) -> None:
        """None yet."""
        self._statements: dict[int, Prepared] = {}
        self._next = 1

    def require_room(self) -> None:
        """Raises Refusal if one more were too many."""
        if len(self._statements) >= _MOST:
            raise Refusal(TOO_MANY_STATEMENTS, f"{_MOST:,} statements are prepared already: close some")

    def add(self, sql: str, count: int) -> int:
        """The number of a new statement with so many parameters."""
        number, self._next = self._next, self._next + 1
        self._statements[number] = Prepared(sql, count)
        return number

    def named_in(self, data: bytes) -> Prepared:
        """The statement that a packet names. Raises Refusal if there is none."""
        number = int.from_bytes(data[:4], "little")
        if len(data) < 4:
            raise Refusal(WRONG_ARGUMENTS, "the number of the statement is missing")
        if number not in self._statements:
            raise Refusal(UNKNOWN_STATEMENT, f"no statement {number} is prepared")
        return self._statements[number]

    def keep_part(self, data: bytes) -> None:
        """Keep a part of a value; of a statement or parameter that there is not, nothing.

        Raises Refusal if the statement's values have become too long.
        """
        number, place = struct.unpack_from("<IH", data)
        prepared = self._statements.get(number)
        if prepared is None or place >= prepared.count:
            return
        part = prepared.long.setdefault(place, bytearray())
        part += data[6:]
        if sum(map(len, prepared.long.values())) > MOST:
            raise Refusal(PACKET_TOO_LARGE, f"the values have more than {MOST:,} bytes")

    def close(self, data: bytes) -> None:
        """Forget the statement that a packet names, if there is one."""
        self._statements.pop(int.from_bytes(data[:4], "little"), None)

    def clear(self) -> None:
        """Forget all."""
        self._statements.clear()
