CREATE OR REPLACE MACRO sqlscore.drift_of_bins(bins) AS TABLE
WITH
-- The index is undefined if a share is 0, so shares below one in ten thousand count as one in ten thousand.
shares AS (
    SELECT
        b.measure,
        b.n_reference,
        b.n_current,
        b.share_reference AS p,
        b.share_current AS q,
        GREATEST(b.share_reference, 1e-4) AS p_floor,
        GREATEST(b.share_current, 1e-4) AS q_floor,
        (b.share_reference + b.share_current) / 2 AS m
    FROM query_table(bins) AS b
),
measures AS (
    SELECT
        s.measure,
        CAST(SUM(s.n_reference) AS BIGINT) AS n_reference,
        CAST(SUM(s.n_current) AS BIGINT) AS n_current,
        SUM((s.q_floor - s.p_floor) * LN(s.q_floor / s.p_floor)) AS psi,
        SUM(
            CASE WHEN s.p > 0 THEN s.p * LOG2(s.p / s.m) / 2 ELSE 0 END
            + CASE WHEN s.q > 0 THEN s.q * LOG2(s.q / s.m) / 2 ELSE 0 END
        ) AS jensen_shannon
    FROM shares AS s
    WHERE s.p IS NOT NULL AND s.q IS NOT NULL
    GROUP BY s.measure
),
final AS (
    SELECT
        m.measure,
        m.n_reference,
        m.n_current,
        m.psi,
        m.jensen_shannon,
        CASE WHEN m.psi < 0.1 THEN 'stable' WHEN m.psi < 0.25 THEN 'moved' ELSE 'shifted' END AS verdict
    FROM measures AS m
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.drift_of_bins IS
'How far two distributions are apart, one row per measure. Parameter bins: name of a table with measure, n_reference, n_current, share_reference, share_current, as drift_bins returns. Columns: measure; n_reference, n_current; psi (population stability index); jensen_shannon (divergence, base 2: 0 equal to 1 apart); verdict (by psi: ''stable'' under 0.1, ''moved'' under 0.25, else ''shifted'').';
