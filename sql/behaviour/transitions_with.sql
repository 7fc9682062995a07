CREATE OR REPLACE MACRO sqlscore.transitions_with(within := NULL) AS TABLE
WITH
events AS (
    SELECT
        e.event_type AS action,
        LEAD(e.event_type) OVER in_order AS next_action,
        (EPOCH_US(LEAD(e.event_time) OVER in_order) - EPOCH_US(e.event_time)) / 1e6 AS seconds,
        within IS NULL OR LEAD(e.event_time) OVER in_order <= e.event_time + CAST(within AS INTERVAL) AS is_within
    FROM sqlscore.events AS e
    WINDOW in_order AS (PARTITION BY e.user_id ORDER BY e.event_time, e.event_type)
),
pairs AS (
    SELECT
        e.action,
        e.next_action,
        COUNT(*) AS n_transitions,
        MEDIAN(e.seconds) AS median_seconds
    FROM events AS e
    WHERE e.next_action IS NOT NULL AND e.is_within
    GROUP BY e.action, e.next_action
),
totals AS (
    SELECT
        p.*,
        SUM(p.n_transitions) OVER (PARTITION BY p.action) AS n_from,
        SUM(p.n_transitions) OVER (PARTITION BY p.next_action) AS n_to,
        SUM(p.n_transitions) OVER () AS n_all
    FROM pairs AS p
),
final AS (
    SELECT
        t.action,
        t.next_action,
        t.n_transitions,
        CAST(t.n_transitions AS DOUBLE) / t.n_from AS probability,
        CAST(t.n_transitions AS DOUBLE) * t.n_all / (CAST(t.n_from AS DOUBLE) * t.n_to) AS lift,
        t.median_seconds
    FROM totals AS t
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.transitions_with IS
'One row per pair of actions that follow each other in a user''s events. Parameter within: the longest time between the two (NULL: any). Columns: action; next_action; n_transitions; probability (of next_action after action, given that something follows); lift (that probability over the share of next_action among all that follow: above 1 if the pair is more frequent than by chance); median_seconds (between the two). Months in within are the calendar''s.';
