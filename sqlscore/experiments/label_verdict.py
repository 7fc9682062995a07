"""All moments of a walk together: how good the head was beside what needs no model, in numbers and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sqlscore.arrays import Floats
from sqlscore.experiments.label_walk import BASELINES, Judged
from sqlscore.finetuning.judging import NAMES, NOISE, in_errors
from sqlscore.scoring.label_head import Kind
from sqlscore.times import iso

_SPREAD_FROM = 3  # moments: fewer say nothing of how much moments differ


def summary_of(kind: Kind, moments: Sequence[tuple[int, Judged]]) -> dict[str, Any]:
    """Figures of all moments (µs) together, each label counted once.

    `better` is by how much a baseline's loss is above the head's, in standard errors over users; `better_by_moments`
    in standard errors over moments, None for fewer than three. `excess_in_errors` is by how much more was said than
    came true.
    """
    walked = [judged for _, judged in moments]
    user = np.concatenate([each.user for each in walked])
    loss = np.concatenate([each.loss for each in walked])
    excess = np.concatenate([each.excess for each in walked])
    peers = {}
    for name in BASELINES:
        if not all(name in each.peers for each in walked):  # at some moments too few had bought
            continue
        other = np.concatenate([each.peers[name] for each in walked])
        means = np.array([float((each.peers[name] - each.loss).mean()) for each in walked])
        peers[name] = {
            "loss": float(other.mean()),
            "better": in_errors(other - loss, user),
            "better_by_moments": _in_errors_over_moments(means),
            "moments_won": int((means > 0).sum()),
        }
    weights = [each.figures["n_judged"] for each in walked]
    return {
        "kind": kind,
        "moments": len(walked),
        "n_judged": len(loss),
        "n_users": len(np.unique(user)),
        "loss": float(loss.mean()),
        "mean_label": float(np.average([each.figures["mean_label"] for each in walked], weights=weights)),
        "mean_predicted": float(np.average([each.figures["mean_predicted"] for each in walked], weights=weights)),
        "excess_in_errors": in_errors(excess, user),
        "baselines": peers,
    }


def _in_errors_over_moments(means: Floats) -> float | None:
    if len(means) < _SPREAD_FROM:
        return None
    error = float(means.std(ddof=1)) / len(means) ** 0.5
    return float(means.mean()) / error if error > 0 else 0.0


def _distance(peer: Mapping[str, Any]) -> float:
    """Standard errors by which the head is better: the lesser of those over users and over moments, 0 if they differ.

    Moments differ by more than their users do where a season or a change moves everybody at once.
    """
    users, moments = peer["better"], peer["better_by_moments"]
    if moments is None:
        return float(users)
    return float(min(users, moments, key=abs)) if users * moments > 0 else 0.0


def verdict_of(summary: Mapping[str, Any], moments: Sequence[tuple[int, Judged]]) -> tuple[str, ...]:
    """Sentences: the head beside the mean, beside the best baseline, how true its means are, and its worst moment."""
    kind, peers = summary["kind"], summary["baselines"]
    what = "deviance" if kind in ("count", "amount") else "log-loss"
    at = "1 moment" if summary["moments"] == 1 else f"{summary['moments']} moments"
    said = [
        f"At {at} ({summary['n_judged']:,} labels of {summary['n_users']:,} users): {what} {summary['loss']:.3f}; "
        + _beside(f"{NAMES['base_rate']} ({peers['base_rate']['loss']:.3f})", peers["base_rate"])
    ]
    best = min(peers, key=lambda name: peers[name]["loss"])
    if best != "base_rate":
        named = f"the best baseline, {NAMES[best]} ({peers[best]['loss']:.3f}),"
        said.append(f"It is {_beside(named, peers[best])}")
    said.append(_calibration(summary, moments))
    if len(moments) > 1:
        said.append(_by_moment(peers, moments, what))
    else:
        said.append("One moment says little of others: let the labels' query give more.")
    return tuple(said)


def _beside(named: str, peer: Mapping[str, Any]) -> str:
    distance = _distance(peer)
    if distance > NOISE:
        return f"better than {named} beyond noise."
    if distance >= -NOISE:
        return f"no better than {named} beyond noise."
    return f"worse than {named} beyond noise: do not rely on this head, use that instead or more labels."


def _calibration(summary: Mapping[str, Any], moments: Sequence[tuple[int, Judged]]) -> str:
    numbers = summary["kind"] in ("count", "amount")
    form = "{:,.4g}" if numbers else "{:.3f}"
    told, true = (form.format(summary[name]) for name in ("mean_predicted", "mean_label"))
    what = "It expected" if numbers else "It said"
    off = summary["excess_in_errors"]
    how = "within noise" if abs(off) <= NOISE else f"too {'high' if off > 0 else 'low'} beyond noise"
    wrong = [at for at, judged in moments if abs(judged.figures["excess_in_errors"]) > NOISE]
    at = f"; taken alone, {len(wrong)} of {len(moments)} moments are off beyond noise" if len(moments) > 1 else ""
    return f"{what} {told} on average and {true} came true, {how}{at}."


def _by_moment(peers: Mapping[str, Any], moments: Sequence[tuple[int, Judged]], what: str) -> str:
    won = sum(all(judged.figures["loss"] < judged.figures[f"{name}_loss"] for name in peers) for _, judged in moments)
    worst, judged = max(moments, key=lambda moment: moment[1].figures["loss"])
    at = iso(worst).removesuffix(" 00:00:00")
    return (
        f"Better than every baseline at {won} of {len(moments)} moments; its worst is {at} ({what} "
        f"{judged.figures['loss']:.3f}, the mean {judged.figures['base_rate_loss']:.3f})."
    )
