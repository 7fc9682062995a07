"""Columns of a mapping's tables that somebody took out or changed: mended, or the table is dropped to be made anew."""

from __future__ import annotations

import re

import duckdb

from sqlscore.database.materialized import MATERIALIZED, is_table
from sqlscore.database.queries import one
from sqlscore.database.swap import make_view
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import identifier, qualified
from sqlscore.score_tables.mark import columns_of
from sqlscore.sql.names import MAPPING_TABLES
from sqlscore.sql.objects import objects, table
from sqlscore.upkeep.findings import Findings

_MADE_BY = {
    **dict.fromkeys(MATERIALIZED, "sqlscore refresh DB"),
    "scored_labels": "sqlscore refresh DB",
    "label_backtests": "sqlscore backtest DB --model HEAD",
    "user_vectors": "sqlscore refresh DB --vectors",
    "user_signals": "sqlscore advise DB",
    "recommendations": "sqlscore advise DB",
}
"""Tables that a command makes anew."""

_MADE_AT_ONCE = ("leaderboard", "playbook")
"""Tables that are made anew with the views."""

_KEPT = ("past_scores", "interventions")
"""Tables that nothing makes anew: a column that is gone is added, empty, and one of another type gets its own again."""

_TYPED = re.compile(r"^ +CAST\(NULL AS (.+)\) AS (\w+),?$", re.MULTILINE)
"""A column in the view that stands for such a table before it is written."""


def mend_score_columns(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> Findings:
    """Mend tables of a mapping that lack a column, or have one of another type, before views are bound to them.

    It happens in the caller's transaction. Tables of scores themselves are dropped: what is to be refreshed is seen
    later.
    """
    found = Findings()
    for name in (*_KEPT, *_MADE_BY, *_MADE_AT_ONCE):
        lacking = _lacking(con, mapping, name)
        if name in _KEPT and is_table(con, mapping.schema, name):
            found.add(_mend_types(con, mapping, name))
        if not lacking:
            continue
        where = f"{mapping.schema}.{name}"
        if name in _KEPT:
            _add_columns(con, mapping, name, lacking)
            found.done.append(f"{where} has {', '.join(lacking)} again, empty")
            found.lose(f"what stood in {', '.join(lacking)} of {where} is lost", "sqlscore status DB")
            continue
        _drop(con, mapping, name)
        found.done.append(f"{where} was dropped to be made anew, since it had no {', '.join(lacking)}")
        if name not in (*MATERIALIZED, *_MADE_AT_ONCE):
            found.lose(f"{where} is to be made anew", _MADE_BY[name])
    return found


def drop_scores_of(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> Findings:
    """Drop all tables of a mapping that a command makes anew, since views cannot be bound to one of them."""
    found = Findings()
    for name in _MADE_BY:
        if is_table(con, mapping.schema, name):
            _drop(con, mapping, name)
            found.done.append(f"{mapping.schema}.{name} was dropped to be made anew: a column of it was changed")
            if name not in MATERIALIZED:
                found.lose(f"{mapping.schema}.{name} is to be made anew", _MADE_BY[name])
    return found


def _drop(con: duckdb.DuckDBPyConnection, mapping: Mapping, name: str) -> None:
    con.execute(f"DROP TABLE {qualified(mapping.schema, name)}")
    if name not in MAPPING_TABLES and name not in MATERIALIZED:
        make_view(con, mapping, name)


def _lacking(con: duckdb.DuckDBPyConnection, mapping: Mapping, name: str) -> list[str]:
    """The columns that a table should have and lacks; none if it is a view still, or is gone."""
    if not is_table(con, mapping.schema, name):
        return []
    have = columns_of(con, qualified(mapping.schema, name))
    made = table(name) if name in MAPPING_TABLES else next(item for item in objects() if item.name == name)
    return [column for column in made.commented_columns if column not in have]


def _mend_types(con: duckdb.DuckDBPyConnection, mapping: Mapping, name: str) -> Findings:
    """Give the columns of a table that nothing makes anew their types again; what cannot be read as one is lost."""
    found, whole, where = Findings(), qualified(mapping.schema, name), f"{mapping.schema}.{name}"
    relation = con.sql(f"FROM {whole} LIMIT 0")
    have = dict(zip(relation.columns, map(str, relation.types), strict=True))
    made = next(item for item in objects() if item.name == name)
    for kind, column in _TYPED.findall(made.text):
        if have.get(column, kind) == kind:
            continue
        quoted = identifier(column)
        value = quoted if _can_be_cast(con, have[column], kind) else "NULL"
        query = f"SELECT count({quoted}) - count(TRY_CAST({value} AS {kind})) FROM {whole}"
        lost = (one(con, query) or (0,))[0]
        con.execute(f"ALTER TABLE {whole} ALTER {quoted} TYPE {kind} USING TRY_CAST({value} AS {kind})")
        found.done.append(f"{column} of {where} is {kind} again, it had been changed to {have[column]}")
        if lost:
            found.lose(f"{lost:,} values of {column} in {where} are lost: they are no {kind}", "sqlscore status DB")
    return found


def _can_be_cast(con: duckdb.DuckDBPyConnection, kind: str, wanted: str) -> bool:
    """Whether the engine has a cast between two types at all."""
    try:
        con.sql(f"SELECT TRY_CAST(CAST(NULL AS {kind}) AS {wanted})")
    except duckdb.BinderException:
        return False
    return True


def _add_columns(con: duckdb.DuckDBPyConnection, mapping: Mapping, name: str, columns: list[str]) -> None:
    """Add columns with the types that the view has which stands for the table before there is one."""
    whole, aside = qualified(mapping.schema, name), qualified(mapping.schema, f"aside_{name}")
    con.execute(f"ALTER TABLE {whole} RENAME TO {identifier(f'aside_{name}')}")
    make_view(con, mapping, name)
    view = con.sql(f"FROM {whole} LIMIT 0")
    types = dict(zip(view.columns, map(str, view.types), strict=True))
    con.execute(f"DROP VIEW {whole}")
    con.execute(f"ALTER TABLE {aside} RENAME TO {identifier(name)}")
    for column in columns:
        con.execute(f"ALTER TABLE {whole} ADD COLUMN {identifier(column)} {types[column]}")
