"""Rows that a mapping leaves out because it says so: actions that are no events, and repeats of an event's id."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from sqlscore.database.events_query import SOURCE, excluded, source
from sqlscore.database.queries import one
from sqlscore.errors import MappingError
from sqlscore.events.mapping import Mapping
from sqlscore.events.packing import action_text


@dataclass(frozen=True)
class LeftOut:
    """Counts of rows, over the whole table."""

    n_excluded: int = 0  # of an action that is left out
    n_repeated: int = 0  # with an id that another row of the user has, which is the event
    n_other_action: int = 0  # ids of which rows have several actions
    n_null_id: int = 0  # without an id: all of them count
    absent: tuple[str, ...] = ()  # excluded actions that no row has


def left_out(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> LeftOut:
    """Count the rows that the mapping leaves out by `event_id` and `exclude_types`.

    Raises MappingError if no row has an id.
    """
    if not mapping.event_id and not mapping.exclude_types:
        return LeftOut()
    ids = [source(name) for name in mapping.event_id]
    unknown = " OR ".join(f"{name} IS NULL" for name in ids) or "true"
    keys = ", ".join([source(mapping.user_id), *ids])
    action, is_excluded = action_text(mapping, source(mapping.event_type)), excluded(mapping)
    rows = f"{mapping.relation} AS {SOURCE}"
    n_excluded, n_null, n_kept, there = one(
        con,
        f"""SELECT count(*) FILTER ({is_excluded}), count(*) FILTER (NOT {is_excluded} AND ({unknown})),
                count(*) FILTER (NOT {is_excluded}), list(DISTINCT {action}) FILTER ({is_excluded}) FROM {rows}""",
    ) or (0, 0, 0, None)
    absent = tuple(name for name in mapping.exclude_types if name not in (there or ()))
    if not mapping.event_id:
        return LeftOut(n_excluded, absent=absent)
    if n_kept and n_null == n_kept:
        raise MappingError(
            f"no row has an id in {named(mapping.event_id)}: name the column that tells events apart, event_id=... "
            "(--event-id), or leave it out"
        )
    n_repeated, n_other = one(
        con,
        f"""SELECT coalesce(sum(copies - 1), 0), count(*) FILTER (differ) FROM (
                SELECT count(*) AS copies, min({action}) <> max({action}) AS differ FROM {rows}
                WHERE NOT {is_excluded} AND NOT ({unknown}) GROUP BY {keys} HAVING count(*) > 1)""",
    ) or (0, 0)
    return LeftOut(n_excluded, int(n_repeated), n_other, n_null, absent)


ABSENT = "no row has the action"
"""Begins what is said of actions that are to be left out and are not there."""


def doubts(mapping: Mapping, seen: LeftOut, n_rows: int) -> list[str]:
    """What is odd about these rows.

    Args:
        mapping: The mapped events.
        seen: What was counted of them.
        n_rows: Rows of the table.
    """
    said, ids = [], named(mapping.event_id)
    if seen.n_other_action:
        said.append(
            f"{seen.n_other_action} values of {ids} stand in rows of one user with different actions, and only the "
            "first row of each counts: does it tell events apart, or sessions, orders or the like? Name another "
            "column, or several (--event-id C,C)"
        )
    if mapping.event_id and seen.n_null_id:
        said.append(
            f"{seen.n_null_id} of {n_rows} rows have no {ids}, and all of them count: whether one was delivered twice "
            "cannot be told"
        )
    if seen.absent:
        said.append(
            f"{ABSENT} {', '.join(map(repr, seen.absent))} that is to be left out: is it spelled as in "
            f'"{mapping.event_type}"?'
        )
    return said


def named(columns: tuple[str, ...]) -> str:
    """Names of columns in quotes."""
    return ", ".join(f'"{name}"' for name in columns)
