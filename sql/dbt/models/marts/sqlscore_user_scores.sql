WITH
high_water AS (
    SELECT MAX(e.event_time) AS as_of FROM {{ ref('sqlscore_events') }} AS e
),
-- Everybody's risk moves with the newest event, whoever's it is.
scores AS (
    SELECT s.user_id, {{ sqlscore.score('s.state', 'h.as_of') }} AS score
    FROM {{ ref('sqlscore_user_states') }} AS s
    CROSS JOIN high_water AS h
),
final AS (
    SELECT
        s.user_id,
        s.score.n_events AS n_events,
        s.score.last_event_time AS last_event_time,
        s.score.next_action AS next_action,
        s.score.next_action_probability AS next_action_probability,
        s.score.next_actions AS next_actions,
        s.score.seconds_to_next_action AS seconds_to_next_action,
        s.score.churn_risk AS churn_risk,
        s.score.unknown_action_rate AS unknown_action_rate,
        s.score.model AS model,
        s.score.as_of AS as_of,
        {{ sqlscore.run_time() }} AS scored_at
    FROM scores AS s
)
SELECT * FROM final
