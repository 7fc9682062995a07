CREATE OR REPLACE VIEW sqlscore.scored_users AS
SELECT
    s.* EXCLUDE (days_silent, is_active, days_to_next_action),
    MAKE_TIMESTAMP(EPOCH_US(NOW())) AS scored_at,
    s.days_silent,
    s.is_active,
    s.days_to_next_action
FROM sqlscore.live_scored_users AS s;

COMMENT ON VIEW sqlscore.scored_users IS 'One row per user, scored by the champion; until the first refresh a view over live_scored_users, from then on a table.';
COMMENT ON COLUMN sqlscore.scored_users.user_id IS 'The user.';
COMMENT ON COLUMN sqlscore.scored_users.n_events IS 'Number of events that the scores rest on.';
COMMENT ON COLUMN sqlscore.scored_users.last_event_time IS 'Time of the newest of these events, UTC.';
COMMENT ON COLUMN sqlscore.scored_users.next_action IS 'Most likely next action.';
COMMENT ON COLUMN sqlscore.scored_users.next_action_probability IS 'Calibrated probability of that action.';
COMMENT ON COLUMN sqlscore.scored_users.next_actions IS 'The likeliest next actions with their probabilities, best first.';
COMMENT ON COLUMN sqlscore.scored_users.seconds_to_next_action IS 'Predicted median of the seconds from the last event to the next, given that there is one.';
COMMENT ON COLUMN sqlscore.scored_users.churn_risk IS 'Calibrated probability of no event within the model''s horizon after as_of; NULL if the model has no churn head.';
COMMENT ON COLUMN sqlscore.scored_users.unknown_action_rate IS 'Share of the events whose action the model never saw in training.';
COMMENT ON COLUMN sqlscore.scored_users.model IS 'The model that scored, name@version.';
COMMENT ON COLUMN sqlscore.scored_users.as_of IS 'The moment at which the scores are valid, UTC: nothing later was seen.';
COMMENT ON COLUMN sqlscore.scored_users.scored_at IS 'When the row was scored, UTC.';
COMMENT ON COLUMN sqlscore.scored_users.days_silent IS 'Days from the last event to as_of.';
COMMENT ON COLUMN sqlscore.scored_users.is_active IS 'Whether the user was seen within the model''s lookback before as_of; the others have lapsed, so they cannot churn any more. NULL if the model has no churn head.';
COMMENT ON COLUMN sqlscore.scored_users.days_to_next_action IS 'seconds_to_next_action in days.';
