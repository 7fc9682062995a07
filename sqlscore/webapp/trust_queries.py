"""What the page Trust asks: how good scores were on events that the model had not seen, and if they still are."""

from __future__ import annotations

from sqlscore.quoting import qualified
from sqlscore.webapp.selection import Sql, Value


def verdict(model: str) -> Sql:
    """The verdict in words, a row a sentence."""
    return (
        "SELECT unnest(CAST(metrics -> '$.verdict' AS VARCHAR[])) AS sentence\nFROM sqlscore.models "
        "WHERE concat(name, '@', version) = ",
        Value(model),
    )


def figures(model: str) -> Sql:
    """Each figure of a model beside those of its baselines, on the events after its training."""
    return (
        "SELECT head, metric, coalesce(baseline, 'model') AS of, value FROM sqlscore.model_metrics\nWHERE model = ",
        Value(model),
        " AND subset IS NULL AND metric IN ('accuracy', 'log_loss', 'top3', 'ece', 'auc', 'mean_log10_error', 'n')"
        "\nORDER BY head, metric, baseline NULLS FIRST",
    )


def reliability(model: str, head: str) -> Sql:
    """How often predictions came true, by how likely they were said to be. head: next_action or churn."""
    return (
        "SELECT * FROM sqlscore.reliability_bins WHERE model = ",
        Value(model),
        " AND head = ",
        Value(head),
        "\nORDER BY probability_from",
    )


def thresholds(model: str, contact_cost: float, saved_value: float, save_rate: float) -> Sql:
    """What contacting all above each risk would cost and bring, on the churn test."""
    return (
        "FROM sqlscore.tested_thresholds(",
        Value(model),
        ", contact_cost := ",
        Value(contact_cost),
        ", saved_value := ",
        Value(saved_value),
        ", save_rate := ",
        Value(save_rate),
        ")\nORDER BY threshold",
    )


def over_time(schema: str) -> Sql:
    """The figures of back-tests and of scores that were kept, by their moment."""
    return (f"FROM {qualified(schema, 'backtest_metrics')}\nORDER BY as_of, model",)


def drift(schema: str) -> Sql:
    """Whether the newest events differ from as many days of events before."""
    events = qualified(schema, "events")
    return (
        f"WITH span AS (\n    SELECT max(event_time) AS until, (max(event_time) - min(event_time)) / 4 AS length\n"
        f"    FROM {events}\n),\n"
        f"newest AS (\n    SELECT e.* FROM {events} AS e CROSS JOIN span AS s\n"
        "    WHERE e.event_time > s.until - s.length\n),\n"
        f"before AS (\n    SELECT e.* FROM {events} AS e CROSS JOIN span AS s\n"
        "    WHERE e.event_time > s.until - 2 * s.length AND e.event_time <= s.until - s.length\n)\n"
        f"FROM {qualified(schema, 'drift')}('before', 'newest')\nORDER BY measure",
    )


def leaderboard() -> Sql:
    """The last comparison of models."""
    return (
        "SELECT rank, tie_with_best, contender, kind, accuracy, log_loss, churn_auc, training_seconds, compared_at\n"
        "FROM sqlscore.leaderboard\n"
        "WHERE compared_at = (SELECT max(compared_at) FROM sqlscore.leaderboard)\nORDER BY rank",
    )


def side_by_side(mapping: str) -> Sql:
    """The models of one mapping, the newest first, each by its figures on the events after its training."""
    figures = ", ".join(
        f"max(value) FILTER (head = '{head}' AND metric = '{metric}') AS {name}"
        for head, metric, name in (
            ("next_action", "accuracy", "accuracy"),
            ("next_action", "log_loss", "log_loss"),
            ("next_action", "ece", "calibration_error"),
            ("time_to_next", "mean_log10_error", "time_log10_error"),
            ("churn", "auc", "churn_auc"),
            ("churn", "ece", "churn_calibration_error"),
        )
    )
    return (
        f"WITH figures AS (\n    SELECT model, {figures}\n    FROM sqlscore.model_metrics\n"
        "    WHERE baseline IS NULL AND subset IS NULL GROUP BY model\n)\n"
        "SELECT m.label AS model, m.architecture, m.created_at, m.trained_to, f.* EXCLUDE model\n"
        "FROM (SELECT *, concat(name, '@', version) AS label FROM sqlscore.models) AS m\n"
        "LEFT JOIN figures AS f ON f.model = m.label WHERE m.mapping = ",
        Value(mapping),
        "\nORDER BY m.created_at DESC, m.label",
    )


def champions(mapping: str) -> Sql:
    """Which model was champion when, and why."""
    return ("SELECT * FROM sqlscore.champions WHERE mapping = ", Value(mapping), "\nORDER BY since DESC")


def runs(mapping: str) -> Sql:
    """What was done to the file lately."""
    return (
        "SELECT verb, started_at, finished_at, status, message FROM sqlscore.runs WHERE mapping IS NULL OR mapping = ",
        Value(mapping),
        "\nORDER BY started_at DESC LIMIT 20",
    )
