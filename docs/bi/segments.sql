-- Who is at risk, and what they will do next: a bar chart, risk_band by n_users, stacked by next_action.
SELECT risk_band, next_action, n_users, mean_churn_risk, expected_churners
FROM sqlscore.segment_summary
ORDER BY n_users DESC;
