"""Columns that are not mapped and may help to predict: what is in them, and what speaks against them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import duckdb
import pyarrow as pa

from sqlscore.database.events_query import SOURCE, source, usable_events
from sqlscore.database.queries import one
from sqlscore.errors import EventsError
from sqlscore.events.kinds import Kind, kind_of
from sqlscore.events.mapping import CANONICAL, Feature, Mapping
from sqlscore.mapping.ended_groups import ended_in, in_words
from sqlscore.quoting import identifier

_EVENTS = 100_000  # about as many are looked at, of users at random
_SHARES = 10_000  # users are sampled in ten-thousandths
_NEARLY = 0.98  # of users or events, of which something holds
_FEW = 20  # events or users that must speak for it
_GROUPS = 50  # values of a column that may say to which group a user belongs
_MOSTLY = 0.9  # of users have one of them
_VALUES = 1_000  # of a number, up to which it is looked at as a category

AFTERWARDS = "known only afterwards?"
PER_USER = "one value a user"


@dataclass(frozen=True)
class Candidate:
    """A column of the events table that has no role, as a sample of the users' events shows it.

    Args:
        name: by the user's own spelling.
        kind: how a model would read it; None: not at all.
        n_values: distinct values.
        null_share: of the events.
        hint: why it isn't tried as it is; None: `train(features="auto")` tries it.
        ended: which of its values ended long before the rest, in words, if hardly any user has two: sites, perhaps.
    """

    name: str
    kind: Kind | None
    n_values: int
    null_share: float
    hint: str | None = None
    ended: str | None = None


def candidates(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    silent_days: float | None = None,
    n_rows_in: str | None = None,
) -> tuple[Candidate, ...]:
    """What is in the columns that are not mapped, in the order of the table.

    The hints, the first that holds: "always the same"; "is the action itself" and "follows from the action", which
    tell a model nothing new; "nearly one value an event", of texts and whole numbers: an id; "one value a user", which
    may have been filled in from what the user did later; "known only afterwards?": with it the next action is nearly
    certain, and without it is not, or it grows as the time to the next event does.

    Args:
        con: A connection to the database.
        mapping: The mapped events, which can be read.
        silent_days: From how many days on a value has ended before the rest; None: not looked for.
        n_rows_in: A relation with the same users in as many rows that is counted in its place; None: there is none.
    """
    schema = con.sql(f"SELECT * FROM {mapping.relation} LIMIT 0").to_arrow_table().schema
    rule = None if mapping.composition is None else mapping.composition.identity
    device = () if rule is None or rule.device is None else (rule.device,)
    mapped = {name.casefold() for name in (*mapping.read_columns, *mapping.event_id, *device)}
    fields = [field for field in schema if field.name.casefold() not in mapped]
    if not fields:
        return ()
    kinds = {field.name: _kind(field) for field in fields}
    readable = [name for name, kind in kinds.items() if kind is not None and name.casefold() not in CANONICAL]
    found = {}
    with _apart(_sample(con, mapping, readable, n_rows_in)) as apart:
        for place, name in enumerate(readable):
            whole = pa.types.is_integer(schema.field(name).type)
            found[name] = _looked_at(apart, f"c{place}", Candidate(name, kinds[name], 0, 0.0), whole)
            if silent_days is not None and mapping.group is None and (kinds[name] == "categorical" or whole):
                found[name] = _with_ends(apart, f"c{place}", found[name], silent_days)
    return tuple(found.get(field.name) or _unreadable(field) for field in fields)


def features_that_ended(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, silent_days: float | None, n_rows_in: str | None = None
) -> tuple[Candidate, ...]:
    """Mapped features of which some values ended long before the rest, as in `candidates`; none if there is a group."""
    if silent_days is None or mapping.group is not None:
        return ()
    there = {name.casefold() for name in con.sql(f"SELECT * FROM {mapping.relation} LIMIT 0").columns}
    names = [f.name for f in mapping.features if f.kind == "categorical" and f.name.casefold() in there]
    if not names:
        return ()
    with _apart(_sample(con, mapping, names, n_rows_in)) as apart:
        found = []
        for place, name in enumerate(names):
            (values,) = one(apart, f"SELECT count(DISTINCT c{place}) FROM events") or (0,)
            found.append(_with_ends(apart, f"c{place}", Candidate(name, "categorical", values, 0.0), silent_days))
    return tuple(candidate for candidate in found if candidate.ended is not None)


def known_afterwards(con: duckdb.DuckDBPyConnection, mapping: Mapping, columns: Iterable[str]) -> list[str]:
    """Those of these columns of the relation with which what comes next is nearly certain, as in `candidates`."""
    names = list(columns)
    schema = con.sql(f"SELECT * FROM {mapping.relation} LIMIT 0").to_arrow_table().schema
    found = []
    with _apart(_sample(con, mapping, names)) as apart:
        for place, name in enumerate(names):
            c, kind = f"c{place}", _kind(schema.field(name))
            values = (one(apart, f"SELECT count(DISTINCT {c}) FROM events") or (0,))[0]
            if _tells_next_action(apart, c, values) or (kind == "numeric" and _tells_next_time(apart, c)):
                found.append(name)
    return found


@contextmanager
def _apart(sample: pa.Table) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of its own, so that nothing of this is left in the user's file: the sample with what followed."""
    with duckdb.connect() as apart:
        apart.execute("SET threads = 1")
        apart.register("sample", sample)
        apart.execute(
            """CREATE TABLE events AS
               SELECT *, md5_number_lower(u) % 2 AS half, lead(a) OVER following AS b,
                   epoch(lead(t) OVER following - t) AS gap
               FROM (SELECT *, row_number() OVER () AS nth FROM sample)
               WINDOW following AS (PARTITION BY u ORDER BY t, a, nth)"""
        )
        yield apart


