-- Setup: exactly 30 minutes of silence stay one session, more begin a new one; ties in time go by event_type.
CREATE TABLE clicks AS
SELECT * FROM (VALUES
    ('a', TIMESTAMP '2024-01-01 10:00:00', 'view'),
    ('a', TIMESTAMP '2024-01-01 10:30:00', 'cart'),
    ('a', TIMESTAMP '2024-01-01 11:00:00.000001', 'view'),
    ('b', TIMESTAMP '2024-01-01 10:00:00', 'view'),
    ('b', TIMESTAMP '2024-01-01 10:00:00', 'Buy'),
    ('b', TIMESTAMP '2024-01-01 10:00:00', 'cart'),
    ('c', TIMESTAMP '1969-12-31 23:50:00', 'view'),
    ('c', TIMESTAMP '1970-01-01 00:10:00', 'buy'),
    ('é', TIMESTAMP '1900-12-31 23:59:59', 'ende'),
    (NULL, TIMESTAMP '2024-01-01 10:00:00', 'view'),
    ('a', NULL, 'view'),
    ('a', TIMESTAMP '2024-01-01 10:10:00', NULL)
) AS t (user_id, event_time, event_type);

SELECT user_id, session_id, session_start, session_end, duration_seconds, n_events, first_action, last_action, is_single_event
FROM sqlscore.sessions;
VALUES
    ('a', 1, TIMESTAMP '2024-01-01 10:00:00', TIMESTAMP '2024-01-01 10:30:00', 1800.0, 2, 'view', 'cart', FALSE),
    ('a', 2, TIMESTAMP '2024-01-01 11:00:00.000001', TIMESTAMP '2024-01-01 11:00:00.000001', 0.0, 1, 'view', 'view', TRUE),
    ('b', 1, TIMESTAMP '2024-01-01 10:00:00', TIMESTAMP '2024-01-01 10:00:00', 0.0, 3, 'Buy', 'view', FALSE),
    ('c', 1, TIMESTAMP '1969-12-31 23:50:00', TIMESTAMP '1970-01-01 00:10:00', 1200.0, 2, 'view', 'buy', FALSE),
    ('é', 1, TIMESTAMP '1900-12-31 23:59:59', TIMESTAMP '1900-12-31 23:59:59', 0.0, 1, 'ende', 'ende', TRUE);

SELECT user_id, session_id, n_events FROM sqlscore.sessions_with(gap := INTERVAL 10 MINUTE) WHERE user_id = 'a';
VALUES ('a', 1, 1), ('a', 2, 1), ('a', 3, 1);

SELECT user_id, session_id, n_events FROM sqlscore.sessions_with(gap := '1 hour') WHERE user_id = 'a';
VALUES ('a', 1, 3);

SELECT session_id, event_type, is_first, is_last, seconds_since_previous, event.event_type
FROM sqlscore.session_events WHERE user_id = 'a';
VALUES
    (1, 'view', TRUE, FALSE, NULL, 'view'),
    (1, 'cart', FALSE, TRUE, 1800.0, 'cart'),
    (2, 'view', TRUE, TRUE, 1800.000001, 'view');

SELECT event_type, is_first, is_last FROM sqlscore.session_events WHERE user_id = 'b';
VALUES ('Buy', TRUE, FALSE), ('cart', FALSE, FALSE), ('view', FALSE, TRUE);

SELECT n_sessions, n_users, sessions_per_user, mean_events, median_events, mean_duration_seconds,
    median_duration_seconds, round(p90_duration_seconds, 6), single_event_share, median_seconds_to_return
FROM sqlscore.session_stats;
VALUES (5, 4, 1.25, 1.8, 2.0, 600.0, 0.0, 1560.0, 0.4, 1800.000001);

SELECT period_start, n_sessions, n_users, mean_events
FROM sqlscore.session_stats_with(period := 'month', gap := INTERVAL 1 HOUR);
VALUES
    (TIMESTAMP '2024-01-01', 2, 2, 3.0),
    (TIMESTAMP '1969-12-01', 1, 1, 2.0),
    (TIMESTAMP '1900-12-01', 1, 1, 1.0);

SELECT user_id, n_events, first_event_time, last_event_time, list_transform(events, lambda e: e.event_type)
FROM sqlscore.event_sequences WHERE user_id IN ('a', 'b');
VALUES
    ('a', 3, TIMESTAMP '2024-01-01 10:00:00', TIMESTAMP '2024-01-01 11:00:00.000001', ['view', 'cart', 'view']),
    ('b', 3, TIMESTAMP '2024-01-01 10:00:00', TIMESTAMP '2024-01-01 10:00:00', ['Buy', 'cart', 'view']);
