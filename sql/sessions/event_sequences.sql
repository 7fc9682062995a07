CREATE OR REPLACE VIEW sqlscore.event_sequences AS
-- After the canonical columns the struct has the mapped features in their order: comparing it breaks the last ties.
SELECT
    sqlscore_event.user_id,
    COUNT(*) AS n_events,
    MIN(sqlscore_event.event_time) AS first_event_time,
    MAX(sqlscore_event.event_time) AS last_event_time,
    LIST(sqlscore_event ORDER BY sqlscore_event.event_time, sqlscore_event.event_type, sqlscore_event) AS events
FROM sqlscore.events AS sqlscore_event
GROUP BY sqlscore_event.user_id;

COMMENT ON VIEW sqlscore.event_sequences IS 'One row per user: all events as one list, in time order.';
COMMENT ON COLUMN sqlscore.event_sequences.user_id IS 'The user.';
COMMENT ON COLUMN sqlscore.event_sequences.n_events IS 'Number of events in the list.';
COMMENT ON COLUMN sqlscore.event_sequences.first_event_time IS 'Time of the first event, UTC.';
COMMENT ON COLUMN sqlscore.event_sequences.last_event_time IS 'Time of the last event, UTC.';
COMMENT ON COLUMN sqlscore.event_sequences.events IS 'Events as structs in time order; ties by the mapping''s order, then by event_type (binary order), then by the other mapped columns. The list functions take it as it is.';
