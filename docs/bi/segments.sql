-- Who is at risk, who has lapsed, and what they will do next: a bar chart, risk_band by n_users, stacked by next_action.
-- The sum of expected_churners is how many of the active users will leave within the horizon.
SELECT risk_band, next_action, n_users, mean_churn_risk, expected_churners, median_days_silent
FROM sqlscore.segment_summary
ORDER BY n_users DESC;
