CREATE OR REPLACE TABLE sqlscore.scored_labels AS
SELECT
    e.user_id,
    CAST(NULL AS VARCHAR) AS label,
    CAST(NULL AS VARCHAR) AS kind,
    CAST(NULL AS FLOAT) AS propensity,
    CAST(NULL AS VARCHAR) AS predicted_value,
    CAST(NULL AS DOUBLE) AS expected_value,
    CAST(NULL AS DOUBLE) AS p10,
    CAST(NULL AS DOUBLE) AS p50,
    CAST(NULL AS DOUBLE) AS p90,
    CAST(NULL AS FLOAT) AS uplift,
    CAST(NULL AS DOUBLE) AS value_at_risk,
    CAST(NULL AS VARCHAR) AS model,
    CAST(NULL AS VARCHAR) AS base,
    CAST(NULL AS TIMESTAMP) AS as_of,
    CAST(NULL AS TIMESTAMP) AS scored_at
FROM sqlscore.events AS e
WHERE FALSE;

COMMENT ON TABLE sqlscore.scored_labels IS 'What fine-tuned heads say of users: one row per user and label, made by sqlscore refresh where there are such heads.';
COMMENT ON COLUMN sqlscore.scored_labels.user_id IS 'The user.';
COMMENT ON COLUMN sqlscore.scored_labels.label IS 'The name of the label, as sqlscore finetune was given it; of an uplift that of the intervention.';
COMMENT ON COLUMN sqlscore.scored_labels.kind IS 'yes_no, classes, count or amount; uplift if it was learned from an intervention.';
COMMENT ON COLUMN sqlscore.scored_labels.propensity IS 'Calibrated probability that the label is true, is more than 0, or is predicted_value; NULL for an uplift.';
COMMENT ON COLUMN sqlscore.scored_labels.predicted_value IS 'The most likely value of a label of classes; NULL for others.';
COMMENT ON COLUMN sqlscore.scored_labels.expected_value IS 'The mean of the label; NULL for classes and an uplift.';
COMMENT ON COLUMN sqlscore.scored_labels.p10 IS 'A number that the label is at or below with probability 0.1; NULL unless it is a count or an amount.';
COMMENT ON COLUMN sqlscore.scored_labels.p50 IS 'The same with probability 0.5: the median.';
COMMENT ON COLUMN sqlscore.scored_labels.p90 IS 'The same with probability 0.9.';
COMMENT ON COLUMN sqlscore.scored_labels.uplift IS 'By how much the intervention raises the probability to stay, from -1 to 1; NULL for labels.';
COMMENT ON COLUMN sqlscore.scored_labels.value_at_risk IS 'Of expected spend alone (sqlscore finetune --amount): churn risk times expected_value, the expected spend of the horizon that would be lost; 0 if the user has lapsed, NULL if the model has no churn head.';
COMMENT ON COLUMN sqlscore.scored_labels.model IS 'The head, name@version.';
COMMENT ON COLUMN sqlscore.scored_labels.base IS 'The model whose states it reads, name@version.';
COMMENT ON COLUMN sqlscore.scored_labels.as_of IS 'The moment at which the scores are valid, UTC.';
COMMENT ON COLUMN sqlscore.scored_labels.scored_at IS 'When the row was written, UTC.';
