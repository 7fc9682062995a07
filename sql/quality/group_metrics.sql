CREATE OR REPLACE VIEW sqlscore.group_metrics AS
WITH
models AS (
    SELECT
        m.mapping,
        m.name,
        m.version,
        UNNEST(CAST(JSON_EXTRACT(m.metrics, '$.groups') AS JSON[])) AS figures
    FROM sqlscore.models AS m
    WHERE JSON_EXTRACT(m.metrics, '$.groups') IS NOT NULL
),
champions AS (
    SELECT a.mapping, a.name, a.version
    FROM sqlscore.aliases AS a
    WHERE a.alias = 'champion'
),
final AS (
    SELECT
        m.mapping,
        CONCAT(m.name, '@', m.version) AS model,
        c.name IS NOT NULL AS is_champion,
        m.figures ->> '$.group' AS group_name,
        CAST(m.figures ->> '$.pooled' AS BIGINT) AS n_pooled,
        CAST(m.figures ->> '$.n_users' AS BIGINT) AS n_users,
        CAST(m.figures ->> '$.next_action.n' AS BIGINT) AS n_targets,
        CAST(m.figures ->> '$.next_action.accuracy' AS DOUBLE) AS accuracy,
        CAST(m.figures ->> '$.next_action.log_loss' AS DOUBLE) AS log_loss,
        CAST(m.figures ->> '$.next_action.ece' AS DOUBLE) AS ece,
        CAST(m.figures ->> '$.churn.n' AS BIGINT) AS n_labelled,
        CAST(m.figures ->> '$.churn.base_rate' AS DOUBLE) AS churn_rate,
        CAST(m.figures ->> '$.churn.mean_risk' AS DOUBLE) AS mean_churn_risk,
        CAST(m.figures ->> '$.churn.auc' AS DOUBLE) AS churn_auc,
        CAST(m.figures ->> '$.churn.log_loss' AS DOUBLE) AS churn_log_loss,
        CAST(m.figures ->> '$.churn.ece' AS DOUBLE) AS churn_ece
    FROM models AS m
    LEFT JOIN champions AS c
        ON c.mapping = m.mapping AND c.name = m.name AND c.version = m.version
)
SELECT * FROM final;

COMMENT ON VIEW sqlscore.group_metrics IS 'How good each registered model is in each group of the events, on its test events; no rows without groups.';
COMMENT ON COLUMN sqlscore.group_metrics.mapping IS 'The mapped events that the model was trained on.';
COMMENT ON COLUMN sqlscore.group_metrics.model IS 'The model, name@version.';
COMMENT ON COLUMN sqlscore.group_metrics.is_champion IS 'Whether this is the model that is used when none is named.';
COMMENT ON COLUMN sqlscore.group_metrics.group_name IS 'The group; NULL for events without one, and for groups that are pooled.';
COMMENT ON COLUMN sqlscore.group_metrics.n_pooled IS 'How many groups with few judged users are pooled here; 0 for a group of its own.';
COMMENT ON COLUMN sqlscore.group_metrics.n_users IS 'Users who are judged.';
COMMENT ON COLUMN sqlscore.group_metrics.n_targets IS 'Events whose next one is judged.';
COMMENT ON COLUMN sqlscore.group_metrics.accuracy IS 'Share of them whose next action was the predicted one.';
COMMENT ON COLUMN sqlscore.group_metrics.log_loss IS 'Mean log-loss of the next action.';
COMMENT ON COLUMN sqlscore.group_metrics.ece IS 'Expected calibration error of the next action.';
COMMENT ON COLUMN sqlscore.group_metrics.n_labelled IS 'Users and moments with a churn label.';
COMMENT ON COLUMN sqlscore.group_metrics.churn_rate IS 'Share of them that churned.';
COMMENT ON COLUMN sqlscore.group_metrics.mean_churn_risk IS 'Their mean risk: close to churn_rate if the model is calibrated in the group.';
COMMENT ON COLUMN sqlscore.group_metrics.churn_auc IS 'Area under the ROC curve of the risk; NULL if all or none churned.';
COMMENT ON COLUMN sqlscore.group_metrics.churn_log_loss IS 'Log-loss of the risk; NULL if all or none churned.';
COMMENT ON COLUMN sqlscore.group_metrics.churn_ece IS 'Expected calibration error of the risk; NULL if all or none churned.';
