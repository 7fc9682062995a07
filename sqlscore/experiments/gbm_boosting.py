"""How trees are boosted: how many, with which weights, and again on everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Floats, Ints
from sqlscore.experiments.gbm_features import Table
from sqlscore.progress import Progress
from sqlscore.training.learning.following import fading
from sqlscore.training.learning.mixture import better
from sqlscore.training.options import TrainingOptions

ROUNDS = 400
"""The most rounds of boosting of one training."""
_PATIENCE = 40
_FADES = (2.0, 8.0)  # how often weights halve from newest to oldest; the second is tried if the first gains


@dataclass(frozen=True)
class Rows:
    """P examples.

    Args:
        table: (P, D) what is known.
        wanted: (P,) classes.
        times: (P,) µs, of what is wanted.
        users: (P,)
    """

    table: Table
    wanted: npt.NDArray[np.int32]
    times: Ints
    users: Ints

    def __len__(self) -> int:
        return len(self.wanted)


@dataclass(frozen=True)
class Found:
    """Trees as validation chose them.

    Args:
        model: the trees.
        fade: how often the weights of their examples halve from the newest to the oldest.
        margins: (P, C) or (P,) scores of the later validation examples.
        losses: (P,) their log-losses.
    """

    model: Any
    fade: float
    margins: Floats
    losses: Floats


def search(
    library: Any,
    settings: dict[str, Any],
    learned: Rows,
    judged: Sequence[Rows],
    categorical: list[int],
    drifts: bool,
    progress: Progress,
) -> Found:
    """Trees with as many rounds, and as much weight of newer examples, as validation asks for.

    The rounds are those with the least mean of the log-losses of all validation parts: a later period stops too soon if
    the log drifts, other users of the same period too late.

    Args:
        library: LightGBM.
        settings: of LightGBM.
        learned: that the trees learn from.
        judged: validation parts, the later period first, which decides about the weights.
        categorical: places of the columns that hold codes.
        drifts: whether to try what newer examples with more weight gain.
        progress: told of every round.
    """
    best = _boosted(library, settings, learned, judged, categorical, 0.0, progress)
    for fade in _FADES if drifts else ():
        found = _boosted(library, settings, learned, judged, categorical, fade, progress)
        if not better(best.losses - found.losses, judged[0].users):
            break
        best = found
    return best


def again(library: Any, settings: dict[str, Any], found: Found, rows: Rows, categorical: list[int]) -> Any:
    """As many rounds as validation chose, with the newest events too, as the other models are trained at the end."""
    part = _dataset(library, rows, categorical, found.fade)
    return library.train(settings, part, num_boost_round=max(found.model.best_iteration, 1))


def settings_of(options: TrainingOptions) -> dict[str, Any]:
    """Small trees, smoothed categories and leaves: least loss on the validation parts of real logs."""
    return {
        "learning_rate": 0.05,
        "num_leaves": 8,
        "min_data_in_leaf": 50,
        "cat_smooth": 50,
        "cat_l2": 50,
        "lambda_l2": 5.0,
        "min_sum_hessian_in_leaf": 1.0,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "seed": options.seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": options.threads,
        "verbosity": -1,
    }


def margins_of(model: Any, table: Table) -> Floats:
    """(P, D) -> (P, C) scores before the softmax, or (P,) before the sigmoid."""
    return np.asarray(model.predict(table, raw_score=True, num_threads=1), np.float64)


def losses_of(margins: Floats, wanted: npt.NDArray[np.int32]) -> Floats:
    """(P, C) or (P,) scores -> (P,) log-losses."""
    if margins.ndim == 1:
        return np.asarray(np.logaddexp(0.0, np.where(wanted > 0, -margins, margins)))
    return np.asarray(np.logaddexp.reduce(margins, axis=1) - margins[np.arange(len(wanted)), wanted])


def _boosted(
    library: Any,
    settings: dict[str, Any],
    learned: Rows,
    judged: Sequence[Rows],
    categorical: list[int],
    fade: float,
    progress: Progress,
) -> Found:
    part = _dataset(library, learned, categorical, fade)
    valid = [part.create_valid(rows.table, rows.wanted) for rows in judged if len(rows)]
    least, since = float("inf"), 0

    def stop(state: Any) -> None:
        nonlocal least, since
        progress.advance(1)
        loss = float(np.mean([entry[2] for entry in state.evaluation_result_list]))
        least, since = (loss, state.iteration) if loss < least else (least, since)
        if state.iteration - since >= _PATIENCE or state.iteration == ROUNDS - 1:
            raise library.callback.EarlyStopException(since, state.evaluation_result_list)

    callbacks = [stop] if valid else None
    model = library.train(settings, part, num_boost_round=ROUNDS, valid_sets=valid, callbacks=callbacks)
    margins = margins_of(model, judged[0].table)
    return Found(model, fade, margins, losses_of(margins, judged[0].wanted))


def _dataset(library: Any, rows: Rows, categorical: list[int], fade: float) -> Any:
    return library.Dataset(
        rows.table,
        rows.wanted,
        weight=fading(rows.times, fade) if fade else None,
        categorical_feature=categorical,
        params={"verbosity": -1},
    )
