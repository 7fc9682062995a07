CREATE OR REPLACE VIEW sqlscore.segment_summary AS
WITH
segments AS (
    SELECT
        s.risk_band,
        s.next_action,
        COUNT(*) AS n_users,
        AVG(s.churn_risk) AS mean_churn_risk,
        SUM(CASE WHEN s.risk_band = 'lapsed' THEN 0 ELSE CAST(s.churn_risk AS DOUBLE) END) AS expected_churners,
        AVG(s.next_action_probability) AS mean_next_action_probability,
        MEDIAN(s.seconds_to_next_action) AS median_seconds_to_next_action,
        AVG(s.n_events) AS mean_events,
        MAX(s.last_event_time) AS last_event_time,
        MAX(s.model) AS model,
        MAX(s.as_of) AS as_of,
        MAX(s.scored_at) AS scored_at,
        MEDIAN(s.days_silent) AS median_days_silent,
        BOOL_AND(s.is_active) AS is_active,
        MEDIAN(s.days_to_next_action) AS median_days_to_next_action
    FROM sqlscore.scored_segments AS s
    GROUP BY s.risk_band, s.next_action
),
final AS (
    SELECT
        s.risk_band,
        s.next_action,
        s.n_users,
        s.n_users / CAST(SUM(s.n_users) OVER () AS DOUBLE) AS share_of_users,
        s.mean_churn_risk,
        s.expected_churners,
        s.mean_next_action_probability,
        s.median_seconds_to_next_action,
        s.mean_events,
        s.last_event_time,
        s.model,
        s.as_of,
        s.scored_at,
        s.median_days_silent,
        s.is_active,
        s.median_days_to_next_action
    FROM segments AS s
)
SELECT * FROM final;

COMMENT ON VIEW sqlscore.segment_summary IS 'One row per segment (risk band x next action) of scored_segments.';
COMMENT ON COLUMN sqlscore.segment_summary.risk_band IS 'low (churn risk under 0.3), medium (0.3 to under 0.7), high (0.7 and over), lapsed if not seen within the model''s lookback, or unknown if the model has no churn head.';
COMMENT ON COLUMN sqlscore.segment_summary.next_action IS 'Most likely next action.';
COMMENT ON COLUMN sqlscore.segment_summary.n_users IS 'Number of users in the segment.';
COMMENT ON COLUMN sqlscore.segment_summary.share_of_users IS 'Their share of all scored users.';
COMMENT ON COLUMN sqlscore.segment_summary.mean_churn_risk IS 'Mean churn risk.';
COMMENT ON COLUMN sqlscore.segment_summary.expected_churners IS 'Sum of the churn risks of active users: how many of these users are expected to churn within the horizon; 0 if lapsed.';
COMMENT ON COLUMN sqlscore.segment_summary.mean_next_action_probability IS 'Mean probability of the next action.';
COMMENT ON COLUMN sqlscore.segment_summary.median_seconds_to_next_action IS 'Median of the predicted seconds to the next action.';
COMMENT ON COLUMN sqlscore.segment_summary.mean_events IS 'Mean number of events per user.';
COMMENT ON COLUMN sqlscore.segment_summary.last_event_time IS 'Time of the newest event in the segment, UTC.';
COMMENT ON COLUMN sqlscore.segment_summary.model IS 'The model that scored, name@version.';
COMMENT ON COLUMN sqlscore.segment_summary.as_of IS 'The moment at which the scores are valid, UTC.';
COMMENT ON COLUMN sqlscore.segment_summary.scored_at IS 'When the newest row was scored, UTC.';
COMMENT ON COLUMN sqlscore.segment_summary.median_days_silent IS 'Median of the days from the last event to as_of.';
COMMENT ON COLUMN sqlscore.segment_summary.is_active IS 'Whether the users were seen within the model''s lookback; FALSE for lapsed ones, NULL if the model has no churn head.';
COMMENT ON COLUMN sqlscore.segment_summary.median_days_to_next_action IS 'Median of the predicted days to the next action.';
