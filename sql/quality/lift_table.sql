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
-- Who of equal risk comes first is chance (or the user_id), so a bin takes of their churners as many as of them.
equals AS (
    SELECT
        r.bin,
        r.churn_risk,
        COUNT(*) AS n,
        SUM(COUNT(*)) OVER (PARTITION BY r.churn_risk) AS n_equal,
        SUM(SUM(r.churned)) OVER (PARTITION BY r.churn_risk) AS churned_equal
    FROM ranked AS r
    GROUP BY r.bin, r.churn_risk
),
counted_bins AS (
    SELECT
        e.bin,
        CAST(SUM(e.n) AS BIGINT) AS n,
        MIN(e.churn_risk) AS lowest_risk,
        SUM(e.n * e.churn_risk) / SUM(e.n) AS mean_risk,
        CAST(SUM(e.churned_equal * e.n / CAST(e.n_equal AS DOUBLE)) AS DOUBLE) AS n_churned
    FROM equals AS e
    GROUP BY e.bin
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
'How many churners are reached by contacting the riskiest users first, one row per bin of equal size, the riskiest first. Parameters: scores, labels (names of tables as in judged_scores); bins (10: deciles). Columns: bin (1 the riskiest); n; lowest_risk, mean_risk; n_churned (users of equal risk whom two bins share are told apart by nothing, so each bin takes its share of their churners, which may be a fraction); churn_rate; lift (churn_rate over that of all); cumulative_share (of users, this bin and those before it); cumulative_gain (of churners); cumulative_lift.';
