CREATE OR REPLACE MACRO sqlscore.drift_bins(reference, current) AS TABLE
WITH
events AS (
    SELECT TRUE AS is_current, e.user_id, e.event_time, e.event_type FROM query_table(current) AS e
    UNION ALL
    SELECT FALSE AS is_current, e.user_id, e.event_time, e.event_type FROM query_table(reference) AS e
),
gaps AS (
    SELECT
        e.is_current,
        (EPOCH_US(e.event_time) - EPOCH_US(LAG(e.event_time) OVER (
            PARTITION BY e.is_current, e.user_id ORDER BY e.event_time
        ))) / 1e6 AS seconds
    FROM events AS e
),
lengths AS (
    SELECT e.is_current, COUNT(*) AS n_events
    FROM events AS e
    GROUP BY e.is_current, e.user_id
),
binned AS (
    SELECT e.is_current, 'action' AS measure, e.event_type AS bin FROM events AS e
    UNION ALL
    SELECT
        g.is_current,
        'gap' AS measure,
        CASE
            WHEN g.seconds < 60 THEN '1: under a minute'
            WHEN g.seconds < 1800 THEN '2: under 30 minutes'
            WHEN g.seconds < 86400 THEN '3: under a day'
            WHEN g.seconds < 604800 THEN '4: under a week'
            WHEN g.seconds < 2592000 THEN '5: under 30 days'
            ELSE '6: 30 days and more'
        END AS bin
    FROM gaps AS g
    WHERE g.seconds IS NOT NULL
    UNION ALL
    SELECT
        l.is_current,
        'length' AS measure,
        CASE
            WHEN l.n_events < 2 THEN '1: 1 event'
            WHEN l.n_events < 4 THEN '2: 2-3'
            WHEN l.n_events < 8 THEN '3: 4-7'
            WHEN l.n_events < 16 THEN '4: 8-15'
            WHEN l.n_events < 64 THEN '5: 16-63'
            ELSE '6: 64 and more'
        END AS bin
    FROM lengths AS l
)
SELECT * FROM sqlscore.shares_of_bins(binned);

COMMENT ON MACRO TABLE sqlscore.drift_bins IS
'Two sets of events side by side, one row per measure and bin. Parameters reference, current: names of tables with user_id, event_time, event_type; take spans of equal length, since lengths grow with the span. Columns: measure (''action''; ''gap'': time since the user''s previous event; ''length'': events per user); bin; n_reference, n_current; share_reference, share_current (of the measure).';
