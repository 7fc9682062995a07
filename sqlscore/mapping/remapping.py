"""Mapping again under the same name: what is as it was, what would go with the old mapping, and what stays."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

import duckdb

from sqlscore.database.events_query import mapped_events, usable_events
from sqlscore.database.high_water import GROUPS
from sqlscore.database.materialized import MATERIALIZED, is_table
from sqlscore.database.queries import one
from sqlscore.errors import MappingError
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import qualified

_SCORES = (
    *MATERIALIZED,
    *("user_states", "user_vectors", "scored_labels", "label_backtests", "segment_value_at_risk"),
    *("user_signals", "recommendations"),
)
_PAST = ("past_scores", "interventions")
_LEADERBOARD = "leaderboard"


def stored_mapping(con: duckdb.DuckDBPyConnection, name: str) -> Mapping | None:
    """The mapping that the file holds under this name, None if there is none."""
    row = one(con, "SELECT mapping FROM sqlscore.mappings WHERE name = ?", [name])
    return Mapping.from_json(row[0]) if row else None


def is_current(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> bool:
    """Whether the view of the events is as it would be made now, and what stays has its type of user ids."""
    try:
        there = con.sql(f"FROM {qualified(mapping.schema, 'events')}")
        con.sql(f"FROM {qualified(mapping.schema, GROUPS)}")
    except duckdb.Error:  # somebody dropped it, or it names columns that are gone
        return False
    wanted = con.sql(mapped_events(con, mapping))
    same = (there.columns, [str(t) for t in there.types]) == (wanted.columns, [str(t) for t in wanted.types])
    return same and not _misfits(con, mapping)


def rows_to_drop(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> dict[str, int]:
    """What was made from the events of a mapping and goes with it: rows by quoted name of the table."""
    rows = _counted(con, mapping, *_SCORES)
    compared = _counted(con, mapping, _LEADERBOARD)
    return rows | {name: count for name, count in compared.items() if count}


def refuse_to_drop(con: duckdb.DuckDBPyConnection, old: Mapping, new: Mapping, force: bool) -> None:
    """Raise MappingError, which says what would be dropped and what stays, unless nothing is or it was asked for."""
    rows = rows_to_drop(con, old)
    if force or not rows:
        return
    raise MappingError(
        f'"{old.name}" is mapped already, and this mapping differs ({differences(old, new)}). It would drop '
        f"{in_words(rows)}; the models, the champion{_kept(con, old)} would stay. Map with force=True (--force) to "
        "have it so, or beside it under another name, name=... (--mapping)"
    )


def drop_scores(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Drop what `rows_to_drop` counts, inside the caller's transaction."""
    for name in _counted(con, mapping, *_SCORES):
        con.execute(f"DROP TABLE {name}")
    for name in _counted(con, mapping, _LEADERBOARD):
        con.execute(f"DELETE FROM {name}")


def fit_past_scores(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Give the user ids of past scores and interventions the type of the mapped ones, in the caller's transaction.

    Raises MappingError if they cannot have it.
    """
    for name, then, wanted in _misfits(con, mapping):
        table = qualified(mapping.schema, name)
        try:
            con.execute(f"ALTER TABLE {table} ALTER user_id TYPE {wanted}")
        except duckdb.Error as error:
            raise MappingError(
                f"the user ids of {table}, of type {then}, cannot be read as {wanted}, which those of the events are "
                f"now ({error}): put these rows elsewhere, CREATE TABLE old_{name} AS FROM {table}; DROP TABLE "
                f"{table}; then map again"
            ) from error


def differences(old: Mapping, new: Mapping) -> str:
    """What is different about two mappings, in words."""
    changed = (field.name for field in fields(Mapping) if getattr(old, field.name) != getattr(new, field.name))
    return "; ".join(f"{name}: {_text(name, old)}, now {_text(name, new)}" for name in changed)


def in_words(rows: Dict[str, int]) -> str:
    """Tables with their numbers of rows."""
    return ", ".join(f"{name} ({count:,} row{'' if count == 1 else 's'})" for name, count in rows.items())


def past_rows(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> dict[str, int]:
    """The past scores and the interventions, which stay: rows by quoted name, if there are any."""
    return _counted(con, mapping, *_PAST)


def _misfits(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> list[tuple[str, str, str]]:
    """(table, type of its user ids, type of those of the events) for each table that stays, if these differ."""
    there = [name for name in _PAST if is_table(con, mapping.schema, name)]
    if not there:
        return []
    wanted = str(con.sql(f"SELECT user_id FROM ({usable_events(con, mapping)})").types[0])
    types = ((name, str(con.sql(f"SELECT user_id FROM {qualified(mapping.schema, name)}").types[0])) for name in there)
    return [(name, then, wanted) for name, then in types if then != wanted]


def _counted(con: duckdb.DuckDBPyConnection, mapping: Mapping, *names: str) -> dict[str, int]:
    there = [qualified(mapping.schema, name) for name in names if is_table(con, mapping.schema, name)]
    return {name: (one(con, f"SELECT count(*) FROM {name}") or (0,))[0] for name in there}


def _kept(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> str:
    past = past_rows(con, mapping)
    return f" and {in_words(past)}" if past else ""


def _text(name: str, mapping: Mapping) -> str:
    value: Any = getattr(mapping, name)
    if name == "features":
        return ", ".join(f"{feature.name} ({feature.kind})" for feature in value) or "none"
    if name == "time_cap" and value is not None:
        return str(datetime(1970, 1, 1) + timedelta(microseconds=value))
    if name == "attached":
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return "none" if value in (None, "") else str(value)
