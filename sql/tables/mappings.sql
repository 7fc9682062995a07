CREATE TABLE IF NOT EXISTS sqlscore.mappings (
    name VARCHAR,
    mapping JSON,
    report JSON,
    mapped_at TIMESTAMP
);

COMMENT ON TABLE sqlscore.mappings IS 'The mapped events tables, one row per mapping, with what was found in them.';
COMMENT ON COLUMN sqlscore.mappings.name IS 'The name of the mapping.';
COMMENT ON COLUMN sqlscore.mappings.mapping IS 'Relation, columns, features, time unit, time cap and prefix.';
COMMENT ON COLUMN sqlscore.mappings.report IS 'Counts and warnings from when it was mapped.';
COMMENT ON COLUMN sqlscore.mappings.mapped_at IS 'When it was mapped, UTC.';
