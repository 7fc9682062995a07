CREATE OR REPLACE MACRO sqlscore.calibration_bins(scores, labels, bins := 10) AS TABLE
WITH
judged AS (
    SELECT
        CAST(LEAST(FLOOR(j.churn_risk * bins), bins - 1) AS INTEGER) AS number,
        j.churn_risk,
        j.churned
    FROM sqlscore.judged_scores(scores, labels) AS j
    WHERE CASE WHEN bins >= 1 AND bins = FLOOR(bins) THEN TRUE ELSE ERROR('bins must be a whole number, 1 or more') END
),
counted_bins AS (
    SELECT
        j.number,
        COUNT(*) AS n,
        AVG(j.churn_risk) AS mean_risk,
        AVG(CAST(j.churned AS DOUBLE)) AS churn_rate,
        1.959964 * 1.959964 / COUNT(*) AS z2_by_n
    FROM judged AS j
    GROUP BY j.number
),
-- Wilson (1927) score interval.
intervals AS (
    SELECT
        b.*,
        (b.churn_rate + b.z2_by_n / 2) / (1 + b.z2_by_n) AS centre,
        SQRT(b.z2_by_n * (b.churn_rate * (1 - b.churn_rate) + b.z2_by_n / 4)) / (1 + b.z2_by_n) AS half_width
    FROM counted_bins AS b
),
final AS (
    SELECT
        CAST(i.number AS DOUBLE) / bins AS risk_from,
        CAST(i.number + 1 AS DOUBLE) / bins AS risk_to,
        i.n,
        i.mean_risk,
        i.churn_rate,
        i.centre - i.half_width AS rate_low,
        i.centre + i.half_width AS rate_high,
        i.mean_risk BETWEEN i.centre - i.half_width AND i.centre + i.half_width AS is_calibrated
    FROM intervals AS i
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.calibration_bins IS
'Whether predicted risks agree with observed churn (of users with a risk of 0.3, three in ten should churn), one row per bin of equal width that is not empty. Parameters: scores, labels (names of tables as in judged_scores); bins (10). Columns: risk_from, risk_to (the bin; the last one holds 1.0 too); n; mean_risk (predicted); churn_rate (observed); rate_low, rate_high (95 % interval of the observed rate, Wilson); is_calibrated (mean_risk lies in it).';
