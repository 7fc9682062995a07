CREATE OR REPLACE MACRO sqlscore.churn_labels_first_touch(
    observe := INTERVAL 24 HOUR, bounce := INTERVAL 10 MINUTE, horizon := NULL
) AS TABLE
WITH
first_touches AS (
    SELECT e.user_id, MIN(e.event_time) AS first_event_time
    FROM sqlscore.events AS e
    GROUP BY e.user_id
),
bounds AS (
    SELECT
        f.user_id,
        f.first_event_time,
        f.first_event_time + CAST(bounce AS INTERVAL) AS bounce_end,
        f.first_event_time + CAST(observe AS INTERVAL) AS label_time,
        f.first_event_time + CAST(observe AS INTERVAL) + CAST(horizon AS INTERVAL) AS label_end
    FROM first_touches AS f
),
users AS (
    SELECT
        b.user_id,
        b.label_time,
        COUNT(*) FILTER (WHERE e.event_time <= b.label_time) AS n_events,
        MAX(e.event_time) FILTER (WHERE e.event_time <= b.label_time) AS last_event_time,
        MIN(e.event_time) FILTER (WHERE e.event_time > b.label_time) AS next_event_time,
        MAX(e.event_time) <= b.bounce_end AS bounced,
        COALESCE(b.label_end, b.label_time) AS known_from,
        MAX(e.group_high_water) FILTER (WHERE e.event_time <= b.label_time) AS high_water
    FROM bounds AS b
    INNER JOIN sqlscore.events AS e
        ON e.user_id = b.user_id AND (b.label_end IS NULL OR e.event_time <= b.label_end)
    GROUP BY b.user_id, b.label_time, b.bounce_end, b.label_end
),
final AS (
    SELECT
        u.user_id,
        u.label_time AS as_of,
        CASE WHEN u.known_from <= u.high_water AND NOT u.bounced THEN u.next_event_time IS NULL END AS churned,
        u.known_from > u.high_water AS censored,
        u.bounced,
        u.n_events,
        u.last_event_time,
        u.next_event_time
    FROM users AS u
)
SELECT * FROM final;
