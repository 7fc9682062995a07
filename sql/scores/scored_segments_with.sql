CREATE OR REPLACE MACRO sqlscore.scored_segments_with(medium_from := 0.3, high_from := 0.7) AS TABLE
WITH
models AS (
    SELECT
        CONCAT(m.name, '@', m.version) AS model,
        CASE
            WHEN LIST_CONTAINS(CAST(m.manifest -> 'heads' AS VARCHAR[]), 'churn')
                THEN COALESCE(CAST(m.manifest ->> 'lookback_seconds' AS DOUBLE), CAST('infinity' AS DOUBLE))
        END AS active_within
    FROM sqlscore.models AS m
),
users AS (
    SELECT
        u.user_id,
        u.churn_risk,
        u.next_action,
        u.next_action_probability,
        u.seconds_to_next_action,
        u.n_events,
        u.last_event_time,
        u.model,
        u.as_of,
        u.scored_at,
        (EPOCH_US(u.as_of) - EPOCH_US(u.last_event_time)) / 864e8 AS days_silent,
        EPOCH_US(u.as_of) - EPOCH_US(u.last_event_time) < m.active_within * 1e6 AS is_active,
        u.seconds_to_next_action / 86400 AS days_to_next_action
    FROM sqlscore.scored_users AS u
    LEFT JOIN models AS m ON m.model = u.model
),
banded_users AS (
    SELECT
        u.*,
        CASE
            WHEN u.churn_risk IS NULL THEN 'unknown'
            WHEN NOT u.is_active THEN 'lapsed'
            WHEN u.churn_risk >= CAST(high_from AS FLOAT) THEN 'high'
            WHEN u.churn_risk >= CAST(medium_from AS FLOAT) THEN 'medium'
            ELSE 'low'
        END AS risk_band
    FROM users AS u
),
-- PERCENT_RANK gives users of equal risk the same decile. Lapsed users would fill the highest ones.
ranked_users AS (
    SELECT
        u.*,
        PERCENT_RANK() OVER (PARTITION BY u.risk_band IN ('lapsed', 'unknown') ORDER BY u.churn_risk) AS risk_rank
    FROM banded_users AS u
),
final AS (
    SELECT
        r.user_id,
        r.risk_band,
        CASE
            WHEN r.risk_band NOT IN ('lapsed', 'unknown') THEN CAST(LEAST(FLOOR(r.risk_rank * 10) + 1, 10) AS INTEGER)
        END AS risk_decile,
        r.next_action,
        r.churn_risk,
        r.next_action_probability,
        r.seconds_to_next_action,
        r.n_events,
        r.last_event_time,
        r.model,
        r.as_of,
        r.scored_at,
        r.days_silent,
        r.is_active,
        r.days_to_next_action
    FROM ranked_users AS r
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.scored_segments_with IS
'One row per user of scored_users with its segment, risk band x next action. Parameters: medium_from (0.3), high_from (0.7): the lowest churn risk of these bands. Columns: user_id; risk_band (''low'', ''medium'', ''high''; ''lapsed'' if the user was not seen within the model''s lookback, ''unknown'' if the model has no churn head); risk_decile (1 lowest to 10 highest among the active users, equal risks in the same one; NULL if lapsed or unknown); next_action; churn_risk; next_action_probability; seconds_to_next_action; n_events; last_event_time; model; as_of; scored_at; days_silent (from the last event to as_of); is_active (seen within the lookback); days_to_next_action.';
