"""What all pages share: text from data that is never markup, the SQL behind a table, tables, what is not there yet."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import streamlit as st

from sqlscore.reporting.page.plain_text import plain
from sqlscore.webapp.server import SERVED

if TYPE_CHECKING:
    import pyarrow as pa


def show_sql(sql: str) -> None:
    """The SQL behind what is above, to copy."""
    with st.expander("show SQL"):
        st.code(sql, language="sql")


def rows(table: pa.Table, *, key: str, height: int | None = None, names: dict[str, str] | None = None) -> None:
    """A table whose cells are text, numbers and times as they are. names: headings in place of columns' names."""
    headings = {name: st.column_config.Column(label=label) for name, label in (names or {}).items()}
    options: dict[str, Any] = {"height": height} if height else {}
    st.dataframe(table, hide_index=True, width="stretch", column_config=headings, key=key, **options)


def nothing(what: str, *command: str) -> None:
    """Say that something is not there yet, and the command that makes it."""
    st.info(plain(what))
    if command:
        st.code(shlex.join(("sqlscore", command[0], str(SERVED.database.path), *command[1:])), language="bash")


def number(value: float | None, form: str = ",.0f") -> str:
    """A number for people; a dash where there is none."""
    return "–" if value is None else format(value, form)


def duration(seconds: float | None) -> str:
    """A length of time in the unit that people would use: "40 seconds", "3.5 hours", "12 days"."""
    if seconds is None:
        return "–"
    for unit, size in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} seconds"
