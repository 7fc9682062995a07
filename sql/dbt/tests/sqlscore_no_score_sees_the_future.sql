SELECT user_id, last_event_time, as_of FROM {{ ref('sqlscore_user_scores') }} WHERE last_event_time > as_of
UNION ALL
SELECT user_id, last_event_time, as_of FROM {{ ref('sqlscore_session_scores') }} WHERE last_event_time > as_of
