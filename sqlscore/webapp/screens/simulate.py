"""Simulate: a sequence that one types, clicks or loads, and what the models say of it, before and after a change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from sqlscore.reporting.page.plain_text import plain
from sqlscore.webapp.answers import show_answer
from sqlscore.webapp.current import Current, current
from sqlscore.webapp.screens import upload
from sqlscore.webapp.segment_queries import Segments
from sqlscore.webapp.sequences import Asked, Sequences, Step, moved, typed
from sqlscore.webapp.served import SERVED

_CLICKED = 12  # actions with a button
_MINUTES = 5.0
"""How long after the one before an event is, unless that is said."""
_HELP = {"compare from here": "keep this sequence: what is changed from here on is shown against it"}
_STEPS, _SHOWN, _PINNED, _TURN = "steps", "shown", "pinned", "turn"


def page() -> None:
    """Show the page."""
    st.title("Simulate")
    events = current()
    if events is None or not events.has_model():
        return
    sequences = Sequences.of(SERVED.database, events.source.schema, events.source.order)
    single, many = st.tabs(("one sequence", "a file of many"))
    with single:
        _single(events, sequences)
    with many:
        upload.part(events, sequences)


def _single(events: Current, sequences: Sequences) -> None:
    actions = Segments(SERVED.database, events.source).actions()
    steps = _entered(sequences, actions)
    if not steps:
        st.session_state[_SHOWN] = []
        st.info("add an action with a button, type a sequence, or load a customer")
        return
    steps = _edited(sequences, actions, steps)
    left, right = st.columns(2)
    labels = [model.label for model in events.predicting]
    names = left.multiselect("models, side by side", labels, default=labels[:1], key="models")
    silent = right.number_input("days since the last event", min_value=0.0, value=0.0, step=1.0, key="since")
    now = sequences.high_water() or datetime(2000, 1, 1)
    last = now - timedelta(days=silent)
    models = [model for model in events.predicting if model.label in names]
    pinned: list[Step] | None = st.session_state.get(_PINNED)
    for place, model in zip(st.columns(max(len(models), 1)), models, strict=False):
        with place:
            asked = Asked(model.label, model.heads, now)
            before = pinned if pinned != steps else None
            show_answer(sequences, asked, steps, last, before, alone=len(models) == 1)


def _entered(sequences: Sequences, actions: list[str]) -> list[Step]:
    """The sequence so far, after what was clicked, typed or loaded in this turn."""
    steps: list[Step] = st.session_state.setdefault(_STEPS, [])
    left, right = st.columns(2)
    with left.form("typed", border=False):
        field, button = st.columns((4, 1), vertical_alignment="bottom")
        text = field.text_input("type a sequence", placeholder="view > 5m > add_to_cart > 2d > view")
        if button.form_submit_button("use it", width="stretch"):
            steps = _set(typed(text))
    with right.form("loaded", border=False):
        field, button = st.columns((4, 1), vertical_alignment="bottom")
        user = field.text_input("load a customer by id")
        if button.form_submit_button("load", width="stretch"):
            found = sequences.load(user.strip())
            if found:
                steps = _set(found)
            else:
                st.warning(f"nobody has the id {plain(user)}: pass it as it stands in the events")
    st.caption("or click what happens next")
    with st.container(horizontal=True):
        for action in actions[:_CLICKED]:
            st.button(plain(action), key=f"click {action}", on_click=_append, args=(action,))
    if len(actions) > _CLICKED:
        other = st.selectbox("another action", actions[_CLICKED:], index=None, key="other")
        if other:
            st.button("add it", on_click=_append, args=(str(other),))
    return steps


def _edited(sequences: Sequences, actions: list[str], steps: list[Step]) -> list[Step]:
    """The sequence after changes in its table: rows added, removed, changed, moved."""
    known = list(dict.fromkeys([*actions, *(step.action for step in steps)]))
    table: list[dict[str, Any]] = [
        {"action": step.action, "minutes": step.minutes if place else None} | step.features
        for place, step in enumerate(steps)
    ]
    columns: dict[str, Any] = {
        "action": st.column_config.SelectboxColumn("action", options=known, required=True),
        "minutes": st.column_config.NumberColumn("minutes after the one before", min_value=0.0, default=_MINUTES),
    }
    for name, kind in sequences.features:
        number = kind.startswith(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL"))
        column = st.column_config.NumberColumn if number else st.column_config.TextColumn
        columns[name] = column(plain(name))
        for row in table:
            row.setdefault(name, None)
    turn = st.session_state.setdefault(_TURN, 0)
    changed = st.data_editor(
        table,
        num_rows="dynamic",
        hide_index=True,
        width="stretch",
        column_config=columns,
        placeholder="",
        key=f"edited {turn}",
    )
    names = [name for name, _ in sequences.features]
    found = [
        Step(str(row["action"]), _minutes(row.get("minutes")), {name: row.get(name) for name in names})
        for row in changed
        if row.get("action")
    ]
    st.session_state[_SHOWN] = found
    place, *buttons = st.columns((3, 3, 3, 3, 4, 3), vertical_alignment="bottom")
    place.number_input("event number", min_value=1, max_value=max(len(found), 1), value=1, key="place")
    # What a callback does is done before the page is drawn again, so that no later click can overtake it.
    changes: tuple[tuple[str, Callable[..., None], tuple[int, ...]], ...] = (
        ("move earlier", _move, (-1,)),
        ("move later", _move, (1,)),
        ("remove", _remove, ()),
        ("compare from here", _pin, ()),
        ("start over", _start_over, ()),
    )
    for beside, (label, change, values) in zip(buttons, changes, strict=True):
        beside.button(label, width="stretch", on_click=change, args=values, help=_HELP.get(label))
    return found


def _set(steps: list[Step]) -> list[Step]:
    """Keep the sequence, and draw its table anew."""
    st.session_state[_STEPS] = steps
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1
    return steps


def _append(action: str) -> None:
    _set([*st.session_state.get(_SHOWN, []), Step(action)])


def _minutes(entered: float | None) -> float:
    return _MINUTES if entered is None else float(entered)


def _move(by: int) -> None:
    """Move the event whose number was entered, in the sequence as it is shown."""
    steps = st.session_state.get(_SHOWN, [])
    if steps:
        _set(moved(steps, min(int(st.session_state["place"]), len(steps)) - 1, by))


def _remove() -> None:
    """Leave out the event whose number was entered."""
    steps = list(st.session_state.get(_SHOWN, []))
    if steps:
        del steps[min(int(st.session_state["place"]), len(steps)) - 1]
        _set(steps)


def _pin() -> None:
    """Keep the sequence as it is shown, for later ones to be compared with."""
    st.session_state[_PINNED] = st.session_state.get(_SHOWN)


def _start_over() -> None:
    st.session_state.pop(_PINNED, None)
    st.session_state.pop(_SHOWN, None)
    _set([])
