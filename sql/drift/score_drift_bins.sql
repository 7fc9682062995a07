CREATE OR REPLACE MACRO sqlscore.score_drift_bins(reference, current) AS TABLE
WITH
scores AS (
    SELECT TRUE AS is_current, s.churn_risk, s.next_action FROM query_table(current) AS s
    UNION ALL
    SELECT FALSE AS is_current, s.churn_risk, s.next_action FROM query_table(reference) AS s
),
binned AS (
    SELECT
        s.is_current,
        'churn_risk' AS measure,
        CONCAT('0.', CAST(LEAST(FLOOR(s.churn_risk * 10), 9) AS INTEGER), ' and more') AS bin
    FROM scores AS s
    WHERE s.churn_risk IS NOT NULL
    UNION ALL
    SELECT s.is_current, 'next_action' AS measure, s.next_action AS bin
    FROM scores AS s
    WHERE s.next_action IS NOT NULL
)
SELECT * FROM sqlscore.shares_of_bins(binned);

COMMENT ON MACRO TABLE sqlscore.score_drift_bins IS
'Two sets of scores side by side, one row per measure and bin. Parameters reference, current: names of tables with churn_risk and next_action, as scored_users. Columns: measure (''churn_risk'' in tenths, ''next_action''); bin; n_reference, n_current; share_reference, share_current (of the measure).';
