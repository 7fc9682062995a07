CREATE OR REPLACE VIEW sqlscore.model_metrics AS
WITH
models AS (
    SELECT
        m.mapping,
        m.name,
        m.version,
        m.metrics
    FROM sqlscore.models AS m
),
champions AS (
    SELECT a.mapping, a.name, a.version
    FROM sqlscore.aliases AS a
    WHERE a.alias = 'champion'
),
-- Every number of the metrics' tree: $.head[.subset][.baselines.name].metric.
numbers AS (
    SELECT
        m.mapping,
        m.name,
        m.version,
        STRING_SPLIT(t.path, '.') AS steps,
        t.key AS metric,
        TRY_CAST(t.atom AS DOUBLE) AS value
    FROM models AS m
    CROSS JOIN JSON_TREE(m.metrics) AS t
    -- Those of groups are in group_metrics, those of bins in reliability_bins.
    WHERE
        t.type IN ('DOUBLE', 'BIGINT', 'UBIGINT', 'HUGEINT')
        AND NOT STARTS_WITH(t.path, '$.groups')
        AND NOT STARTS_WITH(t.path, '$.reliability')
),
final AS (
    SELECT
        n.mapping,
        CONCAT(n.name, '@', n.version) AS model,
        c.name IS NOT NULL AS is_champion,
        n.steps[2] AS head,
        n.steps[LIST_POSITION(n.steps, 'baselines') + 1] AS baseline,
        CASE WHEN n.steps[3] <> 'baselines' THEN n.steps[3] END AS subset,
        n.metric,
        n.value
    FROM numbers AS n
    LEFT JOIN champions AS c
        ON c.mapping = n.mapping AND c.name = n.name AND c.version = n.version
    WHERE ARRAY_LENGTH(n.steps) >= 2
)
SELECT * FROM final;

COMMENT ON VIEW sqlscore.model_metrics IS 'Every metric of every registered model on its test events, one number per row, with those of the baselines.';
COMMENT ON COLUMN sqlscore.model_metrics.mapping IS 'The mapped events that the model was trained on.';
COMMENT ON COLUMN sqlscore.model_metrics.model IS 'The model, name@version.';
COMMENT ON COLUMN sqlscore.model_metrics.is_champion IS 'Whether this is the model that is used when none is named.';
COMMENT ON COLUMN sqlscore.model_metrics.head IS 'What is predicted: next_action, time_to_next or churn.';
COMMENT ON COLUMN sqlscore.model_metrics.baseline IS 'The baseline that the value belongs to (majority, markov1, recency, ...); NULL for the model itself.';
COMMENT ON COLUMN sqlscore.model_metrics.subset IS 'The part of the test events that the value is for (seen or unseen users); NULL for all.';
COMMENT ON COLUMN sqlscore.model_metrics.metric IS 'The metric: accuracy, log_loss, auc, ...; n is the number of test examples.';
COMMENT ON COLUMN sqlscore.model_metrics.value IS 'Its value.';
