CREATE TABLE IF NOT EXISTS sqlscore.runs (
    verb VARCHAR,
    mapping VARCHAR,
    started_at TIMESTAMP,
    finished_at TIMESTAMP,
    status VARCHAR,
    message VARCHAR,
    details JSON
);

COMMENT ON TABLE sqlscore.runs IS 'Every mapping, training, refresh and scheduled run, with its outcome; of each verb and mapping the newest 10,000 are kept.';
COMMENT ON COLUMN sqlscore.runs.verb IS 'What was run.';
COMMENT ON COLUMN sqlscore.runs.mapping IS 'The mapping that it ran on.';
COMMENT ON COLUMN sqlscore.runs.started_at IS 'When it began, UTC.';
COMMENT ON COLUMN sqlscore.runs.finished_at IS 'When it ended, UTC.';
COMMENT ON COLUMN sqlscore.runs.status IS 'ok or failed; a scheduled run may also be running or stopped.';
COMMENT ON COLUMN sqlscore.runs.message IS 'The error if it failed.';
COMMENT ON COLUMN sqlscore.runs.details IS 'What it did.';
