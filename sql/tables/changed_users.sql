CREATE OR REPLACE TABLE sqlscore.changed_users (
    user_id VARCHAR,
    of_table VARCHAR,
    n_rows BIGINT
);

COMMENT ON TABLE sqlscore.changed_users IS 'Users whose events changed since the last refresh: triggers on the events tables add rows, a refresh takes them away.';
COMMENT ON COLUMN sqlscore.changed_users.user_id IS 'The user.';
COMMENT ON COLUMN sqlscore.changed_users.of_table IS 'The table that changed; NULL if sqlscore itself wants the user looked at again.';
COMMENT ON COLUMN sqlscore.changed_users.n_rows IS 'Rows of the user that one statement added (positive) or deleted (negative); 0 if it changed them.';
