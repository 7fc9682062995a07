WITH
high_water AS (
    SELECT MAX(e.event_time) AS as_of FROM {{ ref('sqlscore_events') }} AS e
),
-- All risks change with the newest event, whoever caused it.
scores AS (
    SELECT s.user_id, {{ sqlscore.score('s.state', 'h.as_of') }} AS score
    FROM {{ ref('sqlscore_user_states') }} AS s
    CROSS JOIN high_water AS h
),
final AS (
    SELECT
        s.user_id,
        {{ sqlscore.score_columns('s.score') }},
        {{ sqlscore.run_time() }} AS scored_at
    FROM scores AS s
)
SELECT * FROM final
