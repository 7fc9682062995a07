CREATE OR REPLACE VIEW sqlscore.sessions AS
SELECT * FROM sqlscore.sessions_with();

COMMENT ON VIEW sqlscore.sessions IS 'One row per session: a user''s events without a silence longer than 30 minutes.';
COMMENT ON COLUMN sqlscore.sessions.user_id IS 'The user.';
COMMENT ON COLUMN sqlscore.sessions.session_id IS 'Which of the user''s sessions: 1, 2, ... in time order.';
COMMENT ON COLUMN sqlscore.sessions.session_start IS 'Time of the first event, UTC.';
COMMENT ON COLUMN sqlscore.sessions.session_end IS 'Time of the last event, UTC.';
COMMENT ON COLUMN sqlscore.sessions.duration_seconds IS 'Seconds from the first event to the last; 0 if there is one event.';
COMMENT ON COLUMN sqlscore.sessions.n_events IS 'Number of events.';
COMMENT ON COLUMN sqlscore.sessions.first_action IS 'The action that began the session; ties in time by the mapping''s order, else by event_type.';
COMMENT ON COLUMN sqlscore.sessions.last_action IS 'The action that ended the session; ties in time by the mapping''s order, else by event_type.';
COMMENT ON COLUMN sqlscore.sessions.is_single_event IS 'The session is one event: a bounce in the sense of web analytics.';
