CREATE OR REPLACE VIEW sqlscore.live_scored_users AS
WITH
users AS (
    SELECT sqlscore_event.user_id, list_score_events(LIST(sqlscore_event)) AS score
    FROM sqlscore.events AS sqlscore_event
    GROUP BY sqlscore_event.user_id
),
-- A user who was not seen within the lookback has no churn label: only those who were can still leave.
models AS (
    SELECT
        CONCAT(m.name, '@', m.version) AS model,
        CASE
            WHEN LIST_CONTAINS(CAST(m.manifest -> 'heads' AS VARCHAR[]), 'churn')
                THEN COALESCE(CAST(m.manifest ->> 'lookback_seconds' AS DOUBLE), CAST('infinity' AS DOUBLE))
        END AS active_within
    FROM sqlscore.models AS m
),
final AS (
    SELECT
        u.user_id,
        u.score.n_events AS n_events,
        u.score.last_event_time AS last_event_time,
        u.score.next_action AS next_action,
        u.score.next_action_probability AS next_action_probability,
        u.score.next_actions AS next_actions,
        u.score.seconds_to_next_action AS seconds_to_next_action,
        u.score.churn_risk AS churn_risk,
        u.score.unknown_action_rate AS unknown_action_rate,
        u.score.model AS model,
        u.score.as_of AS as_of,
        (EPOCH_US(u.score.as_of) - EPOCH_US(u.score.last_event_time)) / 864e8 AS days_silent,
        EPOCH_US(u.score.as_of) - EPOCH_US(u.score.last_event_time) < m.active_within * 1e6 AS is_active,
        u.score.seconds_to_next_action / 86400 AS days_to_next_action
    FROM users AS u
    LEFT JOIN models AS m ON m.model = u.score.model
)
SELECT * FROM final;

COMMENT ON VIEW sqlscore.live_scored_users IS 'One row per user, scored by the champion at the moment of reading; scored_users is the stored copy.';
COMMENT ON COLUMN sqlscore.live_scored_users.user_id IS 'The user.';
COMMENT ON COLUMN sqlscore.live_scored_users.n_events IS 'Number of events that the scores rest on.';
COMMENT ON COLUMN sqlscore.live_scored_users.last_event_time IS 'Time of the newest of these events, UTC.';
COMMENT ON COLUMN sqlscore.live_scored_users.next_action IS 'Most likely next action.';
COMMENT ON COLUMN sqlscore.live_scored_users.next_action_probability IS 'Calibrated probability of that action.';
COMMENT ON COLUMN sqlscore.live_scored_users.next_actions IS 'The likeliest next actions with their probabilities, best first.';
COMMENT ON COLUMN sqlscore.live_scored_users.seconds_to_next_action IS 'Predicted median of the seconds from the last event to the next, given that there is one.';
COMMENT ON COLUMN sqlscore.live_scored_users.churn_risk IS 'Calibrated probability of no event within the model''s horizon after as_of; NULL if the model has no churn head.';
COMMENT ON COLUMN sqlscore.live_scored_users.unknown_action_rate IS 'Share of the events whose action the model never saw in training.';
COMMENT ON COLUMN sqlscore.live_scored_users.model IS 'The model that scored, name@version.';
COMMENT ON COLUMN sqlscore.live_scored_users.as_of IS 'The moment at which the scores are valid, UTC: nothing later was seen.';
COMMENT ON COLUMN sqlscore.live_scored_users.days_silent IS 'Days from the last event to as_of.';
COMMENT ON COLUMN sqlscore.live_scored_users.is_active IS 'Whether the user was seen within the model''s lookback before as_of; the others have lapsed, so they cannot churn any more. NULL if the model has no churn head.';
COMMENT ON COLUMN sqlscore.live_scored_users.days_to_next_action IS 'seconds_to_next_action in days.';
