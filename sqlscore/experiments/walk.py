"""The moments of a back-test: scores as of each, and what came after."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import duckdb

from sqlscore.database.catalog import catalog
from sqlscore.database.events_query import canonical, usable_events
from sqlscore.database.queries import one
from sqlscore.database.scan import scan
from sqlscore.errors import MappingError, ModelError, TrainingError
from sqlscore.events.mapping import US_PER_SECOND, Mapping
from sqlscore.quoting import qualified
from sqlscore.score_tables.writing import Appender
from sqlscore.scoring.notes import seen_until
from sqlscore.times import iso, moment

if TYPE_CHECKING:
    from sqlscore.progress import Progress
    from sqlscore.scoring.artifact import Artifact

SCORES = "sqlscore_backtest_scores"
"""The temporary table with the scores of one moment."""

_MOST_MOMENTS = 1_000


def moments_of(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    artifact: Artifact | None,
    start: date | str | None,
    end: date | str | None,
    every: float,
) -> list[int]:
    """The moments, µs: those with events before and after them. Raises MappingError if there is none, or too many."""
    first, newest = one(
        con, f"SELECT epoch_us(min(event_time)), epoch_us(max(event_time)) FROM ({usable_events(con, mapping)})"
    ) or (None, None)
    if first is None:
        raise MappingError(f'the events mapped as "{mapping.name}" contain no usable event: there is nothing to walk')
    if start is None and artifact is None:
        raise MappingError("retraining needs a start: the first moment whose past is long enough to train on")
    begin = (
        seen_until(artifact.manifest)
        if start is None and artifact is not None
        else moment(start, "start", MappingError)
    )
    last = newest if end is None else moment(end, "end", MappingError)
    step = round(every * US_PER_SECOND)
    count = max((min(last, newest - 1) - begin) // step + 1, 0)
    if count > _MOST_MOMENTS:
        raise MappingError(f"that would be {count:,} moments: walk in larger steps, or a shorter way")
    dates = [begin + i * step for i in range(count) if begin + i * step >= first]
    if not dates:
        raise MappingError(
            f"there is no moment from {iso(begin)} to {iso(last)} with events before and after it: the events go "
            f"from {iso(first)} to {iso(newest)}"
        )
    return dates


def refuse_seen(artifact: Artifact, dates: list[int], include_seen: bool) -> list[str]:
    """Warnings about moments that the model's training has seen. Raises ModelError if these are not to be included."""
    until = seen_until(artifact.manifest)
    seen = [date for date in dates if date < until]
    if not seen:
        return []
    text = (
        f"{artifact.name} was trained and calibrated on events up to {iso(until)}: at {len(seen)} of "
        f"{len(dates)} moments, from {iso(seen[0])}, it would be judged by what it has seen"
    )
    if not include_seen:
        raise ModelError(
            f"{text}: start there, train at each moment instead (retrain=True, --retrain), or have such moments marked "
            "(include_seen=True, --include-seen)"
        )
    return [f"{text}; they are marked as trained_after"]


def model_of_past(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    events: str,
    date: int,
    label: str,
    horizon: float | None,
    architecture: str,
    progress: Progress | None,
    options: dict[str, Any],
) -> Artifact:
    """A model that is trained on the events up to a moment (µs) alone.

    Raises TrainingError if these cannot be trained on.
    """
    from sqlscore.models.loading import load
    from sqlscore.progress import Prefixed
    from sqlscore.scoring.manifest import sha256_of
    from sqlscore.training.fit import fit
    from sqlscore.training.options import TrainingOptions

    settings = TrainingOptions(architecture=architecture, horizon=horizon, **options)
    prefixed = Prefixed(progress, iso(date)[:10]) if progress is not None else None
    try:
        trained = fit(con, canonical(mapping, events), settings, prefixed)
    except TrainingError as error:
        raise TrainingError(f"the events up to {iso(date)}: {error}; or start later") from error
    return load(trained.artifact, sha256_of(trained.artifact), label, catalog(con).device)


def score_moment(
    con: duckdb.DuckDBPyConnection,
    reader: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    events: str,
    artifact: Artifact,
    date: int,
    threads: int | None,
) -> None:
    """Score everybody at a moment (µs) into the temporary table SCORES."""
    from sqlscore.parallel import in_order  # torch
    from sqlscore.score_tables.rows import score_at

    like = qualified(mapping.schema, "live_scored_users")
    con.execute(f"CREATE OR REPLACE TEMP TABLE {SCORES} AS FROM {like} WITH NO DATA")
    appender = Appender(con, SCORES)
    for rows in in_order(partial(score_at, artifact, as_of=date), scan(reader, canonical(mapping, events)), threads):
        appender.add(rows)
    appender.flush()


def metrics_of(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, model: str, dates: list[int]
) -> tuple[dict[str, Any], ...]:
    """The rows of `backtest_metrics` for these moments (µs), in order of time."""
    relation = con.execute(
        f"""SELECT * FROM {qualified(mapping.schema, "backtest_metrics")}
            WHERE model = ? AND list_contains(?, epoch_us(as_of)) ORDER BY as_of""",
        [model, dates],
    )
    names = [column[0] for column in relation.description or ()]
    return tuple(dict(zip(names, row, strict=True)) for row in relation.fetchall())
