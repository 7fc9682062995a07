CREATE TABLE IF NOT EXISTS sqlscore.playbook (
    name VARCHAR NOT NULL UNIQUE,
    condition VARCHAR NOT NULL,
    action VARCHAR NOT NULL,
    message VARCHAR NOT NULL DEFAULT '',
    cost DOUBLE NOT NULL DEFAULT 0 CHECK (cost >= 0),
    effect DOUBLE NOT NULL DEFAULT 0.05 CHECK (effect BETWEEN 0 AND 1),
    cool_down_days DOUBLE NOT NULL DEFAULT 14 CHECK (cool_down_days >= 0),
    audience_limit BIGINT CHECK (audience_limit >= 0),
    held_out DOUBLE NOT NULL DEFAULT 0.1 CHECK (held_out >= 0 AND held_out < 1),
    is_on BOOLEAN NOT NULL DEFAULT TRUE
);

INSERT INTO sqlscore.playbook (name, condition, action, message, cost, effect, cool_down_days)
SELECT d.name, d.condition, d.action, d.message, d.cost, d.effect, d.cool_down_days
FROM (
    VALUES
    ('solve_failure', 'driver = ''failed step''', 'help', 'Ask what went wrong at {driver_action}, and offer a way around it.', 2, 0.15, 14),
    ('ask_why', 'driver = ''exit intent''', 'call', 'Call before it is too late: {driver_action} was in the last visit.', 5, 0.15, 30),
    ('remind_of_flow', 'driver = ''abandoned flow''', 'reminder', 'The last visit ended with {driver_action}: lead back to {usual_next}.', 0.05, 0.05, 7),
    ('win_back', 'driver = ''inactivity''', 'mail', 'Silent for {days_silent} days, usually back after {usual_gap_days}: show what is new.', 0.05, 0.05, 14),
    ('show_feature', 'unused_feature IS NOT NULL', 'mail', 'Show {unused_feature}: those who use it stay more often.', 0.05, 0.03, 30),
    ('voucher', 'churn_risk >= 0.7', 'voucher', 'Send a voucher.', 5, 0.1, 60)
) AS d (name, condition, action, message, cost, effect, cool_down_days)
WHERE NOT EXISTS (SELECT 1 FROM sqlscore.playbook AS p);

COMMENT ON TABLE sqlscore.playbook IS 'What can be done for users at risk; change it with INSERT, UPDATE and DELETE. If it is empty, sqlscore fills it again when a new version opens the file.';
COMMENT ON COLUMN sqlscore.playbook.name IS 'The name of the row, by which interventions refer to it.';
COMMENT ON COLUMN sqlscore.playbook.condition IS 'For whom: an SQL condition over the columns of user_signals.';
COMMENT ON COLUMN sqlscore.playbook.action IS 'What is done, as those who do it call it.';
COMMENT ON COLUMN sqlscore.playbook.message IS 'A text in which {column} stands for a column of user_signals; {{ and }} are braces.';
COMMENT ON COLUMN sqlscore.playbook.cost IS 'What it costs for one user, in your currency.';
COMMENT ON COLUMN sqlscore.playbook.effect IS 'Share of the churn risk that it is assumed to take away, 0 to 1, until interventions have measured it.';
COMMENT ON COLUMN sqlscore.playbook.cool_down_days IS 'It is not advised within so many days after the last intervention on the user, whichever that was.';
COMMENT ON COLUMN sqlscore.playbook.audience_limit IS 'At most so many users at a time; NULL: no limit.';
COMMENT ON COLUMN sqlscore.playbook.held_out IS 'Share of the assigned users who do not get it, so that its effect can be measured.';
COMMENT ON COLUMN sqlscore.playbook.is_on IS 'Whether it is advised.';
