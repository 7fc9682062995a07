"""A file of many sequences: uploaded, scored, returned."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import streamlit as st

from sqlscore.webapp.current import Current
from sqlscore.webapp.sequences import Sequences
from sqlscore.webapp.served import SERVED
from sqlscore.webapp.tables import rows
from sqlscore.webapp.uploads import Columns, guessed, header, scored

_SHOWN = 100  # rows


def part(events: Current, sequences: Sequences) -> None:
    """Show the controls, and the scores of what was uploaded."""
    st.caption("A CSV with a row an event: who, when, what, and the mapped columns if it has them.")
    file = st.file_uploader("events", type=["csv"], key="file")
    if file is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "uploaded.csv")
        path.write_bytes(file.getvalue())
        names = header(SERVED.database, path)
        columns = _columns(names)
        model = st.selectbox("model", [model.label for model in events.predicting], key="model of file")
        if columns is None or not model:
            return
        found = scored(SERVED.database, sequences, path, columns, model)
    flat = _flat(found)
    st.metric("customers scored", f"{flat.num_rows:,}")
    rows(flat.slice(0, _SHOWN), key="scored file")
    sink = io.BytesIO()
    pa.csv.write_csv(flat, sink)
    st.download_button("CSV of all scores", sink.getvalue(), "scores.csv", "text/csv", key="scores")


def _columns(names: list[str]) -> Columns | None:
    guess = guessed(names)
    chosen = []
    named = (guess.user, guess.time, guess.action) if guess else (None, None, None)
    for place, label, name in zip(st.columns(3), ("who", "when", "what"), named, strict=True):
        chosen.append(place.selectbox(label, names, index=names.index(name) if name else None, key=f"column {label}"))
    if None in chosen:
        st.info("say which columns hold who, when and what")
        return None
    return Columns(*map(str, chosen))


def _flat(table: pa.Table) -> pa.Table:
    """The list of next actions as text: "buy 61%, view 20%"."""
    place = table.column_names.index("next_actions")
    texts = [
        None if some is None else ", ".join(f"{each['action']} {each['probability']:.0%}" for each in some)
        for some in table.column(place).to_pylist()
    ]
    return table.set_column(place, "next_actions", pa.array(texts, pa.string()))
