"""What is counted in the events whenever they are read, and kept so that the next refresh can compare."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any

import duckdb

from sqlscore.database.events_query import early, rows_of, source, utc_timestamp
from sqlscore.database.queries import one
from sqlscore.database.transactions import now
from sqlscore.errors import InstallError
from sqlscore.events.mapping import Mapping
from sqlscore.mapping.thin_days import ThinDay, thin_days_query

MAPPED, REFRESHED, BUILT, ACCEPTED = "map_events", "refresh", "dbt build", "accepted"
"""When a profile was taken; one that a user accepted stands in place of the one at mapping."""

EPOCH = datetime(1990, 1, 1)
"""Events from before this are far past."""

FAR = timedelta(days=20 * 365.25)
"""Events that lie this much before the 1 % quantile of the times are far past."""


@dataclass(frozen=True)
class Watched:
    """Counts over the events; the comments of `sqlscore.event_profiles` say what each one is.

    Rows of excluded actions, and repeats of an id, are no rows here.
    """

    taken_at: datetime
    n_rows: int
    n_events: int
    first_time: datetime | None
    newest_time: datetime | None
    n_no_user: int
    n_no_time: int
    n_infinite: int
    n_no_action: int
    n_after_cap: int
    n_future: int
    newest_future: datetime | None
    n_far_past: int = 0
    n_missing: dict[str, int] = field(default_factory=dict)
    n_users: int | None = None
    largest_user_share: float | None = None
    model: str | None = None
    n_unknown: int | None = None
    unknown_share_of_new: float | None = None
    thin_days: tuple[ThinDay, ...] = field(default=(), metadata={"kept": False})

    @property
    def n_left_out(self) -> int:
        """Rows without user, finite time or action, and not those that lie in the future or past the cap."""
        return max(0, self.n_rows - self.n_events - self.n_after_cap - self.n_future)


@dataclass(frozen=True)
class Finding:
    """What a guard found."""

    name: str
    outcome: str  # note, warn or refuse
    what: str
    remedy: str  # cap, train or accept: which command mends it


@dataclass(frozen=True)
class Before:
    """The profiles to compare with, and what was found in the last one."""

    mapped: Watched | None = None
    accepted: bool = False  # whether `mapped` is a profile that the user accepted
    last: Watched | None = None
    findings: tuple[Finding, ...] = ()
    verb: str = REFRESHED  # whose profile `last` is


def watch(con: duckdb.DuckDBPyConnection, mapping: Mapping, where: str = "true") -> Watched:
    """Count the events in one scan; only if rows are left out, or some are very old, in a second and a third one.

    Args:
        con: A connection to the database.
        mapping: The mapped events.
        where: A condition on the mapped relation, whose alias is SOURCE: the rows to count.
    """
    features = [f"feature_{number}" for number in range(len(mapping.features))]
    events = rows_as_events(con, mapping, where)
    present = "".join(f", count({name}) AS {name}" for name in features)
    total = "".join(f", CAST(sum({name}) AS BIGINT)" for name in ("users", "times", "actions", *features))
    row: tuple[Any, ...] = (
        one(
            con,
            f"""WITH {events}, per_day AS MATERIALIZED (
                SELECT CAST(time AS DATE) AS day, count(*) AS n_rows, count("user") AS users, count(time) AS times,
                    count(action) AS actions{present}, min(time) AS first, max(time) AS newest,
                    count(*) FILTER ({usable_here(mapping)}) AS n
                FROM events GROUP BY CAST(time AS DATE)
            ), counted AS (
                SELECT CAST(coalesce(sum(n_rows), 0) AS BIGINT){total}, min(first) AS first, max(newest) AS newest
                FROM per_day
            )
            SELECT * EXCLUDE (first, newest), {thin_days_query("per_day")},
                isfinite(first) AND isfinite(newest) AND {early(mapping, "newest")},
                CASE WHEN isfinite(first) THEN first END, CASE WHEN isfinite(newest) THEN newest END FROM counted""",
        )
        or ()
    )
    n_rows, *n_present, thin, all_early, first, newest = row
    n_present = [count or 0 for count in n_present]
    n_missing = {f.name: n_rows - count for f, count in zip(mapping.features, n_present[3:], strict=True)}
    if all_early and n_present[:3] == [n_rows] * 3:
        seen = Watched(now(), n_rows, n_rows, first, newest, 0, 0, 0, 0, 0, 0, None)
    else:
        seen = _left_out(con, mapping, events)
    seen = replace(seen, n_missing=n_missing, thin_days=tuple(ThinDay(**day) for day in thin or ()))
    if seen.first_time is None or seen.newest_time is None or not is_long(seen.first_time, seen.newest_time):
        return seen
    old = one(
        con,
        f"""WITH {events}, usable AS (
                SELECT time FROM events
                WHERE isfinite(time) AND {usable_here(mapping)}
            ), bound AS (SELECT quantile_disc(time, 0.01) AS low FROM usable)
            SELECT count(*) FROM usable, bound
            WHERE time < TIMESTAMP '{EPOCH}' OR epoch(low) - epoch(time) > {FAR.total_seconds()}""",
    )
    return replace(seen, n_far_past=old[0] if old else 0)


def rows_as_events(con: duckdb.DuckDBPyConnection, mapping: Mapping, where: str = "true") -> str:
    """A CTE `events` of the mapped rows as they are: "user", time, action, and feature_0 and so on."""
    columns = "".join(f", {source(f.name)} AS feature_{number}" for number, f in enumerate(mapping.features))
    return f"""events AS (
            SELECT {source(mapping.user_id)} AS "user", {utc_timestamp(con, mapping)} AS time,
                {source(mapping.event_type)} AS action{columns}
            FROM {rows_of(con, mapping, where)}
        )"""


def usable_here(mapping: Mapping) -> str:
    """A condition on rows of `rows_as_events` with a finite time: they are usable."""
    return f'"user" IS NOT NULL AND action IS NOT NULL AND {early(mapping, "time")}'


def is_long(first: datetime, newest: datetime) -> bool:
    """Whether events that lie so far apart may be far past."""
    return first < EPOCH or newest - first > FAR


def _left_out(con: duckdb.DuckDBPyConnection, mapping: Mapping, events: str) -> Watched:
    """Count what is left out, by reason."""
    is_early, future = early(mapping, "time"), "NOT early" if mapping.time_cap is None else "false"
    counted = one(
        con,
        f"""WITH {events}, flagged AS (
                SELECT *, time IS NOT NULL AND isfinite(time) AS timed, {is_early} AS early,
                    "user" IS NOT NULL AND action IS NOT NULL AND isfinite(time) AND {is_early} AS usable
                FROM events
            )
            SELECT count(*), count(*) FILTER (usable), min(time) FILTER (usable), max(time) FILTER (usable),
                count(*) FILTER ("user" IS NULL), count(*) FILTER (time IS NULL),
                count(*) FILTER (time IS NOT NULL AND NOT timed), count(*) FILTER (action IS NULL),
                count(*) FILTER (timed AND NOT early), count(*) FILTER (timed AND {future}),
                max(time) FILTER (timed AND {future}) FROM flagged""",
    )
    assert counted is not None  # noqa: S101 - an aggregate has one row
    n_rows, n_events, first, newest, n_no_user, n_no_time, n_infinite, n_no_action = counted[:8]
    n_late, n_future, newest_future = counted[8:]
    return Watched(
        taken_at=now(),
        n_rows=n_rows,
        n_events=n_events,
        first_time=first,
        newest_time=newest,
        n_no_user=n_no_user,
        n_no_time=n_no_time,
        n_infinite=n_infinite,
        n_no_action=n_no_action,
        n_after_cap=n_late - n_future,
        n_future=n_future,
        newest_future=newest_future,
    )


def write_profile(
    con: duckdb.DuckDBPyConnection, mapping: str, verb: str, seen: Watched, findings: tuple[Finding, ...]
) -> None:
    """Replace the profile of this verb, inside the caller's transaction; at mapping all others go.

    An accepted profile stands in place of the one at mapping.
    """
    gone = {MAPPED: _ALL, ACCEPTED: (MAPPED, ACCEPTED)}
    forget_profiles(con, mapping, gone.get(verb, (verb,)))
    row = {name: value for name, value in asdict(seen).items() if name in _KEPT}
    row |= {"mapping": mapping, "verb": verb, "n_missing": json.dumps(seen.n_missing)}
    row["findings"] = json.dumps([asdict(finding) for finding in findings])
    names, places = ", ".join(row), ", ".join("?" for _ in row)
    con.execute(f"INSERT INTO sqlscore.event_profiles ({names}) VALUES ({places})", list(row.values()))


_ALL = (MAPPED, REFRESHED, BUILT, ACCEPTED)


def forget_profiles(con: duckdb.DuckDBPyConnection, mapping: str, verbs: tuple[str, ...] = _ALL) -> None:
    """Delete profiles of a mapping."""
    con.execute("DELETE FROM sqlscore.event_profiles WHERE mapping = ? AND list_contains(?, verb)", [mapping, [*verbs]])


_KEPT = tuple(f.name for f in fields(Watched) if f.metadata.get("kept", True))
_COUNTED = tuple(f.name for f in fields(Watched) if f.type == "int")
"""Counts that every profile has."""


def read_profiles(con: duckdb.DuckDBPyConnection, mapping: str, *verbs: str) -> Before:
    """What is stored to compare with: the profile at mapping, and the newest of these verbs, else of `refresh`.

    Raises InstallError if a row is not as sqlscore wrote it.
    """
    names = _KEPT
    rows = con.execute(
        f"SELECT verb, findings, {', '.join(names)} FROM sqlscore.event_profiles WHERE mapping = ?", [mapping]
    ).fetchall()
    found, seen = {}, {}
    for verb, findings, *values in rows:
        row = dict(zip(names, values, strict=True))
        try:
            row["n_missing"] = dict(json.loads(row["n_missing"]))
            found[verb] = tuple(Finding(**finding) for finding in json.loads(findings))
            sum((*(row[name] for name in _COUNTED), *row["n_missing"].values()))
        except (TypeError, ValueError) as error:
            raise InstallError(
                f'sqlscore.event_profiles does not hold what was counted at "{verb}" of "{mapping}": somebody changed '
                "it; `sqlscore repair` counts it anew, or delete it (DELETE FROM sqlscore.event_profiles WHERE ...)"
            ) from error
        seen[verb] = Watched(**row)
    taken = [verb for verb in verbs or (REFRESHED,) if verb in seen]
    latest = max(taken, key=lambda verb: seen[verb].taken_at, default=MAPPED)
    return Before(
        mapped=seen.get(ACCEPTED, seen.get(MAPPED)),
        accepted=ACCEPTED in seen,
        last=seen.get(latest) if taken else None,
        findings=found.get(latest, ()),
        verb=latest if taken else REFRESHED,
    )
