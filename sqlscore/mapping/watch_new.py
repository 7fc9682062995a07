"""What `watch` counts in all events, from what the last refresh counted and the rows that have come since."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import duckdb

from sqlscore.database.events_query import SOURCE
from sqlscore.database.queries import one
from sqlscore.events.mapping import Mapping
from sqlscore.mapping.thin_days import NEEDED_BEFORE, ThinDay, thin_days_query
from sqlscore.mapping.watch import Watched, is_long, rows_as_events, usable_here, watch


def watch_new(con: duckdb.DuckDBPyConnection, mapping: Mapping, last: Watched, last_row: int) -> Watched | None:
    """What `watch` counts, if it can be told without reading all rows; None if it cannot.

    It cannot be told where rows lie in the future, whose time may have come by now, nor of events so far apart that
    some may be far past, since that depends on a quantile of all times. Of thin days, those are found that were not
    over at the last refresh, the only ones that a later look judges.

    Args:
        con: A connection to the database.
        mapping: The mapped events, a table to which rows were only added.
        last: What was counted in the rows up to last_row.
        last_row: The rowid of the last row that was counted.
    """
    if last.n_future or last.first_time is None or last.newest_time is None:
        return None
    new = watch(con, mapping, f"{SOURCE}.rowid > {int(last_row)}")
    if set(new.n_missing) != set(last.n_missing):
        return None
    first = min(last.first_time, new.first_time or last.first_time)
    newest = max(last.newest_time, new.newest_time or last.newest_time)
    if newest > new.taken_at or is_long(first, newest):  # the clock went back, or quantiles are needed
        return None
    sums = {name: getattr(last, name) + getattr(new, name) for name in _SUMMED}
    return replace(
        new,
        **sums,
        first_time=first,
        newest_time=newest,
        n_missing={name: count + new.n_missing[name] for name, count in last.n_missing.items()},
        thin_days=_thin_days(con, mapping, last.newest_time.date(), first.date()),
    )


_SUMMED = ("n_rows", "n_events", "n_no_user", "n_no_time", "n_infinite", "n_no_action", "n_after_cap")


def _thin_days(con: duckdb.DuckDBPyConnection, mapping: Mapping, since: date, first: date) -> tuple[ThinDay, ...]:
    """The thin days from `since` on, by the events of the days that these are compared with."""
    begin = since - timedelta(days=NEEDED_BEFORE)
    # A day of one event stands for all before, so that the days from `begin` on are counted, empty ones too.
    before = f"UNION ALL SELECT DATE '{begin}', 1" if first <= begin else ""
    found = one(
        con,
        f"""WITH {rows_as_events(con, mapping)}, per_day AS (
                SELECT CAST(time AS DATE) AS day, count(*) AS n FROM events
                WHERE time >= CAST(DATE '{begin + timedelta(days=1)}' AS TIMESTAMP) AND {usable_here(mapping)}
                GROUP BY ALL {before}
            )
            SELECT {thin_days_query("per_day")}""",
    )
    return tuple(one for one in (ThinDay(**day) for day in (found or (None,))[0] or ()) if one.day >= since)
