"""The `.sql` files as data: which there are, in the order in which they are to be executed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["view", "macro"]

FILES: tuple[str, ...] = (
    "macros/utc_moment.sql",
    "macros/session_events_with.sql",
    "macros/sessions_with.sql",
    "macros/session_stats_with.sql",
    "views/session_events.sql",
    "views/sessions.sql",
    "views/session_stats.sql",
    "views/event_sequences.sql",
    "macros/churn_labels_inactivity.sql",
    "macros/churn_labels_first_touch.sql",
    "macros/churn_labels_lapsed.sql",
    "views/live_scored_users.sql",
    "views/live_scored_sessions.sql",
    "views/scored_users.sql",
    "views/scored_sessions.sql",
    "macros/scored_segments_with.sql",
    "views/scored_segments.sql",
    "views/segment_summary.sql",
    "views/model_metrics.sql",
    "views/action_attention.sql",
    "macros/two_sided_p.sql",
    "macros/transitions_with.sql",
    "views/transitions.sql",
    "macros/action_stats_with.sql",
    "views/action_stats.sql",
    "views/feature_usage.sql",
    "macros/feature_prospects.sql",
    "macros/paths.sql",
    "macros/funnel.sql",
    "macros/cohort_retention_with.sql",
    "views/cohort_retention.sql",
    "macros/lifecycle_with.sql",
    "views/lifecycle.sql",
    "macros/rfm.sql",
    "views/past_scores.sql",
    "views/judged_past_scores.sql",
    "views/backtest_metrics.sql",
    "macros/judged_scores.sql",
    "macros/evaluate_churn.sql",
    "macros/calibration_bins.sql",
    "macros/lift_table.sql",
    "macros/threshold_table.sql",
    "macros/evaluate_next_action.sql",
    "macros/drift_bins.sql",
    "macros/drift_of_bins.sql",
    "macros/drift.sql",
    "macros/score_drift_bins.sql",
    "macros/score_drift.sql",
    "macros/unknown_rate.sql",
    "macros/score_diff.sql",
)
"""One object a file. A file stands after those that it reads: views are bound when they are created."""


@dataclass(frozen=True)
class SqlObject:
    """One view or macro in schema `sqlscore`; `text` creates it, or replaces it, and sets its comments."""

    name: str
    kind: Kind
    text: str


def objects() -> list[SqlObject]:
    """All objects, in the order of `FILES`."""
    return [_read(file) for file in FILES]


def _read(file: str) -> SqlObject:
    path = Path(__file__).parent / file
    kind: Kind = "view" if path.parent.name == "views" else "macro"
    return SqlObject(path.stem, kind, path.read_text(encoding="utf-8"))
