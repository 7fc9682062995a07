CREATE OR REPLACE MACRO sqlscore.rfm(value := NULL, action := NULL, as_of := NULL) AS TABLE
WITH
moment AS (
    SELECT COALESCE(sqlscore.utc_moment(as_of), h.high_water) AS label_time FROM sqlscore.high_water AS h
),
users AS (
    SELECT
        e.user_id,
        MAX(e.event_time) AS last_event_time,
        COUNT(*) AS frequency,
        SUM(CAST(value AS DOUBLE)) AS monetary
    FROM sqlscore.events AS e
    CROSS JOIN moment AS m
    WHERE e.event_time <= m.label_time AND (action IS NULL OR e.event_type = action)
    GROUP BY e.user_id
),
-- A score is the share of users below among those below or above, so equal users have the same score, and the best value
-- has 5 however many users have it. PERCENT_RANK, the share below among all others, would give 1 to most users seen today.
ranked_users AS (
    SELECT
        u.*,
        RANK() OVER by_recency - 1 AS n_less_recent,
        COUNT(*) OVER () - COUNT(*) OVER by_recency AS n_more_recent,
        RANK() OVER by_frequency - 1 AS n_less_frequent,
        COUNT(*) OVER () - COUNT(*) OVER by_frequency AS n_more_frequent,
        RANK() OVER by_monetary - 1 AS n_lower,
        COUNT(u.monetary) OVER () - COUNT(u.monetary) OVER by_monetary AS n_higher
    FROM users AS u
    WINDOW
        by_recency AS (ORDER BY u.last_event_time),
        by_frequency AS (ORDER BY u.frequency),
        by_monetary AS (PARTITION BY u.monetary IS NULL ORDER BY u.monetary)
),
scored_users AS (
    SELECT
        r.*,
        CASE
            WHEN r.n_more_recent = 0 THEN 5
            ELSE CAST(LEAST(r.n_less_recent * 5 // (r.n_less_recent + r.n_more_recent) + 1, 5) AS INTEGER)
        END AS r_score,
        CASE
            WHEN r.n_more_frequent = 0 THEN 5
            ELSE CAST(LEAST(r.n_less_frequent * 5 // (r.n_less_frequent + r.n_more_frequent) + 1, 5) AS INTEGER)
        END AS f_score,
        CASE
            WHEN r.monetary IS NULL THEN NULL
            WHEN r.n_higher = 0 THEN 5
            ELSE CAST(LEAST(r.n_lower * 5 // (r.n_lower + r.n_higher) + 1, 5) AS INTEGER)
        END AS m_score
    FROM ranked_users AS r
),
final AS (
    SELECT
        s.user_id,
        s.last_event_time,
        (EPOCH_US(m.label_time) - EPOCH_US(s.last_event_time)) / 864e8 AS recency_days,
        s.frequency,
        s.monetary,
        s.r_score,
        s.f_score,
        s.m_score,
        CASE
            WHEN s.r_score >= 4 AND s.f_score >= 4 THEN 'champion'
            WHEN s.r_score >= 3 AND s.f_score >= 3 THEN 'loyal'
            WHEN s.r_score >= 4 THEN 'recent'
            WHEN s.r_score = 3 THEN 'promising'
            WHEN s.f_score >= 3 THEN 'at risk'
            ELSE 'hibernating'
        END AS segment
    FROM scored_users AS s
    CROSS JOIN moment AS m
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.rfm IS
'Recency, frequency and monetary value, one row per user. Parameters: value (a mapped numeric column or an expression over them, rfm(value := price); NULL: no monetary part); action (count events of this action only, ''purchase''; NULL: all); as_of (NULL: the high-water mark). Columns: user_id; last_event_time; recency_days (from it to as_of); frequency (number of events); monetary (sum of value); r_score, f_score, m_score (1 worst to 5 best, by quintile: the share of users below among those below or above; equal users have the same score, and the best value always 5); segment (by r_score and f_score: champion 4-5 and 4-5; loyal 3-5 and 3-5; recent 4-5 and 1-2; promising 3 and 1-2; at risk 1-2 and 3-5; hibernating 1-2 and 1-2).';
