"""What the page Advice asks: what to do for whom, and what came of what was done."""

from __future__ import annotations

from sqlscore.quoting import qualified
from sqlscore.webapp.selection import Sql

_SHOWN = 100  # rows


def totals(schema: str) -> Sql:
    """How many are at risk, how many are chosen, what that costs and is expected to save."""
    return (
        "SELECT count(*) AS n_at_risk, count(*) FILTER (is_chosen) AS n_chosen, max(as_of) AS as_of,\n"
        "    sum(cost) FILTER (is_chosen) AS cost, sum(expected_saved) FILTER (is_chosen) AS expected_saved\n"
        f"FROM {qualified(schema, 'recommendations')}",
    )


def by_play(schema: str) -> Sql:
    """How many are chosen for each row of the playbook, and how many are left out for each reason."""
    return (
        "SELECT coalesce(CASE WHEN is_chosen THEN playbook END, 'not chosen: ' || why_not) AS what,\n"
        f"    count(*) AS n_users\nFROM {qualified(schema, 'recommendations')}\n"
        "GROUP BY what, is_chosen ORDER BY is_chosen DESC, n_users DESC, what",
    )


def everybody(schema: str) -> Sql:
    """Each user at risk, with what to do and why."""
    return (
        "SELECT CAST(user_id AS VARCHAR) AS user_id, place, churn_risk, driver, playbook, action, message,\n"
        "    array_to_string(reasons, '; ') AS reasons, cost, expected_saved, net_value, is_chosen, why_not\n"
        f"FROM {qualified(schema, 'recommendations')}",
    )


def best(schema: str) -> Sql:
    """The same of those who come first."""
    return (*everybody(schema), f"\nORDER BY place NULLS LAST, churn_risk DESC, user_id LIMIT {_SHOWN}")


def outcomes(schema: str) -> Sql:
    """What interventions did to staying."""
    return (f"FROM {qualified(schema, 'intervention_outcomes')}\nORDER BY which, segment <> 'all', segment",)


def by_risk(schema: str) -> Sql:
    """The same by the risk before."""
    return (f"FROM {qualified(schema, 'uplift_by_risk')}\nORDER BY which, segment",)
