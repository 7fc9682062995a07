"""How much each of n players contributed to what all achieved together: Shapley values, exact or by a fixed design."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Bools, Floats

EXACT = 10
"""Up to so many players every subset is asked for."""

_SUBSETS = 2_048
_SEED = 20_210_814


@dataclass(frozen=True)
class Design:
    """Which subsets of n players to ask for, and how their values make the players' shares.

    shares = coefficients @ values; for any values they sum to value(all) - value(empty), as in every permutation the
    steps from one to the other add up.

    Attributes:
        subsets: (K, n), neither the empty one nor all players.
        coefficients: (n, K + 2), for the values of the empty subset, of all players, and of `subsets`, in this order.
    """

    subsets: Bools
    coefficients: Floats


@lru_cache(maxsize=64)
def design(n: int) -> Design:
    """The design for n >= 1 players; a function of n alone, so that the same values always give the same shares.

    Up to EXACT players, phi_i = sum over S without i of |S|! (n - |S| - 1)! / n! (v(S + i) - v(S)) (Shapley 1953).
    Above, the mean of v(S + i) - v(S) over permutations, S being what stands before i (Castro, Gomez & Tejada 2009,
    Computers & Operations Research 36(5)): the n rotations of one random permutation and their reversals, in which
    every player stands at each place equally often. So the large steps away from nothing are shared without error,
    and as the beginnings of rotations are arcs of one circle, 2 n^2 steps need n (n - 1) subsets; as many circles
    as come to about _SUBSETS of them.
    """
    if n <= EXACT:
        return _exact(n)
    random = np.random.default_rng(_SEED + n)
    circles = max(1, _SUBSETS // (n * (n - 1)))
    return _of_permutations([order for _ in range(circles) for order in _both_ways(random.permutation(n))])


def _exact(n: int) -> Design:
    every = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.bool_)  # from the empty subset to all
    size = every.sum(1)
    weight = np.array([math.factorial(s) * math.factorial(n - s - 1) for s in range(n)]) / math.factorial(n)
    joined = np.where(every, weight[np.maximum(size, 1) - 1][:, None], -weight[np.minimum(size, n - 1)][:, None])
    return Design(every[1:-1], np.concatenate([joined[[0, -1]], joined[1:-1]]).T)


def _both_ways(circle: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    return [turned for start in range(len(circle)) for turned in (np.roll(circle, start), np.roll(circle, start)[::-1])]


def _of_permutations(orders: list[npt.NDArray[np.int64]]) -> Design:
    n = len(orders[0])
    column: dict[bytes, int] = {np.zeros(n, np.bool_).tobytes(): 0, np.ones(n, np.bool_).tobytes(): 1}
    steps: list[tuple[int, int, int]] = []
    for order in orders:
        present = np.zeros(n, np.bool_)
        before = 0
        for player in order.tolist():
            present[player] = True
            after = column.setdefault(present.tobytes(), len(column))
            steps.append((player, before, after))
            before = after
    players, earlier, later = np.array(steps).T
    coefficients = np.zeros((n, len(column)))
    np.add.at(coefficients, (players, later), 1.0 / len(orders))
    np.add.at(coefficients, (players, earlier), -1.0 / len(orders))
    subsets = np.frombuffer(b"".join(column), np.bool_).reshape(-1, n)
    return Design(subsets[2:], coefficients)
