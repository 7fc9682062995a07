"""MySQL's text to a tree of sqlglot, in which parameters are numbered as they stand in the text."""

from __future__ import annotations

import logging
from typing import ClassVar

from sqlglot import exp
from sqlglot.dialects.mysql import MySQL
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import TokenType
from sqlglot.trie import new_trie

from sqlscore.excerpts import excerpt
from sqlscore.mysql.refusals import EMPTY, NOT_SUPPORTED, SYNTAX, Refusal

_PARAMETER = "sqlscore_parameter"  # of a node's meta: where in the text it stands

# It warns of statements that it knows by their first word alone, with their text.
logging.getLogger("sqlglot").setLevel(logging.ERROR)


class ClientsMysql(MySQL):
    """MySQL as clients send it: a `?` knows its place, and SHOW knows its synonyms."""

    class Parser(MySQL.Parser):  # type: ignore[misc,valid-type]
        """See above."""

        PLACEHOLDER_PARSERS: ClassVar = {
            **MySQL.Parser.PLACEHOLDER_PARSERS,
            TokenType.PLACEHOLDER: lambda self: _placed(self._prev.start),
        }
        SHOW_PARSERS: ClassVar = {
            **MySQL.Parser.SHOW_PARSERS,
            **dict.fromkeys(("INDEXES", "KEYS"), MySQL.Parser.SHOW_PARSERS["INDEX"]),
            "FIELDS": MySQL.Parser.SHOW_PARSERS["COLUMNS"],
            "FULL FIELDS": MySQL.Parser.SHOW_PARSERS["FULL COLUMNS"],
        }
        SHOW_TRIE: ClassVar = new_trie(key.split(" ") for key in SHOW_PARSERS)


def _placed(start: int) -> exp.Placeholder:
    node = exp.Placeholder()
    node.meta[_PARAMETER] = start
    return node


def parsed(sql: str) -> exp.Expr | None:
    """The only statement of a text; None if it is a comment. Raises Refusal if it cannot be read, or is several."""
    try:
        found = [tree for tree in ClientsMysql().parse(sql) if tree is not None]
    except (ParseError, TokenError) as error:
        raise Refusal(SYNTAX, f"the statement cannot be read as MySQL's SQL: {_plain(error)}") from error
    except RecursionError as error:
        raise Refusal(SYNTAX, "the statement is nested too deeply to be read") from error
    if len(found) > 1:
        raise Refusal(SYNTAX, f"{len(found)} statements were sent, and one is run at a time: send them one by one")
    if not found:
        if sql.strip().rstrip(";").strip():
            return None
        raise Refusal(EMPTY, "the statement is empty")
    return found[0]


def numbered(tree: exp.Expr) -> int:
    """Turn the parameters of a tree into `$1`, `$2` and so on, in the order of the text; how many there are."""
    places = sorted(tree.find_all(exp.Placeholder), key=lambda node: int(node.meta.get(_PARAMETER, -1)))
    for number, node in enumerate(places, start=1):
        if _PARAMETER not in node.meta:
            raise Refusal(NOT_SUPPORTED, "a parameter is written ?, without a name")
        node.replace(exp.Parameter(this=exp.Literal.number(number)))
    return len(places)


def _plain(error: Exception) -> str:
    """The error without colours for a terminal."""
    details = getattr(error, "errors", None)
    if details:
        first = details[0]
        near = str(first.get("highlight") or "").strip()
        return f"{first.get('description')} (line {first.get('line')}, column {first.get('col')}, near {near[:60]!r})"
    return excerpt(str(error).split("\n", 1)[0], 300)
