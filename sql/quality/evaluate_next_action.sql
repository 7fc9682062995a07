CREATE OR REPLACE MACRO sqlscore.evaluate_next_action(scored, actual) AS TABLE
WITH
sqlscore_scored AS (
    SELECT s.user_id, s.as_of, s.next_action, s.next_action_probability, s.next_actions
    FROM query_table(scored) AS s
),
-- The first event after as_of; of several at one time the first as the mapping orders them, else by event_type.
outcomes AS (
    SELECT
        s.user_id,
        s.as_of,
        FIRST(a.event_type ORDER BY a.event_time, a.event_type) AS first_action
    FROM sqlscore_scored AS s
    INNER JOIN query_table(actual) AS a ON a.user_id = s.user_id AND EPOCH_US(a.event_time) > EPOCH_US(s.as_of)
    GROUP BY s.user_id, s.as_of
),
judged AS (
    SELECT
        s.next_action,
        CAST(s.next_action_probability AS DOUBLE) AS probability,
        o.first_action AS actual_action,
        CASE
            WHEN o.first_action IS NULL THEN NULL
            WHEN s.next_action = o.first_action THEN 1.0
            ELSE 0.0
        END AS is_right,
        CASE
            WHEN LIST_CONTAINS(LIST_TRANSFORM(s.next_actions, lambda a: a.action), o.first_action) THEN 1.0
            ELSE 0.0
        END AS is_listed
    FROM sqlscore_scored AS s
    LEFT JOIN outcomes AS o ON o.user_id = s.user_id AND o.as_of = s.as_of
),
most_frequent AS (
    SELECT MAX(f.n) AS n
    FROM (SELECT COUNT(*) AS n FROM judged AS j WHERE j.actual_action IS NOT NULL GROUP BY j.actual_action) AS f
),
final AS (
    SELECT
        COUNT(*) AS n_scored,
        COUNT(j.actual_action) AS n_acted,
        AVG(j.is_right) AS accuracy,
        AVG(j.is_listed) FILTER (WHERE j.actual_action IS NOT NULL) AS listed_accuracy,
        AVG(j.probability) FILTER (WHERE j.actual_action IS NOT NULL) AS mean_probability,
        MAX(m.n) / NULLIF(CAST(COUNT(j.actual_action) AS DOUBLE), 0) AS majority_accuracy
    FROM judged AS j
    CROSS JOIN most_frequent AS m
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.evaluate_next_action IS
'How good predicted next actions were, one row. Parameters: scored (name of a table with user_id, as_of, next_action, next_action_probability, next_actions, as scored_users); actual (name of a table with user_id, event_time, event_type, as events, with the columns that order events of one moment if there are any): the first event after as_of is the outcome. Columns: n_scored; n_acted (scored users who did anything later; the others are not judged); accuracy; listed_accuracy (the actual action is among next_actions); mean_probability (what the model claimed: close to accuracy if the model is calibrated); majority_accuracy (of always naming the most frequent actual action).';
