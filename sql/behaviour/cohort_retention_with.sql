CREATE OR REPLACE MACRO sqlscore.cohort_retention_with(period := 'month') AS TABLE
WITH
high_water AS (
    SELECT h.high_water FROM sqlscore.high_water AS h
    WHERE CASE WHEN period IS NOT NULL THEN TRUE ELSE ERROR('period must be the name of one: ''day'', ''week'', ''month'', ...') END
),
activity AS (
    SELECT DISTINCT e.user_id, DATE_TRUNC(period, e.event_time) AS period_start
    FROM sqlscore.events AS e
),
users AS (
    SELECT a.user_id, MIN(a.period_start) AS cohort
    FROM activity AS a
    GROUP BY a.user_id
),
cohorts AS (
    SELECT u.cohort, COUNT(*) AS n_users
    FROM users AS u
    GROUP BY u.cohort
),
active_users AS (
    SELECT u.cohort, a.period_start, COUNT(*) AS n_active
    FROM activity AS a
    INNER JOIN users AS u ON u.user_id = a.user_id
    GROUP BY u.cohort, a.period_start
),
-- Every period from a cohort's first to the newest, so that a period without active users shows as 0.
cohort_periods AS (
    SELECT
        c.cohort,
        c.n_users,
        UNNEST(RANGE(DATE_DIFF(period, c.cohort, h.high_water) + 1)) AS period_number
    FROM cohorts AS c
    CROSS JOIN high_water AS h
),
dated_periods AS (
    SELECT
        p.*,
        p.cohort + CAST(CONCAT(p.period_number, ' ', period) AS INTERVAL) AS period_start,
        p.cohort + CAST(CONCAT(p.period_number + 1, ' ', period) AS INTERVAL) AS period_end
    FROM cohort_periods AS p
),
final AS (
    SELECT
        d.cohort,
        d.n_users,
        d.period_number,
        d.period_start,
        COALESCE(a.n_active, 0) AS n_active,
        COALESCE(a.n_active, 0) / CAST(d.n_users AS DOUBLE) AS retention,
        d.period_end <= h.high_water AS is_complete
    FROM dated_periods AS d
    CROSS JOIN high_water AS h
    LEFT JOIN active_users AS a ON a.cohort = d.cohort AND a.period_start = d.period_start
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.cohort_retention_with IS
'How many of the users first seen in one period are seen in each later period, one row per cohort and period. Parameter period: ''day'', ''week'', ''month'' (default), ''quarter'', ''year''. Columns: cohort (start of the period of the first event); n_users (in the cohort); period_number (0 the cohort''s own); period_start; n_active (users of the cohort seen in that period); retention (n_active / n_users); is_complete (the period is over at the high-water mark; the retention of an unfinished period is too low).';
