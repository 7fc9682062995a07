CREATE TABLE IF NOT EXISTS sqlscore.models (
    name VARCHAR,
    version INTEGER,
    mapping VARCHAR,
    architecture VARCHAR,
    config JSON,
    manifest JSON,
    metrics JSON,
    trained_from TIMESTAMP,
    trained_to TIMESTAMP,
    sha256 VARCHAR,
    artifact BLOB,
    created_at TIMESTAMP
);

COMMENT ON TABLE sqlscore.models IS 'The registered models, one row per version, artifact included.';
COMMENT ON COLUMN sqlscore.models.name IS 'The name of the model.';
COMMENT ON COLUMN sqlscore.models.version IS 'Its version; a number is never given twice.';
COMMENT ON COLUMN sqlscore.models.mapping IS 'The mapping whose events it was trained on.';
COMMENT ON COLUMN sqlscore.models.architecture IS 'What kind of model it is.';
COMMENT ON COLUMN sqlscore.models.config IS 'Its sizes and options.';
COMMENT ON COLUMN sqlscore.models.manifest IS 'What it reads and what it can predict.';
COMMENT ON COLUMN sqlscore.models.metrics IS 'Its quality on the test events, beside the baselines.';
COMMENT ON COLUMN sqlscore.models.trained_from IS 'Time of the first training event, UTC.';
COMMENT ON COLUMN sqlscore.models.trained_to IS 'Time of the last training event, UTC.';
COMMENT ON COLUMN sqlscore.models.sha256 IS 'The hash of the artifact, which is checked before the artifact is loaded.';
COMMENT ON COLUMN sqlscore.models.artifact IS 'Manifest and weights, see docs/stored-format.md.';
COMMENT ON COLUMN sqlscore.models.created_at IS 'When it was registered, UTC.';
