CREATE OR REPLACE MACRO sqlscore.churn_horizons_with(scores := 'sqlscore.scored_users') AS TABLE
WITH
models AS (
    SELECT
        CONCAT(m.name, '@', m.version) AS model,
        CAST(m.manifest ->> 'horizon_seconds' AS DOUBLE) AS longest,
        COALESCE(CAST(m.manifest ->> 'lookback_seconds' AS DOUBLE), CAST('infinity' AS DOUBLE)) AS lookback,
        LIST_CONCAT(
            CAST(m.manifest -> '$.horizons[*].seconds' AS DOUBLE[]),
            [CAST(m.manifest ->> 'horizon_seconds' AS DOUBLE)]
        ) AS seconds,
        CAST(m.manifest -> '$.horizons[*].weights' AS DOUBLE[][]) AS weights
    FROM sqlscore.models AS m
    WHERE m.manifest ->> 'horizon_seconds' IS NOT NULL
),
horizons AS (
    SELECT m.model, m.longest, m.lookback, m.seconds, m.weights, UNNEST(RANGE(1, LEN(m.seconds) + 1)) AS place
    FROM models AS m
),
users AS (
    SELECT
        ROW_NUMBER() OVER () AS row_number,
        s.user_id,
        s.model,
        s.as_of,
        CAST(s.churn_risk AS DOUBLE) AS risk,
        (EPOCH_US(s.as_of) - EPOCH_US(s.last_event_time)) / 1e6 AS silence
    FROM query_table(scores) AS s
    WHERE s.churn_risk IS NOT NULL
),
-- The share of those who come back within the next longer horizon that comes back within this one: see concepts.md.
usual AS (
    SELECT
        u.row_number,
        u.user_id,
        u.model,
        u.as_of,
        u.risk,
        h.place,
        h.seconds[h.place] AS horizon_seconds,
        h.weights[h.place] AS weights,
        LEAST(u.silence, h.lookback) AS silence,
        h.place < LEN(h.seconds) AS is_shorter,
        (1 - POW(u.risk, h.seconds[h.place] / h.longest)) / (1 - POW(u.risk, h.seconds[h.place + 1] / h.longest))
            AS share
    FROM users AS u
    JOIN horizons AS h ON h.model = u.model
),
shares AS (
    SELECT
        u.*,
        CASE
            WHEN u.is_shorter
                THEN 1 / (
                    1 + EXP(-(
                        LN(u.share / (1 - u.share)) + u.weights[1] + u.weights[2] * LN(u.risk / (1 - u.risk))
                        + u.weights[3] * LN(1 + u.silence / u.horizon_seconds)
                    ))
                )
            ELSE 1
        END AS within
    FROM usual AS u
),
final AS (
    SELECT
        s.user_id,
        TO_DAYS(CAST(s.horizon_seconds // 86400 AS INTEGER))
        + TO_MICROSECONDS(CAST(ROUND(s.horizon_seconds % 86400 * 1e6) AS BIGINT)) AS horizon,
        s.horizon_seconds,
        CAST(
            LEAST(
                GREATEST(
                    1 - (1 - s.risk) * PRODUCT(s.within) OVER (
                        PARTITION BY s.row_number
                        ORDER BY s.place DESC
                    ),
                    1e-4
                ),
                1 - 1e-4
            ) AS FLOAT
        ) AS churn_risk,
        s.model,
        s.as_of
    FROM shares AS s
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.churn_horizons_with IS
'The churn risk within each horizon that the scoring model was trained for: a row per row of scores and horizon, rising; what churn_risk(e, horizon := ...) says. Parameters: scores, the name of a table with user_id, model, as_of, last_event_time and churn_risk, such as score_history makes (by default scored_users itself). Columns: user_id; horizon, horizon_seconds; churn_risk; model, as_of.';
