CREATE OR REPLACE VIEW sqlscore.past_scores AS
-- Nothing is kept yet: the first backtest, or the first refresh that keeps history, replaces this view by a table.
-- Events have users, so that no row is read; where no events are mapped, an error is raised.
SELECT
    e.user_id,
    CAST(NULL AS TIMESTAMP) AS as_of,
    CAST(NULL AS VARCHAR) AS model,
    CAST(NULL AS BIGINT) AS n_events,
    CAST(NULL AS TIMESTAMP) AS last_event_time,
    CAST(NULL AS VARCHAR) AS last_action,
    CAST(NULL AS VARCHAR) AS next_action,
    CAST(NULL AS FLOAT) AS next_action_probability,
    CAST(NULL AS VARCHAR[]) AS listed_actions,
    CAST(NULL AS VARCHAR) AS markov_action,
    CAST(NULL AS VARCHAR) AS majority_action,
    CAST(NULL AS FLOAT) AS churn_risk,
    CAST(NULL AS DOUBLE) AS horizon_seconds,
    CAST(NULL AS DOUBLE) AS lookback_seconds,
    CAST(NULL AS BOOLEAN) AS trained_after,
    CAST(NULL AS TIMESTAMP) AS scored_at
FROM sqlscore.events AS e
WHERE e.user_id IS NULL;

COMMENT ON VIEW sqlscore.past_scores IS 'Scores of past moments, one row per user, moment and model: empty until sqlscore backtest or refresh --keep-history, then a table.';
COMMENT ON COLUMN sqlscore.past_scores.user_id IS 'The user.';
COMMENT ON COLUMN sqlscore.past_scores.as_of IS 'The moment at which the scores were valid, UTC: nothing later was seen.';
COMMENT ON COLUMN sqlscore.past_scores.model IS 'The model that scored, name@version, or the architecture that a backtest trained at that moment.';
COMMENT ON COLUMN sqlscore.past_scores.n_events IS 'Number of events that the scores rest on.';
COMMENT ON COLUMN sqlscore.past_scores.last_event_time IS 'Time of the newest of these events, UTC.';
COMMENT ON COLUMN sqlscore.past_scores.last_action IS 'Action of the newest of these events.';
COMMENT ON COLUMN sqlscore.past_scores.next_action IS 'The predicted next action.';
COMMENT ON COLUMN sqlscore.past_scores.next_action_probability IS 'Its stated probability.';
COMMENT ON COLUMN sqlscore.past_scores.listed_actions IS 'The three likeliest next actions, best first.';
COMMENT ON COLUMN sqlscore.past_scores.markov_action IS 'Baseline: the action that had most often followed last_action up to as_of.';
COMMENT ON COLUMN sqlscore.past_scores.majority_action IS 'Baseline: the action that had most often followed any action up to as_of.';
COMMENT ON COLUMN sqlscore.past_scores.churn_risk IS 'Stated probability of no event within the horizon; NULL if the model had no churn head.';
COMMENT ON COLUMN sqlscore.past_scores.horizon_seconds IS 'The horizon by which the risk is judged.';
COMMENT ON COLUMN sqlscore.past_scores.lookback_seconds IS 'Only users seen within these seconds are judged for churn; NULL: all users.';
COMMENT ON COLUMN sqlscore.past_scores.trained_after IS 'The model was trained on events later than as_of, so its quality here is not that of a forecast.';
COMMENT ON COLUMN sqlscore.past_scores.scored_at IS 'When the row was written, UTC.';
