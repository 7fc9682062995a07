"""The linter on 1,000 lines of SQL: one file of models that read each other, as a dbt project has them.

    python benchmarks/lint.py [--lines 1000] [--repeats 5]

The connection is open and the file mapped; the median of the runs after the first is reported, and the first too, which
imports the parser.
"""

from __future__ import annotations

import argparse
import statistics
import time
from itertools import count

from workload import make_events

import sqlscore

MODEL = """CREATE TABLE model_{n} AS
WITH spine AS (
    SELECT
        user_id,
        TIMESTAMP '2024-02-01' AS as_of
    FROM events
    GROUP BY user_id
),
past AS (
    SELECT
        s.user_id,
        s.as_of,
        COUNT(e.event_time) AS n_events,
        COUNT(*) FILTER (WHERE e.event_type = 'action_1') AS n_first,
        MAX(e.event_time) AS last_seen
    FROM spine AS s
    LEFT JOIN events AS e
        ON e.user_id = s.user_id
        AND e.event_time <= s.as_of - INTERVAL {n} DAY
    GROUP BY s.user_id, s.as_of
),
steps AS (
    SELECT
        user_id,
        event_time,
        event_type,
        LAG(event_type) OVER (PARTITION BY user_id ORDER BY event_time, event_type) AS before,
        SUM(1) OVER (PARTITION BY user_id ORDER BY event_time ROWS UNBOUNDED PRECEDING) AS n_th
    FROM {source}
    QUALIFY ROW_NUMBER() OVER (PARTITION BY user_id, event_time ORDER BY event_type) = 1
)
SELECT
    t.user_id,
    t.event_time,
    t.event_type,
    t.before,
    t.n_th,
    p.n_events,
    p.n_first,
    (
        SELECT COUNT(*) FROM events AS o
        WHERE o.user_id = t.user_id AND o.event_time < t.event_time
    ) AS n_before
FROM steps AS t
LEFT JOIN past AS p
    ON p.user_id = t.user_id
    AND p.as_of <= t.event_time;

"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=1_000)
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    text = models(chosen.lines)
    with sqlscore.connect(":memory:") as con:
        make_events(con, 10_000, 1_000)
        times = []
        for _ in range(chosen.repeats + 1):
            start = time.perf_counter()
            report = sqlscore.lint(con, text)
            times.append(time.perf_counter() - start)
    print(f"{text.count(chr(10)):,} lines, {len(report.findings)} findings, {len(report.unread)} passed over")
    print(
        f"first run {times[0]:.2f} s, the median of the {chosen.repeats} after it {statistics.median(times[1:]):.2f} s"
    )


def models(lines: int) -> str:
    """At least so many lines of models, each of which reads the one before."""
    found = ""
    for n in count(1):
        if found.count("\n") >= lines:
            break
        found += MODEL.format(n=n, source="events" if n == 1 else f"model_{n - 1}")
    return found


if __name__ == "__main__":
    main()
