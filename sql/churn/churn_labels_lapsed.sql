CREATE OR REPLACE MACRO sqlscore.churn_labels_lapsed(as_of := NULL, horizon := INTERVAL 30 DAY) AS TABLE
WITH
high_water AS (
    SELECT h.high_water FROM sqlscore.high_water AS h
    WHERE CASE WHEN CAST(horizon AS INTERVAL) > INTERVAL 0 DAY THEN TRUE ELSE ERROR('horizon must be a span of time above 0, such as INTERVAL 30 DAY') END
),
moment AS (
    SELECT
        COALESCE(sqlscore.utc_moment(as_of), h.high_water) AS label_time,
        h.high_water
    FROM high_water AS h
),
bounds AS (
    SELECT
        m.label_time,
        m.label_time - CAST(horizon AS INTERVAL) AS silent_from,
        m.label_time > m.high_water AS is_unseen
    FROM moment AS m
),
users AS (
    SELECT
        e.user_id,
        COUNT(*) AS n_events,
        MIN(e.event_time) AS first_event_time,
        MAX(e.event_time) AS last_event_time
    FROM sqlscore.events AS e
    CROSS JOIN bounds AS b
    WHERE e.event_time <= b.label_time
    GROUP BY e.user_id
),
marked_users AS (
    SELECT
        u.*,
        b.label_time,
        b.is_unseen OR u.first_event_time > b.silent_from AS is_censored,
        u.last_event_time <= b.silent_from AS is_silent
    FROM users AS u
    CROSS JOIN bounds AS b
),
final AS (
    SELECT
        m.user_id,
        m.label_time AS as_of,
        CASE WHEN NOT m.is_censored THEN m.is_silent END AS churned,
        m.is_censored AS censored,
        m.last_event_time <= m.first_event_time + INTERVAL 10 MINUTE AS bounced,
        m.n_events,
        m.last_event_time,
        CASE WHEN m.is_silent AND NOT m.is_censored THEN m.last_event_time + CAST(horizon AS INTERVAL) END AS lapsed_at
    FROM marked_users AS m
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.churn_labels_lapsed IS
'Lapsed users, one row per user seen up to as_of: a state that looks back, where inactivity looks ahead. Parameters: as_of (NULL: the high-water mark); horizon (30 days of silence). Columns: user_id; as_of; churned (no event in (as_of - horizon, as_of]; NULL if censored); censored (first seen in that window, so too new to have lapsed, or as_of is past the high-water mark: no label); bounced (last event up to as_of within 10 minutes of the first; churned is labelled all the same); n_events, last_event_time (up to as_of); lapsed_at (when the silence reached the horizon). The silence is part of the label: a score to be judged by it must be as of as_of - horizon. Months in horizon are the calendar''s.';
