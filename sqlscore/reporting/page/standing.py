"""What is wrong, what is watched, and where all of it comes from."""

from __future__ import annotations

from datetime import datetime

import duckdb

from sqlscore.database.lost_tables import missing_tables
from sqlscore.database.registry import ModelInfo
from sqlscore.quoting import qualified
from sqlscore.reporting.page.document import Command, Facts, Part, Section, Table, Words, moment


def problems(found: tuple[tuple[str, str], ...]) -> Section:
    """What is wrong with the file, and the command that mends each."""
    parts: list[Part] = []
    for what, command in found:
        parts += [Words(what), Command(command)]
    return Section("Problems", tuple(parts) or (Words("Nothing is wrong."),))


def guards(con: duckdb.DuckDBPyConnection) -> Section:
    """What is watched in incoming events."""
    if "guards" in missing_tables(con):
        return Section("What is watched", (Words("The table sqlscore.guards is gone."),))
    rows = con.execute("SELECT watches, threshold, outcome FROM sqlscore.guards ORDER BY name").fetchall()
    table = tuple((watches or "", f"{threshold:g}", outcome) for watches, threshold, outcome in rows)
    told = "What is above its threshold is noted, warned of, or refused, so that the scores before stay."
    return Section("What is watched", (Words(told), Table(("watched in the events", "threshold", "then"), table)))


def provenance(
    con: duckdb.DuckDBPyConnection,
    facts: tuple[tuple[str, str], ...],
    high_water: datetime | None,
    model: ModelInfo | None,
    scored_in: str | None,
) -> Section:
    """Where the figures come from.

    Args:
        con: a connection that `connect` made.
        facts: what is known of file and versions, as name and value.
        high_water: the newest event, UTC.
        model: the champion, if there is one.
        scored_in: the schema of the tables of scores, if there are any.
    """
    rows = [facts[0], facts[1], ("newest event", _utc(high_water))]
    if model is not None:
        learned = f"{moment(model.trained_from)} to {moment(model.trained_to)} UTC"
        rows += [
            ("model", f"{model.label} ({model.kind})"),
            ("its sha256", model.sha256),
            ("learned from events of", learned if model.trained_from else "not known"),
            ("registered", _utc(model.created_at)),
        ]
    if scored_in is not None:
        table = qualified(scored_in, "scored_users")
        by, as_of, at = con.execute(f"SELECT max(model), max(as_of), max(scored_at) FROM {table}").fetchall()[0]
        rows += [("scored by", by or "nobody"), ("scores are as of", _utc(as_of)), ("scored at", _utc(at))]
    return Section("Where this comes from", (Facts((*rows, *facts[2:])),))


def _utc(at: datetime | None) -> str:
    return f"{moment(at)} UTC" if at else "never"
