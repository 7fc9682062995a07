CREATE OR REPLACE MACRO sqlscore.step_roles(
    as_of := NULL, horizon := INTERVAL 30 DAY, lookback := INTERVAL 90 DAY, gap := INTERVAL 30 MINUTE, min_events := 100,
    ordered := 'sqlscore.ordered_events'
) AS TABLE
WITH
high_water AS (
    SELECT COALESCE(sqlscore.utc_moment(as_of), h.high_water) AS known_by FROM sqlscore.high_water AS h
),
steps AS (
    SELECT
        e.event_time,
        e.event_type AS action,
        e.previous_time,
        e.previous_action,
        h.known_by
    FROM query_table(ordered) AS e
    CROSS JOIN high_water AS h
    WHERE e.event_time <= h.known_by
),
-- A visit may still go on after an event that is no older than the gap.
known AS (
    SELECT s.action, COUNT(*) AS n_events FROM steps AS s
    WHERE s.event_time <= s.known_by - CAST(gap AS INTERVAL)
    GROUP BY s.action
),
followed AS (
    SELECT s.previous_action AS action, COUNT(*) AS n_followed
    FROM steps AS s
    WHERE s.previous_time <= s.known_by - CAST(gap AS INTERVAL)
        AND s.event_time <= s.previous_time + CAST(gap AS INTERVAL)
    GROUP BY s.previous_action
),
counts AS (
    SELECT k.action, k.n_events, k.n_events - COALESCE(f.n_followed, 0) AS n_last
    FROM known AS k
    LEFT JOIN followed AS f ON f.action = k.action
),
pairs AS (
    SELECT s.previous_action AS action, s.action AS next_action, COUNT(*) AS n
    FROM steps AS s
    WHERE s.event_time <= s.previous_time + CAST(gap AS INTERVAL) AND s.action <> s.previous_action
    GROUP BY s.previous_action, s.action
),
usual AS (
    SELECT
        p.action,
        p.next_action,
        p.n / CAST(SUM(p.n) OVER (PARTITION BY p.action) AS DOUBLE) AS share,
        ROW_NUMBER() OVER (PARTITION BY p.action ORDER BY p.n DESC, p.next_action) AS next_rank,
        ROW_NUMBER() OVER (PARTITION BY p.next_action ORDER BY p.n DESC, p.action) AS before_rank
    FROM pairs AS p
),
totals AS (
    SELECT SUM(c.n_last) / CAST(SUM(c.n_events) AS DOUBLE) AS share FROM counts AS c
),
-- The interval of a share by Wilson (1927), at three standard errors since every action is asked.
shares AS (
    SELECT
        c.action,
        c.n_events,
        c.n_last / CAST(c.n_events AS DOUBLE) AS share_last,
        (
            c.n_last + 4.5 - 3 * SQRT(c.n_last * (c.n_events - c.n_last) / CAST(c.n_events AS DOUBLE) + 2.25)
        ) / (c.n_events + 9) AS last_low,
        (
            c.n_last + 4.5 + 3 * SQRT(c.n_last * (c.n_events - c.n_last) / CAST(c.n_events AS DOUBLE) + 2.25)
        ) / (c.n_events + 9) AS last_high,
        t.share AS share_last_of_all
    FROM counts AS c
    CROSS JOIN totals AS t
),
-- What came of an action is known a horizon later.
effects AS (
    SELECT a.action, a.precedes, a.retention_lift, a.lift_low, a.lift_high
    FROM sqlscore.action_stats_with(
        as_of := sqlscore.utc_moment(as_of) - CAST(horizon AS INTERVAL), horizon := horizon, lookback := lookback
    ) AS a
),
joined AS (
    SELECT
        s.*,
        e.precedes,
        e.retention_lift,
        e.lift_low,
        e.lift_high,
        n.next_action AS usual_next,
        n.share AS usual_next_share,
        b.action AS usual_before,
        s.last_high < 0.75 * s.share_last_of_all AS goes_on
    FROM shares AS s
    LEFT JOIN effects AS e ON e.action = s.action
    LEFT JOIN usual AS n ON n.action = s.action AND n.next_rank = 1
    LEFT JOIN usual AS b ON b.next_action = s.action AND b.before_rank = 1
),
final AS (
    SELECT
        j.action,
        CASE
            WHEN j.n_events < min_events THEN 'too few'
            WHEN j.goes_on THEN 'unfinished'
            WHEN j.precedes = 'churn' AND b.goes_on AND b.usual_next <> j.action THEN 'failure'
            WHEN j.precedes = 'churn' AND j.last_low > j.share_last_of_all THEN 'exit'
            WHEN j.precedes = 'retention' THEN 'retention'
            ELSE 'ordinary'
        END AS role,
        j.n_events,
        j.share_last,
        j.last_low,
        j.last_high,
        j.share_last_of_all,
        j.usual_before,
        j.usual_next,
        j.usual_next_share,
        j.precedes,
        j.retention_lift,
        j.lift_low,
        j.lift_high
    FROM joined AS j
    LEFT JOIN joined AS b ON b.action = j.usual_before
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.step_roles IS
'What each action is to those who stay and those who leave, found in the events alone, one row per action. Parameters: as_of (the newest event: what is later is not seen), horizon (30 days: how far ahead a user who does not come counts as lost), lookback (90 days: only users seen within it have a label) and gap (30 minutes: the longest silence within a visit); min_events (100: rarer actions have the role ''too few''); ordered (the name of the view ordered_events, or of a relation with its columns; a table of it saves sorting the events). Columns: action; role (''unfinished'': visits mostly go on after it; ''failure'': it precedes churn and stands where another action usually follows an unfinished one; ''exit'': it precedes churn and mostly ends the visit; ''retention'': it precedes retention; ''ordinary''); n_events; share_last (share of its events that end their visit); last_low, last_high (interval of that share, three standard errors); share_last_of_all (the same share of all events); usual_before, usual_next (the other action that most often comes right before, and right after, in the same visit); usual_next_share; precedes, retention_lift, lift_low, lift_high (as in action_stats_with). Associations, not causes. Months in horizon, lookback and gap are the calendar''s.';
