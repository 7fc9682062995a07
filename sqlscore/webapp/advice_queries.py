"""What the page Advice asks: what can be done, what to do for whom, who was contacted, and what came of it."""

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


def playbook(schema: str) -> Sql:
    """What can be done, and how many were chosen for each row in the newest advice."""
    return (
        "SELECT p.name, p.condition, p.action, p.message, p.cost, p.effect, p.cool_down_days, p.audience_limit,\n"
        "    p.held_out, p.is_on, count(r.user_id) AS n_chosen\n"
        f"FROM {qualified(schema, 'playbook')} p\n"
        f"LEFT JOIN {qualified(schema, 'recommendations')} r ON r.playbook = p.name AND r.is_chosen\n"
        "GROUP BY ALL ORDER BY p.is_on DESC, p.name",
    )


def change(schema: str) -> str:
    """How its rows are changed, to copy."""
    book = qualified(schema, "playbook")
    return (
        f"UPDATE {book} SET audience_limit = 200, held_out = 0.2 WHERE name = 'win_back';\n"
        f"INSERT INTO {book} (name, condition, action, message, cost, effect)\n"
        "VALUES ('call_regulars', 'n_visits >= 10', 'call', 'Came {n_visits} times, now {driver}.', 5, 0.2);"
    )


def assigned(schema: str) -> Sql:
    """How many were assigned to what, treated and held out, and when."""
    return (
        "SELECT which, count(*) FILTER (variant = 'treated') AS treated,\n"
        "    count(*) FILTER (variant = 'held out') AS held_out_users, avg(risk_before) AS mean_risk,\n"
        "    min(assigned_at) AS first_assigned, max(assigned_at) AS last_assigned\n"
        f"FROM {qualified(schema, 'interventions')} GROUP BY which ORDER BY last_assigned DESC, which",
    )


def contacts(schema: str) -> Sql:
    """Who of the newest advice is to be contacted, with what."""
    return (
        "SELECT CAST(user_id AS VARCHAR) AS user_id, place, which, action, message, churn_risk, driver,\n"
        f"    driver_action, assigned_at\nFROM {qualified(schema, 'contacts')}",
    )


def first_contacts(schema: str) -> Sql:
    """The same, of those who come first."""
    return (*contacts(schema), f"\nORDER BY place, which, user_id LIMIT {_SHOWN}")


def interventions(schema: str) -> Sql:
    """Each assignment of a user, whoever was treated or held out."""
    return (
        "SELECT CAST(user_id AS VARCHAR) AS user_id, which, variant, assigned_at, probability, risk_before, driver,\n"
        f"    model\nFROM {qualified(schema, 'interventions')}",
    )


def newest_interventions(schema: str) -> Sql:
    """The newest of them."""
    return (*interventions(schema), f"\nORDER BY assigned_at DESC, which, user_id LIMIT {_SHOWN}")


def outcomes(schema: str) -> Sql:
    """What interventions did to staying."""
    return (f"FROM {qualified(schema, 'intervention_outcomes')}\nORDER BY which, segment <> 'all', segment",)


def by_risk(schema: str) -> Sql:
    """The same by the risk before."""
    return (f"FROM {qualified(schema, 'uplift_by_risk')}\nORDER BY which, segment",)
