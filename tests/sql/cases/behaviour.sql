-- Setup: four users over two months of 2024; 1 January and 29 January are Mondays. The high-water mark is 13 February.
CREATE TABLE clicks AS
SELECT user_id, CAST(event_time AS TIMESTAMP) AS event_time, event_type, price
FROM (VALUES
    ('a', '2024-01-01 10:00', 'view', NULL), ('a', '2024-01-01 10:01', 'cart', NULL), ('a', '2024-01-01 10:03', 'buy', 5),
    ('a', '2024-02-12 10:00', 'view', NULL),
    ('b', '2024-01-02 10:00', 'view', NULL), ('b', '2024-01-02 10:10', 'view', NULL), ('b', '2024-01-10 10:00', 'cart', NULL),
    ('c', '2024-01-08 00:00', 'buy', 7), ('c', '2024-01-08 00:00', 'cart', NULL), ('c', '2024-01-08 00:00', 'view', NULL),
    ('d', '2024-02-13 00:00', 'view', NULL)
) AS t (user_id, event_time, event_type, price);

SELECT action, next_action, n_transitions, probability, lift, median_seconds FROM sqlscore.transitions;
VALUES
    ('view', 'cart', 2, 2 / 3, (2 / 3) / (3 / 7), (60 + 690600) / 2),
    ('view', 'view', 1, 1 / 3, (1 / 3) / (3 / 7), 600),
    ('cart', 'buy', 1, 1 / 2, (1 / 2) / (1 / 7), 120),
    ('cart', 'view', 1, 1 / 2, (1 / 2) / (3 / 7), 0),
    ('buy', 'view', 1, 1 / 2, (1 / 2) / (3 / 7), 3628620),
    ('buy', 'cart', 1, 1 / 2, (1 / 2) / (3 / 7), 0);

SELECT action, next_action, n_transitions FROM sqlscore.transitions_with(within := INTERVAL 60 SECOND);
VALUES ('view', 'cart', 1), ('cart', 'view', 1), ('buy', 'cart', 1);

SELECT path, n_times, share, n_users, median_seconds FROM sqlscore.paths();
VALUES
    (['view', 'cart', 'buy'], 1, 0.25, 1, 180),
    (['cart', 'buy', 'view'], 1, 0.25, 1, 3628740),
    (['view', 'view', 'cart'], 1, 0.25, 1, 691200),
    (['buy', 'cart', 'view'], 1, 0.25, 1, 0);

SELECT path, n_times FROM sqlscore.paths(length := 2, from_action := 'view', to_action := 'cart', within := '1 minute');
VALUES (['view', 'cart'], 1);

SELECT path, n_times FROM sqlscore.paths(length := 1, to_action := 'buy');
VALUES (['buy'], 2);

-- Events of one instant count in the order of the steps: c did view, cart and buy.
SELECT step, action, n_users, conversion, conversion_from_previous, dropped, median_seconds
FROM sqlscore.funnel(['view', 'cart', 'buy'], within := INTERVAL 3 MINUTE);
VALUES (1, 'view', 4, 1.0, NULL, NULL, 0), (2, 'cart', 2, 0.5, 0.5, 2, 30), (3, 'buy', 2, 0.5, 1.0, 0, 90);

-- The time runs from the first step; a later first step starts it again.
SELECT step, n_users FROM sqlscore.funnel(['view', 'cart', 'buy'], within := INTERVAL 2 MINUTE);
VALUES (1, 4), (2, 2), (3, 1);

SELECT step, n_users FROM sqlscore.funnel(['view', 'cart'], within := INTERVAL '7 days 23 hours 50 minutes');
VALUES (1, 4), (2, 3);

SELECT step, n_users FROM sqlscore.funnel(['view', 'view', 'nothing']);
VALUES (1, 4), (2, 1), (3, 0);

SELECT step, n_users, conversion FROM sqlscore.funnel(['nothing']);
VALUES (1, 0, NULL);

