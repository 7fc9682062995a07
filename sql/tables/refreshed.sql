CREATE OR REPLACE TABLE sqlscore.refreshed (
    model VARCHAR,
    sha256 VARCHAR,
    mapping JSON,
    n_rows BIGINT,
    last_row BIGINT,
    types VARCHAR,
    sample UBIGINT,
    written JSON,
    checksums JSON,
    watched JSON
);

COMMENT ON TABLE sqlscore.refreshed IS 'What the last refresh had read: the next incremental refresh starts from here.';
COMMENT ON COLUMN sqlscore.refreshed.model IS 'The champion that scored.';
COMMENT ON COLUMN sqlscore.refreshed.sha256 IS 'The hash of its artifact.';
COMMENT ON COLUMN sqlscore.refreshed.mapping IS 'The mapping at that time.';
COMMENT ON COLUMN sqlscore.refreshed.n_rows IS 'Number of rows of an append-only table; NULL for others.';
COMMENT ON COLUMN sqlscore.refreshed.last_row IS 'Number of its last row; NULL for others.';
COMMENT ON COLUMN sqlscore.refreshed.types IS 'Types of the mapped columns.';
COMMENT ON COLUMN sqlscore.refreshed.sample IS 'Combined hash (XOR) of some of its rows; NULL for others.';
COMMENT ON COLUMN sqlscore.refreshed.written IS 'Number of rows that it left in each table of scores.';
COMMENT ON COLUMN sqlscore.refreshed.checksums IS 'Combined hash (XOR) of the rows of each of these tables, and the version of DuckDB that hashed them.';
COMMENT ON COLUMN sqlscore.refreshed.watched IS 'Which triggers noted changes from then on, and how many rows each table had; NULL without such.';
