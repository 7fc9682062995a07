"""The policy of retraining in the database file."""

from __future__ import annotations

from dataclasses import dataclass, fields

import duckdb

from sqlscore.database.queries import one
from sqlscore.errors import ServingError
from sqlscore.quoting import identifier

ALL = "*"
"""The row for all mappings without a row of their own."""


@dataclass(frozen=True)
class Policy:
    """One row of `sqlscore.policy`, whose comments say what each setting means. None: off."""

    retrain_after_days: float | None
    retrain_drift_psi: float | None
    drift_days: float
    drift_min_events: int
    retrain_pause_hours: float
    promote_within: float | None
    keep_retrained: int


def read_policy(con: duckdb.DuckDBPyConnection, mapping: str) -> Policy:
    """The policy for a mapping: its own row, or else the row for all. Raises ServingError if there is neither."""
    columns = ", ".join(identifier(field.name) for field in fields(Policy))
    row = one(
        con,
        f"SELECT {columns} FROM sqlscore.policy WHERE mapping IN (?, ?) ORDER BY mapping = ? DESC LIMIT 1",
        [mapping, ALL, mapping],
    )
    if row is None:
        raise ServingError(
            f"sqlscore.policy has no row for {mapping!r} and none for all: "
            f"run INSERT INTO sqlscore.policy (mapping) VALUES ('{ALL}')"
        )
    return Policy(*row)
