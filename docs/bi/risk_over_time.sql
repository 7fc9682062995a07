-- Churn risk at the end of each day's sessions: a line chart of mean_churn_risk by day.
-- In Grafana: date_trunc('day', session_end) AS time, and WHERE $__timeFilter(session_end).
SELECT
    date_trunc('day', session_end) AS day,
    count(*) AS n_sessions,
    avg(churn_risk) AS mean_churn_risk,
    avg((churn_risk >= 0.7)::int) AS share_at_high_risk
FROM sqlscore.scored_sessions
GROUP BY date_trunc('day', session_end)
ORDER BY day;
