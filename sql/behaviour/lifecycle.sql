CREATE OR REPLACE VIEW sqlscore.lifecycle AS
WITH
final AS (
    SELECT * FROM sqlscore.lifecycle_with()
)
SELECT * FROM final;

COMMENT ON VIEW sqlscore.lifecycle IS 'How many users are in each state of their life, one row per week and state.';
COMMENT ON COLUMN sqlscore.lifecycle.period_start IS 'Start of the week, a Monday.';
COMMENT ON COLUMN sqlscore.lifecycle.state IS 'new: first seen in that week; active: seen, and not long before; resurrected: seen after four missed weeks or more; at risk: missed one to three weeks in a row up to that one; dormant: missed four weeks or more in a row.';
COMMENT ON COLUMN sqlscore.lifecycle.n_users IS 'Number of users in that state.';
COMMENT ON COLUMN sqlscore.lifecycle.share IS 'Their share of all users seen so far.';
COMMENT ON COLUMN sqlscore.lifecycle.is_complete IS 'The week is over at the high-water mark.';
