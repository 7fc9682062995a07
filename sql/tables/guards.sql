CREATE TABLE IF NOT EXISTS sqlscore.guards (
    name VARCHAR NOT NULL UNIQUE,
    threshold DOUBLE NOT NULL,
    outcome VARCHAR NOT NULL CHECK (outcome IN ('note', 'warn', 'refuse')),
    watches VARCHAR
);

INSERT INTO sqlscore.guards (name, threshold, outcome, watches)
SELECT d.name, d.threshold, d.outcome, d.watches
FROM (
    VALUES
    ('future_share', 0, 'warn', 'Share of the rows whose time is later than now. They are left out.'),
    ('mostly_future', 0.5, 'refuse', 'The same share, when most rows are concerned: a wrong unit or a wrong clock.'),
    ('far_past_share', 0, 'warn', 'Share of the events from before 1990, or from 20 years before the 1 % quantile of the times.'),
    ('left_out_share', 0.05, 'warn', 'Rise of the share of rows without user, finite time or action, since mapping or the last refresh.'),
    ('missing_share', 0.2, 'warn', 'Rise of the share of events that lack a feature, since mapping or the last refresh.'),
    ('vanished_share', 0.2, 'warn', 'Share of the last refresh''s events that are gone.'),
    ('emptied_share', 0.95, 'refuse', 'The same share, when nearly all events are gone: a load that failed.'),
    ('repeated_share', 0.3, 'warn', 'Growth of the number of events since the last refresh without a newer one: a load that ran twice.'),
    ('leap_days', 30, 'refuse', 'Days of silence before the newest events, if these are hardly any, and neither the log nor the clock knows such a silence: a wrong date.'),
    ('silent_days', 7, 'warn', 'Age in days of the newest event, in a feed that was fresher at mapping or at the last refresh.'),
    ('unknown_share', 0.1, 'warn', 'Share of the events, or of those since the last refresh, whose action the champion does not know.'),
    ('largest_user_share', 0.1, 'note', 'Share of the events that belong to one user, if there are 20 users or more.'),
    ('group_silent_days', 30, 'note', 'Days from the newest event of a group to the newest of all, in a group that never was silent for two thirds as long; at a refresh, in one that was fresher before.'),
    ('thin_day_share', 0.7, 'note', 'Share of the events usual around a day, and on its weekday, that the day lacks; at a refresh, of days that were not over before.'),
    ('alike_actions', 0, 'note', 'Number of action names that differ from another in case, spaces, invisible characters or Unicode form only; counted when mapping.')
) AS d (name, threshold, outcome, watches)
WHERE NOT EXISTS (SELECT 1 FROM sqlscore.guards AS g WHERE g.name = d.name);

COMMENT ON TABLE sqlscore.guards IS 'What is watched in incoming events, and what happens beyond the threshold; change it with UPDATE.';
COMMENT ON COLUMN sqlscore.guards.name IS 'The name of the guard.';
COMMENT ON COLUMN sqlscore.guards.threshold IS 'What is above this has the outcome.';
COMMENT ON COLUMN sqlscore.guards.outcome IS 'note: refresh reports it. warn: it is a warning, and a problem in status. refuse: the refresh stops and the old scores stay, unless --accept is given.';
COMMENT ON COLUMN sqlscore.guards.watches IS 'What is watched.';
