"""How much a customer spends at a purchase, from the mean of those so far: the gamma-gamma model.

Fader and Hardie 2013, "The Gamma-Gamma Model of Monetary Value"; Colombo and Jiang 1999. A customer's purchases are
gamma distributed with shape p around a mean of his own, whose inverse scale is gamma distributed over customers (q, v).
How much he spends does not depend on how often he buys.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import betaln

from sqlscore.arrays import Floats

_MOST = 20_000  # customers from whom three numbers are learned
_WIDEST = 8.0  # of the logs of the parameters, with amounts in units of their mean


@dataclass(frozen=True)
class GammaGamma:
    """The parameters; v is in the unit of the amounts, and q above 1, so that there is a mean."""

    p: float
    q: float
    v: float

    def log_likelihood(self, n: Floats, mean: Floats) -> Floats:
        """(N,) purchases and (N,) their means -> (N,): equation 1a in logs."""
        total, shape = n * mean, self.p * n
        return np.asarray(
            -np.log(mean)
            - betaln(shape, self.q)
            + self.q * (np.log(self.v) - np.log(self.v + total))
            + shape * (np.log(total) - np.log(self.v + total))
        )

    def expected(self, n: Floats, mean: Floats) -> Floats:
        """(N,), (N,) -> (N,): the mean of the purchases to come, equation 5: between his own and that of all."""
        return np.asarray(self.p * (self.v + n * mean) / (self.p * n + self.q - 1))


def fit_gamma_gamma(n: Floats, mean: Floats, seed: int = 0) -> GammaGamma:
    """The parameters of greatest likelihood.

    Args:
        n: (N,) purchases, at least 1.
        mean: (N,) means of their amounts, above 0.
        seed: which customers are read, if there are very many.
    """
    if len(n) > _MOST:
        rows = np.random.default_rng(seed).choice(len(n), _MOST, replace=False)
        n, mean = n[rows], mean[rows]
    unit = float(mean.mean())

    def model(logs: Floats) -> GammaGamma:
        p, q, v = np.exp(logs)
        return GammaGamma(float(p), float(1 + q), float(v))

    def loss(logs: Floats) -> float:
        return -float(model(logs).log_likelihood(n, mean / unit).mean())

    found = minimize(loss, np.log([2.0, 2.0, 1.0]), method="L-BFGS-B", bounds=[(-_WIDEST, _WIDEST)] * 3)
    best = model(found.x)
    return GammaGamma(best.p, best.q, best.v * unit)
