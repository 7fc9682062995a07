"""Gradient boosting on the last events, gaps and counts as a table: the tabular peer in comparisons (LightGBM).

Ke et al. 2017, "LightGBM: A Highly Efficient Gradient Boosting Decision Tree". It learns from the same targets as the
other models, is chosen by the same validation parts, learns from these too at the end, and is judged at the same
events; it cannot be scored in SQL. Counts stand beside the trees of the next action, as beside the networks.

At most 1,000,000 rows, and 16,000,000 rows x classes, are learned from (a sample, if there are more), a quarter of that
while validation chooses: about 1 GB at most, half of it scores and gradients of LightGBM.
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
from sqlscore.events.mapping import US_PER_SECOND
from sqlscore.experiments.gbm_boosting import ROUNDS, Rows, again, losses_of, margins_of, search, settings_of
from sqlscore.experiments.gbm_counts import Counts, counted
from sqlscore.experiments.gbm_features import Source, churn_rows, rows_at, source_of
from sqlscore.extras import optional
from sqlscore.progress import Progress
from sqlscore.training.data.churn_labels import Examples
from sqlscore.training.data.encoding import Encoded, encode_log, vocabulary
from sqlscore.training.data.event_log import EventLog
from sqlscore.training.data.split import Periods
from sqlscore.training.data.windows import Parts, Windows, parts_of
from sqlscore.training.evaluation.predicted import Predicted, ranked
from sqlscore.training.learning.calibration import temperature
from sqlscore.training.learning.churn_calibration import platt
from sqlscore.training.learning.mixture import Judged, choose_counting, drifts, users_at
from sqlscore.training.options import TrainingOptions

CLASSES = 64  # actions with a class of their own; rarer ones are one class, parted by their shares
_ROWS, _CELLS = 1_000_000, 16_000_000  # most training rows; most rows x classes
_SEARCHED = 4  # validation chooses by trees of this part of them
_JUDGED = 20_000  # validation rows that stop the training
_CHUNK, _PREDICTED_CELLS = 50_000, 8_000_000
_WHOLE = 2**40  # events of a user that are read: all


@dataclass(frozen=True)
class Boosted:
    """Trained trees, and how their classes become probabilities of actions.

    temperature, platt: calibration by the validation part, as the other models have it.
    """

    next_action: Any
    counts: Counts  # beside the trees of the next action
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
    parts = parts_of(log, data, periods, options.seed, _WHOLE, spare_users=options.refit)
    source = source_of(data)
    progress.start("Training", ROUNDS * (2 if periods.churn is None else 4))
    actions = _fit_actions(library, source, parts, periods, options, progress)
    churn, scale, churn_loss = _fit_churn(library, source, parts, periods, options, progress)
    progress.finish()
    return Boosted(
        actions.trees,
        actions.counts,
        churn,
        _shares(data, parts.both if options.refit else parts.train),
        actions.temperature,
        scale,
        periods.churn.horizon if periods.churn is not None else 0,
        time.monotonic() - began,
        actions.validation_log_loss,
        churn_loss,
    )


def predict_gbm(model: Boosted, data: Encoded, test: Windows) -> Predicted:
    """What the trees say at every target and churn example of a part; they predict no time to the next event."""
    source = source_of(data)
    at = np.flatnonzero(test.wanted)
    parts = []
    step = max(1, min(_CHUNK, _PREDICTED_CELLS // max(data.known, 1)))
    for start in range(0, max(len(at), 1), step):
        chosen = at[start : start + step]
        action = np.minimum(data.target[chosen], data.known + 1).astype(np.int64) - 1
        found = probabilities(model, source, chosen)
        parts.append(ranked(found, action, found.argmax(1)))
    best, in_top3, probability, confidence = (np.concatenate(part) for part in zip(*parts, strict=True))
    churn = np.zeros(0)
    if model.churn is not None and test.churn is not None:
        z = margins_of(model.churn, churn_rows(source, test.churn, model.horizon))
        churn = 1 / (1 + np.exp(-(model.platt[0] * z + model.platt[1])))
    none = np.zeros((len(at), 0), np.float32)
    return Predicted(at, best, in_top3, probability, confidence, np.full((len(at), 3), np.nan), churn, none)


def probabilities(model: Boosted, source: Source, at: Ints) -> npt.NDArray[np.float32]:
    """(P,) events -> (P, V) of the next action; the trees part that of the rare ones by their shares in training."""
    known = len(model.shares) - 1
    margin = margins_of(model.next_action, rows_at(source, at)) / model.temperature  # (P, C)
    spread = np.exp(margin - margin.max(1, keepdims=True)) if len(at) else margin
    by_class = spread / spread.sum(1, keepdims=True)
    own = min(CLASSES, known)
    found = np.zeros((len(at), known))
    found[:, :own] = by_class[:, :own]
    if known > own:
        found[:, own:] = by_class[:, own:] * model.shares[own + 1 :]
    return model.counts.mixed(source.data, at, found).astype(np.float32)


@dataclass(frozen=True)
class _Actions:
    """What says the next action, and the validation part's log-loss before that was learned too."""

    trees: Any
    counts: Counts
    temperature: float
    validation_log_loss: float


