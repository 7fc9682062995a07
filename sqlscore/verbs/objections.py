"""What speaks against making a model the champion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from sqlscore.database.catalog import catalog
from sqlscore.database.champions import champion_of
from sqlscore.database.damage import damage_of
from sqlscore.database.lacking import lacking_features, lacking_heads
from sqlscore.database.registry import ModelInfo
from sqlscore.errors import ModelError, TrainingError
from sqlscore.scoring.manifest import read_manifest

JUDGED = {"log_loss": "log loss of the next action", "accuracy": "accuracy", "auc": "AUC of churn"}
"""By what a model must not be worse, and what it is called."""


def objection(
    con: duckdb.DuckDBPyConnection, info: ModelInfo, metrics: Sequence[str] = ("log_loss", "auc")
) -> str | None:
    """Why a registered model should not become champion, in words; None if nothing speaks against it.

    It must be sound, have the heads that the present champion has, and read columns that are mapped. If both say what
    they were tested on, they are judged on the events that are later than the training of both, and the model must not
    be worse there by more than chance explains.

    Args:
        con: A connection that `connect` made.
        info: The model.
        metrics: By what it must not be worse: log_loss, accuracy, auc.
    """
    damage = damage_of(con, info.label)
    if damage is not None:
        return f"it cannot be used: {damage}"
    source = catalog(con).snapshot.mappings.get(info.mapping)
    lacking = lacking_features(con, source, info.label) if source is not None else ""
    if lacking:
        return f"it reads {lacking}, which the mapping does not have"
    champion = champion_of(con, info.mapping)
    if champion is None or champion == info.label or damage_of(con, champion) is not None:
        return None
    heads = lacking_heads(con, info.mapping, info.heads)
    if heads:
        return f"it has no {heads} head, which the champion {champion} has"
    return _worse(con, info, champion, metrics) if source is not None else None


def _worse(con: duckdb.DuckDBPyConnection, info: ModelInfo, champion: str, metrics: Sequence[str]) -> str | None:
    """How the model is worse than the champion; None if it is not, or if the two cannot be judged alike."""
    snapshot = catalog(con).snapshot
    source = snapshot.mappings[info.mapping]
    if not all(read_manifest(snapshot.models[label].data).notes.get("periods") for label in (info.label, champion)):
        return None
    from sqlscore.experiments.request import arena_for, registered  # torch
    from sqlscore.verbs.train import settings_of

    try:
        artifacts = [registered(con, label, info.mapping) for label in (info.label, champion)]
    except (ModelError, TrainingError):
        return None  # one does not say what it was tested on
    from sqlscore.experiments.contenders import judge_registered
    from sqlscore.experiments.standings import figures
    from sqlscore.progress import Silent

    bar = Silent()
    try:
        arena, _ = arena_for(con, source, settings_of("gru", None, None, 0, {}), artifacts, bar)
    except (TrainingError, duckdb.Error):
        return None  # there are no later events, or none that can be read
    entries = [judge_registered(arena, artifact, False, bar).entry for artifact in artifacts]
    for metric in metrics:
        new, old = figures(arena, entries, metric, 0)
        if new["rank"] is not None and old["rank"] is not None and not new["tie_with_best"]:
            return _said(new, old, metric, champion, arena.n_users)
    return None


def _said(new: dict[str, Any], old: dict[str, Any], metric: str, champion: str, n_users: int) -> str:
    column = "churn_auc" if metric == "auc" else metric
    return (
        f"its {JUDGED[metric]} is {new[column]:.3f} against {old[column]:.3f} of the champion {champion} on the same "
        f"test events of {n_users:,} users, which is worse by more than chance explains"
    )
