"""Walking forward through time: at each moment everybody is scored from the past alone, and judged by what came."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from sqlscore.canonical import canonical, usable_events
from sqlscore.durations import to_seconds
from sqlscore.errors import MappingError, ModelError, TrainingError
from sqlscore.events import DEFAULT_MAPPING, US_PER_SECOND, Mapping
from sqlscore.mapping import mapped
from sqlscore.moments import iso, moment
from sqlscore.queries import create_empty, one
from sqlscore.quoting import qualified
from sqlscore.registry import catalog
from sqlscore.scan import Users, scan
from sqlscore.score_keeping import keep_scores, seen_until
from sqlscore.staging import Appender
from sqlscore.transactions import on_own_connection, recorded, transaction

if TYPE_CHECKING:
    from sqlscore.artifact import Artifact
    from sqlscore.training import Progress

_SCORES = "sqlscore_backtest_scores"
_MOST_MOMENTS = 1_000


@dataclass(frozen=True)
class Backtest:
    """What a walk showed: `periods` are the rows of `sqlscore.backtest_metrics` that it made, in order of time."""

    mapping: str
    model: str
    retrained: bool
    periods: tuple[dict[str, Any], ...]
    warnings: tuple[str, ...]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        return asdict(self)


@on_own_connection
def backtest(
    con: duckdb.DuckDBPyConnection,
    /,
    *,
    every: str | float | timedelta,
    start: date | str | None = None,
    end: date | str | None = None,
    model: str | None = None,
    retrain: bool = False,
    architecture: str = "gru",
    horizon: str | float | timedelta | None = None,
    include_seen: bool = False,
    mapping: str = DEFAULT_MAPPING,
    threads: int | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Backtest:
    """Score everybody at start, start + every, ... up to end, from the events up to each moment, and judge the scores.

    model: which (default: the champion); start is then by default where its training ended. retrain: train a model of
    this `architecture` at each moment instead, on the past alone, with `options` of training.TrainingOptions; none is
    registered. end: default, the newest event. horizon: of the churn label, by default the model's; an existing
    model's risks are for its own horizon, so that by another only their ranking can be judged.
    include_seen: score moments that the model's training has seen too, marked as `trained_after`.

    The scores are kept in `sqlscore.past_scores`, one row a user, moment and model, in place of those of an earlier
    walk; `sqlscore.judged_past_scores` has what came true, `sqlscore.backtest_metrics` the quality by moment.

    Raises ModelError where the model has seen what it would be judged by, MappingError where there is no moment to
    judge, TrainingError where the past of a moment cannot be trained on.

    >>> sqlscore.backtest(con, every="7 days", start="2024-03-01").periods[0]["accuracy"]
    """
    began = time.perf_counter()
    where = mapped(con, mapping)
    if retrain and model is not None:
        raise ModelError(f"model={model!r} and retrain=True exclude each other: judge a model, or train new ones")
    if options and not retrain:
        raise ModelError(f"{', '.join(sorted(options))}: options of training, which need retrain=True")
    artifact = None if retrain else catalog(con).artifact(model, mapping)
    dates = _dates(con, where, artifact, start, end, to_seconds(every) or 0.0)
    warnings = [] if artifact is None else _seen(artifact, dates, include_seen)
    label = f"{architecture}, retrained" if artifact is None else artifact.name
    asked = to_seconds(horizon)
    with recorded(con, "backtest", mapping) as details, _snapshot(con) as reader:
        details.update(model=label, moments=[iso(date) for date in dates])
        for date in dates:
            events = _until(con, where, date)
            if artifact is None:
                used = _trained(con, where, events, date, label, asked, architecture, progress, options)
            else:
                used = artifact
            with transaction(con):
                _score(con, reader, where, events, used, date, threads)
                keep_scores(con, where, _SCORES, events, used, date, horizon=asked)
                con.execute(f"DROP TABLE {_SCORES}")
    periods = _metrics(con, where, label, dates)
    if all(period["n_labelled"] == 0 for period in periods):
        if any(period["n_censored"] for period in periods):
            warnings.append("no moment has a full churn horizon behind it: end earlier, or pass a shorter horizon")
        else:
            warnings.append("no churn is judged: there was no churn head, or nobody was seen within the lookback")
    return Backtest(mapping, label, retrain, periods, tuple(warnings), time.perf_counter() - began)


def _dates(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    artifact: Artifact | None,
    start: date | str | None,
    end: date | str | None,
    every: float,
) -> list[int]:
    """The moments, µs: those that have events before and after them."""
    first, newest = one(
        con, f"SELECT epoch_us(min(event_time)), epoch_us(max(event_time)) FROM ({usable_events(con, mapping)})"
    ) or (None, None)
    if first is None:
        raise MappingError(f'the events mapped as "{mapping.name}" hold none that counts: there is nothing to walk')
    if start is None and artifact is None:
        raise MappingError("retraining needs a start: the first moment whose past is long enough to train on")
    begin = seen_until(artifact) if start is None and artifact is not None else moment(start, "start", MappingError)
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


def _seen(artifact: Artifact, dates: list[int], include_seen: bool) -> list[str]:
    """Warnings of moments that the model's training has seen. Raises ModelError unless they are to be included."""
    seen = [date for date in dates if date < seen_until(artifact)]
    if not seen:
        return []
    text = (
        f"{artifact.name} was trained and calibrated on events up to {iso(seen_until(artifact))}: at {len(seen)} of "
        f"{len(dates)} moments, from {iso(seen[0])}, it would be judged by what it has seen"
    )
    if not include_seen:
        raise ModelError(
            f"{text}: start there, train at each moment instead (retrain=True, --retrain), or have such moments marked "
            "(include_seen=True, --include-seen)"
        )
    return [f"{text}; they are marked as trained_after"]


