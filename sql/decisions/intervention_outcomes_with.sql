CREATE OR REPLACE MACRO sqlscore.intervention_outcomes_with(
    segments := 'all', alpha := 0.05, planned := 1000, min_users := 50, worth := 0.05
) AS TABLE
WITH
users AS (
    SELECT
        j.which,
        CASE segments
            WHEN 'all' THEN 'all'
            WHEN 'driver' THEN COALESCE(j.driver, 'unknown')
            WHEN 'risk' THEN COALESCE(
                CONCAT(
                    FORMAT('{:.1f}', LEAST(FLOOR(j.risk_before * 5), 4) / 5), ' to ',
                    FORMAT('{:.1f}', LEAST(FLOOR(j.risk_before * 5), 4) / 5 + 0.2)
                ),
                'unknown'
            )
            ELSE ERROR('segments must be ''all'', ''driver'' or ''risk''')
        END AS segment,
        j.variant = 'treated' AS is_treated,
        j.probability,
        COALESCE(1 - j.risk_before, 0.5) AS expected,
        CAST(CASE WHEN j.churned THEN 0 ELSE 1 END AS DOUBLE) AS stayed,
        j.churned IS NOT NULL AS is_known
    FROM sqlscore.judged_interventions AS j
),
-- The sums of each arm: of what came, of what was expected before, of their squares and products about the means.
arms AS (
    SELECT
        u.which,
        u.segment,
        u.is_treated,
        COUNT(*) AS n,
        AVG(u.stayed) AS stayed,
        AVG(u.expected) AS expected,
        VAR_POP(u.stayed) * COUNT(*) AS yy,
        VAR_POP(u.expected) * COUNT(*) AS xx,
        COVAR_POP(u.stayed, u.expected) * COUNT(*) AS xy
    FROM users AS u
    WHERE u.is_known
    GROUP BY u.which, u.segment, u.is_treated
),
assigned AS (
    SELECT
        u.which,
        u.segment,
        COUNT(*) AS n_assigned,
        COUNT(*) FILTER (WHERE u.is_treated) AS n_given,
        SUM(u.probability) AS n_expected,
        SUM(u.probability * (1 - u.probability)) AS ratio_variance,
        AVG(u.probability) AS probability,
        AVG(1 - u.expected) AS mean_risk,
        COUNT(*) OVER (PARTITION BY u.which) AS n_segments
    FROM users AS u
    GROUP BY u.which, u.segment
),
-- CUPED (Deng et al. 2013): what the risk before explains is taken away, the same slope in both arms.
compared AS (
    SELECT
        a.*,
        COALESCE(t.n, 0) AS n_treated,
        COALESCE(c.n, 0) AS n_held_out,
        t.stayed AS stayed_treated,
        c.stayed AS stayed_held_out,
        t.stayed - c.stayed AS raw_uplift,
        t.expected - c.expected AS imbalance,
        COALESCE((t.xy + c.xy) / NULLIF(t.xx + c.xx, 0), 0) AS slope,
        t.yy / NULLIF(t.n - 1, 0) / t.n + c.yy / NULLIF(c.n - 1, 0) / c.n AS raw_variance,
        t.yy AS yy_treated, t.xx AS xx_treated, t.xy AS xy_treated,
        c.yy AS yy_held_out, c.xx AS xx_held_out, c.xy AS xy_held_out
    FROM assigned AS a
    LEFT JOIN arms AS t ON t.which = a.which AND t.segment = a.segment AND t.is_treated
    LEFT JOIN arms AS c ON c.which = a.which AND c.segment = a.segment AND NOT c.is_treated
),
adjusted AS (
    SELECT
        c.*,
        c.raw_uplift - c.slope * c.imbalance AS uplift,
        GREATEST(c.yy_treated - 2 * c.slope * c.xy_treated + c.slope * c.slope * c.xx_treated, 0)
        / NULLIF(c.n_treated - 1, 0) / c.n_treated
        + GREATEST(c.yy_held_out - 2 * c.slope * c.xy_held_out + c.slope * c.slope * c.xx_held_out, 0)
        / NULLIF(c.n_held_out - 1, 0) / c.n_held_out AS variance,
        c.n_treated + c.n_held_out AS n_known,
        CAST(alpha AS DOUBLE) / c.n_segments AS error_rate
    FROM compared AS c
),
-- The asymptotic confidence sequence of Waudby-Smith et al. (2024), theorem 2.2: it covers the effect at all times
-- together, so that one may look whenever one likes. It is tightest at `planned` users (their section B.2).
tuned AS (
    SELECT
        a.*,
        -2 * LN(a.error_rate) + LN(-2 * LN(a.error_rate)) + 1 AS tuning,
        (-2 * LN(a.error_rate) + LN(-2 * LN(a.error_rate)) + 1) * a.n_known / CAST(planned AS DOUBLE) AS progress
    FROM adjusted AS a
),
widths AS (
    SELECT
        t.*,
        SQRT(
            t.variance * 2 * (t.progress + 1) / NULLIF(t.progress, 0) * LN(SQRT(t.progress + 1) / t.error_rate)
        ) AS half_width,
        -- Errors of the estimate in the interval at its tightest, and those for a power of 80 %.
        SQRT(2 * (t.tuning + 1) / t.tuning * LN(SQRT(t.tuning + 1) / t.error_rate)) + 0.8416 AS errors_needed
    FROM tuned AS t
),
final AS (
    SELECT
        w.which,
        w.segment,
        w.n_assigned,
        w.n_treated,
        w.n_held_out,
        w.mean_risk,
        w.stayed_treated,
        w.stayed_held_out,
        w.raw_uplift,
        CASE WHEN LEAST(w.n_treated, w.n_held_out) >= min_users THEN w.uplift END AS uplift,
        CASE WHEN LEAST(w.n_treated, w.n_held_out) >= min_users THEN w.uplift - w.half_width END AS uplift_low,
        CASE WHEN LEAST(w.n_treated, w.n_held_out) >= min_users THEN w.uplift + w.half_width END AS uplift_high,
        CASE WHEN LEAST(w.n_treated, w.n_held_out) >= min_users THEN SQRT(w.variance) END AS standard_error,
        1 - w.error_rate AS level,
        1 - w.variance / NULLIF(w.raw_variance, 0) AS variance_removed,
        CASE
            WHEN w.probability < 1 THEN CAST(CEIL(GREATEST(
                min_users / LEAST(w.probability, 1 - w.probability),
                POWER(w.errors_needed / CAST(worth AS DOUBLE), 2) * COALESCE(
                    CASE WHEN LEAST(w.n_treated, w.n_held_out) >= min_users THEN w.variance * w.n_known END,
                    w.mean_risk * (1 - w.mean_risk) / w.probability / (1 - w.probability)
                )
            )) AS BIGINT)
        END AS needed_users,
        CASE
            WHEN w.ratio_variance > 0
                THEN LEAST(sqlscore.two_sided_p((w.n_given - w.n_expected) / SQRT(w.ratio_variance)), 1.0)
        END AS assignment_p,
        CASE
            WHEN w.ratio_variance > 0
                AND sqlscore.two_sided_p((w.n_given - w.n_expected) / SQRT(w.ratio_variance)) < 0.0001
                THEN 'arms are not as assigned'
            WHEN NOT COALESCE(w.probability < 1, FALSE) THEN 'nobody is held out'
            WHEN LEAST(w.n_treated, w.n_held_out) < min_users THEN 'too few users'
            WHEN w.uplift - w.half_width > 0 THEN 'helps'
            WHEN w.uplift + w.half_width < 0 THEN 'hurts'
            ELSE 'unclear'
        END AS verdict
    FROM widths AS w
)
SELECT * FROM final;

