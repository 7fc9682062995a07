"""A sequence of events that somebody typed, clicked or loaded, and what the models say of it, in SQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlscore.quoting import identifier, qualified
from sqlscore.webapp.opening import Database
from sqlscore.webapp.selection import Sql, Value, bound, readable

_MOST = 200  # newest events of a customer that are loaded to play with
_CANONICAL = ("event_time", "event_type")
WEEKS = 12
"""How far ahead the risk is drawn."""


@dataclass(frozen=True)
class Step:
    """One event. minutes: after the one before. features: values of further mapped columns, by name."""

    action: str
    minutes: float = 5.0
    features: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """What is asked of a model: its label, its heads, and the moment of the churn risk."""

    model: str
    heads: tuple[str, ...]
    as_of: datetime


@dataclass(frozen=True)
class Sequences:
    """Questions about single sequences of one mapping. columns: name and type of those of its events, but the user."""

    database: Database
    schema: str
    columns: tuple[tuple[str, str], ...]
    order: tuple[str, ...]

    @classmethod
    def of(cls, database: Database, schema: str, order: tuple[str, ...]) -> Sequences:
        """Those of the mapping with this schema."""
        described = database.rows(f"DESCRIBE FROM {qualified(schema, 'events')}")
        columns = tuple(
            (row["column_name"], row["column_type"]) for row in described if row["column_name"] != "user_id"
        )
        return cls(database, schema, columns, order)

    @property
    def features(self) -> tuple[tuple[str, str], ...]:
        """The columns that say more of an event than who, when and what; without those that only order events."""
        left_out = {*_CANONICAL, *self.order, "group_high_water"}
        return tuple(column for column in self.columns if column[0] not in left_out)

    def high_water(self) -> datetime | None:
        """The newest event of all: the default moment of scores."""
        row = self.database.rows(f"SELECT high_water FROM {qualified(self.schema, 'high_water')}")
        return row[0]["high_water"] if row else None

    def load(self, user: str) -> list[Step]:
        """The newest events of a customer, in the order in which the functions read them; none if nobody has the id."""
        moment = ", ".join(f"{name} DESC" for name in ("event_time", *map(identifier, self.order), "event_type"))
        sql = (
            f"SELECT * FROM {qualified(self.schema, 'events')}\n"
            f"WHERE CAST(user_id AS VARCHAR) = ? ORDER BY {moment} LIMIT {_MOST}"
        )
        rows = self.database.rows(sql, [user])[::-1]
        times = [row["event_time"] for row in rows]
        gaps = [(now - before).total_seconds() / 60 for before, now in zip(times, times[1:], strict=False)]
        names = [name for name, _ in self.features]
        return [
            Step(row["event_type"], gap, {name: row[name] for name in names})
            for row, gap in zip(rows, [0.0, *gaps], strict=False)
        ]

    def events(self, steps: list[Step], last: datetime) -> Sql:
        """A query with one row an event, in the columns of the mapped events, the last event at `last`."""
        at = last - timedelta(minutes=sum(step.minutes for step in steps[1:]))
        typed = ", ".join(f"CAST({identifier(name)} AS {kind}) AS {identifier(name)}" for name, kind in self.columns)
        pieces: list[str | Value] = [f"SELECT {typed} FROM (VALUES\n"]
        for place, step in enumerate(steps):
            at = at + timedelta(minutes=step.minutes) if place else at
            pieces.append(",\n    (" if place else "    (")
            given = {"event_time": at, "event_type": step.action} | step.features
            for column, (name, _) in enumerate(self.columns):
                pieces += [", " if column else "", *_value(name, given, place, self.order)]
            pieces.append(")")
        names = ", ".join(identifier(name) for name, _ in self.columns)
        return (*pieces, f") AS v({names})")

    def answer(self, steps: list[Step], last: datetime, asked: Asked) -> Sql:
        """The query of what a model says: one row with next_actions, seconds, path and, with that head, risk."""
        model: Sql = (", model := ", Value(asked.model), ")")
        churn: Sql = ()
        if "churn" in asked.heads:
            churn = (",\n    list_churn_risk(l, as_of := ", Value(asked.as_of), *model, " AS risk")
        return (
            "SELECT list_predict_next_actions(l, k := 5",
            *model,
            " AS next_actions,\n    list_seconds_to_next_actions(l",
            *model,
            " AS seconds,\n    list_predict_path(l, n := 5",
            *model,
            " AS path",
            *churn,
            "\nFROM (SELECT list(e) AS l FROM (",
            *self.events(steps, last),
            ") AS e)",
        )

    def explained(self, steps: list[Step], last: datetime, asked: Asked, head: str) -> Sql:
        """The query of the events behind a score. head: "next_action", "churn", or a label as `labels` names it."""
        call: Sql = ("list_explain_label(l, ", Value(head), ", as_of := ", Value(asked.as_of))
        if head == "churn":
            call = ("list_explain_churn_risk(l, as_of := ", Value(asked.as_of), ", model := ", Value(asked.model))
        elif head == "next_action":
            call = ("list_explain_next_action(l, model := ", Value(asked.model))
        return (
            "SELECT unnest(",
            *call,
            ", k := 12), recursive := true)\nFROM (SELECT list(e) AS l FROM (",
            *self.events(steps, last),
            ") AS e)",
        )

    def labels(self, model: str) -> list[str]:
        """The newest heads that were fine-tuned on this model, name@version."""
        found = self.database.rows(
            """SELECT concat(name, '@', version) AS label FROM sqlscore.models AS h
               WHERE manifest ->> '$.config.base_sha256' = (
                   SELECT any_value(sha256) FROM sqlscore.models WHERE concat(name, '@', version) = ?)
               AND version = (SELECT max(version) FROM sqlscore.models AS o WHERE o.name = h.name)
               ORDER BY name""",
            [model],
        )
        return [row["label"] for row in found]

    def risks(self, steps: list[Step], last: datetime, asked: Asked) -> Sql:
        """The query of the churn risk over the coming weeks if nothing happens: as_of, risk."""
        return (
            "SELECT m.as_of, list_churn_risk(l, as_of := m.as_of, model := ",
            Value(asked.model),
            ") AS risk\nFROM (SELECT list(e) AS l FROM (",
            *self.events(steps, last),
            ") AS e)\nCROSS JOIN (SELECT unnest(generate_series(",
            Value(asked.as_of),
            ", ",
            Value(asked.as_of + timedelta(weeks=WEEKS)),
            ", INTERVAL 7 DAY)) AS as_of) AS m ORDER BY m.as_of",
        )

    def rows(self, sql: Sql) -> list[dict[str, Any]]:
        """The rows of one of these queries."""
        text, values = bound(*sql)
        return self.database.rows(text, values)

    def shown(self, sql: Sql) -> str:
        """The text of one of these queries."""
        return readable(*sql)


def moved(steps: list[Step], place: int, by: int) -> list[Step]:
    """The steps with one of them earlier or later by so many places; at an end it stays."""
    target = min(max(place + by, 0), len(steps) - 1)
    left = steps[:place] + steps[place + 1 :]
    return [*left[:target], steps[place], *left[target:]]


def typed(text: str) -> list[Step]:
    """The steps of a text such as "view > 5m > cart > 2d > buy": actions, and between them how long it took."""
    steps: list[Step] = []
    minutes: float | None = None
    for part in (piece.strip() for piece in text.split(">")):
        if not part:
            continue
        length = _length(part)
        if length is not None:
            minutes = length
        else:
            steps.append(Step(part, 5.0 if minutes is None else minutes))
            minutes = None
    return steps


_UNITS = {"s": 1 / 60, "m": 1.0, "h": 60.0, "d": 1440.0, "w": 10080.0}


def _length(part: str) -> float | None:
    number, unit = part[:-1].strip(), part[-1]
    if unit not in _UNITS:
        return None
    try:
        minutes = float(number) * _UNITS[unit]
    except ValueError:
        return None
    return minutes if 0 <= minutes < float("inf") else None


def _value(name: str, given: dict[str, Any], place: int, order: tuple[str, ...]) -> Sql:
    if name in order and name not in given:
        return (Value(place),)  # events of one moment stay in the order in which they are shown
    return ("NULL",) if given.get(name) is None else (Value(given[name]),)
