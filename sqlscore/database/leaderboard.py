"""The table `leaderboard` of a mapping: the result of its newest comparison, empty before the first one."""

from __future__ import annotations

from collections.abc import Mapping as Rows
from collections.abc import Sequence
from typing import Any

import duckdb

from sqlscore.database.materialized import is_table
from sqlscore.quoting import qualified
from sqlscore.sql.objects import parts, table

LEADERBOARD = table("leaderboard")
LEADERBOARD_COLUMNS = LEADERBOARD.commented_columns


def create_leaderboard(con: duckdb.DuckDBPyConnection, schema: str, comments: bool = True) -> None:
    """Make the empty table in a mapping's schema if it is missing, and comment it; in the caller's transaction.

    A table with the columns of another version is replaced: the next comparison fills it again.
    """
    name = qualified(schema, LEADERBOARD.name)
    if is_table(con, schema, LEADERBOARD.name) and tuple(con.sql(f"FROM {name}").columns) != LEADERBOARD_COLUMNS:
        con.execute(f"DROP TABLE {name}")
    text = LEADERBOARD.for_schema(schema)
    con.execute(text if comments else parts(text)[0])


def write_leaderboard(con: duckdb.DuckDBPyConnection, schema: str, rows: Sequence[Rows[str, Any]]) -> None:
    """Replace the rows of the table, in the caller's transaction; comments and views over the table stay.

    Args:
        con: A writable connection.
        schema: The mapping's schema.
        rows: One per contender, with all of LEADERBOARD_COLUMNS.
    """
    create_leaderboard(con, schema)  # if somebody dropped it
    clear_leaderboard(con, schema)
    if rows:
        places = ", ".join("?" for _ in LEADERBOARD_COLUMNS)
        con.executemany(
            f"INSERT INTO {qualified(schema, LEADERBOARD.name)} VALUES ({places})",
            [[row[name] for name in LEADERBOARD_COLUMNS] for row in rows],
        )


def clear_leaderboard(con: duckdb.DuckDBPyConnection, schema: str) -> None:
    """Delete the comparison of a mapping, in the caller's transaction."""
    con.execute(f"DELETE FROM {qualified(schema, LEADERBOARD.name)}")
