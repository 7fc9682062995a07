CREATE TABLE IF NOT EXISTS sqlscore.champions (
    mapping VARCHAR,
    model VARCHAR,
    since TIMESTAMP,
    until TIMESTAMP,
    verb VARCHAR,
    why VARCHAR
);

INSERT INTO sqlscore.champions (mapping, model, since, verb, why)
SELECT
    a.mapping,
    CONCAT(a.name, '@', a.version) AS model,
    m.created_at AS since,
    'train' AS verb,
    'It was champion before this table was kept; since is when it was registered.' AS why
FROM sqlscore.aliases AS a
INNER JOIN sqlscore.models AS m ON m.name = a.name AND m.version = a.version
WHERE
    a.alias = 'champion'
    AND NOT EXISTS (SELECT 1 FROM sqlscore.champions AS c WHERE c.mapping = a.mapping);

COMMENT ON TABLE sqlscore.champions IS 'Which model was the champion of each mapping, when and why: a row each time that it changed.';
COMMENT ON COLUMN sqlscore.champions.mapping IS 'The mapping.';
COMMENT ON COLUMN sqlscore.champions.model IS 'The model, name@version.';
COMMENT ON COLUMN sqlscore.champions.since IS 'When it became champion, UTC.';
COMMENT ON COLUMN sqlscore.champions.until IS 'When another took its place or it was dropped, UTC; NULL if it is the champion.';
COMMENT ON COLUMN sqlscore.champions.verb IS 'What made it champion: train, import_model, promote, rollback, compare, search, retrain or repair.';
COMMENT ON COLUMN sqlscore.champions.why IS 'The reason, in words.';
