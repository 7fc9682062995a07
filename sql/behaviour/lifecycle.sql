CREATE OR REPLACE VIEW sqlscore.lifecycle AS
SELECT * FROM sqlscore.lifecycle_with();

COMMENT ON VIEW sqlscore.lifecycle IS 'How many users are in each lifecycle state, one row per week and state.';
COMMENT ON COLUMN sqlscore.lifecycle.period_start IS 'Start of the week, a Monday.';
COMMENT ON COLUMN sqlscore.lifecycle.state IS 'new: first seen in that week; active: seen in it and in one of the four weeks before; resurrected: seen in it after missing four weeks or more; at risk: missed the last one to three weeks; dormant: missed the last four weeks or more.';
COMMENT ON COLUMN sqlscore.lifecycle.n_users IS 'Number of users in that state.';
COMMENT ON COLUMN sqlscore.lifecycle.share IS 'Their share of all users seen so far.';
COMMENT ON COLUMN sqlscore.lifecycle.is_complete IS 'Whether the week is over at the high-water mark.';
