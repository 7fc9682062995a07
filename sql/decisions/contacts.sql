CREATE OR REPLACE VIEW sqlscore.contacts AS
SELECT
    r.user_id,
    i.which,
    r.action,
    r.message,
    r.churn_risk,
    r.driver,
    r.driver_action,
    r.place,
    i.assigned_at
FROM sqlscore.recommendations AS r
INNER JOIN sqlscore.interventions AS i ON i.user_id = r.user_id AND i.which = r.playbook AND i.assigned_at = r.as_of
WHERE r.is_chosen AND i.variant = 'treated';

COMMENT ON VIEW sqlscore.contacts IS 'The chosen users of the newest advice who were assigned and are to be treated, one row each: what is handed over. Held-out users are not in it.';
COMMENT ON COLUMN sqlscore.contacts.user_id IS 'The user.';
COMMENT ON COLUMN sqlscore.contacts.which IS 'The name in the playbook.';
COMMENT ON COLUMN sqlscore.contacts.action IS 'What is to be done.';
COMMENT ON COLUMN sqlscore.contacts.message IS 'The message, filled in.';
COMMENT ON COLUMN sqlscore.contacts.churn_risk IS 'As in scored_users.';
COMMENT ON COLUMN sqlscore.contacts.driver IS 'As in recommendations.';
COMMENT ON COLUMN sqlscore.contacts.driver_action IS 'As in recommendations.';
COMMENT ON COLUMN sqlscore.contacts.place IS 'Place among the chosen ones, 1 first.';
COMMENT ON COLUMN sqlscore.contacts.assigned_at IS 'When the user was assigned, UTC.';
