CREATE OR REPLACE VIEW sqlscore.judged_past_scores AS
WITH
high_water AS (
    SELECT h.high_water FROM sqlscore.high_water AS h
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
    CROSS JOIN high_water AS h
)
SELECT * FROM final;

COMMENT ON VIEW sqlscore.judged_past_scores IS 'The past scores beside the actual outcomes, one row per user, moment and model; outcomes are NULL until they are known.';
COMMENT ON COLUMN sqlscore.judged_past_scores.user_id IS 'The user.';
COMMENT ON COLUMN sqlscore.judged_past_scores.as_of IS 'The moment at which the scores were valid, UTC.';
COMMENT ON COLUMN sqlscore.judged_past_scores.model IS 'The model that scored.';
COMMENT ON COLUMN sqlscore.judged_past_scores.n_events IS 'Number of events that the scores rest on.';
COMMENT ON COLUMN sqlscore.judged_past_scores.last_event_time IS 'Time of the newest of these events, UTC.';
COMMENT ON COLUMN sqlscore.judged_past_scores.last_action IS 'Action of the newest of these events.';
COMMENT ON COLUMN sqlscore.judged_past_scores.next_action IS 'The predicted next action.';
COMMENT ON COLUMN sqlscore.judged_past_scores.next_action_probability IS 'Its stated probability.';
COMMENT ON COLUMN sqlscore.judged_past_scores.listed_actions IS 'The three likeliest next actions, best first.';
COMMENT ON COLUMN sqlscore.judged_past_scores.markov_action IS 'Baseline: the action that had most often followed last_action.';
COMMENT ON COLUMN sqlscore.judged_past_scores.majority_action IS 'Baseline: the action that had most often followed any action.';
COMMENT ON COLUMN sqlscore.judged_past_scores.churn_risk IS 'Stated probability of no event within the horizon.';
COMMENT ON COLUMN sqlscore.judged_past_scores.horizon_seconds IS 'The horizon by which the risk is judged.';
COMMENT ON COLUMN sqlscore.judged_past_scores.lookback_seconds IS 'Only users seen within these seconds are judged for churn; NULL: all users.';
COMMENT ON COLUMN sqlscore.judged_past_scores.trained_after IS 'The model was trained on events later than as_of, so its quality here is not that of a forecast.';
COMMENT ON COLUMN sqlscore.judged_past_scores.scored_at IS 'When the score was written, UTC.';
COMMENT ON COLUMN sqlscore.judged_past_scores.next_event_time IS 'Time of the first event after as_of, UTC; NULL: none yet.';
COMMENT ON COLUMN sqlscore.judged_past_scores.actual_action IS 'Action of that event; if several have the same time, the first by the mapping''s order, else by event_type.';
COMMENT ON COLUMN sqlscore.judged_past_scores.is_right IS 'The predicted action was the actual one; NULL: no event yet.';
COMMENT ON COLUMN sqlscore.judged_past_scores.churned IS 'No event in (as_of, as_of + horizon]; NULL if censored, without a risk, or not seen within the lookback.';
COMMENT ON COLUMN sqlscore.judged_past_scores.censored IS 'The horizon ends after the newest event, so the label is not known yet.';
