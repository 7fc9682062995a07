-- Whom to talk to today: a table, with a filter on next_action.
SELECT user_id, churn_risk, next_action, last_event_time
FROM sqlscore.scored_users
WHERE churn_risk >= 0.7
ORDER BY churn_risk DESC, user_id
LIMIT 100;