COMMENT ON MACRO TABLE sqlscore.intervention_outcomes_with IS
'What interventions did to staying, by intention to treat, one row per intervention and segment. Parameters: segments (''all'', ''driver'' or ''risk''); alpha (0.05: the share of errors, which the segments of an intervention share); planned (1000: the number of known outcomes at which the interval is tightest; choose it before looking); min_users (50: fewer in either arm have no interval); worth (0.05: the uplift that is worth knowing, for needed_users). Columns: which (what was done: a name of the playbook, or of a campaign of your own), segment (all; or the driver; or the risk before, in fifths), n_assigned (users who were assigned), n_treated (treated users whose outcome is known), n_held_out (held-out users whose outcome is known), mean_risk (mean churn risk before, of all who were assigned), stayed_treated (share of the treated who stayed), stayed_held_out (share of the held-out who stayed), raw_uplift (their difference), uplift (the difference, adjusted by the risk before; NULL under 50 users in either arm), uplift_low (lower end of its interval, which holds however often one looks), uplift_high (upper end), standard_error (standard error of the uplift), level (level of the interval: 95 %, divided among the segments), variance_removed (share of the variance that the adjustment took away), needed_users (about how many users with known outcomes show an uplift of 5 points with a probability of 80 %; NULL if nobody is held out), assignment_p (how likely so uneven arms are by chance), verdict (helps, hurts, unclear, too few users, nobody is held out, or arms are not as assigned (assignment_p under 0.0001: something interfered, so that no uplift can be trusted)).';