SELECT cohort, n_users, period_number, period_start, n_active, retention, is_complete FROM sqlscore.cohort_retention;
VALUES
    (TIMESTAMP '2024-01-01', 3, 0, TIMESTAMP '2024-01-01', 3, 1.0, TRUE),
    (TIMESTAMP '2024-01-01', 3, 1, TIMESTAMP '2024-02-01', 1, 1 / 3, FALSE),
    (TIMESTAMP '2024-02-01', 1, 0, TIMESTAMP '2024-02-01', 1, 1.0, FALSE);

SELECT period_number, n_active FROM sqlscore.cohort_retention_with(period := 'week') WHERE cohort = TIMESTAMP '2024-01-01';
VALUES (0, 2), (1, 1), (2, 0), (3, 0), (4, 0), (5, 0), (6, 1);

-- Weeks: a in 0 and 6, b in 0 and 1, c in 1, d in 6.
SELECT CAST(date_diff('week', TIMESTAMP '2024-01-01', period_start) AS INTEGER) AS week, state, n_users
FROM sqlscore.lifecycle WHERE n_users > 0;
VALUES
    (0, 'new', 2),
    (1, 'new', 1), (1, 'active', 1), (1, 'at risk', 1),
    (2, 'at risk', 3),
    (3, 'at risk', 3),
    (4, 'at risk', 2), (4, 'dormant', 1),
    (5, 'dormant', 3),
    (6, 'new', 1), (6, 'resurrected', 1), (6, 'dormant', 2);

SELECT count(*), min(period_start), bool_and(is_complete = (period_start < TIMESTAMP '2024-02-12')) FROM sqlscore.lifecycle;
VALUES (35, TIMESTAMP '2024-01-01', TRUE);

SELECT state, n_users, share FROM sqlscore.lifecycle_with(period := 'month', dormant_after := 1)
WHERE period_start = TIMESTAMP '2024-02-01';
VALUES ('new', 1, 0.25), ('active', 1, 0.25), ('resurrected', 0, 0.0), ('at risk', 0, 0.0), ('dormant', 2, 0.5);

-- Were the 2 purchases among 11 events spread by activity alone, the number of buyers would be the sum below.
SELECT action, n_events, n_users, penetration, events_per_user, expected_users, usage_ratio, expected_non_users, is_underused
FROM sqlscore.feature_usage WHERE action = 'buy';
WITH expected AS (SELECT n, 1 - (9 / 11) ** n AS probability FROM (VALUES (4), (3), (3), (1)) AS t (n)),
total AS (SELECT sum(probability) AS users FROM expected)
SELECT 'buy', 2, 2, 0.5, 1.0, users, 2 / users, users - (1 - (9 / 11) ** 4) - (1 - (9 / 11) ** 3), FALSE FROM total;

SELECT user_id, n_events, expected_probability, last_event_time FROM sqlscore.feature_prospects('buy');
VALUES
    ('b', 3, 1 - (9 / 11) ** 3, TIMESTAMP '2024-01-10 10:00'),
    ('d', 1, 2 / 11, TIMESTAMP '2024-02-13');

SELECT user_id, recency_days, frequency, monetary, r_score, f_score, m_score, segment FROM sqlscore.rfm(value := price);
VALUES
    ('a', 14 / 24, 4, 5.0, 4, 5, 1, 'champion'),
    ('b', 33 + 14 / 24, 3, NULL, 2, 3, NULL, 'at risk'),
    ('c', 36.0, 3, 7.0, 1, 3, 5, 'at risk'),
    ('d', 0.0, 1, NULL, 5, 1, NULL, 'recent');

SELECT user_id, recency_days, frequency, monetary
FROM sqlscore.rfm(value := price * 2, action := 'buy', as_of := DATE '2024-01-02');
VALUES ('a', 837 / 1440, 1, 10.0);
