"""What a comparison is asked for, checked before anything is trained, and the examples at which all are judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb

from sqlscore.database.registry import model_of
from sqlscore.errors import TrainingError
from sqlscore.events.mapping import Mapping
from sqlscore.experiments.ranking import RANKED
from sqlscore.scoring.notes import seen_until
from sqlscore.times import in_words

if TYPE_CHECKING:
    from sqlscore.experiments.arena import Arena
    from sqlscore.progress import Progress
    from sqlscore.scoring.artifact import Artifact
    from sqlscore.training.options import TrainingOptions


def check(metric: str, seeds: int, promotes_nothing: bool) -> None:
    """Raise TrainingError if no comparison can do what is asked for."""
    if metric not in RANKED:
        raise TrainingError(f'there is no ranking by "{metric}": choose one of {", ".join(RANKED)}')
    if seeds < 1:
        raise TrainingError(f"seeds={seeds}: each architecture is trained at least once")
    if promotes_nothing:
        raise TrainingError("a model that is not registered cannot be promoted: leave out register=False")


def names_of(architectures: Sequence[str] | None, models: Sequence[str], notes: list[str]) -> list[str]:
    """The architectures to train. Raises TrainingError for an unknown name.

    Without LightGBM, gbm is left out with a note if it was not named, and refused if it was.
    """
    from sqlscore.experiments.contenders import CONTENDERS, GBM  # torch
    from sqlscore.experiments.gbm import lightgbm

    if architectures is None and models:
        return []
    names = list(dict.fromkeys(CONTENDERS if architectures is None else architectures))
    unknown = [name for name in names if name not in CONTENDERS]
    if unknown:
        raise TrainingError(f"there is no architecture {', '.join(unknown)}: choose among {', '.join(CONTENDERS)}")
    if not names and not models:
        raise TrainingError("nothing to compare: name architectures to train, or registered models")
    if GBM in names:
        try:
            lightgbm()
        except TrainingError as error:
            if architectures is not None:
                raise
            names.remove(GBM)
            notes.append(f"left out: {error}")
    return names


def registered(con: duckdb.DuckDBPyConnection, model: str, mapping: str) -> Artifact:
    """A registered model, as it was when it was judged.

    Raises ModelError if it is of another mapping, TrainingError if it lacks its periods.
    """
    from sqlscore.models.loading import load_judged  # torch
    from sqlscore.training.evaluation.evaluate import noted_periods

    stored = model_of(con, model, mapping)
    artifact = load_judged(stored.data, stored.sha256, stored.label, "cpu")
    noted_periods(artifact)
    return artifact


def arena_for(
    con: duckdb.DuckDBPyConnection,
    source: Mapping,
    settings: TrainingOptions,
    artifacts: Sequence[Artifact],
    progress: Progress,
) -> tuple[Arena, str]:
    """The arena, and why it has no churn. Without an asked horizon, the first model with a churn head gives it."""
    from sqlscore.experiments.arena import arena_of  # torch
    from sqlscore.training.data.event_log import read_log
    from sqlscore.training.fit import split

    manifests = [artifact.manifest for artifact in artifacts if "churn" in artifact.manifest.heads]
    if settings.horizon is None and manifests:
        lookback = manifests[0].lookback_seconds
        settings = replace(
            settings,
            horizon=manifests[0].horizon_seconds,
            lookback=float("inf") if lookback is None else lookback,
        )
    limits = settings.max_events, settings.max_user_events
    log = read_log(con, source, *limits, progress, weight_from=settings.weight_from)
    periods, reason = split(log, settings)
    after = max((seen_until(artifact.manifest) for artifact in artifacts), default=0)
    return arena_of(log, periods, after, settings), reason


def churn_notes(arena: Arena, reason: str, artifacts: Sequence[Artifact], metric: str) -> list[str]:
    """What to know about the churn figures. Raises TrainingError if these should rank and there are none."""
    from sqlscore.experiments.contenders import same_churn  # torch

    if arena.churn is None:
        why = reason or "no date of the test part is later than the training of all models"
        if metric == "auc":
            raise TrainingError(f"nothing can be ranked by auc of churn: {why}")
        return [f"no churn is compared: {why}"]
    notes = []
    for artifact in artifacts:
        horizon, own = artifact.manifest.horizon_seconds, arena.horizon_seconds
        if horizon is None:
            notes.append(f"{artifact.name} has no churn figures: it has no churn head")
        elif own is not None and not same_churn(arena, artifact):
            notes.append(
                f"{artifact.name} has no churn figures: its horizon or lookback differs from that of the comparison "
                f"({in_words(horizon)} against {in_words(own)} ahead)"
            )
    return notes
