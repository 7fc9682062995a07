CREATE OR REPLACE VIEW sqlscore.user_vectors AS
WITH
users AS (
    SELECT
        sqlscore_event.user_id,
        list_embed_events(LIST(sqlscore_event)) AS vector,
        MAX(sqlscore_event.event_time) AS last_event_time
    FROM sqlscore.events AS sqlscore_event
    GROUP BY sqlscore_event.user_id
),
final AS (
    SELECT
        u.user_id,
        u.vector,
        u.last_event_time,
        CAST(NULL AS VARCHAR) AS model,
        CAST(NULL AS UBIGINT) AS content
    FROM users AS u
)
SELECT * FROM final;

COMMENT ON VIEW sqlscore.user_vectors IS 'The representation of each user by the champion, one row per user, for similar_users; a view that encodes all users at each reading, until sqlscore refresh --vectors stores it.';
COMMENT ON COLUMN sqlscore.user_vectors.user_id IS 'The user.';
COMMENT ON COLUMN sqlscore.user_vectors.vector IS 'What embed_events says of the user''s events.';
COMMENT ON COLUMN sqlscore.user_vectors.last_event_time IS 'Time of the newest of these events, UTC.';
COMMENT ON COLUMN sqlscore.user_vectors.model IS 'The model that made the vector, name@version; NULL in the view, which reads the champion.';
COMMENT ON COLUMN sqlscore.user_vectors.content IS 'Sum modulo 2^64 of the hashes of these events, by which a refresh finds what changed; NULL in the view.';
