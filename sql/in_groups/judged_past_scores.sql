CREATE OR REPLACE VIEW sqlscore.judged_past_scores AS
WITH
moments AS (
    SELECT DISTINCT p.user_id, p.as_of FROM sqlscore.past_scores AS p
),
-- The newest event of any group that the user had events of by then.
high_water AS (
    SELECT m.user_id, m.as_of, MAX(e.group_high_water) AS high_water
    FROM moments AS m
    INNER JOIN sqlscore.events AS e ON e.user_id = m.user_id AND e.event_time <= m.as_of
    GROUP BY m.user_id, m.as_of
),
-- If several events have the same time, the next action is the first by the mapping's order, else by event_type.
instants AS (
    SELECT e.user_id, e.event_time, FIRST(e.event_type ORDER BY e.event_time, e.event_type) AS event_type
    FROM sqlscore.events AS e
    SEMI JOIN sqlscore.past_scores AS p USING (user_id)
    GROUP BY e.user_id, e.event_time
),
outcomes AS (
    SELECT
        p.*,
        i.event_time AS next_event_time,
        i.event_type AS actual_action
    FROM sqlscore.past_scores AS p
    ASOF LEFT JOIN instants AS i ON i.user_id = p.user_id AND p.as_of < i.event_time
),
judged AS (
    SELECT
        o.*,
        o.churn_risk IS NOT NULL
        AND COALESCE(o.last_event_time > o.as_of - TO_MICROSECONDS(CAST(o.lookback_seconds * 1e6 AS BIGINT)), TRUE) AS is_at_risk,
        o.as_of + TO_MICROSECONDS(CAST(o.horizon_seconds * 1e6 AS BIGINT)) AS label_time
    FROM outcomes AS o
),
final AS (
    SELECT
        j.* EXCLUDE (is_at_risk, label_time),
        j.actual_action = j.next_action AS is_right,
        -- Users who came back early are known before the others; churn would look rare if they were counted alone.
        CASE
            WHEN j.is_at_risk AND j.label_time <= h.high_water
                THEN j.next_event_time IS NULL OR j.next_event_time > j.label_time
        END AS churned,
        j.is_at_risk AND j.label_time > h.high_water AS censored
    FROM judged AS j
    LEFT JOIN high_water AS h ON h.user_id = j.user_id AND h.as_of = j.as_of
)
SELECT * FROM final;
