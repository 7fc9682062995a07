CREATE OR REPLACE MACRO sqlscore.funnel(steps, within := INTERVAL 7 DAY) AS TABLE
WITH RECURSIVE
-- Events of the same time are in the mapping's order, else in that of the steps: then a tie hides no conversion unless a
-- step occurs twice.
step_events AS (
    SELECT
        e.user_id,
        e.event_time,
        e.event_type,
        ROW_NUMBER() OVER (
            PARTITION BY e.user_id ORDER BY e.event_time, LIST_POSITION(steps, e.event_type)
        ) AS position
    FROM sqlscore.events AS e
    WHERE LIST_CONTAINS(steps, e.event_type)
),
-- The latest start from which each event completes the first steps: for whatever follows, no earlier start is better.
levels AS (
    SELECT
        1 AS step,
        s.user_id,
        s.event_time,
        s.event_type,
        s.position,
        CASE WHEN s.event_type = steps[1] THEN s.event_time END AS start_time
    FROM step_events AS s
    UNION ALL
    SELECT
        l.step + 1,
        l.user_id,
        l.event_time,
        l.event_type,
        l.position,
        CASE
            WHEN l.event_type = steps[l.step + 1]
                AND (within IS NULL OR l.event_time <= MAX(l.start_time) OVER before + CAST(within AS INTERVAL))
                THEN MAX(l.start_time) OVER before
        END
    FROM levels AS l
    WHERE l.step < ARRAY_LENGTH(steps)
    WINDOW before AS (PARTITION BY l.user_id ORDER BY l.position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),
users AS (
    SELECT
        l.step,
        l.user_id,
        MIN((EPOCH_US(l.event_time) - EPOCH_US(l.start_time)) / 1e6) AS seconds
    FROM levels AS l
    WHERE l.start_time IS NOT NULL
    GROUP BY l.step, l.user_id
),
reached AS (
    SELECT u.step, COUNT(*) AS n_users, MEDIAN(u.seconds) AS median_seconds
    FROM users AS u
    GROUP BY u.step
),
all_steps AS (
    SELECT
        CAST(i.step AS INTEGER) AS step,
        steps[i.step] AS action,
        COALESCE(r.n_users, 0) AS n_users,
        r.median_seconds
    FROM (SELECT UNNEST(RANGE(1, ARRAY_LENGTH(steps) + 1)) AS step) AS i
    LEFT JOIN reached AS r ON r.step = i.step
),
final AS (
    SELECT
        a.step,
        a.action,
        a.n_users,
        a.n_users / NULLIF(CAST(FIRST_VALUE(a.n_users) OVER in_order AS DOUBLE), 0) AS conversion,
        a.n_users / NULLIF(CAST(LAG(a.n_users) OVER in_order AS DOUBLE), 0) AS conversion_from_previous,
        LAG(a.n_users) OVER in_order - a.n_users AS dropped,
        a.median_seconds
    FROM all_steps AS a
    WINDOW in_order AS (ORDER BY a.step)
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.funnel IS
'How many users do the steps in order, other actions between them allowed, one row per step. Parameters: steps (a list of actions, [''view'', ''cart'', ''buy'']); within (7 days: the longest time from the first step to each later one; NULL: any). Columns: step (1, 2, ...); action; n_users (who got this far); conversion (their share of those who took the first step); conversion_from_previous; dropped (users lost since the previous step); median_seconds (from the first step, over each user''s quickest run). Months in within are the calendar''s.';
