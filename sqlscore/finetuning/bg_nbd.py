"""How often a customer will buy, from how often and how recently: the BG/NBD model.

Fader, Hardie and Lee 2005, "Counting Your Customers the Easy Way: An Alternative to the Pareto/NBD Model", Marketing
Science 24(2). While alive, a customer buys at a rate that is gamma distributed over customers (r, alpha); after each
purchase he leaves with a probability that is beta distributed (a, b). What is known of him is x, his repeat purchases,
t_x, the time from the first purchase to the last one, and T, that to now.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import gammaln, hyp2f1

from sqlscore.arrays import Floats

_MOST = 20_000  # customers from whom four numbers are learned
_WIDEST = 8.0  # of the logs of the parameters, with time in units of the mean T
_NEAR = 1e-6
_STARTS = ((0.5, 0.5, 0.5, 1.0), (1.0, 2.0, 0.5, 3.0))


@dataclass(frozen=True)
class BgNbd:
    """The parameters; alpha is in the unit of the times."""

    r: float
    alpha: float
    a: float
    b: float

    def log_likelihood(self, x: Floats, t_x: Floats, t: Floats) -> Floats:
        """(N,) each -> (N,): equation 6 in logs, also of its two terms: long histories would underflow."""
        count = gammaln(self.r + x) - gammaln(self.r) + self.r * np.log(self.alpha)  # ln A1
        left = gammaln(self.a + self.b) + gammaln(self.b + x) - gammaln(self.b) - gammaln(self.a + self.b + x)  # ln A2
        alive = -(self.r + x) * np.log(self.alpha + t)  # ln A3
        gone = np.log(self.a) - np.log(self.b + np.maximum(x, 1) - 1) - (self.r + x) * np.log(self.alpha + t_x)  # ln A4
        return np.asarray(count + left + np.logaddexp(alive, np.where(x > 0, gone, -np.inf)))

    def expected(self, x: Floats, t_x: Floats, t: Floats, ahead: Floats) -> Floats:
        """(N,) each -> (N,): purchases expected in the time ahead, equation 10.

        By Euler's transformation, (1 - z)^A F(A, B; C; z) = (1 - z)^(C - B) F(C - A, C - B; C; z), no term grows with
        x. Where a is 1 the equation is 0/0, and so it is where a + b + x is 1: there it is read just beside.
        """
        a = self.a + _NEAR if abs(self.a - 1) < _NEAR else self.a
        total = a + self.b + x - 1
        total = np.where(np.abs(total) < _NEAR, _NEAR, total)
        z = ahead / (self.alpha + t + ahead)
        kept = np.exp((a - 1) * np.log1p(-z)) * hyp2f1(a - 1, total - self.r - x, total, z)
        if_alive = total / (a - 1) * (1 - kept)
        gone = np.log(a) - np.log(self.b + np.maximum(x, 1) - 1)
        gone = gone + (self.r + x) * (np.log(self.alpha + t) - np.log(self.alpha + t_x))
        return np.asarray(np.maximum(if_alive, 0.0) * _logistic(-np.where(x > 0, gone, -np.inf)))


def fit_bg_nbd(x: Floats, t_x: Floats, t: Floats, seed: int = 0) -> BgNbd:
    """The parameters of greatest likelihood.

    Args:
        x: (N,) repeat purchases.
        t_x: (N,) times from the first purchase to the last, 0 if there is one.
        t: (N,) times from the first purchase to now.
        seed: which customers are read, if there are very many.
    """
    if len(x) > _MOST:
        rows = np.random.default_rng(seed).choice(len(x), _MOST, replace=False)
        x, t_x, t = x[rows], t_x[rows], t[rows]
    unit = float(t.mean()) or 1.0
    t_x, t = t_x / unit, t / unit

    def loss(logs: Floats) -> float:
        return -float(BgNbd(*np.exp(logs)).log_likelihood(x, t_x, t).mean())

    bounds = [(-_WIDEST, _WIDEST)] * 4
    found = [minimize(loss, np.log(start), method="L-BFGS-B", bounds=bounds) for start in _STARTS]
    r, alpha, a, b = np.exp(min(found, key=lambda each: float(each.fun)).x)
    return BgNbd(float(r), float(alpha * unit), float(a), float(b))


def _logistic(z: Floats) -> Floats:
    return np.exp(-np.logaddexp(0.0, -z))