def _fit_actions(
    library: Any, source: Source, parts: Parts, periods: Periods, options: TrainingOptions, progress: Progress
) -> _Actions:
    """The trees, their number and weights and the counts beside them, as the validation parts chose them."""
    data, random = source.data, np.random.default_rng(options.seed)
    classes = max(min(CLASSES, data.known) + (data.known > CLASSES), 2)
    settings = {"objective": "multiclass", "num_class": classes, **settings_of(options)}
    few = min(_ROWS, _CELLS // classes) // _SEARCHED
    learned, judged = _sample(_targets(data, parts.train), random, few), _targets(data, parts.validation)
    known = np.bincount(data.target[learned], minlength=data.known + 1) > 0
    judged = _sample(judged, random, _JUDGED)
    judged = judged[known[data.target[judged]]]  # the others drown what can be learned
    validation = [_rows(source, judged)]
    strangers = None if periods.by_users else parts.held_out
    if strangers is not None:
        others = _sample(_targets(data, strangers), random, _JUDGED)
        validation.append(_rows(source, others[known[data.target[others]]]))
    newer = drifts(data, parts.train, [parts.validation] if strangers is None else [parts.validation, strangers])
    found = search(library, settings, _rows(source, learned), validation, source.categorical, newer, progress)
    wanted = validation[0].wanted
    softened = temperature(torch.from_numpy(found.margins), torch.from_numpy(wanted.astype(np.int64)))
    shares = _shares(data, parts.train)[data.target[judged]]
    given = np.where(shares > 0, shares, 1.0)  # of the rare actions, within their class
    probability = np.exp(-losses_of(found.margins / softened, wanted)) * given
    how, losses = choose_counting(data, parts.train, Judged(judged, probability, len(judged)))
    loss = float(losses.mean()) if len(judged) else float("nan")
    every, model = _targets(data, parts.both if options.refit else parts.train), found.model
    if options.refit:
        rows = _rows(source, _sample(every, random, few * _SEARCHED))
        model = again(library, settings, found, rows, source.categorical)
    return _Actions(model, counted(data, every, how), softened, loss)


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
    settings = {"objective": "binary", **settings_of(options), "learning_rate": 0.03, "num_leaves": 7}
    judged = [_churn_rows(source, validation, horizon)]
    held_out = None if parts.churn.held_out is None else parts.churn.held_out.churn
    if held_out is not None and not np.array_equal(held_out.position, validation.position):
        judged.append(_churn_rows(source, held_out, horizon))
    rows = _churn_rows(source, train, horizon)
    found = search(library, settings, rows, judged, source.categorical, not periods.churn.by_users, progress)
    z, truth = torch.from_numpy(found.margins), torch.from_numpy(judged[0].wanted.astype(np.float64))
    scale = platt(z, truth)
    model = found.model
    if options.refit and both is not None:
        model = again(library, settings, found, _churn_rows(source, both, horizon), source.categorical)
    return model, (float(scale[0]), float(scale[1])), float(found.losses.mean())


def _rows(source: Source, at: Ints) -> Rows:
    """What the trees learn at events that are followed by a known action."""
    data = source.data
    return Rows(rows_at(source, at), _class_of(data, at), data.target_time[at], users_at(data, at))


def _churn_rows(source: Source, examples: Examples, horizon: int) -> Rows:
    as_of = source.data.times[examples.position] + (examples.elapsed * US_PER_SECOND).astype(np.int64)
    users = users_at(source.data, examples.position)
    return Rows(churn_rows(source, examples, horizon), examples.churned.astype(np.int32), as_of, users)


def _targets(data: Encoded, part: Windows) -> Ints:
    """Events of a part that are followed by a known action."""
    return np.flatnonzero(part.wanted & (data.target <= data.known))


def _sample(at: Ints, random: np.random.Generator, most: int) -> Ints:
    """All of these events, or as many of them at random as are allowed, in their order."""
    return np.sort(random.choice(at, most, replace=False)) if len(at) > most else at


def _class_of(data: Encoded, at: Ints) -> npt.NDArray[np.int32]:
    """(P,) classes of the actions that follow; all that have none of their own are the last one."""
    return np.asarray(np.minimum(data.target[at], min(CLASSES, data.known) + 1) - 1, np.int32)


def _shares(data: Encoded, part: Windows) -> Floats:
    """(V + 1,) shares of the codes that have no class of their own, among each other; 0 for the rest."""
    counts = np.bincount(data.target[_targets(data, part)], minlength=data.known + 1) + 0.5
    counts[: min(CLASSES, data.known) + 1] = 0.0
    return np.asarray(counts / max(counts.sum(), 1e-12), np.float64)
