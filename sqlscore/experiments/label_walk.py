"""A head at one moment of the past: learned from what was known by then alone, and judged by the labels that came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Bools, Floats, Ints
from sqlscore.events.mapping import Mapping
from sqlscore.experiments.label_moments import Cut, can_learn
from sqlscore.finetuning.baselines import answers_of_baselines
from sqlscore.finetuning.buyers import BG_NBD, spend_by_buying
from sqlscore.finetuning.examples import Examples
from sqlscore.finetuning.judging import figures, in_errors, losses
from sqlscore.finetuning.label_checks import LEAST
from sqlscore.finetuning.labels import Labels
from sqlscore.finetuning.learning import learn
from sqlscore.finetuning.parts import parts_of
from sqlscore.finetuning.segment import compare
from sqlscore.finetuning.spend import Spend
from sqlscore.scoring.label_features import Table
from sqlscore.scoring.label_head import Head

BASELINES = ("base_rate", "last_time", "logistic_regression", "lightgbm", BG_NBD)
"""What stands beside the head, as far as it is there."""


@dataclass(frozen=True)
class Asked:
    """What is learned at every moment.

    Args:
        labels: N labels in the order of their moments; `known_at` is there.
        segment: (N,) which of them are of the users that the head is for; None: it is for all.
        spend: what the labels sum up, if they were made from the mapped amount.
        seed: of the folds.
    """

    labels: Labels
    segment: Bools | None = None
    spend: Spend | None = None
    seed: int = 0


@dataclass(frozen=True)
class Judged:
    """What came of M labels at one moment.

    Attributes:
        figures: a row of the table, but for what it says of models.
        user: (M,) the number of each one's user.
        loss: (M,) of the head.
        peers: (M,) losses by baseline.
        excess: (M,) by how much more was said than came true: of probabilities, of those of the likeliest class, or of
            means.
    """

    figures: dict[str, Any]
    user: Ints
    loss: Floats
    peers: dict[str, Floats]
    excess: Floats


def judged_at(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, asked: Asked, cut: Cut, examples: Examples
) -> Judged | None:
    """Learn the head and the baselines from what was known at a moment, and judge them by what came.

    Args:
        con: The connection that has the labels' table.
        mapping: The events.
        asked: The labels, and what the head is.
        cut: The moment, and its rows.
        examples: What is known of the labels' users, as of each label's moment, through one model.

    Returns None if too few labels of the head's segment were known, or came after.
    """
    judged = cut.judged if asked.segment is None else cut.judged[asked.segment[cut.judged]]
    if len(judged) < LEAST:
        return None
    labels, size = _as_known(asked.labels, cut)
    features, summaries = examples.features[0][:size], examples.summaries[:size]
    found = _head(features, labels, cut.learned, asked, examples.plain[0])
    if found is None:
        return None
    head, n_learned = found
    peers = answers_of_baselines(summaries, labels, cut.learned, asked.seed)
    if asked.spend is not None:
        told = spend_by_buying(con, mapping, asked.spend, asked.labels, cut.learned, asked.seed)
        peers |= {} if told is None else {BG_NBD: told[:size]}
    own = _widened(head.answers(features[judged]), labels, judged)
    lost = {name: losses(labels, judged, _widened(told[judged], labels, judged)) for name, told in peers.items()}
    loss, excess = losses(labels, judged, own), _excess(labels, judged, own)
    user = np.unique(asked.labels.user[judged], return_inverse=True)[1]
    said = figures(labels, judged, own)
    row: dict[str, Any] = {
        "n_learned": n_learned,
        "n_judged": len(judged),
        "n_users": said["users"],
        "loss": said["loss"],
        **{f"{name}_loss": float(lost[name].mean()) if name in lost else None for name in BASELINES},
        "better_than_mean": in_errors(lost["base_rate"] - loss, user),
        "auc": said.get("auc", said.get("auc_of_more")),
        "accuracy": said.get("accuracy"),
        "mean_absolute_error": said.get("mean_absolute_error"),
        "mean_label": float(np.mean(_said(labels, own) - excess)),
        "mean_predicted": float(_said(labels, own).mean()),
        "excess_in_errors": in_errors(excess, user),
        "n_new_classes": int((labels.wanted[judged] >= len(labels.values)).sum()) if labels.kind == "classes" else 0,
    }
    return Judged(row, asked.labels.user[judged], loss, lost, excess)


def _as_known(labels: Labels, cut: Cut) -> tuple[Labels, int]:
    """The labels up to the end of what is judged, without what only later ones tell, and how many these are.

    Users are numbered anew, those of learned labels first, and classes are those of learned labels; one that had not
    been seen has the number behind them. So nothing of what is learned depends on what came later.
    """
    size = int(np.searchsorted(labels.as_of, cut.until, side="left"))
    user, wanted = labels.user[:size], labels.wanted[:size]
    own = np.unique(user[cut.learned])
    place = np.zeros(int(user.max()) + 1, np.int64)
    place[own] = 1 + np.arange(len(own))  # from 1 on, as `read_labels` does: the folds are those of `finetune`
    others = np.setdiff1d(user, own)
    place[others] = 1 + len(own) + np.arange(len(others))
    values = labels.values
    if labels.kind == "classes":
        seen = np.unique(wanted[cut.learned]).astype(np.int64)
        number = np.full(len(values), len(seen), np.int64)
        number[seen] = np.arange(len(seen))
        wanted, values = number[wanted.astype(np.int64)].astype(np.float64), tuple(values[each] for each in seen)
    known = None if labels.known_at is None else labels.known_at[:size]
    return Labels(labels.kind, values, wanted, labels.as_of[:size], known, place[user]), size


def _head(features: Table, labels: Labels, rows: Ints, asked: Asked, plain: Ints) -> tuple[Head, int] | None:
    """The head that `finetune` would have learned from these rows, and from how many; None if it would have refused."""
    known = Labels(
        labels.kind,
        labels.values,
        labels.wanted[rows],
        labels.as_of[rows],
        None if labels.known_at is None else labels.known_at[rows],
        labels.user[rows],
    )
    part, chosen, everything = features[rows], None, np.arange(len(rows))
    parts = parts_of(known, asked.seed)
    if can_learn(known, parts.learned):
        chosen = learn(part, known, parts.learned, asked.seed, plain=plain)
    if asked.segment is not None:
        of_segment = asked.segment[rows]
        if of_segment.sum() < 2 * LEAST:
            return None
        inside = parts.within(of_segment)
        if chosen is not None and can_learn(known, inside.learned) and can_learn(known, np.flatnonzero(of_segment)):
            own = learn(part, known, inside.learned, asked.seed, plain=plain)
            held_out = np.union1d(inside.later, inside.other_users)
            if compare(known, held_out, chosen.head.answers(part), own.head.answers(part)).is_better:
                chosen, everything = own, np.flatnonzero(of_segment)
    choice = None if chosen is None else chosen.choice
    return learn(part, known, everything, asked.seed, choice, plain=plain).head, len(everything)


def _widened(told: Floats, labels: Labels, judged: Ints) -> Floats:
    """(M, K) -> (M, K + 1) if a judged label is of a class that nobody had seen: it was given no probability."""
    if labels.kind != "classes" or labels.wanted[judged].max() < told.shape[1]:
        return told
    return np.concatenate([told, np.zeros((len(told), 1))], axis=1)


def _said(labels: Labels, told: Floats) -> Floats:
    """(M, K) -> (M,) the probability of yes, that of the likeliest class, or the mean."""
    if labels.kind == "classes":
        return np.asarray(told.max(1))
    return np.asarray(told[:, 0] if labels.kind in ("count", "amount") else told[:, 1])


def _excess(labels: Labels, judged: Ints, told: Floats) -> Floats:
    wanted: npt.NDArray[np.float64] = labels.wanted[judged]
    if labels.kind == "classes":
        wanted = (told.argmax(1) == wanted).astype(np.float64)
    return _said(labels, told) - wanted
