"""From mapped events to a model of counts in seconds, by the same split, examples and figures as a training."""

from __future__ import annotations

import time
from dataclasses import replace

import duckdb
import numpy as np

from sqlscore.arrays import Floats
from sqlscore.errors import TrainingError
from sqlscore.events.inputs import Inputs
from sqlscore.events.mapping import US_PER_SECOND, Mapping
from sqlscore.models.loading import of_counts
from sqlscore.progress import Progress
from sqlscore.scoring.catalog import UNTRAINED
from sqlscore.scoring.counts import Counts
from sqlscore.scoring.horizons import Horizon
from sqlscore.scoring.manifest import Manifest, pack, read_manifest
from sqlscore.scoring.notes import Limits, TrainingNotes, TrainingRun
from sqlscore.scoring.weights import write_weights
from sqlscore.training.counted.recency import Standing, calibrated
from sqlscore.training.counted.tables import count_actions, fit_calibration, of_churn
from sqlscore.training.data.churn_labels import choose_churn, examples_of
from sqlscore.training.data.churn_users import Group
from sqlscore.training.data.encoding import Encoded, encode_log, vocabulary
from sqlscore.training.data.event_log import EventLog, read_log
from sqlscore.training.data.split import Periods, without_churn
from sqlscore.training.data.windows import Parts, parts_of, windows
from sqlscore.training.evaluation.evaluate import evaluate_log
from sqlscore.training.evaluation.metrics import mean_log_loss
from sqlscore.training.evaluation.predicted import predict
from sqlscore.training.learning.following import base_rates
from sqlscore.training.learning.horizons import fit_horizons
from sqlscore.training.options import TrainedModel, TrainingOptions

NO_TRAINING = "counts and tables, no training: `sqlscore train` makes a model that replaces it"
_MIN_TARGETS = 20


def count_model(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    options: TrainingOptions,
    progress: Progress,
    allowed_leaks: list[dict[str, str]] | None = None,
) -> TrainedModel:
    """A model of counts of the mapped events. It reads actions and times alone.

    Args:
        con: an open database.
        mapping: the events.
        options: horizon, lookback, churn, seed and the limits count, and nothing else.
        progress: told of every step.
        allowed_leaks: findings of the linter in the mapped view that were let pass.

    Raises TrainingError if the events cannot support what is asked for, saying what would.
    """
    log = read_log(con, replace(mapping, features=()), options.max_events, options.max_user_events, progress)
    base = without_churn(log.times)
    if not options.churn or (base.by_users and options.horizon is None):
        reason = "the events have too few distinct times for dates on which churn could be labelled"
        return count_log(log, (base, reason), options, progress, allowed_leaks=allowed_leaks)
    periods, reason = choose_churn(log, base, options.horizon, options.lookback)
    return count_log(log, (periods or base, reason), options, progress, allowed_leaks=allowed_leaks)


def count_log(
    log: EventLog,
    split: tuple[Periods, str],
    options: TrainingOptions,
    progress: Progress,
    *,
    tested: bool = True,
    allowed_leaks: list[dict[str, str]] | None = None,
) -> TrainedModel:
    """The same of a log that was read before.

    Args:
        log: the events.
        split: how they are cut, and why there is no churn head, as `training.fit.split` returns it.
        options: as in `count_model`.
        progress: told of every step.
        tested: judge on the test part too.
        allowed_leaks: as in `count_model`.
    """
    began = time.monotonic()
    (periods, reason), inputs = split, vocabulary(_actions_of(log), split[0].t2, options.max_actions, 0)
    data = encode_log(log, inputs)
    parts = parts_of(log, data, periods, options.seed, options.max_user_events, spare_users=False)
    _require_targets(parts)
    counts, fitted, validation, churn_loss = _judged_counts(data, inputs, parts, progress)
    horizons = _shorter(data, periods, parts, fitted, options)
    churn = None if parts.churn is None else parts.churn.train.churn
    run = TrainingRun(
        events=parts.train.events,
        targets=parts.train.targets,
        churn_examples=0 if churn is None else len(churn),
        validation_targets=parts.validation.targets,
        validated_on="held-out users" if periods.by_users else "a later period",
        epochs=0,
        validation_log_loss=validation,
        churn_log_loss=None if churn_loss is None else {"chosen": churn_loss},
        until=periods.t2,
    )
    notes = TrainingNotes(
        periods=periods.to_notes(),
        sample=log.sample,
        limits=Limits(options.max_events, options.max_user_events),
        options={name: getattr(options, name) for name in ("horizon", "horizons", "lookback", "seed")},
        training=run,
        base_rates=base_rates(data, parts.train, churn),
        no_churn=reason if periods.churn is None else None,
        no_training=NO_TRAINING,
        allowed_leaks=allowed_leaks,
    )
    manifest = replace(_manifest(log, periods, inputs, counts, notes), horizons=horizons)
    counted = time.monotonic()
    if tested:
        metrics = evaluate_log(log, periods, of_counts("candidate", "", manifest, counts), progress)
        metrics.pop("model", None)
        manifest = replace(manifest, metrics=metrics)
    judging = time.monotonic() - counted
    packed = pack(write_weights(counts.to_weights()), manifest)
    if tested and periods.t2 < periods.high_water:
        newest, wide = _through_now(log, periods, inputs, options, fitted)
        notes = replace(notes, training=replace(run, until=int(log.times.max())))
        manifest = replace(_manifest(log, periods, wide, newest, notes), metrics=manifest.metrics, horizons=horizons)
        packed = pack(write_weights(newest.to_weights()), manifest, judged=packed)
    seconds = time.monotonic() - began
    report = {"epochs": [], "parameters": 0}
    report["seconds"] = {"training": round(seconds - judging, 2), "all": round(seconds, 2)}
    return TrainedModel(packed, read_manifest(packed), report)


