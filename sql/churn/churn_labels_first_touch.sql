CREATE OR REPLACE MACRO sqlscore.churn_labels_first_touch(
    observe := INTERVAL 24 HOUR, bounce := INTERVAL 10 MINUTE, horizon := NULL
) AS TABLE
WITH
high_water AS (
    SELECT h.high_water FROM sqlscore.high_water AS h
),
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
        COALESCE(b.label_end, b.label_time) AS known_from
    FROM bounds AS b
    INNER JOIN sqlscore.events AS e
        ON e.user_id = b.user_id AND (b.label_end IS NULL OR e.event_time <= b.label_end)
    GROUP BY b.user_id, b.label_time, b.bounce_end, b.label_end
),
final AS (
    SELECT
        u.user_id,
        u.label_time AS as_of,
        CASE WHEN u.known_from <= h.high_water AND NOT u.bounced THEN u.next_event_time IS NULL END AS churned,
        u.known_from > h.high_water AS censored,
        u.bounced,
        u.n_events,
        u.last_event_time,
        u.next_event_time
    FROM users AS u
    CROSS JOIN high_water AS h
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.churn_labels_first_touch IS
'Churn after the first touch, one row per user: did the user come back after the first 24 hours? Parameters: observe (24 hours: what a model may read, counted from the user''s first event); bounce (10 minutes); horizon (how far ahead the label looks after that; NULL: to the end of the events). Columns: user_id; as_of (first event + observe, each user''s own); churned (no event in (as_of, as_of + horizon]; NULL if bounced or censored); censored (as_of, plus the horizon if given, is past the high-water mark: no label); bounced (last event within the bounce of the first); n_events, last_event_time (up to as_of); next_event_time (first after as_of: the label''s side, never a feature). Months in observe and horizon are the calendar''s.';
