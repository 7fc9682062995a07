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
sqlscore_counted AS (
    SELECT
        s.user_id,
        s.as_of,
        s.churn_risk,
        CASE WHEN l.churned THEN 1 ELSE 0 END AS churned,
        COUNT(*) OVER (PARTITION BY s.user_id, EPOCH_US(s.as_of)) AS n_rows
    FROM sqlscore_scores AS s
    INNER JOIN sqlscore_labels AS l ON l.user_id = s.user_id AND EPOCH_US(l.as_of) = EPOCH_US(s.as_of)
    WHERE s.churn_risk IS NOT NULL AND l.churned IS NOT NULL
),
final AS (
    SELECT c.user_id, c.as_of, c.churn_risk, c.churned
    FROM sqlscore_counted AS c
    WHERE
        CASE
            WHEN c.n_rows = 1 THEN TRUE
            ELSE ERROR(
                'a user has several scores or labels of one moment, and would count more than once: give one model''s '
                || 'scores, for example a view with WHERE model = ''events@1'', and each label once'
            )
        END
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.judged_scores IS
'Churn scores beside their labels, one row per user and moment that has both. The moments must be equal, so that no score has seen its label. An error if a user has several scores or labels of one moment, as past_scores of two models have: give those of one model. Parameters: scores (name of a table with user_id, as_of, churn_risk, as scored_users); labels (name of a table with user_id, as_of, churned, as the churn_labels macros return). Columns: user_id; as_of; churn_risk; churned (1 or 0).';
