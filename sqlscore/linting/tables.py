"""What a table is to the linter: which of its columns are users, moments, order and keys."""

from __future__ import annotations

from collections.abc import Mapping as Mappings
from dataclasses import dataclass
from typing import Literal

from sqlscore.events.mapping import Mapping
from sqlscore.linting import words

Kind = Literal["events", "clocked", "validity", "attributes", "lookup", "scores", "kept"]


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        name: with its schema.
        kind: "events" or "clocked": rows are of a moment; "validity": rows hold from one on; "attributes": one row a
            user, as of today; "scores"; "lookup": neither.
        columns: names in lower case, with their types.
        clock: the column of moments.
        users: the columns that say whose row it is.
        times: all columns of moments.
        order: columns that grow with time.
        keys: sets of columns of which no two rows agree.
    """

    name: str
    kind: Kind
    columns: Mappings[str, str]
    clock: str | None = None
    users: frozenset[str] = frozenset()
    times: frozenset[str] = frozenset()
    order: frozenset[str] = frozenset()
    keys: tuple[frozenset[str], ...] = ()


def of_mapping(name: str, columns: dict[str, str], mapping: Mapping, canonical: bool) -> Table:
    """The mapped table, or the view `events` over it, whose columns are `canonical`."""
    user, clock = (mapping.user_id, mapping.event_time) if not canonical else ("user_id", "event_time")
    times = {one for one, kind in columns.items() if is_moment(kind)} | {clock.casefold()}
    order = {one.casefold() for one in mapping.order}
    return Table(name, "events", columns, clock.casefold(), frozenset({user.casefold()}), frozenset(times),
                 frozenset(order))  # fmt: skip


def is_moment(kind: str) -> bool:
    """Whether a type of DuckDB is one of moments."""
    return kind.startswith(("TIMESTAMP", "DATE"))


def guess(name: str, columns: Mappings[str, str], keys: tuple[frozenset[str], ...] = ()) -> Table:
    """A table by the names and types of its columns; a type "?" is not known.

    Args:
        name: with its schema.
        columns: names in lower case, with their types.
        keys: sets of columns of which no two rows agree.
    """
    users = frozenset(one for one in columns if words.is_user(one))
    times = [one for one, kind in columns.items() if is_moment(kind) or (kind == "?" and words.is_time(one))]
    begins = [one for one in times if words.is_valid_from(one)]
    ends = [one for one in times if words.is_valid_to(one)]
    moments = [one for one in times if not words.is_audit(one) and one not in ends]
    per_user = any(len(key) == 1 and key <= users for key in keys)
    short = name.rpartition(".")[2]
    order = frozenset(one for one in columns if words.counts_up(one))
    found = frozenset(times)
    if words.keeps_scores(short) and any(words.is_score(one) for one in columns):
        clock = next((one for one in times if words.is_as_of(one)), None) or next(iter(times), None)
        return Table(name, "scores", columns, clock, users, found, order, keys)
    as_of = next((one for one in moments if words.is_as_of(one)), None)
    if begins and (ends or any((words.is_valid_from(one) and "valid" in one) or "effective" in one for one in begins)):
        return Table(name, "validity", columns, begins[0], users, found, order, keys)
    if as_of is not None:
        return Table(name, "clocked", columns, as_of, users, found, order, keys)
    lasting = [one for one in moments if words.is_lasting(one)]
    others = [one for one in moments if one not in lasting]
    if users and (per_user or not moments) and not [one for one in others if words.is_event_time(one)]:
        return Table(name, "attributes", columns, None, users, found, order, keys)
    by_name = next((one for one in moments if words.is_event_time(one)), None)
    clock = by_name or next(iter(others), None)
    if clock is None and lasting and (users and not _is_of_people(short)):
        clock = lasting[0]
    if clock is None and users:
        return Table(name, "attributes", columns, None, users, found, order, keys)
    if clock is None or (not users and not _is_calendar(columns, found)):
        return Table(name, "clocked" if clock else "lookup", columns, clock, users, found, order, keys)
    return Table(name, "clocked", columns, clock, users, found, order, keys)


def _is_of_people(name: str) -> bool:
    return any(name.startswith(one) or name.endswith(one) for one in (
        "user", "users", "customer", "customers", "members", "accounts", "profiles", "people", "attributes", "clients",
        "contacts", "profile", "dim_user", "dim_customer",
    ))  # fmt: skip


def _is_calendar(columns: Mappings[str, str], times: frozenset[str]) -> bool:
    return frozenset(columns) == times
