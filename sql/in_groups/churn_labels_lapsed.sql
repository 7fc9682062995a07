CREATE OR REPLACE MACRO sqlscore.churn_labels_lapsed(as_of := NULL, horizon := INTERVAL 30 DAY) AS TABLE
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
        COALESCE(sqlscore.utc_moment(as_of), h.high_water) AS label_time,
        h.high_water
    FROM high_water AS h
),
bounds AS (
    SELECT
        m.user_id,
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
    INNER JOIN bounds AS b ON b.user_id = e.user_id
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
    INNER JOIN bounds AS b ON b.user_id = u.user_id
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
