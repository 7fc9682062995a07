"""What the scores tell of the events: how many each user has, and how many actions the champion does not know."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlscore.mapping.watch import Watched


@dataclass(frozen=True)
class Scored:
    """What the scores tell of the users and of unknown actions."""

    model: str  # the champion
    n_users: int
    largest: int | None  # the most events of one user
    n_events: int
    n_unknown: int  # events whose action the model does not know


def of_users(seen: Watched, scored: Scored, last: Watched | None) -> Watched:
    """Add what the scores tell.

    Args:
        seen: What was counted in the events.
        scored: What was counted in the states of the users.
        last: The profile of the last refresh, if there was one.
    """
    share = scored.largest / scored.n_events if scored.largest and scored.n_events else None
    of_new = None
    if last is not None and last.model == scored.model and last.n_unknown is not None:
        new = scored.n_events - last.n_events
        of_new = last.unknown_share_of_new if new == 0 else None
        if new >= _MIN_NEW:
            of_new = max(0.0, min(1.0, (scored.n_unknown - last.n_unknown) / new))
    return replace(
        seen,
        n_users=scored.n_users,
        largest_user_share=share,
        model=scored.model,
        n_unknown=scored.n_unknown,
        unknown_share_of_new=of_new,
    )


_MIN_NEW = 20  # new events; a share of fewer says little
