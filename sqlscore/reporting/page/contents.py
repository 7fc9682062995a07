"""The sections of a page about one mapping: what a file says of its scores, in the order in which one asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from sqlscore.database.materialized import is_table
from sqlscore.database.registry import ModelInfo, registered_models
from sqlscore.reporting.page.customers import drivers, glance, segments
from sqlscore.reporting.page.document import Command, Document, Section, Words
from sqlscore.reporting.page.quality import calibration, figures, thresholds, verdict
from sqlscore.reporting.page.standing import guards, problems, provenance


@dataclass(frozen=True)
class Standing:
    """What `status` found. problems: what is wrong, and the command that mends it. train, refresh: commands."""

    database: str
    mapping: str
    schema: str
    made_of: str
    n_events: int
    n_users: int
    high_water: datetime | None
    problems: tuple[tuple[str, str], ...]
    versions: dict[str, str]
    train: str
    refresh: str


def contents(con: duckdb.DuckDBPyConnection, standing: Standing, made_at: datetime) -> Document:
    """The page. con: a connection that `connect` made. made_at: the moment to put on it, UTC."""
    name = Path(standing.database).name
    models = registered_models(con, standing.mapping)
    champion = next((model for model in models if model.is_champion), None)
    scored = is_table(con, standing.schema, "scored_users")
    about_scores = (
        (glance(con, standing.schema), segments(con, standing.schema, champion is None or "churn" in champion.heads))
        if scored
        else (_missing("Customers", "Nobody is scored yet:", standing.refresh),)
    )
    sections = (
        verdict(champion) if champion else _missing("Verdict", "There is no model yet:", standing.train),
        problems(standing.problems),
        *(_of_model(con, champion) if champion else ()),
        *(about_scores if champion or scored else ()),
        drivers(con, standing.schema),
        guards(con),
        provenance(
            con,
            (
                ("database", name),
                ("events", f"{standing.made_of}, {standing.n_events:,} of {standing.n_users:,} customers"),
                ("versions", ", ".join(f"{name} {number}" for name, number in standing.versions.items())),
            ),
            standing.high_water,
            champion,
            standing.schema if scored else None,
        ),
    )
    return Document(f"{standing.mapping} in {name}", made_at, sections)


def _of_model(con: duckdb.DuckDBPyConnection, model: ModelInfo) -> tuple[Section, ...]:
    return figures(con, model.label), calibration(con, model.label), thresholds(con, model)


def _missing(title: str, what: str, command: str) -> Section:
    return Section(title, (Words(what), Command(command)))
