SELECT s.user_id, s.session_id, COUNT(c.user_id) AS n_scores
FROM {{ ref('sqlscore_sessions') }} AS s
FULL JOIN {{ ref('sqlscore_session_scores') }} AS c
    ON c.user_id = s.user_id AND c.session_id = s.session_id AND c.n_events = s.n_events
GROUP BY ALL
HAVING COUNT(c.user_id) <> 1 OR s.user_id IS NULL
