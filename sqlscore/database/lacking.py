"""What the events of a mapping lack that a model reads, and what a model lacks that is asked of it."""

from __future__ import annotations

import json
from collections.abc import Iterable

import duckdb

from sqlscore.database.damage import is_readable
from sqlscore.database.queries import one
from sqlscore.database.registry import registered_models
from sqlscore.events.mapping import Mapping


def lacking_features(con: duckdb.DuckDBPyConnection, mapping: Mapping, model: str = "champion") -> str:
    """The feature columns, quoted and joined, that a model reads and its mapping lacks; empty if there are none."""
    have = {feature.name for feature in mapping.features}
    return ", ".join(f'"{name}"' for name in _features_read(con, mapping, model) or () if name not in have)


def unread_features(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> str:
    """The feature columns, quoted and joined, that are mapped and that the champion does not read; empty if none."""
    read = _features_read(con, mapping, "champion")
    unread = () if read is None else (feature.name for feature in mapping.features if feature.name not in read)
    return ", ".join(f'"{name}"' for name in unread)


def _features_read(con: duckdb.DuckDBPyConnection, mapping: Mapping, model: str) -> tuple[str, ...] | None:
    """The feature columns that a model of a mapping reads; None if there is no such model, or a damaged one."""
    row = one(
        con,
        """SELECT m.manifest FROM sqlscore.models m LEFT JOIN sqlscore.aliases a
             ON a.mapping = m.mapping AND a.name = m.name AND a.version = m.version
           WHERE m.mapping = ? AND ? IN (a.alias, m.name || '@' || m.version)""",
        [mapping.name, model],
    )
    if row is None or not is_readable(row[0]):
        return None
    inputs = json.loads(row[0])["inputs"]
    return (*inputs["categorical"], *inputs["numeric"])


def lacking_heads(con: duckdb.DuckDBPyConnection, mapping: str, heads: Iterable[str]) -> str:
    """The heads, joined, that the champion of a mapping has and that are not among `heads`; empty if there are none.

    A champion that nothing was trained for gives way to any model.
    """
    champion = next((m for m in registered_models(con, mapping) if m.is_champion and not m.is_untrained), None)
    return ", ".join(head for head in (champion.heads if champion else ()) if head not in set(heads))
