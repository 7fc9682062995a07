"""`train(features="auto")`: columns that help are found and mapped, as the step before and after a training."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import duckdb

from sqlscore.errors import MappingError, TrainingError
from sqlscore.events.mapping import Feature, Mapping
from sqlscore.mapping.candidates import candidates
from sqlscore.mapping.remapping import in_words, rows_to_drop
from sqlscore.progress import Silent
from sqlscore.verbs.mapping import put_mapping

if TYPE_CHECKING:
    from sqlscore.progress import Progress
    from sqlscore.training.options import TrainingOptions


def with_found_columns(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    features: str | None,
    options: TrainingOptions,
    force: bool,
    progress: Progress | None,
    left_out: Collection[str] = (),
) -> tuple[Mapping, dict[str, Any] | None]:
    """(the mapping with the columns that help, what each column gained); without `features`, (the mapping, None).

    The columns `left_out`, in lower case, are not tried. Nothing is stored yet. Raises TrainingError if `features` is
    no known word, MappingError if score tables would be dropped by a mapping with more columns and `force` does not
    allow it.
    """
    if features is None:
        return mapping, None
    if features != "auto":
        raise TrainingError(
            f'features={features!r}: "auto" tries the columns that are not mapped. Columns that you know are named '
            "when the events are mapped: map_events(features=[...]), sqlscore init --feature C"
        )
    dropped = rows_to_drop(con, mapping)
    if dropped and not force:
        raise MappingError(
            f'features="auto" maps the columns that it finds, and another mapping of "{mapping.name}" would drop '
            f"{in_words(dropped)}; models, champion and past scores would stay. Allow it with force=True (--force)"
        )
    from sqlscore.experiments.columns import choose_columns  # torch

    tried = tuple(one for one in candidates(con, mapping) if one.name.casefold() not in left_out)
    trials = choose_columns(con, mapping, tried, options, progress or Silent())
    added = tuple(Feature(trial.name, trial.kind) for trial in trials if trial.added and trial.kind is not None)
    return replace(mapping, features=(*mapping.features, *added)), {"columns": [asdict(trial) for trial in trials]}


def map_found(con: duckdb.DuckDBPyConnection, old: Mapping, new: Mapping) -> None:
    """Store a mapping with more columns, once a model was trained on them; score tables of the old one are dropped."""
    if new != old:
        put_mapping(con, new, force=True)
