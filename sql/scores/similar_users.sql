CREATE OR REPLACE MACRO sqlscore.similar_users(
    of_user, k := 10
) AS TABLE
WITH
found AS (
    SELECT COUNT(*) AS n, ANY_VALUE(v.vector) AS vector
    FROM sqlscore.user_vectors AS v
    WHERE v.user_id = of_user
),
asked AS (
    SELECT
        CASE
            WHEN f.n = 0 THEN ERROR(CONCAT(
                'there is no vector of user ', COALESCE(CAST(of_user AS VARCHAR), 'NULL'),
                ': ask for a user_id of user_vectors; users who are newer than it are there after sqlscore refresh'
            ))
            ELSE f.vector
        END AS vector
    FROM found AS f
),
compared AS (
    SELECT
        o.user_id,
        LIST_COSINE_SIMILARITY(o.vector, (SELECT a.vector FROM asked AS a)) AS similarity,
        o.last_event_time,
        o.model
    FROM sqlscore.user_vectors AS o
    WHERE o.user_id IS DISTINCT FROM of_user
),
nearest AS (
    SELECT c.* FROM compared AS c
    WHERE NOT ISNAN(c.similarity)
    ORDER BY c.similarity DESC, c.user_id
    LIMIT k
),
champions AS (
    SELECT CONCAT(m.name, '@', m.version) AS model FROM sqlscore.aliases AS m WHERE m.alias = 'champion'
),
final AS (
    SELECT
        n.*,
        (SELECT h.high_water FROM sqlscore.high_water AS h)
        > (SELECT MAX(t.last_event_time) FROM sqlscore.user_vectors AS t)
        OR (n.model IS NOT NULL AND n.model NOT IN (SELECT p.model FROM champions AS p)) AS is_stale
    FROM nearest AS n
)
SELECT f.* FROM final AS f ORDER BY f.similarity DESC, f.user_id;

COMMENT ON MACRO TABLE sqlscore.similar_users IS
'The users who are most like one, one row per user, the nearest first; users as near as each other are in order of user_id. All users are compared, by the cosine of the angle between their vectors in user_vectors: in under a second for a million once sqlscore refresh --vectors has stored them. A user without a vector is an error. Parameters: of_user (the user''s id) and k (10: how many). Columns: user_id (who is alike); similarity (the cosine, 1 for the same direction); last_event_time (time of the newest event that the vector rests on, UTC); model (whose vectors they are, name@version; NULL where they are made at the moment of reading); is_stale (whether newer events have come, or another model has become champion, since the vectors were stored: refresh).';
