CREATE OR REPLACE MACRO sqlscore.lifecycle_with(period := 'week', dormant_after := 4) AS TABLE
WITH
high_water AS (
    SELECT h.high_water FROM sqlscore.high_water AS h
    WHERE CASE WHEN dormant_after >= 1 AND dormant_after = FLOOR(dormant_after) THEN TRUE ELSE ERROR('dormant_after must be a whole number of periods, 1 or more') END
        AND CASE WHEN period IS NOT NULL THEN TRUE ELSE ERROR('period must be the name of one: ''day'', ''week'', ''month'', ...') END
),
first_period AS (
    SELECT DATE_TRUNC(period, MIN(e.event_time)) AS first_start FROM sqlscore.events AS e
),
activity AS (
    SELECT DISTINCT e.user_id, DATE_DIFF(period, f.first_start, e.event_time) AS number
    FROM sqlscore.events AS e
    CROSS JOIN first_period AS f
),
neighbours AS (
    SELECT
        a.number,
        LAG(a.number) OVER in_order AS previous_number,
        LEAD(a.number) OVER in_order AS next_number
    FROM activity AS a
    WINDOW in_order AS (PARTITION BY a.user_id ORDER BY a.number)
),
present AS (
    SELECT
        n.number,
        CASE
            WHEN n.previous_number IS NULL THEN 'new'
            WHEN n.number - n.previous_number > dormant_after THEN 'resurrected'
            ELSE 'active'
        END AS state,
        COUNT(*) AS n_users
    FROM neighbours AS n
    GROUP BY 1, 2
),
-- An absence adds one user to a state where it begins and takes it away where it ends.
changes AS (
    SELECT n.number + 1 AS number, 'at risk' AS state, 1 AS change
    FROM neighbours AS n
    UNION ALL
    SELECT LEAST(n.number + dormant_after, COALESCE(n.next_number, n.number + dormant_after)), 'at risk', -1
    FROM neighbours AS n
    UNION ALL
    SELECT n.number + dormant_after, 'dormant', 1
    FROM neighbours AS n
    WHERE n.next_number IS NULL OR n.next_number > n.number + dormant_after
    UNION ALL
    SELECT n.next_number, 'dormant', -1
    FROM neighbours AS n
    WHERE n.next_number > n.number + dormant_after
),
counted_changes AS (
    SELECT c.number, c.state, SUM(c.change) AS n_users
    FROM changes AS c
    GROUP BY c.number, c.state
),
numbers AS (
    SELECT UNNEST(RANGE(DATE_DIFF(period, f.first_start, h.high_water) + 1)) AS number
    FROM first_period AS f
    CROSS JOIN high_water AS h
),
grid AS (
    SELECT n.number, s.state
    FROM numbers AS n
    CROSS JOIN (VALUES ('new'), ('active'), ('resurrected'), ('at risk'), ('dormant')) AS s (state)
),
counts AS (
    SELECT
        g.number,
        g.state,
        CAST(COALESCE(p.n_users, SUM(c.n_users) OVER so_far, 0) AS BIGINT) AS n_users
    FROM grid AS g
    LEFT JOIN present AS p ON p.number = g.number AND p.state = g.state
    LEFT JOIN counted_changes AS c ON c.number = g.number AND c.state = g.state
    WINDOW so_far AS (PARTITION BY g.state ORDER BY g.number)
),
final AS (
    SELECT
        f.first_start + CAST(CONCAT(c.number, ' ', period) AS INTERVAL) AS period_start,
        c.state,
        c.n_users,
        c.n_users / CAST(SUM(c.n_users) OVER (PARTITION BY c.number) AS DOUBLE) AS share,
        f.first_start + CAST(CONCAT(c.number + 1, ' ', period) AS INTERVAL) <= h.high_water AS is_complete
    FROM counts AS c
    CROSS JOIN first_period AS f
    CROSS JOIN high_water AS h
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.lifecycle_with IS
'How many users are in each lifecycle state, one row per period and state. Parameters: period (''day'', ''week'' (default), ''month'', ...); dormant_after (4: the number of missed periods from which a user is dormant). Columns: period_start; state (''new'': first seen in it; ''active'': seen in it and in one of the dormant_after periods before; ''resurrected'': seen in it after being dormant; ''at risk'': missed the last 1 to dormant_after - 1 periods; ''dormant'': missed the last dormant_after periods or more); n_users; share (of all users seen so far); is_complete (the period is over at the high-water mark).';
