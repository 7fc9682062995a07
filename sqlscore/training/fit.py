"""From a mapped events table to a trained model: read, split, train, calibrate, judge on the latest part, export."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

import duckdb
import numpy as np
import torch

from sqlscore.errors import TrainingError
from sqlscore.events.mapping import US_PER_SECOND, Mapping
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.models.config import ModelConfig
from sqlscore.models.encoders.attention_rnn import ATTENTIONS
from sqlscore.models.export import script, to_torchscript
from sqlscore.progress import Progress, Silent
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.manifest import Manifest, pack
from sqlscore.training.data.churn_labels import choose_churn
from sqlscore.training.data.encoding import encode_log, vocabulary
from sqlscore.training.data.event_log import EventLog, read_log
from sqlscore.training.data.split import Periods, without_churn
from sqlscore.training.data.windows import Windows, parts_of
from sqlscore.training.describe import manifest_of, notes_of
from sqlscore.training.evaluation.evaluate import evaluate_log
from sqlscore.training.learning.checkpoints import Checkpoint, fingerprint
from sqlscore.training.learning.loop import Epoch
from sqlscore.training.learning.objective import check_objective
from sqlscore.training.learning.stages import count, learn
from sqlscore.training.options import TrainedModel, TrainingOptions

ALL = tuple(ARCHITECTURES)
"""Names of the architectures that can be trained."""
LEARNED = tuple(name for name, architecture in ARCHITECTURES.items() if not architecture.counted)
"""Those that learn by gradient descent, so that there is something to tune."""
KINDS_OF_ATTENTION = ATTENTIONS

_MIN_TARGETS = 20


def fit(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    options: TrainingOptions | None = None,
    progress: Progress | None = None,
) -> TrainedModel:
    """Train on the past, validate on the later, test on the latest; the same seed and data give the same model.

    Raises TrainingError where the events cannot support what is asked for, saying what would.
    """
    options, progress = options or TrainingOptions(), progress or Silent()
    check_options(options)
    log = read_log(con, mapping, options.max_events, options.max_user_events, progress)
    return fit_log(log, split(log, options), options, progress)


def check_options(options: TrainingOptions) -> None:
    """Raises TrainingError where an option has a value that does not exist."""
    if options.architecture == "gbm":
        raise TrainingError(
            'architecture "gbm" cannot be scored in SQL, so it is a peer in comparisons alone: '
            "`sqlscore compare DB --architectures gru,gbm` shows how it does beside a model that can"
        )
    if options.architecture not in ARCHITECTURES:
        known = ", ".join(sorted(ARCHITECTURES))
        raise TrainingError(f'there is no architecture "{options.architecture}": choose one of {known}')
    if options.attention not in ATTENTIONS:
        raise TrainingError(f'attention="{options.attention}": choose one of {", ".join(ATTENTIONS)}')
    check_objective(options)
    if options.device not in ("cpu", "cuda"):
        raise TrainingError(f'device="{options.device}": choose "cpu" or "cuda"')
    if options.device == "cuda" and not torch.cuda.is_available():
        raise TrainingError('device="cuda" was asked for, and torch finds no CUDA device: train with device="cpu"')


def fit_log(
    log: EventLog,
    parts: tuple[Periods, str],
    options: TrainingOptions,
    progress: Progress,
    *,
    on_epoch: Callable[[Epoch], None] | None = None,
    tested: bool = True,
    notes: dict[str, Any] | None = None,
) -> TrainedModel:
    """The same on a log that was read before, cut into these `parts` (see `split`), as comparisons and searches do.

    on_epoch is told of every epoch; what it raises ends the training. tested: judge on the test part; a search must
    not look there. notes: more to keep in the manifest.
    """
    periods, reason = parts
    if ARCHITECTURES[options.architecture].counted and periods.churn is not None:
        periods, reason = replace(periods, churn=None), _knows_no_churn(options)
    with _torch(options):
        return _fit(log, periods, reason, options, progress, time.monotonic(), on_epoch, tested, notes or {})


def _fit(
    log: EventLog,
    periods: Periods,
    reason: str,
    options: TrainingOptions,
    progress: Progress,
    began: float,
    on_epoch: Callable[[Epoch], None] | None,
    tested: bool,
    more_notes: dict[str, Any],
) -> TrainedModel:
    until = periods.t2 if options.refit else periods.t1
    inputs = vocabulary(log, until, options.max_actions, options.max_categories)
    data = encode_log(log, inputs)
    architecture = ARCHITECTURES[options.architecture]
    spare = options.refit and not architecture.counted
    parts = parts_of(log, data, periods, options.seed, options.max_sequence, spare)
    _require_targets(parts.train, parts.validation)
    config = _config(log, periods, options)
    model: Any = architecture.build(config, inputs)
    checkpoint = None
    if architecture.counted:
        learned = count(model, data, parts, periods, options)
    else:
        if options.checkpoint is not None:
            checkpoint = Checkpoint(options.checkpoint, fingerprint(log, periods, options))
        learned = learn(model, data, parts, periods, options, progress, on_epoch, checkpoint)
    seconds = time.monotonic() - began
    notes = notes_of(model, log, data, periods, parts, inputs, learned, options) | more_notes
    if periods.churn is None:
        notes["no_churn"] = reason
    manifest = manifest_of(model, config, log, periods, inputs, learned, notes)
    device = torch.device(options.device)
    candidate = Artifact("candidate", "", manifest, script(model).to(device), device)
    del data
    metrics = evaluate_log(log, periods, candidate, progress) if tested else {}
    metrics.pop("model", None)
    manifest = Manifest.from_json(replace(manifest, metrics=metrics).to_json())  # as it will be read back
    report = {
        "epochs": [asdict(epoch) for epoch in learned.history],
        "seconds": {"training": round(seconds, 2), "all": round(time.monotonic() - began, 2)},
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
    }
    packed = pack(to_torchscript(model), manifest)
    if checkpoint is not None:
        checkpoint.remove()
    return TrainedModel(packed, manifest, report)


def split(log: EventLog, options: TrainingOptions) -> tuple[Periods, str]:
    """Which part trains, validates and tests, and why there is no churn head where there is none."""
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
def _torch(options: TrainingOptions) -> Iterator[None]:
    """Seeded, with the given number of threads; the process's own generator and threads are put back."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[torch.cuda.current_device()] if options.device == "cuda" else []):
        torch.manual_seed(options.seed)
        torch.set_num_threads(options.threads)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
