WITH
users AS (
    SELECT
        CASE
            WHEN u.churn_risk IS NULL THEN 'unknown'
            WHEN NOT u.is_active THEN 'lapsed'
            WHEN u.churn_risk >= CAST({{ var('sqlscore_high_risk_from') }} AS FLOAT) THEN 'high'
            WHEN u.churn_risk >= CAST({{ var('sqlscore_medium_risk_from') }} AS FLOAT) THEN 'medium'
            ELSE 'low'
        END AS risk_band,
        u.next_action,
        u.churn_risk,
        u.next_action_probability,
        u.n_events,
        u.as_of,
        u.days_silent
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
        ANY_VALUE(u.as_of) AS as_of,
        SUM(CASE WHEN u.risk_band = 'lapsed' THEN 0 ELSE CAST(u.churn_risk AS DOUBLE) END) AS expected_churners,
        MEDIAN(u.days_silent) AS median_days_silent
    FROM users AS u
    GROUP BY u.risk_band, u.next_action
)
SELECT * FROM final
