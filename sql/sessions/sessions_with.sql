CREATE OR REPLACE MACRO sqlscore.sessions_with(gap := INTERVAL 30 MINUTE) AS TABLE
WITH
session_events AS (
    SELECT * FROM sqlscore.session_events_with(gap := gap)
),
sessions AS (
    SELECT
        s.user_id,
        s.session_id,
        MIN(s.event_time) AS session_start,
        MAX(s.event_time) AS session_end,
        COUNT(*) AS n_events,
        MAX(s.event_type) FILTER (WHERE s.is_first) AS first_action,
        MAX(s.event_type) FILTER (WHERE s.is_last) AS last_action
    FROM session_events AS s
    GROUP BY s.user_id, s.session_id
),
final AS (
    SELECT
        s.user_id,
        s.session_id,
        s.session_start,
        s.session_end,
        (EPOCH_US(s.session_end) - EPOCH_US(s.session_start)) / 1e6 AS duration_seconds,
        s.n_events,
        s.first_action,
        s.last_action,
        s.n_events = 1 AS is_single_event
    FROM sessions AS s
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.sessions_with IS
'One row per session. Parameter gap: the longest silence within a session (30 minutes). Columns: user_id; session_id (1, 2, ... per user in time order); session_start, session_end (times of the first and last event, UTC); duration_seconds; n_events; first_action, last_action (ties in time by the mapping''s order, else by event_type); is_single_event (the session is one event: a bounce in the sense of web analytics). Months in gap are the calendar''s.';
