CREATE TABLE IF NOT EXISTS sqlscore.leaderboard (
    compared_at TIMESTAMP,
    rank INTEGER,
    tie_with_best BOOLEAN,
    contender VARCHAR,
    kind VARCHAR,
    model VARCHAR,
    architecture VARCHAR,
    seeds INTEGER,
    metric VARCHAR,
    accuracy DOUBLE,
    accuracy_low DOUBLE,
    accuracy_high DOUBLE,
    accuracy_tie BOOLEAN,
    accuracy_seed_min DOUBLE,
    accuracy_seed_max DOUBLE,
    top3 DOUBLE,
    log_loss DOUBLE,
    log_loss_low DOUBLE,
    log_loss_high DOUBLE,
    log_loss_tie BOOLEAN,
    log_loss_seed_min DOUBLE,
    log_loss_seed_max DOUBLE,
    macro_f1 DOUBLE,
    ece DOUBLE,
    churn_auc DOUBLE,
    churn_auc_low DOUBLE,
    churn_auc_high DOUBLE,
    churn_auc_tie BOOLEAN,
    churn_auc_seed_min DOUBLE,
    churn_auc_seed_max DOUBLE,
    churn_log_loss DOUBLE,
    churn_ece DOUBLE,
    validation_loss DOUBLE,
    training_seconds DOUBLE,
    parameters BIGINT,
    scoring_events_per_second DOUBLE,
    n_test BIGINT,
    n_test_users BIGINT,
    n_churn BIGINT
);

COMMENT ON TABLE sqlscore.leaderboard IS 'The newest comparison, one row per contender, all judged on the same test events, best first by rank.';
COMMENT ON COLUMN sqlscore.leaderboard.compared_at IS 'When the comparison was made, UTC; the same in all rows.';
COMMENT ON COLUMN sqlscore.leaderboard.rank IS '1 for the best contender and all that tie with it; else 1 + the number of contenders that are clearly better.';
COMMENT ON COLUMN sqlscore.leaderboard.tie_with_best IS 'The difference from the best by the ranking metric may be chance.';
COMMENT ON COLUMN sqlscore.leaderboard.contender IS 'Name of the architecture, the model or the baseline.';
COMMENT ON COLUMN sqlscore.leaderboard.kind IS 'model (can score in SQL), peer (gbm, which cannot) or baseline (needs no model).';
COMMENT ON COLUMN sqlscore.leaderboard.model IS 'The registered model, name@version; NULL if none is registered.';
COMMENT ON COLUMN sqlscore.leaderboard.architecture IS 'What kind of model it is; NULL for a baseline.';
COMMENT ON COLUMN sqlscore.leaderboard.seeds IS 'Number of models, one per seed, whose figures are averaged; NULL for a baseline.';
COMMENT ON COLUMN sqlscore.leaderboard.metric IS 'What the ranking is by: log_loss, accuracy or auc; the same in all rows.';
COMMENT ON COLUMN sqlscore.leaderboard.accuracy IS 'Share of test events whose next action was the most probable one.';
COMMENT ON COLUMN sqlscore.leaderboard.accuracy_low IS 'Accuracy: lower bound of its 95 % bootstrap interval over users.';
COMMENT ON COLUMN sqlscore.leaderboard.accuracy_high IS 'Accuracy: upper bound of that interval.';
COMMENT ON COLUMN sqlscore.leaderboard.accuracy_tie IS 'Whether it ties with the best by accuracy.';
COMMENT ON COLUMN sqlscore.leaderboard.accuracy_seed_min IS 'Accuracy: the least of its seeds; NULL for one seed.';
COMMENT ON COLUMN sqlscore.leaderboard.accuracy_seed_max IS 'Accuracy: the most of its seeds; NULL for one seed.';
COMMENT ON COLUMN sqlscore.leaderboard.top3 IS 'Share of test events whose next action was among the three most probable ones.';
COMMENT ON COLUMN sqlscore.leaderboard.log_loss IS 'Mean of -log(probability of the actual action), over actions that were seen in training.';
COMMENT ON COLUMN sqlscore.leaderboard.log_loss_low IS 'Log-loss: lower bound of its 95 % bootstrap interval over users.';
COMMENT ON COLUMN sqlscore.leaderboard.log_loss_high IS 'Log-loss: upper bound of that interval.';
COMMENT ON COLUMN sqlscore.leaderboard.log_loss_tie IS 'Whether it ties with the best by log-loss.';
COMMENT ON COLUMN sqlscore.leaderboard.log_loss_seed_min IS 'Log-loss: the least of its seeds; NULL for one seed.';
COMMENT ON COLUMN sqlscore.leaderboard.log_loss_seed_max IS 'Log-loss: the most of its seeds; NULL for one seed.';
COMMENT ON COLUMN sqlscore.leaderboard.macro_f1 IS 'Mean over the actions of the F1 score of predicting each one.';
COMMENT ON COLUMN sqlscore.leaderboard.ece IS 'Expected calibration error of the most probable next action, over 15 bins.';
COMMENT ON COLUMN sqlscore.leaderboard.churn_auc IS 'Area under the ROC curve of the churn risk.';
COMMENT ON COLUMN sqlscore.leaderboard.churn_auc_low IS 'Churn AUC: lower bound of its 95 % bootstrap interval over users.';
COMMENT ON COLUMN sqlscore.leaderboard.churn_auc_high IS 'Churn AUC: upper bound of that interval.';
COMMENT ON COLUMN sqlscore.leaderboard.churn_auc_tie IS 'Whether it ties with the best by churn AUC.';
COMMENT ON COLUMN sqlscore.leaderboard.churn_auc_seed_min IS 'Churn AUC: the least of its seeds; NULL for one seed.';
COMMENT ON COLUMN sqlscore.leaderboard.churn_auc_seed_max IS 'Churn AUC: the most of its seeds; NULL for one seed.';
COMMENT ON COLUMN sqlscore.leaderboard.churn_log_loss IS 'Log-loss of the churn risk.';
COMMENT ON COLUMN sqlscore.leaderboard.churn_ece IS 'Expected calibration error of the churn risk, over 10 bins.';
COMMENT ON COLUMN sqlscore.leaderboard.validation_loss IS 'Log-loss on the validation part (of churn if the ranking is by auc); promotion goes by it.';
COMMENT ON COLUMN sqlscore.leaderboard.training_seconds IS 'Seconds that training took, without reading the events; mean over the seeds.';
COMMENT ON COLUMN sqlscore.leaderboard.parameters IS 'Number of learned parameters; for gbm the number of leaves.';
COMMENT ON COLUMN sqlscore.leaderboard.scoring_events_per_second IS 'Events scored per second by one thread, on one sample for all contenders.';
COMMENT ON COLUMN sqlscore.leaderboard.n_test IS 'Test events at which the next action was predicted.';
COMMENT ON COLUMN sqlscore.leaderboard.n_test_users IS 'Users that these events belong to.';
COMMENT ON COLUMN sqlscore.leaderboard.n_churn IS 'Test examples of churn; 0 if there are none.';
