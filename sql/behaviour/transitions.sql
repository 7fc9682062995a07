CREATE OR REPLACE VIEW sqlscore.transitions AS
SELECT * FROM sqlscore.transitions_with();

COMMENT ON VIEW sqlscore.transitions IS 'One row per pair of actions that follow each other in a user''s events.';
COMMENT ON COLUMN sqlscore.transitions.action IS 'The action.';
COMMENT ON COLUMN sqlscore.transitions.next_action IS 'What the same user did next.';
COMMENT ON COLUMN sqlscore.transitions.n_transitions IS 'How often.';
COMMENT ON COLUMN sqlscore.transitions.probability IS 'Probability of next_action after action, given that something follows.';
COMMENT ON COLUMN sqlscore.transitions.lift IS 'That probability over the share of next_action among all that follow: above 1 if the pair is more frequent than by chance.';
COMMENT ON COLUMN sqlscore.transitions.median_seconds IS 'Median seconds between the two.';
