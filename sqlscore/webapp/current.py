"""Which mapped events the pages are about, and what there is of them."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import streamlit as st

from sqlscore.database.registry import ModelInfo, registered_models
from sqlscore.reporting.page.plain_text import plain
from sqlscore.webapp.customers import Source, mapping_names, source
from sqlscore.webapp.parts import nothing
from sqlscore.webapp.served import SERVED


@dataclass(frozen=True)
class Current:
    """The chosen mapping. models: of it, the champion first."""

    name: str
    source: Source
    models: tuple[ModelInfo, ...]

    @property
    def champion(self) -> ModelInfo | None:
        """The model that scores."""
        return next((model for model in self.models if model.is_champion), None)

    @property
    def predicting(self) -> tuple[ModelInfo, ...]:
        """The models that say what comes next: all but fine-tuned heads."""
        return tuple(model for model in self.models if not model.is_head)

    def has_model(self) -> bool:
        """Whether there is a model; if not, the page says what to run."""
        if not self.models:
            nothing(f'"{self.name}" has no model yet, so nobody has a score:', "train", *self.options)
        return bool(self.models)

    def has_scores(self) -> bool:
        """Whether a refresh has scored everybody; if not, the page says what to run."""
        if not self.has_model():
            return False
        if not self.source.scored:
            nothing(f'the customers of "{self.name}" are not scored yet:', "refresh", *self.options)
        return self.source.scored

    @property
    def options(self) -> tuple[str, ...]:
        """What a command needs to be about this mapping."""
        return () if self.name == "events" else ("--mapping", self.name)


def choose() -> None:
    """Show which mapped events the pages are about, in the sidebar, to choose from if there are several."""
    st.session_state["names"] = names = _names()
    if not names:
        return
    kept = st.session_state.get("mapping")
    place = names.index(kept) if kept in names else 0
    chosen = st.sidebar.selectbox("events", names, index=place) if len(names) > 1 else names[0]
    st.session_state["mapping"] = chosen


def current() -> Current | None:
    """The mapped events that were chosen; without any, the page says what to run."""
    name = st.session_state.get("mapping")
    if name is None or name not in st.session_state.get("names", ()):
        nothing("no events are mapped in this file yet:", "init", "--events", "FILE", "--user-id", "C")
        return None
    with SERVED.database.cursor() as con:
        try:
            models = [model for model in registered_models(con) if model.mapping == name]
            found = source(con, name)
        except duckdb.Error as error:
            st.error(plain(error))
            return None
    return Current(name, found, tuple(sorted(models, key=lambda model: not model.is_champion)))


def _names() -> list[str]:
    with SERVED.database.cursor() as con:
        return mapping_names(con)
