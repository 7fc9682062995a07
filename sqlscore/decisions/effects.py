"""What a play is expected to do: what the playbook assumes, corrected by what interventions have measured."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from sqlscore.decisions.playbook import Play
from sqlscore.quoting import qualified

_LEAST_DOUBT = 0.05
"""The assumed effect is believed to within its own size, and to within this at least."""


@dataclass(frozen=True)
class Effect:
    """share: of the churn risk that the play takes away. users: by how many it was measured; 0 if it is assumed."""

    share: float
    users: int


def expected_effects(con: duckdb.DuckDBPyConnection, schema: str, plays: list[Play]) -> list[Effect]:
    """The mean of what is assumed and what was measured, each weighted by its precision.

    A play whose measured effect is harmful ends below 0, and is not worth its cost then.
    """
    rows = con.execute(
        f"""SELECT which, uplift / mean_risk, standard_error / mean_risk, n_treated + n_held_out
            FROM {qualified(schema, "intervention_outcomes")}
            WHERE segment = 'all' AND uplift IS NOT NULL AND mean_risk > 0 AND standard_error > 0
              AND verdict IN ('helps', 'hurts', 'unclear')"""
    ).fetchall()
    measured = {which: (share, error, users) for which, share, error, users in rows}
    effects = []
    for play in plays:
        share, error, users = measured.get(play.name, (0.0, float("inf"), 0))
        doubt = max(play.effect, _LEAST_DOUBT)
        weight = doubt**2 / (doubt**2 + error**2)
        effects.append(Effect((1 - weight) * play.effect + weight * share, users))
    return effects
