CREATE TABLE IF NOT EXISTS sqlscore.versions (
    name VARCHAR,
    newest INTEGER
);

COMMENT ON TABLE sqlscore.versions IS 'The highest version number ever given to each model name, so that no number is given twice.';
COMMENT ON COLUMN sqlscore.versions.name IS 'The name of the model.';
COMMENT ON COLUMN sqlscore.versions.newest IS 'The highest version number given so far.';
