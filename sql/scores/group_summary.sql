CREATE OR REPLACE VIEW sqlscore.group_summary AS
WITH
high_water AS (
    SELECT h.high_water FROM sqlscore.high_water AS h
),
groups AS (
    SELECT CAST(p.part AS VARCHAR) AS group_name, p.high_water FROM sqlscore.group_high_water AS p
),
members AS (
    SELECT u.user_id, u.group_name, u.n_events FROM sqlscore.user_groups AS u
),
users AS (
    SELECT
        s.user_id,
        s.risk_band,
        s.churn_risk,
        s.is_active,
        s.days_silent,
        s.as_of
    FROM sqlscore.scored_segments AS s
),
counts AS (
    SELECT
        m.group_name,
        COUNT(*) AS n_users,
        CAST(SUM(m.n_events) AS BIGINT) AS n_events,
        COUNT(*) FILTER (WHERE u.is_active) AS n_active,
        COUNT(*) FILTER (WHERE u.risk_band = 'lapsed') AS n_lapsed,
        AVG(u.churn_risk) FILTER (WHERE u.is_active) AS mean_churn_risk,
        SUM(CASE WHEN u.risk_band = 'lapsed' THEN 0 ELSE CAST(u.churn_risk AS DOUBLE) END) AS expected_churners,
        MEDIAN(u.days_silent) AS median_days_silent,
        MAX(u.as_of) AS as_of
    FROM members AS m
    INNER JOIN users AS u ON u.user_id = m.user_id
    GROUP BY m.group_name
),
final AS (
    SELECT
        c.group_name,
        g.high_water,
        (EPOCH_US(h.high_water) - EPOCH_US(g.high_water)) / 864e8 AS days_behind,
        c.n_users,
        c.n_events,
        c.n_active,
        c.n_lapsed,
        c.mean_churn_risk,
        c.expected_churners,
        c.median_days_silent,
        c.as_of
    FROM counts AS c
    LEFT JOIN groups AS g ON g.group_name IS NOT DISTINCT FROM c.group_name
    CROSS JOIN high_water AS h
)
SELECT * FROM final;

COMMENT ON VIEW sqlscore.group_summary IS 'The scored users by group of the events, one row per group; one row in all without groups. Who is in several groups counts in each.';
COMMENT ON COLUMN sqlscore.group_summary.group_name IS 'The group; NULL for events without one, and where no group is mapped.';
COMMENT ON COLUMN sqlscore.group_summary.high_water IS 'The newest event of the group, UTC.';
COMMENT ON COLUMN sqlscore.group_summary.days_behind IS 'Days from then to the newest event of all.';
COMMENT ON COLUMN sqlscore.group_summary.n_users IS 'Users with events of the group.';
COMMENT ON COLUMN sqlscore.group_summary.n_events IS 'Events of the group.';
COMMENT ON COLUMN sqlscore.group_summary.n_active IS 'Users seen within the model''s lookback before their as_of.';
COMMENT ON COLUMN sqlscore.group_summary.n_lapsed IS 'Users who were not: they cannot churn any more.';
COMMENT ON COLUMN sqlscore.group_summary.mean_churn_risk IS 'Mean risk of the active users.';
COMMENT ON COLUMN sqlscore.group_summary.expected_churners IS 'Sum of the risks of the active users.';
COMMENT ON COLUMN sqlscore.group_summary.median_days_silent IS 'Median of the days from a user''s last event to as_of.';
COMMENT ON COLUMN sqlscore.group_summary.as_of IS 'The newest moment at which scores of these users are valid, UTC.';
