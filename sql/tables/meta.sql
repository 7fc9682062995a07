CREATE TABLE IF NOT EXISTS sqlscore.meta (
    key VARCHAR,
    value VARCHAR
);

COMMENT ON TABLE sqlscore.meta IS 'Which version of sqlscore''s objects this file holds.';
COMMENT ON COLUMN sqlscore.meta.key IS 'What the version is of: objects or tables.';
COMMENT ON COLUMN sqlscore.meta.value IS 'The version.';
