CREATE OR REPLACE VIEW sqlscore.judged_interventions AS
WITH
high_water AS (
    SELECT h.high_water FROM sqlscore.high_water AS h
),
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
        o.label_time > h.high_water AS censored
    FROM outcomes AS o
    CROSS JOIN high_water AS h
)
SELECT * FROM final;

COMMENT ON VIEW sqlscore.judged_interventions IS 'The first assignment of each user to each intervention with what came of it, one row per user and intervention; outcomes are NULL until they are known.';
COMMENT ON COLUMN sqlscore.judged_interventions.user_id IS 'The user.';
COMMENT ON COLUMN sqlscore.judged_interventions.which IS 'What the user was assigned to.';
COMMENT ON COLUMN sqlscore.judged_interventions.variant IS 'treated, or held out.';
COMMENT ON COLUMN sqlscore.judged_interventions.assigned_at IS 'From when outcomes count, UTC.';
COMMENT ON COLUMN sqlscore.judged_interventions.probability IS 'The probability with which the user was to be treated.';
COMMENT ON COLUMN sqlscore.judged_interventions.seed IS 'The seed of the assignment.';
COMMENT ON COLUMN sqlscore.judged_interventions.risk_before IS 'The churn risk then.';
COMMENT ON COLUMN sqlscore.judged_interventions.driver IS 'The driver then.';
COMMENT ON COLUMN sqlscore.judged_interventions.horizon_seconds IS 'Within this many seconds a user who stays comes back.';
COMMENT ON COLUMN sqlscore.judged_interventions.model IS 'The model of the risk, name@version.';
COMMENT ON COLUMN sqlscore.judged_interventions.noted_at IS 'When the row was written, UTC.';
COMMENT ON COLUMN sqlscore.judged_interventions.churned IS 'No event in (assigned_at, assigned_at + horizon]; NULL while that is not over.';
COMMENT ON COLUMN sqlscore.judged_interventions.censored IS 'The horizon ends after the newest event, so the outcome is not known yet.';
