{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='user_id',
    on_schema_change='fail',
    post_hook=[
        "DELETE FROM {{ this }} AS s WHERE NOT EXISTS (
            SELECT 1 FROM {{ ref('sqlscore_events') }} AS e WHERE e.user_id = s.user_id)",
        "{{ sqlscore.judge(this) }}"
    ]
) }}
WITH
contents AS (
    SELECT sqlscore_event.user_id, SUM(HASH(sqlscore_event)) AS events_hash
    FROM {{ ref('sqlscore_events') }} AS sqlscore_event
    GROUP BY sqlscore_event.user_id
),
-- Late, changed and deleted events change the hash as new ones do.
changed_users AS (
    SELECT c.user_id, c.events_hash
    FROM contents AS c
    {%- if is_incremental() %}
    WHERE NOT EXISTS (
        SELECT 1 FROM {{ this }} AS s
        WHERE s.user_id = c.user_id AND s.events_hash = c.events_hash AND s.model = {{ sqlscore.champion() }}
    )
    {%- endif %}
),
states AS (
    SELECT sqlscore_event.user_id, {{ sqlscore.encode('LIST(sqlscore_event)') }} AS state
    FROM {{ ref('sqlscore_events') }} AS sqlscore_event
    SEMI JOIN changed_users USING (user_id)
    GROUP BY sqlscore_event.user_id
),
final AS (
    SELECT s.user_id, s.state.model AS model, c.events_hash, s.state, {{ sqlscore.run_time() }} AS encoded_at
    FROM states AS s
    INNER JOIN changed_users AS c ON c.user_id = s.user_id
)
SELECT * FROM final
