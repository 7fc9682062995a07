CREATE OR REPLACE MACRO sqlscore.feature_prospects(action) AS TABLE
WITH
users AS (
    SELECT
        e.user_id,
        COUNT(*) AS n_events,
        COUNT(*) FILTER (WHERE e.event_type = action) AS n_uses,
        MAX(e.event_time) AS last_event_time
    FROM sqlscore.events AS e
    GROUP BY e.user_id
),
totals AS (
    SELECT SUM(u.n_uses) / CAST(SUM(u.n_events) AS DOUBLE) AS event_share FROM users AS u
),
final AS (
    SELECT
        u.user_id,
        u.n_events,
        1 - POWER(1 - t.event_share, u.n_events) AS expected_probability,
        u.last_event_time
    FROM users AS u
    CROSS JOIN totals AS t
    WHERE u.n_uses = 0
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.feature_prospects IS
'Users who have never done an action although their activity makes it likely, one row per user; ORDER BY expected_probability DESC lists the likeliest first. Parameter: action. Columns: user_id; n_events; expected_probability (the probability that n_events events contain this action at least once if it were spread over users by their activity alone); last_event_time.';
