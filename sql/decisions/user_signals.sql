CREATE OR REPLACE VIEW sqlscore.user_signals AS
-- Nothing is found yet: the first `sqlscore advise` replaces this view by a table.
-- Events have users, so that no row is read; where no events are mapped, an error is raised.
SELECT
    e.user_id,
    CAST(NULL AS FLOAT) AS churn_risk,
    CAST(NULL AS VARCHAR) AS driver,
    CAST(NULL AS VARCHAR) AS driver_action,
    CAST(NULL AS BIGINT) AS driver_users,
    CAST(NULL AS DOUBLE) AS driver_churn_rate,
    CAST(NULL AS DOUBLE) AS driver_rate_low,
    CAST(NULL AS DOUBLE) AS driver_rate_high,
    CAST(NULL AS DOUBLE) AS churn_rate_of_all,
    CAST(NULL AS VARCHAR[]) AS signs,
    CAST(NULL AS DOUBLE) AS days_silent,
    CAST(NULL AS DOUBLE) AS usual_gap_days,
    CAST(NULL AS DOUBLE) AS overdue,
    CAST(NULL AS BIGINT) AS n_visits,
    CAST(NULL AS BIGINT) AS n_events,
    CAST(NULL AS VARCHAR) AS last_action,
    CAST(NULL AS VARCHAR) AS usual_next,
    CAST(NULL AS VARCHAR) AS next_action,
    CAST(NULL AS FLOAT) AS next_action_probability,
    CAST(NULL AS VARCHAR[]) AS unused_features,
    CAST(NULL AS VARCHAR) AS unused_feature,
    CAST(NULL AS VARCHAR) AS similar_action,
    CAST(NULL AS BIGINT) AS similar_stayed,
    CAST(NULL AS DOUBLE) AS similar_share,
    CAST(NULL AS DOUBLE) AS similar_low,
    CAST(NULL AS DOUBLE) AS similar_high,
    CAST(NULL AS VARCHAR[]) AS reasons,
    CAST(NULL AS TIMESTAMP) AS last_event_time,
    CAST(NULL AS VARCHAR) AS model,
    CAST(NULL AS TIMESTAMP) AS as_of
FROM sqlscore.events AS e
WHERE e.user_id IS NULL;

COMMENT ON VIEW sqlscore.user_signals IS 'Active users at risk with what drives it, what they have not tried and what similar users did who stayed, one row per user; conditions in the playbook are about these columns. Empty until sqlscore advise, then a table. Associations, not causes.';
COMMENT ON COLUMN sqlscore.user_signals.user_id IS 'The user.';
COMMENT ON COLUMN sqlscore.user_signals.churn_risk IS 'As in scored_users.';
COMMENT ON COLUMN sqlscore.user_signals.driver IS 'Of the user''s signs the one after which most users left: failed step, exit intent, abandoned flow or inactivity; unclear if there is none.';
COMMENT ON COLUMN sqlscore.user_signals.driver_action IS 'The action that shows it; NULL for inactivity.';
COMMENT ON COLUMN sqlscore.user_signals.driver_users IS 'Users who had that sign a horizon ago.';
COMMENT ON COLUMN sqlscore.user_signals.driver_churn_rate IS 'Share of them who left.';
COMMENT ON COLUMN sqlscore.user_signals.driver_rate_low IS 'Lower end of its 95 % interval.';
COMMENT ON COLUMN sqlscore.user_signals.driver_rate_high IS 'Upper end.';
COMMENT ON COLUMN sqlscore.user_signals.churn_rate_of_all IS 'Share of all users who left in that time.';
COMMENT ON COLUMN sqlscore.user_signals.signs IS 'All signs of the user.';
COMMENT ON COLUMN sqlscore.user_signals.days_silent IS 'Days since the last event.';
COMMENT ON COLUMN sqlscore.user_signals.usual_gap_days IS 'Median silence between visits in days, of all users for those who came twice or less.';
COMMENT ON COLUMN sqlscore.user_signals.overdue IS 'days_silent / usual_gap_days.';
COMMENT ON COLUMN sqlscore.user_signals.n_visits IS 'Number of visits.';
COMMENT ON COLUMN sqlscore.user_signals.n_events IS 'Number of events.';
COMMENT ON COLUMN sqlscore.user_signals.last_action IS 'The last action.';
COMMENT ON COLUMN sqlscore.user_signals.usual_next IS 'What usually follows it in a visit, if visits mostly go on after it.';
COMMENT ON COLUMN sqlscore.user_signals.next_action IS 'As in scored_users.';
COMMENT ON COLUMN sqlscore.user_signals.next_action_probability IS 'As in scored_users.';
COMMENT ON COLUMN sqlscore.user_signals.unused_features IS 'Actions that precede retention and that the user has never done, the surest first.';
COMMENT ON COLUMN sqlscore.user_signals.unused_feature IS 'The first of them.';
COMMENT ON COLUMN sqlscore.user_signals.similar_action IS 'What similar users did who stayed, if possible something that the user has never done.';
COMMENT ON COLUMN sqlscore.user_signals.similar_stayed IS 'Number of these users.';
COMMENT ON COLUMN sqlscore.user_signals.similar_share IS 'Share of them who did it.';
COMMENT ON COLUMN sqlscore.user_signals.similar_low IS 'Lower end of its 95 % interval.';
COMMENT ON COLUMN sqlscore.user_signals.similar_high IS 'Upper end.';
COMMENT ON COLUMN sqlscore.user_signals.reasons IS 'The same in words, one reason each.';
COMMENT ON COLUMN sqlscore.user_signals.last_event_time IS 'Time of the newest event, UTC.';
COMMENT ON COLUMN sqlscore.user_signals.model IS 'The model that scored, name@version.';
COMMENT ON COLUMN sqlscore.user_signals.as_of IS 'The moment at which all this is valid, UTC.';
