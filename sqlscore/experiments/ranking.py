"""The metrics by which comparisons rank contenders and searches choose options."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """A metric and its direction.

    Args:
        name: as users write it.
        higher_is_better: its direction.
        column: its column in the leaderboard; None if contenders are not ranked by it.
        prunes: whether the validation loss of an epoch says enough of it for a trial to end early. Weights of rare
            actions make these losses incomparable, and they say nothing of churn.
    """

    name: str
    higher_is_better: bool
    column: str | None
    prunes: bool = False

    @property
    def sign(self) -> int:
        """What makes the best value the smallest one."""
        return -1 if self.higher_is_better else 1


METRICS = {
    metric.name: metric
    for metric in (
        Metric("log_loss", higher_is_better=False, column="log_loss", prunes=True),
        Metric("accuracy", higher_is_better=True, column="accuracy", prunes=True),
        Metric("f1", higher_is_better=True, column=None),
        Metric("auc", higher_is_better=True, column="churn_auc"),
    )
}
"""What a search may go by: log loss, accuracy and macro F1 of the next action, ROC AUC of churn."""

RANKED = {name: metric.column for name, metric in METRICS.items() if metric.column is not None}
"""What contenders may be ranked by, and its column in the leaderboard."""
