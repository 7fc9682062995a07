"""How tables are written for people: headings in words, shares in per cent, days without a time.

The names that SQL has are in "show SQL" below each table.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pyarrow as pa
import streamlit as st

_HEADINGS = {
    "user_id": "customer",
    "n_users": "customers",
    "n_events": "events",
    "n_active": "still there",
    "n_chosen": "chosen now",
    "held_out_users": "held out",
    "n_transitions": "times",
    "n_reference": "before",
    "n_current": "now",
    "last_actions": "last actions, newest first",
    "median_seconds": "median seconds",
    "next_action_probability": "its probability",
    "days_to_next_action": "days to it",
    "auc": "ROC AUC",
    "churn_auc": "churn ROC AUC",
    "psi": "PSI",
}
_SHARES = {
    "accuracy",
    "before",
    "churn_rate",
    "churn_rate_without",
    "churn_risk",
    "conversion",
    "conversion_from_previous",
    "effect",
    "held_out",
    "mean_attention",
    "mean_probability",
    "next_action_probability",
    "precision",
    "probability",
    "rate",
    "rate_high",
    "rate_low",
    "recall",
    "retention",
    "risk_before",
    "share_contacted",
    "mean_risk",
    "raw_uplift",
    "stayed_held_out",
    "stayed_treated",
    "uplift",
    "uplift_high",
    "uplift_low",
    "support",
    "weight",
}
_DAYS = {"cohort", "period_start"}


def rows(table: pa.Table, *, key: str, height: int | None = None, as_they_are: Collection[str] = ()) -> None:
    """Show a table whose cells are text, numbers and times, never markup.

    Args:
        table: what is shown.
        key: of the widget, unique on the page.
        height: in pixels; without one, as high as ten rows at most.
        as_they_are: columns of somebody's own, whose names and numbers mean what only their owner knows.
    """
    if not table.num_rows:
        st.caption("no rows")
        return
    columns = {each.name: _column(each, each.name not in as_they_are) for each in table.schema}
    options: dict[str, Any] = {"height": height} if height else {}
    st.dataframe(table, hide_index=True, width="stretch", column_config=columns, key=key, placeholder="", **options)


def heading(name: str) -> str:
    """A column's name in words: days_silent -> days silent."""
    return _HEADINGS.get(name, name.replace("_", " "))


def _column(field: pa.Field, ours: bool) -> Any:
    if not ours:
        return st.column_config.Column(label=field.name)
    label = heading(field.name)
    if pa.types.is_timestamp(field.type):
        form = "YYYY-MM-DD" if field.name in _DAYS else "YYYY-MM-DD HH:mm"
        return st.column_config.DatetimeColumn(label, format=form)
    if pa.types.is_floating(field.type):
        return st.column_config.NumberColumn(label, format=_form(field.name))
    if pa.types.is_integer(field.type):
        return st.column_config.NumberColumn(label, format="localized")
    return st.column_config.Column(label=label)


def _form(name: str) -> str:
    if name in _SHARES:
        return "percent"
    return "%.2g" if name.endswith(("p_value", "q_value")) else "localized"
