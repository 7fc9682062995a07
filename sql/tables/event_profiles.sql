CREATE TABLE IF NOT EXISTS sqlscore.event_profiles (
    mapping VARCHAR NOT NULL,
    verb VARCHAR NOT NULL,
    taken_at TIMESTAMP,
    n_rows BIGINT,
    n_events BIGINT,
    first_time TIMESTAMP,
    newest_time TIMESTAMP,
    n_no_user BIGINT,
    n_no_time BIGINT,
    n_infinite BIGINT,
    n_no_action BIGINT,
    n_after_cap BIGINT,
    n_future BIGINT,
    newest_future TIMESTAMP,
    n_far_past BIGINT,
    n_missing JSON,
    n_users BIGINT,
    largest_user_share DOUBLE,
    model VARCHAR,
    n_unknown BIGINT,
    unknown_share_of_new DOUBLE,
    findings JSON
);

COMMENT ON TABLE sqlscore.event_profiles IS 'What was counted in the events at mapping and at the last refresh or dbt build: the next one is compared with both.';
COMMENT ON COLUMN sqlscore.event_profiles.mapping IS 'The mapping.';
COMMENT ON COLUMN sqlscore.event_profiles.verb IS 'When it was counted: map_events, refresh, dbt build or accepted.';
COMMENT ON COLUMN sqlscore.event_profiles.taken_at IS 'When that was, UTC.';
COMMENT ON COLUMN sqlscore.event_profiles.n_rows IS 'Number of rows.';
COMMENT ON COLUMN sqlscore.event_profiles.n_events IS 'Number of usable events.';
COMMENT ON COLUMN sqlscore.event_profiles.first_time IS 'Time of the first usable event, UTC.';
COMMENT ON COLUMN sqlscore.event_profiles.newest_time IS 'Time of the newest usable event, UTC.';
COMMENT ON COLUMN sqlscore.event_profiles.n_no_user IS 'Rows without a user.';
COMMENT ON COLUMN sqlscore.event_profiles.n_no_time IS 'Rows without a time.';
COMMENT ON COLUMN sqlscore.event_profiles.n_infinite IS 'Rows with an infinite time.';
COMMENT ON COLUMN sqlscore.event_profiles.n_no_action IS 'Rows without an action.';
COMMENT ON COLUMN sqlscore.event_profiles.n_after_cap IS 'Rows past the time cap.';
COMMENT ON COLUMN sqlscore.event_profiles.n_future IS 'Rows with a time later than taken_at, if there is no time cap.';
COMMENT ON COLUMN sqlscore.event_profiles.newest_future IS 'The newest of these times.';
COMMENT ON COLUMN sqlscore.event_profiles.n_far_past IS 'Events from before 1990, or from 20 years before the 1 % quantile of the times.';
COMMENT ON COLUMN sqlscore.event_profiles.n_missing IS 'Number of rows without a value, for each feature.';
COMMENT ON COLUMN sqlscore.event_profiles.n_users IS 'Number of users with a usable event.';
COMMENT ON COLUMN sqlscore.event_profiles.largest_user_share IS 'Share of the events that belong to the user with the most.';
COMMENT ON COLUMN sqlscore.event_profiles.model IS 'The champion that scored; NULL at mapping.';
COMMENT ON COLUMN sqlscore.event_profiles.n_unknown IS 'Events whose action it does not know; NULL at mapping.';
COMMENT ON COLUMN sqlscore.event_profiles.unknown_share_of_new IS 'Their share among the events since the refresh before; NULL if not known.';
COMMENT ON COLUMN sqlscore.event_profiles.findings IS 'What the guards found: name, outcome, what was found, and what mends it.';
