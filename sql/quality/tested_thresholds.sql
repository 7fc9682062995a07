CREATE OR REPLACE MACRO sqlscore.tested_thresholds(
    model, contact_cost := 1.0, saved_value := 20.0, save_rate := 0.2
) AS TABLE
WITH
bins AS (
    SELECT
        b.probability_from AS threshold,
        b.n,
        b.n_true
    FROM sqlscore.reliability_bins AS b
    WHERE b.model = CAST(model AS VARCHAR) AND b.head = 'churn'
),
counts AS (
    SELECT
        b.threshold,
        SUM(b.n) OVER riskier AS n_contacted,
        SUM(b.n_true) OVER riskier AS n_churners_contacted,
        SUM(b.n) OVER () AS n_all,
        SUM(b.n_true) OVER () AS n_churners
    FROM bins AS b
    WINDOW riskier AS (ORDER BY b.threshold DESC ROWS UNBOUNDED PRECEDING)
),
rates AS (
    SELECT
        c.threshold,
        CAST(c.n_contacted AS BIGINT) AS n_contacted,
        CAST(c.n_churners_contacted AS BIGINT) AS n_churners_contacted,
        c.n_contacted / CAST(c.n_all AS DOUBLE) AS share_contacted,
        c.n_churners_contacted / CAST(c.n_contacted AS DOUBLE) AS precision,
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
        r.share_contacted,
        r.precision,
        r.recall,
        r.recall / r.share_contacted AS lift,
        r.cost,
        r.gain,
        r.gain - r.cost AS profit,
        RANK() OVER (ORDER BY r.gain - r.cost DESC, r.threshold DESC) = 1 AS is_best
    FROM rates AS r
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.tested_thresholds IS
'The churn risk from which a contact pays, on the events after the training of a model: one row per bin of reliability_bins. Parameters: model (name@version); contact_cost (1: cost of contacting one user); saved_value (20: value of one who stays because of it); save_rate (0.2: share of contacted churners who then stay). Columns: threshold (contact users whose churn_risk is at least this); n_contacted; n_churners_contacted; share_contacted (of all); precision; recall; lift (recall over share_contacted); cost; gain (of the users saved); profit (gain - cost); is_best (the highest profit; the highest such threshold).';
