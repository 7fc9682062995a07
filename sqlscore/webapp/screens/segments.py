"""Segments: filter customers, see how many and who, take them away as a file or keep them as a view."""

from __future__ import annotations

import pyarrow as pa
import streamlit as st

from sqlscore.errors import SqlscoreError
from sqlscore.reporting.page.plain_text import plain
from sqlscore.webapp import charts
from sqlscore.webapp.current import current
from sqlscore.webapp.downloads import Download
from sqlscore.webapp.filters import selection
from sqlscore.webapp.parts import number, show_sql
from sqlscore.webapp.saved_views import save_view
from sqlscore.webapp.segment_queries import ORDERS, Segments
from sqlscore.webapp.selection import Selection, readable
from sqlscore.webapp.served import SERVED
from sqlscore.webapp.tables import rows

_PAGE = 100  # rows


def page() -> None:
    """Show the page."""
    st.title("Segments")
    events = current()
    if events is None or not events.has_scores():
        return
    segments = Segments(SERVED.database, events.source)
    with st.sidebar:
        chosen = selection(segments)
    _counts(segments, chosen)
    _charts(segments, chosen)
    _table(segments, chosen)
    _away(segments, chosen)
    segments.prepare_soon()


def _counts(segments: Segments, chosen: Selection) -> None:
    if chosen.reads_actions:
        with st.spinner("reading everybody's last actions, once"):
            segments.prepare()
    found = segments.count(chosen)
    share = found["n_users"] / found["n_all"] if found["n_all"] else None
    for place, (label, text) in zip(
        st.columns(4),
        (
            ("customers", f"{found['n_users']:,}"),
            ("of all", number(share, ".1%")),
            ("mean risk of active ones", number(found["mean_risk"], ".1%")),
            ("expected to churn", number(found["expected_churners"])),
        ),
        strict=True,
    ):
        place.metric(label, text)


def _charts(segments: Segments, chosen: Selection) -> None:
    left, right = st.columns(2)
    with left:
        st.subheader("by risk band")
        charts.show(charts.bands(segments.by("risk_band", chosen)), "bands")
    with right:
        st.subheader("by predicted next action")
        charts.show(charts.bars(segments.by("next_action", chosen), "value", "n_users", "customers"), "actions")


def _table(segments: Segments, chosen: Selection) -> None:
    st.subheader("who")
    left, right = st.columns((3, 1))
    order = left.selectbox("order", list(ORDERS), key="order")
    place = right.number_input("page", min_value=1, value=1, key="page")
    found = segments.page(chosen, order, _PAGE, int(place) - 1)
    if not found.num_rows:
        st.info("nobody is on this page: choose an earlier one, or filter less")
        return
    if "last_actions" in found.column_names:
        at = found.column_names.index("last_actions")
        texts = [None if part is None else " < ".join(part) for part in found.column(at).to_pylist()]
        found = found.set_column(at, "last_actions", pa.array(texts, pa.string()))
    theirs = {each.name for each in segments.source.filtered}
    rows(found, key="customers", height=380, as_they_are=theirs)
    show_sql(f"{segments.shown(chosen)}\nORDER BY {ORDERS[order]} LIMIT {_PAGE} OFFSET {_PAGE * (int(place) - 1)}")


def _away(segments: Segments, chosen: Selection) -> None:
    """The whole selection as a file, or as a view of the database."""
    st.subheader("take them along")
    sql = segments.of_all(chosen)
    left, right = st.columns(2)
    for place, form, label in ((left, "csv", "CSV of all of them"), (right, "parquet", "Parquet of all of them")):
        link = SERVED.downloads.link(Download(sql, f"{segments.source.mapping}-customers", form))
        place.link_button(label, link, width="stretch")
    with st.form("view", border=True):
        name = st.text_input("save the selection as a view named", placeholder="customers_to_call")
        if st.form_submit_button("save as view"):
            _save(name, segments, chosen)


def _save(name: str, segments: Segments, chosen: Selection) -> None:
    try:
        save_view(SERVED.database, name, readable(*segments.whole(chosen)))
    except SqlscoreError as error:
        st.error(plain(error))
        return
    st.success(f"saved: SELECT \\* FROM {plain(name)}")
