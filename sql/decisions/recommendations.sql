CREATE OR REPLACE VIEW sqlscore.recommendations AS
-- Nothing is advised yet: the first `sqlscore advise` replaces this view by a table.
-- Events have users, so that no row is read; where no events are mapped, an error is raised (not if a condition on a
-- constant is false before, so that columns of conditions are the events').
SELECT
    e.user_id,
    CAST(NULL AS FLOAT) AS churn_risk,
    CAST(NULL AS VARCHAR) AS driver,
    CAST(NULL AS VARCHAR) AS driver_action,
    CAST(NULL AS VARCHAR[]) AS unused_features,
    CAST(NULL AS VARCHAR) AS similar_action,
    CAST(NULL AS BIGINT) AS similar_stayed,
    CAST(NULL AS DOUBLE) AS similar_share,
    CAST(NULL AS DOUBLE) AS similar_low,
    CAST(NULL AS DOUBLE) AS similar_high,
    CAST(NULL AS VARCHAR[]) AS reasons,
    e.event_type AS playbook,
    CAST(NULL AS VARCHAR) AS action,
    CAST(NULL AS VARCHAR) AS message,
    CAST(NULL AS DOUBLE) AS cost,
    CAST(NULL AS DOUBLE) AS effect,
    CAST(NULL AS BIGINT) AS effect_users,
    CAST(NULL AS DOUBLE) AS expected_saved,
    CAST(NULL AS DOUBLE) AS net_value,
    e.user_id IS NULL AS is_chosen,
    CAST(NULL AS BIGINT) AS place,
    CAST(NULL AS VARCHAR) AS why_not,
    CAST(NULL AS VARCHAR) AS model,
    e.event_time AS as_of,
    CAST(NULL AS VARCHAR) AS worded_by
FROM sqlscore.events AS e
WHERE e.user_id IS NULL;

COMMENT ON VIEW sqlscore.recommendations IS 'What to do for whom, one row per active user at risk: empty until sqlscore advise, then a table.';
COMMENT ON COLUMN sqlscore.recommendations.user_id IS 'The user.';
COMMENT ON COLUMN sqlscore.recommendations.churn_risk IS 'As in scored_users.';
COMMENT ON COLUMN sqlscore.recommendations.driver IS 'As in user_signals: failed step, exit intent, abandoned flow, inactivity or unclear.';
COMMENT ON COLUMN sqlscore.recommendations.driver_action IS 'The action that shows it.';
COMMENT ON COLUMN sqlscore.recommendations.unused_features IS 'Actions that precede retention and that the user has never done.';
COMMENT ON COLUMN sqlscore.recommendations.similar_action IS 'What similar users did who stayed.';
COMMENT ON COLUMN sqlscore.recommendations.similar_stayed IS 'Number of these users.';
COMMENT ON COLUMN sqlscore.recommendations.similar_share IS 'Share of them who did it.';
COMMENT ON COLUMN sqlscore.recommendations.similar_low IS 'Lower end of its 95 % interval.';
COMMENT ON COLUMN sqlscore.recommendations.similar_high IS 'Upper end.';
COMMENT ON COLUMN sqlscore.recommendations.reasons IS 'All of this in words, one reason each.';
COMMENT ON COLUMN sqlscore.recommendations.playbook IS 'The row of the playbook that is worth most for the user; NULL if none matches.';
COMMENT ON COLUMN sqlscore.recommendations.action IS 'Its action.';
COMMENT ON COLUMN sqlscore.recommendations.message IS 'Its message, filled in.';
COMMENT ON COLUMN sqlscore.recommendations.cost IS 'Its cost.';
COMMENT ON COLUMN sqlscore.recommendations.effect IS 'Share of the churn risk that it is expected to take away: assumed, and corrected by what interventions measured.';
COMMENT ON COLUMN sqlscore.recommendations.effect_users IS 'Number of users by whom it was measured; 0: it is assumed alone.';
COMMENT ON COLUMN sqlscore.recommendations.expected_saved IS 'churn_risk x effect: by how much the probability to stay is expected to rise.';
COMMENT ON COLUMN sqlscore.recommendations.net_value IS 'expected_saved x the value of a user who stays, minus cost; NULL if no value was given.';
COMMENT ON COLUMN sqlscore.recommendations.is_chosen IS 'Whether to do it now, within budget, contacts a day and limits.';
COMMENT ON COLUMN sqlscore.recommendations.place IS 'Place among the chosen ones, 1 first; NULL for others.';
COMMENT ON COLUMN sqlscore.recommendations.why_not IS 'Why it is not chosen: no row matches, cool-down, not worth its cost, audience limit, or budget or contacts; NULL if chosen.';
COMMENT ON COLUMN sqlscore.recommendations.model IS 'The model that scored, name@version.';
COMMENT ON COLUMN sqlscore.recommendations.as_of IS 'The moment at which all this is valid, UTC.';
COMMENT ON COLUMN sqlscore.recommendations.worded_by IS 'The language model that worded the message; NULL: the text is the playbook''s.';
