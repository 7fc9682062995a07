CREATE OR REPLACE VIEW sqlscore.backtest_metrics AS
WITH
judged AS (
    SELECT j.* FROM sqlscore.judged_past_scores AS j
),
actions AS (
    SELECT
        j.as_of,
        j.model,
        BOOL_OR(j.trained_after) AS trained_after,
        COUNT(*) AS n_users,
        COUNT(j.actual_action) AS n_acted,
        AVG(CAST(j.is_right AS INTEGER)) AS accuracy,
        AVG(CAST(LIST_CONTAINS(j.listed_actions, j.actual_action) AS INTEGER))
            FILTER (WHERE j.actual_action IS NOT NULL) AS listed_accuracy,
        AVG(CAST(j.next_action_probability AS DOUBLE)) FILTER (WHERE j.actual_action IS NOT NULL) AS mean_probability,
        AVG(CAST(j.actual_action = j.majority_action AS INTEGER)) AS majority_accuracy,
        AVG(CAST(j.actual_action = j.last_action AS INTEGER)) AS repeat_accuracy,
        AVG(CAST(j.actual_action = j.markov_action AS INTEGER)) AS markov_accuracy,
        MAX(j.horizon_seconds) AS horizon_seconds,
        COUNT(*) FILTER (WHERE j.censored) AS n_censored
    FROM judged AS j
    GROUP BY j.as_of, j.model
),
labelled AS (
    SELECT
        j.as_of,
        j.model,
        CAST(j.churned AS INTEGER) AS churned,
        CAST(j.churn_risk AS DOUBLE) AS churn_risk,
        EPOCH_US(j.as_of) - EPOCH_US(j.last_event_time) AS silence,
        -j.n_events AS rarity
    FROM judged AS j
    WHERE j.churned IS NOT NULL
),
-- Equal values get the mean of their ranks, so that a tie between a churner and another user counts half.
ranked AS (
    SELECT
        l.*,
        RANK() OVER (PARTITION BY l.as_of, l.model ORDER BY l.churn_risk)
        + (COUNT(*) OVER (PARTITION BY l.as_of, l.model, l.churn_risk) - 1) / 2 AS risk_rank,
        RANK() OVER (PARTITION BY l.as_of, l.model ORDER BY l.silence)
        + (COUNT(*) OVER (PARTITION BY l.as_of, l.model, l.silence) - 1) / 2 AS silence_rank,
        RANK() OVER (PARTITION BY l.as_of, l.model ORDER BY l.rarity)
        + (COUNT(*) OVER (PARTITION BY l.as_of, l.model, l.rarity) - 1) / 2 AS rarity_rank
    FROM labelled AS l
),
risks AS (
    SELECT
        r.as_of,
        r.model,
        COUNT(*) AS n,
        CAST(SUM(r.churned) AS DOUBLE) AS n_churned,
        AVG(r.churned) AS churn_rate,
        AVG(r.churn_risk) AS mean_churn_risk,
        AVG(POWER(r.churn_risk - r.churned, 2)) AS brier,
        SUM(r.risk_rank) FILTER (WHERE r.churned = 1) AS risk_ranks,
        SUM(r.silence_rank) FILTER (WHERE r.churned = 1) AS silence_ranks,
        SUM(r.rarity_rank) FILTER (WHERE r.churned = 1) AS rarity_ranks
    FROM ranked AS r
    GROUP BY r.as_of, r.model
),
-- Mann-Whitney: the share of pairs of a churner and another in which the churner ranks higher.
areas AS (
    SELECT
        r.*,
        r.n_churned * (r.n_churned + 1) / 2 AS least,
        NULLIF(r.n_churned * (r.n - r.n_churned), 0) AS pairs
    FROM risks AS r
),
final AS (
    SELECT
        a.as_of,
        a.model,
        a.trained_after,
        a.n_users,
        a.n_acted,
        a.accuracy,
        a.listed_accuracy,
        a.mean_probability,
        a.majority_accuracy,
        a.repeat_accuracy,
        a.markov_accuracy,
        a.horizon_seconds,
        COALESCE(r.n, 0) AS n_labelled,
        a.n_censored,
        r.churn_rate,
        r.mean_churn_risk,
        (r.risk_ranks - r.least) / r.pairs AS auc,
        (r.silence_ranks - r.least) / r.pairs AS recency_auc,
        (r.rarity_ranks - r.least) / r.pairs AS frequency_auc,
        r.brier,
        r.churn_rate * (1 - r.churn_rate) AS base_rate_brier
    FROM actions AS a
    LEFT JOIN areas AS r ON r.as_of = a.as_of AND r.model = a.model
)
SELECT * FROM final;

COMMENT ON VIEW sqlscore.backtest_metrics IS 'How good the past scores were, one row per moment and model, beside baselines that used events up to the same moment.';
COMMENT ON COLUMN sqlscore.backtest_metrics.as_of IS 'The moment at which the scores were valid, UTC.';
COMMENT ON COLUMN sqlscore.backtest_metrics.model IS 'The model that scored.';
COMMENT ON COLUMN sqlscore.backtest_metrics.trained_after IS 'The model was trained on events later than as_of, so its quality here is not that of a forecast.';
COMMENT ON COLUMN sqlscore.backtest_metrics.n_users IS 'Users scored.';
COMMENT ON COLUMN sqlscore.backtest_metrics.n_acted IS 'Users who did anything after as_of; the next action is judged on them.';
COMMENT ON COLUMN sqlscore.backtest_metrics.accuracy IS 'Share of them whose next action was the predicted one.';
COMMENT ON COLUMN sqlscore.backtest_metrics.listed_accuracy IS 'Share of them whose next action was among the three likeliest.';
COMMENT ON COLUMN sqlscore.backtest_metrics.mean_probability IS 'What the model claimed: close to accuracy if the model is calibrated.';
COMMENT ON COLUMN sqlscore.backtest_metrics.majority_accuracy IS 'Baseline: always the action that had most often followed any action.';
COMMENT ON COLUMN sqlscore.backtest_metrics.repeat_accuracy IS 'Baseline: the last action again.';
COMMENT ON COLUMN sqlscore.backtest_metrics.markov_accuracy IS 'Baseline: the action that had most often followed the last action.';
COMMENT ON COLUMN sqlscore.backtest_metrics.horizon_seconds IS 'The horizon of the churn label.';
COMMENT ON COLUMN sqlscore.backtest_metrics.n_labelled IS 'Users with a risk, seen within the lookback, whose horizon is over; churn is judged on them.';
COMMENT ON COLUMN sqlscore.backtest_metrics.n_censored IS 'Users whose horizon is not over yet; they are left out of the churn metrics.';
COMMENT ON COLUMN sqlscore.backtest_metrics.churn_rate IS 'Share of the labelled users that churned.';
COMMENT ON COLUMN sqlscore.backtest_metrics.mean_churn_risk IS 'Their mean risk: close to churn_rate if the model is calibrated.';
COMMENT ON COLUMN sqlscore.backtest_metrics.auc IS 'Area under the ROC curve of the risk; NULL if all or none churned.';
COMMENT ON COLUMN sqlscore.backtest_metrics.recency_auc IS 'Baseline: ranked by silence alone.';
COMMENT ON COLUMN sqlscore.backtest_metrics.frequency_auc IS 'Baseline: ranked by few events alone.';
COMMENT ON COLUMN sqlscore.backtest_metrics.brier IS 'Mean squared error of the risk.';
COMMENT ON COLUMN sqlscore.backtest_metrics.base_rate_brier IS 'Baseline: the Brier score of predicting the churn rate for every user.';
