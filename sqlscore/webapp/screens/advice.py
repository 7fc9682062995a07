"""Advice: what to do for whom and why, what can be done, who was contacted, and what came of it."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pyarrow as pa
import streamlit as st

from sqlscore.reporting.page.plain_text import plain
from sqlscore.webapp import advice_queries, charts
from sqlscore.webapp.current import Current, current
from sqlscore.webapp.downloads import Download
from sqlscore.webapp.parts import nothing, number, show_sql
from sqlscore.webapp.selection import Sql, bound, readable
from sqlscore.webapp.served import SERVED
from sqlscore.webapp.tables import rows


def page() -> None:
    """Show the page."""
    st.title("Advice")
    events = current()
    if events is None or not events.has_scores():
        return
    parts: dict[str, Callable[[Current], None]] = {
        "what to do": _what_to_do,
        "playbook": _playbook,
        "contacts": _contacts,
        "what came of it": _outcomes,
    }
    chosen = st.segmented_control(
        "what", list(parts), default="what to do", key="advice part", label_visibility="collapsed"
    )
    try:
        parts[str(chosen or "what to do")](events)
    except duckdb.Error as error:
        st.error(plain(str(error).split("\n", 1)[0]))


def _what_to_do(events: Current) -> None:
    schema = events.source.schema
    found = _table(advice_queries.totals(schema)).to_pylist()[0]
    if not found["n_at_risk"]:
        nothing("nothing is advised yet, or nobody is at risk:", "advise", *events.options)
        return
    facts = (
        ("at risk", number(found["n_at_risk"])),
        ("chosen", number(found["n_chosen"])),
        ("cost", number(found["cost"], ",.2f")),
        ("expected to stay because of it", number(found["expected_saved"], ",.1f")),
    )
    for place, (label, text) in zip(st.columns(len(facts)), facts, strict=True):
        place.metric(label, text)
    st.caption(
        "The effect of an action is assumed in the playbook until interventions have measured it. Who was chosen is "
        "assigned by a command, which holds some out to measure by; nothing is sent."
    )
    charts.show(charts.bars(_table(advice_queries.by_play(schema)), "what", "n_users", "customers"), "plays")
    sql = advice_queries.best(schema)
    rows(_table(sql), key="advice", height=380)
    show_sql(readable(*sql))
    _take_along(advice_queries.everybody(schema), f"{events.name}-advice", "all at risk")


def _playbook(events: Current) -> None:
    schema = events.source.schema
    st.caption(
        "What can be done, for whom, and what it is assumed to do. The table is yours: a change in SQL counts from the "
        "next advice on."
    )
    sql = advice_queries.playbook(schema)
    rows(_table(sql), key="playbook")
    show_sql(readable(*sql))
    st.code(advice_queries.change(schema), language="sql")


def _contacts(events: Current) -> None:
    schema = events.source.schema
    sql = advice_queries.assigned(schema)
    table = _table(sql)
    if not table.num_rows:
        nothing("nobody was assigned to anything yet:", "assign", *events.options)
        return
    rows(table, key="assigned")
    show_sql(readable(*sql))
    st.subheader("to be contacted")
    st.caption("Of the newest advice, without those who are held out. sqlscore sends nothing by itself.")
    sql = advice_queries.first_contacts(schema)
    rows(_table(sql), key="contacts", height=300)
    show_sql(readable(*sql))
    _take_along(advice_queries.contacts(schema), f"{events.name}-contacts", "all to be contacted")
    st.subheader("who was assigned")
    sql = advice_queries.newest_interventions(schema)
    rows(_table(sql), key="interventions", height=300)
    show_sql(readable(*sql))
    _take_along(advice_queries.interventions(schema), f"{events.name}-interventions", "all who were assigned")


def _outcomes(events: Current) -> None:
    st.caption(
        "By how much more of those stayed who were treated than of those who were held out, whatever was sent or read. "
        "The intervals hold however often one looks."
    )
    sql = advice_queries.outcomes(events.source.schema)
    table = _table(sql)
    if not table.num_rows:
        nothing("nobody was assigned to anything yet:", "assign", *events.options)
        return
    drawn = [
        {
            "action": f"{row['which']}, {row['segment']}",
            "kind": row["verdict"],
            "lift": row["uplift"],
            "low": row["uplift_low"],
            "high": row["uplift_high"],
        }
        for row in table.to_pylist()
        if row["uplift"] is not None
    ]
    if drawn:
        kinds = dict(zip(("helps", "hurts", "unclear"), charts.GOOD_BAD_NEITHER, strict=True))
        titles = "rise of the share that stays"
        charts.show(charts.lifts(pa.Table.from_pylist(drawn), titles, 0.0, kinds), "uplift")
    rows(table, key="outcomes")
    show_sql(readable(*sql))
    st.subheader("by the risk before")
    sql = advice_queries.by_risk(events.source.schema)
    rows(_table(sql), key="by risk")
    show_sql(readable(*sql))


def _take_along(sql: Sql, name: str, of: str) -> None:
    for place, form, label in zip(st.columns(2), ("csv", "parquet"), ("CSV", "Parquet"), strict=True):
        place.link_button(f"{label} of {of}", SERVED.downloads.link(Download(sql, name, form)), width="stretch")


def _table(sql: Sql) -> pa.Table:
    text, values = bound(*sql)
    return SERVED.database.table(text, values)
