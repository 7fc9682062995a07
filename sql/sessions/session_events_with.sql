CREATE OR REPLACE MACRO sqlscore.session_events_with(gap := INTERVAL 30 MINUTE) AS TABLE
WITH
-- The alias stands for the whole row, so it must not be the name of a user's column.
events_with_neighbours AS (
    SELECT
        sqlscore_event.user_id,
        sqlscore_event.event_time,
        sqlscore_event.event_type,
        sqlscore_event AS event,
        LAG(sqlscore_event.event_time) OVER in_order AS previous_time,
        LEAD(sqlscore_event.event_time) OVER in_order AS next_time
    FROM sqlscore.events AS sqlscore_event
    WHERE CASE
        WHEN CAST(gap AS INTERVAL) >= INTERVAL 0 DAY THEN TRUE
        ELSE ERROR('gap must be a span of time, such as INTERVAL 30 MINUTE')
    END
    WINDOW in_order AS (
        PARTITION BY sqlscore_event.user_id ORDER BY sqlscore_event.event_time, sqlscore_event.event_type
    )
),
-- A silence longer than the gap separates two sessions; a silence of exactly the gap does not.
marked_events AS (
    SELECT
        n.*,
        COALESCE(n.event_time > n.previous_time + CAST(gap AS INTERVAL), TRUE) AS is_first,
        COALESCE(n.next_time > n.event_time + CAST(gap AS INTERVAL), TRUE) AS is_last
    FROM events_with_neighbours AS n
),
-- RANGE treats all events of the same time alike, so the order in which a second sort returns them does not matter.
final AS (
    SELECT
        m.user_id,
        CAST(SUM(CASE WHEN m.is_first THEN 1 ELSE 0 END) OVER (
            PARTITION BY m.user_id ORDER BY m.event_time
            RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS BIGINT) AS session_id,
        m.event_time,
        m.event_type,
        m.is_first,
        m.is_last,
        (EPOCH_US(m.event_time) - EPOCH_US(m.previous_time)) / 1e6 AS seconds_since_previous,
        m.event
    FROM marked_events AS m
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.session_events_with IS
'One row per event with its session. Parameter gap: the longest silence within a session (30 minutes). Columns: user_id; session_id (1, 2, ... per user in time order); event_time; event_type; is_first, is_last (first or last event of its session, ties in time by the mapping''s order, else by event_type); seconds_since_previous (since the previous event of the user, NULL for the first); event (the whole event as a struct, for the list functions). Months in gap are the calendar''s.';
