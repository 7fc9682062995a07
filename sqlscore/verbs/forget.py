"""The verb `forget_user`: erase one user from what sqlscore keeps."""

from __future__ import annotations

from typing import Any

import duckdb

from sqlscore.database.catalog import mapped
from sqlscore.database.materialized import materialized_tables
from sqlscore.database.queries import one
from sqlscore.database.transactions import on_own_connection, recorded, transaction
from sqlscore.errors import MappingError
from sqlscore.events.mapping import DEFAULT_MAPPING
from sqlscore.quoting import qualified
from sqlscore.score_tables.checksums import Sums, checksums
from sqlscore.score_tables.mark import forget_in_mark
from sqlscore.score_tables.marked import forget_in_marks


@on_own_connection
def forget_user(con: duckdb.DuckDBPyConnection, user_id: Any, *, mapping: str = DEFAULT_MAPPING) -> dict[str, int]:
    """Erase one user's scores from all tables that sqlscore keeps for a mapping, and from the cache of this process.

    The tables change in one transaction. The events stay, since their table is yours: `events_left` says how many of
    the user's events are still in it, and while there are any, the next refresh scores the user again. Models hold no
    rows of any user.

    Args:
        con: A connection that `connect` made.
        user_id: The id, as it is in the mapped column.
        mapping: The name of the mapping.

    Returns the number of erased rows by table, and `events_left`.

    Raises MappingError if the id does not fit the column's type.

    Examples:
        >>> sqlscore.forget_user(con, 4711)
        {'scored_users': 1, 'scored_sessions': 3, 'user_states': 1, 'events_left': 0}
    """
    source = mapped(con, mapping)
    erased: dict[str, int] = {}
    sums: Sums = {}
    with recorded(con, "forget_user", mapping), transaction(con):
        try:
            for table in materialized_tables(con, source):
                name = qualified(source.schema, table)
                sums |= checksums(con, source, table, "user_id = ?", [user_id])
                row = one(con, f"DELETE FROM {name} WHERE user_id = ?", [user_id])
                erased[table] = int(row[0]) if row else 0
            forget_in_mark(con, source, erased, sums)
            events = qualified(source.schema, "events")
            left = one(con, f"SELECT count(*) FROM {events} WHERE user_id = ?", [user_id])
            forget_in_marks(con, source, user_id, left != (0,))
        except duckdb.ConversionException as error:
            raise MappingError(
                f'{user_id!r} is not a value of column "{source.user_id}": pass the id as it is in that column'
            ) from error
    from sqlscore.scoring.cache.states import STATES  # torch

    STATES.clear()
    erased["events_left"] = int(left[0]) if left else 0
    return erased
