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
