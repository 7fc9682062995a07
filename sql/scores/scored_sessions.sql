CREATE OR REPLACE VIEW sqlscore.scored_sessions AS
SELECT
    s.*,
    MAKE_TIMESTAMP(EPOCH_US(NOW())) AS scored_at
FROM sqlscore.live_scored_sessions AS s;

COMMENT ON VIEW sqlscore.scored_sessions IS 'One row per session (30 minutes of silence separate two), scored from its own events alone as of its end, by the champion; until the first refresh a view over live_scored_sessions, from then on a table.';
COMMENT ON COLUMN sqlscore.scored_sessions.user_id IS 'The user.';
COMMENT ON COLUMN sqlscore.scored_sessions.session_id IS 'Which of the user''s sessions: 1, 2, ... in time order.';
COMMENT ON COLUMN sqlscore.scored_sessions.session_start IS 'Time of the session''s first event, UTC.';
COMMENT ON COLUMN sqlscore.scored_sessions.session_end IS 'Time of the session''s last event, UTC.';
COMMENT ON COLUMN sqlscore.scored_sessions.n_events IS 'Number of events that the scores rest on.';
COMMENT ON COLUMN sqlscore.scored_sessions.last_event_time IS 'Time of the newest of these events, UTC.';
COMMENT ON COLUMN sqlscore.scored_sessions.next_action IS 'Most likely next action.';
COMMENT ON COLUMN sqlscore.scored_sessions.next_action_probability IS 'Calibrated probability of that action.';
COMMENT ON COLUMN sqlscore.scored_sessions.next_actions IS 'The likeliest next actions with their probabilities, best first.';
COMMENT ON COLUMN sqlscore.scored_sessions.seconds_to_next_action IS 'Predicted median of the seconds from the last event to the next, given that there is one.';
COMMENT ON COLUMN sqlscore.scored_sessions.churn_risk IS 'Calibrated probability of no event within the model''s horizon after as_of; NULL if the model has no churn head.';
COMMENT ON COLUMN sqlscore.scored_sessions.unknown_action_rate IS 'Share of the events whose action the model never saw in training.';
COMMENT ON COLUMN sqlscore.scored_sessions.model IS 'The model that scored, name@version.';
COMMENT ON COLUMN sqlscore.scored_sessions.as_of IS 'The session''s end: nothing later was seen.';
COMMENT ON COLUMN sqlscore.scored_sessions.scored_at IS 'When the row was scored, UTC.';
