"""A shop whose shipped views and macros are carried over to other engines, the calls, and how rows are compared."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register

EVENTS = """CREATE TABLE e AS SELECT 'u' || (i % 300) AS user_id,
    TIMESTAMP '2024-01-01' + to_seconds(i * 7919 * (1 + i % 13) % 7776000) + to_microseconds(i) AS event_time,
    (['view', 'view', 'cart', 'Cart', 'buy'])[1 + (i * 31 + i // 7) % 5] AS event_type,
    CASE WHEN i % 11 > 0 THEN (i % 17) * 1.5::DOUBLE END AS price FROM range(6000) t(i)"""
PAST = """CREATE TABLE sqlscore.past_scores AS SELECT user_id, TIMESTAMP '2024-02-01' + to_days(7 * part) AS as_of,
    'm@1' AS model, n_events, TIMESTAMP '2024-01-31' AS last_event_time, 'view' AS last_action, next_action,
    next_action_probability, ['view', 'buy', 'cart'] AS listed_actions, 'view' AS markov_action,
    'view' AS majority_action, churn_risk, 86400e0 * (1 + part) AS horizon_seconds,
    CASE WHEN part > 0 THEN 8640005e-1 END AS lookback_seconds,
    FALSE AS trained_after, scored_at FROM sqlscore.scored_users, range(3) parts(part)"""

FEATURES = (
    "sessions", "sessions_with(gap := INTERVAL 2 HOUR)", "session_stats", "session_stats_with(period := 'week')",
    "transitions", "transitions_with(within := INTERVAL 1 DAY)", "action_stats",
    "action_stats_with(as_of := '2024-02-20', lookback := NULL, min_users := 5)", "feature_usage",
    "feature_prospects('return')", "cohort_retention", "cohort_retention_with(period := 'week')", "lifecycle",
    "lifecycle_with(period := 'month', dormant_after := 2)", "rfm()", "rfm(value := price, as_of := '2024-02-01')",
    "funnel(['view', 'cart', 'buy'])", "funnel(['view', 'buy', 'view'], within := NULL)",
    "churn_labels_inactivity()", "churn_labels_inactivity(as_of := '2024-02-20', horizon := INTERVAL 1 MONTH)",
    "churn_labels_first_touch()", "churn_labels_first_touch(horizon := INTERVAL 7 DAY)", "churn_labels_lapsed()",
)  # fmt: skip
"""Calls of the views and macros for sessions, labels and features: carried over to every engine."""

SCORES = (
    "session_events", "session_events_with(gap := INTERVAL 1 DAY)", "event_sequences", "paths()",
    "paths(length := 2, to_action := 'buy', within := INTERVAL 1 WEEK)", "scored_users", "scored_sessions",
    "scored_segments", "scored_segments_with(medium_from := 0.2)", "segment_summary", "group_summary",
    "past_scores", "judged_past_scores", "backtest_metrics", "judged_scores('sqlscore.past_scores', 'labels')",
    "evaluate_churn('sqlscore.past_scores', 'labels')", "calibration_bins('sqlscore.past_scores', 'labels')",
    "lift_table('sqlscore.past_scores', 'labels')", "threshold_table('sqlscore.past_scores', 'labels')",
    "evaluate_next_action('early_scores', 'sqlscore.events')", "shares_of_bins('binned')",
    "drift('sqlscore.events', 'sqlscore.events')", "drift_bins('sqlscore.events', 'e')",
    "drift_of_bins('bins')", "score_drift('sqlscore.scored_users', 'sqlscore.past_scores')",
    "score_drift_bins('sqlscore.scored_users', 'sqlscore.past_scores')", "unknown_rate('m@1')",
    "unknown_rate('m@1', period := 'week')", "model_metrics", "group_metrics", "action_attention",
)  # fmt: skip
"""Calls of the others, of scores and with structs."""

WITH_MODELS = (
    "live_scored_users",
    "live_scored_sessions",
    "user_vectors",
    "similar_users(1)",
    "score_diff('m@1', 'm@1')",
)
"""Calls that ask a model: refused everywhere."""

SCALARS = ("utc_moment", "two_sided_p")

TABLES = ("events", "scored_users", "scored_sessions", "past_scores")
"""The tables of schema sqlscore that the results read."""

OWN = ("e", "binned", "bins", "labels", "early_scores", "numbers", "floats", "times", "texts")
"""Tables of the shop's own."""

CORNERS = {
    "numbers": "(VALUES (0), (1), (-7), (8), (1000), (140737488355327), (NULL)) AS t(n)",
    "floats": "(VALUES (0.0::DOUBLE), (-0.5), (1.5), (2.5), (-2.5), (3.5), ('inf'), ('-inf'), ('nan'), (NULL)) t(x)",
    "times": """(VALUES (TIMESTAMP '2023-12-31 23:59:59.999999'), ('2024-01-01'), ('2024-02-29 12:00:00'),
        ('2024-03-31 00:00:00.000001'), ('1969-12-31 23:00:00'), ('2024-03-10 02:30:00'), (NULL)) AS t(t)""",
    "texts": "(VALUES ('a'), ('B'), ('b'), ('Ä'), ('ß'), ('a\\b'), (''), (' a'), ('_'), (NULL)) AS t(s)",
}
"""Values at which engines differ, by table; 02:30 of 2024-03-10 was no time in New York."""

_UNITS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond", "microsecond")
EDGES = (
    "SELECT n, n // 3 AS d, n % 3 AS m, n / 3 AS q, ln(n) AS l, log2(n) AS b, log10(n) AS c, floor(log2(n)) AS f, "
    "CAST(n AS VARCHAR) AS s, CAST(n AS DOUBLE) AS x, greatest(n, 5) AS g, least(n, 5) AS h, n * 0.25 AS y "
    "FROM numbers",
    "SELECT x, CAST(CASE WHEN abs(x) < 9 THEN x END AS INTEGER) AS i, exp(x * 400) AS e, floor(x) AS f, ceil(x) AS c, "
    "1 / x AS r, x > 1 AS g, x = x AS s, greatest(x, 1) AS m, least(x, 1) AS n, x BETWEEN 1 AND 9 AS b FROM floats",
    "SELECT power(abs(x) / 10, 3000) AS p, sqrt(abs(x)) AS r FROM floats WHERE abs(x) < 9",
    "SELECT max(x) AS a, min(x) AS b, count(x) AS n FROM floats",
    "SELECT x, row_number() OVER (ORDER BY x) AS i, rank() OVER (ORDER BY x DESC) AS j FROM floats",
    "SELECT t, "
    + ", ".join(
        f"date_trunc('{unit}', t) AS cut_{unit}, date_diff('{unit}', t, TIMESTAMP '2024-03-01 00:30:00') AS to_{unit}, "
        f"date_diff('{unit}', TIMESTAMP '2024-02-28 23:45:00', t) AS from_{unit}"
        for unit in _UNITS
    )
    + " FROM times",
    "SELECT t, t + INTERVAL 1 MONTH AS a, t - INTERVAL 1 MONTH AS b, t + INTERVAL 90 MINUTE AS c, epoch_us(t) AS e, "
    "t - to_days(3) AS f, CAST(t AS DATE) AS g, t + INTERVAL 1 YEAR - INTERVAL 1 QUARTER AS h, "
    "CAST(CAST(t AS DATE) AS VARCHAR) AS i, make_timestamp(epoch_us(t)) AS j FROM times",
    "SELECT t, year(t) AS a, quarter(t) AS b, month(t) AS c, day(t) AS d, hour(t) AS e, minute(t) AS f, "
    "dayofweek(t) AS g, isodow(t) AS h, dayofyear(t) AS i, extract('hour' FROM t) AS j, weekday(t) AS k, "
    "date_part('dow', t) AS l, dayofmonth(t) AS m, hour(CAST(t AS DATE)) AS n FROM times",
    "SELECT s, s > 'a' AS g, s <= 'b' AS l, s LIKE '%a%' AS k, row_number() OVER (ORDER BY s) AS i, "
    "row_number() OVER (ORDER BY s DESC) AS j, s || 'x' AS c, s BETWEEN 'A' AND 'b' AS b FROM texts",
    "SELECT max(s) AS a, min(s) AS b, list(s ORDER BY s DESC) AS c FROM texts",
)
"""Queries over these tables, carried over to Spark and PostgreSQL."""


def open_carried_shop(path: Path) -> duckdb.DuckDBPyConnection:
    """A new file: 6,000 events of 300 users over 90 days, scored, with past scores and tables for the macros."""
    con = sqlscore.connect(path)
    con.execute(EVENTS)
    sqlscore.map_events(con, "e", features=["price"])
    register(con, tiny_artifact(numeric=("price",)), name="m", mapping="events", champion=True, verb="train")
    con.execute("UPDATE sqlscore.guards SET threshold = 0.5 WHERE name = 'unknown_share'")  # of 'Cart', on purpose
    sqlscore.refresh(con)
    con.execute("DROP VIEW sqlscore.past_scores")
    con.execute(PAST)
    con.execute("""CREATE TABLE binned AS SELECT event_time > '2024-02-01' AS is_current, 'type' AS measure,
                   event_type AS bin FROM e""")
    con.execute("CREATE TABLE bins AS FROM sqlscore.shares_of_bins('binned')")
    con.execute("""CREATE TABLE labels AS SELECT user_id, as_of, churned FROM sqlscore.judged_past_scores
                   WHERE churned IS NOT NULL""")
    con.execute(
        "CREATE TABLE early_scores AS SELECT * REPLACE (TIMESTAMP '2024-03-20' AS as_of) FROM sqlscore.scored_users"
    )
    for name, rows in CORNERS.items():
        con.execute(f"CREATE TABLE {name} AS SELECT * FROM {rows}")
    return con


def same_rows(rows: Iterable[tuple[Any, ...]], others: Iterable[tuple[Any, ...]]) -> bool:
    """Whether two results have the same rows in any order; floats may differ by rounding."""
    one, other = (sorted((plain(row) for row in some), key=repr) for some in (rows, others))
    return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))


def plain(value: Any) -> Any:
    """A value without the ways in which the engines spell it; floats to nine digits."""
    if isinstance(value, (tuple, list)):
        return tuple(plain(one) for one in value)
    if isinstance(value, dict):
        return tuple(plain(one) for one in value.values())
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return float(f"{float(value):.9g}")
    return value


def same(one: Any, other: Any) -> bool:
    """Equal, or floats that differ by rounding."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-8, abs_tol=1e-12) or (math.isnan(one) and math.isnan(other))
    return bool(one == other)
