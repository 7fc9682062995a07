CREATE OR REPLACE TABLE sqlscore.segment_value_at_risk AS
SELECT
    CAST(NULL AS VARCHAR) AS label,
    CAST(NULL AS VARCHAR) AS risk_band,
    CAST(NULL AS VARCHAR) AS next_action,
    CAST(NULL AS BIGINT) AS n_users,
    CAST(NULL AS DOUBLE) AS expected_spend,
    CAST(NULL AS DOUBLE) AS value_at_risk,
    CAST(NULL AS DOUBLE) AS share_of_value_at_risk,
    CAST(NULL AS DOUBLE) AS horizon_seconds,
    CAST(NULL AS DOUBLE) AS churn_horizon_seconds,
    CAST(NULL AS VARCHAR) AS model,
    CAST(NULL AS TIMESTAMP) AS as_of,
    CAST(NULL AS TIMESTAMP) AS scored_at
WHERE FALSE;

COMMENT ON TABLE sqlscore.segment_value_at_risk IS 'The spend that is expected and may be lost, by segment (risk band x next action): made by sqlscore refresh where sqlscore finetune --amount has learned spend.';
COMMENT ON COLUMN sqlscore.segment_value_at_risk.label IS 'The name of the spend, as sqlscore finetune --amount was given it.';
COMMENT ON COLUMN sqlscore.segment_value_at_risk.risk_band IS 'As in segment_summary.';
COMMENT ON COLUMN sqlscore.segment_value_at_risk.next_action IS 'Most likely next action.';
COMMENT ON COLUMN sqlscore.segment_value_at_risk.n_users IS 'Number of users in the segment.';
COMMENT ON COLUMN sqlscore.segment_value_at_risk.expected_spend IS 'Sum of what the users are expected to spend within the horizon, in the unit of the amount.';
COMMENT ON COLUMN sqlscore.segment_value_at_risk.value_at_risk IS 'Sum of churn risk times expected spend, of active users: the expected spend of the horizon that would be lost; NULL if the model has no churn head.';
COMMENT ON COLUMN sqlscore.segment_value_at_risk.share_of_value_at_risk IS 'Its share of that of all segments; NULL if nothing is at risk.';
COMMENT ON COLUMN sqlscore.segment_value_at_risk.horizon_seconds IS 'The horizon of the spend.';
COMMENT ON COLUMN sqlscore.segment_value_at_risk.churn_horizon_seconds IS 'The horizon of the churn risk; NULL if the model has no churn head.';
COMMENT ON COLUMN sqlscore.segment_value_at_risk.model IS 'The head that says the spend, name@version.';
COMMENT ON COLUMN sqlscore.segment_value_at_risk.as_of IS 'The moment at which the scores are valid, UTC; the newest, where groups of users have their own.';
COMMENT ON COLUMN sqlscore.segment_value_at_risk.scored_at IS 'When the row was written, UTC.';
