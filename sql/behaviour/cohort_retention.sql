CREATE OR REPLACE VIEW sqlscore.cohort_retention AS
SELECT * FROM sqlscore.cohort_retention_with();

COMMENT ON VIEW sqlscore.cohort_retention IS 'How many of the users first seen in one month are seen in each later month, one row per cohort and month.';
COMMENT ON COLUMN sqlscore.cohort_retention.cohort IS 'Start of the month of the users'' first event.';
COMMENT ON COLUMN sqlscore.cohort_retention.n_users IS 'Users in the cohort.';
COMMENT ON COLUMN sqlscore.cohort_retention.period_number IS 'Months since the cohort''s own, which is 0.';
COMMENT ON COLUMN sqlscore.cohort_retention.period_start IS 'Start of that month.';
COMMENT ON COLUMN sqlscore.cohort_retention.n_active IS 'Users of the cohort seen in that month.';
COMMENT ON COLUMN sqlscore.cohort_retention.retention IS 'n_active / n_users.';
COMMENT ON COLUMN sqlscore.cohort_retention.is_complete IS 'Whether the month is over at the high-water mark; the retention of an unfinished month is too low.';
