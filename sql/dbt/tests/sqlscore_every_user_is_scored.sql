SELECT * FROM (SELECT DISTINCT user_id FROM {{ ref('sqlscore_events') }})
FULL JOIN (SELECT user_id AS scored_user FROM {{ ref('sqlscore_user_scores') }}) ON scored_user = user_id
WHERE user_id IS NULL OR scored_user IS NULL
