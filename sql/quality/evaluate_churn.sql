CREATE OR REPLACE MACRO sqlscore.evaluate_churn(scores, labels) AS TABLE
WITH
judged AS (
    SELECT j.churn_risk, j.churned FROM sqlscore.judged_scores(scores, labels) AS j
),
-- Equal risks are one point of the curves.
points AS (
    SELECT j.churn_risk, CAST(COUNT(*) AS DOUBLE) AS n, CAST(SUM(j.churned) AS DOUBLE) AS n_churned
    FROM judged AS j
    GROUP BY j.churn_risk
),
curve AS (
    SELECT
        p.*,
        SUM(p.n) OVER descending AS n_above,
        SUM(p.n_churned) OVER descending AS churned_above,
        SUM(p.n) OVER () AS n_all,
        SUM(p.n_churned) OVER () AS churned_all
    FROM points AS p
    WINDOW descending AS (ORDER BY p.churn_risk DESC)
),
-- A churner is ranked above every non-churner of lower risk, and above half of those of equal risk.
areas AS (
    SELECT
        SUM(c.n_churned * ((c.n_all - c.churned_all) - (c.n_above - c.churned_above) + (c.n - c.n_churned) / 2))
        / NULLIF(MAX(c.churned_all) * (MAX(c.n_all) - MAX(c.churned_all)), 0) AS auc,
        CASE
            WHEN MAX(c.churned_all) < MAX(c.n_all)
                THEN SUM(c.n_churned * c.churned_above / c.n_above) / NULLIF(MAX(c.churned_all), 0)
        END AS pr_auc
    FROM curve AS c
),
bins AS (
    SELECT ABS(SUM(j.churn_risk) - SUM(j.churned)) AS gap
    FROM judged AS j
    GROUP BY LEAST(FLOOR(j.churn_risk * 15), 14)
),
means AS (
    SELECT
        COUNT(*) AS n,
        AVG(CAST(j.churned AS DOUBLE)) AS base_rate,
        AVG(j.churn_risk) AS mean_risk,
        AVG(POWER(j.churn_risk - j.churned, 2)) AS brier,
        -AVG(LN(LEAST(GREATEST(CASE WHEN j.churned = 1 THEN j.churn_risk ELSE 1 - j.churn_risk END, 1e-7), 1))) AS log_loss
    FROM judged AS j
),
final AS (
    SELECT
        m.n,
        m.base_rate,
        m.mean_risk,
        a.auc,
        a.pr_auc,
        m.brier,
        m.log_loss,
        (SELECT SUM(b.gap) FROM bins AS b) / NULLIF(CAST(m.n AS DOUBLE), 0) AS ece
    FROM means AS m
    CROSS JOIN areas AS a
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.evaluate_churn IS
'How good churn scores were, one row. Parameters scores, labels: names of tables as in judged_scores. Columns: n (users and moments with a score and a label); base_rate (share that churned); mean_risk; auc (ROC); pr_auc (average precision; both are NULL if all or none churned); brier; log_loss; ece (expected calibration error over 15 bins of equal width).';
