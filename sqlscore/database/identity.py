"""The number of a database file, by which its macros and functions know that it is theirs."""

from __future__ import annotations

import random

import duckdb

from sqlscore.database.queries import one
from sqlscore.quoting import identifier
from sqlscore.sql.belonging import FILE
from sqlscore.sql.names import SCHEMA


def file_number(con: duckdb.DuckDBPyConnection) -> int:
    """The number of this file; 0 if it has none yet."""
    row = one(con, "SELECT value FROM sqlscore.meta WHERE key = ?", [FILE])
    return int(row[0]) if row else 0


def number_file(con: duckdb.DuckDBPyConnection) -> None:
    """Give the file a number if it has none, inside the caller's transaction.

    It is kept twice: as a row, which a macro finds where it is called, and as a sequence, since the engine lists those
    of all attached databases.
    """
    if file_number(con):
        return
    con.execute(f"DROP SEQUENCE IF EXISTS {SCHEMA}.{identifier(FILE)}")
    number = random.SystemRandom().randrange(1, 2**62)
    con.execute(f"CREATE SEQUENCE {SCHEMA}.{identifier(FILE)} START {number}")
    con.execute("INSERT INTO sqlscore.meta (key, value) VALUES (?, ?)", [FILE, str(number)])
