"""What all pages share: the SQL behind a table, what is not there yet, numbers for people."""

from __future__ import annotations

import shlex

import streamlit as st

from sqlscore.reporting.page.plain_text import plain
from sqlscore.webapp.served import SERVED


def show_sql(sql: str) -> None:
    """The SQL behind what is above, to copy."""
    with st.expander("show SQL"):
        st.code(sql, language="sql")


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
