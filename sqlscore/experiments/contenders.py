"""From an architecture's name or a stored model to a contender: trained, judged at the arena's examples, timed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sqlscore.experiments.arena import Arena, Entry
from sqlscore.experiments.gbm import fit_gbm
from sqlscore.experiments.judging import judge_gbm, judge_model
from sqlscore.experiments.speed import events_per_second
from sqlscore.models.loading import load_judged
from sqlscore.progress import Prefixed, Progress
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.catalog import UNTRAINED
from sqlscore.scoring.manifest import sha256_of
from sqlscore.scoring.notes import TrainingNotes, TrainingRun
from sqlscore.training.checking import ALL as ARCHITECTURES
from sqlscore.training.counted.fit import count_log
from sqlscore.training.fit import fit_log
from sqlscore.training.options import TrainingOptions

GBM = "gbm"
CONTENDERS: tuple[str, ...] = (*ARCHITECTURES, UNTRAINED, GBM)
"""What a comparison trains by default."""


@dataclass(frozen=True)
class Contender:
    """What a comparison knows of one contender, apart from its figures.

    Args:
        entry: what it says at the test examples.
        kind: "model", "peer" or "baseline".
        architecture: its name, None for a baseline.
        label: name@version if it is registered.
        artifact: what is to be registered, of the seed with the least validation loss.
        validation_loss: what may choose a champion, as the test part must not.
        training_seconds: the mean over its seeds.
        parameters: how many numbers it learned.
        events_per_second: how fast it scores.
    """

    entry: Entry
    kind: str
    architecture: str | None = None
    label: str | None = None
    artifact: bytes | None = None
    validation_loss: float | None = None
    training_seconds: float | None = None
    parameters: int | None = None
    events_per_second: float | None = None


def train_contender(
    arena: Arena,
    reason: str,
    options: TrainingOptions,
    seeds: Sequence[int],
    by_churn: bool,
    tested: bool,
    progress: Progress,
    allowed_leaks: list[dict[str, str]] | None = None,
) -> Contender:
    """Train an architecture once for each seed, and judge all.

    Args:
        arena: the events, their split and the test examples.
        reason: why there is no churn head, if the arena has no churn.
        options: what to train.
        seeds: one training for each.
        by_churn: whether the validation loss is that of churn.
        tested: whether the manifest gets the test figures, as that of a registered model does.
        progress: told of every step.
        allowed_leaks: what the manifest notes of leaks in the mapped view that were let pass.
    """
    name = options.architecture
    runs = [
        _train_once(
            arena,
            reason,
            replace(options, seed=seed),
            by_churn,
            tested,
            Prefixed(progress, _title(name, place, len(seeds))),
            allowed_leaks,
        )
        for place, seed in enumerate(seeds)
    ]
    best = min(runs, key=lambda run: np.inf if run.validation_loss is None else run.validation_loss)
    return replace(
        best,
        entry=Entry(name, tuple(run.entry.judged[0] for run in runs)),
        training_seconds=float(np.mean([run.training_seconds for run in runs])),
    )


def judge_registered(arena: Arena, artifact: Artifact, by_churn: bool, progress: Progress) -> Contender:
    """Judge a registered model. Its churn head takes part if it has the horizon and lookback of the arena."""
    manifest = artifact.manifest
    judged = judge_model(arena, artifact, Prefixed(progress, artifact.name), churn=same_churn(arena, artifact))
    periods = TrainingNotes.from_json(manifest.notes).periods or {}
    same_split = all(periods.get(name) == getattr(arena.periods, name) for name in ("t1", "t2", "by_users"))
    return Contender(
        Entry(artifact.name, (judged,)),
        "model",
        manifest.architecture,
        artifact.name,
        validation_loss=_validation_loss(artifact, by_churn) if same_split else None,
        parameters=_parameters(artifact),
        events_per_second=events_per_second(arena, artifact),
    )


def same_churn(arena: Arena, artifact: Artifact) -> bool:
    """Whether a model's churn label is the one that the arena's examples have."""
    churn = (TrainingNotes.from_json(artifact.manifest.notes).periods or {}).get("churn")
    own = arena.periods.churn
    return churn is not None and own is not None and all(churn[k] == getattr(own, k) for k in ("horizon", "lookback"))


def _train_once(
    arena: Arena,
    reason: str,
    options: TrainingOptions,
    by_churn: bool,
    tested: bool,
    progress: Progress,
    allowed_leaks: list[dict[str, str]] | None,
) -> Contender:
    name = options.architecture
    if name == GBM:
        trees = fit_gbm(arena.log, arena.periods, options, progress)
        return Contender(
            Entry(name, (judge_gbm(arena, trees),)),
            "peer",
            name,
            validation_loss=trees.churn_validation_log_loss if by_churn else trees.validation_log_loss,
            training_seconds=trees.seconds,
            parameters=trees.leaves,
            events_per_second=events_per_second(arena, trees),
        )
    fit = count_log if name == UNTRAINED else fit_log
    made = fit(arena.log, (arena.periods, reason), options, progress, tested=tested, allowed_leaks=allowed_leaks)
    artifact = load_judged(made.artifact, sha256_of(made.artifact), name, "cpu")
    return Contender(
        Entry(name, (judge_model(arena, artifact, progress),)),
        "model",
        name,
        artifact=made.artifact,
        validation_loss=_validation_loss(artifact, by_churn),
        training_seconds=made.report["seconds"]["training"],
        parameters=made.report["parameters"] or _parameters(artifact),
        events_per_second=events_per_second(arena, artifact),
    )


def _validation_loss(artifact: Artifact, by_churn: bool) -> float | None:
    """What the training noted of the validation part, before it learned from that too."""
    noted = TrainingNotes.from_json(artifact.manifest.notes).training or TrainingRun()
    return noted.churn_validation_log_loss if by_churn else noted.validation_log_loss


def _parameters(artifact: Artifact) -> int:
    """How many numbers a model learned; for a model that counts, how many counts it has."""
    learned = sum(int(parameter.numel()) for parameter in artifact.module.parameters())
    return learned or sum(int(buffer.numel()) for _, buffer in artifact.module.named_buffers())


def _title(name: str, place: int, seeds: int) -> str:
    return name if seeds == 1 else f"{name} {place + 1}/{seeds}"
