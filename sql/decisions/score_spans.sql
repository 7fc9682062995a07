CREATE OR REPLACE VIEW sqlscore.score_spans AS
WITH
scored AS (
    SELECT MAX(s.model) AS model FROM sqlscore.scored_users AS s
),
final AS (
    SELECT
        s.model,
        COALESCE(
            TO_MICROSECONDS(CAST(CAST(m.manifest ->> 'horizon_seconds' AS DOUBLE) * 1e6 AS BIGINT)), INTERVAL 30 DAY
        ) AS horizon,
        COALESCE(
            TO_MICROSECONDS(CAST(CAST(m.manifest ->> 'lookback_seconds' AS DOUBLE) * 1e6 AS BIGINT)), INTERVAL 90 DAY
        ) AS lookback
    FROM scored AS s
    LEFT JOIN sqlscore.models AS m ON CONCAT(m.name, '@', m.version) = s.model
)
SELECT * FROM final;

COMMENT ON VIEW sqlscore.score_spans IS 'How far the model behind scored_users looks, one row.';
COMMENT ON COLUMN sqlscore.score_spans.model IS 'The model, name@version; NULL if nothing is scored.';
COMMENT ON COLUMN sqlscore.score_spans.horizon IS 'The horizon of its churn risk; 30 days if it has none.';
COMMENT ON COLUMN sqlscore.score_spans.lookback IS 'Within this span before as_of a user must have been seen to be active; 90 days if it has none.';
