"""Gradient boosting on the last events, gaps and counts as a table: the tabular peer in comparisons (LightGBM).

Ke et al. 2017, "LightGBM: A Highly Efficient Gradient Boosting Decision Tree". It learns from the same targets as the
other models, stops by the same validation part and is judged at the same events; it cannot be scored in SQL.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from sqlscore.arrays import Floats, Ints
from sqlscore.errors import TrainingError
from sqlscore.experiments.gbm_features import Source, Table, churn_rows, rows_at, source_of
from sqlscore.extras import optional
from sqlscore.progress import Progress
from sqlscore.training.data.encoding import Encoded, encode_log, vocabulary
from sqlscore.training.data.event_log import EventLog
from sqlscore.training.data.split import Periods
from sqlscore.training.data.windows import Parts, Windows, parts_of
from sqlscore.training.evaluation.evaluate import Predicted, ranked
from sqlscore.training.learning.calibration import temperature
from sqlscore.training.learning.churn_calibration import platt
from sqlscore.training.options import TrainingOptions

CLASSES = 64  # actions with a class of their own; rarer ones are one class, parted by their shares
_ROWS, _CELLS = 250_000, 3_000_000  # most training rows; most rows x classes
_ROUNDS, _PATIENCE = 400, 30
_JUDGED = 20_000  # validation rows that stop the training
_CHUNK, _PREDICTED_CELLS = 50_000, 8_000_000
_WHOLE = 2**40  # events of a user that are read: all


@dataclass(frozen=True)
class Boosted:
    """Trained trees, and how their classes become probabilities of actions.

    temperature, platt: calibration by the validation part, as the other models have it.
    """

    next_action: Any
    churn: Any | None
    shares: Floats  # (V + 1,) of each code within the class of rare actions; 0 for those with a class of their own
    temperature: float
    platt: tuple[float, float]
    horizon: int  # µs; 0 without churn
    seconds: float
    validation_log_loss: float
    churn_validation_log_loss: float | None

    @property
    def leaves(self) -> int:
        """Of all trees: the numbers that were learned."""
        models = [self.next_action] + ([self.churn] if self.churn is not None else [])
        return sum(int(tree["num_leaves"]) for model in models for tree in model.dump_model()["tree_info"])


def lightgbm() -> Any:
    """The library. Raises TrainingError if it is not installed or cannot be loaded."""
    return optional("lightgbm", "gbm needs LightGBM", extra="gbm", error=TrainingError)


def fit_gbm(log: EventLog, periods: Periods, options: TrainingOptions, progress: Progress) -> Boosted:
    """Train on the training part, stop by the validation part; the same seed and data give the same trees.

    Raises TrainingError if LightGBM is not installed.
    """
    library = lightgbm()
    began = time.monotonic()
    until = periods.t2 if options.refit else periods.t1
    data = encode_log(log, vocabulary(log, until, options.max_actions, options.max_categories))
    parts = parts_of(log, data, periods, options.seed, _WHOLE, spare_users=False)
    source = source_of(data)
    progress.start("Training", _ROUNDS * (1 if periods.churn is None else 2))
    actions = _fit_actions(library, source, parts, options, progress)
    churn, scale, churn_loss = _fit_churn(library, source, parts, periods, options, progress)
    progress.finish()
    shares = _shares(data, parts.both if options.refit else parts.train, min(CLASSES, data.known))
    horizon = periods.churn.horizon if periods.churn is not None else 0
    seconds = time.monotonic() - began
    return Boosted(actions[0], churn, shares, actions[1], scale, horizon, seconds, actions[2], churn_loss)


def predict_gbm(model: Boosted, data: Encoded, test: Windows) -> Predicted:
    """What the trees say at every target and churn example of a part; they predict no time to the next event."""
    source = source_of(data)
    at = np.flatnonzero(test.wanted)
    parts = []
    step = max(1, min(_CHUNK, _PREDICTED_CELLS // max(data.known, 1)))
    for start in range(0, max(len(at), 1), step):
        chosen = at[start : start + step]
        action = np.minimum(data.target[chosen], data.known + 1).astype(np.int64) - 1
        parts.append(ranked(probabilities(model, rows_at(source, chosen)), action))
    best, in_top3, probability, confidence = (np.concatenate(part) for part in zip(*parts, strict=True))
    churn = np.zeros(0)
    if model.churn is not None and test.churn is not None:
        z = _margins(model.churn, churn_rows(source, test.churn, model.horizon))
        churn = 1 / (1 + np.exp(-(model.platt[0] * z + model.platt[1])))
    none = np.zeros((len(at), 0), np.float32)
    return Predicted(at, best, in_top3, probability, confidence, np.full(len(at), np.nan), churn, none)


def probabilities(model: Boosted, rows: Table) -> npt.NDArray[np.float32]:
    """(P, D) -> (P, V) of the next action; that of the rare ones is parted by their shares in training."""
    known = len(model.shares) - 1
    margin = _margins(model.next_action, rows) / model.temperature  # (P, C)
    spread = np.exp(margin - margin.max(1, keepdims=True)) if len(rows) else margin
    by_class = (spread / spread.sum(1, keepdims=True)).astype(np.float32)
    own = min(CLASSES, known)
    found = np.zeros((len(rows), known), np.float32)
    found[:, :own] = by_class[:, :own]
    if known > own:
        found[:, own:] = by_class[:, own:] * model.shares[own + 1 :].astype(np.float32)
    return found


def _fit_actions(
    library: Any, source: Source, parts: Parts, options: TrainingOptions, progress: Progress
) -> tuple[Any, float, float]:
    """(the trees, their temperature, the validation part's log-loss before the trees learned from that too)."""
    data, random = source.data, np.random.default_rng(options.seed)
    own = min(CLASSES, data.known)
    classes = max(own + (data.known > own), 2)
    most = min(_ROWS, _CELLS // classes)
    learned, judged = _targets(data, parts.train, random, most), _targets(data, parts.validation, random, _JUDGED)
    judged = judged[np.isin(data.target[judged], data.target[learned])]  # the others drown what can be learned
    settings = {"objective": "multiclass", "num_class": classes, **_settings(options)}
    rows = (rows_at(source, judged), _class_of(data.target[judged], own))
    model = _boost(
        library,
        settings,
        (rows_at(source, learned), _class_of(data.target[learned], own)),
        rows,
        source.categorical,
        progress,
    )
    margin, wanted = torch.from_numpy(_margins(model, rows[0])), torch.from_numpy(rows[1].astype(np.int64))
    softened = temperature(margin, wanted)
    shares = _shares(data, parts.train, own)[data.target[judged]]
    loss = float(torch.nn.functional.cross_entropy(margin, wanted)) if len(judged) else float("nan")
    loss -= float(np.log(shares[shares > 0]).sum()) / max(len(judged), 1)
    if options.refit:
        every = _targets(data, parts.both, random, most)
        rows = (rows_at(source, every), _class_of(data.target[every], own))
        model = _again(library, settings, model, rows, source.categorical)
    return model, softened, loss


def _fit_churn(
    library: Any, source: Source, parts: Parts, periods: Periods, options: TrainingOptions, progress: Progress
) -> tuple[Any | None, tuple[float, float], float | None]:
    """(the trees, their calibration, their validation log-loss); (None, (1, 0), None) without churn."""
    if periods.churn is None or parts.churn is None:
        return None, (1.0, 0.0), None
    train, validation, both = parts.churn.train.churn, parts.churn.validation.churn, parts.churn.both.churn
    if train is None or validation is None:
        return None, (1.0, 0.0), None
    horizon = periods.churn.horizon
    settings = {"objective": "binary", **_settings(options), "learning_rate": 0.03, "num_leaves": 7}
    judged = (churn_rows(source, validation, horizon), validation.churned.astype(np.int32))
    model = _boost(
        library,
        settings,
        (churn_rows(source, train, horizon), train.churned.astype(np.int32)),
        judged,
        source.categorical,
        progress,
    )
    z, truth = torch.from_numpy(_margins(model, judged[0])), torch.from_numpy(judged[1].astype(np.float64))
    scale = platt(z, truth)
    loss = float(torch.nn.functional.binary_cross_entropy_with_logits(z, truth))
    if options.refit and both is not None:
        rows = (churn_rows(source, both, horizon), both.churned.astype(np.int32))
        model = _again(library, settings, model, rows, source.categorical)
    return model, (float(scale[0]), float(scale[1])), loss


def _boost(
    library: Any,
    settings: dict[str, Any],
    learned: tuple[Table, npt.NDArray[np.int32]],
    judged: tuple[Table, npt.NDArray[np.int32]],
    categorical: list[int],
    progress: Progress,
) -> Any:
    part = library.Dataset(*learned, categorical_feature=categorical, params={"verbosity": -1}, free_raw_data=True)
    valid = part.create_valid(*judged)
    return library.train(
        settings,
        part,
        num_boost_round=_ROUNDS,
        valid_sets=[valid],
        callbacks=[library.early_stopping(_PATIENCE, verbose=False), lambda _: progress.advance(1)],
    )


def _again(
    library: Any,
    settings: dict[str, Any],
    model: Any,
    rows: tuple[Table, npt.NDArray[np.int32]],
    categorical: list[int],
) -> Any:
    """As many rounds as validation chose, with the newest events too, as the other models are trained at the end."""
    part = library.Dataset(*rows, categorical_feature=categorical, params={"verbosity": -1})
    return library.train(settings, part, num_boost_round=max(model.best_iteration, 1))


def _settings(options: TrainingOptions) -> dict[str, Any]:
    """Small trees and smoothed categories: least loss on the validation parts of four real logs, by up to 0.06."""
    return {
        "learning_rate": 0.05,
        "num_leaves": 8,
        "min_data_in_leaf": 50,
        "cat_smooth": 50,
        "cat_l2": 50,
        "feature_fraction": 0.8,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "seed": options.seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": options.threads,
        "verbosity": -1,
    }


def _margins(model: Any, rows: Table) -> Floats:
    """(P, D) -> (P, C) scores before the softmax, or (P,) before the sigmoid."""
    return np.asarray(model.predict(rows, raw_score=True, num_threads=1), np.float64)


def _targets(data: Encoded, part: Windows, random: np.random.Generator, most: int) -> Ints:
    """Events of a part that are followed by a known action, or as many of them at random as are allowed."""
    at = np.flatnonzero(part.wanted & (data.target <= data.known))
    return np.sort(random.choice(at, most, replace=False)) if len(at) > most else at


def _class_of(target: npt.NDArray[np.integer[Any]], own: int) -> npt.NDArray[np.int32]:
    return np.asarray(np.minimum(target, own + 1) - 1, np.int32)


def _shares(data: Encoded, train: Windows, own: int) -> Floats:
    target = data.target[train.wanted]
    counts = np.bincount(target[target <= data.known], minlength=data.known + 1) + 0.5
    counts[: own + 1] = 0.0
    return np.asarray(counts / max(counts.sum(), 1e-12), np.float64)
