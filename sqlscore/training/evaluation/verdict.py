"""The evaluation in words: where a model beats its baselines, and where it does not."""

from __future__ import annotations

import math
from typing import Any

from sqlscore.times import in_words


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
    if abs(found["log_loss"]) < 1e-9 and found["accuracy"] == 1:
        return (
            "Next action: there is one action only, so the next one is always the same: use churn_risk and "
            "seconds_to_next_action."
        )
    share, peer = found["accuracy"], best["accuracy"]
    noise = 2 * math.sqrt(max(share * (1 - share), 1e-12) / found["n"])
    if share > peer + noise:
        return f"Next action: accuracy {share:.1%} beats the best baseline, {name} ({peer:.1%})."
    how = "is about that of" if abs(share - peer) <= noise else "does not beat"
    said = f"Next action: accuracy {share:.1%} {how} the simple baseline {name} ({peer:.1%})"
    loss, least = found["log_loss"], min(baseline["log_loss"] for baseline in found["baselines"].values())
    if loss < least:
        return (
            f"{said}: what follows is mostly fixed by the last events; use the probabilities "
            f"(log-loss {loss:.3f}, the baselines' best {least:.3f}) or a simpler rule."
        )
    return (
        f"{said}, nor are its probabilities better (log-loss {loss:.3f}, the baselines' best {least:.3f}): "
        "these events say little about the next one; do not rely on predict_next_action."
    )


def _time(found: dict[str, Any]) -> str:
    if not found["n"]:
        return ""
    model, median = found["mae_seconds"], found["baselines"]["median"]["mae_seconds"]
    typical, plain = found["median_ae_seconds"], found["baselines"]["median"]["median_ae_seconds"]
    if model < median and typical < plain:
        return f"Time to next: mean error {in_words(model)} beats the global median's {in_words(median)}."
    if model < median or typical < plain:
        return (
            f"Time to next: mean error {in_words(model)} against {in_words(median)} by the global median, "
            f"typical error {in_words(typical)} against {in_words(plain)}: better in one, not in the other."
        )
    return (
        f"Time to next: mean error {in_words(model)} does not beat the global median's {in_words(median)}: "
        "do not rely on seconds_to_next_action."
    )


def _churn(found: dict[str, Any]) -> str:
    if found["auc"] is None:
        if not found["n"]:
            return "Churn: there is no user to test on, so its quality is unknown."
        did = "churned" if found["base_rate"] == 1 else "came back"
        return f"Churn: all {found['n']:,} examples of the test {did}, so nobody can be ranked: its quality is unknown."
    name, best = max(found["baselines"].items(), key=lambda item: item[1]["auc"])
    if found["auc"] > best["auc"]:
        said = f"Churn: ROC AUC {found['auc']:.3f} beats {name} alone ({best['auc']:.3f})."
    else:
        said = (
            f"Churn: ROC AUC {found['auc']:.3f} does not beat {name} alone ({best['auc']:.3f}): "
            f"ranking users by {name} does as well."
        )
    if found.get("tested_on", "").startswith("other users"):
        said += f" It was tested on {found['tested_on']}: what has changed since then does not show."
    return said
