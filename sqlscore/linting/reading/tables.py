"""The rows of a table: which moment each is, and what its columns tell of."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from sqlscore.linting import words
from sqlscore.linting.reading.scope import Reader
from sqlscore.linting.relations import Relation
from sqlscore.linting.tables import Table
from sqlscore.linting.values import Moment, Origin, Read, Value
from sqlscore.linting.zones import DAY, Fact, Var


def rows_of(reader: Reader, table: Table, node: exp.Expr | None) -> Relation:
    """The rows of a table, read once.

    Args:
        reader: Gives the time of the rows a name.
        table: The table.
        node: Where it is read.
    """
    if table.kind in ("attributes", "lookup", "kept") or table.clock is None:
        return _timeless(reader, table, node)
    time = reader.fresh(table.name)
    own = Read(time, Origin("current" if table.kind == "validity" else "scan", node, table.name))
    facts: set[Fact] = {Fact(time, Var("newest", "events"), 0.0)} if table.kind == "events" else set()
    columns: dict[str, Value] = {}
    for name in table.columns:
        columns[name] = _value(reader, table, name, own, facts)
    event = bool(table.users) or set(table.columns) != set(table.times)
    return Relation(
        columns, (Moment(time, grain=_grain(table, table.clock)),), table.keys, frozenset(facts), frozenset({own}),
        event, ((table.name, time),), whole=table.name, name=table.name,
    )  # fmt: skip


def _grain(table: Table, name: str) -> float:
    return DAY if table.columns.get(name) == "DATE" else 0.0


def _value(reader: Reader, table: Table, name: str, own: Read, facts: set[Fact]) -> Value:
    """What a column of rows of a moment tells of; `facts` receives what holds of its time."""
    base, node = (table.name, name), own.origin.node
    found = Value(frozenset({own}), base=base)
    if name == table.clock:
        return replace(found, moment=Moment(own.var, grain=_grain(table, name)))
    if name in table.users:
        return Value(base=base, tags=frozenset({"user"}))  # who it is tells nothing of when
    if _is_label(table, name):
        label = reader.fresh(f"{table.name}.{name}")
        facts.add(Fact(own.var, label, 0.0, strict=True))
        return Value(frozenset({Read(label, Origin("label", node, table.name))}), base=base, tags=frozenset({"label"}))
    if table.kind == "scores" and words.is_score(name):
        score = Read(own.var, Origin("score", node, table.name))
        return Value(frozenset({score}), base=base, tags=frozenset({"score"}))
    if name in table.times:
        time = reader.fresh(f"{table.name}.{name}")
        if table.kind == "validity" and words.is_valid_to(name):
            facts.add(Fact(own.var, time, 0.0))
        return replace(found, moment=Moment(time, grain=_grain(table, name)))
    return replace(found, order=own.var) if name in table.order else found


def _is_label(table: Table, name: str) -> bool:
    if table.kind == "scores" or not words.is_label(name):
        return False
    if table.kind == "events":
        return words.is_sure_label(name)
    kind = table.columns[name]
    return words.is_sure_label(name) or kind in ("BOOLEAN", "?") or kind.endswith("INT") or kind == "INTEGER"


def _timeless(reader: Reader, table: Table, node: exp.Expr | None) -> Relation:
    """Rows of no moment: as they are today."""
    columns: dict[str, Value] = {}
    current = Read(Var("current", table.name), Origin("current", node, table.name))
    scores = words.keeps_scores(table.name.rpartition(".")[2])
    for name, kind in table.columns.items():
        base = (table.name, name)
        if name in table.users:
            columns[name] = Value(base=base, tags=frozenset({"user"}))
        elif name in table.times:
            columns[name] = Value(
                moment=Moment(reader.fresh(f"{table.name}.{name}"), grain=DAY if kind == "DATE" else 0.0), base=base
            )
        elif scores and words.is_score(name):
            newest = Read(Var("newest", "events"), Origin("score", node, table.name))
            columns[name] = Value(frozenset({newest}), base=base, tags=frozenset({"score"}))
        elif _is_label(table, name) and table.users:
            label = Read(reader.fresh(f"{table.name}.{name}"), Origin("label", node, table.name))
            columns[name] = Value(frozenset({label}), base=base, tags=frozenset({"label"}))
        elif (table.kind == "attributes" and not words.is_lasting(name)) or (
            table.kind == "lookup" and words.is_changing(name)
        ):
            columns[name] = Value(frozenset({current}), base=base)
        else:
            columns[name] = Value(base=base)
    keys = table.keys or ((table.users,) if table.kind == "attributes" and len(table.users) == 1 else ())
    return Relation(columns, (), keys, name=table.name)
