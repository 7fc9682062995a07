"""What labels cannot be learned from: errors that name a column, a value and the remedy."""

from __future__ import annotations

from typing import Any

import duckdb

from sqlscore.database.queries import one
from sqlscore.errors import TrainingError
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import qualified

TABLE = "sqlscore_labels"
"""A temporary table of the reader's connection: row, user_id, as_of, label, known_at."""


LEAST = 20
"""Labels that are too few to learn from and to be judged by."""


_CHECKS = (
    (
        "user_id IS NULL",
        'the column "user_id" of the labels is NULL',
        "leave these rows out: WHERE user_id IS NOT NULL",
    ),
    ("as_of IS NULL", 'the column "as_of" of the labels is NULL', "leave these rows out: WHERE as_of IS NOT NULL"),
    (
        "label IS NULL",
        'the column "label" is NULL',
        "leave out what is not known (WHERE label IS NOT NULL), or say what it means: coalesce(label, false)",
    ),
    ("NOT isfinite(as_of)", 'the column "as_of" of the labels is infinite', "pass a time"),
)


def check(con: duckdb.DuckDBPyConnection, mapping: Mapping, types: dict[str, str], high_water: int) -> None:
    """Raise TrainingError if one of the labels in TABLE cannot be learned from, or if they are too few.

    Args:
        con: The connection that has TABLE.
        mapping: The events.
        types: Of the columns of the labels, by name.
        high_water: µs, the newest event of all.
    """
    newest = f"make_timestamp({int(high_water)})"
    _refuse(con, _CHECKS)
    events = qualified(mapping.schema, "events")
    try:
        con.execute(f"SELECT 1 FROM {TABLE} l JOIN {events} e USING (user_id) LIMIT 0")
    except duckdb.Error as error:
        kind = con.sql(f"SELECT user_id FROM {events}").types[0]
        raise TrainingError(
            f'the column "user_id" of the labels has type {types["user_id"]}, that of the events {kind}: cast it'
        ) from error
    moments: list[tuple[str, str, str]] = [
        (
            f"as_of > {newest}",
            f'the column "as_of" of the labels is after the newest event ({_moment(con, newest)})',
            "what comes after it is not known yet: leave these rows out",
        ),
    ]
    if "known_at" in types:
        moments += [
            (
                "known_at <= as_of",
                'the column "known_at" of the labels is not after as_of, so the features would see the label',
                "take an as_of before it was known",
            ),
            (
                f"known_at > {newest}",
                f'the column "known_at" of the labels is after the newest event ({_moment(con, newest)})',
                "these labels are not known yet: leave them out",
            ),
        ]
    else:
        moments.append(
            (
                f"as_of = {newest}",
                'the column "as_of" of the labels is that of the newest event',
                "nothing came after it that could be a label: leave these rows out",
            )
        )
    _refuse(con, moments)
    twice = one(
        con,
        f"SELECT user_id, as_of, count(*) FROM {TABLE} GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL LIMIT 1",
    )
    if twice:
        raise TrainingError(
            f'the columns "user_id" and "as_of" of the labels are {twice[0]!r} and {twice[1]} in {twice[2]} rows: a '
            "user has one label at a moment; aggregate them, or SELECT DISTINCT ON (user_id, as_of)"
        )
    stranger = one(con, f"SELECT user_id, count(*) OVER () FROM {TABLE} ANTI JOIN {events} USING (user_id) LIMIT 1")
    if stranger:
        raise TrainingError(
            f'the column "user_id" of the labels is {stranger[0]!r} in one of {stranger[1]:,} rows whose user has no '
            f'event mapped as "{mapping.name}": leave these users out (SEMI JOIN {events} USING (user_id))'
        )
    early = one(
        con,
        f"SELECT l.user_id, l.as_of, count(*) OVER () FROM {TABLE} l JOIN (SELECT user_id, min(event_time) AS first "
        f"FROM {events} SEMI JOIN {TABLE} USING (user_id) GROUP BY user_id) f USING (user_id) WHERE l.as_of < f.first "
        "LIMIT 1",
    )
    if early:
        raise TrainingError(
            f'the column "as_of" of the labels is {early[1]} for user {early[0]!r}, before the first event of that '
            f"user ({early[2]:,} rows): there is nothing to predict from; leave these rows out"
        )
    counted = one(con, f"SELECT count(*) FROM {TABLE}") or (0,)
    if counted[0] < LEAST:
        raise TrainingError(f"there are {counted[0]} labels, and at least {LEAST} are needed: add users, or moments")


def _refuse(con: duckdb.DuckDBPyConnection, checks: Any) -> None:
    for condition, what, remedy in checks:
        row = one(con, f"SELECT user_id, as_of, count(*) OVER () FROM {TABLE} WHERE {condition} ORDER BY row LIMIT 1")
        if row:
            raise TrainingError(f"{what} in {row[2]:,} row(s), the first for user {row[0]!r} as of {row[1]}: {remedy}")


def _moment(con: duckdb.DuckDBPyConnection, sql: str) -> str:
    return str((one(con, f"SELECT {sql}") or ("",))[0])
