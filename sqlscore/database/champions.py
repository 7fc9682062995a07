"""Who is the champion of a mapping, and who was: the alias, and the table `sqlscore.champions`."""

from __future__ import annotations

import duckdb

from sqlscore.database.queries import one
from sqlscore.database.transactions import now

ROLLBACK = "rollback"
IS_BASE = (
    "coalesce(CASE WHEN json_valid(manifest) THEN json_exists(manifest, '$.notes.pretraining') "
    "OR json_exists(manifest, '$.notes.tuned_for') END, false)"
)
"""SQL over a row of `sqlscore.models`: whether it is a base for fine-tuning, which is never champion."""


def set_champion(con: duckdb.DuckDBPyConnection, mapping: str, name: str, version: int, verb: str, why: str) -> None:
    """Let the mapping's alias `champion` point to a version, and note it, in the caller's transaction.

    Args:
        con: A writable connection.
        mapping: The name of the mapping.
        name: The name of the model.
        version: Its version.
        verb: The verb that does this.
        why: The reason, in words.
    """
    label = f"{name}@{version}"
    if champion_of(con, mapping) == label:
        return
    con.execute("DELETE FROM sqlscore.aliases WHERE mapping = ? AND alias = 'champion'", [mapping])
    con.execute(
        "INSERT INTO sqlscore.aliases (mapping, alias, name, version) VALUES (?, 'champion', ?, ?)",
        [mapping, name, version],
    )
    end_reign(con, mapping)
    con.execute(
        "INSERT INTO sqlscore.champions (mapping, model, since, until, verb, why) VALUES (?, ?, ?, NULL, ?, ?)",
        [mapping, label, now(), verb, why],
    )


def end_reign(con: duckdb.DuckDBPyConnection, mapping: str) -> None:
    """Note that the champion of a mapping is none any more, in the caller's transaction."""
    con.execute("UPDATE sqlscore.champions SET until = ? WHERE mapping = ? AND until IS NULL", [now(), mapping])


def champion_of(con: duckdb.DuckDBPyConnection, mapping: str) -> str | None:
    """The champion of a mapping, name@version; None if there is none."""
    row = one(
        con,
        "SELECT concat(name, '@', version) FROM sqlscore.aliases WHERE mapping = ? AND alias = 'champion'",
        [mapping],
    )
    return row[0] if row else None


def champion_before(con: duckdb.DuckDBPyConnection, mapping: str) -> str | None:
    """The model that a rollback returns to: the champion before the present one that is still registered.

    A rollback undoes one promotion, so after two of them the champion is the one before the last two promotions.
    """
    rows = con.execute(
        "SELECT model, verb FROM sqlscore.champions WHERE mapping = ? ORDER BY since, until NULLS LAST", [mapping]
    ).fetchall()
    reigns: list[str] = []
    for model, verb in rows:
        if verb == ROLLBACK and model in reigns:
            while reigns[-1] != model:
                reigns.pop()
        else:
            reigns.append(model)
    known = {
        row[0]
        for row in con.execute(
            "SELECT concat(name, '@', version) FROM sqlscore.models WHERE mapping = ?", [mapping]
        ).fetchall()
    }
    present = champion_of(con, mapping)
    return next((model for model in reversed(reigns) if model in known and model != present), None)
