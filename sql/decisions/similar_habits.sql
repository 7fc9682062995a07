CREATE OR REPLACE MACRO sqlscore.similar_habits(
    horizon := INTERVAL 30 DAY, lookback := INTERVAL 90 DAY, gap := INTERVAL 30 MINUTE, min_stayed := 30,
    ordered := 'sqlscore.ordered_events'
) AS TABLE
WITH
labelled AS (
    SELECT
        s.user_id,
        s.last_action,
        FLOOR(LOG2(s.n_visits)) AS visit_band,
        CASE WHEN s.overdue < 1 THEN 0 WHEN s.overdue < 2 THEN 1 WHEN s.overdue < 4 THEN 2 ELSE 3 END AS overdue_band,
        l.as_of AS label_time,
        l.churned
    FROM sqlscore.churn_labels_inactivity(horizon := horizon, lookback := lookback) AS l
    INNER JOIN sqlscore.user_signs(back := horizon, horizon := horizon, lookback := lookback, gap := gap, ordered := ordered) AS s
        ON s.user_id = l.user_id
    WHERE l.churned IS NOT NULL
),
-- Narrow classes first; where too few stayed, wider ones stand in.
classes AS (
    SELECT
        GROUPING(l.overdue_band) + GROUPING(l.visit_band) + GROUPING(l.last_action) AS width,
        l.last_action,
        l.visit_band,
        l.overdue_band,
        COUNT(*) AS n_similar,
        COUNT(*) FILTER (WHERE NOT l.churned) AS n_stayed
    FROM labelled AS l
    GROUP BY GROUPING SETS (
        (l.last_action, l.visit_band, l.overdue_band), (l.last_action, l.visit_band), (l.last_action), ()
    )
    HAVING COUNT(*) FILTER (WHERE NOT l.churned) >= min_stayed
),
later AS (
    SELECT DISTINCT l.user_id, l.last_action, l.visit_band, l.overdue_band, e.event_type AS action
    FROM labelled AS l
    INNER JOIN sqlscore.events AS e
        ON e.user_id = l.user_id
        AND e.event_time > l.label_time
        AND e.event_time <= l.label_time + CAST(horizon AS INTERVAL)
    WHERE NOT l.churned
),
did AS (
    SELECT
        GROUPING(l.overdue_band) + GROUPING(l.visit_band) + GROUPING(l.last_action) AS width,
        l.last_action,
        l.visit_band,
        l.overdue_band,
        l.action,
        COUNT(*) AS n_did
    FROM later AS l
    GROUP BY GROUPING SETS (
        (l.last_action, l.visit_band, l.overdue_band, l.action), (l.last_action, l.visit_band, l.action),
        (l.last_action, l.action), (l.action)
    )
),
-- Intervals of shares by Wilson (1927), 95 %.
final AS (
    SELECT
        c.width,
        c.last_action,
        c.visit_band,
        c.overdue_band,
        d.action,
        c.n_similar,
        c.n_stayed,
        d.n_did,
        d.n_did / CAST(c.n_stayed AS DOUBLE) AS share,
        (
            d.n_did + 1.920729
            - 1.959964 * SQRT(d.n_did * (c.n_stayed - d.n_did) / CAST(c.n_stayed AS DOUBLE) + 0.960365)
        ) / (c.n_stayed + 3.841459) AS share_low,
        (
            d.n_did + 1.920729
            + 1.959964 * SQRT(d.n_did * (c.n_stayed - d.n_did) / CAST(c.n_stayed AS DOUBLE) + 0.960365)
        ) / (c.n_stayed + 3.841459) AS share_high
    FROM classes AS c
    INNER JOIN did AS d
        ON d.width = c.width
        AND d.last_action IS NOT DISTINCT FROM c.last_action
        AND d.visit_band IS NOT DISTINCT FROM c.visit_band
        AND d.overdue_band IS NOT DISTINCT FROM c.overdue_band
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.similar_habits IS
'What users did within the horizon who were alike a horizon ago and stayed, one row per class of users and action. Parameters: horizon (30 days: how far ahead a user who does not come counts as lost), lookback (90 days: only users seen within it have a label) and gap (30 minutes: the longest silence within a visit); min_stayed (30: classes of fewer are left to wider ones); ordered (the name of the view ordered_events, or of a relation with its columns; a table of it saves sorting the events). Columns: width (0: alike in all three of the next columns; 1 to 3: in one less each, and the others are NULL); last_action; visit_band (log2 of the number of visits, rounded down); overdue_band (silence in usual gaps: 0 up to 1, 1 up to 2, 2 up to 4, 3 above); action; n_similar (users in the class); n_stayed (of them stayed); n_did (of these did the action within the horizon); share (n_did / n_stayed); share_low, share_high (95 % interval). Months in horizon, lookback and gap are the calendar''s.';
