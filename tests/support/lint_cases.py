"""The queries that tests of the linter read: per rule what leaks and what does not, and the tables under them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from sqlscore.events.mapping import Feature, Mapping
from sqlscore.linting.catalog import Catalog
from sqlscore.linting.lint import Result, Text, lint_text

FOLDER = Path(__file__).parents[1] / "linting" / "fixtures"
TRAINED = {"": 1_740_700_800.0, "events@1": 1_740_700_800.0}
"""The models learned up to 2025-02-28."""

MAPPING = Mapping(
    "events", '"main"."events"', "user_id", "event_time", "event_type",
    (Feature("price", "numeric"), Feature("brand", "categorical")),
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A query under a rule, with the comment before it; `leaks` if the rule finds something in it."""

    rule: str
    leaks: bool
    about: str
    sql: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.about}"


def cases() -> list[Case]:
    """All of them."""
    found = []
    for folder in sorted(path for path in FOLDER.iterdir() if path.is_dir()):
        for kind in ("bad", "good"):
            for text in (folder / f"{kind}.sql").read_text(encoding="utf-8").split(";\n"):
                if text.strip():
                    about, _, sql = text.strip().partition("\n")
                    found.append(Case(folder.name, kind == "bad", about.removeprefix("-- "), sql))
    return found


def tables() -> duckdb.DuckDBPyConnection:
    """A database with the tables that the queries read."""
    con = duckdb.connect()
    con.execute((FOLDER / "tables.sql").read_text(encoding="utf-8"))
    return con


def catalog(con: duckdb.DuckDBPyConnection) -> Catalog:
    """What the linter knows of it, with its events mapped."""
    return Catalog(con, {"events": MAPPING})


def linted(known: Catalog, sql: str) -> Result:
    """What the linter says of a query over these tables."""
    return lint_text(known, Text("query.sql", sql), trained=TRAINED)
