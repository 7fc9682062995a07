"""Losses by epoch: whether training had converged, and at which epoch it was stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlscore.errors import PlotError
from sqlscore.reporting.plots.style import blank, plain, titled
from sqlscore.reporting.theme import COLOURS, GREY
from sqlscore.scoring.manifest import Manifest
from sqlscore.scoring.notes import TrainingNotes, TrainingRun

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PANELS = (
    ("train_loss", "training, all heads"),
    ("next_action", "validation, next action: log-loss"),
    ("time", "validation, time to next"),
)


def learning_curves(manifest: Manifest, facts: str) -> Figure:
    """One panel a loss, with the epoch whose weights were kept.

    Raises PlotError if the model noted no epochs.
    """
    noted = TrainingNotes.from_json(manifest.notes).training or TrainingRun()
    history = noted.history
    if not history:
        raise PlotError(_why_none(manifest))
    shown = [(key, name) for key, name in _PANELS if any(epoch.get(key) for epoch in history)]
    numbers = [epoch["number"] for epoch in history]
    best = noted.best_epoch
    figure = blank(1.0 + 3.2 * len(shown), 4.2)
    for axes, (key, name) in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        plain(axes, "epoch", "loss" if key == shown[0][0] else "", name)
        colour = COLOURS[1] if key == "train_loss" else COLOURS[0]
        axes.plot(numbers, [epoch[key] for epoch in history], color=colour, marker="o", markersize=3.5)
        if best in numbers:
            axes.axvline(best, color=GREY, linestyle="--", linewidth=1)
        axes.xaxis.get_major_locator().set_params(integer=True)
    kept = f"dashed: epoch {best}, whose weights were kept" if best in numbers else ""
    titled(figure, "Learning curves", facts, learned(manifest), kept)
    return figure


def learned(manifest: Manifest) -> str:
    """How much a model was trained on, and from when."""
    noted = TrainingNotes.from_json(manifest.notes).training
    counts = f"{noted.targets:,} training and {noted.validation_targets:,} validation targets, " if noted else ""
    return f"{counts}{manifest.trained_from[:16]} to {manifest.trained_to[:16]}".replace("T", " ")


def _why_none(manifest: Manifest) -> str:
    noted = TrainingNotes.from_json(manifest.notes).training
    if noted is not None and noted.epochs == 0:
        return f"{manifest.architecture} is fitted in one pass by counting, so there is no curve to draw"
    return (
        "this model does not say how it learned: it was not trained by this version of sqlscore, so there is no "
        "curve to draw; train again to have one"
    )
