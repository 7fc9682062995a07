{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='user_id',
    on_schema_change='fail',
    post_hook="DELETE FROM {{ this }} AS s WHERE NOT EXISTS (
        SELECT 1 FROM {{ ref('sqlscore_user_states') }} AS u WHERE u.user_id = s.user_id)"
) }}
WITH
changed_users AS (
    SELECT u.user_id, u.events_hash
    FROM {{ ref('sqlscore_user_states') }} AS u
    {%- if is_incremental() %}
    WHERE NOT EXISTS (
        SELECT 1 FROM {{ this }} AS s
        WHERE s.user_id = u.user_id AND s.events_hash = u.events_hash AND s.model = u.model
    )
    {%- endif %}
),
events AS (
    SELECT sqlscore_event.user_id, sqlscore_event.event_time, sqlscore_event AS event
    FROM {{ ref('sqlscore_events') }} AS sqlscore_event
    SEMI JOIN changed_users USING (user_id)
),
sessions AS (
    SELECT s.user_id, s.session_id, s.session_start, s.session_end, LIST(e.event) AS events
    FROM events AS e
    ASOF INNER JOIN {{ ref('sqlscore_sessions') }} AS s
        ON s.user_id = e.user_id AND e.event_time >= s.session_start
    GROUP BY s.user_id, s.session_id, s.session_start, s.session_end
),
scores AS (
    SELECT
        s.user_id,
        s.session_id,
        s.session_start,
        s.session_end,
        {{ sqlscore.score(sqlscore.encode('s.events'), 's.session_end') }} AS score
    FROM sessions AS s
),
final AS (
    SELECT
        s.user_id,
        s.session_id,
        s.session_start,
        s.session_end,
        {{ sqlscore.score_columns('s.score') }},
        {{ sqlscore.run_time() }} AS scored_at,
        c.events_hash
    FROM scores AS s
    INNER JOIN changed_users AS c ON c.user_id = s.user_id
)
SELECT * FROM final
