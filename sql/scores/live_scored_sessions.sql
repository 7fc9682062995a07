CREATE OR REPLACE VIEW sqlscore.live_scored_sessions AS
WITH
sessions AS (
    SELECT
        s.user_id,
        s.session_id,
        MIN(s.event_time) AS session_start,
        MAX(s.event_time) AS session_end,
        LIST(s.event) AS events
    FROM sqlscore.session_events AS s
    GROUP BY s.user_id, s.session_id
),
scored_sessions AS (
    SELECT
        s.user_id,
        s.session_id,
        s.session_start,
        s.session_end,
        list_score_events(s.events, as_of := s.session_end) AS score
    FROM sessions AS s
),
final AS (
    SELECT
        s.user_id,
        s.session_id,
        s.session_start,
        s.session_end,
        s.score.n_events AS n_events,
        s.score.last_event_time AS last_event_time,
        s.score.next_action AS next_action,
        s.score.next_action_probability AS next_action_probability,
        s.score.next_actions AS next_actions,
        s.score.seconds_to_next_action AS seconds_to_next_action,
        s.score.churn_risk AS churn_risk,
        s.score.unknown_action_rate AS unknown_action_rate,
        s.score.model AS model,
        s.score.as_of AS as_of
    FROM scored_sessions AS s
)
SELECT * FROM final;

COMMENT ON VIEW sqlscore.live_scored_sessions IS 'One row per session (30 minutes of silence separate two), scored from its own events alone as of its end, by the champion at the moment of reading; scored_sessions is the stored copy.';
COMMENT ON COLUMN sqlscore.live_scored_sessions.user_id IS 'The user.';
COMMENT ON COLUMN sqlscore.live_scored_sessions.session_id IS 'Which of the user''s sessions: 1, 2, ... in time order.';
COMMENT ON COLUMN sqlscore.live_scored_sessions.session_start IS 'Time of the session''s first event, UTC.';
COMMENT ON COLUMN sqlscore.live_scored_sessions.session_end IS 'Time of the session''s last event, UTC.';
COMMENT ON COLUMN sqlscore.live_scored_sessions.n_events IS 'Number of events that the scores rest on.';
COMMENT ON COLUMN sqlscore.live_scored_sessions.last_event_time IS 'Time of the newest of these events, UTC.';
COMMENT ON COLUMN sqlscore.live_scored_sessions.next_action IS 'Most likely next action.';
COMMENT ON COLUMN sqlscore.live_scored_sessions.next_action_probability IS 'Calibrated probability of that action.';
COMMENT ON COLUMN sqlscore.live_scored_sessions.next_actions IS 'The likeliest next actions with their probabilities, best first.';
COMMENT ON COLUMN sqlscore.live_scored_sessions.seconds_to_next_action IS 'Predicted median of the seconds from the last event to the next, given that there is one.';
COMMENT ON COLUMN sqlscore.live_scored_sessions.churn_risk IS 'Calibrated probability of no event within the model''s horizon after as_of; NULL if the model has no churn head.';
COMMENT ON COLUMN sqlscore.live_scored_sessions.unknown_action_rate IS 'Share of the events whose action the model never saw in training.';
COMMENT ON COLUMN sqlscore.live_scored_sessions.model IS 'The model that scored, name@version.';
COMMENT ON COLUMN sqlscore.live_scored_sessions.as_of IS 'The session''s end: nothing later was seen.';
