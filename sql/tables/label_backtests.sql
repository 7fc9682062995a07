CREATE TABLE IF NOT EXISTS sqlscore.label_backtests (
    as_of TIMESTAMP,
    label VARCHAR,
    model VARCHAR,
    kind VARCHAR,
    base VARCHAR,
    trained_after BOOLEAN,
    n_learned BIGINT,
    n_judged BIGINT,
    n_users BIGINT,
    loss DOUBLE,
    base_rate_loss DOUBLE,
    last_time_loss DOUBLE,
    logistic_regression_loss DOUBLE,
    lightgbm_loss DOUBLE,
    bg_nbd_loss DOUBLE,
    better_than_mean DOUBLE,
    auc DOUBLE,
    accuracy DOUBLE,
    mean_absolute_error DOUBLE,
    mean_label DOUBLE,
    mean_predicted DOUBLE,
    excess_in_errors DOUBLE,
    n_new_classes BIGINT,
    backtested_at TIMESTAMP
);

COMMENT ON TABLE sqlscore.label_backtests IS 'How good fine-tuned heads were at past moments, learned again at each from what was known by then: one row per head and moment, of the newest sqlscore backtest of the head.';
COMMENT ON COLUMN sqlscore.label_backtests.as_of IS 'The moment, UTC: labels that were known by then were learned, and those from it to the next moment are judged.';
COMMENT ON COLUMN sqlscore.label_backtests.label IS 'The name of the label.';
COMMENT ON COLUMN sqlscore.label_backtests.model IS 'The head, name@version, whose labels were learned again.';
COMMENT ON COLUMN sqlscore.label_backtests.kind IS 'yes_no, classes, count or amount.';
COMMENT ON COLUMN sqlscore.label_backtests.base IS 'The model whose states were read, name@version, or the architecture that was trained at the moment.';
COMMENT ON COLUMN sqlscore.label_backtests.trained_after IS 'That model was trained on events later than as_of, so the quality here is not that of a forecast.';
COMMENT ON COLUMN sqlscore.label_backtests.n_learned IS 'Labels that were known by then, and learned.';
COMMENT ON COLUMN sqlscore.label_backtests.n_judged IS 'Labels that came after, and judge.';
COMMENT ON COLUMN sqlscore.label_backtests.n_users IS 'Users whom these are of.';
COMMENT ON COLUMN sqlscore.label_backtests.loss IS 'Mean log-loss of the head; of counts and amounts the Tweedie deviance of power 1.5.';
COMMENT ON COLUMN sqlscore.label_backtests.base_rate_loss IS 'Baseline: that of the mean of all labels that were known.';
COMMENT ON COLUMN sqlscore.label_backtests.last_time_loss IS 'Baseline: that of what the user''s last known label says.';
COMMENT ON COLUMN sqlscore.label_backtests.logistic_regression_loss IS 'Baseline: that of logistic regression on counts, sums and recency.';
COMMENT ON COLUMN sqlscore.label_backtests.lightgbm_loss IS 'Baseline: that of LightGBM on the same; NULL if it is not installed.';
COMMENT ON COLUMN sqlscore.label_backtests.bg_nbd_loss IS 'Baseline: that of BG/NBD with gamma-gamma; NULL unless the label is spend.';
COMMENT ON COLUMN sqlscore.label_backtests.better_than_mean IS 'By how much the loss of the mean is above the head''s, in standard errors over users.';
COMMENT ON COLUMN sqlscore.label_backtests.auc IS 'Area under the ROC curve, of more than 0 for counts and amounts; NULL of classes, or if all are the same.';
COMMENT ON COLUMN sqlscore.label_backtests.accuracy IS 'Share of the labels whose likeliest class came true; NULL unless the label has classes.';
COMMENT ON COLUMN sqlscore.label_backtests.mean_absolute_error IS 'Mean distance from what was expected; NULL unless the label is a count or an amount.';
COMMENT ON COLUMN sqlscore.label_backtests.mean_label IS 'What came true: the share of yes, the mean, or of classes the accuracy.';
COMMENT ON COLUMN sqlscore.label_backtests.mean_predicted IS 'What was said on average of the same: close to mean_label if the head is calibrated.';
COMMENT ON COLUMN sqlscore.label_backtests.excess_in_errors IS 'By how much more was said than came true, in standard errors over users: noise lies between -2 and 2.';
COMMENT ON COLUMN sqlscore.label_backtests.n_new_classes IS 'Labels of a class that no label had had before, which the head cannot name.';
COMMENT ON COLUMN sqlscore.label_backtests.backtested_at IS 'When the row was written, UTC; the same in all rows of a walk.';
