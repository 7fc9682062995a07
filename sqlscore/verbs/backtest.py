"""Walking forward through time: at each moment everybody is scored from the past alone, and judged by what came."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import duckdb

from sqlscore.database.catalog import catalog, mapped
from sqlscore.database.events_query import events_until
from sqlscore.database.transactions import on_own_connection, recorded, snapshot, transaction
from sqlscore.errors import ModelError
from sqlscore.events.mapping import DEFAULT_MAPPING, Mapping
from sqlscore.experiments.walk import (
    SCORES,
    metrics_of,
    model_of_past,
    moments_of,
    refuse_seen,
    score_moment,
)
from sqlscore.mapping.roles import check_readable
from sqlscore.score_tables.past_scores import keep_scores
from sqlscore.times import iso, to_seconds
from sqlscore.verbs.backtest_head import HeadWalk, backtest_head
from sqlscore.verbs.leaks import refuse_leaks

if TYPE_CHECKING:
    from sqlscore.progress import Progress


_WEEK = 7 * 86_400.0


@dataclass(frozen=True)
class Backtest:
    """What a walk showed: `periods` are the rows of `sqlscore.backtest_metrics` that it made, in order of time.

    Of a fine-tuned head they are those of `sqlscore.label_backtests`, `summary` has the figures of all moments
    together, and `verdict` says them in words.
    """

    mapping: str
    model: str
    retrained: bool
    periods: tuple[dict[str, Any], ...]
    warnings: tuple[str, ...]
    seconds: float
    summary: dict[str, Any] = field(default_factory=dict)
    verdict: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        return asdict(self)


@on_own_connection
def backtest(
    con: duckdb.DuckDBPyConnection,
    /,
    *,
    every: str | float | timedelta | None = None,
    start: date | str | None = None,
    end: date | str | None = None,
    model: str | None = None,
    retrain: bool = False,
    architecture: str | None = None,
    horizon: str | float | timedelta | None = None,
    include_seen: bool = False,
    mapping: str = DEFAULT_MAPPING,
    threads: int | None = None,
    allow_leak: Sequence[str] = (),
    progress: Progress | None = None,
    **options: Any,
) -> Backtest:
    """Score everybody at start, start + every, ... up to end, from the events up to each moment, and judge the scores.

    The scores are kept in `sqlscore.past_scores`, one row for each user, moment and model, and replace those of an
    earlier walk; `sqlscore.judged_past_scores` has what came true, `sqlscore.backtest_metrics` the quality by moment.

    A fine-tuned head is learned again at each moment, from the labels that were known by then alone (`known_at`), and
    judged by the labels from then to the next moment, beside the mean, the user's last label, logistic regression and
    LightGBM that learned the same. Its query is run again, its base is read as it was when it was judged, and the rows
    are kept in `sqlscore.label_backtests`.

    Args:
        con: A connection that `connect` made.
        every: The time between two moments: seconds, a timedelta or text such as "7 days", which is the default; of a
            head by default the moments of its labels, or a twelfth of their span if these are more than 24.
        start: The first moment; by default the end of the model's training. With `retrain` a model needs it; a head
            begins with the first moment at which enough labels were known.
        end: The last moment; by default the newest event. Of a head, that of the last label.
        model: The model that scores, or a head; by default the champion.
        retrain: At each moment, train a model on the past alone instead; none is registered. Of a head, its base.
        architecture: What `retrain` trains: by default gru; of a head, with its options, what its base is.
        horizon: How far ahead the churn label looks; by default as far as the model. The risks of an existing model are
            for its own horizon, so with another one only their ranking can be judged. Not of a head.
        include_seen: Also score moments that the model's training has seen, marked as `trained_after`.
        mapping: The name of the mapping.
        threads: How many threads encode; by default one per core.
        allow_leak: Rules of the linter (docs/linting.md) that the mapped view may break.
        progress: Receives the stages of trainings.
        **options: Fields of training.TrainingOptions, for `retrain`.

    Raises ModelError if the model has seen what it would be judged by, or if the mapped events are a view that shows
    what came after an event, MappingError if there is no moment to judge, TrainingError if the past of a moment cannot
    be trained on, or if the labels of a head cannot be judged at any.

    Examples:
        >>> sqlscore.backtest(con, every="7 days", start="2024-03-01").periods[0]["accuracy"]
    """
    began = time.perf_counter()
    source = mapped(con, mapping)
    check_readable(con, source)
    refuse_leaks(con, source, allow_leak, ModelError)
    if options and not retrain:
        raise ModelError(f"{', '.join(sorted(options))}: options of training, which need retrain=True")
    step = to_seconds(every)
    if model is not None and catalog(con).find(model, mapping).is_head:
        if horizon is not None:
            raise ModelError("horizon is of churn: the labels of a head say their own")
        walk = HeadWalk(step, start, end, retrain, architecture, include_seen, threads, allow_leak, progress, options)
        return _of_head(con, source, model, walk, began)
    architecture = architecture or "gru"
    if retrain and model is not None:
        raise ModelError(f"model={model!r} and retrain=True exclude each other: judge a model, or train new ones")
    artifact = None if retrain else catalog(con).judged(model, mapping)
    dates = moments_of(con, source, artifact, start, end, step or _WEEK)
    warnings = [] if artifact is None else refuse_seen(artifact, dates, include_seen)
    label = f"{architecture}, retrained" if artifact is None else artifact.name
    asked = to_seconds(horizon)
    with recorded(con, "backtest", mapping) as details, snapshot(con) as reader:
        details.update(model=label, moments=[iso(date) for date in dates])
        for date in dates:
            events = events_until(con, source, date)
            if artifact is None:
                used = model_of_past(con, source, events, date, label, asked, architecture, progress, options)
            else:
                used = artifact
            with transaction(con):
                score_moment(con, reader, source, events, used, date, threads)
                keep_scores(con, source, SCORES, events, used, date, horizon=asked)
                con.execute(f"DROP TABLE {SCORES}")
    periods = metrics_of(con, source, label, dates)
    if all(period["n_labelled"] == 0 for period in periods):
        if any(period["n_censored"] for period in periods):
            warnings.append("no moment has a full churn horizon behind it: end earlier, or pass a shorter horizon")
        else:
            warnings.append("no churn is judged: there was no churn head, or nobody was seen within the lookback")
    return Backtest(mapping, label, retrain, periods, tuple(warnings), time.perf_counter() - began)


def _of_head(con: duckdb.DuckDBPyConnection, source: Mapping, model: str, walk: HeadWalk, began: float) -> Backtest:
    found = backtest_head(con, source, model, walk)
    return Backtest(
        source.name,
        found.periods[0]["model"],
        walk.retrain,
        found.periods,
        found.warnings,
        time.perf_counter() - began,
        found.summary,
        found.verdict,
    )
