"""Contenders' figures with bootstrap intervals, their ranks, and who ties with the best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from sqlscore.arrays import Floats
from sqlscore.experiments.arena import Arena, Entry, Judged
from sqlscore.experiments.intervals import auc_draws, interval, mean_draws, standing
from sqlscore.experiments.ranking import METRICS, RANKED
from sqlscore.training.evaluation import metrics

_TINY = 1e-12


def figures(arena: Arena, entries: Sequence[Entry], metric: str, seed: int) -> list[dict[str, Any]]:
    """One dict for each contender, in the order of the entries: figures, their 95 % intervals, ties and ranks.

    `rank` and `tie_with_best` are by `metric`, one of RANKED; they are None if a contender has no such figure.

    Args:
        arena: the test examples.
        entries: what the contenders say there.
        metric: what ranks.
        seed: of the bootstrap.
    """
    rows = [_means([_figures_of(arena, judged) for judged in entry.judged]) for entry in entries]
    for name, each in (("accuracy", _correct), ("log_loss", _losses)):
        _compare(rows, name, _averaged(arena, entries, each), lambda values: mean_draws(arena.users, values, seed))
    _compare_churn(arena, entries, rows, seed)
    for row in rows:
        row["rank"], row["tie_with_best"] = row.pop("ranks").get(metric), row[f"{RANKED[metric]}_tie"]
    return rows


def _figures_of(arena: Arena, judged: Judged) -> dict[str, float | None]:
    values: dict[str, float | None] = dict.fromkeys(
        ("accuracy", "top3", "log_loss", "macro_f1", "ece", "churn_auc", "churn_log_loss", "churn_ece")
    )
    if judged.best is not None and judged.probability is not None:
        correct = judged.best == arena.following
        values["accuracy"] = float(correct.mean())
        values["log_loss"] = metrics.mean_log_loss(arena.following, judged.probability)
        values["macro_f1"] = metrics.macro_f1(arena.following, judged.best)
        if judged.in_top3 is not None and judged.confidence is not None:
            values["top3"] = float(judged.in_top3.mean())
            values["ece"] = metrics.calibration_error(judged.confidence, correct)
    if judged.churn is not None and arena.churn is not None and len(np.unique(arena.churn.churned)) == 2:
        churned = arena.churn.churned
        values["churn_auc"] = float(roc_auc_score(churned, judged.churn))
        if judged.churn_is_probability:
            of_churn = metrics.churn_metrics(churned, judged.churn, arena.churn.elapsed, arena.churn.seen)
            values["churn_log_loss"], values["churn_ece"] = of_churn["log_loss"], of_churn["ece"]
    return values


def _means(each: Sequence[dict[str, float | None]]) -> dict[str, Any]:
    """The means of several seeds' figures, None if no seed has the figure; of those that rank, the spread too."""
    means: dict[str, Any] = {"ranks": {}}
    for name in each[0]:
        values = [value for row in each if (value := row[name]) is not None]
        means[name] = float(np.mean(values)) if values else None
        if name in RANKED.values():
            several = len(values) > 1
            means |= {
                f"{name}_seed_min": min(values) if several else None,
                f"{name}_seed_max": max(values) if several else None,
            }
    return means


def _correct(arena: Arena, judged: Judged) -> Floats | None:
    return None if judged.best is None else (judged.best == arena.following).astype(np.float64)


def _losses(arena: Arena, judged: Judged) -> Floats | None:
    """(P,) log losses; NaN for an action that training never saw, because no contender gives it a probability."""
    if judged.probability is None:
        return None
    return np.where(arena.following > 0, 0.0 - np.log(np.clip(judged.probability, _TINY, 1.0)), np.nan)


def _averaged(
    arena: Arena, entries: Sequence[Entry], each: Callable[[Arena, Judged], Floats | None]
) -> dict[int, Floats]:
    """Place of an entry -> (P,) its values at the targets, the mean over its seeds."""
    averages: dict[int, Floats] = {}
    for place, entry in enumerate(entries):
        values = [value for judged in entry.judged if (value := each(arena, judged)) is not None]
        if values:
            averages[place] = np.mean(values, axis=0)
    return averages


def _compare_churn(arena: Arena, entries: Sequence[Entry], rows: list[dict[str, Any]], seed: int) -> None:
    """Compare by ROC AUC, which is drawn for each seed of a contender and then averaged."""
    scores = {
        place: [judged.churn for judged in entry.judged if judged.churn is not None]
        for place, entry in enumerate(entries)
        if rows[place]["churn_auc"] is not None
    }
    owner = np.repeat(list(scores), [len(each) for each in scores.values()])

    def drawn(_: Sequence[Floats]) -> Floats:
        assert arena.churn is not None  # noqa: S101 - a row has an AUC
        every = auc_draws(arena.churn_users, arena.churn.churned, [s for each in scores.values() for s in each], seed)
        return np.stack([every[:, owner == place].mean(1) for place in scores], axis=1)

    _compare(rows, "churn_auc", {place: each[0] for place, each in scores.items()}, drawn)


def _compare(
    rows: list[dict[str, Any]], name: str, values: dict[int, Floats], drawn: Callable[[Sequence[Floats]], Floats]
) -> None:
    """Put the intervals, ties and ranks by one figure into the rows that have it."""
    metric = next(metric for metric, column in RANKED.items() if column == name)
    for row in rows:
        row |= {f"{name}_low": None, f"{name}_high": None, f"{name}_tie": None}
    places = [place for place in values if rows[place][name] is not None]
    if not places:
        return
    draws = drawn([values[place] for place in places])
    ranks, ties = standing([rows[place][name] for place in places], draws, METRICS[metric].higher_is_better)
    for column, place in enumerate(places):
        low, high = interval(draws[:, column])
        rows[place] |= {f"{name}_low": low, f"{name}_high": high, f"{name}_tie": ties[column]}
        rows[place]["ranks"][metric] = ranks[column]
