"""Whether a model is to be trained again, by the settings in the table `sqlscore.policy`."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from dataclasses import dataclass

from sqlscore.database.policy import Policy


@dataclass(frozen=True)
class Facts:
    """What the policy looks at. `hours_since_attempt` is None before the first attempt; `psi` is by measure."""

    champion_age_days: float
    hours_since_attempt: float | None
    new_events: bool  # later than those that the champion's training saw
    psi: Dict[str, float]


def why_retrain(policy: Policy, facts: Facts) -> str | None:
    """The reason to train again, in words; None if there is none."""
    if not facts.new_events:
        return None
    if facts.hours_since_attempt is not None and facts.hours_since_attempt < policy.retrain_pause_hours:
        return None
    if policy.retrain_after_days is not None and facts.champion_age_days >= policy.retrain_after_days:
        return f"the champion is {facts.champion_age_days:.3g} days old (limit {policy.retrain_after_days:g})"
    if policy.retrain_drift_psi is not None and facts.psi:
        measure, psi = max(facts.psi.items(), key=lambda item: item[1])
        if psi >= policy.retrain_drift_psi:
            return f"{measure} has drifted since the training: psi {psi:.3f} (limit {policy.retrain_drift_psi:g})"
    return None


def is_worse(policy: Policy, new_loss: float, old_loss: float) -> bool:
    """Whether a retrained model's log loss is too high for it to become the champion."""
    return policy.promote_within is not None and not new_loss <= old_loss * (1 + policy.promote_within)
