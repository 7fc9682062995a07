"""The `.sql` files as data: which there are, in the order in which they are to be executed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal, cast

from sqlscore.quoting import identifier
from sqlscore.sql.belonging import belonging
from sqlscore.sql.names import MAPPING_TABLES, REGISTRY_TABLES, SCHEMA, retarget

Kind = Literal["table", "view", "macro"]

_CREATED = re.compile(r"^CREATE (?:OR REPLACE )?(TABLE|VIEW|MACRO) ", re.MULTILINE)

FILES: tuple[str, ...] = (
    "functions/utc_moment.sql",
    "sessions/session_events_with.sql",
    "sessions/sessions_with.sql",
    "sessions/session_stats_with.sql",
    "sessions/session_events.sql",
    "sessions/sessions.sql",
    "sessions/session_stats.sql",
    "sessions/event_sequences.sql",
    "churn/churn_labels_inactivity.sql",
    "churn/churn_labels_first_touch.sql",
    "churn/churn_labels_lapsed.sql",
    "scores/live_scored_users.sql",
    "scores/live_scored_sessions.sql",
    "scores/scored_users.sql",
    "scores/scored_sessions.sql",
    "scores/churn_horizons_with.sql",
    "scores/churn_horizons.sql",
    "scores/user_vectors.sql",
    "scores/similar_users.sql",
    "scores/scored_segments_with.sql",
    "scores/scored_segments.sql",
    "scores/segment_summary.sql",
    "scores/group_summary.sql",
    "quality/model_metrics.sql",
    "quality/reliability_bins.sql",
    "quality/tested_thresholds.sql",
    "quality/group_metrics.sql",
    "quality/action_attention.sql",
    "functions/two_sided_p.sql",
    "behaviour/transitions_with.sql",
    "behaviour/transitions.sql",
    "behaviour/action_stats_with.sql",
    "behaviour/action_stats.sql",
    "behaviour/feature_usage.sql",
    "behaviour/feature_prospects.sql",
    "behaviour/paths.sql",
    "behaviour/funnel.sql",
    "behaviour/cohort_retention_with.sql",
    "behaviour/cohort_retention.sql",
    "behaviour/lifecycle_with.sql",
    "behaviour/lifecycle.sql",
    "behaviour/rfm.sql",
    "decisions/score_spans.sql",
    "decisions/ordered_events.sql",
    "decisions/step_roles.sql",
    "decisions/user_signs.sql",
    "decisions/driver_stats.sql",
    "decisions/similar_habits.sql",
    "decisions/user_signals_with.sql",
    "decisions/user_signals.sql",
    "decisions/recommendations.sql",
    "decisions/assign.sql",
    "decisions/interventions.sql",
    "decisions/contacts.sql",
    "decisions/judged_interventions.sql",
    "decisions/intervention_outcomes_with.sql",
    "decisions/intervention_outcomes.sql",
    "decisions/uplift_by_risk.sql",
    "quality/past_scores.sql",
    "quality/judged_past_scores.sql",
    "quality/backtest_metrics.sql",
    "quality/judged_scores.sql",
    "quality/evaluate_churn.sql",
    "quality/calibration_bins.sql",
    "quality/lift_table.sql",
    "quality/threshold_table.sql",
    "quality/evaluate_next_action.sql",
    "drift/shares_of_bins.sql",
    "drift/drift_bins.sql",
    "drift/drift_of_bins.sql",
    "drift/drift.sql",
    "drift/score_drift_bins.sql",
    "drift/score_drift.sql",
    "quality/unknown_rate.sql",
    "quality/lint.sql",
    "scores/score_diff.sql",
)
"""Views and macros, one a file. A file stands after those that it reads: views are bound when they are created."""


_VIEW = re.compile(r"^(CREATE OR REPLACE VIEW \S+) AS$", re.MULTILINE)


def parts(text: str) -> tuple[str, str]:
    """What creates an object, and what comments on it, from the text of both."""
    created, comment, rest = text.partition("\nCOMMENT ON")
    return created, comment + rest


def bound_when_read(created: str) -> str:
    """What creates a view that is bound when somebody first reads it or asks for its columns; a macro as it is."""
    return _VIEW.sub(r"\1 WITH (DEFER_BINDING) AS", created, count=1)


@dataclass(frozen=True)
class SqlObject:
    """One table, view or macro in schema `sqlscore`; `text` creates it and sets its comments.

    `in_groups` does so where events have groups, if it is another text then.
    """

    name: str
    kind: Kind
    text: str
    in_groups: str | None = None

    def for_schema(self, schema: str, prefix: str = "", order: tuple[str, ...] = (), group: str | None = None) -> str:
        """`text` for a mapping with this schema, prefix of function names, columns that break ties and group."""
        text = self.text if group is None else self.in_groups or self.text
        return retarget(_with_order(text, order), schema, prefix)

    @property
    def commented_columns(self) -> tuple[str, ...]:
        """The columns that `text` comments on, in its order: all of a table or view."""
        return tuple(re.findall(rf"^COMMENT ON COLUMN {SCHEMA}\.{self.name}\.(\w+) IS", self.text, re.MULTILINE))


_IN_GROUPS = "in_groups"
"""The folder of what is created instead where events have groups; the comments are those of the usual file."""

_BY_TIME = re.compile(r"\bORDER BY (\w+)\.event_time, ")
"""How the events of `sqlscore.events` are sorted in the files; what follows breaks ties."""


def _with_order(text: str, order: tuple[str, ...]) -> str:
    """The text with these columns as the first that break ties between events of one moment."""

    def sorted_by(found: re.Match[str]) -> str:
        return found[0] + "".join(f"{found[1]}.{identifier(name)}, " for name in order)

    return _BY_TIME.sub(sorted_by, text)


def objects() -> list[SqlObject]:
    """All views and macros, in the order of `FILES`."""
    return [_read(file) for file in FILES]


@lru_cache(maxsize=4)  # a file is mapped in the process that made it
def objects_of(file: int) -> tuple[SqlObject, ...]:
    """All views and macros as they are installed in the database file with this number."""
    guarded: set[str] = set()
    found = []
    for item in objects():
        apart = set(guarded)  # the other text has the same name
        text = belonging(item.text, item.kind, file, guarded)
        in_groups = None if item.in_groups is None else belonging(item.in_groups, item.kind, file, apart)
        found.append(replace(item, text=text, in_groups=in_groups))
    return tuple(found)


def registry_tables() -> list[SqlObject]:
    """The tables that all mappings share; each text makes its table only if it is not there yet."""
    return [table(name) for name in REGISTRY_TABLES]


@cache
def table(name: str) -> SqlObject:
    """One of REGISTRY_TABLES or MAPPING_TABLES."""
    if name not in (*REGISTRY_TABLES, *MAPPING_TABLES):
        raise ValueError(f"there is no tables/{name}.sql")
    return _read(f"tables/{name}.sql")


@cache
def _read(file: str) -> SqlObject:
    folder = Path(__file__).parent
    path = folder / file
    text, other = path.read_text(encoding="utf-8"), folder / _IN_GROUPS / path.name
    in_groups = None
    if other.exists():
        in_groups = other.read_text(encoding="utf-8") + text[text.index("\n\nCOMMENT ON") + 1 :]
    created = _CREATED.search(text)
    if created is None:
        raise ValueError(f"{file} creates nothing")
    return SqlObject(path.stem, cast("Kind", created[1].lower()), text, in_groups)
