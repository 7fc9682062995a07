"""The models of buying: published figures, cases worked by hand, integrals, and parameters that were planted."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta

from sqlscore.arrays import Floats
from sqlscore.finetuning.bg_nbd import BgNbd, fit_bg_nbd
from sqlscore.finetuning.gamma_gamma import GammaGamma, fit_gamma_gamma

CDNOW = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
"""What Fader, Hardie and Lee 2005 found of the CDNOW sample, in weeks."""


def of(*values: float) -> Floats:
    return np.array(values, np.float64)


def test_the_published_example_comes_out() -> None:
    """Fader and Hardie's note on BG/NBD in Excel: x = 2, t_x = 30.43, T = 38.86 weeks give 1.226 in 39 more."""
    assert CDNOW.expected(of(2), of(30.43), of(38.86), of(39)) == pytest.approx([1.226], abs=5e-4)


def test_likelihoods_worked_by_hand_come_out() -> None:
    """With all parameters 1: 1 / (1 + T) of no repeat; 1/2 / (1 + T)^2 + 1/2 / (1 + t_x)^2 of one."""
    found = BgNbd(1, 1, 1, 1).log_likelihood(of(0, 1), of(0, 1), of(2, 2))
    assert np.exp(found) == pytest.approx([1 / 3, 1 / 18 + 1 / 8])


@pytest.mark.parametrize(
    ("model", "x", "t_x", "t", "ahead"),
    [
        (CDNOW, 0, 0, 30, 39),
        (CDNOW, 7, 25, 30, 39),
        (BgNbd(1.2, 9, 1.0, 2), 3, 20, 30, 10),  # the equation is 0/0
        (BgNbd(0.5, 9, 0.3, 0.7), 0, 0, 30, 10),  # and here infinite times 0
        (BgNbd(0.2, 3, 0.2, 0.5), 0, 0, 5000, 900),
        (BgNbd(5, 3, 4, 50), 400, 4990, 5000, 900),
    ],
)
def test_expected_purchases_are_the_integral_over_rates_and_chances(
    model: BgNbd, x: float, t_x: float, t: float, ahead: float
) -> None:
    """Over the posterior of the chance to leave, with the rate integrated out, times that of being alive."""
    r, alpha, a, b = model.r, model.alpha, model.a, model.b

    def more(p: float) -> float:
        return float(-np.expm1(-(r + x) * np.log1p(p * ahead / (alpha + t))) / p)

    posterior = beta(a, b + x)
    pieces = [quad(lambda u: more(posterior.ppf(u)), *span)[0] for span in ((1e-12, 0.01), (0.01, 0.5), (0.5, 1.0))]
    gone = 0.0 if not x else a / (b + x - 1) * ((alpha + t) / (alpha + t_x)) ** (r + x)
    told = model.expected(of(x), of(t_x), of(t), of(ahead))
    assert told == pytest.approx([sum(pieces) / (1 + gone)], rel=2e-4)


def test_long_histories_stay_finite() -> None:
    x, t_x, t = of(0, 1, 5_000, 100_000), of(0, 9e5, 1e6, 2), of(1e6, 1e6, 1e6, 1e6)
    for model in (CDNOW, BgNbd(50, 1e-3, 1e-3, 1e3), BgNbd(1e-3, 1e3, 50, 1e-3)):
        assert np.isfinite(model.log_likelihood(x, t_x, t)).all()
        told = model.expected(x, t_x, t, of(1e5, 1e5, 1e5, 1e5))
        assert np.isfinite(told).all()
        assert (told >= 0).all()


def test_planted_parameters_of_buying_are_found() -> None:
    rng, n = np.random.default_rng(3), 8_000
    rate, leaves, t = rng.gamma(0.8, 1 / 6.0, n), rng.beta(0.8, 2.5, n), rng.uniform(27, 39, n)
    x, t_x, now, alive = np.zeros(n), np.zeros(n), np.zeros(n), np.ones(n, np.bool_)
    while alive.any():
        now = now + rng.exponential(1 / rate)
        alive &= now < t
        x[alive], t_x[alive] = x[alive] + 1, now[alive]
        alive &= rng.random(n) > leaves
    found = fit_bg_nbd(x, t_x, t)
    assert (found.r, found.alpha) == pytest.approx((0.8, 6.0), rel=0.1)
    assert found.a / (found.a + found.b) == pytest.approx(0.8 / 3.3, rel=0.1)
    in_hours = fit_bg_nbd(x, t_x * 168, t * 168)
    assert in_hours.alpha / 168 == pytest.approx(found.alpha, rel=1e-3)


def test_published_means_of_spend_come_out() -> None:
    """Fader and Hardie 2013, CDNOW: p 6.25, q 3.74, v 15.44."""
    told = GammaGamma(6.25, 3.74, 15.44).expected(of(2, 1, 7), of(22.35, 11.77, 73.74))
    assert told == pytest.approx([24.66, 18.91, 71.46], abs=0.015)


def test_the_density_of_a_mean_is_one() -> None:
    model = GammaGamma(2.5, 3.0, 10.0)
    for n in (1.0, 4.0):
        whole = quad(lambda m, n=n: float(np.exp(model.log_likelihood(of(n), of(m))[0])), 0, np.inf)[0]
        assert whole == pytest.approx(1, abs=1e-5)


def test_planted_parameters_of_spend_are_found() -> None:
    rng, size = np.random.default_rng(4), 6_000
    n, scale = rng.integers(1, 9, size).astype(np.float64), rng.gamma(3.7, 1 / 15.4, size)
    mean = rng.gamma(6.2 * n, 1 / (scale * n))
    found = fit_gamma_gamma(n, mean)
    assert (found.p, found.q, found.v) == pytest.approx((6.2, 3.7, 15.4), rel=0.12)
    in_cents = fit_gamma_gamma(n, mean * 100)
    assert in_cents.v == pytest.approx(found.v * 100, rel=1e-3)
