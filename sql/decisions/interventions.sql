CREATE OR REPLACE VIEW sqlscore.interventions AS
-- Nobody is assigned yet: the first `sqlscore assign` replaces this view by a table.
-- Events have users, so that no row is read; where no events are mapped, an error is raised (not if a condition on a
-- constant is false before, so that columns of conditions are the events').
SELECT
    e.user_id,
    e.event_type AS which,
    e.event_type AS variant,
    e.event_time AS assigned_at,
    CAST(NULL AS DOUBLE) AS probability,
    CAST(NULL AS BIGINT) AS seed,
    CAST(NULL AS DOUBLE) AS risk_before,
    CAST(NULL AS VARCHAR) AS driver,
    CAST(NULL AS DOUBLE) AS horizon_seconds,
    CAST(NULL AS VARCHAR) AS model,
    CAST(NULL AS TIMESTAMP) AS noted_at
FROM sqlscore.events AS e
WHERE e.user_id IS NULL;

COMMENT ON VIEW sqlscore.interventions IS 'Who was assigned to what, one row per user and assignment: empty until sqlscore assign, then a table.';
COMMENT ON COLUMN sqlscore.interventions.user_id IS 'The user.';
COMMENT ON COLUMN sqlscore.interventions.which IS 'What the user was assigned to: a name of the playbook, or of a campaign of your own.';
COMMENT ON COLUMN sqlscore.interventions.variant IS 'treated, or held out: held-out users get nothing, so that the effect can be measured.';
COMMENT ON COLUMN sqlscore.interventions.assigned_at IS 'From when outcomes count, UTC: as_of of the advice.';
COMMENT ON COLUMN sqlscore.interventions.probability IS 'The probability with which the user was to be treated.';
COMMENT ON COLUMN sqlscore.interventions.seed IS 'The seed of the assignment.';
COMMENT ON COLUMN sqlscore.interventions.risk_before IS 'The churn risk then; NULL if unknown.';
COMMENT ON COLUMN sqlscore.interventions.driver IS 'The driver then; NULL if unknown.';
COMMENT ON COLUMN sqlscore.interventions.horizon_seconds IS 'Within this many seconds after assigned_at a user who stays comes back; fixed at assignment.';
COMMENT ON COLUMN sqlscore.interventions.model IS 'The model of the risk, name@version.';
COMMENT ON COLUMN sqlscore.interventions.noted_at IS 'When the row was written, UTC.';
