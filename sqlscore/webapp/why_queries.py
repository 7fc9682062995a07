"""What the page Why asks: the views of behaviour, as docs/views.md describes them."""

from __future__ import annotations

from sqlscore.quoting import literals, qualified
from sqlscore.webapp.selection import Sql, Value

WITHIN = {"1 hour": "1 hour", "1 day": "1 day", "7 days": "7 days", "30 days": "30 days"}
PERIODS = ("week", "month", "day")
_ACTIONS = 15  # rows and columns of the heat map


def drivers(schema: str) -> Sql:
    """What precedes churn, and what precedes retention."""
    return (f"FROM {qualified(schema, 'action_stats')}\nORDER BY q_value, action",)


def transitions(schema: str) -> Sql:
    """What follows what, for the most frequent actions."""
    view = qualified(schema, "transitions")
    return (
        f"WITH frequent AS (\n    SELECT action FROM {view} GROUP BY action\n"
        f"    ORDER BY sum(n_transitions) DESC, action LIMIT {_ACTIONS}\n)\n"
        f"SELECT t.* FROM {view} AS t\nSEMI JOIN frequent AS f ON f.action = t.action\n"
        "SEMI JOIN frequent AS n ON n.action = t.next_action\nORDER BY t.action, t.next_action",
    )


def funnel(schema: str, steps: list[str], within: str) -> Sql:
    """How many customers do the steps in order. within: a key of WITHIN."""
    macro = qualified(schema, "funnel")
    return (f"FROM {macro}([{literals(steps)}], within := ", Value(WITHIN[within]), ")\nORDER BY step")


def cohorts(schema: str, period: str) -> Sql:
    """How many of those who came first in one period are seen in each later one."""
    return (f"FROM {qualified(schema, 'cohort_retention_with')}(period := ", Value(period), ")\nORDER BY ALL")


def underused(schema: str) -> Sql:
    """Actions that fewer customers do than their activity would let one expect."""
    return (f"FROM {qualified(schema, 'feature_usage')}\nORDER BY usage_ratio, action",)


def attention(mapping: str) -> Sql:
    """From which actions a model takes what it knows of an action."""
    return (
        "SELECT model, from_action, action, weight FROM sqlscore.action_attention WHERE mapping = ",
        Value(mapping),
        "\nORDER BY model, action, from_action",
    )


def looking(mapping: str) -> Sql:
    """The models that can say which events of a history they attend to."""
    return (
        "SELECT concat(name, '@', version) AS model FROM sqlscore.models\n"
        "WHERE list_contains(CAST(manifest -> 'capabilities' AS VARCHAR[]), 'attention') AND mapping = ",
        Value(mapping),
        "\nORDER BY created_at DESC",
    )


def attended(model: str, schema: str, user: str) -> Sql:
    """Where a model looks in the history of one customer."""
    return (
        "SELECT unnest(list_attend_events(list(e), model := ",
        Value(model),
        f"), recursive := true) FROM {qualified(schema, 'events')} AS e WHERE CAST(user_id AS VARCHAR) = ",
        Value(user),
    )
