"""New rows in place of the old ones, in a table that people are reading.

TRUNCATE would lock readers out and empty the table for those whose snapshot is older; renaming a new table into place
would leave views, grants and indexes with the old one. So rows are deleted and inserted, which every reader's snapshot
hides until the commit. If rows have a key and most of them are unchanged, only those that differ are touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlscore.publishing.columns import Column
from sqlscore.quoting import identifier

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Cursor

_LOOKED_AT = 1_000
_MOSTLY = 0.5
_DIFFERENT = "sqlscore_different"


def replace_rows(
    cursor: Cursor, table: str, staged: str, columns: Sequence[Column], key: Sequence[str], *, fresh: bool
) -> int:
    """Make `table` hold what `staged` does, inside the caller's transaction.

    Args:
        cursor: of the transaction.
        table: the quoted name of the published table.
        staged: the quoted name of the table with the new rows.
        columns: the columns of both.
        key: the columns that tell rows apart, if any.
        fresh: whether the table is new and empty.

    Returns how many rows were written or deleted.
    """
    if fresh:
        return _insert(cursor, table, staged, columns)
    if key and not _mostly_different(cursor, table, staged, columns, key):
        return _replace_different(cursor, table, staged, columns, key)
    cursor.execute(f"DELETE FROM {table}")
    return _insert(cursor, table, staged, columns)


def _mostly_different(cursor: Cursor, table: str, staged: str, columns: Sequence[Column], key: Sequence[str]) -> bool:
    """Whether most of the first rows differ, as they all do after the scores moved to another moment."""
    cursor.execute(
        f"""SELECT count(*) FILTER (WHERE {_differs(columns, key)}), count(*)
            FROM (SELECT * FROM {staged} LIMIT {_LOOKED_AT}) s LEFT JOIN {table} t ON {_same_key(key)}"""
    )
    different, looked_at = cursor.fetchall()[0]
    return bool(different > _MOSTLY * looked_at)


def _replace_different(cursor: Cursor, table: str, staged: str, columns: Sequence[Column], key: Sequence[str]) -> int:
    """Delete and insert the rows that differ: one join finds them, by their places in both tables."""
    cursor.execute(
        f"""CREATE TEMPORARY TABLE {_DIFFERENT} ON COMMIT DROP AS
            SELECT s.ctid AS new, t.ctid AS old FROM {staged} s FULL JOIN {table} t ON {_same_key(key)}
            WHERE {_differs(columns, key)}"""
    )
    cursor.execute(f"SELECT count(old) + count(new) FILTER (WHERE old IS NULL) FROM {_DIFFERENT}")
    changed = int(cursor.fetchall()[0][0])
    cursor.execute(f"DELETE FROM {table} t USING {_DIFFERENT} d WHERE t.ctid = d.old")
    _insert(cursor, table, staged, columns, f"JOIN {_DIFFERENT} d ON s.ctid = d.new")
    cursor.execute(f"DROP TABLE {_DIFFERENT}")
    return changed


def _insert(cursor: Cursor, table: str, staged: str, columns: Sequence[Column], only: str = "") -> int:
    names = ", ".join(identifier(column.name) for column in columns)
    cursor.execute(f"INSERT INTO {table} ({names}) SELECT {', '.join(map(_final, columns))} FROM {staged} s {only}")
    return int(cursor.rowcount)


def _final(column: Column) -> str:
    """A column of staged row `s` in its final type."""
    name = f"s.{identifier(column.name)}"
    return name if column.staged == column.type else f"CAST({name} AS {column.type})"


def _differs(columns: Sequence[Column], key: Sequence[str]) -> str:
    """SQL that is true if a row is on one side only, or if its values differ."""
    values = [column for column in columns if column.name not in key]
    lacks = f"s.{identifier(key[0])} IS NULL OR t.{identifier(key[0])} IS NULL"
    if not values:
        return lacks
    there = ", ".join(f"t.{identifier(column.name)}" for column in values)
    new = ", ".join(_final(column) for column in values)
    return f"{lacks} OR ROW({there}) IS DISTINCT FROM ROW({new})"


def _same_key(key: Sequence[str]) -> str:
    return " AND ".join(f"s.{identifier(name)} = t.{identifier(name)}" for name in key)
