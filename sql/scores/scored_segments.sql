CREATE OR REPLACE VIEW sqlscore.scored_segments AS
SELECT * FROM sqlscore.scored_segments_with();

COMMENT ON VIEW sqlscore.scored_segments IS 'One row per user of scored_users with its segment: risk band x next action.';
COMMENT ON COLUMN sqlscore.scored_segments.user_id IS 'The user.';
COMMENT ON COLUMN sqlscore.scored_segments.risk_band IS 'Of active users by threshold: low (churn risk under 0.3), medium (0.3 to under 0.7), high (0.7 and over); lapsed if the user is not active; unknown if the model has no churn head.';
COMMENT ON COLUMN sqlscore.scored_segments.risk_decile IS 'By quantile: 1 (lowest churn risk) to 10 (highest) among the active users, equal risks in the same one; NULL if lapsed or unknown.';
COMMENT ON COLUMN sqlscore.scored_segments.next_action IS 'Most likely next action.';
COMMENT ON COLUMN sqlscore.scored_segments.churn_risk IS 'Calibrated probability of no event within the model''s horizon after as_of.';
COMMENT ON COLUMN sqlscore.scored_segments.next_action_probability IS 'Calibrated probability of the next action.';
COMMENT ON COLUMN sqlscore.scored_segments.seconds_to_next_action IS 'Predicted median of the seconds from the last event to the next, given that there is one.';
COMMENT ON COLUMN sqlscore.scored_segments.n_events IS 'Number of events that the scores rest on.';
COMMENT ON COLUMN sqlscore.scored_segments.last_event_time IS 'Time of the newest of these events, UTC.';
COMMENT ON COLUMN sqlscore.scored_segments.model IS 'The model that scored, name@version.';
COMMENT ON COLUMN sqlscore.scored_segments.as_of IS 'The moment at which the scores are valid, UTC: nothing later was seen.';
COMMENT ON COLUMN sqlscore.scored_segments.scored_at IS 'When the row was scored, UTC.';
COMMENT ON COLUMN sqlscore.scored_segments.days_silent IS 'Days from the last event to as_of.';
COMMENT ON COLUMN sqlscore.scored_segments.is_active IS 'Whether the user was seen within the model''s lookback before as_of; the others have lapsed, so they cannot churn any more. NULL if the model has no churn head.';
COMMENT ON COLUMN sqlscore.scored_segments.days_to_next_action IS 'seconds_to_next_action in days.';
