CREATE OR REPLACE VIEW sqlscore.session_events AS
SELECT * FROM sqlscore.session_events_with();

COMMENT ON VIEW sqlscore.session_events IS 'One row per event with its session: a silence longer than 30 minutes begins a new one.';
COMMENT ON COLUMN sqlscore.session_events.user_id IS 'The user.';
COMMENT ON COLUMN sqlscore.session_events.session_id IS 'Which of the user''s sessions: 1, 2, ... in time order.';
COMMENT ON COLUMN sqlscore.session_events.event_time IS 'When, UTC.';
COMMENT ON COLUMN sqlscore.session_events.event_type IS 'The action.';
COMMENT ON COLUMN sqlscore.session_events.is_first IS 'The first event of its session; ties in time by the mapping''s order, else by event_type.';
COMMENT ON COLUMN sqlscore.session_events.is_last IS 'The last event of its session; ties in time by the mapping''s order, else by event_type.';
COMMENT ON COLUMN sqlscore.session_events.seconds_since_previous IS 'Seconds since the user''s previous event in any session; NULL for the first.';
COMMENT ON COLUMN sqlscore.session_events.event IS 'The whole event as a struct: list(event) is what the list functions take.';
