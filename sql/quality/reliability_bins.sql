CREATE OR REPLACE VIEW sqlscore.reliability_bins AS
WITH
champions AS (
    SELECT a.mapping, a.name, a.version
    FROM sqlscore.aliases AS a
    WHERE a.alias = 'champion'
),
-- For each head a list with an entry a bin: how many, the sum of their probabilities, how many came true.
heads AS (
    SELECT
        m.mapping,
        m.name,
        m.version,
        h.key AS head,
        CAST(h.value AS DOUBLE[][]) AS bins
    FROM sqlscore.models AS m
    CROSS JOIN JSON_EACH(m.metrics -> '$.reliability') AS h
),
bins AS (
    SELECT
        h.mapping,
        h.name,
        h.version,
        h.head,
        LEN(h.bins) AS n_bins,
        UNNEST(RANGE(LEN(h.bins))) AS bin,
        UNNEST(h.bins) AS entry
    FROM heads AS h
),
rates AS (
    SELECT
        b.*,
        CAST(b.entry[1] AS BIGINT) AS n,
        b.entry[2] / b.entry[1] AS mean_probability,
        CAST(b.entry[3] AS BIGINT) AS n_true,
        b.entry[3] / b.entry[1] AS rate,
        1.959964 * 1.959964 / b.entry[1] AS z2_by_n
    FROM bins AS b
    WHERE b.entry[1] > 0
),
-- Wilson (1927) score interval.
intervals AS (
    SELECT
        r.*,
        (r.rate + r.z2_by_n / 2) / (1 + r.z2_by_n) AS centre,
        SQRT(r.z2_by_n * (r.rate * (1 - r.rate) + r.z2_by_n / 4)) / (1 + r.z2_by_n) AS half_width
    FROM rates AS r
),
final AS (
    SELECT
        i.mapping,
        CONCAT(i.name, '@', i.version) AS model,
        c.name IS NOT NULL AS is_champion,
        i.head,
        CAST(i.bin AS DOUBLE) / i.n_bins AS probability_from,
        CAST(i.bin + 1 AS DOUBLE) / i.n_bins AS probability_to,
        i.n,
        i.mean_probability,
        i.n_true,
        i.rate,
        i.centre - i.half_width AS rate_low,
        i.centre + i.half_width AS rate_high,
        i.mean_probability BETWEEN i.centre - i.half_width AND i.centre + i.half_width AS is_calibrated
    FROM intervals AS i
    LEFT JOIN champions AS c
        ON c.mapping = i.mapping AND c.name = i.name AND c.version = i.version
)
SELECT * FROM final;

COMMENT ON VIEW sqlscore.reliability_bins IS 'How often predictions came true on the events after the training, by how likely they were said to be: one row per model, head and bin of equal width that is not empty. Models that were trained before there was this view have none.';
COMMENT ON COLUMN sqlscore.reliability_bins.mapping IS 'The mapped events that the model was trained on.';
COMMENT ON COLUMN sqlscore.reliability_bins.model IS 'The model, name@version.';
COMMENT ON COLUMN sqlscore.reliability_bins.is_champion IS 'Whether this is the model that is used when none is named.';
COMMENT ON COLUMN sqlscore.reliability_bins.head IS 'What is predicted: next_action (the probability of the predicted action) or churn (the churn risk).';
COMMENT ON COLUMN sqlscore.reliability_bins.probability_from IS 'Where the bin begins.';
COMMENT ON COLUMN sqlscore.reliability_bins.probability_to IS 'Where it ends; the last bin holds 1.0 too.';
COMMENT ON COLUMN sqlscore.reliability_bins.n IS 'Number of predictions in the bin.';
COMMENT ON COLUMN sqlscore.reliability_bins.mean_probability IS 'Their mean probability.';
COMMENT ON COLUMN sqlscore.reliability_bins.n_true IS 'How many came true.';
COMMENT ON COLUMN sqlscore.reliability_bins.rate IS 'Their share.';
COMMENT ON COLUMN sqlscore.reliability_bins.rate_low IS 'Lower end of its 95 % interval (Wilson).';
COMMENT ON COLUMN sqlscore.reliability_bins.rate_high IS 'Upper end of its 95 % interval (Wilson).';
COMMENT ON COLUMN sqlscore.reliability_bins.is_calibrated IS 'Whether the mean probability lies in the interval.';
