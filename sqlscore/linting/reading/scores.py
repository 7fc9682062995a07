"""Calls of the functions that score: what they read, and as of when."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from sqlglot import exp

from sqlscore.linting.observations import Call
from sqlscore.linting.reading.scope import Reader, Scope
from sqlscore.linting.values import NOTHING, Origin, Read, Value, mixed
from sqlscore.linting.zones import NO_FACTS, Fact, Facts, Var
from sqlscore.sql.public_functions import PUBLIC


@cache
def _functions() -> dict[str, bool]:
    """The functions by name, and whether they are as of a moment."""
    return {
        name: any(parameter == "as_of" for parameter, _ in public.parameters)
        for public in PUBLIC
        for name in (public.name, public.list_name)
    }


def scoring(reader: Reader, node: exp.Expr) -> str | None:
    """The name of the function, without its mapping's prefix, if a node calls one."""
    if not isinstance(node, exp.Anonymous):
        return None
    name = node.name.casefold()
    for prefix in ("", *(mapping.prefix.casefold() for mapping in reader.catalog.mappings.values())):
        if prefix and name.startswith(prefix) and name[len(prefix) :] in _functions():
            return name[len(prefix) :]
    return name if name in _functions() else None


def scored(
    reader: Reader,
    scope: Scope,
    node: exp.Expr,
    name: str,
    there: Callable[[Value], Value] | None = None,
    facts: Facts = NO_FACTS,
) -> Value:
    """What a score depends on: the rows that it is given, and the moment as of which it is.

    Args:
        reader: Notes the call.
        scope: What the call sees.
        node: The call.
        name: The function.
        there: Over a window, makes a value of the row that of the rows of the window.
        facts: What holds of them.
    """
    given = list(node.expressions)
    named = {
        one.name.casefold(): one.expression for one in given if isinstance(one, (exp.PropertyEQ, exp.EQ, exp.Kwarg))
    }
    events = reader.value(scope, given[0]) if given else NOTHING
    rows = there(events) if there is not None else events
    as_of = reader.value(scope, named["as_of"]) if "as_of" in named else None
    if as_of is None and not named and _functions()[name] and len(given) > 1:
        found = reader.value(scope, given[1])
        as_of = found if found.moment is not None else None
    if as_of is not None and as_of.moment is None and not as_of.reads and _is_null(named.get("as_of")):
        as_of = None
    reader.seen.calls.append(
        Call(node, name, _functions()[name], rows, as_of, there is not None, scope.all_facts() | facts, scope.presence)
    )
    reads = {read for read in rows.reads if not read.var.is_fixed}
    if as_of is not None and as_of.moment is not None:
        at, moment = reader.fresh("as_of"), as_of.moment
        known = frozenset({Fact(at, moment.var, moment.high), Fact(moment.var, at, -moment.low)})
        reads.add(Read(at, Origin("score", node, name), known))
    elif _functions()[name]:
        reads.add(Read(Var("newest", "events"), Origin("score", node, name)))
    return Value(frozenset(reads), tags=mixed([rows]).tags | {"score"})


def _is_null(node: exp.Expr | None) -> bool:
    return node is None or isinstance(node, exp.Null)
