"""Simulate: a sequence that one types, clicks or loads, and what the models say of it, before and after a change."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from sqlscore.reporting.page.plain_text import plain
from sqlscore.webapp.answers import show_answer
from sqlscore.webapp.current import Current, current
from sqlscore.webapp.screens import upload
from sqlscore.webapp.segment_queries import Segments
from sqlscore.webapp.sequences import Asked, Sequences, Step, moved, typed
from sqlscore.webapp.server import SERVED

_CLICKED = 12  # actions with a button
_IN_A_ROW = 4
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
    labels = [model.label for model in events.models]
    names = left.multiselect("models, side by side", labels, default=labels[:1], key="models")
    silent = right.number_input("days since the last event", min_value=0.0, value=0.0, step=1.0, key="since")
    now = sequences.high_water() or datetime(2000, 1, 1)
    last = now - timedelta(days=silent)
    models = [model for model in events.models if model.label in names]
    pinned: list[Step] | None = st.session_state.get(_PINNED)
    for place, model in zip(st.columns(max(len(models), 1)), models, strict=False):
        with place:
            asked = Asked(model.label, model.heads, now)
            show_answer(sequences, asked, steps, last, pinned if pinned != steps else None)


def _entered(sequences: Sequences, actions: list[str]) -> list[Step]:
    """The sequence so far, after what was clicked, typed or loaded in this turn."""
    steps: list[Step] = st.session_state.setdefault(_STEPS, [])
    left, right = st.columns(2)
    with left.form("typed", border=False):
        text = st.text_input("type a sequence", placeholder="view > 5m > add_to_cart > 2d > view")
        if st.form_submit_button("use it"):
            steps = _set(typed(text))
    with right.form("loaded", border=False):
        user = st.text_input("load a customer by id")
        if st.form_submit_button("load"):
            found = sequences.load(user.strip())
            if found:
                steps = _set(found)
            else:
                st.warning(f"nobody has the id {plain(user)}: pass it as it stands in the events")
    st.caption("or click what happens next")
    columns = st.columns(_IN_A_ROW)
    for place, action in enumerate(actions[:_CLICKED]):
        columns[place % _IN_A_ROW].button(
            plain(action), key=f"click {action}", width="stretch", on_click=_append, args=(action,)
        )
    if len(actions) > _CLICKED:
        other = st.selectbox("another action", actions[_CLICKED:], index=None, key="other")
        if other:
            st.button("add it", on_click=_append, args=(str(other),))
    return steps


def _edited(sequences: Sequences, actions: list[str], steps: list[Step]) -> list[Step]:
    """The sequence after changes in its table: rows added, removed, changed, moved."""
    known = list(dict.fromkeys([*actions, *(step.action for step in steps)]))
    table: list[dict[str, Any]] = [{"action": step.action, "minutes": step.minutes} | step.features for step in steps]
    columns: dict[str, Any] = {
        "action": st.column_config.SelectboxColumn("action", options=known, required=True),
        "minutes": st.column_config.NumberColumn("minutes after the one before", min_value=0.0, default=5.0),
    }
    for name, kind in sequences.features:
        number = kind.startswith(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL"))
        column = st.column_config.NumberColumn if number else st.column_config.TextColumn
        columns[name] = column(plain(name))
        for row in table:
            row.setdefault(name, None)
    turn = st.session_state.setdefault(_TURN, 0)
    changed = st.data_editor(
        table, num_rows="dynamic", hide_index=True, width="stretch", column_config=columns, key=f"edited {turn}"
    )
    names = [name for name, _ in sequences.features]
    found = [
        Step(str(row["action"]), float(row.get("minutes") or 0.0), {name: row.get(name) for name in names})
        for row in changed
        if row.get("action")
    ]
    one, two, three, four, five = st.columns(5, vertical_alignment="bottom")
    one.number_input("event number", min_value=1, max_value=max(len(found), 1), value=1, key="place")
    st.session_state[_SHOWN] = found
    # What a callback does is done before the page is drawn again, so that no later click can overtake it.
    two.button("move it earlier", width="stretch", on_click=_move, args=(-1,))
    three.button("move it later", width="stretch", on_click=_move, args=(1,))
    four.button("compare with this from here on", width="stretch", on_click=_pin)
    five.button("start over", width="stretch", on_click=_start_over)
    return found


def _set(steps: list[Step]) -> list[Step]:
    """Keep the sequence, and draw its table anew."""
    st.session_state[_STEPS] = steps
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1
    return steps


def _append(action: str) -> None:
    _set([*st.session_state.get(_SHOWN, []), Step(action)])


def _move(by: int) -> None:
    """Move the event whose number was entered, in the sequence as it is shown."""
    steps = st.session_state.get(_SHOWN, [])
    if steps:
        _set(moved(steps, min(int(st.session_state["place"]), len(steps)) - 1, by))


def _pin() -> None:
    """Keep the sequence as it is shown, for later ones to be compared with."""
    st.session_state[_PINNED] = st.session_state.get(_SHOWN)


def _start_over() -> None:
    st.session_state.pop(_PINNED, None)
    st.session_state.pop(_SHOWN, None)
    _set([])
