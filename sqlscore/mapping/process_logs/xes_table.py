"""An XES log as a table of the database: one row an event, its attributes typed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from sqlscore.database.queries import one
from sqlscore.errors import MappingError
from sqlscore.mapping.process_logs.spool import folder_of
from sqlscore.mapping.process_logs.typing import Attribute, attributes, odd_times, text_of, untyped, utc
from sqlscore.mapping.process_logs.xes import XesReader, read_xes
from sqlscore.quoting import identifier

COLUMNS = ("user_id", "event_time", "event_type", "lifecycle", "position")
_NAME, _TIME, _LIFECYCLE = "concept:name", "time:timestamp", "lifecycle:transition"
_EVENTS, _TRACES = "sqlscore_log_events", "sqlscore_log_traces"
_SHOWN = 12  # names in a message


@dataclass(frozen=True)
class XesTable:
    """What was made of a log.

    Attributes:
        columns: the names of the attributes' columns; those of traces begin with "case:".
        transitions: events by lifecycle transition; None is that of events that have none.
        remarks: what the user should know.
    """

    columns: tuple[str, ...]
    transitions: dict[str | None, int]
    remarks: tuple[str, ...]


def make_xes_table(con: duckdb.DuckDBPyConnection, path: Path, table: str) -> XesTable:
    """Read a log into a table, in place of what has its name, at once or not at all.

    Its columns: user_id (the case's concept:name), event_time (TIMESTAMP in UTC), event_type (the event's
    concept:name), lifecycle (its lifecycle:transition), position (in its case, from 1), then the attributes of events
    and, under case:KEY, those of traces.

    Args:
        con: A writable connection, in UTC.
        path: The file, .xes or .xes.gz.
        table: The table's name in the schema main.

    Raises MappingError if the file is damaged, is no XES, or has no names or times.
    """
    log = read_xes(path, folder_of(con))
    try:
        _check(log)
        taken = {name.casefold() for name in COLUMNS}
        of_events = attributes(con, log.events, _EVENTS, "", (_NAME, _TIME, _LIFECYCLE), taken)
        of_traces = attributes(con, log.traces, _TRACES, "case:", (_NAME,), taken)
        n_nameless, n_repeated = _cases(con, log)
        times = odd_times(con, log.events, _EVENTS, text_of(_TIME, log.events.keys[_TIME], _EVENTS))
        _create(con, log, table, [*of_events, *of_traces], joined=n_repeated > 0)
    finally:
        log.close()
    query = f"SELECT lifecycle, count(*) FROM main.{identifier(table)} GROUP BY 1 ORDER BY 2 DESC, 1"
    transitions = dict(con.execute(query).fetchall())
    remarks = [*_of_cases(n_nameless, n_repeated), *times, *_of_names(con, log, table)]
    remarks += untyped((*of_events, *of_traces))
    if log.header.skipped:
        remarks.append("not read: " + ", ".join(f"{count} {what}" for what, count in log.header.skipped.items()))
    names = tuple(attribute.name for attribute in (*of_events, *of_traces))
    return XesTable(names, transitions, tuple(remarks))


def _check(log: XesReader) -> None:
    """Raise MappingError if no case or no event has a name, or none has a time."""
    events, traces = log.events.keys, log.traces.keys
    if _NAME not in traces:
        raise MappingError(
            f'{log.path}: no trace has a "{_NAME}", which says whose events they are (traces have {_names(traces)}): '
            "write the log again with the case's id under that key"
        )
    if _NAME not in events:
        classifiers = "; ".join(f'"{name}" is {" + ".join(keys)}' for name, keys in log.header.classifiers.items())
        raise MappingError(
            f'{log.path}: no event has a "{_NAME}", which says what was done (events have {_names(events)}; '
            f"classifiers of the log: {classifiers or 'none'}): write the log again with the action under that key"
        )
    if _TIME not in events:
        raise MappingError(
            f'{log.path}: no event has a "{_TIME}" (events have {_names(events)}): a log without times cannot be scored'
        )


def _cases(con: duckdb.DuckDBPyConnection, log: XesReader) -> tuple[int, int]:
    """How many traces have no name, and how many the name of another one."""
    name = text_of(_NAME, log.traces.keys[_NAME], _TRACES)
    with log.traces.relation(con, _TRACES) as traces:
        query = f"SELECT count(*) - count({name}), count({name}) - count(DISTINCT {name}) FROM {traces}"
        nameless, repeated = one(con, query) or (0, 0)
    return nameless, repeated


def _create(
    con: duckdb.DuckDBPyConnection, log: XesReader, table: str, columns: list[Attribute], *, joined: bool
) -> None:
    events = log.events.keys
    user = text_of(_NAME, log.traces.keys[_NAME], _TRACES)
    lifecycle = text_of(_LIFECYCLE, events[_LIFECYCLE], _EVENTS) if _LIFECYCLE in events else "CAST(NULL AS VARCHAR)"
    place = f"{_EVENTS}.place"
    if joined:  # the traces of one case are one sequence, in the order of the document
        place = f"row_number() OVER (PARTITION BY {user} ORDER BY {_EVENTS}.trace, {place})"
    selected = [
        f"{user} AS user_id",
        f"{utc(text_of(_TIME, events[_TIME], _EVENTS))} AS event_time",
        f"{text_of(_NAME, events[_NAME], _EVENTS)} AS event_type",
        f"{lifecycle} AS lifecycle",
        f"{place} AS position",
        *(f"{attribute.sql} AS {identifier(attribute.name)}" for attribute in columns),
    ]
    with log.events.relation(con, _EVENTS), log.traces.relation(con, _TRACES):
        con.execute(
            f"CREATE OR REPLACE TABLE main.{identifier(table)} AS "
            f"SELECT {', '.join(selected)} FROM {_EVENTS} JOIN {_TRACES} ON {_EVENTS}.trace = {_TRACES}.trace"
        )


def _of_cases(n_nameless: int, n_repeated: int) -> list[str]:
    said = []
    if n_nameless:
        said.append(f'{n_nameless} traces have no "{_NAME}", and their events are left out')
    if n_repeated:
        said.append(
            f'{n_repeated} traces have the "{_NAME}" of another trace: they are one case, its events numbered in the '
            "order of the document"
        )
    return said


def _of_names(con: duckdb.DuckDBPyConnection, log: XesReader, table: str) -> list[str]:
    missing = one(con, f"SELECT count(*) FROM main.{identifier(table)} WHERE event_type IS NULL")
    said = []
    if missing and missing[0]:
        default = log.header.defaults["event"].get(_NAME)
        but = f", although the log declares it of all (default {default!r})" if default is not None else ""
        said.append(f'{missing[0]} events have no "{_NAME}"{but}, and are left out')
    for name, keys in log.header.classifiers.items():
        unknown = [key for key in keys if key not in log.events.keys and key not in log.traces.keys]
        if unknown:
            said.append(f'the log\'s classifier "{name}" names {_names(unknown)}, which no event has')
    return said


def _names(found: list[str] | dict[str, list[str]]) -> str:
    shown = ", ".join(f'"{name}"' for name in list(found)[:_SHOWN])
    return shown + (f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else "") if found else "no attributes"
