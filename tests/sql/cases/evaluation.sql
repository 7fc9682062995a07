-- Setup: one moment, eight scored users; "late" has a label of another moment, "censored" has none.
CREATE TABLE clicks AS
SELECT user_id, TIMESTAMP '2024-01-01' + after AS event_time, event_type
FROM (VALUES
    ('a', INTERVAL '-1 day', 'view'), ('a', INTERVAL 1 HOUR, 'cart'), ('a', INTERVAL 2 HOUR, 'view'),
    ('b', INTERVAL 1 HOUR, 'view'), ('b', INTERVAL 1 HOUR, 'buy'),
    ('c', INTERVAL 0 HOUR, 'cart'), ('c', INTERVAL 3 HOUR, 'view'),
    ('d', INTERVAL 0 HOUR, 'view'),
    ('d', INTERVAL 0 HOUR, 'shiny'), ('e', INTERVAL 32 DAY, 'new'), ('e', INTERVAL 32 DAY, 'new'), ('e', INTERVAL 33 DAY, 'view')
) AS t (user_id, after, event_type);

CREATE TABLE scores AS
SELECT
    user_id, TIMESTAMP '2024-01-01' AS as_of, risk::FLOAT AS churn_risk, next_action, 0.5::FLOAT AS next_action_probability,
    [{'action': next_action, 'probability': 0.5::FLOAT}, {'action': 'buy', 'probability': 0.25::FLOAT}] AS next_actions
FROM (VALUES
    ('a', 0.875, 'cart'), ('b', 0.875, 'view'), ('c', 0.5, 'cart'), ('d', 0.25, 'view'),
    ('late', 0.0, 'view'), ('censored', 0.0, 'view'), ('none', NULL, 'view'), ('unlabelled', 0.0, 'view')
) AS t (user_id, risk, next_action);

CREATE TABLE labels AS
SELECT user_id, TIMESTAMP '2024-01-01' + later AS as_of, churned
FROM (VALUES
    ('a', INTERVAL 0 DAY, TRUE), ('b', INTERVAL 0 DAY, FALSE), ('c', INTERVAL 0 DAY, TRUE), ('d', INTERVAL 0 DAY, FALSE),
    ('late', INTERVAL 1 DAY, TRUE), ('censored', INTERVAL 0 DAY, NULL), ('none', INTERVAL 0 DAY, TRUE)
) AS t (user_id, later, churned);

SELECT user_id, churn_risk, churned FROM sqlscore.judged_scores('scores', 'labels');
VALUES ('a', 0.875, 1), ('b', 0.875, 0), ('c', 0.5, 1), ('d', 0.25, 0);

-- Of the four pairs of a churner and another, a-b is a tie, a-d and c-d are right, c-b is wrong.
SELECT n, base_rate, mean_risk, auc, pr_auc, brier, log_loss, ece FROM sqlscore.evaluate_churn(scores, labels);
SELECT 4, 0.5, 0.625, 2.5 / 4, 0.5 * (1 / 2) + 0.5 * (2 / 3),
    (0.125 ** 2 + 0.875 ** 2 + 0.5 ** 2 + 0.25 ** 2) / 4, -(ln(0.875) + ln(0.125) + ln(0.5) + ln(0.75)) / 4,
    (abs(1.75 - 1) + abs(0.5 - 1) + abs(0.25 - 0)) / 4;

SELECT n, base_rate, auc, ece FROM sqlscore.evaluate_churn('main.scores', 'main.labels');
VALUES (4, 0.5, 0.625, 0.375);

WITH nobody AS (SELECT * FROM labels WHERE FALSE)
SELECT n, base_rate, auc, pr_auc, ece FROM sqlscore.evaluate_churn('scores', 'nobody');
VALUES (0, NULL, NULL, NULL, NULL);

SELECT risk_from, risk_to, n, mean_risk, churn_rate, round(rate_low, 4), round(rate_high, 4), is_calibrated
FROM sqlscore.calibration_bins('scores', 'labels', bins := 2);
VALUES (0.0, 0.5, 1, 0.25, 0.0, 0.0, 0.7935, TRUE), (0.5, 1.0, 3, 0.75, 2 / 3, 0.2077, 0.9385, TRUE);

SELECT bin, n, lowest_risk, mean_risk, n_churned, churn_rate, lift, cumulative_share, cumulative_gain, cumulative_lift
FROM sqlscore.lift_table('scores', 'labels', bins := 2);
VALUES (1, 2, 0.875, 0.875, 1, 0.5, 1.0, 0.5, 0.5, 1.0), (2, 2, 0.25, 0.375, 1, 0.5, 1.0, 1.0, 1.0, 1.0);

