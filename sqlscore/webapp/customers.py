"""The customers that the app filters: their scores, their attributes, their last actions."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from sqlscore.database.catalog import mapped
from sqlscore.database.objects import is_table
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


@dataclass(frozen=True)
class Source:
    """Where the customers of one mapping stand. schema: of the mapping's objects. attributes: name and type of each."""

    mapping: str
    schema: str
    scored: bool  # whether a refresh has made tables of the scores
    order: tuple[str, ...]  # the columns that order events of one moment
    attributes: tuple[tuple[str, str], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a list of customers, in their order."""
        return (*_OF_SCORES, "last_actions", *(name for name, _ in self.attributes))

    def scores(self) -> str:
        """The query of the customers without their last actions: one row each."""
        chosen = [f"s.{name}" for name in _OF_SCORES]
        joined = ""
        if self.attributes:
            chosen += [f"a.{identifier(name)}" for name, _ in self.attributes]
            joined = f"\nLEFT JOIN {qualified(self.schema, 'user_attributes')} AS a USING (user_id)"
        return f"SELECT {', '.join(chosen)}\nFROM {qualified(self.schema, 'scored_segments')} AS s{joined}"

    def last_actions(self) -> str:
        """The query of the newest actions, the last one first, in the order in which the functions read events."""
        moment = ", ".join(["event_time", *map(identifier, self.order), "event_type"])
        return (
            f"SELECT user_id, arg_max(event_type, ({moment}), {LAST_ACTIONS}) AS last_actions\n"
            f"FROM {qualified(self.schema, 'events')} GROUP BY user_id"
        )

    def whole(self) -> str:
        """The query of `columns`, one row a customer, as one can run it on the file."""
        return with_actions(f"({self.scores()})", f"({self.last_actions()})")


def with_actions(scores: str, actions: str) -> str:
    """Customers with their last actions. scores, actions: relations of `scores` and `last_actions`."""
    return f"SELECT c.*, l.last_actions\nFROM {scores} AS c\nLEFT JOIN {actions} AS l USING (user_id)"


def source(con: duckdb.DuckDBPyConnection, mapping: str) -> Source:
    """Where the customers of a mapping stand. Raises MappingError if there is no such mapping."""
    found = mapped(con, mapping, read=False)
    attributes: tuple[tuple[str, str], ...] = ()
    described = con.execute(
        """SELECT column_name, data_type FROM duckdb_columns()
           WHERE database_name = current_database() AND schema_name = ? AND table_name = 'user_attributes'
               AND column_name <> 'user_id'
           ORDER BY column_index""",
        [found.schema],
    ).fetchall()
    if described:
        attributes = tuple((str(name), str(kind)) for name, kind in described)
    return Source(mapping, found.schema, is_table(con, found.schema, "scored_users"), found.order, attributes)
