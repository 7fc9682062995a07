CREATE TABLE IF NOT EXISTS sqlscore.objects (
    mapping VARCHAR,
    function VARCHAR
);

COMMENT ON TABLE sqlscore.objects IS 'The functions that sqlscore made in schema main.';
COMMENT ON COLUMN sqlscore.objects.mapping IS 'The mapping that the function belongs to.';
COMMENT ON COLUMN sqlscore.objects.function IS 'The name of the function.';