def _trained(
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
    """A model of the past of a moment, trained on a relation that holds nothing later."""
    from sqlscore.artifact_loading import load
    from sqlscore.manifest import sha256_of
    from sqlscore.training import TrainingOptions, fit
    from sqlscore.training.options import Prefixed

    settings = TrainingOptions(architecture=architecture, horizon=horizon, **options)
    told = Prefixed(progress, iso(date)[:10]) if progress is not None else None
    try:
        trained = fit(con, canonical(mapping, events), settings, told)
    except TrainingError as error:
        raise TrainingError(f"of the events up to {iso(date)}: {error}; or start later") from error
    return load(trained.artifact, sha256_of(trained.artifact), label, catalog(con).device)


def _score(
    con: duckdb.DuckDBPyConnection,
    reader: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    events: str,
    artifact: Artifact,
    date: int,
    threads: int | None,
) -> None:
    """Everybody's scores at a moment, in the temporary table _SCORES."""
    from sqlscore.bulk import in_order, present, score_rows  # torch

    def score(users: Users) -> pa.Table:
        ids, sequences, _ = present(users)
        return score_rows(ids, artifact.encode(sequences), date, artifact)

    like = qualified(mapping.schema, "live_scored_users")
    create_empty(con, _SCORES, f"SELECT * FROM {like}", temporary=True)
    appender = Appender(con, _SCORES)
    for rows in in_order(score, scan(reader, canonical(mapping, events)), threads):
        appender.add(rows)
    appender.flush()


def _metrics(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, model: str, dates: list[int]
) -> tuple[dict[str, Any], ...]:
    relation = con.execute(
        f"""SELECT * FROM {qualified(mapping.schema, "backtest_metrics")}
            WHERE model = ? AND list_contains(?, epoch_us(as_of)) ORDER BY as_of""",
        [model, dates],
    )
    names = [column[0] for column in relation.description or ()]
    return tuple(dict(zip(names, row, strict=True)) for row in relation.fetchall())


def _until(con: duckdb.DuckDBPyConnection, mapping: Mapping, date: int) -> str:
    """A query for the canonical events up to a moment."""
    return f"SELECT * FROM ({usable_events(con, mapping)}) WHERE event_time <= make_timestamp({date})"


@contextmanager
def _snapshot(con: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """A second connection, which all moments are scored from as the events were at the beginning."""
    with con.cursor() as reader:
        reader.begin()
        try:
            yield reader
        finally:
            reader.rollback()
