"""What a comparison is asked for, checked before anything is trained, and the examples at which all are judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb

from sqlscore.database.catalog import catalog
from sqlscore.errors import ModelError, TrainingError
from sqlscore.events.mapping import Mapping
from sqlscore.scoring.notes import seen_until
from sqlscore.times import in_words

if TYPE_CHECKING:
    from sqlscore.experiments.arena import Arena
    from sqlscore.progress import Progress
    from sqlscore.scoring.artifact import Artifact
    from sqlscore.training.options import TrainingOptions

HIGHER_IS_BETTER = {"log_loss": False, "accuracy": True, "auc": True}
"""What contenders may be ranked by."""


def check(metric: str, seeds: int, promotes_nothing: bool) -> None:
    """Raise TrainingError for what no comparison can do."""
    if metric not in HIGHER_IS_BETTER:
        raise TrainingError(f'there is no ranking by "{metric}": choose one of {", ".join(HIGHER_IS_BETTER)}')
    if seeds < 1:
        raise TrainingError(f"seeds={seeds}: each architecture is trained at least once")
    if promotes_nothing:
        raise TrainingError("a model that is not registered cannot be promoted: leave out register=False")


def names_of(architectures: Sequence[str] | None, models: Sequence[str], notes: list[str]) -> list[str]:
    """What is to be trained. Raises TrainingError for what there is not; what was not asked for by name is left out."""
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


def stored(con: duckdb.DuckDBPyConnection, model: str, mapping: str) -> Artifact:
    """A registered model. Raises ModelError for one of another mapping, TrainingError for one without its periods."""
    from sqlscore.scoring.loading import load  # torch
    from sqlscore.training.evaluation.evaluate import noted_periods

    found = catalog(con).find(model, mapping)
    if found.mapping != mapping:
        raise ModelError(
            f'{found.label} was trained on the events mapped as "{found.mapping}", not "{mapping}": '
            f'pass mapping="{found.mapping}"'
        )
    artifact = load(found.data, found.sha256, found.label, "cpu")
    noted_periods(artifact)
    return artifact


def arena_for(
    con: duckdb.DuckDBPyConnection,
    where: Mapping,
    settings: TrainingOptions,
    artifacts: Sequence[Artifact],
    progress: Progress,
) -> tuple[Arena, str]:
    """(What all are judged at, why there is no churn). The horizon is that of the models where none is asked for."""
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
    log = read_log(con, where, settings.max_events, settings.max_user_events, progress)
    periods, reason = split(log, settings)
    after = max((seen_until(artifact.manifest) for artifact in artifacts), default=0)
    return arena_of(log, periods, after, settings), reason


def churn_notes(arena: Arena, reason: str, artifacts: Sequence[Artifact], metric: str) -> list[str]:
    """What to know about the churn figures. Raises TrainingError where they are to rank and there are none."""
    from sqlscore.experiments.contenders import same_churn  # torch

    if arena.churn is None:
        why = reason or "no date of the test part is later than the training of all models"
        if metric == "auc":
            raise TrainingError(f"nothing can be ranked by auc of churn: {why}")
        return [f"no churn is compared: {why}"]
    said = []
    for artifact in artifacts:
        horizon, own = artifact.manifest.horizon_seconds, arena.horizon_seconds
        if horizon is None:
            said.append(f"{artifact.name} has no churn figures: it has no churn head")
        elif own is not None and not same_churn(arena, artifact):
            said.append(
                f"{artifact.name} has no churn figures: its horizon or lookback is another one than the comparison's "
                f"({in_words(horizon)} against {in_words(own)} ahead)"
            )
    return said
