"""Tables that were mapped as append-only: is it true, and what was known of the rows up to the last refresh."""

from __future__ import annotations

import duckdb

from sqlscore.database.queries import one
from sqlscore.events.mapping import Mapping
from sqlscore.mapping.watch import Watched
from sqlscore.mapping.watch_new import watch_new
from sqlscore.score_tables.mark import Mark, sample_of


def why_not_appended(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, old: Mark, new: Mark, last_row: int
) -> str | None:
    """How an append-only table broke its promise up to `last_row`; None if it did not.

    Args:
        con: A connection in a transaction, in which `new` was made.
        mapping: The mapped events.
        old: The mark of the last refresh.
        new: The mark of this one.
        last_row: The last row of the old mark.
    """
    behind = one(con, f"SELECT count(*) FROM {mapping.relation} WHERE rowid > ?", [last_row])
    if behind is None or new.n_rows is None or new.n_rows - behind[0] != old.n_rows:
        return "rows were deleted from a table that was mapped as append-only"
    if sample_of(con, mapping, last_row) != old.sample:
        return "rows were replaced in a table that was mapped as append-only"
    return None


def watch_appended(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, old: Mark | None, new: Mark, last: Watched | None
) -> Watched | None:
    """What `watch` counts, by the rows behind the last refresh alone; None if these and its profile do not tell it.

    The profile is told to be of the rows that the mark was made of by their number, since no row was taken away.

    Args:
        con: A connection in a transaction, in which `new` was made.
        mapping: The mapped events.
        old: The mark of the last refresh; None if there was none, or all rows are to be read.
        new: The mark of this one.
        last: What was counted at the last refresh.
    """
    if old is None or last is None or old.last_row is None or last.n_rows != old.n_rows:
        return None
    if (old.mapping, old.types) != (new.mapping, new.types):
        return None
    if why_not_appended(con, mapping, old, new, old.last_row) is not None:
        return None
    return watch_new(con, mapping, last, old.last_row)
