"""The contract for events: which columns there are, of which kinds, and the words for them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlscore.errors import MappingError
from sqlscore.events.as_annotated import require_annotated
from sqlscore.events.attached import Attached
from sqlscore.events.composition import Composition
from sqlscore.events.kinds import Kind

TimeUnit = Literal["s", "ms", "us", "ns"]
UNITS: tuple[TimeUnit, ...] = ("s", "ms", "us", "ns")

NO_TIME = -(2**63)
"""The time of an event that has none (a plain list of actions), in the int64 `times` of a batch."""

CANONICAL = ("user_id", "event_time", "event_type")
"""The names of the three columns in `sqlscore.events`, understood wherever the user's own are missing."""

HIGH_WATER = "group_high_water"
"""The column of events that says when the newest event of their group was, where a mapping has groups."""

US_PER_SECOND = 1_000_000
DEFAULT_MAPPING = "events"

SESSION_GAP = 30 * 60 * US_PER_SECOND
"""The silence in µs that parts two sessions in `scored_sessions`; `sessions_with` has it as its default."""

_UNIT_TO_US: dict[TimeUnit, float] = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}


@dataclass(frozen=True)
class Feature:
    """An extra mapped column and how a model reads it."""

    name: str
    kind: Kind


@dataclass(frozen=True)
class Mapping:
    """Where the events are and what their columns are called.

    Attributes:
        name: of the mapping.
        relation: SQL text that stands in a FROM clause: a quoted table or view name, or a call of `read_parquet` and
            the like.
        user_id: the column that says whose event it is.
        event_time: the column of times.
        event_type: the column of actions.
        features: extra columns that models read.
        time_unit: of epoch numbers; None if times are not numbers.
        time_cap: µs since 1970, UTC; later events are left out.
        prefix: stands before the name of every function.
        append_only: rows are only ever added, at the end of the table.
        subtype: the feature that says in finer grain what `event_type` says, if actions have two levels.
        event_id: the columns that tell a user's events apart: of rows that agree in them the first is the event, the
            others are deliveries of it.
        order: the columns that order events of one moment; after them the action does, then the features.
        exclude_types: actions that are no events.
        composition: what `relation` is made of, if that is a view which `install_mapping` makes.
        group: the column that says to which site, tenant or country an event belongs, whose events may end before those
            of others; NULL is a group too.
        attached: databases besides the file that the relation reads.
        amount: the feature that says what an event is worth, in the user's own unit: NULL and 0 are nothing, less is a
            refund.
    """

    name: str
    relation: str
    user_id: str
    event_time: str
    event_type: str
    features: tuple[Feature, ...] = ()
    time_unit: TimeUnit | None = None
    time_cap: int | None = None
    prefix: str = ""
    append_only: bool = False
    subtype: str | None = None
    event_id: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    exclude_types: tuple[str, ...] = ()
    composition: Composition | None = None
    group: str | None = None
    attached: tuple[Attached, ...] = ()
    amount: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that go with an event, by the user's own names: user, time, action, features, order."""
        return (self.user_id, self.event_time, self.event_type, *self.extras)

    @property
    def read_columns(self) -> tuple[str, ...]:
        """`columns`, then that of the group if it is none of them: what is read of the mapped relation."""
        return (*self.columns, *(name for name in (self.group,) if name is not None and name not in self.columns))

    @property
    def extras(self) -> tuple[str, ...]:
        """What goes with an event besides user, time and action: the features, then what only orders events."""
        features = tuple(f.name for f in self.features)
        return (*features, *(name for name in self.order if name not in features))

    @property
    def schema(self) -> str:
        """The schema that holds this mapping's views and score tables."""
        return "sqlscore" if self.name == DEFAULT_MAPPING else f"sqlscore_{self.name}"

    @property
    def relations(self) -> tuple[str, ...]:
        """All relations of the user's that are read."""
        return (self.relation,) if self.composition is None else self.composition.relations

    @property
    def made_of(self) -> str:
        """Where the events are, in words."""
        return self.relation if self.composition is None else str(self.composition)

    def to_json(self) -> str:
        """The mapping as the registry stores it.

        What an older sqlscore did not know is left out where nothing is said, so that a file that it scored still
        holds the same text for the same mapping.
        """
        given = {name: value for name, value in asdict(self).items() if value or name not in (*_ADDED, "composition")}
        if self.composition is not None:
            given["composition"] = self.composition.to_dict()
        return json.dumps(given)

    @classmethod
    def from_json(cls, text: str) -> Mapping:
        """The inverse of `to_json`. Raises MappingError if the text is not one of it."""
        try:
            fields: dict[str, Any] = json.loads(text)
            fields["features"] = tuple(Feature(**f) for f in fields["features"])
            fields |= {name: tuple(fields[name]) for name in _LISTS if name in fields}
            if "composition" in fields:
                fields["composition"] = Composition.from_dict(fields["composition"])
            fields["attached"] = tuple(Attached(**database) for database in fields.get("attached", ()))
            mapping = cls(**fields)
            require_annotated(mapping)
            if "" in (mapping.group, mapping.subtype, *mapping.columns):  # events that travel have no relation
                raise ValueError("a name is empty")
            return mapping
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
            raise MappingError(
                "a row of sqlscore.mappings does not hold a mapping: somebody changed it; `sqlscore repair` finds it "
                "in the record of the file, or delete it in DuckDB (DELETE FROM sqlscore.mappings WHERE name = ...) "
                "and map those events again (sqlscore init); models and scores stay"
            ) from error


_LISTS = ("event_id", "order", "exclude_types")
_ADDED = (*_LISTS, "group", "attached", "amount")
"""Fields that files of an older sqlscore do not have."""


def unit_of(magnitude: float) -> TimeUnit:
    """The unit of epoch numbers, from the median of their absolute values.

    Seconds below 1e11 (year 5138), then milliseconds below 1e14, microseconds below 1e17, else nanoseconds.
    """
    if magnitude < 1e11:
        return "s"
    if magnitude < 1e14:
        return "ms"
    return "us" if magnitude < 1e17 else "ns"


def us_per_unit(unit: TimeUnit) -> float:
    """Microseconds in one unit."""
    return _UNIT_TO_US[unit]
