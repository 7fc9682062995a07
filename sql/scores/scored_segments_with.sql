CREATE OR REPLACE MACRO sqlscore.scored_segments_with(medium_from := 0.3, high_from := 0.7) AS TABLE
WITH
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
        u.scored_at
    FROM sqlscore.scored_users AS u
),
-- PERCENT_RANK gives users of equal risk the same decile.
ranked_users AS (
    SELECT
        u.*,
        PERCENT_RANK() OVER (PARTITION BY u.churn_risk IS NULL ORDER BY u.churn_risk) AS risk_rank
    FROM users AS u
),
final AS (
    SELECT
        r.user_id,
        CASE
            WHEN r.churn_risk IS NULL THEN 'unknown'
            WHEN r.churn_risk >= CAST(high_from AS FLOAT) THEN 'high'
            WHEN r.churn_risk >= CAST(medium_from AS FLOAT) THEN 'medium'
            ELSE 'low'
        END AS risk_band,
        CASE
            WHEN r.churn_risk IS NOT NULL THEN CAST(LEAST(FLOOR(r.risk_rank * 10) + 1, 10) AS INTEGER)
        END AS risk_decile,
        r.next_action,
        r.churn_risk,
        r.next_action_probability,
        r.seconds_to_next_action,
        r.n_events,
        r.last_event_time,
        r.model,
        r.as_of,
        r.scored_at
    FROM ranked_users AS r
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.scored_segments_with IS
'One row per user of scored_users with its segment, risk band x next action. Parameters: medium_from (0.3), high_from (0.7): the lowest churn risk of these bands. Columns: user_id; risk_band (''low'', ''medium'', ''high'', ''unknown'' if the model has no churn head); risk_decile (1 lowest to 10 highest among the scored users, equal risks in the same one; NULL if unknown); next_action; churn_risk; next_action_probability; seconds_to_next_action; n_events; last_event_time; model; as_of; scored_at.';
