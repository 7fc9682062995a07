"""Trust: the verdict, calibration, what a threshold costs, figures over time, drift, guards, history, freshness."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import duckdb
import pyarrow as pa
import streamlit as st

from sqlscore.reporting.page.plain_text import plain
from sqlscore.verbs.status import status
from sqlscore.webapp import charts, trust_queries
from sqlscore.webapp.current import Current, current
from sqlscore.webapp.parts import nothing, number, show_sql
from sqlscore.webapp.selection import Sql, bound, readable
from sqlscore.webapp.served import SERVED
from sqlscore.webapp.tables import rows


def page() -> None:
    """Show the page."""
    st.title("Trust")
    events = current()
    if events is None:
        return
    parts: dict[str, Callable[[Current], None]] = {
        "verdict": _verdict,
        "threshold": _threshold,
        "over time": _over_time,
        "freshness and guards": _freshness,
        "models": _models,
    }
    chosen = st.segmented_control(
        "what", list(parts), default="verdict", key="trust part", label_visibility="collapsed"
    )
    try:
        parts[str(chosen or "verdict")](events)
    except duckdb.Error as error:
        st.error(plain(str(error).split("\n", 1)[0]))


def _model(events: Current) -> str | None:
    if not events.has_model():
        return None
    labels = [model.label for model in events.models]
    return str(st.selectbox("model", labels, key="trusted model")) if len(labels) > 1 else labels[0]


def _verdict(events: Current) -> None:
    model = _model(events)
    if model is None:
        return
    for row in _table(trust_queries.verdict(model)).to_pylist():
        st.markdown(f"- {plain(row['sentence'])}")
    columns = st.columns(2)
    titles = {"next_action": "Do next actions come true?", "churn": "Do churn risks come true?"}
    for place, (head, title) in zip(columns, titles.items(), strict=True):
        sql = trust_queries.reliability(model, head)
        table = _table(sql)
        with place:
            st.subheader(title)
            if not table.num_rows:
                st.info(f"{plain(model)} has no such figures: it has no such head, or was trained by an older version")
                continue
            charts.show(charts.calibration(table), f"reliability {head}")
            show_sql(readable(*sql))
    sql = trust_queries.figures(model)
    st.subheader("beside simple rules")
    rows(_table(sql), key="figures")
    show_sql(readable(*sql))


def _threshold(events: Current) -> None:
    model = _model(events)
    if model is None:
        return
    one, two, three = st.columns(3)
    cost = one.number_input("a contact costs", min_value=0.0, value=1.0, key="cost")
    value = two.number_input("a saved customer is worth", min_value=0.0, value=20.0, key="worth")
    rate = three.slider("share of contacted churners who stay", 0.0, 1.0, 0.2, 0.01, key="save rate")
    sql = trust_queries.thresholds(model, cost, value, rate)
    table = _table(sql)
    if not table.num_rows:
        st.info(f"{plain(model)} has no churn head that was tested: a threshold cannot be judged")
        return
    steps = [row["threshold"] for row in table.to_pylist()]
    best = next(row["threshold"] for row in table.to_pylist() if row["is_best"])
    chosen = st.select_slider("contact from this risk on", steps, value=best, key="threshold")
    row = next(row for row in table.to_pylist() if row["threshold"] == chosen)
    facts = (
        ("contacted", number(row["share_contacted"], ".0%")),
        ("of them would have left", number(row["precision"], ".0%")),
        ("of all who leave", number(row["recall"], ".0%")),
        ("times better than chance", number(row["lift"], ".2f")),
        ("profit in the test", number(row["profit"], ",.0f")),
    )
    for place, (label, text) in zip(st.columns(len(facts)), facts, strict=True):
        place.metric(label, text)
    left, right = st.columns(2)
    with left:
        titles = ("share contacted", "share of churners reached")
        charts.show(charts.line(table, "share_contacted", "recall", titles, forms=(".0%", ".0%")), "gain")
    with right:
        titles = ("contact from this risk on", "profit")
        charts.show(charts.line(table, "threshold", "profit", titles, forms=(".0%", None)), "profit")
    rows(table, key="thresholds")
    show_sql(readable(*sql))


def _over_time(events: Current) -> None:
    sql = trust_queries.over_time(events.source.schema)
    table = _table(sql)
    if table.num_rows:
        left, right = st.columns(2)
        with left:
            charts.show(charts.line(table, "as_of", "accuracy", ("as of", "accuracy"), "T", "model"), "accuracy")
        with right:
            charts.show(charts.line(table, "as_of", "auc", ("as of", "churn ROC AUC"), "T", "model"), "auc")
        rows(table, key="back-tests")
        show_sql(readable(*sql))
    else:
        nothing("nothing was scored at earlier moments and judged by what came later:", "backtest", *events.options)
    st.subheader("have the events changed?")
    sql = trust_queries.drift(events.source.schema)
    rows(_table(sql), key="drift")
    show_sql(readable(*sql))


def _freshness(events: Current) -> None:
    with SERVED.database.cursor() as con:
        found = status(con)
    mine = next((state for state in found.mappings if state.name == events.name), None)
    if mine is not None:
        facts = (
            ("newest event", _day(mine.high_water)),
            ("scored as of", _day(mine.scored_as_of)),
            ("newer events", number(mine.new_events)),
            ("champion", plain(mine.champion or "none")),
        )
        for place, (label, text) in zip(st.columns(len(facts)), facts, strict=True):
            place.metric(label, text)
    if not found.problems:
        st.success("nothing is wrong")
    for problem in found.problems:
        st.warning(plain(problem.what))
        st.code(problem.command, language="bash")
    sql: Sql = ("FROM sqlscore.guards\nORDER BY name",)
    st.subheader("what is watched")
    rows(_table(sql), key="guards")
    show_sql(readable(*sql))
    st.subheader("what was done lately")
    sql = trust_queries.runs(events.name)
    rows(_table(sql), key="runs")
    show_sql(readable(*sql))


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "never"


def _models(events: Current) -> None:
    if not events.has_model():
        return
    sql = trust_queries.side_by_side(events.name)
    st.subheader("side by side")
    rows(_table(sql), key="side by side")
    show_sql(readable(*sql))
    sql = trust_queries.leaderboard()
    table = _table(sql)
    st.subheader("the last comparison")
    if table.num_rows:
        rows(table, key="leaderboard")
        show_sql(readable(*sql))
    else:
        nothing("models were not compared yet:", "compare", *events.options)
    st.subheader("who was champion")
    sql = trust_queries.champions(events.name)
    rows(_table(sql), key="champions")
    show_sql(readable(*sql))


def _table(sql: Sql) -> pa.Table:
    text, values = bound(*sql)
    return SERVED.database.table(text, values)
