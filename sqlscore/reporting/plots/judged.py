"""Plots of quality on the test part: confusion matrix, reliability diagram, precision-recall."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score, confusion_matrix, precision_recall_curve

from sqlscore.arrays import Floats, Ints
from sqlscore.errors import PlotError
from sqlscore.reporting.plots.evidence import Evidence
from sqlscore.reporting.plots.style import DASHES, blank, labels, plain, titled
from sqlscore.reporting.theme import COLOURS, GREY, HEAT
from sqlscore.training.evaluation.metrics import calibration_error

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SHOWN = 12  # actions of the confusion matrix with a row of their own
_POINTS = 500  # of a curve: more are not seen
_FEW = 30  # examples in a bin: with fewer its mark is small


def confusion(evidence: Evidence, facts: str) -> Figure:
    """What happened (rows, which sum to 1) against what was predicted; all but the most frequent actions are "other".

    The row of an action that was predicted but never happened is empty.

    Raises PlotError if the test part has no next action.
    """
    _require(evidence)
    shown = (
        1 + np.argsort(-np.bincount(evidence.actual, minlength=len(evidence.actions) + 1)[1:], kind="stable")[:_SHOWN]
    )
    rest = set(np.unique(np.append(evidence.actual, evidence.best)).tolist()) - set(shown.tolist())
    names = [*labels([evidence.actions[code - 1] for code in shown]), *(["other"] if rest else [])]
    size = len(names)
    place = np.full(len(evidence.actions) + 1, len(shown))
    place[shown] = np.arange(len(shown))
    # one label more than there is, which is cut off: sklearn takes a matrix of one for a mistake, and warns
    counts = confusion_matrix(place[evidence.actual], place[evidence.best], labels=np.arange(size + 1))[:size, :size]
    totals = counts.sum(1)
    shares = counts / np.where(totals > 0, totals, np.nan)[:, None]  # what never happened has no shares: an empty row
    figure = blank(3.2 + 0.62 * size, 3.0 + 0.42 * size)
    axes = figure.subplots()
    image = axes.imshow(shares, cmap=HEAT, vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(size), names, rotation=45, ha="right", rotation_mode="anchor", fontsize=8)
    rows = [f"{name}  ({total:,})" for name, total in zip(names, totals, strict=True)]
    axes.set_yticks(range(size), rows, fontsize=8)
    axes.set_xlabel("predicted next action")
    axes.set_ylabel("what happened (how often)")
    for row, column in zip(*np.nonzero(shares >= 0.005), strict=True):
        share = shares[row, column]
        axes.text(column, row, f"{share:.0%}", ha="center", va="center", fontsize=7, color=_on(share))
    figure.colorbar(image, ax=axes, label="share of the row", shrink=0.8, format=_percent)
    accuracy = float((evidence.actual == evidence.best).mean())
    titled(figure, f"Confusion of next actions: {accuracy:.1%} as predicted", facts, _targets(evidence, churn=False))
    return figure


def reliability(evidence: Evidence, facts: str) -> Figure:
    """How often predictions came true, by bins of their probability, with 95 % intervals (Wilson 1927).

    Raises PlotError if there is nothing in the test part to judge.
    """
    parts: list[tuple[str, str, Floats, npt.NDArray[np.bool_], int]] = []
    if len(evidence.actual):
        correct = evidence.actual == evidence.best
        parts.append(("next action", "probability of the predicted action", evidence.confidence, correct, 15))
    if len(evidence.churned):
        parts.append(("churn", "churn risk", evidence.risk, evidence.churned, 10))
    if not parts:
        _require(evidence)
    figure = blank(1.0 + 4.8 * len(parts), 5.6)
    grid = figure.subplots(2, len(parts), squeeze=False, sharex="col", height_ratios=(4, 1))
    for column, (name, label, probability, happened, bins) in enumerate(parts):
        above, below = grid[0, column], grid[1, column]
        error = calibration_error(probability, happened, bins)
        plain(above, "", "how often it came true", f"{name}: ECE {error:.3f}, n {len(probability):,}")
        _diagonal(above, probability, happened, bins)
        plain(below, label, "how many")
        below.hist(probability, bins=bins, range=(0.0, 1.0), color=COLOURS[5], edgecolor="white")
        below.yaxis.set_major_locator(_few_ticks())
        below.xaxis.set_major_formatter(_percent)
    titled(figure, "Reliability: do probabilities come true?", facts, f"test part, {evidence.period}")
    return figure


def precision_recall(evidence: Evidence, facts: str) -> Figure:
    """Precision and recall over all thresholds: of the most frequent next actions, each against the rest, and of churn.

    Raises PlotError if there is nothing in the test part to judge.
    """
    curves = []
    for code in range(1, evidence.frequent.shape[1] + 1):
        happened = evidence.actual == code
        if happened.any():
            curves.append((evidence.actions[code - 1], happened, evidence.frequent[:, code - 1].astype(np.float64)))
    churn = [("churn", evidence.churned, evidence.risk)] if 0 < evidence.churned.sum() < len(evidence.churned) else []
    panels = [(name, part) for name, part in (("next action", curves), ("churn", churn)) if part]
    if not panels:
        _require(evidence)
    figure = blank(1.0 + 4.8 * len(panels), 6.4)
    grid = figure.subplots(1, len(panels), squeeze=False)
    for axes, (name, part) in zip(grid[0], panels, strict=True):
        plain(axes, "recall: found of all that happened", "precision: true of all that are named", name)
        names = labels([curve[0] for curve in part])
        for number, (label, (_, happened, score)) in enumerate(zip(names, part, strict=True)):
            _curve(axes, label, happened, score, number)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        axes.xaxis.set_major_formatter(_percent)
        axes.yaxis.set_major_formatter(_percent)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), fontsize=8, frameon=False)
    titled(
        figure,
        "Precision and recall",
        facts,
        _targets(evidence),
        "AP: average precision; in brackets, and as thin lines: by chance",
    )
    return figure


def _curve(axes: Axes, label: str, happened: npt.NDArray[np.bool_], score: Floats, number: int) -> None:
    precision, recall, _ = precision_recall_curve(happened, score)
    kept = np.unique(np.linspace(0, len(recall) - 1, _POINTS).astype(np.int64))
    average, chance = average_precision_score(happened, score), float(happened.mean())
    colour = COLOURS[number]
    axes.plot(
        recall[kept],
        precision[kept],
        color=colour,
        linestyle=DASHES[number],
        drawstyle="steps-pre",
        label=f"{label}: AP {average:.2f} [{chance:.2f}]",
    )
    axes.axhline(chance, color=colour, linewidth=0.6, alpha=0.5)


def _diagonal(axes: Axes, probability: Floats, happened: npt.NDArray[np.bool_], bins: int) -> None:
    which = np.minimum((probability * bins).astype(np.int64), bins - 1)
    counts = np.bincount(which, minlength=bins)
    filled = counts > 0
    mean = np.bincount(which, probability, minlength=bins)[filled] / counts[filled]
    times = np.bincount(which[happened], minlength=bins)[filled]
    true = times / counts[filled]
    low, high = _wilson(times, counts[filled])
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="probability = frequency")
    spread, many = np.maximum((true - low, high - true), 0.0), counts[filled] >= _FEW
    axes.plot(mean[many], true[many], color=COLOURS[0], linewidth=1)
    for chosen, marker, size, label in (
        (many, "o", 7, "how often it came true, 95 % interval"),
        (~many, ".", 4, f"the same, fewer than {_FEW} examples"),
    ):
        if chosen.any():
            axes.errorbar(
                mean[chosen],
                true[chosen],
                yerr=spread[:, chosen],
                color=COLOURS[0] if marker == "o" else COLOURS[5],
                linestyle="none",
                marker=marker,
                markersize=size,
                capsize=3,
                label=label,
            )
    shown = many if many.any() else ~many
    top = min(
        1.0, 1.1 * max(float(probability.max()), float(high[shown].max()), float(true.max()))
    )  # small risks fill the panel too
    axes.set(xlim=(-0.02 * top, 1.02 * top), ylim=(-0.02 * top, 1.02 * top))
    axes.yaxis.set_major_formatter(_percent)
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.04), fontsize=8, frameon=False)


def _wilson(true: Ints, counts: Ints) -> Floats:
    """The 95 % score intervals of `true` out of `counts`, both (bins,): lower and upper ends, (2, bins)."""
    tests = [binomtest(k, n) for k, n in zip(true.tolist(), counts.tolist(), strict=True)]
    return np.array([test.proportion_ci(0.95, method="wilson") for test in tests]).T


def _require(evidence: Evidence) -> None:
    if not len(evidence.actual):
        raise PlotError(
            f"no user has an event after another in the test part ({evidence.period}), so there is nothing to judge: "
            "map more events and train again"
        )


def _targets(evidence: Evidence, churn: bool = True) -> str:
    examples = f", {len(evidence.churned):,} churn examples" if churn and len(evidence.churned) else ""
    return f"{len(evidence.actual):,} next actions{examples} of the test part, {evidence.period}"


def _few_ticks() -> object:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(3, integer=True)


def _percent(share: float, _: object = None) -> str:
    return f"{share:.0%}"


def _on(share: float) -> str:
    """The colour of text that can be read on the shade of this share."""
    return "white" if share > 0.55 else "black"
