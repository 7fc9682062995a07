"""A base for fine-tuning: the training of a model on the events alone, which goes on where a killed one stopped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from sqlscore.errors import TrainingError
from sqlscore.events.mapping import Mapping
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.progress import Progress
from sqlscore.training.checking import check_options
from sqlscore.training.data.event_log import read_log
from sqlscore.training.fit import fit_log, split
from sqlscore.training.learning.checkpoints import fingerprint, is_of
from sqlscore.training.options import TrainedModel, TrainingOptions


@dataclass(frozen=True)
class Base:
    """What a pretraining made. events, users: that it read. resumed: whether it went on from a checkpoint."""

    trained: TrainedModel
    events: int
    users: int
    resumed: bool


def pretrain(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    options: TrainingOptions,
    progress: Progress,
    allowed_leaks: list[dict[str, str]] | None = None,
) -> Base:
    """Train an encoder on all events of a mapping, from whatever sources they are.

    It is judged as every model is, on the newest events, and learns these then. A checkpoint of other events or options
    is thrown away: a base that was begun on fewer events is not the one that is asked for now.

    Raises TrainingError if there is no encoder to train, or if the events cannot support it.
    """
    check_options(options)
    if ARCHITECTURES[options.architecture].counted:
        raise TrainingError(
            f"{options.architecture} counts, and has no encoder that could be pretrained: choose another architecture"
        )
    log = read_log(con, mapping, options.max_events, options.max_user_events, progress)
    parts = split(log, options)
    resumed = False
    if options.checkpoint is not None:
        resumed = is_of(options.checkpoint, fingerprint(log, parts[0], options))
        if not resumed:
            Path(options.checkpoint).unlink(missing_ok=True)
    feeds = () if mapping.composition is None else mapping.composition.feeds  # their files are nobody's business
    notes: dict[str, Any] = {"sources": len(feeds) or 1, "objective": ["next_action", "time_to_next"]}
    if parts[0].churn is not None:
        notes["objective"].append("churn")
    made = fit_log(log, parts, options, progress, allowed_leaks=allowed_leaks, pretraining=notes)
    return Base(made, len(log.times), log.users, resumed)
