CREATE OR REPLACE VIEW sqlscore.churn_horizons AS
SELECT * FROM sqlscore.churn_horizons_with();

COMMENT ON VIEW sqlscore.churn_horizons IS 'The churn risk of each user within each horizon that the model was trained for: one row per user and horizon.';
COMMENT ON COLUMN sqlscore.churn_horizons.user_id IS 'The user.';
COMMENT ON COLUMN sqlscore.churn_horizons.horizon IS 'How far ahead the risk looks.';
COMMENT ON COLUMN sqlscore.churn_horizons.horizon_seconds IS 'The same in seconds.';
COMMENT ON COLUMN sqlscore.churn_horizons.churn_risk IS 'Calibrated probability of no event within this horizon after as_of; it never rises with the horizon.';
COMMENT ON COLUMN sqlscore.churn_horizons.model IS 'The model that scored, name@version.';
COMMENT ON COLUMN sqlscore.churn_horizons.as_of IS 'The moment at which the risk is valid, UTC.';
