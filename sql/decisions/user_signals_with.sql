CREATE OR REPLACE MACRO sqlscore.user_signals_with(
    risk_from := 0.3, horizon := INTERVAL 30 DAY, lookback := INTERVAL 90 DAY, gap := INTERVAL 30 MINUTE,
    ordered := 'sqlscore.ordered_events'
) AS TABLE
WITH
at_risk AS (
    SELECT u.user_id, u.churn_risk, u.next_action, u.next_action_probability, u.n_events, u.last_event_time, u.model, u.as_of
    FROM sqlscore.scored_users AS u
    WHERE u.is_active AND u.churn_risk >= CAST(risk_from AS FLOAT)
),
signs AS (
    SELECT
        s.*,
        FLOOR(LOG2(s.n_visits)) AS visit_band,
        CASE WHEN s.overdue < 1 THEN 0 WHEN s.overdue < 2 THEN 1 WHEN s.overdue < 4 THEN 2 ELSE 3 END AS overdue_band
    FROM sqlscore.user_signs(horizon := horizon, lookback := lookback, gap := gap, ordered := ordered) AS s
    SEMI JOIN at_risk AS a ON a.user_id = s.user_id
),
drivers AS (
    SELECT d.* FROM sqlscore.driver_stats(horizon := horizon, lookback := lookback, gap := gap, ordered := ordered) AS d
),
-- Of several signs the one after which most users left, by the lower end of its interval.
named AS (
    SELECT s.user_id, d.driver, d.n_users, d.churn_rate, d.rate_low, d.rate_high, d.churn_rate_of_all
    FROM (SELECT o.user_id, UNNEST(o.signs) AS sign FROM signs AS o) AS s
    INNER JOIN drivers AS d ON d.driver = s.sign
    QUALIFY ROW_NUMBER() OVER (PARTITION BY s.user_id ORDER BY d.rate_low DESC, d.driver) = 1
),
roles AS (
    SELECT r.action, r.role, r.lift_low, r.retention_lift
    FROM sqlscore.step_roles(horizon := horizon, lookback := lookback, gap := gap, ordered := ordered) AS r
),
features AS (
    SELECT COALESCE(LIST(r.action ORDER BY r.lift_low DESC, r.action), CAST([] AS VARCHAR[])) AS of_those_who_stay
    FROM roles AS r
    WHERE r.role = 'retention'
),
habits AS (
    SELECT
        c.width,
        c.last_action,
        c.visit_band,
        c.overdue_band,
        LIST({
            'action': c.action, 'n_stayed': c.n_stayed, 'share': c.share, 'share_low': c.share_low,
            'share_high': c.share_high
        } ORDER BY c.share_low DESC, c.action) AS did
    FROM sqlscore.similar_habits(horizon := horizon, lookback := lookback, gap := gap, ordered := ordered) AS c
    INNER JOIN roles AS r ON r.action = c.action
    WHERE r.role IN ('ordinary', 'retention') AND r.retention_lift >= 1
    GROUP BY c.width, c.last_action, c.visit_band, c.overdue_band
),
joined AS (
    SELECT
        a.*,
        s.n_visits,
        s.days_silent,
        s.usual_gap_days,
        s.overdue,
        s.last_action,
        COALESCE(n.driver, 'unclear') AS driver,
        CASE n.driver
            WHEN 'failed step' THEN s.failed_step
            WHEN 'exit intent' THEN s.exit_step
            WHEN 'abandoned flow' THEN s.unfinished_step
        END AS driver_action,
        n.n_users AS driver_users,
        n.churn_rate AS driver_churn_rate,
        n.rate_low AS driver_rate_low,
        n.rate_high AS driver_rate_high,
        n.churn_rate_of_all,
        s.signs,
        s.usual_next,
        LIST_FILTER(f.of_those_who_stay, lambda one: NOT LIST_CONTAINS(s.done, one)) AS unused_features,
        COALESCE(
            LIST_FILTER(COALESCE(h0.did, h1.did, h2.did, h3.did), lambda one: NOT LIST_CONTAINS(s.done, one.action))[1],
            COALESCE(h0.did, h1.did, h2.did, h3.did)[1]
        ) AS similar
    FROM at_risk AS a
    INNER JOIN signs AS s ON s.user_id = a.user_id
    CROSS JOIN features AS f
    LEFT JOIN named AS n ON n.user_id = a.user_id
    LEFT JOIN habits AS h0
        ON h0.width = 0 AND h0.last_action = s.last_action AND h0.visit_band = s.visit_band
        AND h0.overdue_band = s.overdue_band
    LEFT JOIN habits AS h1 ON h1.width = 1 AND h1.last_action = s.last_action AND h1.visit_band = s.visit_band
    LEFT JOIN habits AS h2 ON h2.width = 2 AND h2.last_action = s.last_action
    LEFT JOIN habits AS h3 ON h3.width = 3
),
final AS (
    SELECT
        j.user_id,
        j.churn_risk,
        j.driver,
        j.driver_action,
        j.driver_users,
        j.driver_churn_rate,
        j.driver_rate_low,
        j.driver_rate_high,
        j.churn_rate_of_all,
        j.signs,
        j.days_silent,
        j.usual_gap_days,
        j.overdue,
        j.n_visits,
        j.n_events,
        j.last_action,
        j.usual_next,
        j.next_action,
        j.next_action_probability,
        j.unused_features,
        j.unused_features[1] AS unused_feature,
        j.similar.action AS similar_action,
        j.similar.n_stayed AS similar_stayed,
        j.similar.share AS similar_share,
        j.similar.share_low AS similar_low,
        j.similar.share_high AS similar_high,
        LIST_FILTER(
            [
                CASE j.driver
                    WHEN 'inactivity' THEN CONCAT(
                        'silent for ', ROUND(j.days_silent, 1), ' days, usually back after ', ROUND(j.usual_gap_days, 1)
                    )
                    WHEN 'failed step' THEN CONCAT(j.driver_action, ' in the last visit')
                    WHEN 'exit intent' THEN CONCAT(j.driver_action, ' in the last visit')
                    WHEN 'abandoned flow' THEN CONCAT(
                        'the last visit ended with ', j.driver_action, ', which usually goes on to ', j.usual_next
                    )
                END,
                CASE WHEN j.driver <> 'unclear' THEN CONCAT(
                    'of ', j.driver_users, ' users with this sign (', j.driver, ') ', CAST(ROUND(100 * j.driver_churn_rate) AS INTEGER),
                    ' % left, of all ', CAST(ROUND(100 * j.churn_rate_of_all) AS INTEGER), ' %'
                ) END,
                CASE WHEN ARRAY_LENGTH(j.unused_features) > 0 THEN CONCAT(
                    'has never done ', j.unused_features[1], ', which precedes staying'
                ) END,
                CASE WHEN j.similar IS NOT NULL THEN CONCAT(
                    CAST(ROUND(100 * j.similar.share) AS INTEGER), ' % (', CAST(ROUND(100 * j.similar.share_low) AS INTEGER), ' to ',
                    CAST(ROUND(100 * j.similar.share_high) AS INTEGER), ') of ', j.similar.n_stayed, ' similar users who stayed did ',
                    j.similar.action
                ) END
            ],
            lambda reason: reason IS NOT NULL
        ) AS reasons,
        j.last_event_time,
        j.model,
        j.as_of
    FROM joined AS j
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.user_signals_with IS
'Active users at risk with what drives it, what they have not tried and what similar users did who stayed, one row per user; the columns that conditions in the playbook are about. Parameters: risk_from (0.3: the lowest churn risk), horizon (30 days: how far ahead a user who does not come counts as lost), lookback (90 days: only users seen within it have a label) and gap (30 minutes: the longest silence within a visit); ordered (the name of the view ordered_events, or of a relation with its columns; a table of it saves sorting the events). Columns: user_id (the user), churn_risk (as in scored_users), driver (of the user''s signs the one after which most users left: failed step, exit intent, abandoned flow or inactivity; unclear if there is none), driver_action (the action that shows it; NULL for inactivity), driver_users (users who had that sign a horizon ago), driver_churn_rate (share of them who left), driver_rate_low (lower end of its 95 % interval), driver_rate_high (upper end), churn_rate_of_all (share of all users who left in that time), signs (all signs of the user), days_silent (days since the last event), usual_gap_days (median silence between visits in days, of all users for those who came twice or less), overdue (days_silent / usual_gap_days), n_visits (number of visits), n_events (number of events), last_action (the last action), usual_next (what usually follows it in a visit, if visits mostly go on after it), next_action (as in scored_users), next_action_probability (as in scored_users), unused_features (actions that precede retention and that the user has never done, the surest first), unused_feature (the first of them), similar_action (what similar users did who stayed, if possible something that the user has never done), similar_stayed (number of these users), similar_share (share of them who did it), similar_low (lower end of its 95 % interval), similar_high (upper end), reasons (the same in words, one reason each), last_event_time (time of the newest event, UTC), model (the model that scored, name@version), as_of (the moment at which all this is valid, UTC). Associations, not causes. Months in horizon, lookback and gap are the calendar''s.';
