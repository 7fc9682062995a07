"""Users that triggers marked as changed: whether these are all who changed, and who stays marked after a refresh."""

from __future__ import annotations

import json

import duckdb

from sqlscore.database.composition.sources import TIME, USER, united
from sqlscore.database.events_query import SOURCE, early, source, utc_timestamp
from sqlscore.database.queries import one
from sqlscore.database.triggers import CHANGED_TABLE, is_watched, watch_key
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import qualified
from sqlscore.score_tables.mark import STATES_TABLE, Mark
from sqlscore.score_tables.writing import arriving

MARKED = "sqlscore_marked_users"
"""A temporary table of the reader's connection: user_id, each once."""

UNSEEN = "rows changed that the triggers of sqlscore watch did not see: all events were compared"
GONE = (
    "the triggers of sqlscore watch are gone (CREATE OR REPLACE TABLE drops them without a word), so all events were "
    "compared: watch again"
)


def note_marked(con: duckdb.DuckDBPyConnection, mapping: Mapping, old: Mark, new: Mark) -> str | None:
    """Fill MARKED, if nobody else can have changed since the last refresh.

    That is so if the same triggers were there all the time, if the tables have as many rows more or fewer as these
    noted, and if no state has an event that is too late by now: then a source that had stopped goes on, or the newest
    events are gone.

    Args:
        con: A connection in a transaction.
        mapping: The mapped events up to the moment of this refresh.
        old: The mark of the last refresh.
        new: The mark of this one.

    Returns why all events must be compared, None if MARKED says who may have changed.
    """
    if new.watched is None:
        return GONE if old.watched is not None else "changes are not noted"
    if old.watched is None or mapping.time_cap is None:
        return "changes were not noted until now"
    before, now = json.loads(old.watched), json.loads(new.watched)
    if before.get("key") != now["key"]:
        return "changes were not noted until now"
    changed = qualified(mapping.schema, CHANGED_TABLE)
    noted = dict(con.execute(f"SELECT of_table, sum(n_rows) FROM {changed} GROUP BY of_table").fetchall())
    if any(before["rows"].get(name) != n - (noted.get(name) or 0) for name, n in now["rows"].items()):
        return UNSEEN
    later = f"SELECT 1 FROM {qualified(mapping.schema, STATES_TABLE)} WHERE last_time > make_timestamp(?) LIMIT 1"
    if one(con, later, [mapping.time_cap]) is not None:
        return "events that had been scored are too late by now"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {MARKED} AS SELECT DISTINCT user_id FROM {changed} WHERE user_id IS NOT NULL"
    )
    return None


def n_marked(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> int | None:
    """How many users are marked; None if not all changes are noted."""
    if watch_key(con, mapping) is None:
        return None
    counted = one(con, f"SELECT count(DISTINCT user_id) FROM {qualified(mapping.schema, CHANGED_TABLE)}")
    return int(counted[0]) if counted else 0


def only_marked(mapping: Mapping) -> str:
    """A condition on the mapped relation, whose alias is SOURCE: the row is of a user in MARKED."""
    return f"{source(mapping.user_id)} IN (SELECT user_id FROM {MARKED})"


def clear_marks(
    con: duckdb.DuckDBPyConnection, reader: duckdb.DuckDBPyConnection, mapping: Mapping, as_of: int | None
) -> None:
    """Take away the marks that a refresh has read, inside its transaction; those that came meanwhile stay.

    Users with rows that are later than the scores stay marked too: these will count one day without being touched.

    Args:
        con: A connection in the writing transaction.
        reader: A connection whose snapshot the refresh read.
        mapping: The mapped events.
        as_of: The moment of the scores, µs; None if there is no usable event.
    """
    if not is_watched(reader, mapping):
        return
    changed = qualified(mapping.schema, CHANGED_TABLE)
    last = one(reader, f"SELECT max(rowid) FROM {changed}")
    waiting = reader.sql(_waiting(reader, mapping, as_of)).to_arrow_table()
    if last is not None and last[0] is not None:
        con.execute(f"DELETE FROM {changed} WHERE rowid <= ?", [last[0]])
    if len(waiting):
        with arriving(con, waiting, ()) as rows:
            con.execute(f"INSERT INTO {changed} SELECT user_id, NULL, 0 FROM {rows}")


def forget_in_marks(con: duckdb.DuckDBPyConnection, mapping: Mapping, user_id: object, left: bool) -> None:
    """Erase a user from the marks, inside the caller's transaction; how many rows changed stays known.

    Args:
        con: A writable connection.
        mapping: The mapped events.
        user_id: The user.
        left: Whether the user still has events, which the next refresh is to score.
    """
    if not is_watched(con, mapping):
        return
    changed = qualified(mapping.schema, CHANGED_TABLE)
    con.execute(f"UPDATE {changed} SET user_id = NULL WHERE user_id = ?", [user_id])
    if left:
        con.execute(f"INSERT INTO {changed} VALUES (?, NULL, 0)", [user_id])


def _waiting(con: duckdb.DuckDBPyConnection, mapping: Mapping, as_of: int | None) -> str:
    """A query for the users of rows that may count later: user_id, each once."""
    user, time, rows = USER, TIME, ""
    if mapping.composition is None:
        user, time, rows = source(mapping.user_id), utc_timestamp(con, mapping), f"{mapping.relation} AS {SOURCE}"
    else:
        rows = f"({united(con, mapping.composition.feeds)})"
    conditions = [f"{user} IS NOT NULL", f"isfinite({time})"]
    if as_of is not None:
        conditions.append(f"{time} > make_timestamp({int(as_of)})")
    if mapping.time_cap is not None:
        conditions.append(early(mapping, time))
    return f"SELECT DISTINCT {user} AS user_id FROM {rows} WHERE {' AND '.join(conditions)}"
