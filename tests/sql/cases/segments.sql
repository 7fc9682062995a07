-- Setup: scores as refresh leaves them, a table in place of the view.
CREATE TABLE clicks AS SELECT 1 AS user_id, TIMESTAMP '2024-01-01' AS event_time, 'view' AS event_type;

DROP VIEW sqlscore.scored_users;

CREATE TABLE sqlscore.scored_users AS
SELECT
    user_id, 3::BIGINT AS n_events, TIMESTAMP '2024-01-01' AS last_event_time, next_action,
    0.5::FLOAT AS next_action_probability, [{'action': next_action, 'probability': 0.5::FLOAT}] AS next_actions,
    60.0 * user_id AS seconds_to_next_action, risk::FLOAT AS churn_risk, 0.0::FLOAT AS unknown_action_rate,
    'm@1' AS model, TIMESTAMP '2024-01-02' AS as_of, TIMESTAMP '2024-01-03' AS scored_at
FROM (VALUES
    (1, 'buy', 0.1), (2, 'buy', 0.3), (3, 'buy', 0.69), (4, 'view', 0.7), (5, 'view', 0.7), (6, 'view', NULL)
) AS t (user_id, next_action, risk);

-- A threshold belongs to the band above it; equal risks share a decile.
SELECT user_id, risk_band, risk_decile FROM sqlscore.scored_segments;
VALUES (1, 'low', 1), (2, 'medium', 3), (3, 'medium', 6), (4, 'high', 8), (5, 'high', 8), (6, 'unknown', NULL);

SELECT user_id, risk_band FROM sqlscore.scored_segments_with(medium_from := 0.05, high_from := 0.1);
VALUES (1, 'high'), (2, 'high'), (3, 'high'), (4, 'high'), (5, 'high'), (6, 'unknown');

SELECT risk_band, next_action, n_users, share_of_users, round(mean_churn_risk, 4), round(expected_churners, 4),
    median_seconds_to_next_action, mean_events, model, as_of, scored_at
FROM sqlscore.segment_summary;
SELECT *, 3.0, 'm@1', TIMESTAMP '2024-01-02', TIMESTAMP '2024-01-03' FROM (VALUES
    ('low', 'buy', 1, 1 / 6, 0.1, 0.1, 60.0),
    ('medium', 'buy', 2, 2 / 6, 0.495, 0.99, 150.0),
    ('high', 'view', 2, 2 / 6, 0.7, 1.4, 270.0),
    ('unknown', 'view', 1, 1 / 6, NULL, NULL, 360.0)
);

INSERT INTO sqlscore.models (name, version, mapping, metrics) VALUES ('m', 2, 'events', '{
    "model": "m@2",
    "next_action": {"n": 100, "accuracy": 0.5, "baselines": {"markov1": {"accuracy": 0.25}, "majority": {"accuracy": null}}},
    "churn": {"auc": 1, "seen_users": {"auc": 0.75, "baselines": {"recency": {"auc": 0.5}}}},
    "verdict": ["better than Markov"]}'), ('m', 3, 'events', NULL), ('n', 1, 'other', '{"churn": {"auc": 0.5}}');

INSERT INTO sqlscore.aliases VALUES ('events', 'champion', 'm', 2);

SELECT model, is_champion, head, baseline, subset, metric, value FROM sqlscore.model_metrics;
VALUES
    ('m@2', TRUE, 'next_action', NULL, NULL, 'n', 100.0),
    ('m@2', TRUE, 'next_action', NULL, NULL, 'accuracy', 0.5),
    ('m@2', TRUE, 'next_action', 'markov1', NULL, 'accuracy', 0.25),
    ('m@2', TRUE, 'churn', NULL, NULL, 'auc', 1.0),
    ('m@2', TRUE, 'churn', NULL, 'seen_users', 'auc', 0.75),
    ('m@2', TRUE, 'churn', 'recency', 'seen_users', 'auc', 0.5),
    ('n@1', FALSE, 'churn', NULL, NULL, 'auc', 0.5);

-- Of a model whose churn label has a lookback of 36 hours, users who were seen before have lapsed.
INSERT INTO sqlscore.models (name, version, mapping, manifest) VALUES
    ('m', 1, 'events', '{"heads": ["next_action", "churn"], "lookback_seconds": 129600}');

UPDATE sqlscore.scored_users SET last_event_time = as_of - INTERVAL 36 HOUR WHERE user_id IN (3, 5);

UPDATE sqlscore.scored_users SET last_event_time = as_of - INTERVAL 129599 SECOND WHERE user_id = 2;

SELECT user_id, risk_band, risk_decile, round(days_silent, 4), is_active, days_to_next_action
FROM sqlscore.scored_segments;
VALUES
    (1, 'low', 1, 1.0, TRUE, 60 / 86400), (2, 'medium', 6, 1.5, TRUE, 120 / 86400),
    (3, 'lapsed', NULL, 1.5, FALSE, 180 / 86400), (4, 'high', 10, 1.0, TRUE, 240 / 86400),
    (5, 'lapsed', NULL, 1.5, FALSE, 300 / 86400), (6, 'unknown', NULL, 1.0, TRUE, 360 / 86400);

SELECT risk_band, next_action, n_users, round(expected_churners, 4), is_active, median_days_silent
FROM sqlscore.segment_summary;
SELECT * REPLACE (round(days, 9) AS days) FROM (VALUES
    ('low', 'buy', 1, 0.1, TRUE, 1.0),
    ('medium', 'buy', 1, 0.3, TRUE, 129599 / 86400),
    ('lapsed', 'buy', 1, 0.0, FALSE, 1.5),
    ('lapsed', 'view', 1, 0.0, FALSE, 1.5),
    ('high', 'view', 1, 0.7, TRUE, 1.0),
    ('unknown', 'view', 1, NULL, TRUE, 1.0)
) AS t (band, action, n, churners, active, days);

-- A lookback without limit: nobody lapses. A model without churn: nobody can say.
UPDATE sqlscore.models SET manifest = '{"heads": ["churn"], "lookback_seconds": null}' WHERE name = 'm' AND version = 1;

SELECT DISTINCT is_active, risk_band = 'lapsed' FROM sqlscore.scored_segments;
VALUES (TRUE, FALSE);

UPDATE sqlscore.models SET manifest = '{"heads": ["next_action"]}' WHERE name = 'm' AND version = 1;

SELECT DISTINCT is_active, risk_band = 'lapsed' FROM sqlscore.scored_segments;
VALUES (NULL, FALSE);
