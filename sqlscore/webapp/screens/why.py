"""Why: what precedes churn and retention, what follows what, funnels, cohorts, under-used features, attention."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pyarrow as pa
import streamlit as st

from sqlscore.reporting.page.plain_text import plain
from sqlscore.webapp import charts, why_queries
from sqlscore.webapp.current import Current, current
from sqlscore.webapp.graph import dot
from sqlscore.webapp.parts import show_sql
from sqlscore.webapp.segment_queries import Segments
from sqlscore.webapp.selection import Sql, bound, readable
from sqlscore.webapp.served import SERVED
from sqlscore.webapp.tables import rows


def page() -> None:
    """Show the page."""
    st.title("Why")
    events = current()
    if events is None:
        return
    parts: dict[str, Callable[[Current], None]] = {
        "drivers": _drivers,
        "transitions": _transitions,
        "funnel": _funnel,
        "cohorts": _cohorts,
        "under-used": _underused,
        "attention": _attention,
    }
    chosen = st.segmented_control("what", list(parts), default="drivers", key="why part", label_visibility="collapsed")
    try:
        parts[str(chosen or "drivers")](events)
    except duckdb.Error as error:
        st.error(plain(str(error).split("\n", 1)[0]))


_DRAWN = 20  # actions before churn, and as many before retention


def _drivers(events: Current) -> None:
    st.caption(
        "Customers who did it against customers of like activity who did not. An association, not a cause: what was "
        "done before they left or stayed."
    )
    sql = why_queries.drivers(events.source.schema)
    table = _table(sql)
    drawn = []
    for kind in ("churn", "retention"):
        found = [row for row in table.to_pylist() if row["precedes"] == kind]
        if not found:
            st.info(f"no action precedes {kind} beyond chance in these events")
        drawn += [
            {
                "action": row["action"],
                "kind": f"before {kind}",
                "lift": row["retention_lift"],
                "low": row["lift_low"],
                "high": row["lift_high"],
            }
            for row in found[:_DRAWN]
        ]
    if drawn:
        good, bad, _ = charts.GOOD_BAD_NEITHER
        kinds = {"before churn": bad, "before retention": good}
        title = "retention of those who did it / of those who did not"
        ordered = pa.Table.from_pylist(sorted(drawn, key=lambda row: row["lift"]))
        charts.show(charts.lifts(ordered, title, 1.0, kinds), "lifts")
    rows(table, key="drivers")
    show_sql(readable(*sql))


def _transitions(events: Current) -> None:
    sql = why_queries.transitions(events.source.schema)
    table = _table(sql)
    if not table.num_rows:
        st.info("nobody has two events, so nothing follows anything")
        return
    titles = ("next action", "action", "probability")
    charts.show(charts.heat(table, "next_action", "action", "probability", titles), "transitions")
    st.graphviz_chart(dot(table.to_pylist()), width="stretch")
    rows(table, key="transition rows")
    show_sql(readable(*sql))


def _funnel(events: Current) -> None:
    actions = Segments(SERVED.database, events.source).actions()
    left, right = st.columns((3, 1))
    steps = left.multiselect("steps, in order", actions, default=actions[:2], key="steps of funnel")
    within = right.selectbox("all of them within", list(why_queries.WITHIN), index=2, key="within")
    if len(steps) < 2:
        st.info("choose at least two steps")
        return
    sql = why_queries.funnel(events.source.schema, steps, str(within))
    table = _table(sql)
    named = table.append_column(
        "name", pa.array([f"{row['step']}. {row['action']}" for row in table.to_pylist()], pa.string())
    )
    charts.show(charts.bars(named, "name", "n_users", "customers", tooltip=("conversion",)), "funnel")
    rows(table, key="funnel rows")
    show_sql(readable(*sql))


def _cohorts(events: Current) -> None:
    period = st.selectbox("by", why_queries.PERIODS, key="period")
    sql = why_queries.cohorts(events.source.schema, str(period))
    table = _table(sql)
    first = pa.array([f"{moment:%Y-%m-%d}" for moment in table.column("cohort").to_pylist()], pa.string())
    shown = table.set_column(table.column_names.index("cohort"), "cohort", first)
    titles = (f"{period}s later", "first seen", "still there")
    charts.show(charts.heat(shown, "period_number", "cohort", "retention", titles), "cohorts")
    rows(table, key="cohort rows")
    show_sql(readable(*sql))


def _underused(events: Current) -> None:
    st.caption("How widely each action is used, against how widely it would be if only activity mattered.")
    sql = why_queries.underused(events.source.schema)
    table = _table(sql)
    charts.show(charts.bars(table, "action", "usage_ratio", "users / expected users", ".2f"), "usage")
    rows(table, key="usage rows")
    show_sql(readable(*sql))


def _attention(events: Current) -> None:
    st.caption("Where an attention model looks. It is a part of the computation, not an explanation of a score.")
    sql = why_queries.attention(events.name)
    table = _table(sql)
    looking = [row["model"] for row in _table(why_queries.looking(events.name)).to_pylist()]
    if table.num_rows:
        titles = ("looks at", "action", "attention")
        charts.show(charts.heat(table, "from_action", "action", "weight", titles), "attention of actions")
        show_sql(readable(*sql))
    if looking:
        _attention_of_one(events, looking)
    if not looking and not table.num_rows:
        st.info("no model of these events has attention: train a transformer, an attention_rnn or a gat_mingru")


def _attention_of_one(events: Current, models: list[str]) -> None:
    left, right = st.columns(2)
    model, user = left.selectbox("model", models, key="looking"), right.text_input("customer's id", key="looked at")
    if not model:
        return
    if not user:
        _attention_of_some(events, str(model))
        return
    sql = why_queries.attended(str(model), events.source.schema, user.strip())
    found = _table(sql).to_pylist()
    if not found:
        st.info(f"nobody has the id {plain(user)}: pass it as it stands in the events")
        return
    table = pa.Table.from_pylist(
        [{"event": f"{row['event_time']:%Y-%m-%d %H:%M}  {row['action']}", "attention": row["weight"]} for row in found]
    )
    charts.show(
        charts.bars(table, "event", "attention", "attention of the prediction, sums to 100%", ".1%"), "attention of one"
    )
    show_sql(readable(*sql))


def _attention_of_some(events: Current, model: str) -> None:
    sql = why_queries.attention_by_place(model, events.source.schema)
    table = _table(sql)
    st.markdown(f"**mean attention in the histories of {why_queries.LOOKED_AT} customers**")
    titles = ("events back from the newest", "action", "mean attention")
    charts.show(charts.heat(table, "events_back", "action", "mean_attention", titles), "attention of some")
    show_sql(readable(*sql))


def _table(sql: Sql) -> pa.Table:
    text, values = bound(*sql)
    return SERVED.database.table(text, values)
