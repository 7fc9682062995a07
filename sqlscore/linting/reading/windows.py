"""What a window function depends on: rows before, after or all around, as the order and the frame say."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from sqlscore.linting import words
from sqlscore.linting.reading.aggregates import function_name, note_ordering, parts_of
from sqlscore.linting.reading.conditions import facts_where
from sqlscore.linting.reading.frames import Frame, clauses_of, clock_of, frame_of, neighbours
from sqlscore.linting.reading.scope import Reader, Scope
from sqlscore.linting.reading.scores import scored, scoring
from sqlscore.linting.relations import variables_of
from sqlscore.linting.values import CHANCE, NO_READS, NOTHING, Origin, Pick, Read, Value, mixed
from sqlscore.linting.zones import NO_FACTS, Fact, Var

_SHARES = ("ntile", "percent_rank", "cume_dist", "percentrank", "cumedist")


_NUMBERING = ("row_number", "rownumber", "rank", "dense_rank", "denserank")
_TAKING = ("lag", "lead", "first_value", "last_value", "nth_value", "firstvalue", "lastvalue", "nthvalue")
_NOTED = ("scan", "join", "subquery", "group", "frame", "whole")


def window(reader: Reader, scope: Scope, node: exp.Window) -> Value:
    """What a function over a window depends on."""
    partition, ordered, spec = clauses_of(scope, node)
    keys = tuple(reader.values(scope, partition))
    order = [(reader.value(scope, one.this), bool(one.args.get("desc"))) for one in ordered]
    call = node.this
    while isinstance(call, (exp.IgnoreNulls, exp.RespectNulls)):
        call = call.this
    name = function_name(call)
    clock = clock_of(scope, order)
    frame = frame_of(reader, scope, call, name, spec, bool(order))
    kind = _kind(name, clock)
    if scoring(reader, call) is not None:
        start = {var.roots() for source in scope.sources for var in variables_of(scope.row_of(source))}
        facts, names = neighbours(reader, scope, keys, clock, frame, start)
        scope.window_facts |= facts
        return scored(
            reader, scope, call, scoring(reader, call) or "", lambda one: _seen_there(one, node, names), facts
        )
    if name in (*_NUMBERING, *_TAKING):
        note_ordering(reader, scope, node, name, [value for value, _ in order], keys)
    value = _value(reader, scope, call, name)
    facts, names = neighbours(reader, scope, keys, clock, frame, {var.roots() for var in variables_of(value)})
    other = value.renamed(names)
    other = replace(other, reads=_noted(other.reads, kind, node, names))
    if name in _NUMBERING:
        by_chance = mixed(value for value, _ in order).tags & CHANCE
        found = _ranked(NO_READS if by_chance else other.reads, node, keys, clock).tagged(*by_chance)
    else:
        found = _result(scope, name, value, other, clock, frame, names)
    scope.window_facts |= facts
    more = {read for key in keys for read in key.reads if read.var not in {moment.var for moment in scope.grain}}
    return found.also(more) if name not in ("row_number", "rownumber") else found


def _kind(name: str, clock: tuple[Var, bool] | None) -> str:
    """How reading the window is called: all rows, or a frame that reaches forward."""
    return "frame" if clock is not None and name not in _SHARES else "whole"


def _value(reader: Reader, scope: Scope, call: exp.Expr, name: str) -> Value:
    """What the function reads of each row of its frame."""
    if name in ("row_number", "rownumber", "rank", "dense_rank", "denserank", *_SHARES):
        return Value(scope.row_reads())
    if name in _TAKING:
        first = call.this if isinstance(call.this, exp.Expr) else call.expressions[0]
        return reader.value(scope, first)
    parts = parts_of(call)
    facts = facts_where(parts.where, lambda inner: reader.value(scope, inner)) if parts.where is not None else NO_FACTS
    values = reader.values(scope, [one for one in parts.arguments if not isinstance(one, exp.Star)])
    if not values:
        values = [Value(scope.row_reads())]
    if parts.where is not None:
        values.append(reader.value(scope, parts.where))
    found = mixed(values)
    if scope.grouping is not None:
        found = found.also(scope.row_reads())
    keep = values[0] if parts.name in ("min", "max") and len(values) == 1 else NOTHING
    grows = parts.name in ("sum", "count") or None
    row = values[0].row if parts.name in ("list", "array_agg") else None
    boolean = values[0].tags & {"boolean"} if parts.name in ("min", "max", "bool_or", "bool_and") else frozenset()
    tags = found.tags | boolean | ({"counted"} if grows else set())
    return Value(found.reads, keep.moment, tags=tags, row=row).where(facts)


def _noted(reads: frozenset[Read], kind: str, node: exp.Expr, names: dict[Var, Var]) -> frozenset[Read]:
    new = set(names.values())
    return frozenset(
        Read(read.var, Origin(kind, node, read.origin.what), read.facts)
        if read.var.roots() in new and read.origin.kind in _NOTED
        else read
        for read in reads
    )


def _seen_there(value: Value, node: exp.Expr, names: dict[Var, Var]) -> Value:
    """A value of the other rows of a window."""
    other = value.renamed(names)
    row = tuple((name, replace(one, reads=_noted(one.reads, "frame", node, names))) for name, one in other.row or ())
    reads = _noted(other.reads, "frame", node, names)
    return replace(other, reads=reads, row=row if other.row is not None else None)


def _ranked(reads: frozenset[Read], node: exp.Window, keys: tuple[Value, ...], clock: tuple[Var, bool] | None) -> Value:
    """A number that ranks rows."""
    pick = Pick(keys, clock[1] if clock is not None else None, node, any(_tells_events_apart(key) for key in keys))
    return Value(reads, order=clock[0] if clock is not None and not clock[1] else None, pick=pick)


def _result(
    scope: Scope,
    name: str,
    value: Value,
    other: Value,
    clock: tuple[Var, bool] | None,
    frame: Frame,
    names: dict[Var, Var],
) -> Value:
    """The value of a function whose rows' values are `other`, and `value` in the row itself."""
    reads = other.reads
    forward = clock is not None and clock[1]
    own = _least_of(name, value, clock, frame)
    if own is not None:
        there = own.renamed(names)
        scope.window_facts |= {Fact(there, own, 0.0)}
        scope.first += ((there, "", ()),)
    if name == "max" and value.moment is not None and frame.end in ("here", "all", "after"):
        reads |= value.reads
    grows = clock[0] if clock is not None and not forward and "counted" in other.tags and frame.start == "all" else None
    tags = other.tags & {"label", "score", "boolean", "user"}
    return Value(reads, other.moment, order=grows, tags=tags, row=other.row)


def _least_of(name: str, value: Value, clock: tuple[Var, bool] | None, frame: Frame) -> Var | None:
    """The row's own moment, if the function takes the first row of a frame with that row or rows before it."""
    includes = (frame.start in ("all", "before") and frame.end != "before") or (frame.start == "all")
    if not includes:
        return None
    if name == "min":
        return value.moment.var if value.moment is not None else None
    whole = frame.start == frame.end == "all"
    first = name in ("first_value", "firstvalue") and clock is not None and not clock[1]
    last = name in ("last_value", "lastvalue") and clock is not None and clock[1] and whole
    return clock[0] if clock is not None and (first or last) else None


def _tells_events_apart(key: Value) -> bool:
    if key.moment is not None and key.moment.var.kind != "trunc":
        return True
    return key.base is not None and words.is_id(key.base[1]) and "user" not in key.tags
