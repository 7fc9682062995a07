CREATE TABLE IF NOT EXISTS sqlscore.policy (
    mapping VARCHAR NOT NULL UNIQUE,
    retrain_after_days DOUBLE CHECK (retrain_after_days > 0),
    retrain_drift_psi DOUBLE CHECK (retrain_drift_psi > 0),
    drift_days DOUBLE NOT NULL DEFAULT 7 CHECK (drift_days > 0),
    drift_min_events BIGINT NOT NULL DEFAULT 1000 CHECK (drift_min_events >= 0),
    retrain_pause_hours DOUBLE NOT NULL DEFAULT 24 CHECK (retrain_pause_hours >= 0),
    promote_within DOUBLE DEFAULT 0.01 CHECK (promote_within >= 0),
    keep_retrained BIGINT NOT NULL DEFAULT 5 CHECK (keep_retrained >= 0)
);

INSERT INTO sqlscore.policy (mapping)
SELECT '*' AS mapping
WHERE NOT EXISTS (SELECT 1 FROM sqlscore.policy AS p);

COMMENT ON TABLE sqlscore.policy IS 'When sqlscore serve trains a model again; change it with UPDATE.';
COMMENT ON COLUMN sqlscore.policy.mapping IS 'The mapping, or * for all mappings without a row of their own.';
COMMENT ON COLUMN sqlscore.policy.retrain_after_days IS 'Train again when the champion is this many days old; NULL: never because of its age.';
COMMENT ON COLUMN sqlscore.policy.retrain_drift_psi IS 'Train again when the population stability index of the events since training exceeds this; NULL: never because of drift.';
COMMENT ON COLUMN sqlscore.policy.drift_days IS 'For drift, this many of the newest days are compared with as many days before the training.';
COMMENT ON COLUMN sqlscore.policy.drift_min_events IS 'Drift is not measured if either side has fewer events than this.';
COMMENT ON COLUMN sqlscore.policy.retrain_pause_hours IS 'After a retraining, successful or not, the next one waits at least this long.';
COMMENT ON COLUMN sqlscore.policy.promote_within IS 'A retrained model does not become champion if its log loss on the newest events exceeds the old model''s by more than this share; NULL: it always becomes champion.';
COMMENT ON COLUMN sqlscore.policy.keep_retrained IS 'How many of the newest retrained versions are kept, besides the champion.';
