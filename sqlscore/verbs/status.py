"""The verb `status`: the state of a database file, and what is wrong with it."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import duckdb

from sqlscore.database.attaching import attach
from sqlscore.database.catalog import catalog
from sqlscore.database.queries import one
from sqlscore.database.registry import registered_models
from sqlscore.database.transactions import on_own_connection
from sqlscore.errors import EventsError, MappingError
from sqlscore.mapping.roles import check_types
from sqlscore.verbs.mapping_status import MappingStatus, readable_status, unreadable_status
from sqlscore.verbs.problems import (
    Problem,
    file_problems,
    guard_problems,
    mapping_problems,
    type_problems,
    unreadable_problem,
    watch_problems,
)


@dataclass(frozen=True)
class Status:
    """The state of a database file."""

    database: str
    device: str
    versions: dict[str, str]
    mappings: tuple[MappingStatus, ...]
    n_models: int
    cache: dict[str, int]  # entries, max_bytes, hits, misses of this process; empty before a model is used
    problems: tuple[Problem, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        return asdict(self)


@on_own_connection
def status(con: duckdb.DuckDBPyConnection, *, check: bool = False) -> Status:
    """Look at mappings, models and score tables, and report what is stale or missing. No model is loaded.

    Args:
        con: A connection that `connect` made.
        check: Also compare the figures in the tables of scores with the checksums of the last refresh.

    Examples:
        >>> for problem in sqlscore.status(con).problems:
        ...     print(problem.what, "->", problem.command)
    """
    known = catalog(con)
    path = one(con, "SELECT path FROM duckdb_databases() WHERE database_name = current_database()")
    database = path[0] if path and path[0] else ":memory:"
    models = registered_models(con)
    mappings, problems = [], []
    for mapping in known.snapshot.mappings.values():
        try:
            attach(con, mapping.attached)
            check_types(con, mapping)
            state = readable_status(con, mapping, models)
            watched = type_problems(con, mapping, database) + guard_problems(con, mapping, database)
            watched += watch_problems(con, mapping, database)
        except (duckdb.Error, EventsError, MappingError) as error:
            watched = []
            state = unreadable_status(con, mapping, models)
            problems.append(unreadable_problem(mapping, error, database))
        mappings.append(state)
        problems += mapping_problems(con, mapping, state, database, models, check) + watched
    problems += file_problems(con, bool(mappings), database)
    return Status(
        database=database,
        device=known.device,
        versions={package: version(package) for package in ("sqlscore", "duckdb", "torch")},
        mappings=tuple(mappings),
        n_models=len(models),
        cache=_cache(),
        problems=tuple(problems),
    )


def _cache() -> dict[str, int]:
    module = sys.modules.get("sqlscore.scoring.cache.states")  # importing it here would import torch
    return asdict(module.STATES.info()) if module else {}
