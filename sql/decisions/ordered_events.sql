CREATE OR REPLACE VIEW sqlscore.ordered_events AS
SELECT
    e.user_id,
    e.event_time,
    e.event_type,
    LAG(e.event_time) OVER in_order AS previous_time,
    LAG(e.event_type) OVER in_order AS previous_action,
    ROW_NUMBER() OVER in_order AS place
FROM sqlscore.events AS e
WINDOW in_order AS (PARTITION BY e.user_id ORDER BY e.event_time, e.event_type);

COMMENT ON VIEW sqlscore.ordered_events IS 'One row per event with its place among the user''s events and the one right before it.';
COMMENT ON COLUMN sqlscore.ordered_events.user_id IS 'The user.';
COMMENT ON COLUMN sqlscore.ordered_events.event_time IS 'When, UTC.';
COMMENT ON COLUMN sqlscore.ordered_events.event_type IS 'The action.';
COMMENT ON COLUMN sqlscore.ordered_events.previous_time IS 'Time of the event before it, UTC; NULL for the first. Ties in time by the mapping''s order, else by event_type.';
COMMENT ON COLUMN sqlscore.ordered_events.previous_action IS 'The action of that event.';
COMMENT ON COLUMN sqlscore.ordered_events.place IS 'Which of the user''s events: 1, 2, ... in that order.';
