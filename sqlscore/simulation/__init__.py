"""A simulated shop whose truth is known: what the demo, the documentation and the tests score.

The generative process, one customer at a time and independent of the others:

1. *Traits.* A channel, a favourite brand, a price level, a browsing style (hunter, browser or bargain), a visit
   rate and a churn hazard, the last two Gamma and log-normal over customers.
2. *Visits.* The first falls uniformly into the first three quarters of the span. The wait for the next is
   exponential in *operational* time, which calendar time is mapped to by a weekly profile (evenings and weekends
   are busier): an inhomogeneous Poisson process by time change.
3. *Within a visit.* A Markov chain over `ACTIONS` that also depends on the browsing style and on what is in the
   cart, which is kept between visits, so that two events are not enough to know the next one.
4. *Death.* After each visit the customer is lost for good with probability `1 - exp(-hazard)`. The hazard is the
   customer's own, times the factors in `HAZARD_FACTORS` of what happened. A churn driver counts for the visit it
   happened in; a protective action counts for that visit and all later ones.

What is planted, for tests to find: `payment_failed` is the top churn driver, `support_ticket` the second;
`subscribe` is the top retention action among the common ones; `wishlist` protects as well and is under-used: a few
customers find it, most never do.
"""

from sqlscore.simulation.shop import (
    CHURN_DRIVERS,
    HAZARD_FACTORS,
    RETENTION_ACTION,
    UNDERUSED_FEATURE,
    Shop,
    simulate_shop,
)
from sqlscore.simulation.visits import ACTIONS

__all__ = [
    "ACTIONS",
    "CHURN_DRIVERS",
    "HAZARD_FACTORS",
    "RETENTION_ACTION",
    "UNDERUSED_FEATURE",
    "Shop",
    "simulate_shop",
]
