CREATE OR REPLACE VIEW sqlscore.intervention_outcomes AS
SELECT * FROM sqlscore.intervention_outcomes_with()
UNION ALL
SELECT * FROM sqlscore.intervention_outcomes_with(segments := 'driver');

COMMENT ON VIEW sqlscore.intervention_outcomes IS 'What interventions did to staying, by intention to treat, one row per intervention for all users and one per driver.';
COMMENT ON COLUMN sqlscore.intervention_outcomes.which IS 'What was done: a name of the playbook, or of a campaign of your own.';
COMMENT ON COLUMN sqlscore.intervention_outcomes.segment IS 'all, or the driver.';
COMMENT ON COLUMN sqlscore.intervention_outcomes.n_assigned IS 'Users who were assigned.';
COMMENT ON COLUMN sqlscore.intervention_outcomes.n_treated IS 'Treated users whose outcome is known.';
COMMENT ON COLUMN sqlscore.intervention_outcomes.n_held_out IS 'Held-out users whose outcome is known.';
COMMENT ON COLUMN sqlscore.intervention_outcomes.mean_risk IS 'Mean churn risk before, of all who were assigned.';
COMMENT ON COLUMN sqlscore.intervention_outcomes.stayed_treated IS 'Share of the treated who stayed.';
COMMENT ON COLUMN sqlscore.intervention_outcomes.stayed_held_out IS 'Share of the held-out who stayed.';
COMMENT ON COLUMN sqlscore.intervention_outcomes.raw_uplift IS 'Their difference.';
COMMENT ON COLUMN sqlscore.intervention_outcomes.uplift IS 'The difference, adjusted by the risk before; NULL under 50 users in either arm.';
COMMENT ON COLUMN sqlscore.intervention_outcomes.uplift_low IS 'Lower end of its interval, which holds however often one looks.';
COMMENT ON COLUMN sqlscore.intervention_outcomes.uplift_high IS 'Upper end.';
COMMENT ON COLUMN sqlscore.intervention_outcomes.standard_error IS 'Standard error of the uplift.';
COMMENT ON COLUMN sqlscore.intervention_outcomes.level IS 'Level of the interval: 95 %, divided among the segments.';
COMMENT ON COLUMN sqlscore.intervention_outcomes.variance_removed IS 'Share of the variance that the adjustment took away.';
COMMENT ON COLUMN sqlscore.intervention_outcomes.needed_users IS 'About how many users with known outcomes show an uplift of 5 points with a probability of 80 %; NULL if nobody is held out.';
COMMENT ON COLUMN sqlscore.intervention_outcomes.assignment_p IS 'How likely so uneven arms are by chance.';
COMMENT ON COLUMN sqlscore.intervention_outcomes.verdict IS 'helps, hurts, unclear, too few users, nobody is held out, or arms are not as assigned (assignment_p under 0.0001: something interfered, so that no uplift can be trusted).';
