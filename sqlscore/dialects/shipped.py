"""The shipped views and macros as syntax trees, and calls of macros with their arguments put in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import sqlglot
from sqlglot import exp

from sqlscore.dialects.refusal import Refused, note_places
from sqlscore.sql.names import SCHEMA
from sqlscore.sql.objects import objects

_HEAD = re.compile(
    rf"CREATE OR REPLACE (?:VIEW|MACRO) {SCHEMA}\.\w+\s*(?:\((?P<parameters>.*?)\))? AS(?: TABLE)?\s",
    re.DOTALL,
)
_NO_DEFAULT = exp.Placeholder()


@dataclass(frozen=True)
class Shipped:
    """One view or macro.

    Attributes:
        name: without the schema.
        parameters: the parameters of a macro with their defaults; `_NO_DEFAULT` for those that must be given.
        body: a query, or the expression of a scalar macro.
    """

    name: str
    parameters: Mapping[str, exp.Expr]
    body: exp.Expr

    def called(self, call: exp.Expr | None) -> exp.Expr:
        """The body with the arguments of a call; without a call, with the defaults.

        Raises Refused if an argument is missing or unknown.
        """
        arguments = dict(self.parameters)
        given = list(call.expressions) if call is not None else []
        for position, argument in enumerate(given):
            named = isinstance(argument, (exp.PropertyEQ, exp.EQ, exp.Kwarg)) and argument.name in arguments
            name = argument.name if named else [*arguments][position] if position < len(arguments) else ""
            if name not in arguments:
                raise Refused("macro", f"{self.name} has no such parameter (it has {', '.join(self.parameters)})")
            arguments[name] = argument.expression if named else argument
        missing = [name for name, value in arguments.items() if value is _NO_DEFAULT]
        if missing:
            names = ", ".join(missing)
            raise Refused("macro", f"{self.name} needs a value for {names}: transpile a query that calls it")
        body = self.body.copy()
        for column in list(body.find_all(exp.Column)):
            if not column.table and column.name in arguments:
                value = arguments[column.name].copy()
                if column is body:
                    return value
                column.replace(exp.paren(value) if isinstance(value, exp.Binary) else value)
        for unit in list(body.find_all(exp.Var)):
            _put_in_unit(unit, arguments)
        return body


def _put_in_unit(unit: exp.Var, arguments: Mapping[str, exp.Expr]) -> None:
    """Put an argument in place of a unit of time: sqlglot reads `DATE_TRUNC(period, t)` as a unit of that name."""
    value = next((value for name, value in arguments.items() if name.casefold() == unit.name.casefold()), None)
    if value is None or unit.parent is None:
        return
    if isinstance(value, exp.Null):
        unit.parent.replace(exp.null())
    elif isinstance(value, exp.Literal) and value.is_string and value.name:
        unit.replace(exp.var(value.name.upper()))
    else:
        raise Refused("unit", f"the unit of time must be a text, such as 'day', not {value.sql('duckdb')}")


@cache
def shipped(order: tuple[str, ...] = (), in_groups: bool = False) -> dict[str, Shipped]:
    """All of them by name.

    Args:
        order: The columns that break ties in the mapped events.
        in_groups: Whether the events have groups; what is another query then is left out.
    """
    texts = {
        item.name: item.for_schema(SCHEMA, order=order)
        for item in objects()
        if not (in_groups and item.in_groups is not None)
    }
    return {name: _parsed(name, text) for name, text in texts.items()}


def _parsed(name: str, text: str) -> Shipped:
    head = _HEAD.search(text)
    if head is None:
        raise ValueError(f"{name} is neither a view nor a macro")
    end = text.index(";\n", head.end()) if ";\n" in text[head.end() :] else len(text)
    padding = "\n" * text[: head.end()].count("\n")  # so that lines are those of the file
    body = sqlglot.parse_one(padding + text[head.end() : end], read="duckdb")
    note_places(body, f"{SCHEMA}.{name}")
    return Shipped(name, _parameters(head["parameters"] or ""), body)


def _parameters(text: str) -> dict[str, exp.Expr]:
    if not text.strip():
        return {}
    call = sqlglot.parse_one(f"f({text})", read="duckdb")
    return {one.name: one.expression if isinstance(one, exp.PropertyEQ) else _NO_DEFAULT for one in call.expressions}
