"""Columns that somebody took out of a mapping's tables: added again, or the table is dropped to be made anew."""

from __future__ import annotations

import duckdb

from sqlscore.database.materialized import MATERIALIZED, is_table
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
    "user_vectors": "sqlscore refresh DB --vectors",
    "user_signals": "sqlscore advise DB",
    "recommendations": "sqlscore advise DB",
}
"""Tables that a command makes anew."""

_MADE_AT_ONCE = ("leaderboard", "playbook")
"""Tables that are made anew with the views."""

_KEPT = ("past_scores", "interventions")
"""Tables that nothing makes anew: a column that is gone is added, empty."""


def mend_score_columns(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> Findings:
    """Mend tables of a mapping that lack a column, in the caller's transaction, before views are bound to them.

    Tables of scores themselves are dropped: what is to be refreshed is seen later.
    """
    found = Findings()
    for name in (*_KEPT, *_MADE_BY, *_MADE_AT_ONCE):
        lacking = _lacking(con, mapping, name)
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
