CREATE OR REPLACE MACRO sqlscore.score_drift(reference, current) AS TABLE
WITH
bins AS (
    SELECT * FROM sqlscore.score_drift_bins(reference, current)
)
SELECT * FROM sqlscore.drift_of_bins(bins);

COMMENT ON MACRO TABLE sqlscore.score_drift IS
'Whether scores have changed, one row per measure (''churn_risk'', ''next_action''). Parameters reference, current: names of tables as in score_drift_bins. Columns: measure; n_reference, n_current; psi (population stability index); jensen_shannon (divergence, base 2: 0 equal to 1 apart); verdict (by psi: ''stable'' under 0.1, ''moved'' under 0.25, else ''shifted'').';
