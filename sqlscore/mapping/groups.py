"""The column that says to which group an event belongs: what it may be, what is in it, and which it may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from sqlscore.database.events_query import usable_events
from sqlscore.database.queries import one
from sqlscore.errors import EventsError, MappingError
from sqlscore.events.mapping import CANONICAL, HIGH_WATER, Mapping
from sqlscore.events.times_in_sql import INTEGERS
from sqlscore.mapping.candidates import Candidate
from sqlscore.mapping.guards import Guards
from sqlscore.mapping.leap import MIN_USERS
from sqlscore.mapping.watch import Finding
from sqlscore.quoting import identifier

_NAMES = (*INTEGERS, "VARCHAR", "BOOLEAN")
"""Types that name a group alike in SQL, in Arrow and as text; an ENUM does too."""


def check_group(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Raise MappingError or EventsError if `mapping.group` cannot say to which group an event belongs."""
    name = mapping.group
    taken = [column.casefold() for column in mapping.read_columns]
    if HIGH_WATER in taken and name is not None:
        raise MappingError(
            f'a mapped column is called "{HIGH_WATER}", as sqlscore.events calls the newest event of a group: rename '
            "it in a view, and map the view"
        )
    if name is None:
        return
    if name in (mapping.user_id, mapping.event_time, mapping.event_type):
        raise MappingError(
            f'column "{name}" is user, time or action, and cannot be the group: name the column of the site, tenant or '
            "country, group=... (--group)"
        )
    if name.casefold() in CANONICAL:
        raise MappingError(
            f'the column of the group is called "{name}", as sqlscore.events calls another one: rename it in a view, '
            "and map the view"
        )
    kind = str(con.sql(f"SELECT {identifier(name)} FROM {mapping.relation} LIMIT 0").types[0])
    if kind not in _NAMES and not kind.startswith("ENUM("):
        raise EventsError(
            f'group column "{name}" has type {kind}, expected VARCHAR, ENUM, BOOLEAN or an integer: map a view with '
            f"CAST({identifier(name)} AS VARCHAR) AS {identifier(name)}"
        )


@dataclass(frozen=True)
class Groups:
    """Counts of the groups, over the usable events."""

    n_groups: int  # events without one are a group too
    n_small: int  # with fewer than 20 users: whether one ended, or its users left, cannot be told
    n_without: int  # events without a group
    n_users_in_several: int


def groups(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> tuple[Groups | None, tuple[str, ...]]:
    """Count the groups, and warn if their ends say little; (None, ()) without groups."""
    if mapping.group is None:
        return None, ()
    row = one(
        con,
        f"""WITH pairs AS (
                SELECT user_id, {identifier(mapping.group)} AS part, count(*) AS n_events
                FROM ({usable_events(con, mapping)}) GROUP BY ALL
            ), parts AS (SELECT part, count(*) AS n_users, sum(n_events) AS n_events FROM pairs GROUP BY part)
            SELECT count(*), count(*) FILTER (n_users < {MIN_USERS}),
                CAST(coalesce(sum(n_events) FILTER (part IS NULL), 0) AS BIGINT),
                (SELECT count(*) FROM (SELECT user_id FROM pairs GROUP BY user_id HAVING count(*) > 1)) FROM parts""",
    )
    counts = Groups(*(int(count) for count in row or (0, 0, 0, 0)))
    if not counts.n_small or counts.n_groups == 1:
        return counts, ()
    return counts, (
        f'{counts.n_small} of {counts.n_groups} groups of "{mapping.group}" have fewer than {MIN_USERS} users: if '
        "these leave, their group looks ended, and nobody there is ever silent for long; join small groups in a view",
    )


def likely_groups(found: Sequence[Candidate], guards: Guards) -> tuple[Finding, ...]:
    """What to say of columns that are not mapped and look like groups, some of which ended."""
    guard = guards.get("group_silent_days")
    if guard is None:
        return ()
    return tuple(
        Finding(
            "group_silent_days",
            guard.outcome,
            f'events of some values of "{candidate.name}" ended long before the newest of all ({candidate.ended}, in '
            "the sample): if they are sites, tenants or countries that were closed, their users look as if they had "
            f'left; map with group="{candidate.name}" (--group), and each is scored and labelled up to its own end',
            "accept",
        )
        for candidate in found
        if candidate.ended is not None
    )
