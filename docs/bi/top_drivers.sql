-- What precedes churn and what precedes retention: a table, or bars of retention_lift with lift_low and lift_high.
SELECT action, precedes, n_users, churn_rate, churn_rate_without, retention_lift, lift_low, lift_high
FROM sqlscore.action_stats
WHERE precedes IN ('churn', 'retention')
ORDER BY q_value, action
LIMIT 10;
