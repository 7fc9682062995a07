"""The guards where another program than `refresh` writes the scores: dbt, and the server that runs it."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from sqlscore.database.catalog import mapped
from sqlscore.database.transactions import on_own_connection, transaction
from sqlscore.events.mapping import DEFAULT_MAPPING, Mapping
from sqlscore.mapping.guards import BY_DBT, Guards, judge, outcomes, read_guards, refuse
from sqlscore.mapping.of_scores import Scored, of_users
from sqlscore.mapping.readers import check_readers, note_views, views_changed
from sqlscore.mapping.roles import UNREADABLE, check_types, unreadable
from sqlscore.mapping.watch import (
    ACCEPTED,
    BUILT,
    Before,
    Finding,
    Watched,
    read_profiles,
    watch,
    write_profile,
)


@dataclass(frozen=True)
class Judged:
    """What the guards say of events that are not refused."""

    guards: dict[str, str]  # by guard: ok, note, warn, or refuse and you accepted
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


@on_own_connection
def judge_build(
    con: duckdb.DuckDBPyConnection,
    scored: Scored | None = None,
    *,
    accept: bool = False,
    mapping: str = DEFAULT_MAPPING,
) -> Judged:
    """Compare the events with those at mapping and at the last dbt build, as `refresh` does.

    Args:
        con: A connection that `connect` made.
        scored: What a build has just scored. The counts are noted then, and the next build is compared with them.
        accept: Score events that a guard refuses, and compare later ones with these.
        mapping: The name of the mapping.

    Raises GuardError if a guard refuses the events, and MappingError or EventsError as `refresh` does if they cannot
    be read.
    """
    source, changed, guards, before, watched = _read(con, mapping)
    if scored is not None:
        watched = of_users(watched, scored, before.last)
    found = judge(con, source, guards, watched, before)
    refuse(found, guards, mapping, accept, f"run {BY_DBT}")
    if scored is not None:
        with transaction(con):
            if changed:
                note_views(con, source)
            write_profile(con, mapping, BUILT, watched, () if accept else found)
            if accept:
                write_profile(con, mapping, ACCEPTED, watched, ())
    return _judged(guards, found)


def _read(con: duckdb.DuckDBPyConnection, mapping: str) -> tuple[Mapping, bool, Guards, Before, Watched]:
    source = mapped(con, mapping)
    try:
        check_types(con, source)
        watched = watch(con, source)
    except UNREADABLE as error:
        raise unreadable(source, error) from error
    changed = views_changed(con, source)
    if changed:
        check_readers(con, source)
    return source, changed, read_guards(con), read_profiles(con, mapping, BUILT), watched


def _judged(guards: Guards, found: tuple[Finding, ...]) -> Judged:
    def said(note: bool) -> tuple[str, ...]:
        return tuple(finding.what for finding in found if (finding.outcome == "note") == note)

    return Judged(outcomes(guards, found), said(False), said(True))
