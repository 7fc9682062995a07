CREATE OR REPLACE MACRO sqlscore.lift_table(scores, labels, bins := 10) AS TABLE
WITH
ranked AS (
    SELECT
        NTILE(bins) OVER (ORDER BY j.churn_risk DESC, j.user_id, j.as_of) AS bin,
        j.churn_risk,
        j.churned
    FROM sqlscore.judged_scores(scores, labels) AS j
    WHERE CASE WHEN bins >= 1 AND bins = FLOOR(bins) THEN TRUE ELSE ERROR('bins must be a whole number, 1 or more') END
),
counted_bins AS (
    SELECT
        r.bin,
        COUNT(*) AS n,
        MIN(r.churn_risk) AS lowest_risk,
        AVG(r.churn_risk) AS mean_risk,
        CAST(SUM(r.churned) AS BIGINT) AS n_churned
    FROM ranked AS r
    GROUP BY r.bin
),
running AS (
    SELECT
        b.*,
        SUM(b.n) OVER in_order AS n_so_far,
        SUM(b.n_churned) OVER in_order AS churned_so_far,
        CAST(SUM(b.n) OVER () AS DOUBLE) AS n_all,
        NULLIF(CAST(SUM(b.n_churned) OVER () AS DOUBLE), 0) AS churned_all
    FROM counted_bins AS b
    WINDOW in_order AS (ORDER BY b.bin)
),
final AS (
    SELECT
        CAST(r.bin AS INTEGER) AS bin,
        r.n,
        r.lowest_risk,
        r.mean_risk,
        r.n_churned,
        r.n_churned / CAST(r.n AS DOUBLE) AS churn_rate,
        (r.n_churned / CAST(r.n AS DOUBLE)) / (r.churned_all / r.n_all) AS lift,
        r.n_so_far / r.n_all AS cumulative_share,
        r.churned_so_far / r.churned_all AS cumulative_gain,
        (r.churned_so_far / r.churned_all) / (r.n_so_far / r.n_all) AS cumulative_lift
    FROM running AS r
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.lift_table IS
'How many churners are reached by contacting the riskiest users first, one row per bin of equal size, the riskiest first. Parameters: scores, labels (names of tables as in judged_scores); bins (10: deciles). Columns: bin (1 the riskiest); n; lowest_risk, mean_risk; n_churned; churn_rate; lift (churn_rate over that of all); cumulative_share (of users, this bin and those before it); cumulative_gain (of churners); cumulative_lift.';
