CREATE TABLE IF NOT EXISTS sqlscore.aliases (
    mapping VARCHAR,
    alias VARCHAR,
    name VARCHAR,
    version INTEGER
);

COMMENT ON TABLE sqlscore.aliases IS 'Which model version an alias such as champion points to.';
COMMENT ON COLUMN sqlscore.aliases.mapping IS 'The mapping.';
COMMENT ON COLUMN sqlscore.aliases.alias IS 'The alias, such as champion.';
COMMENT ON COLUMN sqlscore.aliases.name IS 'The name of the model.';
COMMENT ON COLUMN sqlscore.aliases.version IS 'Its version.';
