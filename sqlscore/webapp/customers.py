"""The customers that the app filters: their scores, their attributes, their last actions."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from sqlscore.database.catalog import catalog, mapped
from sqlscore.database.composition.attributes import newest_rows_of_users
from sqlscore.database.materialized import is_table
from sqlscore.events.mapping import DEFAULT_MAPPING, Mapping
from sqlscore.quoting import identifier, qualified

LAST_ACTIONS = 4
"""How many of a customer's newest actions one can filter by."""

_OF_SCORES = (
    "user_id",
    "risk_band",
    "churn_risk",
    "risk_decile",
    "next_action",
    "next_action_probability",
    "days_to_next_action",
    "n_events",
    "last_event_time",
    "days_silent",
    "is_active",
)
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_TIMES = ("DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE")
_NUMBERS = (*_WHOLE, "HUGEINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL")
_CHOSEN = ("VARCHAR", "BOOLEAN", "UUID", "ENUM")
_CARRIED = (*_WHOLE, *_TIMES, "FLOAT", "DOUBLE", "DECIMAL", "VARCHAR", "BOOLEAN")
"""Types that files and screens hold as they are; a HUGEINT would come out as a number that is nearly the same."""


@dataclass(frozen=True)
class Attribute:
    """What is known of customers besides their scores. kind: its type in DuckDB."""

    name: str
    kind: str

    @property
    def is_number(self) -> bool:
        """Whether one filters it from and to."""
        return _base(self.kind) in _NUMBERS

    @property
    def is_time(self) -> bool:
        """Whether one filters it by days."""
        return _base(self.kind) in _TIMES


@dataclass(frozen=True)
class Source:
    """Where the customers of one mapping stand.

    Args:
        mapping: its name.
        schema: of its objects.
        scored: whether a refresh has made tables of the scores.
        order: the columns that order events of one moment.
        user_kind: the type of the customers' ids.
        attributes: those that change with time; the view of them has those of the newest event.
        others: columns of the table of users that do not.
        known: the query of the others, one row a user; "" if there are none.
    """

    mapping: str
    schema: str
    scored: bool
    order: tuple[str, ...]
    user_kind: str
    attributes: tuple[Attribute, ...]
    others: tuple[Attribute, ...] = ()
    known: str = ""

    @property
    def filtered(self) -> tuple[Attribute, ...]:
        """All that is known of customers besides their scores."""
        return (*self.attributes, *self.others)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a list of customers, in their order."""
        return (*_OF_SCORES, "last_actions", *(each.name for each in self.filtered))

    def carried(self, column: str) -> str:
        """A column as files and screens hold it: of a type that they know."""
        kinds = {each.name: each.kind for each in self.filtered} | {"user_id": self.user_kind}
        name = identifier(column)
        known = column not in kinds or _base(kinds[column]) in _CARRIED
        return name if known else f"CAST({name} AS VARCHAR) AS {name}"

    def scores(self) -> str:
        """The query of the customers without their last actions: one row each."""
        chosen = [f"s.{name}" for name in _OF_SCORES]
        joined = ""
        if self.attributes:
            chosen += [f"a.{identifier(each.name)}" for each in self.attributes]
            joined = f"\nLEFT JOIN {qualified(self.schema, 'user_attributes')} AS a USING (user_id)"
        if self.others:
            chosen += [f"k.{identifier(each.name)}" for each in self.others]
            joined += f"\nLEFT JOIN ({self.known}) AS k ON k.user_id = s.user_id"
        return f"SELECT {', '.join(chosen)}\nFROM {qualified(self.schema, 'scored_segments')} AS s{joined}"

    def last_actions(self) -> str:
        """The query of the newest actions, the last one first, in the order in which the functions read events."""
        moment = ", ".join(f"e.{name}" for name in ("event_time", *map(identifier, self.order), "event_type"))
        events = qualified(self.schema, "events")
        # Older events are left out by their times alone, which takes less than half as long as ordering all of them.
        return (
            f"SELECT e.user_id, arg_max(e.event_type, ({moment}), {LAST_ACTIONS}) AS last_actions\n"
            f"FROM {events} AS e\n"
            f"INNER JOIN (\n    SELECT user_id, list_min(max(event_time, {LAST_ACTIONS})) AS since FROM {events} "
            "GROUP BY user_id\n) AS n\n    ON n.user_id = e.user_id AND e.event_time >= n.since\nGROUP BY e.user_id"
        )

    def whole(self) -> str:
        """The query of `columns`, one row a customer, as one can run it on the file."""
        return with_actions(f"({self.scores()})", f"({self.last_actions()})")


def with_actions(scores: str, actions: str) -> str:
    """Customers with their last actions. scores, actions: relations of `scores` and `last_actions`."""
    return f"SELECT c.*, l.last_actions\nFROM {scores} AS c\nLEFT JOIN {actions} AS l USING (user_id)"


def mapping_names(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The names of the mappings, the one that commands take when none is named first."""
    return sorted(catalog(con).snapshot.mappings, key=lambda name: (name != DEFAULT_MAPPING, name))


def source(con: duckdb.DuckDBPyConnection, mapping: str) -> Source:
    """Where the customers of a mapping stand. Raises MappingError if there is no such mapping."""
    found = mapped(con, mapping, read=False)
    kinds = dict(_described(con, found.schema, "scored_segments"))
    attributes = tuple(
        Attribute(*column) for column in _described(con, found.schema, "user_attributes") if column[0] != "user_id"
    )
    others, known = _of_table(con, found, {*kinds, "last_actions"}, attributes)
    attributes = tuple(each for each in attributes if each not in others)
    scored = is_table(con, found.schema, "scored_users")
    user_kind = kinds.get("user_id", "VARCHAR")
    return Source(mapping, found.schema, scored, found.order, user_kind, attributes, others, known)


def _described(con: duckdb.DuckDBPyConnection, schema: str, relation: str) -> list[tuple[str, str]]:
    """Names and types of the columns; none if there is no such relation."""
    return con.execute(
        """SELECT column_name, data_type FROM duckdb_columns()
           WHERE database_name = current_database() AND schema_name = ? AND table_name = ? ORDER BY column_index""",
        [schema, relation],
    ).fetchall()


def _of_table(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, taken: set[str], attributes: tuple[Attribute, ...]
) -> tuple[tuple[Attribute, ...], str]:
    """The columns of the table of users that are not as of a time, and the query of them.

    The attributes come first, unless they change with time: then the view of them knows which row holds.
    """
    rule = mapping.composition.users if mapping.composition is not None else None
    if rule is None:
        return (), ""
    try:
        described = con.execute(f"DESCRIBE FROM {rule.relation}").fetchall()
    except duckdb.Error:
        return (), ""  # the table is gone, or elsewhere and cannot be reached: what was scored is still there
    first = () if rule.valid_from is not None else attributes
    names = {name.casefold() for name in (*taken, rule.key, rule.valid_from or rule.key)}
    names |= {each.name.casefold() for each in attributes}
    rest = tuple(
        Attribute(str(name), str(kind))
        for name, kind, *_ in described
        if str(name).casefold() not in names and _base(str(kind)) in (*_CARRIED, *_NUMBERS, *_CHOSEN)
    )
    found = (*first, *rest)
    return found, newest_rows_of_users(mapping, rule, [each.name for each in found]) if found else ""


def _base(kind: str) -> str:
    """DECIMAL(9,2) -> DECIMAL; a list of it stays what it is."""
    return kind if kind.endswith("]") else kind.split("(", 1)[0]
