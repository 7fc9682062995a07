"""Scores kept as they were, so that what came later can judge them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from sqlscore.database.events_query import sorting
from sqlscore.database.materialized import is_table
from sqlscore.database.swap import make_view, swap_in
from sqlscore.database.transactions import now
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import qualified
from sqlscore.scoring.notes import seen_until

if TYPE_CHECKING:
    from sqlscore.scoring.artifact import Artifact

PAST_SCORES = "past_scores"


def keep_scores(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    scores: str,
    events: str,
    artifact: Artifact,
    as_of: int,
    *,
    horizon: float | None = None,
) -> int:
    """Add the scores of one moment to `past_scores`, inside the caller's transaction; returns the number of users.

    What was kept before for the same moment and model is replaced.

    Args:
        con: A connection in a transaction.
        mapping: The mapping that the scores belong to.
        scores: The quoted name of a table with the columns of `scored_users`, made by `artifact` as of `as_of`.
        events: A query for the canonical events up to `as_of`, from which the baselines are counted.
        artifact: The model that scored.
        as_of: The moment, µs.
        horizon: Seconds by which the churn risk is judged; by default the model's.
    """
    table = qualified(mapping.schema, PAST_SCORES)
    if not is_table(con, mapping.schema, PAST_SCORES):
        make_view(con, mapping, PAST_SCORES)  # somebody may have dropped it
        con.execute(f"CREATE TABLE {qualified(mapping.schema, f'next_{PAST_SCORES}')} AS FROM {table} WITH NO DATA")
        swap_in(con, mapping, PAST_SCORES)
    con.execute(f"DELETE FROM {table} WHERE as_of = make_timestamp(?) AND model = ?", [as_of, artifact.name])
    if mapping.group is not None:  # whose users have moments of their own, which stay as long as no event comes
        con.execute(
            f"DELETE FROM {table} p USING {scores} s WHERE p.user_id = s.user_id AND p.as_of = s.as_of AND p.model = ?",
            [artifact.name],
        )
    manifest = artifact.manifest
    judged_by = None if "churn" not in manifest.heads else horizon or manifest.horizon_seconds
    row = con.execute(
        f"""INSERT INTO {table} BY NAME
            WITH followed AS (
                SELECT user_id, event_type,
                    lead(event_type) OVER (PARTITION BY user_id ORDER BY {sorting(mapping)}) AS next_type
                FROM ({events})
            ), counts AS (
                SELECT event_type, next_type, count(*) AS n FROM followed WHERE next_type IS NOT NULL GROUP BY ALL
            ), markov AS (
                SELECT event_type, next_type FROM counts
                QUALIFY row_number() OVER (PARTITION BY event_type ORDER BY n DESC, next_type) = 1
            ), majority AS (
                SELECT next_type FROM counts GROUP BY next_type ORDER BY sum(n) DESC, next_type LIMIT 1
            )
            SELECT s.user_id, s.as_of, s.model, s.n_events, s.last_event_time, f.event_type AS last_action,
                s.next_action, s.next_action_probability,
                list_transform(s.next_actions, lambda a: a.action) AS listed_actions,
                coalesce(m.next_type, j.next_type) AS markov_action, j.next_type AS majority_action,
                s.churn_risk, ? AS horizon_seconds, ? AS lookback_seconds, ? AS trained_after, ? AS scored_at
            FROM {scores} s
            LEFT JOIN followed f ON f.user_id = s.user_id AND f.next_type IS NULL
            LEFT JOIN markov m ON m.event_type = f.event_type
            LEFT JOIN majority j ON true""",
        [judged_by, manifest.lookback_seconds, seen_until(manifest) > as_of, now()],
    ).fetchall()
    return int(row[0][0])
