CREATE OR REPLACE VIEW sqlscore.segment_summary AS
WITH
segments AS (
    SELECT
        s.risk_band,
        s.next_action,
        COUNT(*) AS n_users,
        AVG(s.churn_risk) AS mean_churn_risk,
        SUM(CAST(s.churn_risk AS DOUBLE)) AS expected_churners,
        AVG(s.next_action_probability) AS mean_next_action_probability,
        MEDIAN(s.seconds_to_next_action) AS median_seconds_to_next_action,
        AVG(s.n_events) AS mean_events,
        MAX(s.last_event_time) AS last_event_time,
        MAX(s.model) AS model,
        MAX(s.as_of) AS as_of,
        MAX(s.scored_at) AS scored_at
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
        s.scored_at
    FROM segments AS s
)
SELECT * FROM final;

COMMENT ON VIEW sqlscore.segment_summary IS 'One row per segment (risk band x next action) of scored_segments.';
COMMENT ON COLUMN sqlscore.segment_summary.risk_band IS 'low (churn risk under 0.3), medium (0.3 to under 0.7), high (0.7 and over), or unknown if the model has no churn head.';
COMMENT ON COLUMN sqlscore.segment_summary.next_action IS 'Most likely next action.';
COMMENT ON COLUMN sqlscore.segment_summary.n_users IS 'Number of users in the segment.';
COMMENT ON COLUMN sqlscore.segment_summary.share_of_users IS 'Their share of all scored users.';
COMMENT ON COLUMN sqlscore.segment_summary.mean_churn_risk IS 'Mean churn risk.';
COMMENT ON COLUMN sqlscore.segment_summary.expected_churners IS 'Sum of the churn risks: how many of these users are expected to churn within the horizon.';
COMMENT ON COLUMN sqlscore.segment_summary.mean_next_action_probability IS 'Mean probability of the next action.';
COMMENT ON COLUMN sqlscore.segment_summary.median_seconds_to_next_action IS 'Median of the predicted seconds to the next action.';
COMMENT ON COLUMN sqlscore.segment_summary.mean_events IS 'Mean number of events per user.';
COMMENT ON COLUMN sqlscore.segment_summary.last_event_time IS 'Time of the newest event in the segment, UTC.';
COMMENT ON COLUMN sqlscore.segment_summary.model IS 'The model that scored, name@version.';
COMMENT ON COLUMN sqlscore.segment_summary.as_of IS 'The moment at which the scores are valid, UTC.';
COMMENT ON COLUMN sqlscore.segment_summary.scored_at IS 'When the newest row was scored, UTC.';
