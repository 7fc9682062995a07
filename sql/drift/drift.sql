CREATE OR REPLACE MACRO sqlscore.drift(reference, current) AS TABLE
WITH
bins AS (
    SELECT * FROM sqlscore.drift_bins(reference, current)
)
SELECT * FROM sqlscore.drift_of_bins(bins);

COMMENT ON MACRO TABLE sqlscore.drift IS
'Whether events have changed, one row per measure (''action'', ''gap'', ''length''). Parameters reference, current: names of tables as in drift_bins. Columns: measure; n_reference, n_current; psi (population stability index); jensen_shannon (divergence, base 2: 0 equal to 1 apart); verdict (by psi: ''stable'' under 0.1, ''moved'' under 0.25, else ''shifted'').';
