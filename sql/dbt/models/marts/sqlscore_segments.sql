WITH
users AS (
    SELECT
        CASE
            WHEN u.churn_risk IS NULL THEN 'unknown'
            WHEN u.churn_risk >= CAST({{ var('sqlscore_high_risk_from') }} AS FLOAT) THEN 'high'
            WHEN u.churn_risk >= CAST({{ var('sqlscore_medium_risk_from') }} AS FLOAT) THEN 'medium'
            ELSE 'low'
        END AS risk_band,
        u.next_action,
        u.churn_risk,
        u.next_action_probability,
        u.n_events,
        u.as_of
    FROM {{ ref('sqlscore_user_scores') }} AS u
),
final AS (
    SELECT
        u.risk_band,
        u.next_action,
        COUNT(*) AS n_users,
        COUNT(*) / SUM(COUNT(*)) OVER () AS share_of_users,
        AVG(u.churn_risk) AS mean_churn_risk,
        AVG(u.next_action_probability) AS mean_next_action_probability,
        AVG(u.n_events) AS mean_events,
        ANY_VALUE(u.as_of) AS as_of
    FROM users AS u
    GROUP BY u.risk_band, u.next_action
)
SELECT * FROM final
