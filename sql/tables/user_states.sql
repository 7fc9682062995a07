CREATE OR REPLACE TABLE sqlscore.user_states AS
SELECT
    e.user_id,
    CAST(NULL AS FLOAT[]) AS hidden,
    CAST(NULL AS TIMESTAMP) AS first_time,
    CAST(NULL AS TIMESTAMP) AS last_time,
    CAST(NULL AS BIGINT) AS n_events,
    CAST(NULL AS BIGINT) AS n_unknown,
    CAST(NULL AS VARCHAR) AS model,
    CAST(NULL AS FLOAT[]) AS standing,
    CAST(NULL AS UBIGINT) AS content
FROM sqlscore.events AS e
WHERE FALSE;

COMMENT ON TABLE sqlscore.user_states IS 'The model''s state of each user, which an incremental refresh continues from.';
COMMENT ON COLUMN sqlscore.user_states.user_id IS 'The user.';
COMMENT ON COLUMN sqlscore.user_states.hidden IS 'The model''s state after the user''s last event.';
COMMENT ON COLUMN sqlscore.user_states.first_time IS 'Time of the first event, UTC.';
COMMENT ON COLUMN sqlscore.user_states.last_time IS 'Time of the last event, UTC.';
COMMENT ON COLUMN sqlscore.user_states.n_events IS 'Number of events in the state.';
COMMENT ON COLUMN sqlscore.user_states.n_unknown IS 'How many of them have an action that the model never saw in training.';
COMMENT ON COLUMN sqlscore.user_states.model IS 'The model whose state it is, name@version.';
COMMENT ON COLUMN sqlscore.user_states.standing IS 'The part of the state that the churn head reads at any moment; NULL if it needs the whole state.';
COMMENT ON COLUMN sqlscore.user_states.content IS 'Sum modulo 2^64 of the hashes of the events in the state.';
