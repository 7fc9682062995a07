CREATE OR REPLACE VIEW sqlscore.uplift_by_risk AS
SELECT * FROM sqlscore.intervention_outcomes_with(segments := 'risk');

COMMENT ON VIEW sqlscore.uplift_by_risk IS 'Whom interventions helped and whom they hurt, one row per intervention and fifth of the risk before.';
COMMENT ON COLUMN sqlscore.uplift_by_risk.which IS 'What was done: a name of the playbook, or of a campaign of your own.';
COMMENT ON COLUMN sqlscore.uplift_by_risk.segment IS 'The risk before, in fifths: 0.0 to 0.2, 0.2 to 0.4 and so on.';
COMMENT ON COLUMN sqlscore.uplift_by_risk.n_assigned IS 'Users who were assigned.';
COMMENT ON COLUMN sqlscore.uplift_by_risk.n_treated IS 'Treated users whose outcome is known.';
COMMENT ON COLUMN sqlscore.uplift_by_risk.n_held_out IS 'Held-out users whose outcome is known.';
COMMENT ON COLUMN sqlscore.uplift_by_risk.mean_risk IS 'Mean churn risk before, of all who were assigned.';
COMMENT ON COLUMN sqlscore.uplift_by_risk.stayed_treated IS 'Share of the treated who stayed.';
COMMENT ON COLUMN sqlscore.uplift_by_risk.stayed_held_out IS 'Share of the held-out who stayed.';
COMMENT ON COLUMN sqlscore.uplift_by_risk.raw_uplift IS 'Their difference.';
COMMENT ON COLUMN sqlscore.uplift_by_risk.uplift IS 'The difference, adjusted by the risk before; NULL under 50 users in either arm.';
COMMENT ON COLUMN sqlscore.uplift_by_risk.uplift_low IS 'Lower end of its interval, which holds however often one looks.';
COMMENT ON COLUMN sqlscore.uplift_by_risk.uplift_high IS 'Upper end.';
COMMENT ON COLUMN sqlscore.uplift_by_risk.standard_error IS 'Standard error of the uplift.';
COMMENT ON COLUMN sqlscore.uplift_by_risk.level IS 'Level of the interval: 95 %, divided among the segments.';
COMMENT ON COLUMN sqlscore.uplift_by_risk.variance_removed IS 'Share of the variance that the adjustment took away.';
COMMENT ON COLUMN sqlscore.uplift_by_risk.needed_users IS 'About how many users with known outcomes show an uplift of 5 points with a probability of 80 %; NULL if nobody is held out.';
COMMENT ON COLUMN sqlscore.uplift_by_risk.assignment_p IS 'How likely so uneven arms are by chance.';
COMMENT ON COLUMN sqlscore.uplift_by_risk.verdict IS 'helps, hurts, unclear, too few users, nobody is held out, or arms are not as assigned (assignment_p under 0.0001: something interfered, so that no uplift can be trusted).';
