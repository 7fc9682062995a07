"""Who comes to the shop, and when: traits of customers and the weekly clock of their visits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sqlscore.arrays import Bools, Floats, Ints

CHANNELS = ("organic", "ads", "email", "social")
BRANDS = ("acme", "borealis", "cobalt", "dune", "ember", "fjord")
STYLES = ("hunter", "browser", "bargain")


@dataclass(frozen=True)
class Traits:
    """Constant traits, one entry a customer; style, channel and brand are indices into the tuples above."""

    style: Ints
    channel: Ints
    brand: Ints
    price: Floats
    rate: Floats  # visits per operational hour
    hazard: Floats
    finds_wishlist: Bools


def draw_traits(rng: np.random.Generator, users: int) -> Traits:
    """Independent traits of `users` customers; ads bring customers who leave sooner, email those who stay."""
    channel = rng.choice(len(CHANNELS), users, p=[0.4, 0.25, 0.2, 0.15])
    return Traits(
        style=rng.choice(len(STYLES), users, p=[0.35, 0.4, 0.25]),
        channel=channel,
        brand=rng.integers(0, len(BRANDS), users),
        price=np.exp(rng.normal(3.2, 0.6, users)),
        rate=np.exp(rng.normal(0.0, 0.9, users)).clip(0.1, 6.0) / (7 * 24),  # in the middle one visit a week
        hazard=0.04 * np.exp(rng.normal(0.0, 0.7, users)) * np.array([0.9, 1.5, 0.7, 1.1])[channel],
        finds_wishlist=rng.random(users) < 0.07,
    )


class Clock:
    """Operational to calendar time: the integral of a weekly intensity with mean 1, inverted on an hourly grid."""

    def __init__(self, days: int) -> None:
        hours = np.arange(24 * (days + 1))
        by_hour = 0.15 + np.exp(-(((hours % 24) - 20) ** 2) / 18.0) + 0.6 * np.exp(-(((hours % 24) - 12) ** 2) / 10.0)
        by_day = np.array([0.9, 0.85, 0.85, 0.9, 1.0, 1.4, 1.3])[(hours // 24) % 7]
        intensity = by_hour * by_day
        self._grid = np.arange(len(hours) + 1, dtype=np.float64)
        self._integral = np.append(0.0, np.cumsum(intensity / intensity.mean()))

    def later(self, now: Floats, wait: Floats) -> Floats:
        """Calendar hours at which `wait` operational hours have passed since `now`; past the span, infinity."""
        target = np.interp(now, self._grid, self._integral) + wait
        return np.asarray(np.interp(target, self._integral, self._grid, right=np.inf), np.float64)
