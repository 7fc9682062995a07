"""A condition that somebody wrote, to be put into a statement of our own."""

from __future__ import annotations

import json

import duckdb

from sqlscore.errors import StatementError
from sqlscore.statements.checking import checked, nodes


def checked_condition(con: duckdb.DuckDBPyConnection, condition: str, relation: str) -> str:
    """The condition in brackets, if it is one expression that may run over the rows of a relation.

    Args:
        con: a connection to the file that it is about.
        condition: the text that somebody wrote, such as "churn_risk > 0.7".
        relation: the quoted name of a table or view, whose columns it may name.

    Raises StatementError if it is more or less than one expression, if it calls a function that is not on the list of
    `checking` or that answers otherwise in another run, names a column that there is not, or is no truth value.
    """
    row = con.execute("SELECT json_serialize_sql(?)", [f"SELECT {condition}"]).fetchall()[0]
    answer = json.loads(row[0])
    if answer.get("error") or len(answer["statements"]) != 1:
        raise StatementError(f"it cannot be read: {answer.get('error_message') or 'it is more than one statement'}")
    node = answer["statements"][0]["node"]
    if (
        node.get("type") != "SELECT_NODE"
        or len(node.get("select_list", ())) != 1
        or (node.get("from_table") or {}).get("type") != "EMPTY"
        or any(node.get(part) for part in ("where_clause", "having", "qualify", "sample", "modifiers", "group_sets"))
        or (node.get("cte_map") or {}).get("map")
    ):
        raise StatementError("it must be one condition, such as churn_risk > 0.7, without FROM or a second column")
    bracketed = f"({condition}\n)"  # the line break ends a comment in the text
    checked(con, f"SELECT CAST({bracketed} AS BOOLEAN) FROM {relation}")
    called = {str(part["function_name"]).casefold() for part in nodes(node) if "function_name" in part}
    changing = _changing(con) & called
    if changing:
        raise StatementError(f"{min(changing)}() answers otherwise the next time: use as_of, or a column of yours")
    try:
        kind = str(con.sql(f"SELECT {bracketed} FROM {relation} WHERE {bracketed}").types[0])
    except duckdb.Error as error:
        raise StatementError(str(error)) from error
    if kind not in ("BOOLEAN", '"NULL"'):
        raise StatementError(f"it is {kind}, not true or false: compare it with something")
    return bracketed


def _changing(con: duckdb.DuckDBPyConnection) -> set[str]:
    """Names of the engine's functions that give another answer in another run."""
    query = "SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE stability <> 'CONSISTENT'"
    return {name for (name,) in con.execute(query).fetchall()}
