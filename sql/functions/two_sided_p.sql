-- erfc(|z| / sqrt 2) by Press et al., Numerical Recipes, 6.2: a Chebyshev fit with relative error below 1.2e-7.
CREATE OR REPLACE MACRO sqlscore.two_sided_p(z) AS
EXP(
    CAST(-0.5 AS DOUBLE) * z * z
    + LIST_REDUCE(
        [
            0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807,
            -0.18628806, 0.09678418, 0.37409196, 1.00002368, -1.26551223
        ]::DOUBLE[],
        lambda a, b: a / (1 + ABS(z) / SQRT(8)) + b
    )
) / (1 + ABS(z) / SQRT(8));

COMMENT ON MACRO sqlscore.two_sided_p IS
'DOUBLE: the probability that a standard normal variable is at least as far from 0 as z, to seven digits.';
