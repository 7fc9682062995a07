"""The rows of `sqlscore.playbook` as SQL: a condition that was checked, a message whose columns are put in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from sqlscore.errors import DecisionError, StatementError
from sqlscore.quoting import identifier, literal, qualified
from sqlscore.statements.conditions import checked_condition

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_HIDDEN = ("user_id", "sqlscore_nr")
"""Columns of `user_signals` that no message names: whoever hands it over has the id beside it."""


@dataclass(frozen=True)
class Play:
    """One row of the playbook. `condition` and `message` are SQL over the rows of `user_signals`."""

    name: str
    condition: str
    action: str
    message: str
    cost: float
    effect: float
    cool_down_days: float
    audience_limit: int | None
    held_out: float


def read_playbook(con: duckdb.DuckDBPyConnection, schema: str, signals: str) -> list[Play]:
    """The rows that are on, by name.

    Args:
        con: a connection to the file.
        schema: the mapping's schema.
        signals: the quoted name of a relation with the columns of `user_signals`.

    Raises DecisionError, which names the row, for a condition that cannot run or a message that names no column.
    """
    rows = con.execute(
        f"""SELECT name, condition, action, message, cost, effect, cool_down_days, audience_limit, held_out
            FROM {qualified(schema, "playbook")} WHERE is_on ORDER BY name"""
    ).fetchall()
    shape = con.sql(f"FROM {signals}")
    columns = {n: str(t) for n, t in zip(shape.columns, shape.types, strict=True) if n not in _HIDDEN}
    plays = []
    for name, condition, action, message, *numbers in rows:
        try:
            checked = checked_condition(con, condition, signals)
        except StatementError as error:
            raise DecisionError(
                f'the condition of "{name}" in {schema}.playbook cannot be used: {error} (it says: {condition}; its '
                f"columns are those of {schema}.user_signals)"
            ) from error
        plays.append(Play(name, checked, action, _message(name, schema, message, columns), *numbers))
    return plays


def broken(con: duckdb.DuckDBPyConnection, schema: str, plays: Sequence[Play], signals: str) -> DecisionError | None:
    """The error of the first row whose condition or message fails on the rows that there are; None if none does."""
    for play in plays:
        for what, sql in (("condition", play.condition), ("message", play.message)):
            try:
                con.execute(f"SELECT count({sql}) FROM {signals}")
            except duckdb.Error as error:
                return DecisionError(f'the {what} of "{play.name}" in {schema}.playbook fails: {error}')
    return None


def _message(name: str, schema: str, template: str, columns: Mapping[str, str]) -> str:
    """SQL for the text: what is in the columns is put in once, and never read as a template itself."""
    pieces: list[str] = []
    done = 0
    for found in _PIECE.finditer(template):
        pieces.append(literal(template[done : found.start()]))
        done = found.end()
        if found[0] in ("{{", "}}"):
            pieces.append(literal(found[0][0]))
        elif found[1] in columns:
            pieces.append(_in_words(found[1], columns[found[1]]))
        else:
            raise DecisionError(
                f'the message of "{name}" in {schema}.playbook has {found[0]}, which names no column: write one of '
                f"{', '.join(columns)} in braces, and {{{{ or }}}} for a brace"
            )
    pieces.append(literal(template[done:]))
    return f"concat({', '.join(pieces)})"


def _in_words(column: str, kind: str) -> str:
    """SQL for a value in a sentence: numbers with two digits after the point at most, lists with commas."""
    name = identifier(column)
    if kind in ("FLOAT", "DOUBLE"):
        return f"round(CAST({name} AS DOUBLE), 2)"
    return f"array_to_string({name}, ', ')" if kind.endswith("[]") else name
