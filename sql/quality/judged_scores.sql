CREATE OR REPLACE MACRO sqlscore.judged_scores(scores, labels) AS TABLE
-- The table named by a parameter may have the name of a common table expression, so these have unusual names.
WITH
sqlscore_scores AS (
    SELECT s.user_id, s.as_of, CAST(s.churn_risk AS DOUBLE) AS churn_risk
    FROM query_table(scores) AS s
),
sqlscore_labels AS (
    SELECT l.user_id, l.as_of, l.churned
    FROM query_table(labels) AS l
),
final AS (
    SELECT
        s.user_id,
        s.as_of,
        s.churn_risk,
        CASE WHEN l.churned THEN 1 ELSE 0 END AS churned
    FROM sqlscore_scores AS s
    INNER JOIN sqlscore_labels AS l ON l.user_id = s.user_id AND EPOCH_US(l.as_of) = EPOCH_US(s.as_of)
    WHERE s.churn_risk IS NOT NULL AND l.churned IS NOT NULL
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.judged_scores IS
'Churn scores beside their labels, one row per user and moment that has both. The moments must be equal, so that no score has seen its label. Parameters: scores (name of a table with user_id, as_of, churn_risk, as scored_users); labels (name of a table with user_id, as_of, churned, as the churn_labels macros return). Columns: user_id; as_of; churn_risk; churned (1 or 0).';
