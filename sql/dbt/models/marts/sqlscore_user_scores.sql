{{ sqlscore.judge() }}
WITH
{%- if sqlscore.in_groups() %}
-- The newest event of any group that the user has events of.
high_water AS (
    SELECT e.user_id, MAX(e.group_high_water) AS as_of
    FROM {{ source('sqlscore', 'events') }} AS e
    GROUP BY e.user_id
),
{%- else %}
high_water AS (
    SELECT MAX(e.event_time) AS as_of FROM {{ ref('sqlscore_events') }} AS e
),
{%- endif %}
-- All risks change with the newest event, whoever caused it.
scores AS (
    SELECT s.user_id, {{ sqlscore.score('s.state', 'h.as_of') }} AS score
    FROM {{ ref('sqlscore_user_states') }} AS s
    {% if sqlscore.in_groups() %}INNER JOIN high_water AS h ON h.user_id = s.user_id{% else %}CROSS JOIN high_water AS h{% endif %}
),
final AS (
    SELECT
        s.user_id,
        {{ sqlscore.score_columns('s.score') }},
        {{ sqlscore.run_time() }} AS scored_at,
        (EPOCH_US(s.score.as_of) - EPOCH_US(s.score.last_event_time)) / 864e8 AS days_silent,
        EPOCH_US(s.score.as_of) - EPOCH_US(s.score.last_event_time) < {{ sqlscore.active_within() }} * 1e6 AS is_active,
        s.score.seconds_to_next_action / 86400 AS days_to_next_action
    FROM scores AS s
)
SELECT * FROM final
