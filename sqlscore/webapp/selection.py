"""Which customers are chosen, and the SQL that chooses them: the same on the screen, in a file, in a view."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlscore.quoting import identifier, literal


@dataclass(frozen=True)
class Value:
    """A value in SQL: bound when the query runs, written as a literal when people read it."""

    value: Any


Sql = tuple["str | Value", ...]
"""SQL in pieces: text that was written here, names that were quoted, and values."""


@dataclass(frozen=True)
class Between:
    """Numbers or moments from `low` to `high`, both included; None leaves an end open."""

    low: float | date | None = None
    high: float | date | None = None

    def __bool__(self) -> bool:
        """Whether it leaves anything out."""
        return self.low is not None or self.high is not None


@dataclass(frozen=True)
class Selection:
    """What was chosen; empty fields choose everybody.

    Args:
        last: for the newest action, the one before it and so on: the actions that it may be. () stands for any.
        next_actions: what the model predicts.
        probability: of the predicted action, from 0 to 1.
        bands: risk bands.
        active: True: seen within the model's lookback; False: lapsed.
        risk: the churn risk, from 0 to 1.
        silent: days since the last event, at the moment of the scores.
        seen: when the last event was.
        among: for an attribute of customers, the values that it may have.
        within: for an attribute that is a number or a time, from where to where.
        containing: part of a customer's id, as text.
    """

    last: tuple[tuple[str, ...], ...] = ()
    next_actions: tuple[str, ...] = ()
    probability: Between = Between()
    bands: tuple[str, ...] = ()
    active: bool | None = None
    risk: Between = Between()
    silent: Between = Between()
    seen: Between = Between()
    among: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    within: dict[str, Between] = field(default_factory=dict)
    containing: str = ""

    @property
    def reads_actions(self) -> bool:
        """Whether it asks for the last actions."""
        return any(self.last)

    def conditions(self) -> list[Sql]:
        """What a chosen customer fulfils: all of these."""
        found = [
            _one_of(f"last_actions[{place}]", actions) for place, actions in enumerate(self.last, start=1) if actions
        ]
        found += [_one_of("next_action", self.next_actions)] if self.next_actions else []
        found += _between("next_action_probability", self.probability)
        found += [_one_of("risk_band", self.bands)] if self.bands else []
        found += [("is_active" if self.active else "NOT is_active",)] if self.active is not None else []
        found += _between("churn_risk", self.risk) + _between("days_silent", self.silent)
        found += _between("last_event_time", self.seen)
        found += [_one_of(identifier(name), values) for name, values in self.among.items() if values]
        for name, span in self.within.items():
            found += _between(identifier(name), span)
        if self.containing:
            found.append(("contains(CAST(user_id AS VARCHAR), ", Value(self.containing), ")"))
        return found

    def where(self) -> Sql:
        """A WHERE clause; nothing if everybody is chosen."""
        pieces: list[str | Value] = []
        for condition in self.conditions():
            pieces += ["\n    AND " if pieces else "\nWHERE ", *condition]
        return tuple(pieces)


def bound(*sql: str | Value) -> tuple[str, list[Any]]:
    """The text with a ? for each value, and the values, as `execute` takes them."""
    text = "".join("?" if isinstance(piece, Value) else piece for piece in sql)
    return text, [piece.value for piece in sql if isinstance(piece, Value)]


def readable(*sql: str | Value) -> str:
    """The text with its values as literals, for people, and for a view, which takes no parameters."""
    return "".join(_written(piece.value) if isinstance(piece, Value) else piece for piece in sql)


def _written(value: Any) -> str:
    if isinstance(value, str):
        return literal(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    return f"CAST({literal(str(value))} AS {'DATE' if type(value) is date else 'TIMESTAMP'})"


def _one_of(column: str, values: tuple[Any, ...]) -> Sql:
    known = [value for value in values if value is not None]
    if not known:
        return (f"{column} IS NULL",)
    pieces: list[str | Value] = [f"{column} IN ("]
    for place, value in enumerate(known):
        pieces += [", ", Value(value)] if place else [Value(value)]
    pieces.append(")")
    return ("(", *pieces, f" OR {column} IS NULL)") if len(known) < len(values) else tuple(pieces)


def _between(column: str, span: Between) -> list[Sql]:
    found: list[Sql] = []
    if span.low is not None:
        found.append((f"{column} >= ", Value(span.low)))
    if span.high is not None:
        found.append((f"{column} <= ", Value(span.high)))
    return found
