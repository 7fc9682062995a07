"""The mapped amount -> labels: what each user spends within a horizon after each of several moments."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from sqlscore.database.queries import one
from sqlscore.errors import TrainingError
from sqlscore.events.mapping import HIGH_WATER, US_PER_SECOND, Mapping
from sqlscore.quoting import identifier, qualified
from sqlscore.times import in_words

NAME = "spend"
"""What the functions call expected spend unless another name is given."""

_MOMENTS = 24  # at most
_STEPS = 3  # moments within a horizon
_LABELS = 200_000  # about as many are made, of users by a hash
_SHARES = 10_000  # users are taken in ten-thousandths


@dataclass(frozen=True)
class Spend:
    """What is to be predicted.

    Attributes:
        column: the column of the events that says what one is worth.
        horizon: µs over which it is summed.
    """

    column: str
    horizon: int

    def to_dict(self) -> dict[str, str | float]:
        """As the head's manifest has it: by this, views know that a label is spend."""
        return {"amount": self.column, "horizon_seconds": self.horizon / US_PER_SECOND}


def spend_of(mapping: Mapping, horizon: float | None, churn_horizon: float | None) -> Spend:
    """What is meant by expected spend.

    Args:
        mapping: The events.
        horizon: seconds; None takes that of the model's churn risk, so that both speak of the same span.
        churn_horizon: seconds; None if the model has no churn risk.

    Raises TrainingError if no amount is mapped, or if there is no horizon.
    """
    if mapping.amount is None:
        raise TrainingError(
            f'no amount is mapped of "{mapping.name}": map the events again with the column that says what an event is '
            "worth, amount=... (sqlscore init --amount C)"
        )
    seconds = churn_horizon if horizon is None else horizon
    if seconds is None:
        raise TrainingError(
            'the model has no churn risk whose horizon could be taken: pass horizon="90 days" (--horizon "90 days")'
        )
    return Spend(mapping.amount, round(seconds * US_PER_SECOND))


def spend_query(con: duckdb.DuckDBPyConnection, mapping: Mapping, spend: Spend, high_water: int) -> str:
    """A query for labels: `user_id`, `as_of`, `known_at` and `label`, the sum of amounts in (as_of, as_of + horizon].

    A sum below 0, more refunded than bought, is 0. Moments reach back from the newest whose outcome is known, three
    within a horizon or fewer; each has the users who had an event by then.

    Args:
        con: A connection that sees one state of the file.
        mapping: The events, with an amount.
        spend: What is summed.
        high_water: µs, the newest event.

    Raises TrainingError, with the remedy, if the events do not reach over two horizons or hold no amounts to sum.
    """
    events, amount = qualified(mapping.schema, "events"), f"CAST(e.{identifier(spend.column)} AS DOUBLE)"
    first, worth, odd = one(
        con,
        f"""SELECT epoch_us(min(event_time)), count(*) FILTER ({amount} > 0),
               any_value({amount}) FILTER (NOT isfinite({amount})) FROM {events} e""",
    ) or (high_water, 0, None)
    if odd is not None:
        raise TrainingError(
            f'the amount "{spend.column}" is {odd} in an event: make it NULL in a view, and map the view'
        )
    if not worth:
        raise TrainingError(
            f'the amount "{spend.column}" is above 0 in no event: map the column that says what an event is worth'
        )
    span = high_water - first
    if span < 2 * spend.horizon:
        raise TrainingError(
            f"the horizon is {in_words(spend.horizon / US_PER_SECOND)}, and the events reach over "
            f"{in_words(span / US_PER_SECOND)}: at least two horizons are needed, one to learn and a later one to "
            'judge; pass a shorter one, horizon="30 days" (--horizon "30 days")'
        )
    step = max(spend.horizon // _STEPS, (span - spend.horizon) // _MOMENTS, 1)
    newest = high_water - spend.horizon
    moments = [newest - k * step for k in range(_MOMENTS) if newest - k * step > first]
    listed = ", ".join(f"make_timestamp({moment})" for moment in moments)
    counted = one(
        con,
        f"""SELECT count(*) FROM (SELECT min(event_time) AS first FROM {events} GROUP BY user_id) u
            JOIN (SELECT unnest([{listed}]) AS as_of) m ON u.first <= m.as_of""",
    ) or (0,)
    share = min(_SHARES, max(1, _SHARES * _LABELS // max(counted[0], 1)))
    some = f"WHERE md5_number_lower(CAST(user_id AS VARCHAR)) % {_SHARES} < {share}" if share < _SHARES else ""
    length = f"to_microseconds({spend.horizon})"
    ended = f", min({HIGH_WATER}) AS ended" if mapping.group is not None else ""
    known = f"AND m.as_of + {length} <= u.ended" if mapping.group is not None else ""
    return f"""WITH moments AS (SELECT unnest([{listed}]) AS as_of),
    users AS (SELECT user_id, min(event_time) AS first{ended} FROM {events} {some} GROUP BY user_id),
    sums AS (
        SELECT e.user_id, m.as_of, sum({amount}) AS worth
        FROM {events} e JOIN moments m ON e.event_time > m.as_of AND e.event_time <= m.as_of + {length}
        WHERE e.{identifier(spend.column)} <> 0 GROUP BY ALL
    )
SELECT u.user_id, m.as_of, m.as_of + {length} AS known_at, greatest(coalesce(s.worth, 0), 0) AS label
FROM users u JOIN moments m ON u.first <= m.as_of {known}
LEFT JOIN sums s ON s.user_id = u.user_id AND s.as_of = m.as_of
ORDER BY m.as_of, u.user_id"""
