CREATE OR REPLACE MACRO sqlscore.shares_of_bins(binned) AS TABLE
WITH
counts AS (
    SELECT
        b.measure,
        b.bin,
        COUNT(*) FILTER (WHERE NOT b.is_current) AS n_reference,
        COUNT(*) FILTER (WHERE b.is_current) AS n_current
    FROM query_table(binned) AS b
    GROUP BY b.measure, b.bin
),
final AS (
    SELECT
        c.measure,
        c.bin,
        c.n_reference,
        c.n_current,
        c.n_reference / NULLIF(CAST(SUM(c.n_reference) OVER of_measure AS DOUBLE), 0) AS share_reference,
        c.n_current / NULLIF(CAST(SUM(c.n_current) OVER of_measure AS DOUBLE), 0) AS share_current
    FROM counts AS c
    WINDOW of_measure AS (PARTITION BY c.measure)
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.shares_of_bins IS
'Two distributions side by side, one row per measure and bin, as drift_of_bins takes them. Parameter binned: name of a table with one row per observation and the columns is_current (FALSE: reference), measure, bin. Columns: measure; bin; n_reference, n_current; share_reference, share_current (of the measure).';
