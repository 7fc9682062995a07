"""SELECT: the columns of the rows that a query gives, with stars spelled out."""

from __future__ import annotations

import re

from sqlglot import exp

from sqlscore.linting.reading.expressions import value_of
from sqlscore.linting.reading.scope import Reader, Scope
from sqlscore.linting.reading.splits import note_split
from sqlscore.linting.relations import Relation
from sqlscore.linting.values import NOTHING, Value


def projected(reader: Reader, scope: Scope, node: exp.Select) -> tuple[Relation, dict[str, exp.Expr]]:
    """The columns of a SELECT, and the expression of each.

    Args:
        reader: Knows the file.
        scope: The rows of its FROM.
        node: The SELECT.
    """
    columns: dict[str, Value] = {}
    nodes: dict[str, exp.Expr] = {}
    places: dict[tuple[str, str], str] = {}
    for position, one in enumerate(node.expressions or [exp.Star()]):
        inner = one.this if isinstance(one, exp.Alias) else one
        if (
            isinstance(inner, exp.Star)
            or (isinstance(inner, exp.Column) and isinstance(inner.this, exp.Star))
            or isinstance(inner, exp.Columns)
        ):
            for name, value, place in _star(reader, scope, inner):
                if name not in columns:
                    columns[name], nodes[name] = value, one
                if place is not None:
                    places.setdefault(place, name)
            continue
        name = one.alias_or_name.casefold() or _name(inner, position)
        value = value_of(reader, scope, inner)
        note_split(reader, scope, one, value, name)
        if isinstance(inner, (exp.Unnest, exp.Explode)) and value.row is not None:
            columns |= dict(value.row)
        columns[name], nodes[name] = value, one
        scope.aliases.setdefault(name, value)
        if isinstance(inner, exp.Column) and (place := scope.place(inner)) is not None:
            places.setdefault(place, name)
    keys = (
        ()
        if scope.grouping is not None
        else tuple(
            frozenset(places[place] for place in key) for key in scope.keys if all(place in places for place in key)
        )
    )
    return Relation(columns, keys=keys), nodes


def _name(node: exp.Expr, position: int) -> str:
    text = node.sql("duckdb").casefold()
    return text if len(text) < 60 else f"column {position + 1}"


def _star(reader: Reader, scope: Scope, node: exp.Expr) -> list[tuple[str, Value, tuple[str, str] | None]]:
    star = node.this if isinstance(node, (exp.Column, exp.Columns)) and isinstance(node.this, exp.Star) else node
    table = node.table.casefold() if isinstance(node, exp.Column) else ""
    left_out, replaced, renamed = set(), {}, {}
    if isinstance(star, exp.Star):
        left_out = {one.name.casefold() for one in star.args.get("except_") or star.args.get("except") or ()}
        replaced = {one.alias.casefold(): one.this for one in star.args.get("replace") or ()}
        renamed = {one.this.name.casefold(): one.alias.casefold() for one in star.args.get("rename") or ()}
    pattern = _pattern(node)
    found: list[tuple[str, Value, tuple[str, str] | None]] = []
    for source in scope.sources:
        if table and source.alias != table:
            continue
        for name in source.relation.columns:
            if name in left_out or (pattern is not None and pattern.search(name) is None):
                continue
            if any(name == known for known, _, _ in found) and name in scope.merged:
                continue
            value = value_of(reader, scope, replaced[name]) if name in replaced else source.value(name) or NOTHING
            if not table and name in scope.merged and name not in replaced:
                value = scope.merged[name]
            found.append((renamed.get(name, name), value, (source.alias, name)))
    return found


def _pattern(node: exp.Expr) -> re.Pattern[str] | None:
    """The pattern of COLUMNS('...'); None for any other star."""
    if isinstance(node, exp.Columns) and isinstance(node.this, exp.Literal):
        try:
            return re.compile(node.this.name)
        except re.error:
            return None
    return None
