CREATE OR REPLACE MACRO sqlscore.user_signs(
    back := INTERVAL 0 DAY, horizon := INTERVAL 30 DAY, lookback := INTERVAL 90 DAY, gap := INTERVAL 30 MINUTE,
    ordered := 'sqlscore.ordered_events'
) AS TABLE
WITH
moments AS (
    SELECT s.user_id, s.as_of - CAST(back AS INTERVAL) AS moment FROM sqlscore.scored_users AS s
),
steps AS (
    SELECT e.user_id, e.event_time, e.event_type, e.previous_time, e.place, m.moment
    FROM query_table(ordered) AS e
    INNER JOIN moments AS m ON m.user_id = e.user_id
    WHERE e.event_time <= m.moment
),
visits AS (
    SELECT
        s.user_id,
        ANY_VALUE(s.moment) AS moment,
        MAX(s.event_time) AS last_event_time,
        ARG_MAX(s.event_type, s.place) AS last_action,
        MAX(s.event_time) FILTER (
            WHERE s.previous_time IS NULL OR s.event_time > s.previous_time + CAST(gap AS INTERVAL)
        ) AS last_visit_start,
        COUNT(*) FILTER (WHERE s.event_time > s.previous_time + CAST(gap AS INTERVAL)) AS n_gaps,
        MEDIAN((EPOCH_US(s.event_time) - EPOCH_US(s.previous_time)) / 864e8) FILTER (
            WHERE s.event_time > s.previous_time + CAST(gap AS INTERVAL)
        ) AS own_gap,
        LIST_SORT(LIST(DISTINCT s.event_type)) AS done
    FROM steps AS s
    GROUP BY s.user_id
),
-- Whoever came twice or less has no habit of her own yet: that of the others in the middle stands in.
habits AS (
    SELECT MEDIAN(v.own_gap) AS gap_of_others FROM visits AS v WHERE v.n_gaps >= 2
),
roles AS (
    SELECT r.action, r.role, r.usual_next, r.retention_lift
    FROM sqlscore.step_roles(
        as_of := (SELECT MAX(m.moment) FROM moments AS m), horizon := horizon, lookback := lookback, gap := gap,
        ordered := ordered
    ) AS r
),
harmful_steps AS (
    SELECT
        s.user_id,
        MIN_BY(s.event_type, r.retention_lift) FILTER (WHERE r.role = 'failure') AS failed_step,
        MIN_BY(s.event_type, r.retention_lift) FILTER (WHERE r.role = 'exit') AS exit_step
    FROM steps AS s
    INNER JOIN roles AS r ON r.action = s.event_type AND r.role IN ('failure', 'exit')
    INNER JOIN visits AS v ON v.user_id = s.user_id AND s.event_time >= v.last_visit_start
    GROUP BY s.user_id
),
measured AS (
    SELECT
        v.user_id,
        v.moment,
        v.n_gaps + 1 AS n_visits,
        (EPOCH_US(v.moment) - EPOCH_US(v.last_event_time)) / 864e8 AS days_silent,
        CASE WHEN v.n_gaps >= 2 THEN v.own_gap ELSE h.gap_of_others END AS usual_gap_days,
        v.last_action,
        b.failed_step,
        b.exit_step,
        CASE WHEN r.role = 'unfinished' THEN v.last_action END AS unfinished_step,
        CASE WHEN r.role = 'unfinished' THEN r.usual_next END AS usual_next,
        v.done
    FROM visits AS v
    CROSS JOIN habits AS h
    LEFT JOIN roles AS r ON r.action = v.last_action
    LEFT JOIN harmful_steps AS b ON b.user_id = v.user_id
),
final AS (
    SELECT
        m.user_id,
        m.moment,
        m.n_visits,
        m.days_silent,
        m.usual_gap_days,
        m.days_silent / NULLIF(m.usual_gap_days, 0) AS overdue,
        m.last_action,
        m.failed_step,
        m.exit_step,
        m.unfinished_step,
        m.usual_next,
        LIST_FILTER(
            [
                CASE WHEN m.failed_step IS NOT NULL THEN 'failed step' END,
                CASE WHEN m.exit_step IS NOT NULL THEN 'exit intent' END,
                CASE WHEN m.unfinished_step IS NOT NULL THEN 'abandoned flow' END,
                CASE WHEN m.days_silent > 2 * m.usual_gap_days THEN 'inactivity' END
            ],
            lambda sign: sign IS NOT NULL
        ) AS signs,
        m.done
    FROM measured AS m
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.user_signs IS
'What each user''s last visit and silence show at a moment, one row per scored user seen by then. Parameters: back (no time: how long before the scores'' as_of the moment is; roles and habits are those known then), horizon (30 days: how far ahead a user who does not come counts as lost), lookback (90 days: only users seen within it have a label) and gap (30 minutes: the longest silence within a visit); ordered (the name of the view ordered_events, or of a relation with its columns; a table of it saves sorting the events). Columns: user_id; moment; n_visits; days_silent (since the last event); usual_gap_days (median silence between visits, of all users for those who came twice or less); overdue (days_silent / usual_gap_days); last_action; failed_step, exit_step (the action of the last visit with that role in step_roles, the most harmful one); unfinished_step (the last action, if visits mostly go on after it); usual_next (what usually follows it then); signs (which of ''failed step'', ''exit intent'', ''abandoned flow'' and ''inactivity'', that is overdue above 2, are there); done (all actions of the user so far, sorted). Months in horizon, lookback and gap are the calendar''s.';
