CREATE OR REPLACE VIEW sqlscore.action_stats AS
SELECT * FROM sqlscore.action_stats_with();

COMMENT ON VIEW sqlscore.action_stats IS 'What precedes churn (30 days without an event) and what precedes retention: users who did an action in the 90 days before compared with users of similar activity who did not. An association, not a cause.';
COMMENT ON COLUMN sqlscore.action_stats.action IS 'The action.';
COMMENT ON COLUMN sqlscore.action_stats.n_events IS 'How often labelled users did it in the lookback.';
COMMENT ON COLUMN sqlscore.action_stats.n_users IS 'Labelled users who did it in the lookback.';
COMMENT ON COLUMN sqlscore.action_stats.support IS 'Their share of the labelled users.';
COMMENT ON COLUMN sqlscore.action_stats.churn_rate IS 'Share of them that churned.';
COMMENT ON COLUMN sqlscore.action_stats.churn_rate_without IS 'Share of the other labelled users that churned.';
COMMENT ON COLUMN sqlscore.action_stats.retention_lift IS 'Retention of those who did it over that of those who did not, compared within classes of the number of events (Mantel-Haenszel).';
COMMENT ON COLUMN sqlscore.action_stats.lift_low IS 'Lower end of its 95 % confidence interval.';
COMMENT ON COLUMN sqlscore.action_stats.lift_high IS 'Upper end of its 95 % confidence interval.';
COMMENT ON COLUMN sqlscore.action_stats.p_value IS 'Probability of so strong a lift by chance; NULL if either side has fewer than 20 users.';
COMMENT ON COLUMN sqlscore.action_stats.q_value IS 'p_value corrected for the number of actions (Benjamini-Hochberg).';
COMMENT ON COLUMN sqlscore.action_stats.precedes IS 'retention or churn if q_value is under 0.05, else unclear; or too few users.';
