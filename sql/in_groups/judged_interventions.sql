CREATE OR REPLACE VIEW sqlscore.judged_interventions AS
WITH
-- By intention to treat: the first assignment of a user counts, whatever was sent, and whatever came later.
first_assignments AS (
    SELECT i.*, ROW_NUMBER() OVER (PARTITION BY i.user_id, i.which ORDER BY i.assigned_at, i.variant) AS turn
    FROM sqlscore.interventions AS i
),
assigned AS (
    SELECT
        f.* EXCLUDE (turn),
        f.assigned_at + TO_MICROSECONDS(CAST(f.horizon_seconds * 1e6 AS BIGINT)) AS label_time
    FROM first_assignments AS f
    WHERE f.turn = 1
),
-- The newest event of any group that the user had events of by then.
high_water AS (
    SELECT a.user_id, a.which, MAX(e.group_high_water) AS high_water
    FROM assigned AS a
    INNER JOIN sqlscore.events AS e ON e.user_id = a.user_id AND e.event_time <= a.assigned_at
    GROUP BY a.user_id, a.which
),
instants AS (
    SELECT DISTINCT e.user_id, e.event_time
    FROM sqlscore.events AS e
    SEMI JOIN sqlscore.interventions AS a USING (user_id)
),
outcomes AS (
    SELECT a.*, i.event_time AS next_event_time
    FROM assigned AS a
    ASOF LEFT JOIN instants AS i ON i.user_id = a.user_id AND a.assigned_at < i.event_time
),
final AS (
    SELECT
        o.* EXCLUDE (label_time, next_event_time),
        -- Users who came back early are known before the others; churn would look rare if they were counted alone.
        CASE
            WHEN o.label_time <= h.high_water THEN o.next_event_time IS NULL OR o.next_event_time > o.label_time
        END AS churned,
        COALESCE(o.label_time > h.high_water, TRUE) AS censored
    FROM outcomes AS o
    LEFT JOIN high_water AS h ON h.user_id = o.user_id AND h.which = o.which
)
SELECT * FROM final;
