CREATE OR REPLACE VIEW sqlscore.action_attention AS
WITH
models AS (
    SELECT
        m.mapping,
        m.name,
        m.version,
        JSON_EXTRACT(m.manifest, '$.notes.action_attention') AS edges
    FROM sqlscore.models AS m
),
champions AS (
    SELECT a.mapping, a.name, a.version
    FROM sqlscore.aliases AS a
    WHERE a.alias = 'champion'
),
model_edges AS (
    SELECT m.mapping, m.name, m.version, UNNEST(CAST(m.edges AS JSON[])) AS edge
    FROM models AS m
    WHERE m.edges IS NOT NULL
),
final AS (
    SELECT
        e.mapping,
        CONCAT(e.name, '@', e.version) AS model,
        c.name IS NOT NULL AS is_champion,
        e.edge ->> '$.from' AS from_action,
        e.edge ->> '$.action' AS action,
        CAST(e.edge ->> '$.weight' AS DOUBLE) AS weight
    FROM model_edges AS e
    LEFT JOIN champions AS c
        ON c.mapping = e.mapping AND c.name = e.name AND c.version = e.version
)
SELECT * FROM final;

COMMENT ON VIEW sqlscore.action_attention IS 'How much attention a graph model (gat_mingru) gives to each neighbouring action; this does not explain a score. One row per model and pair of actions; empty if no model has a graph.';
COMMENT ON COLUMN sqlscore.action_attention.mapping IS 'The mapped events that the model was trained on.';
COMMENT ON COLUMN sqlscore.action_attention.model IS 'The model, name@version.';
COMMENT ON COLUMN sqlscore.action_attention.is_champion IS 'Whether this is the model that is used when none is named.';
COMMENT ON COLUMN sqlscore.action_attention.from_action IS 'The action that is attended to: one that occurred right before the other, or the action itself.';
COMMENT ON COLUMN sqlscore.action_attention.action IS 'The action whose attention this is.';
COMMENT ON COLUMN sqlscore.action_attention.weight IS 'Share of its attention, mean over heads. The shares of an action sum to 1; the eight largest are listed.';
