CREATE OR REPLACE VIEW sqlscore.feature_usage AS
WITH
user_actions AS (
    SELECT e.user_id, e.event_type AS action, COUNT(*) AS n_uses
    FROM sqlscore.events AS e
    GROUP BY e.user_id, e.event_type
),
sized_user_actions AS (
    SELECT a.*, SUM(a.n_uses) OVER (PARTITION BY a.user_id) AS n_events
    FROM user_actions AS a
),
-- There are few distinct numbers of events: expectations are computed once for each.
sizes AS (
    SELECT s.n_events, COUNT(DISTINCT s.user_id) AS n_users
    FROM sized_user_actions AS s
    GROUP BY s.n_events
),
totals AS (
    SELECT SUM(z.n_users) AS n_users, SUM(z.n_users * z.n_events) AS n_events FROM sizes AS z
),
actions AS (
    SELECT s.action, SUM(s.n_uses) AS n_uses, COUNT(*) AS n_users
    FROM sized_user_actions AS s
    GROUP BY s.action
),
users_of_action AS (
    SELECT s.action, s.n_events, COUNT(*) AS n_users
    FROM sized_user_actions AS s
    GROUP BY s.action, s.n_events
),
expectations AS (
    SELECT
        a.action,
        SUM(z.n_users * p.probability) AS expected_users,
        SUM((z.n_users - COALESCE(w.n_users, 0)) * p.probability) AS expected_non_users
    FROM actions AS a
    CROSS JOIN sizes AS z
    CROSS JOIN totals AS t
    LEFT JOIN users_of_action AS w ON w.action = a.action AND w.n_events = z.n_events
    CROSS JOIN LATERAL (SELECT 1 - POWER(1 - a.n_uses / CAST(t.n_events AS DOUBLE), z.n_events) AS probability) AS p
    GROUP BY a.action
),
final AS (
    SELECT
        a.action,
        CAST(a.n_uses AS BIGINT) AS n_events,
        a.n_users,
        a.n_users / CAST(t.n_users AS DOUBLE) AS penetration,
        a.n_uses / CAST(a.n_users AS DOUBLE) AS events_per_user,
        x.expected_users,
        a.n_users / x.expected_users AS usage_ratio,
        x.expected_non_users,
        a.n_users < 0.5 * x.expected_users AS is_underused
    FROM actions AS a
    INNER JOIN expectations AS x ON x.action = a.action
    CROSS JOIN totals AS t
)
SELECT * FROM final;

COMMENT ON VIEW sqlscore.feature_usage IS 'How many users do each action and how often, beside the number of users to expect if it were spread by activity alone, one row per action.';
COMMENT ON COLUMN sqlscore.feature_usage.action IS 'The action.';
COMMENT ON COLUMN sqlscore.feature_usage.n_events IS 'How many times it was done.';
COMMENT ON COLUMN sqlscore.feature_usage.n_users IS 'Number of users who did it.';
COMMENT ON COLUMN sqlscore.feature_usage.penetration IS 'Their share of all users.';
COMMENT ON COLUMN sqlscore.feature_usage.events_per_user IS 'How often each of them did it, on average.';
COMMENT ON COLUMN sqlscore.feature_usage.expected_users IS 'How many users would have done it if its events were spread over all users by their number of events alone.';
COMMENT ON COLUMN sqlscore.feature_usage.usage_ratio IS 'n_users / expected_users; far below 1 if a few users do it a lot and the others not at all.';
COMMENT ON COLUMN sqlscore.feature_usage.expected_non_users IS 'How many of the expected users have not done it; feature_prospects lists them.';
COMMENT ON COLUMN sqlscore.feature_usage.is_underused IS 'Whether fewer than half of the expected users do it.';
