"""The controls of the page of segments, and the selection that they say."""

from __future__ import annotations

from typing import Any

import streamlit as st

from sqlscore.reporting.page.plain_text import plain
from sqlscore.webapp.customers import LAST_ACTIONS
from sqlscore.webapp.segment_queries import Segments
from sqlscore.webapp.selection import Between, Selection

BANDS = ("high", "medium", "low", "lapsed", "unknown")
_LISTED = 200  # values of an attribute that one can choose from
_WHICH = ("newest action", "action before it", "third newest action", "fourth newest action")
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL")


def selection(segments: Segments) -> Selection:
    """Show the controls, and return what they say."""
    with st.expander("Last actions", expanded=False):
        last = _last_actions(segments)
    with st.expander("Next action", expanded=False):
        next_actions = tuple(st.multiselect("predicted next action", segments.values("next_action"), key="next"))
        probability = _share("its probability", "probability")
    with st.expander("Risk and activity", expanded=True):
        bands = tuple(st.multiselect("risk band", BANDS, key="bands"))
        status = st.selectbox("status", ("all", "active", "lapsed"), key="status")
        risk = _share("churn risk", "risk")
        silent = _numbers("days since the last event", "silent", *segments.range("days_silent"))
    among: dict[str, tuple[Any, ...]] = {}
    within: dict[str, Between] = {}
    if segments.source.attributes:
        with st.expander("Attributes", expanded=False):
            for name, kind in segments.source.attributes:
                if kind.startswith(_NUMBERS):
                    within[name] = _numbers(plain(name), f"attribute {name}", *segments.range(name))
                else:
                    among[name] = _values(segments, name)
    containing = st.text_input("part of the customer's id", key="containing")
    return Selection(
        last=last,
        next_actions=next_actions,
        probability=probability,
        bands=bands,
        active=None if status == "all" else status == "active",
        risk=risk,
        silent=silent,
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
