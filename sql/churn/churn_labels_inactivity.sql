CREATE OR REPLACE MACRO sqlscore.churn_labels_inactivity(
    as_of := NULL, horizon := INTERVAL 30 DAY, lookback := INTERVAL 90 DAY
) AS TABLE
WITH
high_water AS (
    SELECT h.high_water FROM sqlscore.high_water AS h
    WHERE CASE WHEN CAST(horizon AS INTERVAL) > INTERVAL 0 DAY THEN TRUE ELSE ERROR('horizon must be a span of time above 0, such as INTERVAL 30 DAY') END
),
moment AS (
    SELECT
        COALESCE(sqlscore.utc_moment(as_of), h.high_water - CAST(horizon AS INTERVAL)) AS label_time,
        h.high_water
    FROM high_water AS h
),
bounds AS (
    SELECT
        m.label_time,
        m.label_time - CAST(lookback AS INTERVAL) AS seen_after,
        m.label_time + CAST(horizon AS INTERVAL) AS label_end,
        m.label_time + CAST(horizon AS INTERVAL) > m.high_water AS is_censored
    FROM moment AS m
),
users AS (
    SELECT
        e.user_id,
        COUNT(*) FILTER (
            WHERE e.event_time <= b.label_time AND (b.seen_after IS NULL OR e.event_time > b.seen_after)
        ) AS n_events,
        MIN(e.event_time) FILTER (WHERE e.event_time <= b.label_time) AS first_event_time,
        MAX(e.event_time) FILTER (WHERE e.event_time <= b.label_time) AS last_event_time,
        MIN(e.event_time) FILTER (WHERE e.event_time > b.label_time) AS next_event_time
    FROM sqlscore.events AS e
    CROSS JOIN bounds AS b
    WHERE e.event_time <= b.label_end
    GROUP BY e.user_id
),
final AS (
    SELECT
        u.user_id,
        b.label_time AS as_of,
        CASE WHEN NOT b.is_censored THEN u.next_event_time IS NULL END AS churned,
        b.is_censored AS censored,
        u.last_event_time <= u.first_event_time + INTERVAL 10 MINUTE AS bounced,
        u.n_events,
        u.last_event_time,
        u.next_event_time
    FROM users AS u
    CROSS JOIN bounds AS b
    WHERE u.n_events > 0
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.churn_labels_inactivity IS
'Churn by inactivity, one row per user seen in (as_of - lookback, as_of]. Parameters: as_of (NULL: the newest moment with a full horizon, high-water mark - horizon); horizon (30 days); lookback (90 days; NULL: no limit). Columns: user_id; as_of; churned (no event in (as_of, as_of + horizon]; NULL if censored); censored (as_of + horizon is past the high-water mark: no label); bounced (last event up to as_of within 10 minutes of the first; churned is labelled all the same); n_events (in the lookback); last_event_time (up to as_of); next_event_time (first in the horizon: the label''s side, never a feature). Months in horizon and lookback are the calendar''s.';
