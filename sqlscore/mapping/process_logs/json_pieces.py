"""A JSON document read piece by piece: the items of its lists one at a time, never the document as a whole."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

_PIECE = 1 << 18
_LARGEST = 1 << 26  # characters of one item
_SPACE = " \t\r\n"


class JsonPieces:
    """Reads a document that is an object: what stands in its lists, item by item."""

    def __init__(self, file: BinaryIO) -> None:
        """Read nothing yet."""
        self.n_bytes = 0
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._parse = json.JSONDecoder().raw_decode
        self._text, self._at, self._ended = "", 0, False

    def items(self) -> Iterator[tuple[str, Any]]:
        """Each key of the document with each item of its list, or with its value if that is no list.

        Raises JSONDecodeError if the document is broken or ends too early, UnicodeDecodeError if it is no UTF-8, and
        RecursionError if an item is nested too deeply.
        """
        self._take("{")
        separator = "," if self._next() != "}" else self._take("}")
        while separator == ",":
            key = self._value()
            self._take(":")
            if self._next() == "[":
                for item in self._list():
                    yield key, item
            else:
                yield key, self._value()
            separator = self._take(",}")
        if self._next():
            self._fail("nothing more")

    def _list(self) -> Iterator[Any]:
        self._take("[")
        separator = "," if self._next() != "]" else self._take("]")
        while separator == ",":
            yield self._value()
            separator = self._take(",]")

    def _next(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if self._ended:
                return ""
            self._fill()

    def _take(self, expected: str) -> str:
        found = self._next()
        if not found or found not in expected:
            self._fail(" or ".join(repr(one) for one in expected))
        self._at += 1
        return found

    def _value(self) -> Any:
        """The next value, of which as much is read as it needs."""
        self._next()
        while True:
            try:
                value, end = self._parse(self._text, self._at)
            except json.JSONDecodeError:
                if self._ended or len(self._text) - self._at > _LARGEST:
                    raise
            else:
                if end < len(self._text) or self._ended:  # a number at the end of the piece may go on
                    self._at = end
                    return value
            self._fill()

    def _fill(self) -> None:
        piece = self._file.read(max(_PIECE, len(self._text) - self._at))
        self.n_bytes += len(piece)
        self._ended = not piece
        self._text = self._text[self._at :] + self._decode(piece, self._ended)
        self._at = 0

    def _fail(self, expected: str) -> None:
        raise json.JSONDecodeError(f"expected {expected}", self._text, self._at)
