CREATE OR REPLACE MACRO sqlscore.action_stats_with(
    as_of := NULL, horizon := INTERVAL 30 DAY, lookback := INTERVAL 90 DAY, min_users := 20
) AS TABLE
WITH
-- Users of similar activity are compared: busy users do more of everything, and also stay longer.
users AS (
    SELECT
        l.user_id,
        l.as_of AS label_time,
        CASE WHEN l.churned THEN 0 ELSE 1 END AS retained,
        FLOOR(LOG2(l.n_events)) AS stratum
    FROM sqlscore.churn_labels_inactivity(as_of := as_of, horizon := horizon, lookback := lookback) AS l
    WHERE l.churned IS NOT NULL
),
strata AS (
    SELECT u.stratum, COUNT(*) AS n, SUM(u.retained) AS retained
    FROM users AS u
    GROUP BY u.stratum
),
totals AS (
    SELECT SUM(s.n) AS n, SUM(s.retained) AS retained FROM strata AS s
),
user_actions AS (
    SELECT e.event_type AS action, u.user_id, u.stratum, u.retained, COUNT(*) AS n_events
    FROM users AS u
    INNER JOIN sqlscore.events AS e
        ON e.user_id = u.user_id
        AND e.event_time <= u.label_time
        AND (lookback IS NULL OR e.event_time > u.label_time - CAST(lookback AS INTERVAL))
    GROUP BY e.event_type, u.user_id, u.stratum, u.retained
),
action_strata AS (
    SELECT
        a.action,
        a.stratum,
        SUM(a.n_events) AS n_events,
        CAST(COUNT(*) AS DOUBLE) AS n_with,
        CAST(SUM(a.retained) AS DOUBLE) AS retained_with
    FROM user_actions AS a
    GROUP BY a.action, a.stratum
),
compared_strata AS (
    SELECT
        a.*,
        s.n - a.n_with AS n_without,
        s.retained - a.retained_with AS retained_without,
        CAST(s.n AS DOUBLE) AS n,
        s.retained
    FROM action_strata AS a
    INNER JOIN strata AS s ON s.stratum = a.stratum
),
-- Mantel-Haenszel risk ratio; variance of its logarithm by Greenland and Robins (1985); test of no difference by
-- Mantel and Haenszel (1959), which is defined even if nobody, or everybody, on one side was retained.
actions AS (
    SELECT
        c.action,
        CAST(SUM(c.n_events) AS BIGINT) AS n_events,
        CAST(SUM(c.n_with) AS BIGINT) AS n_users,
        SUM(c.retained_with) AS retained_users,
        SUM(c.retained_with * c.n_without / c.n) AS expected_with,
        SUM(c.retained_without * c.n_with / c.n) AS expected_without,
        SUM((c.retained * c.n_with * c.n_without - c.retained_with * c.retained_without * c.n) / (c.n * c.n)) AS spread,
        SUM(c.retained_with - c.n_with * c.retained / c.n) AS surplus,
        SUM(c.n_with * c.n_without * c.retained * (c.n - c.retained) / (c.n * c.n * GREATEST(c.n - 1, 1))) AS variance
    FROM compared_strata AS c
    GROUP BY c.action
),
lifts AS (
    SELECT
        a.*,
        t.n AS all_users,
        t.retained AS all_retained,
        CASE
            WHEN a.expected_without > 0 THEN a.expected_with / a.expected_without
            WHEN a.expected_with > 0 THEN CAST('infinity' AS DOUBLE)
        END AS retention_lift,
        CASE
            WHEN a.expected_with > 0 AND a.expected_without > 0
                THEN NULLIF(SQRT(GREATEST(a.spread, 0) / (a.expected_with * a.expected_without)), 0)
        END AS log_error
    FROM actions AS a
    CROSS JOIN totals AS t
),
tests AS (
    SELECT
        l.*,
        CASE
            WHEN l.n_users >= min_users AND l.all_users - l.n_users >= min_users
                THEN CASE
                    WHEN l.variance > 0 THEN LEAST(sqlscore.two_sided_p(l.surplus / SQRT(l.variance)), 1.0)
                    ELSE 1.0 -- all were retained, or none
                END
        END AS p_value
    FROM lifts AS l
),
-- Benjamini and Hochberg (1995): the rate of false discoveries among all actions up to this one.
ranked_tests AS (
    SELECT
        t.*,
        COUNT(t.p_value) OVER () AS n_tests,
        COUNT(t.p_value) OVER (ORDER BY t.p_value NULLS LAST RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS p_rank
    FROM tests AS t
),
adjusted AS (
    SELECT
        r.*,
        CASE
            WHEN r.p_value IS NOT NULL THEN MIN(r.p_value * r.n_tests / NULLIF(r.p_rank, 0)) OVER (
                ORDER BY r.p_value DESC NULLS FIRST RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            )
        END AS q_value
    FROM ranked_tests AS r
),
final AS (
    SELECT
        a.action,
        a.n_events,
        a.n_users,
        a.n_users / CAST(a.all_users AS DOUBLE) AS support,
        1 - a.retained_users / a.n_users AS churn_rate,
        1 - (a.all_retained - a.retained_users) / NULLIF(CAST(a.all_users - a.n_users AS DOUBLE), 0) AS churn_rate_without,
        a.retention_lift,
        CASE WHEN a.log_error > 0 THEN EXP(LN(a.retention_lift) - 1.959964 * a.log_error) END AS lift_low,
        CASE WHEN a.log_error > 0 THEN EXP(LN(a.retention_lift) + 1.959964 * a.log_error) END AS lift_high,
        a.p_value,
        a.q_value,
        CASE
            WHEN a.n_users = a.all_users THEN 'done by all'
            WHEN a.p_value IS NULL THEN 'too few users'
            WHEN a.q_value >= 0.05 THEN 'unclear'
            WHEN a.surplus > 0 THEN 'retention'
            ELSE 'churn'
        END AS precedes
    FROM adjusted AS a
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.action_stats_with IS
'What precedes churn and what precedes retention: users who did an action in the lookback compared with users of similar activity who did not, one row per action. An association, not a cause. Parameters: as_of, horizon (30 days), lookback (90 days) as in churn_labels_inactivity; min_users (20: fewer on either side are not tested). Columns: action; n_events; n_users (labelled users who did it in the lookback); support (their share of the labelled users); churn_rate, churn_rate_without (of those who did and of those who did not, as they are); retention_lift (retention of those who did over those who did not, compared within classes of the number of events, Mantel-Haenszel); lift_low, lift_high (95 % confidence interval); p_value; q_value (p_value corrected for the number of actions, Benjamini-Hochberg); precedes (''retention'' or ''churn'' if q_value is under 0.05, else ''unclear''; ''done by all'' if no user is without it; or ''too few users''). Months in horizon and lookback are the calendar''s.';
