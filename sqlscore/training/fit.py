"""From a mapped events table to a trained model: read, split, train, calibrate, judge on the latest part, export."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import duckdb
import numpy as np
import torch

from sqlscore.errors import TrainingError
from sqlscore.events.inputs import Inputs
from sqlscore.events.mapping import US_PER_SECOND, Mapping
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.models.config import ModelConfig
from sqlscore.models.export import script
from sqlscore.models.stored import to_weights
from sqlscore.progress import Progress, Silent
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.manifest import Manifest, pack, read_manifest
from sqlscore.training.checking import check_options
from sqlscore.training.data.churn_labels import choose_churn, weighting_of
from sqlscore.training.data.encoding import encode_log, vocabulary
from sqlscore.training.data.event_log import EventLog, read_log
from sqlscore.training.data.split import Periods, without_churn
from sqlscore.training.data.windows import Windows, parts_of
from sqlscore.training.describe import manifest_of, notes_of
from sqlscore.training.evaluation.evaluate import evaluate_log
from sqlscore.training.learning.checkpoints import Checkpoint, fingerprint
from sqlscore.training.learning.scaling import scaled
from sqlscore.training.learning.stages import count, learn
from sqlscore.training.learning.training import Epoch, Learned, Training
from sqlscore.training.newest import train_through_now
from sqlscore.training.options import TrainedModel, TrainingOptions

_MIN_TARGETS = 20


def fit(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    options: TrainingOptions | None = None,
    progress: Progress | None = None,
    search: dict[str, Any] | None = None,
    allowed_leaks: list[dict[str, str]] | None = None,
) -> TrainedModel:
    """Train on the past, validate on the later, test on the latest; the same seed and data give the same model.

    Raises TrainingError if the events cannot support what is asked for, saying what would.

    Args:
        con: an open database.
        mapping: the events.
        options: what is asked for.
        progress: told of every step.
        search: what the manifest notes of how columns were chosen.
        allowed_leaks: what it notes of leaks in the mapped view that were let pass.
    """
    options, progress = options or TrainingOptions(), progress or Silent()
    check_options(options)
    limits = options.max_events, options.max_user_events
    log = read_log(con, mapping, *limits, progress, weight_from=options.weight_from)
    return fit_log(log, split(log, options), options, progress, search=search, allowed_leaks=allowed_leaks)


def fit_log(
    log: EventLog,
    parts: tuple[Periods, str],
    options: TrainingOptions,
    progress: Progress,
    *,
    on_epoch: Callable[[Epoch], None] | None = None,
    tested: bool = True,
    search: dict[str, Any] | None = None,
    allowed_leaks: list[dict[str, str]] | None = None,
    pretraining: dict[str, Any] | None = None,
) -> TrainedModel:
    """Train on a log that was read before, as comparisons and searches do.

    Args:
        log: the events.
        parts: how they are cut, and why there is no churn head, as `split` returns it.
        options: what is asked for.
        progress: told of every step.
        on_epoch: called after every epoch; an exception that it raises ends the training.
        tested: judge on the test part too. The trials of a search must not look there.
        search: what the manifest notes of the search that chose the options.
        allowed_leaks: as in `fit`.
        pretraining: what the manifest notes of a base for fine-tuning.
    """
    periods, reason = parts
    chosen = {"search": search, "allowed_leaks": allowed_leaks, "pretraining": pretraining}
    if ARCHITECTURES[options.architecture].counted and periods.churn is not None:
        periods, reason = replace(periods, churn=None), _knows_no_churn(options)
    began = time.monotonic()
    with seeded(options):
        made = _learn(log, periods, options, progress, on_epoch)
        manifest = _manifest(log, made, reason, chosen)
        learned = time.monotonic()
        if tested:
            manifest = _judged(log, made, manifest, progress)
        judging = time.monotonic() - learned
        packed = pack(to_weights(made.training.model), manifest)
        if tested and options.refit and options.through_now and periods.t2 < periods.high_water:
            made = _Made(*train_through_now(log, made.training, made.inputs, made.config, made.learned))
            manifest = replace(_manifest(log, made, reason, chosen), metrics=manifest.metrics)
            packed = pack(to_weights(made.training.model), manifest, judged=packed)
    seconds = time.monotonic() - began
    report = {
        "epochs": [asdict(epoch) for epoch in made.learned.history],
        "seconds": {"training": round(seconds - judging, 2), "all": round(seconds, 2)},
        "parameters": sum(parameter.numel() for parameter in made.training.model.parameters()),
    }
    checkpoint = made.training.checkpoint
    if checkpoint is not None:
        checkpoint.remove()
    return TrainedModel(packed, read_manifest(packed), report)  # as it will be read back


@dataclass(frozen=True)
class _Made:
    """A training at its end: what its model reads, the sizes of that, and what the training yielded."""

    training: Training
    inputs: Inputs
    config: ModelConfig
    learned: Learned


def _learn(
    log: EventLog,
    periods: Periods,
    options: TrainingOptions,
    progress: Progress,
    on_epoch: Callable[[Epoch], None] | None,
) -> _Made:
    """A trained model that knows nothing of the test part."""
    inputs = vocabulary(log, periods.t2 if options.refit else periods.t1, options.max_actions, options.max_categories)
    data = encode_log(log, inputs)
    architecture = ARCHITECTURES[options.architecture]
    spare = options.refit and not architecture.counted
    parts = parts_of(log, data, periods, options.seed, options.max_sequence, spare)
    _require_targets(parts.train, parts.validation)
    config = _config(log, periods, options)
    model: Any = architecture.build(config, inputs)
    if not architecture.counted:
        data = scaled(model, data, parts.train)
    checkpoint = None
    if options.checkpoint is not None and not architecture.counted:
        checkpoint = Checkpoint(options.checkpoint, fingerprint(log, periods, options))
    training = Training(model, data, parts, periods, options, progress, on_epoch, checkpoint)
    return _Made(training, inputs, config, count(training) if architecture.counted else learn(training))


def _manifest(log: EventLog, made: _Made, reason: str, chosen: dict[str, Any]) -> Manifest:
    """The manifest of what was made, without figures. reason: why there is no churn head, if there is none.

    chosen: what the caller has it note.
    """
    notes = notes_of(made.training, log, made.inputs, made.learned)
    no_churn = reason if made.training.periods.churn is None else None
    churn = made.training.periods.churn
    weighting = None if churn is None or log.treatments is None else weighting_of(log, churn)
    notes = replace(notes, no_churn=no_churn, weighted_labels=weighting, **chosen)
    return manifest_of(made.training, log, made.inputs, made.config, made.learned, notes)


def _judged(log: EventLog, made: _Made, manifest: Manifest, progress: Progress) -> Manifest:
    """The manifest with the figures of the test part."""
    device = made.training.options.device
    candidate = Artifact("candidate", "", manifest, script(made.training.model).to(device), device)
    metrics = evaluate_log(log, made.training.periods, candidate, progress)
    metrics.pop("model", None)
    return replace(manifest, metrics=metrics)


def split(log: EventLog, options: TrainingOptions) -> tuple[Periods, str]:
    """Which part trains, validates and tests, and why there is no churn head; "" if there is one."""
    base = without_churn(log.times)
    if ARCHITECTURES[options.architecture].counted:
        return base, _knows_no_churn(options)
    if not options.churn:
        return base, "it was trained without one, as asked"
    if base.by_users and options.horizon is None:
        return base, "the events have too few distinct times for dates on which churn could be labelled"
    periods, reason = choose_churn(log, base, options.horizon, options.lookback)
    return (base, reason) if periods is None else (periods, "")


def _knows_no_churn(options: TrainingOptions) -> str:
    return f"{options.architecture} counts which action follows which, and knows nothing of churn"


def _require_targets(train: Windows, validation: Windows) -> None:
    if train.targets < _MIN_TARGETS or validation.targets < 1:
        raise TrainingError(
            f"there are too few events to learn what follows what: {train.targets} events of the training part are "
            f"followed by another one of the same user (at least {_MIN_TARGETS} are needed), and {validation.targets} "
            "of the validation part (at least 1): map more events, or check that user_id is the column that says who"
        )


def _config(log: EventLog, periods: Periods, options: TrainingOptions) -> ModelConfig:
    if periods.churn is not None:
        base = periods.churn.horizon / US_PER_SECOND
    else:
        ends = np.minimum(log.times[log.offsets[1:] - 1], periods.t1)
        spans = (ends - log.times[log.offsets[:-1]]) / US_PER_SECOND
        base = max(float(np.quantile(spans[spans > 0], 0.75)) if (spans > 0).any() else 0.0, 60.0)
    return ModelConfig(
        architecture=options.architecture,
        embedding=options.embedding,
        hidden=options.hidden,
        width=options.width,
        dropout=options.dropout,
        attention=options.attention,
        decay_seconds=(base / 16, base / 4, base),
        churn=periods.churn is not None,
    )


@contextmanager
def seeded(options: TrainingOptions) -> Iterator[None]:
    """Seeded, with the given number of threads; the process's own generator and threads are put back."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[torch.cuda.current_device()] if options.device == "cuda" else []):
        torch.manual_seed(options.seed)
        torch.set_num_threads(options.threads)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
