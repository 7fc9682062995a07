CREATE OR REPLACE VIEW sqlscore.session_stats AS
SELECT
    s.n_sessions,
    s.n_users,
    s.sessions_per_user,
    s.mean_events,
    s.median_events,
    s.mean_duration_seconds,
    s.median_duration_seconds,
    s.p90_duration_seconds,
    s.single_event_share,
    s.median_seconds_to_return
FROM sqlscore.session_stats_with() AS s;

COMMENT ON VIEW sqlscore.session_stats IS 'Number, length and frequency of sessions: one row of statistics over all sessions (30 minutes of silence separate two).';
COMMENT ON COLUMN sqlscore.session_stats.n_sessions IS 'Number of sessions.';
COMMENT ON COLUMN sqlscore.session_stats.n_users IS 'Number of users.';
COMMENT ON COLUMN sqlscore.session_stats.sessions_per_user IS 'Sessions divided by users.';
COMMENT ON COLUMN sqlscore.session_stats.mean_events IS 'Mean number of events in a session.';
COMMENT ON COLUMN sqlscore.session_stats.median_events IS 'Median number of events in a session.';
COMMENT ON COLUMN sqlscore.session_stats.mean_duration_seconds IS 'Mean seconds from a session''s first event to its last.';
COMMENT ON COLUMN sqlscore.session_stats.median_duration_seconds IS 'Median seconds from a session''s first event to its last.';
COMMENT ON COLUMN sqlscore.session_stats.p90_duration_seconds IS 'Nine in ten sessions last no longer than this.';
COMMENT ON COLUMN sqlscore.session_stats.single_event_share IS 'Share of sessions that are one event: the bounce rate of web analytics.';
COMMENT ON COLUMN sqlscore.session_stats.median_seconds_to_return IS 'Median seconds from a session''s end to the same user''s next session, if there is one.';