def _judged_counts(
    data: Encoded, inputs: Inputs, parts: Parts, progress: Progress
) -> tuple[Counts, Floats | None, float | None, float | None]:
    """Counts of what is no test, (a, b) of their churn risks, and the log-losses on what validates.

    The losses and (a, b) are of counts of the training part alone.
    """
    earlier, fitted, churn_loss = count_actions(data, parts.train), None, None
    said = predict(of_counts("earlier", "", _bare(inputs, earlier), earlier), data, parts.validation, progress)
    following = np.where(data.target[said.at] > data.known, 0, data.target[said.at]).astype(np.int64)
    counts = count_actions(data, parts.both)
    if parts.churn is not None:
        train, later, both = (getattr(parts.churn, name).churn for name in ("train", "validation", "both"))
        tables = of_churn(data, both)
        if len(later):
            fitted, churn_loss = fit_calibration(of_churn(data, train), data, later)
            tables = calibrated(tables, fitted)
        counts = replace(counts, recency=tables)
    return counts, fitted, mean_log_loss(following, said.probability), churn_loss


def _shorter(
    data: Encoded, periods: Periods, parts: Parts, fitted: Floats | None, options: TrainingOptions
) -> tuple[Horizon, ...]:
    """The shorter horizons, fitted where the tables of the training part alone were calibrated."""
    if periods.churn is None or parts.churn is None or not options.horizons or fitted is None:
        return ()
    train, later = parts.churn.train.churn, parts.churn.validation.churn
    assert train is not None and later is not None  # noqa: S101, PT018 - such parts hold some
    risk = Standing.at(data, later).risk(calibrated(of_churn(data, train), fitted)).astype(np.float64)
    return fit_horizons(data, later, risk, periods.churn.horizon / US_PER_SECOND, options.horizons)


def _through_now(
    log: EventLog, periods: Periods, inputs: Inputs, options: TrainingOptions, fitted: Floats | None
) -> tuple[Counts, Inputs]:
    """Counts of all events, the newest too, calibrated as those that were judged."""
    wide = vocabulary(_actions_of(log), periods.high_water, options.max_actions, 0, after=inputs)
    data = encode_log(log, wide)
    counts = count_actions(data, windows(log, data, None, None, None, None, None))
    if periods.churn is not None:
        tables = of_churn(data, examples_of(log, periods.churn, *Group))
        counts = replace(counts, recency=tables if fitted is None else calibrated(tables, fitted))
    return counts, wide


def _manifest(log: EventLog, periods: Periods, inputs: Inputs, counts: Counts, notes: TrainingNotes) -> Manifest:
    churn, until = periods.churn, None if notes.training is None else notes.training.until
    return replace(
        _bare(inputs, counts),
        heads=("next_action", "time_to_next", *(("churn",) if churn else ())),
        horizon_seconds=churn.horizon / US_PER_SECOND if churn else None,
        lookback_seconds=churn.lookback / US_PER_SECOND if churn and churn.lookback is not None else None,
        trained_from=_iso(int(log.times.min())),
        trained_to=_iso(until or periods.t2),
        notes=notes.to_json(),
    )


def _bare(inputs: Inputs, counts: Counts) -> Manifest:
    """What the tables are, without what was made of them."""
    return Manifest(
        architecture=UNTRAINED,
        config={"architecture": UNTRAINED, "order": int(counts.order), "counted_actions": int(counts.counted)},
        inputs=inputs,
        heads=("next_action", "time_to_next"),
        capabilities=("encode_each", "seconds_at"),
        state_size=counts.state_size,
        embedding_size=int(counts.counted) + 1,
        fold=True,
        max_events=None,
        horizon_seconds=None,
        lookback_seconds=None,
        trained_from="",
        trained_to="",
    )


def _actions_of(log: EventLog) -> EventLog:
    """The log without the columns that counts do not read, which a comparison's log may have."""
    return replace(log, categorical={}, numeric={})


def _require_targets(parts: Parts) -> None:
    train, validation = parts.train, parts.validation
    if train.targets < _MIN_TARGETS or validation.targets < 1:
        raise TrainingError(
            f"there are too few events to count what follows what: {train.targets} events of the earlier part are "
            f"followed by another one of the same user (at least {_MIN_TARGETS} are needed), and {validation.targets} "
            "of the later part (at least 1): map more events, or check that user_id is the column that says who"
        )


def _iso(microseconds: int) -> str:
    return f"{np.datetime64(microseconds, 'us')}Z"
