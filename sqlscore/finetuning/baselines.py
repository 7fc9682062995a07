"""What a head has to beat: no model at all, the user's last label, and two models on plain summaries."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np

from sqlscore.arrays import Floats, Ints
from sqlscore.errors import TrainingError
from sqlscore.extras import optional
from sqlscore.finetuning.examples import on_log_scale
from sqlscore.finetuning.labels import Labels
from sqlscore.finetuning.learning import learn
from sqlscore.scoring.label_features import Table

_PRIOR = 5.0  # labels that the mean of all counts as, in a mean of few
_ROUNDS, _PATIENCE = 400, 40
_TREES = 1_200  # of all classes together, of those larger steps each


def answers_of_baselines(summaries: Table, labels: Labels, learned: Ints, seed: int) -> dict[str, Floats]:
    """(N, K) probabilities of the classes, or (N, 1) means of numbers, of all labels, by what learned from some.

    LightGBM is there if it is installed.
    """
    found = {
        "base_rate": _base_rate(labels, learned),
        "last_time": last_time(labels, learned),
        "logistic_regression": linear(on_log_scale(summaries), labels, learned, seed),
    }
    if find_spec("lightgbm") is not None:
        found["lightgbm"] = boosted(summaries, labels, learned, seed)
    return found


def linear(table: Table, labels: Labels, learned: Ints, seed: int) -> Floats:
    """The same regression as a head's, on other columns."""
    return learn(table, labels, learned, seed).head.answers(table)


def boosted(table: Table, labels: Labels, learned: Ints, seed: int) -> Floats:
    """LightGBM (Ke et al. 2017), its rounds found on a fifth of the users; Tweedie deviance for numbers."""
    lightgbm = optional("lightgbm", "this baseline needs LightGBM", extra="gbm", error=TrainingError)
    wanted, numbers = labels.wanted, labels.kind in ("count", "amount")
    classes = 2 if labels.kind == "yes_no" else len(labels.values)
    settings: dict[str, Any] = {
        **({"objective": "tweedie"} if numbers else {"objective": "binary"}),
        **({"objective": "multiclass", "num_class": classes} if labels.kind == "classes" else {}),
        "learning_rate": 0.05 if labels.kind != "classes" else 0.1,
        "num_leaves": 8,
        "min_data_in_leaf": max(5, min(50, len(learned) // 50)),
        "lambda_l2": 5.0,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
    fold = np.random.default_rng(seed).permutation(int(labels.user.max()) + 1)[labels.user] % 5
    own, judged = learned[fold[learned] > 0], learned[fold[learned] == 0]

    def part(rows: Ints) -> Any:
        return lightgbm.Dataset(table[rows], wanted[rows], params={"verbosity": -1}, free_raw_data=False)

    rounds = 100
    if len(own) and len(judged):
        stop = [lightgbm.early_stopping(_PATIENCE, verbose=False)]
        most = min(_ROUNDS, _TREES // max(classes, 1))
        tried = lightgbm.train(settings, part(own), most, valid_sets=[part(judged)], callbacks=stop)
        rounds = max(tried.best_iteration, 1)
    told = np.asarray(lightgbm.train(settings, part(learned), rounds).predict(table, num_threads=1))
    if labels.kind == "classes":
        return told
    return told[:, None] if numbers else np.stack([1 - told, told], axis=1)


def _base_rate(labels: Labels, learned: Ints) -> Floats:
    return np.tile(_mean(labels, learned), (len(labels), 1))


def last_time(labels: Labels, learned: Ints) -> Floats:
    """By what the user's last label was that was known as of the moment: the mean of the training labels after such."""
    before = _before(labels)
    kinds = (labels.wanted > 0) if labels.kind in ("count", "amount") else labels.wanted
    state = np.where(before >= 0, kinds[np.maximum(before, 0)], -1).astype(np.int64)
    overall = _mean(labels, learned)
    found = np.tile(overall, (len(labels), 1))
    for each in np.unique(state):
        same = learned[state[learned] == each]
        if len(same):
            own = (_mean(labels, same) * len(same) + _PRIOR * overall) / (len(same) + _PRIOR)
            found[state == each] = own
    return found


def _before(labels: Labels) -> Ints:
    """(N,) the newest earlier label of the same user, -1 without one."""
    known = labels.as_of if labels.known_at is None else labels.known_at
    order = np.lexsort((labels.as_of, labels.user))
    found = np.full(len(labels), -1, np.int64)
    for place in range(1, len(order)):
        row = order[place]
        back = place - 1
        while back >= 0 and labels.user[order[back]] == labels.user[row]:
            other = order[back]
            if known[other] <= labels.as_of[row] and labels.as_of[other] < labels.as_of[row]:
                found[row] = other
                break
            back -= 1
    return found


def _mean(labels: Labels, rows: Ints) -> Floats:
    """(K,) shares of the classes, or (1,) the mean."""
    if labels.kind in ("count", "amount"):
        return np.array([labels.wanted[rows].mean()])
    counts = np.bincount(labels.wanted[rows].astype(np.int64), minlength=max(len(labels.values), 2)) + 0.5
    return np.asarray(counts / counts.sum())
