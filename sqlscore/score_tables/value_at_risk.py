"""What would be lost: churn risk times expected spend, of each user and summed by segment."""

from __future__ import annotations

from collections.abc import Sequence

from sqlscore.database.materialized import is_table
from sqlscore.database.queries import one
from sqlscore.quoting import literal
from sqlscore.score_tables.run import Run
from sqlscore.scoring.label_artifact import FinetunedModel
from sqlscore.sql.objects import table

SEGMENTS_TABLE = "segment_value_at_risk"


def write_value_at_risk(run: Run, labels: str, heads: Sequence[FinetunedModel]) -> int | None:
    """Fill the column `value_at_risk` of the table of labels, and make the table of segments anew.

    Only labels that were made from the mapped amount have a value. Users who have lapsed have left: nothing of theirs
    is at risk, as they count as no churners in `segment_summary`.

    Args:
        run: The refresh, in the caller's transaction, after the tables of users and labels.
        labels: The quoted name of the table of labels.
        heads: The heads whose rows it has.

    Returns the number of segments, None if no head says spend.
    """
    con, segments = run.con, run.table(SEGMENTS_TABLE)
    spend = [head for head in heads if "amount" in head.manifest.config]
    if not spend:
        drop_value_at_risk(run)
        return None
    users, names = run.table("scored_users"), ", ".join(literal(head.name) for head in spend)
    con.execute(
        f"""UPDATE {labels} l SET value_at_risk =
                CASE WHEN u.is_active THEN CAST(u.churn_risk AS DOUBLE) WHEN u.churn_risk IS NOT NULL THEN 0 END
                * l.expected_value
            FROM {users} u WHERE u.user_id = l.user_id AND l.model IN ({names})"""
    )
    con.execute(table(SEGMENTS_TABLE).for_schema(run.mapping.schema))
    horizons = ", ".join(
        f"({literal(head.name)}, CAST({float(head.manifest.config['horizon_seconds'])!r} AS DOUBLE))" for head in spend
    )
    churn = run.artifact.manifest.horizon_seconds
    con.execute(
        f"""INSERT INTO {segments} BY NAME
            WITH horizons (model, horizon_seconds) AS (VALUES {horizons}),
            sums AS (
                SELECT l.label, s.risk_band, s.next_action, count(*) AS n_users,
                    sum(l.expected_value) AS expected_spend, sum(l.value_at_risk) AS value_at_risk,
                    any_value(h.horizon_seconds) AS horizon_seconds, l.model,
                    max(s.as_of) AS as_of, max(l.scored_at) AS scored_at
                FROM {labels} l JOIN horizons h ON h.model = l.model
                JOIN {run.table("scored_segments")} s ON s.user_id = l.user_id
                GROUP BY l.label, l.model, s.risk_band, s.next_action
            )
            SELECT label, risk_band, next_action, n_users, expected_spend, value_at_risk,
                value_at_risk / nullif(sum(value_at_risk) OVER (PARTITION BY label), 0) AS share_of_value_at_risk,
                horizon_seconds,
                {"NULL" if churn is None else repr(float(churn))} AS churn_horizon_seconds, model, as_of, scored_at
            FROM sums ORDER BY label, value_at_risk DESC, risk_band, next_action"""
    )
    counted = one(con, f"SELECT count(*) FROM {segments}")
    return int(counted[0]) if counted else 0


def drop_value_at_risk(run: Run) -> None:
    """Drop the table of segments, if there is one: no head says spend any more."""
    if is_table(run.con, run.mapping.schema, SEGMENTS_TABLE):
        run.con.execute(f"DROP TABLE {run.table(SEGMENTS_TABLE)}")
