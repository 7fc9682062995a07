-- Whom to talk to today: users at high risk who can still be kept, so not those who have lapsed; a table, with a filter on
-- next_action.
SELECT user_id, churn_risk, next_action, last_event_time, days_silent
FROM sqlscore.scored_users
WHERE is_active AND churn_risk >= 0.7
ORDER BY churn_risk DESC, user_id
LIMIT 100;
