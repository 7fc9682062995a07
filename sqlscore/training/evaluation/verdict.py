"""The evaluation in words: where a model beats its baselines, and where it does not."""

from __future__ import annotations

import math
from typing import Any

_NEAR = 1.01  # a factor between two mean errors that nobody would notice
_TOLD = 0.95  # of the majority's log-loss: below that, events say something about the next one


def verdict(evaluation: dict[str, Any]) -> list[str]:
    """One sentence per head that was evaluated."""
    said = [_next_action(evaluation["next_action"]), _time(evaluation["time_to_next"])]
    if evaluation.get("churn"):
        said.append(_churn(evaluation["churn"]))
    return [sentence for sentence in said if sentence]


def _next_action(found: dict[str, Any]) -> str:
    if not found["n"]:
        return "Next action: the test period holds no event to predict, so its quality is unknown."
    if found["log_loss"] is None:
        return "Next action: no action of the test period occurs in the training period: train on newer events."
    name, best = max(found["baselines"].items(), key=lambda item: item[1]["accuracy"])
    if abs(found["log_loss"]) < 1e-9 and found["baselines"]["majority"]["accuracy"] == 1:
        return (
            "Next action: there is one action only, so the next one is always the same: use churn_risk and "
            "seconds_to_next_action."
        )
    share, peer = found["accuracy"], best["accuracy"]
    noise = 2 * math.sqrt(max(share * (1 - share), 1e-12) / found["n"])
    counting, least = min(
        ((baseline, figures["log_loss"]) for baseline, figures in found["baselines"].items()), key=lambda item: item[1]
    )
    loss = found["log_loss"]
    if share > peer + noise:
        said = f"Next action: accuracy {share:.1%} beats the best baseline, {name} ({peer:.1%})"
        if loss < least:
            return f"{said}."
        return (
            f"{said}, but its probabilities do not beat {counting} (log-loss {loss:.3f} against {least:.3f}): "
            f"{_remedy(counting)}."
        )
    how = "is about that of" if abs(share - peer) <= noise else "does not beat"
    said = f"Next action: accuracy {share:.1%} {how} the simple baseline {name} ({peer:.1%})"
    if loss < least:
        return (
            f"{said}: what follows is mostly fixed by the last events; use the probabilities "
            f"(log-loss {loss:.3f}, the baselines' best {least:.3f}) or a simpler rule."
        )
    said = f"{said}, nor are its probabilities better (log-loss {loss:.3f}, {counting} {least:.3f})"
    majority = found["baselines"]["majority"]["log_loss"]
    if loss < _TOLD * majority:
        return (
            f"{said}: the last events tell what comes (log-loss without them {majority:.3f}), and counting what "
            f"followed them does as well; {_remedy(counting)}."
        )
    return (
        f"{said}: these events say little about the next one; do not rely on predict_next_action, or "
        f"{_remedy(counting)}."
    )


def _remedy(counting: str) -> str:
    """What to do if counting gives better probabilities."""
    if counting.endswith("_recent"):
        return "what follows what has changed: train on newer events, or with --recency 8"
    return "see by `sqlscore compare --architectures gru,markov,gbm` which model does better here"


def _time(found: dict[str, Any]) -> str:
    if not found["n"]:
        return ""
    name, best = min(found["baselines"].items(), key=lambda item: item[1]["mean_log10_error"])
    own, peer = 10 ** found["mean_log10_error"], 10 ** best["mean_log10_error"]
    said = f"Time to next: the median is off by a factor of {own:.3g} on average"
    if own >= peer and own < _NEAR * peer:
        return f"{said}, as is {name} ({peer:.3g}): a rule that knows less does as well."
    if own >= peer:
        return f"{said} and does not beat {name} ({peer:.3g}): do not rely on seconds_to_next_action."
    said += f", which beats the best baseline, {name} ({peer:.3g})"
    if found["coverage_p10"] is None:
        return f"{said}."
    early, inside = found["coverage_p50"], found["coverage_p90"] - found["coverage_p10"]
    return f"{said}; {early:.0%} came before it, {inside:.0%} between p10 and p90."


def _churn(found: dict[str, Any]) -> str:
    if found["auc"] is None:
        if not found["n"]:
            return "Churn: there is no user to test on, so its quality is unknown."
        did = "churned" if found["base_rate"] == 1 else "came back"
        return f"Churn: all {found['n']:,} examples of the test {did}, so nobody can be ranked: its quality is unknown."
    rule, best = max((_ranking(*item) for item in found["baselines"].items()), key=lambda item: item[1])
    auc, noise = found["auc"], 2 * _error_of_auc(found["auc"], found["n"], found["base_rate"])
    if auc > best + noise:
        said = f"Churn: ROC AUC {auc:.3f} beats {rule} alone ({best:.3f})."
    elif auc > best:
        said = (
            f"Churn: ROC AUC {auc:.3f} is above {rule} alone ({best:.3f}) by less than chance may do among "
            f"{found['n']:,} examples."
        )
    else:
        said = (
            f"Churn: ROC AUC {auc:.3f} does not beat {rule} alone ({best:.3f}): ranking users by {rule} does as well."
        )
    if found.get("tested_on", "").startswith("other users"):
        said += f" It was tested on {found['tested_on']}: what has changed since then does not show."
    return said


def _ranking(name: str, figures: dict[str, Any]) -> tuple[str, float]:
    """A rule that ranks by one number, read the way that serves it: at a steady pace, who came long ago is due."""
    auc = figures["auc"]
    return (name, auc) if auc >= 0.5 else (f"{name} read backwards", 1 - auc)


def _error_of_auc(auc: float, n: int, rate: float) -> float:
    """The standard error of an AUC over n examples of which a share `rate` is positive (Hanley & McNeil 1982)."""
    positives, negatives = n * rate, n * (1 - rate)
    both_above, both_below = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (positives - 1) * (both_above - auc**2) + (negatives - 1) * (both_below - auc**2)
    return math.sqrt(max(variance, 0.0) / (positives * negatives))


def verdict_on_weighting(weighting: dict[str, Any] | None) -> list[str]:
    """What it means that churn labels were weighted. weighting: see `training.data.churn_labels.weighting_of`."""
    if weighting is None:
        return []
    said = [
        f"Churn: the risk is that of users whom nobody treats: of {weighting['labels']:,} labels "
        f"{weighting['left_out']:,} of treated users are left out, and {weighting['weighted']:,} of users who were "
        "held out by chance count for them."
    ]
    if weighting["clipped"]:
        said.append(
            f"Churn: {weighting['clipped']:,} of these would count more than {weighting['most']:g} times, and do not."
        )
    surely = weighting["of_them_without_chance"]
    if surely:
        said.append(
            f"Churn: for {surely:,} of the labels left out nobody was held out by chance: what such users do without "
            "treatment is not known, and their risk may be understated; assign with --held-out 0.1."
        )
    return said
