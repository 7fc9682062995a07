"""The controls of the page of segments, and the selection that they say."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

import streamlit as st

from sqlscore.reporting.page.plain_text import plain
from sqlscore.webapp.customers import LAST_ACTIONS
from sqlscore.webapp.segment_queries import Segments
from sqlscore.webapp.selection import Between, Selection

BANDS = ("high", "medium", "low", "lapsed", "unknown")
_LISTED = 200  # values of an attribute that one can choose from
_WHICH = ("newest action", "action before it", "third newest action", "fourth newest action")


def selection(segments: Segments) -> Selection:
    """Show the controls, and return what they say."""
    # A switch, since the actions are read from all events, and may be many to send to the browser.
    last = _last_actions(segments) if st.toggle("Last actions", key="by last actions") else ()
    with st.expander("Next action", expanded=False):
        next_actions = tuple(st.multiselect("predicted next action", segments.values("next_action"), key="next"))
        probability = _share("its probability", "probability")
    with st.expander("Risk and activity", expanded=True):
        bands = tuple(st.multiselect("risk band", BANDS, key="bands"))
        status = st.selectbox("status", ("all", "active", "lapsed"), key="status")
        risk = _share("churn risk", "risk")
        silent = _numbers("days since the last event", "silent", *segments.range("days_silent"))
        seen = _days("last seen", "seen", *segments.range("last_event_time"))
    among: dict[str, tuple[Any, ...]] = {}
    within: dict[str, Between] = {}
    if segments.source.filtered:
        with st.expander("Attributes", expanded=False):
            for each in segments.source.filtered:
                label, key = plain(each.name), f"attribute {each.name}"
                if each.is_number:
                    within[each.name] = _numbers(label, key, *segments.range(each.name))
                elif each.is_time:
                    within[each.name] = _days(label, key, *segments.range(each.name))
                else:
                    among[each.name] = _values(segments, each.name)
    containing = st.text_input("part of the customer's id", key="containing")
    return Selection(
        last=last,
        next_actions=next_actions,
        probability=probability,
        bands=bands,
        active=None if status == "all" else status == "active",
        risk=risk,
        silent=silent,
        seen=seen,
        among=among,
        within=within,
        containing=containing,
    )


def _last_actions(segments: Segments) -> tuple[tuple[str, ...], ...]:
    actions = segments.actions()
    return tuple(tuple(st.multiselect(_WHICH[place], actions, key=f"last {place}")) for place in range(LAST_ACTIONS))


def _values(segments: Segments, name: str) -> tuple[Any, ...]:
    values = segments.values(name, _LISTED + 1)
    if len(values) > _LISTED:
        typed = st.text_input(f"{plain(name)} is exactly", key=f"attribute {name}")
        return (typed,) if typed else ()
    chosen = st.multiselect(
        plain(name),
        values,
        format_func=lambda value: "(none)" if value is None else str(value),
        key=f"attribute {name}",
    )
    return tuple(chosen)


def _share(label: str, key: str) -> Between:
    """From 0 to 1; an end that was not moved is open, so that it leaves out nobody who has none."""
    low, high = st.slider(label, 0.0, 1.0, (0.0, 1.0), 0.01, key=key)
    return Between(low or None, high if high < 1 else None)


def _numbers(label: str, key: str, least: Any, most: Any) -> Between:
    if least is None:
        return Between()
    left, right = st.columns(2)
    low = left.number_input(f"{label}, from", value=None, placeholder=f"{float(least):.4g}", key=f"{key} low")
    high = right.number_input(f"{label}, to", value=None, placeholder=f"{float(most):.4g}", key=f"{key} high")
    return Between(low, high)


def _days(label: str, key: str, least: Any, most: Any) -> Between:
    """Whole days, the last one included; an end that is left empty is open."""
    if least is None:
        return Between()
    first, last = (moment.date() if isinstance(moment, datetime) else moment for moment in (least, most))
    options: dict[str, Any] = {"value": None, "min_value": first, "max_value": last, "format": "YYYY-MM-DD"}
    low: date | None = st.date_input(f"{label}, from", key=f"{key} low", **options)
    high: date | None = st.date_input(f"{label}, to", key=f"{key} high", **options)
    if isinstance(least, datetime) and high is not None:
        high = datetime.combine(high, time.max)
    return Between(low, high)
