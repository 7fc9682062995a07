"""What a model says of a sequence: next actions, time, path, risk over the weeks, and the events behind it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa
import streamlit as st

from sqlscore.reporting.page.plain_text import plain
from sqlscore.webapp import charts
from sqlscore.webapp.parts import duration, number, show_sql
from sqlscore.webapp.sequences import Asked, Sequences, Step
from sqlscore.webapp.tables import rows


def show_answer(
    sequences: Sequences, asked: Asked, steps: list[Step], last: datetime, before: list[Step] | None, *, alone: bool
) -> None:
    """Show what one model says.

    Args:
        sequences: asks the model.
        asked: the model and the moment.
        steps: the sequence.
        last: when its last event was.
        before: the sequence to compare it with, if there is one.
        alone: whether no other model stands beside it.
    """
    st.subheader(plain(asked.model))
    sql = sequences.answer(steps, last, asked)
    answer = sequences.rows(sql)[0]
    if answer["next_actions"] is None:
        st.info("the model knows nothing of this sequence: add an event")
        return
    old = sequences.rows(sequences.answer(before, last, asked))[0] if before else None
    _figures(answer, old)
    # Streamlit has columns in columns, and no further: where models stand side by side, each is one column.
    left, right = st.columns(2, gap="large") if alone else (st.container(), st.container())
    with left:
        st.markdown("**next action**")
        _next(answer, old)
        st.caption("most likely path from here: " + plain(" > ".join(answer["path"] or [])))
        show_sql(sequences.shown(sql))
    with right:
        if "churn" in asked.heads:
            _weeks(sequences, asked, steps, last, before)
    _why(sequences, asked, steps, last)


def _figures(answer: dict[str, Any], old: dict[str, Any] | None) -> None:
    left, middle, right = st.columns(3)
    first = answer["next_actions"][0]
    left.metric("next", plain(first["action"]), help=f"probability {first['probability']:.1%}")
    seconds = answer["seconds"] or [None, None, None]
    middle.metric("in", duration(seconds[1]), help=f"between {duration(seconds[0])} and {duration(seconds[2])} (80 %)")
    if "risk" in answer:
        change = None
        if old and old.get("risk") is not None and answer["risk"] is not None:
            change = f"{100 * (answer['risk'] - old['risk']):+.1f} points"
        right.metric("churn risk", number(answer["risk"], ".1%"), change, delta_color="inverse")


def _next(answer: dict[str, Any], old: dict[str, Any] | None) -> None:
    table: dict[str, list[Any]] = {
        "action": [each["action"] for each in answer["next_actions"]],
        "probability": [each["probability"] for each in answer["next_actions"]],
    }
    charts.show(
        charts.bars(pa.table(table), "action", "probability", "probability of the next action", ".1%"),
        f"next {st.session_state.get('turn')} {answer['path']} {len(table['action'])}",
    )
    if old and old["next_actions"]:
        was = {each["action"]: each["probability"] for each in old["next_actions"]}
        table["before"] = [was.get(action) for action in table["action"]]
        rows(pa.table(table), key=f"before {answer['path']}")


def _weeks(sequences: Sequences, asked: Asked, steps: list[Step], last: datetime, before: list[Step] | None) -> None:
    sql = sequences.risks(steps, last, asked)
    found = [{"which": "now", **row} for row in sequences.rows(sql)]
    if before:
        found += [{"which": "before", **row} for row in sequences.rows(sequences.risks(before, last, asked))]
    table = pa.Table.from_pylist(found)
    st.markdown("**risk over the coming weeks, if nothing happens**")
    charts.show(
        charts.line(table, "as_of", "risk", ("as of", "churn risk"), "T", "which", (None, ".0%")),
        f"weeks {asked.model}",
    )
    show_sql(sequences.shown(sql))


def _why(sequences: Sequences, asked: Asked, steps: list[Step], last: datetime) -> None:
    heads = {"next action": "next_action"} | ({"churn risk": "churn"} if "churn" in asked.heads else {})
    heads |= {f"label {label.rpartition('@')[0]}": label for label in sequences.labels(asked.model)}
    head = st.selectbox("why this", list(heads), key=f"why {asked.model}")
    sql = sequences.explained(steps, last, asked, heads[head])
    found = sequences.rows(sql)
    if not found:
        st.info("no event moved it")
        return
    table = pa.table(
        {
            "event": [f"{row['action']}, {row['event_time']:%Y-%m-%d %H:%M}" for row in found],
            "weight": [row["weight"] for row in found],
        }
    )
    charts.show(charts.signed(table, "event", "weight", "how far it moved the score"), f"because {asked.model}")
    show_sql(sequences.shown(sql))
