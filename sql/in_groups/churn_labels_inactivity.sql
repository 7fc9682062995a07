CREATE OR REPLACE MACRO sqlscore.churn_labels_inactivity(
    as_of := NULL, horizon := INTERVAL 30 DAY, lookback := INTERVAL 90 DAY
) AS TABLE
WITH
-- The newest event of any group that the user has events of.
high_water AS (
    SELECT e.user_id, MAX(e.group_high_water) AS high_water
    FROM sqlscore.events AS e
    WHERE CASE WHEN CAST(horizon AS INTERVAL) > INTERVAL 0 DAY THEN TRUE ELSE ERROR('horizon must be a span of time above 0, such as INTERVAL 30 DAY') END
    GROUP BY e.user_id
),
moment AS (
    SELECT
        h.user_id,
        COALESCE(sqlscore.utc_moment(as_of), h.high_water - CAST(horizon AS INTERVAL)) AS label_time
    FROM high_water AS h
),
bounds AS (
    SELECT
        m.user_id,
        m.label_time,
        m.label_time - CAST(lookback AS INTERVAL) AS seen_after,
        m.label_time + CAST(horizon AS INTERVAL) AS label_end
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
        MIN(e.event_time) FILTER (WHERE e.event_time > b.label_time) AS next_event_time,
        -- A group that the user came to later says nothing of whether this label exists.
        b.label_end > MAX(e.group_high_water) FILTER (WHERE e.event_time <= b.label_time) AS is_censored,
        b.label_time
    FROM sqlscore.events AS e
    INNER JOIN bounds AS b ON b.user_id = e.user_id
    WHERE e.event_time <= b.label_end
    GROUP BY e.user_id, b.label_time, b.label_end
),
final AS (
    SELECT
        u.user_id,
        u.label_time AS as_of,
        CASE WHEN NOT u.is_censored THEN u.next_event_time IS NULL END AS churned,
        u.is_censored AS censored,
        u.last_event_time <= u.first_event_time + INTERVAL 10 MINUTE AS bounced,
        u.n_events,
        u.last_event_time,
        u.next_event_time
    FROM users AS u
    WHERE u.n_events > 0
)
SELECT * FROM final;