SELECT threshold, n_contacted, n_churners_contacted, precision, recall, cost, gain, profit, is_best
FROM sqlscore.threshold_table('scores', 'labels', contact_cost := 2, saved_value := 10, save_rate := 0.5)
WHERE threshold IN (0, 0.25, 0.5, 0.85, 0.9);
VALUES
    (0.0, 4, 2, 0.5, 1.0, 8.0, 10.0, 2.0, FALSE), (0.25, 4, 2, 0.5, 1.0, 8.0, 10.0, 2.0, FALSE),
    (0.5, 3, 2, 2 / 3, 1.0, 6.0, 10.0, 4.0, TRUE), (0.85, 2, 1, 0.5, 0.5, 4.0, 5.0, 1.0, FALSE),
    (0.9, 0, 0, NULL, 0.0, 0.0, 0.0, 0.0, FALSE);

-- a: right; b: buy comes first of one instant, listed but not named; c: wrong; d and the others did nothing later.
SELECT n_scored, n_acted, accuracy, listed_accuracy, mean_probability, majority_accuracy
FROM sqlscore.evaluate_next_action('scores', 'sqlscore.events');
VALUES (8, 3, 1 / 3, 2 / 3, 0.5, 1 / 3);

CREATE TABLE before AS
SELECT * FROM (VALUES
    ('a', TIMESTAMP '2024-01-01', 'view'), ('a', TIMESTAMP '2024-01-02', 'view'), ('b', TIMESTAMP '2024-01-01', 'cart')
) AS t (user_id, event_time, event_type);

CREATE TABLE after AS
SELECT * FROM (VALUES
    ('a', TIMESTAMP '2024-01-01', 'view'), ('b', TIMESTAMP '2024-01-01', 'view'), ('c', TIMESTAMP '2024-01-01', 'buy')
) AS t (user_id, event_time, event_type);

SELECT measure, bin, n_reference, n_current, share_reference, share_current FROM sqlscore.drift_bins('before', 'after');
VALUES
    ('action', 'view', 2, 2, 2 / 3, 2 / 3), ('action', 'cart', 1, 0, 1 / 3, 0.0), ('action', 'buy', 0, 1, 0.0, 1 / 3),
    ('gap', '4: under a week', 1, 0, 1.0, NULL),
    ('length', '1: 1 event', 1, 3, 0.5, 1.0), ('length', '2: 2-3', 1, 0, 0.5, 0.0);

SELECT measure, n_reference, n_current, psi, jensen_shannon, verdict FROM sqlscore.drift('before', 'after');
VALUES
    ('action', 3, 3, 2 * (1 / 3 - 0.0001) * ln((1 / 3) / 0.0001), 1 / 3, 'shifted'),
    ('length', 2, 3, (1 - 0.5) * ln(2) + (0.5 - 0.0001) * ln(0.5 / 0.0001),
        0.5 * log2(0.5 / 0.75) / 2 + 0.5 * log2(2) / 2 + log2(1 / 0.75) / 2, 'shifted');

SELECT measure, psi, jensen_shannon, verdict FROM sqlscore.drift('before', 'before');
VALUES ('action', 0.0, 0.0, 'stable'), ('gap', 0.0, 0.0, 'stable'), ('length', 0.0, 0.0, 'stable');

SELECT measure, bin, n_reference, n_current FROM sqlscore.score_drift_bins('scores', 'scores') WHERE measure = 'churn_risk';
VALUES
    ('churn_risk', '0.8 and more', 2, 2), ('churn_risk', '0.5 and more', 1, 1), ('churn_risk', '0.2 and more', 1, 1),
    ('churn_risk', '0.0 and more', 3, 3);

SELECT measure, verdict FROM sqlscore.score_drift('scores', 'scores');
VALUES ('churn_risk', 'stable'), ('next_action', 'stable');

INSERT INTO sqlscore.models (name, version, mapping, manifest)
VALUES ('m', 1, 'events', '{"inputs": {"actions": ["view", "cart", "buy"]}}');

SELECT period_start, n_events, n_unknown, unknown_rate, unknown_actions FROM sqlscore.unknown_rate('m@1', period := 'month');
VALUES
    (TIMESTAMP '2023-12-01', 1, 0, 0.0, NULL),
    (TIMESTAMP '2024-01-01', 8, 1, 0.125, ['shiny']),
    (TIMESTAMP '2024-02-01', 3, 2, 2 / 3, ['new']);

SELECT count(*) FROM sqlscore.unknown_rate('nobody@1');
VALUES (0);
