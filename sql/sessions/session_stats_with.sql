CREATE OR REPLACE MACRO sqlscore.session_stats_with(gap := INTERVAL 30 MINUTE, period := NULL) AS TABLE
WITH
sessions AS (
    SELECT
        s.*,
        DATE_TRUNC(period, s.session_start) AS period_start,
        LEAD(s.session_start) OVER (PARTITION BY s.user_id ORDER BY s.session_id) AS next_session_start
    FROM sqlscore.sessions_with(gap := gap) AS s
),
final AS (
    SELECT
        s.period_start,
        COUNT(*) AS n_sessions,
        COUNT(DISTINCT s.user_id) AS n_users,
        COUNT(*) / CAST(COUNT(DISTINCT s.user_id) AS DOUBLE) AS sessions_per_user,
        AVG(s.n_events) AS mean_events,
        MEDIAN(s.n_events) AS median_events,
        AVG(s.duration_seconds) AS mean_duration_seconds,
        MEDIAN(s.duration_seconds) AS median_duration_seconds,
        QUANTILE_CONT(s.duration_seconds, 0.9) AS p90_duration_seconds,
        AVG(CASE WHEN s.is_single_event THEN 1.0 ELSE 0.0 END) AS single_event_share,
        MEDIAN((EPOCH_US(s.next_session_start) - EPOCH_US(s.session_end)) / 1e6) AS median_seconds_to_return
    FROM sessions AS s
    GROUP BY s.period_start
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.session_stats_with IS
'Number, length and frequency of sessions: statistics, one row per period. Parameters: gap (30 minutes); period (''day'', ''week'', ''month'', ...: one row for each by session start; NULL: one row for all). Columns: period_start; n_sessions; n_users; sessions_per_user; mean_events, median_events; mean_duration_seconds, median_duration_seconds, p90_duration_seconds; single_event_share (bounce rate in the sense of web analytics); median_seconds_to_return (from a session''s end to the user''s next session, if there is one). Months in gap are the calendar''s.';