def _kind(field: pa.Field) -> Kind | None:
    try:
        return kind_of(field.name, field.type)
    except EventsError:
        return None


def _unreadable(field: pa.Field) -> Candidate:
    if field.name.casefold() in CANONICAL:
        return Candidate(field.name, None, 0, 0.0, "rename it in a view")  # sqlscore.events calls another column so
    what = "a time" if pa.types.is_temporal(field.type) else "no category or number"
    return Candidate(field.name, None, 0, 0.0, f"{what}: cast it in a view")


def _sample(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, columns: list[str], n_rows_in: str | None = None
) -> pa.Table:
    """u, a, t and the columns as c0, c1, ... of the usable events of some users."""
    user = source(mapping.user_id)
    total = (one(con, f"SELECT count({user}) FROM {n_rows_in or mapping.relation} AS {SOURCE}") or (0,))[0]
    share = max(1, min(_SHARES, _SHARES * _EVENTS // max(total, 1)))
    wanted = replace(mapping, features=tuple(Feature(name, "categorical") for name in columns), subtype=None)
    where = f"md5_number_lower(CAST({user} AS VARCHAR)) % {_SHARES} < {share}"
    names = ", ".join(f"{identifier(name)} AS c{place}" for place, name in enumerate(columns))
    return con.sql(
        f"""SELECT CAST(user_id AS VARCHAR) AS u, CAST(event_type AS VARCHAR) AS a, event_time AS t, {names or "1 AS c"}
            FROM ({usable_events(con, wanted, where)})"""
    ).to_arrow_table()


def _looked_at(con: duckdb.DuckDBPyConnection, c: str, candidate: Candidate, whole: bool) -> Candidate:
    """The candidate with what its column holds."""
    row = one(
        con,
        f"""WITH pairs AS (SELECT count(*) AS n, count(DISTINCT a) AS actions FROM (SELECT DISTINCT a, {c} FROM events
                           WHERE {c} IS NOT NULL)),
            users AS (SELECT count(DISTINCT {c}) AS n FROM events GROUP BY u HAVING count({c}) > 1)
            SELECT count(*), count({c}), count(DISTINCT {c}), (SELECT n FROM pairs), (SELECT actions FROM pairs),
                (SELECT count(*) FROM users), (SELECT count(*) FROM users WHERE n = 1)
            FROM events""",
    )
    events, filled, values, pairs, actions, users, steady = row or (0,) * 7
    candidate = replace(candidate, n_values=values, null_share=1 - filled / events if events else 1.0)
    if values < 1 or (values == 1 and filled == events):
        return replace(candidate, hint="always the same")
    if pairs == actions and filled == events:
        return replace(candidate, hint="is the action itself" if values == actions else "follows from the action")
    if users >= _FEW and steady >= _NEARLY * users:
        return replace(candidate, hint=PER_USER)
    if filled >= _FEW and values >= 0.9 * filled and (candidate.kind == "categorical" or whole):
        return replace(candidate, hint="nearly one value an event")
    if _tells_next_action(con, c, values) or (candidate.kind == "numeric" and _tells_next_time(con, c)):
        return replace(candidate, hint=AFTERWARDS)
    return candidate


def _with_ends(con: duckdb.DuckDBPyConnection, c: str, candidate: Candidate, silent_days: float) -> Candidate:
    """The candidate with what ended of it, if it may say to which of a few groups a user belongs."""
    if not 2 <= candidate.n_values <= _GROUPS:
        return candidate
    newest, names, users, steady = one(
        con,
        f"""WITH users AS (SELECT count(DISTINCT {c}) AS n FROM events WHERE {c} IS NOT NULL GROUP BY u)
            SELECT (SELECT max(t) FROM events),
                (SELECT count({c}) FROM events WHERE TRY_CAST(CAST({c} AS VARCHAR) AS BOOLEAN) IS NULL),
                count(*), count(*) FILTER (WHERE n = 1) FROM users""",
    ) or (None, 0, 0, 0)
    if newest is None or not names or steady < _MOSTLY * users:  # what only says yes or no is a flag, and names no site
        return candidate
    events = f"(SELECT u AS user_id, t AS event_time, {c} AS part FROM events WHERE {c} IS NOT NULL)"
    ended = [group for group in ended_in(con, events, newest, silent_days) if group.n_users >= _FEW]
    gone = [group.name for group in ended]
    (begun,) = one(con, f"SELECT min(t) FROM events WHERE NOT list_contains(?, CAST({c} AS VARCHAR))", [gone]) or (
        None,
    )
    # what begins when another ends is a month, a campaign or a version, not a site beside others
    ended = [group for group in ended if begun is not None and begun < group.newest]
    return replace(candidate, ended=in_words(ended)) if ended else candidate


def _tells_next_action(con: duckdb.DuckDBPyConnection, c: str, values: int) -> bool:
    """Whether what followed action and value in one half of the users is what follows it in the other half."""
    if values > _VALUES:
        return False
    n, known, right, without = one(
        con,
        f"""WITH followed AS (SELECT a, b, half, {c} AS c FROM events WHERE b IS NOT NULL),
            learned AS (SELECT a, c, mode(b ORDER BY b) AS b FROM followed WHERE half = 0 GROUP BY a, c),
            plain AS (SELECT a, mode(b ORDER BY b) AS b FROM followed WHERE half = 0 GROUP BY a)
            SELECT count(*), count(l.b), count(*) FILTER (WHERE l.b = e.b), count(*) FILTER (WHERE p.b = e.b)
            FROM followed e LEFT JOIN learned l ON l.a = e.a AND l.c IS NOT DISTINCT FROM e.c
                LEFT JOIN plain p ON p.a = e.a
            WHERE e.half = 1""",
    ) or (0, 0, 0, 0)
    return bool(n >= _FEW and 2 * known >= n and right >= _NEARLY * known and without < 0.9 * n)


def _tells_next_time(con: duckdb.DuckDBPyConnection, c: str) -> bool:
    """Whether the number is in the same order as the seconds to the next event."""
    n, same = one(
        con,
        f"""SELECT count(*), corr(x, y) FROM (
                SELECT rank() OVER (ORDER BY {c}) AS x, rank() OVER (ORDER BY gap) AS y
                FROM events WHERE {c} IS NOT NULL AND gap IS NOT NULL)""",
    ) or (0, None)
    return bool(n >= _FEW and same is not None and abs(same) >= _NEARLY)
