"""The events that a score is given: each may hold only what was known when it happened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlscore.linting.catalog import Catalog
from sqlscore.linting.observations import Call
from sqlscore.linting.values import Moment, Read, Value, after, not_after
from sqlscore.linting.zones import bound


@dataclass(frozen=True, eq=False)
class ScoreLeak:
    """What a score reads too late.

    Attributes:
        call: the call.
        column: the column of the events; "" for the events themselves.
        read: what is read.
        kind: how it came to be read; "as_of" if events later than the score's moment are given.
        future: whether all that is read is later.
    """

    call: Call
    column: str
    read: Read
    kind: str
    future: bool


def score_leaks(catalog: Catalog, calls: list[Call]) -> Iterator[ScoreLeak]:
    """What calls read too late.

    Args:
        catalog: Says which columns are mapped.
        calls: Of functions that score.
    """
    done: set[tuple[int, str, str]] = set()
    for call in calls:
        for leak in [*_columns(catalog, call), *_moments(catalog, call)]:
            key = (id(call.node), leak.column, leak.kind)
            if key not in done:
                done.add(key)
                yield leak


def _clock(catalog: Catalog, call: Call) -> tuple[str, Moment] | None:
    names = [mapping.event_time.casefold() for mapping in catalog.mappings.values()] + ["event_time"]
    for name, value in call.events.row or ():
        if name in names and value.moment is not None:
            return name, value.moment
    return None


def _columns(catalog: Catalog, call: Call) -> Iterator[ScoreLeak]:
    """Columns of events that tell what came after the event."""
    clock = _clock(catalog, call)
    if clock is None:
        return
    read_by_models = {
        name.casefold() for mapping in catalog.mappings.values() for name in (*mapping.columns, "event_type", "user_id")
    }
    for name, value in call.events.row or ():
        if name == clock[0] or (read_by_models and name not in read_by_models):
            continue
        for read in value.reads:
            if not read.var.is_fixed and not not_after(call.facts, read, clock[1], 1e-3):
                yield ScoreLeak(call, name, read, read.origin.kind, after(call.facts, read, clock[1]))


def _moments(catalog: Catalog, call: Call) -> Iterator[ScoreLeak]:
    """Events later than the moment as of which they are scored."""
    clock = _clock(catalog, call)
    if call.as_of is None or call.as_of.moment is None or call.as_of.moment.var.kind == "wall":
        return
    reads: set[Read] = set(call.presence) if call.as_of.moment.var.is_fixed else set()
    if clock is not None:
        reads |= {read for _, value in call.events.row or () for read in value.reads if read.var == clock[1].var}
    elif call.events.row is None:
        reads |= call.events.reads
    for read in reads:
        if read.var.is_fixed or read.origin.kind == "wall":
            continue
        if not not_after(call.facts, read, call.as_of.moment, 1e-3):
            known = bound(call.facts | read.facts, read.var, call.as_of.moment.var)
            kind = "frame" if call.over and read.origin.kind == "frame" else "as_of"
            yield ScoreLeak(call, "", read, kind, known is not None and after(call.facts, read, call.as_of.moment))


def reads_wall(value: Value | None) -> Read | None:
    """The wall clock, if a value rests on it."""
    return next((read for read in value.reads if read.origin.kind == "wall"), None) if value is not None else None
