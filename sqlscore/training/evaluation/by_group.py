"""How good a model is in each group of the events, and where that is clearly worse than elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Dict
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Floats, Ints
from sqlscore.training.data.churn_labels import Examples
from sqlscore.training.data.event_log import Codes, Column, EventLog
from sqlscore.training.evaluation import metrics

_LEAST = 20  # users who are judged, below which a group is pooled with others
_MOST = 20  # groups with figures of their own
_SURE = 3.0  # standard errors that chance does not explain, among so many groups
_NOTICED = 0.05  # of a rate, and of a log-loss by its size: less is no matter
_SAID = 3  # groups that the verdict names, a head


@dataclass(frozen=True)
class Judged:
    """What a model said at the P targets and Q churn examples of a test, and what happened."""

    at: Ints  # (P,) index in the log of the event before the target
    following: Ints  # (P,) 0: never seen in training
    best: Ints  # (P,)
    in_top3: npt.NDArray[np.bool_]  # (P,)
    probability: Floats  # (P,) of what happened
    confidence: Floats  # (P,) of `best`
    examples: Examples | None  # Q
    churn: Floats  # (Q,)


def figures_of_groups(log: EventLog, judged: Judged) -> list[dict[str, Any]]:
    """The figures of each group, the largest first, then of all that have fewer than 20 judged users, pooled.

    A target is of the group of the event before it, an example of that of the user's last event.

    Returns dicts with "group" (None for NULL, and for a pool), "pooled" (of how many groups; 0: a group of its own),
    "n_users", "next_action" and, with churn examples, "churn"; empty without groups. What is clearly worse than in the
    other groups together is in "worse" and "miscalibrated" of either, as `verdict_on_groups` says it.
    """
    if log.group is None:
        return []
    codes = log.group.codes
    positions = np.zeros(0, np.int64) if judged.examples is None else judged.examples.position
    users = _users_by_group(codes, log.rows, np.concatenate([judged.at, positions]))
    own = [code for code in np.argsort(-users, kind="stable")[:_MOST] if users[code] >= _LEAST]
    found = [_figures(log, judged, np.array([code]), _name(log.group, int(code)), int(users[code])) for code in own]
    rest = np.setdiff1d(np.flatnonzero(users), own)
    if len(rest):
        found.append(_figures(log, judged, rest, None, int(users[rest].sum()), len(rest)))
    return found


def verdict_on_groups(groups: Sequence[Dict[str, Any]]) -> list[str]:
    """A sentence for each head that is clearly worse, or not calibrated, in some of several groups."""
    if len(groups) < 2:
        return []
    said = []
    for head, title in (("next_action", "Next action"), ("churn", "Churn")):
        worst = [text for row in groups for text in _said_of(row, head)]
        if worst:
            more = f"; and {len(worst) - _SAID} more (metrics.groups)" if len(worst) > _SAID else ""
            said.append(f"{title}, by group: {'; '.join(worst[:_SAID])}{more}.")
    return said


def name_of(row: Dict[str, Any]) -> str:
    """A group in words."""
    if row["pooled"]:
        return f"{row['pooled']} other group{'' if row['pooled'] == 1 else 's'}"
    return "(none)" if row["group"] is None else str(row["group"])


def _said_of(row: Dict[str, Any], head: str) -> Iterator[str]:
    figures = row.get(head) or {}
    if figures.get("worse"):
        measure, own, others = figures["worse"]
        yield f"{name_of(row)} is harder, {measure} {own:.3f} against {others:.3f} elsewhere"
    if figures.get("miscalibrated"):
        claimed, came = figures["miscalibrated"]
        how = "high" if claimed > came else "low"
        yield f"{name_of(row)} is stated too {how}, {claimed:.0%} where it was {came:.0%}"


def _users_by_group(codes: Codes, rows: Ints, at: Ints) -> Ints:
    """(K,) how many users each group has among these events."""
    pairs = np.unique(np.stack([codes[at].astype(np.int64), rows[at]], 1), axis=0)
    return np.bincount(pairs[:, 0], minlength=int(codes.max(initial=0)) + 1)


def _name(column: Column, code: int) -> str | None:
    return column.values[code - 1] if code else None


def _figures(
    log: EventLog, judged: Judged, chosen: Ints, name: str | None, n_users: int, pooled: int = 0
) -> dict[str, Any]:
    assert log.group is not None  # noqa: S101 - asked for by a caller that has groups
    codes, rows = log.group.codes, log.rows
    inside = np.isin(codes[judged.at], chosen)
    row: dict[str, Any] = {"group": name, "pooled": pooled, "n_users": n_users}
    row["next_action"] = _next_action(judged, rows[judged.at], inside)
    if judged.examples is not None:
        of_group = np.isin(codes[judged.examples.position], chosen)
        row["churn"] = _churn(judged.examples, judged.churn, rows[judged.examples.position], of_group)
    return row


def _next_action(judged: Judged, users: Ints, inside: npt.NDArray[np.bool_]) -> dict[str, Any]:
    every = metrics.next_action_metrics(
        judged.following[inside],
        judged.best[inside],
        judged.in_top3[inside],
        judged.probability[inside],
        judged.confidence[inside],
    )
    found = {key: every[key] for key in ("n", "accuracy", "log_loss", "ece")}
    known = judged.following > 0
    loss = -np.log(np.maximum(judged.probability, 1e-12))
    own, others = inside & known, ~inside & known
    if own.any() and others.any():
        means = float(loss[own].mean()), float(loss[others].mean())
        error = math.hypot(_error(loss[own], users[own]), _error(loss[others], users[others]))
        if means[0] - means[1] > max(_SURE * error, _NOTICED * means[1]):
            found["worse"] = ["log-loss", *means]
    correct = (judged.best == judged.following).astype(np.float64)
    return found | _calibration(judged.confidence[inside], correct[inside], users[inside])


def _churn(examples: Examples, risk: Floats, users: Ints, inside: npt.NDArray[np.bool_]) -> dict[str, Any]:
    churned = examples.churned
    every = metrics.churn_metrics(churned[inside], risk[inside], examples.elapsed[inside], examples.seen[inside])
    found = {key: every[key] for key in ("n", "base_rate", "auc", "log_loss", "ece")}
    found["mean_risk"] = float(risk[inside].mean()) if inside.any() else None
    others = metrics.churn_metrics(churned[~inside], risk[~inside], examples.elapsed[~inside], examples.seen[~inside])
    if found["auc"] is not None and others["auc"] is not None:
        error = math.hypot(
            _auc_error(found["auc"], churned[inside], users[inside]),
            _auc_error(others["auc"], churned[~inside], users[~inside]),
        )
        if others["auc"] - found["auc"] > max(_SURE * error, _NOTICED):
            found["worse"] = ["ROC AUC", found["auc"], others["auc"]]
    return found | _calibration(risk[inside], churned[inside].astype(np.float64), users[inside])


def _calibration(claimed: Floats, came: Floats, users: Ints) -> dict[str, Any]:
    """{"miscalibrated": [mean probability, share that came true]} if these differ by more than chance explains."""
    if len(claimed) == 0:
        return {}
    gap = float((claimed - came).mean())
    if abs(gap) <= max(_SURE * _error(claimed - came, users), _NOTICED):
        return {}
    return {"miscalibrated": [float(claimed.mean()), float(came.mean())]}


def _error(values: Floats, users: Ints) -> float:
    """The standard error of a mean of values that are independent between users, and not within one."""
    if len(values) == 0:
        return math.inf
    _, which = np.unique(users, return_inverse=True)
    sums = np.bincount(which, values - values.mean())
    n = len(sums)
    if n < 2:
        return math.inf
    return float(np.sqrt((sums**2).sum() * n / (n - 1)) / len(values))


def _auc_error(auc: float, churned: npt.NDArray[np.bool_], users: Ints) -> float:
    """Hanley & McNeil 1982, eq. 1, with the users of either kind in place of their examples."""
    positive, negative = len(np.unique(users[churned])), len(np.unique(users[~churned]))
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (positive - 1) * (q1 - auc**2) + (negative - 1) * (q2 - auc**2)
    return math.sqrt(max(variance, 0.0) / (positive * negative))
