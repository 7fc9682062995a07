"""Several sources of events: how each is read, and whether their columns go together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import pyarrow as pa

from sqlscore.database.composition.sources import ACTION, DEVICE, NAME, TIME, USER, as_mapping
from sqlscore.errors import EventsError, MappingError
from sqlscore.events.attached import Attached
from sqlscore.events.composition import Composition, Feed
from sqlscore.events.mapping import TimeUnit
from sqlscore.excerpts import excerpt
from sqlscore.mapping.composition.fit import check_roles_fit, columns_of
from sqlscore.mapping.composition.words import spelled
from sqlscore.mapping.relations import column_of, relation_of, types_of
from sqlscore.mapping.roles import check_roles, check_users
from sqlscore.mapping.text_files import as_written
from sqlscore.mapping.times import time_unit_of

_ROLES = (USER, TIME, ACTION, DEVICE)


@dataclass(frozen=True)
class Source:
    """One of several sources of events.

    Attributes:
        table: A table, a view or a file (Parquet, CSV, JSON; a glob too).
        user_id: Its column that says who; by default that of `map_events`.
        event_time: Its column that says when; by default that of `map_events`.
        event_type: Its column that says what was done; by default that of `map_events`.
        action: What all its events are, instead of a column.
        device_id: Its column of devices, if it has one; by default that of `map_events`.
        time_unit: The unit of its epoch numbers, s, ms, us or ns; by default inferred.
        name: What it is called in the column `source`; by default as the table, or the file without its ending.
        table_name: The table that is meant, if `table` is a DuckDB file with several.
        columns: Its own names of columns by the name that they have in all sources, where these differ.
    """

    table: str
    user_id: str | None = None
    event_time: str | None = None
    event_type: str | None = None
    action: str | None = None
    device_id: str | None = None
    time_unit: TimeUnit | None = None
    name: str | None = None
    table_name: str | None = None
    columns: Dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_text(cls, text: str) -> Source:
        """From `TABLE: user_id=C, event_time=C, event_type='buy', price=C`, of which TABLE alone is needed.

        A text in single quotes is the action of all events, a column else; `name`, `time_unit` and `table` (of a
        DuckDB file) are words; any other option is a column by the name that it has in all sources.

        Raises MappingError if it cannot be read.
        """
        table, words = spelled(text, "--source")
        for name, word in words.items():
            if word.is_constant and name not in (ACTION, "name"):
                raise MappingError(
                    f"--source {excerpt(repr(text), 200)} gives a text for {excerpt(name)}, which must be a column: "
                    "only event_type may be one text for all events of a source; make the column in a view"
                )
        action = words.pop(ACTION, None)
        given = {name: words.pop(name).text for name in (USER, TIME, DEVICE, "name") if name in words}
        if action is not None:
            given["action" if action.is_constant else ACTION] = action.text
        unit: TimeUnit | None = words.pop("time_unit").text if "time_unit" in words else None  # type: ignore[assignment]
        if "table" in words:
            given["table_name"] = words.pop("table").text
        return cls(table, time_unit=unit, columns={name: word.text for name, word in words.items()}, **given)


def feeds_of(
    con: duckdb.DuckDBPyConnection,
    sources: Iterable[Source | str],
    otherwise: Dict[str, str | None],
    wanted: Sequence[str],
    unit: TimeUnit | None,
    databases: tuple[Attached, ...],
) -> Composition:
    """What these sources are together.

    Args:
        con: A connection to the database.
        sources: What was asked for.
        otherwise: The columns of sources that do not name one, by role.
        wanted: Names of columns that must be of one type.
        unit: Of the epoch numbers of sources that name none.
        databases: Those that are attached, whose tables may be sources.

    Raises MappingError or EventsError, which name the source and the column.
    """
    asked = [source if isinstance(source, Source) else Source.from_text(source) for source in sources]
    if not asked:
        raise MappingError("there is no source: name a table, a view or a file, or several Source(...) (--source)")
    read = [_read(con, source, otherwise, wanted, unit, databases) for source in asked]
    names = [feed.name for feed, _ in read]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise MappingError(f'two sources are called "{twice}": name one of them, Source(..., name=...) (name=...)')
    check_roles_fit(con, [feed for feed, _ in read])
    columns = columns_of(con, read, wanted)
    feeds = []
    for feed, own in read:
        folded = {name.casefold(): column for name, column in own.items()}
        feeds.append(replace(feed, columns=tuple((name, folded.get(name.casefold())) for name in columns)))
    return Composition(feeds=tuple(feeds))


def _read(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    otherwise: Dict[str, str | None],
    wanted: Sequence[str],
    unit: TimeUnit | None,
    databases: tuple[Attached, ...],
) -> tuple[Feed, dict[str, str]]:
    """A source with its roles, and its other columns by the name that they have in all sources."""
    relation = relation_of(con, source.table, databases, source.table_name)
    types = types_of(con, relation, source.table)
    if source.action is not None and source.event_type is not None:
        raise MappingError(f'the source "{source.table}" has an event_type and an action: leave one out')
    roles: dict[str, str | None] = {
        role: getattr(source, role) or otherwise.get(role) for role in _ROLES if role != ACTION or source.action is None
    }
    folded = {name.casefold() for name in types}
    if source.device_id is None and (roles[DEVICE] or "").casefold() not in folded:
        roles[DEVICE] = None
    if roles[DEVICE] is not None and source.user_id is None and (roles[USER] or "").casefold() not in folded:
        roles[USER] = None
    found = {role: column_of(name, role, types, source.table) for role, name in roles.items() if name is not None}
    renamed = {name: column_of(own, name, types, source.table) for name, own in source.columns.items()}
    ours = [own for name, own in renamed.items() if name in wanted] + [name for name in types if name in wanted]
    words = [name for role, name in found.items() if role != TIME]
    relation = as_written(con, relation, words, ours)
    types = types_of(con, relation, source.table)
    feed = Feed(
        name=source.name or (Path(source.table).stem if relation.startswith("read_") else source.table),
        relation=relation,
        user_id=found.get(USER),
        event_time=found[TIME],
        event_type=found.get(ACTION),
        action=source.action,
        device_id=found.get(DEVICE),
    )
    kind = types[feed.event_time]
    if pa.types.is_temporal(kind):
        unit = None  # it is for the sources that have numbers
    feed = replace(feed, time_unit=_checked(con, feed, types, source.time_unit or unit))
    taken = {*found.values(), *renamed.values()}
    reserved = (*_ROLES, NAME)
    own = {name: name for name in types if name not in taken and name.casefold() not in reserved}
    odd = next((name for name in renamed if name.casefold() in reserved), None)
    if odd is not None:
        raise MappingError(f'the source "{source.table}" calls a column "{odd}", which has a meaning of its own')
    return feed, {**own, **renamed}


def _checked(
    con: duckdb.DuckDBPyConnection, feed: Feed, types: dict[str, pa.DataType], unit: TimeUnit | None
) -> TimeUnit | None:
    """The unit of the times of a source, if all its columns can play their roles. Raises what one table alone would."""
    alone = as_mapping(feed)
    try:
        for column in filter(None, (feed.user_id, feed.device_id)):
            check_users(con, replace(alone, user_id=column))
        check_roles(alone, {"": pa.string(), **types})  # an action of all events has no column
        return time_unit_of(con, alone, types[alone.event_time], unit)
    except (EventsError, MappingError) as error:
        raise type(error)(f'source "{feed.name}": {error}') from error
