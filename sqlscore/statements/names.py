"""Functions and tables that a statement of other people may name: those on a list, and those of the file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import duckdb

from sqlscore.errors import StatementError
from sqlscore.excerpts import excerpt

TABLE_FUNCTIONS = frozenset(
    {
        "duckdb_columns",
        "duckdb_constraints",
        "duckdb_databases",
        "duckdb_functions",
        "duckdb_indexes",
        "duckdb_keywords",
        "duckdb_schemas",
        "duckdb_sequences",
        "duckdb_tables",
        "duckdb_types",
        "duckdb_views",
        "generate_series",
        "icu_calendar_names",
        "json_each",
        "json_tree",
        "pg_timezone_names",
        "pragma_database_size",
        "pragma_platform",
        "pragma_show",
        "pragma_table_info",
        "pragma_version",
        "range",
        "repeat",
        "repeat_row",
        "unnest",
    }
)
"""Functions of the engine that may stand in FROM. None of them reads a file, a setting, a secret or memory."""

_READABLE_SETTINGS = frozenset({"timezone", "calendar", "search_path", "schema"})


@dataclass(frozen=True)
class Known:
    """What there is in the file: macros by whether they stand in FROM, and tables and views by name."""

    macros: frozenset[str]
    table_macros: frozenset[str]
    tables: frozenset[str]

    @classmethod
    def of(cls, con: duckdb.DuckDBPyConnection) -> Known:
        """What a connection sees."""
        macros = con.execute(
            "SELECT lower(function_name), function_type FROM duckdb_functions() WHERE NOT internal "
            "AND function_type IN ('macro', 'table_macro')"
        ).fetchall()
        tables = con.execute(
            "SELECT lower(table_name) FROM duckdb_tables() UNION SELECT lower(view_name) FROM duckdb_views()"
        ).fetchall()
        return cls(
            frozenset(name for name, kind in macros if kind == "macro"),
            frozenset(name for name, kind in macros if kind == "table_macro"),
            frozenset(name for (name,) in tables),
        )


@cache
def allowed_functions() -> frozenset[str]:
    """The engine's functions that may stand in an expression, in small letters."""
    text = files("sqlscore.statements").joinpath("allowed_functions.txt").read_text(encoding="utf-8")
    return frozenset(text.split())


def check_function(node: dict[str, Any], known: Known) -> None:
    """Raise StatementError for a function in an expression that may do more than compute."""
    name = str(node["function_name"]).casefold()
    if node.get("is_operator") or not name or not (name[0].isalpha() or name[0] == "_"):
        return  # an operator: these have no side effects
    if name in allowed_functions() or name in known.macros or name in TABLE_FUNCTIONS or name in known.table_macros:
        return
    if name == "current_setting" and _constant(node).casefold() in _READABLE_SETTINGS:
        return
    raise StatementError(
        f"the function {excerpt(name)} is not for others: it may read files, settings or other people's queries, or is "
        "not known to be harmless; use another, or ask the owner of the file for a view",
        "function",
    )


def check_table_function(node: dict[str, Any], known: Known) -> None:
    """Raise StatementError for a function in FROM that is neither on the list nor a macro of the file."""
    function = node.get("function") or {}
    name = str(function.get("function_name", "")).casefold()
    if function.get("class") != "FUNCTION" or name not in TABLE_FUNCTIONS | known.table_macros:
        raise StatementError(
            f"FROM {excerpt(name) or 'this'}(...) is not for others: read the tables, views and table macros of the "
            "file",
            "function",
        )


def check_table(node: dict[str, Any], known: Known, inside: set[str]) -> str:
    """The name of a table. Raises StatementError if it is neither in the file nor defined inside the statement."""
    name = str(node.get("table_name", ""))
    if name.casefold() not in known.tables and name.casefold() not in inside:
        raise StatementError(
            f'there is no table "{excerpt(name)}" in the file: SHOW ALL TABLES lists them; files and other databases '
            "are not read",
            "table",
        )
    return name


def check_shown(node: dict[str, Any]) -> None:
    """Raise StatementError for a SHOW of what says more than which tables there are."""
    name = str(node.get("table_name", "")).strip('"').casefold()
    if node.get("query") is None and name in {"variables", "secrets", "settings"}:
        raise StatementError(f"SHOW {name} is not for others: SHOW ALL TABLES lists what can be read", "setting")


def _constant(node: dict[str, Any]) -> str:
    """The text of the only argument, if it is written out; empty otherwise."""
    arguments = node.get("arguments") or node.get("children") or []
    if len(arguments) != 1:
        return ""
    expression = arguments[0].get("expression", arguments[0])
    literal = expression.get("literal") or {}
    return str(literal.get("text", ""))
