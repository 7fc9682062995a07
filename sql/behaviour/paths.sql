CREATE OR REPLACE MACRO sqlscore.paths(
    length := 3, from_action := NULL, to_action := NULL, within := NULL
) AS TABLE
WITH
windows AS (
    SELECT
        e.user_id,
        e.event_type AS first_action,
        LEAD(e.event_type, length - 1) OVER in_order AS last_action,
        (EPOCH_US(LEAD(e.event_time, length - 1) OVER in_order) - EPOCH_US(e.event_time)) / 1e6 AS seconds,
        within IS NULL
        OR LEAD(e.event_time, length - 1) OVER in_order <= e.event_time + CAST(within AS INTERVAL) AS is_within,
        LIST(e.event_type) OVER (
            PARTITION BY e.user_id ORDER BY e.event_time, e.event_type
            ROWS BETWEEN CURRENT ROW AND (length - 1) FOLLOWING
        ) AS path
    FROM sqlscore.events AS e
    WINDOW in_order AS (PARTITION BY e.user_id ORDER BY e.event_time, e.event_type)
),
paths AS (
    SELECT
        w.path,
        COUNT(*) AS n_times,
        COUNT(DISTINCT w.user_id) AS n_users,
        MEDIAN(w.seconds) AS median_seconds
    FROM windows AS w
    WHERE w.last_action IS NOT NULL
        AND (from_action IS NULL OR w.first_action = from_action)
        AND (to_action IS NULL OR w.last_action = to_action)
        AND w.is_within
    GROUP BY w.path
),
final AS (
    SELECT
        p.path,
        p.n_times,
        CAST(p.n_times AS DOUBLE) / SUM(p.n_times) OVER () AS share,
        p.n_users,
        p.median_seconds
    FROM paths AS p
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.paths IS
'One row per sequence of consecutive actions of a user; ORDER BY n_times DESC gives the most frequent. Parameters: length (3); from_action, to_action (the first or last action of the path, NULL: any); within (the longest time from the first to the last, NULL: any). Columns: path (VARCHAR[]); n_times; share (of all paths that the parameters let through); n_users; median_seconds (from the first action to the last). Months in within are the calendar''s.';
