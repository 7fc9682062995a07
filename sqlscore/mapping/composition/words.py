"""Tables with options as people type them: `TABLE: column=C, other="odd name", constant='text'`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlscore.errors import MappingError
from sqlscore.excerpts import excerpt

_HEAD = re.compile(r'\s*(?:"(?P<quoted>(?:[^"]|"")+)"|(?P<bare>.+?))\s*(?::\s*(?P<rest>\w+\s*=.*)|:?\s*)$', re.DOTALL)
_OPTION = re.compile(
    r"""\s*(?P<name>\w+|"(?:[^"]|"")+")\s*=\s*(?P<value>'(?:[^']|'')*'|"(?:[^"]|"")+"|[^,'"]*[^,'"\s])\s*(?:,|$)"""
)


@dataclass(frozen=True)
class Word:
    """The value of an option."""

    text: str
    is_constant: bool = False  # in single quotes, as a text is in SQL; else it names a column


def spelled(text: str, option: str) -> tuple[str, dict[str, Word]]:
    """A table and its options, by name.

    Args:
        text: What was typed. A name with commas or quotes stands in double quotes, as in SQL.
        option: What it was typed after, for errors.

    Raises MappingError if it cannot be read.
    """
    head = _HEAD.match(text)
    if head is None:
        raise MappingError(
            f"{option} {excerpt(repr(text), 200)} names no table: write TABLE, or TABLE: name=COLUMN, name=COLUMN"
        )
    table = head["bare"] if head["quoted"] is None else head["quoted"].replace('""', '"')
    rest, words = head["rest"] or "", {}
    at = 0
    while at < len(rest):
        found = _OPTION.match(rest, at)
        if found is None:
            raise MappingError(
                f"{option} {excerpt(repr(text), 200)} cannot be read from {excerpt(repr(rest[at:]))} on: "
                "write name=COLUMN with commas between, odd names in double quotes and texts in single ones"
            )
        name = _unquoted(found["name"])
        if name in words:
            raise MappingError(f"{option} {excerpt(repr(text), 200)} says {excerpt(name)}= twice: leave one out")
        words[name] = Word(_unquoted(found["value"]), found["value"].startswith("'"))
        at = found.end()
    return table, words


def _unquoted(text: str) -> str:
    mark = text[:1]
    return text[1:-1].replace(mark * 2, mark) if mark in ("'", '"') else text
