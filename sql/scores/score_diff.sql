CREATE OR REPLACE MACRO sqlscore.score_diff(model_a, model_b) AS TABLE
WITH
users AS (
    SELECT sqlscore_event.user_id, LIST(sqlscore_event) AS events
    FROM sqlscore.events AS sqlscore_event
    GROUP BY sqlscore_event.user_id
),
scored_users AS (
    SELECT
        u.user_id,
        list_score_events(u.events, model := model_a) AS a,
        list_score_events(u.events, model := model_b) AS b
    FROM users AS u
),
final AS (
    SELECT
        s.user_id,
        s.a.churn_risk AS churn_risk_a,
        s.b.churn_risk AS churn_risk_b,
        s.b.churn_risk - s.a.churn_risk AS churn_risk_change,
        s.a.next_action AS next_action_a,
        s.b.next_action AS next_action_b,
        s.a.next_action = s.b.next_action AS is_same_action
    FROM scored_users AS s
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.score_diff IS
'The scores of two models for the same users, one row per user. Parameters: model_a, model_b (name@version). Columns: user_id; churn_risk_a, churn_risk_b; churn_risk_change (b - a); next_action_a, next_action_b; is_same_action.';
