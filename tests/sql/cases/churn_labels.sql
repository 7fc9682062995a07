-- Setup: the high-water mark is 2024-03-31 00:00 (user keeper). Days are counted from 1 March.
CREATE TABLE clicks AS
SELECT user_id, TIMESTAMP '2024-03-01' + after AS event_time, 'view' AS event_type
FROM (VALUES
    ('keeper', INTERVAL 0 DAY), ('keeper', INTERVAL 12 DAY), ('keeper', INTERVAL 30 DAY),
    ('gone', INTERVAL 1 DAY), ('gone', INTERVAL 5 DAY),
    ('at the moment', INTERVAL 10 DAY), ('at the moment', INTERVAL 11 DAY),
    ('at the far end', INTERVAL 2 DAY), ('at the far end', INTERVAL 20 DAY),
    ('past the far end', INTERVAL 2 DAY), ('past the far end', INTERVAL '20 days 1 microsecond'),
    ('before the lookback', INTERVAL 0 DAY), ('before the lookback', INTERVAL 15 DAY),
    ('after the lookback', INTERVAL '1 microsecond'),
    ('one look', INTERVAL 5 DAY), ('one look', INTERVAL '5 days 10 minutes'),
    ('newcomer', INTERVAL 29 DAY), ('newcomer', INTERVAL '29 days 1 hour')
) AS t (user_id, after);

-- as_of is day 10: (day 0, day 10] is looked back on, (day 10, day 20] is the horizon.
SELECT user_id, churned, censored, bounced, n_events
FROM sqlscore.churn_labels_inactivity(as_of := TIMESTAMP '2024-03-11', horizon := INTERVAL 10 DAY, lookback := INTERVAL 10 DAY);
VALUES
    ('gone', TRUE, FALSE, FALSE, 2),
    ('at the moment', FALSE, FALSE, TRUE, 1),
    ('at the far end', FALSE, FALSE, TRUE, 1),
    ('past the far end', TRUE, FALSE, TRUE, 1),
    ('after the lookback', TRUE, FALSE, TRUE, 1),
    ('one look', TRUE, FALSE, TRUE, 2);

SELECT user_id, churned, last_event_time, next_event_time, as_of
FROM sqlscore.churn_labels_inactivity(as_of := TIMESTAMP '2024-03-11', horizon := INTERVAL 10 DAY, lookback := NULL)
WHERE user_id IN ('keeper', 'gone');
VALUES
    ('keeper', FALSE, TIMESTAMP '2024-03-01', TIMESTAMP '2024-03-13', TIMESTAMP '2024-03-11'),
    ('gone', TRUE, TIMESTAMP '2024-03-06', NULL, TIMESTAMP '2024-03-11');

-- The newest moment with a full horizon is the default, and is not censored; a microsecond later is.
SELECT DISTINCT as_of, censored, churned IS NULL
FROM sqlscore.churn_labels_inactivity(horizon := INTERVAL 10 DAY);
VALUES (TIMESTAMP '2024-03-21', FALSE, FALSE);

SELECT DISTINCT censored, churned
FROM sqlscore.churn_labels_inactivity(as_of := TIMESTAMP '2024-03-21 00:00:00.000001', horizon := INTERVAL 10 DAY);
VALUES (TRUE, CAST(NULL AS BOOLEAN));

-- A moment may be written as text, as a date or with a time zone.
SELECT DISTINCT as_of FROM sqlscore.churn_labels_inactivity(as_of := '2024-03-11', horizon := '10 days');
VALUES (TIMESTAMP '2024-03-11');

SELECT DISTINCT as_of FROM sqlscore.churn_labels_inactivity(as_of := DATE '2024-03-11', horizon := INTERVAL 10 DAY);
VALUES (TIMESTAMP '2024-03-11');

SELECT DISTINCT as_of
FROM sqlscore.churn_labels_inactivity(as_of := TIMESTAMPTZ '2024-03-11 02:00:00+02', horizon := INTERVAL 10 DAY);
VALUES (TIMESTAMP '2024-03-11');

-- First touch: 24 hours are observed, so coming back means later than that.
SELECT user_id, as_of, churned, censored, bounced, n_events FROM sqlscore.churn_labels_first_touch();
VALUES
    ('keeper', TIMESTAMP '2024-03-02', FALSE, FALSE, FALSE, 1),
    ('gone', TIMESTAMP '2024-03-03', FALSE, FALSE, FALSE, 1),
    ('at the moment', TIMESTAMP '2024-03-12', TRUE, FALSE, FALSE, 2),
    ('at the far end', TIMESTAMP '2024-03-04', FALSE, FALSE, FALSE, 1),
    ('past the far end', TIMESTAMP '2024-03-04', FALSE, FALSE, FALSE, 1),
    ('before the lookback', TIMESTAMP '2024-03-02', FALSE, FALSE, FALSE, 1),
    ('after the lookback', TIMESTAMP '2024-03-02 00:00:00.000001', NULL, FALSE, TRUE, 1),
    ('one look', TIMESTAMP '2024-03-07', NULL, FALSE, TRUE, 2),
    ('newcomer', TIMESTAMP '2024-03-31', TRUE, FALSE, FALSE, 2);

SELECT user_id, churned, censored, bounced
FROM sqlscore.churn_labels_first_touch(bounce := INTERVAL 9 MINUTE, horizon := INTERVAL 17 DAY)
WHERE user_id IN ('keeper', 'at the far end', 'past the far end', 'one look', 'newcomer');
VALUES
    ('keeper', FALSE, FALSE, FALSE),
    ('at the far end', FALSE, FALSE, FALSE),
    ('past the far end', NULL, FALSE, TRUE),
    ('one look', TRUE, FALSE, FALSE),
    ('newcomer', NULL, TRUE, FALSE);

-- Lapsed: the state at the high-water mark, day 30, by the ten days up to it.
SELECT user_id, churned, censored, lapsed_at FROM sqlscore.churn_labels_lapsed(horizon := INTERVAL 10 DAY);
VALUES
    ('keeper', FALSE, FALSE, NULL),
    ('gone', TRUE, FALSE, TIMESTAMP '2024-03-16'),
    ('at the moment', TRUE, FALSE, TIMESTAMP '2024-03-22'),
    ('at the far end', TRUE, FALSE, TIMESTAMP '2024-03-31'),
    ('past the far end', FALSE, FALSE, NULL),
    ('before the lookback', TRUE, FALSE, TIMESTAMP '2024-03-26'),
    ('after the lookback', TRUE, FALSE, TIMESTAMP '2024-03-11 00:00:00.000001'),
    ('one look', TRUE, FALSE, TIMESTAMP '2024-03-16 00:10:00'),
    ('newcomer', NULL, TRUE, NULL);

SELECT DISTINCT churned, censored
FROM sqlscore.churn_labels_lapsed(as_of := TIMESTAMP '2024-03-31 00:00:00.000001', horizon := INTERVAL 10 DAY);
VALUES (CAST(NULL AS BOOLEAN), TRUE);
