CREATE OR REPLACE MACRO sqlscore.threshold_table(
    scores, labels, contact_cost := 1.0, saved_value := 20.0, save_rate := 0.2
) AS TABLE
WITH
judged AS (
    SELECT j.churn_risk, j.churned FROM sqlscore.judged_scores(scores, labels) AS j
),
thresholds AS (
    SELECT t.i / CAST(20 AS DOUBLE) AS threshold FROM (SELECT UNNEST(RANGE(21)) AS i) AS t
),
counts AS (
    SELECT
        t.threshold,
        COUNT(*) FILTER (WHERE j.churn_risk >= t.threshold) AS n_contacted,
        COUNT(*) FILTER (WHERE j.churn_risk >= t.threshold AND j.churned = 1) AS n_churners_contacted,
        COUNT(*) FILTER (WHERE j.churned = 1) AS n_churners
    FROM thresholds AS t
    CROSS JOIN judged AS j
    GROUP BY t.threshold
),
rates AS (
    SELECT
        c.*,
        c.n_churners_contacted / NULLIF(CAST(c.n_contacted AS DOUBLE), 0) AS precision,
        c.n_churners_contacted / NULLIF(CAST(c.n_churners AS DOUBLE), 0) AS recall,
        CAST(c.n_contacted * contact_cost AS DOUBLE) AS cost,
        CAST(c.n_churners_contacted * save_rate * saved_value AS DOUBLE) AS gain
    FROM counts AS c
),
final AS (
    SELECT
        r.threshold,
        r.n_contacted,
        r.n_churners_contacted,
        r.precision,
        r.recall,
        r.cost,
        r.gain,
        r.gain - r.cost AS profit,
        RANK() OVER (ORDER BY r.gain - r.cost DESC, r.threshold DESC) = 1 AS is_best
    FROM rates AS r
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.threshold_table IS
'The churn risk from which a contact pays, one row per threshold 0, 0.05, ... 1. Parameters: scores, labels (names of tables as in judged_scores); contact_cost (1: cost of contacting one user); saved_value (20: value of one who stays because of it); save_rate (0.2: share of contacted churners who then stay). Columns: threshold (contact users whose churn_risk is at least this); n_contacted; n_churners_contacted; precision; recall; cost; gain (of the users saved); profit (gain - cost); is_best (the highest profit; the highest such threshold).';
