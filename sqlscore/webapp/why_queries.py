"""What the page Why asks: the views of behaviour, as docs/views.md describes them."""

from __future__ import annotations

from sqlscore.quoting import literals, qualified
from sqlscore.webapp.selection import Sql, Value

WITHIN = {"1 hour": "1 hour", "1 day": "1 day", "7 days": "7 days", "30 days": "30 days"}
PERIODS = ("week", "month", "day")
_ACTIONS = 15  # rows and columns of a heat map
_COHORTS = 40  # newest ones that are shown
_USED = 40  # least used actions
LOOKED_AT = 200  # customers whose attention is averaged
_BACK = 12  # events before the end


def drivers(schema: str) -> Sql:
    """What precedes churn, and what precedes retention."""
    return (f"FROM {qualified(schema, 'action_stats')}\nORDER BY q_value, action",)


def transitions(schema: str) -> Sql:
    """What follows what, for the most frequent actions."""
    view = qualified(schema, "transitions")
    return (
        f"WITH frequent AS (\n    SELECT action FROM {view} GROUP BY action\n"
        f"    ORDER BY sum(n_transitions) DESC, action LIMIT {_ACTIONS}\n),\n"
        f"after AS (\n    SELECT next_action FROM {view} SEMI JOIN frequent USING (action) GROUP BY next_action\n"
        f"    ORDER BY sum(n_transitions) DESC, next_action LIMIT {_ACTIONS}\n)\n"
        f"SELECT t.* FROM {view} AS t\nSEMI JOIN frequent AS f ON f.action = t.action\n"
        "SEMI JOIN after AS n ON n.next_action = t.next_action\nORDER BY t.action, t.next_action",
    )


def funnel(schema: str, steps: list[str], within: str) -> Sql:
    """How many customers do the steps in order. within: a key of WITHIN."""
    macro = qualified(schema, "funnel")
    return (f"FROM {macro}([{literals(steps)}], within := ", Value(WITHIN[within]), ")\nORDER BY step")


def cohorts(schema: str, period: str) -> Sql:
    """How many of those who came first in one of the newest periods are seen in each later one."""
    macro = qualified(schema, "cohort_retention_with")
    return (
        f"FROM {macro}(period := ",
        Value(period),
        f")\nQUALIFY dense_rank() OVER (ORDER BY cohort DESC) <= {_COHORTS} AND period_number < {_COHORTS}\n"
        "ORDER BY ALL",
    )


def underused(schema: str) -> Sql:
    """Actions that fewer customers do than their activity would let one expect."""
    return (f"FROM {qualified(schema, 'feature_usage')}\nORDER BY usage_ratio, action LIMIT {_USED}",)


def attention(mapping: str) -> Sql:
    """From which actions a graph model takes what it knows of an action: the newest such model, some of its actions."""
    return (
        "WITH newest AS (\n    SELECT a.* FROM sqlscore.action_attention AS a INNER JOIN sqlscore.models AS m\n"
        "        ON a.model = concat(m.name, '@', m.version) WHERE a.mapping = ",
        Value(mapping),
        "\n    QUALIFY dense_rank() OVER (ORDER BY m.created_at DESC, a.model) = 1\n)\n"
        "SELECT model, from_action, action, weight FROM newest\n"
        f"QUALIFY dense_rank() OVER (ORDER BY action) <= {_ACTIONS}\nORDER BY action, from_action",
    )


def looking(mapping: str) -> Sql:
    """The models that can say which events of a history they attend to."""
    return (
        "SELECT concat(name, '@', version) AS model FROM sqlscore.models\n"
        "WHERE list_contains(CAST(manifest -> 'capabilities' AS VARCHAR[]), 'attention') AND mapping = ",
        Value(mapping),
        "\nORDER BY created_at DESC",
    )


def attention_by_place(model: str, schema: str) -> Sql:
    """Where a model looks in the histories of some customers, on average: by action, and how many events back."""
    events = qualified(schema, "events")
    return (
        f"WITH sampled AS (\n    SELECT DISTINCT user_id FROM {events} ORDER BY hash(user_id) LIMIT {LOOKED_AT}\n),\n"
        "looks AS (\n    SELECT list_reverse(list_attend_events(list(e), model := ",
        Value(model),
        f")) AS look\n    FROM {events} AS e SEMI JOIN sampled USING (user_id) GROUP BY e.user_id\n),\n"
        "places AS (\n    SELECT unnest(look) AS place, generate_subscripts(look, 1) - 1 AS events_back\n"
        "    FROM looks\n),\n"
        f"near AS (\n    SELECT place.action, events_back, place.weight FROM places WHERE events_back < {_BACK}\n),\n"
        "frequent AS (\n    SELECT action FROM near GROUP BY action ORDER BY count(*) DESC, action\n"
        f"    LIMIT {_ACTIONS}\n)\n"
        "SELECT action, events_back, avg(weight) AS mean_attention, count(*) AS n\n"
        "FROM near SEMI JOIN frequent USING (action) GROUP BY ALL ORDER BY action, events_back",
    )


def attended(model: str, schema: str, user: str) -> Sql:
    """Where a model looks in the history of one customer."""
    return (
        "SELECT unnest(list_attend_events(list(e), model := ",
        Value(model),
        f"), recursive := true) FROM {qualified(schema, 'events')} AS e WHERE CAST(user_id AS VARCHAR) = ",
        Value(user),
    )
