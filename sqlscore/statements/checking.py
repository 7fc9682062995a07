"""Which statements of other people run: one SELECT, of tables that there are, with functions that are known.

The engine's own parser reads the text (`json_serialize_sql`), so that nothing is one thing to the guard and another to
the engine: comments, quotes, dollar quotes and second statements are what the engine takes them for. Its tree is then
walked: what is not on a list is refused, so that a function of a later engine is refused until somebody has read it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb

from sqlscore.errors import StatementError
from sqlscore.excerpts import excerpt
from sqlscore.statements.names import Known, check_function, check_shown, check_table, check_table_function

_EXPLAIN = re.compile(r"\s*EXPLAIN(\s+ANALYZE)?\s+", re.IGNORECASE)
_LONGEST = 100_000  # characters
_MOST_BRACKETS = 1_000  # the engine's parser cannot be interrupted, and some texts take it a power of their brackets


@dataclass(frozen=True)
class Statement:
    """A statement that may run. kind: "select" or "explain". tables: the names that it reads, as they are written."""

    text: str
    kind: str
    tables: tuple[str, ...]


def checked(con: duckdb.DuckDBPyConnection, sql: str, known: Known | None = None) -> Statement:
    """The only statement of `sql`, if it may run.

    Args:
        con: a connection to the file that it is about; nothing is run on it but the parser and the catalog.
        sql: the text that somebody sent.
        known: what there is in the file, from `Known.of`, where nobody changes it; it is read anew without it.

    Raises StatementError for anything else than one SELECT (or VALUES, FROM, TABLE, DESCRIBE, SHOW, SUMMARIZE, EXPLAIN
    of these), for a function that is not on the list, and for a table that is not in the file: the error names it.
    """
    if len(sql) > _LONGEST:
        raise StatementError(
            f"the statement has {len(sql):,} characters, at most {_LONGEST:,} are read: make it shorter",
            "form",
        )
    opened = sum(map(sql.count, "([{"))
    if opened > _MOST_BRACKETS:
        raise StatementError(
            f"the statement opens {opened:,} brackets, at most {_MOST_BRACKETS:,} are read: make it shorter", "form"
        )
    if "\0" in sql:
        raise StatementError("the statement holds a character 0: leave it out", "form")
    text, kind = _alone(con, sql)
    tree = _tree(con, text)
    known = known or Known.of(con)
    inside = {name.casefold() for name in _defined(tree)}
    tables = []
    for node in nodes(tree):
        if "function_name" in node:
            check_function(node, known)
        if node.get("at_clause") is not None:
            raise StatementError("AT reads a table of another time, which is not for others: leave it out", "table")
        if node.get("type") == "TABLE_FUNCTION":
            check_table_function(node, known)
        elif node.get("type") == "BASE_TABLE":
            tables.append(check_table(node, known, inside))
        elif node.get("type") == "SHOW_REF":
            check_shown(node)
    return Statement(sql, kind, tuple(tables))


def _alone(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[str, str]:
    """The SELECT in the text, and the kind of statement around it."""
    try:
        found = con.extract_statements(sql)
    except duckdb.Error as error:
        raise StatementError(f"the statement cannot be read: {excerpt(_first_line(error), 300)}", "form") from error
    if len(found) != 1:
        raise StatementError(
            f"{len(found)} statements were sent, and one is run at a time: send them one by one", "form"
        )
    kind = _kind(found[0])
    if kind == "EXPLAIN":
        match = _EXPLAIN.match(sql)
        if match is None:
            raise StatementError(
                "EXPLAIN takes a SELECT and nothing else here: leave its options and comments out", "kind"
            )
        text, _ = _alone(con, sql[match.end() :])
        return text, "explain"
    if kind != "SELECT":
        raise StatementError(
            f"{kind} is not for others: only SELECT, VALUES, FROM, DESCRIBE, SHOW, SUMMARIZE and EXPLAIN run",
            "kind",
        )
    return sql, "select"


def _kind(statement: duckdb.Statement) -> str:
    """What the engine calls such a statement; some kinds have no name in its Python package."""
    try:
        return statement.type.name
    except ValueError:
        return "this statement"


def _tree(con: duckdb.DuckDBPyConnection, text: str) -> Any:
    row = con.execute("SELECT json_serialize_sql(?)", [text]).fetchall()[0]
    answer = json.loads(row[0])
    if answer.get("error") or len(answer["statements"]) != 1:
        what = answer.get("error_message") or "it is more than one statement"
        raise StatementError(f"the statement cannot be read as one SELECT: {excerpt(what, 300)}", "form")
    return answer["statements"][0]


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """All objects of a tree of JSON."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _defined(tree: Any) -> set[str]:
    """The names of WITH, wherever they stand: a table of that name need not be in the file."""
    found = set()
    for node in nodes(tree):
        entries = node.get("cte_map", {}).get("map", []) if isinstance(node.get("cte_map"), dict) else []
        found |= {str(entry["key"]) for entry in entries}
        if node.get("type") == "RECURSIVE_CTE_NODE":
            found.add(str(node.get("cte_name", "")))
    return found


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0]
