"""The verb that makes a model in seconds, without training."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import duckdb

from sqlscore.database.catalog import mapped
from sqlscore.database.registry import ModelInfo, register, registered_models
from sqlscore.database.transactions import on_own_connection, recorded
from sqlscore.errors import TrainingError
from sqlscore.events.mapping import DEFAULT_MAPPING
from sqlscore.mapping.roles import check_readable
from sqlscore.progress import Silent
from sqlscore.times import to_seconds
from sqlscore.verbs.horizons import spans_of
from sqlscore.verbs.leaks import refuse_leaks

if TYPE_CHECKING:
    from sqlscore.progress import Progress


@on_own_connection
def score(
    con: duckdb.DuckDBPyConnection,
    /,
    *,
    mapping: str = DEFAULT_MAPPING,
    name: str | None = None,
    horizon: str | float | timedelta | None = None,
    horizons: str | Sequence[str | float | timedelta] | None = None,
    lookback: str | float | timedelta | None = None,
    allow_leak: Sequence[str] = (),
    progress: Progress | None = None,
) -> ModelInfo:
    """Make scores possible in seconds, without training: counts of what follows what, and tables of who came back.

    The model reads actions and times, and no other column. It becomes the champion if there is none, or one that was
    made likewise; the first `train` replaces it. Its figures are of the newest events, before these were counted too.

    Args:
        con: A connection that `connect` made.
        mapping: The name of the mapping.
        name: The name of the model (default: the mapping's).
        horizon: How far ahead churn looks: seconds, a timedelta or text such as "14 days". None chooses one that the
            data supports, or makes none and says why in `notes`.
        horizons: Several, for `churn_risk(e, horizon := ...)`: a list, or text such as "7 days,30 days". The longest is
            what `churn_risk(e)` speaks of.
        lookback: A user counts for churn if seen within it; by default twice as long as the horizon.
        allow_leak: Rules of the linter (docs/linting.md) that the mapped view may break.
        progress: Receives the stages of the work.

    Returns the registered version, with its metrics on the test split; `is_untrained` is true of it.

    Raises MappingError if nothing is mapped, TrainingError if the data cannot support what was asked for, or if the
    mapped events are a view that shows what came after an event.

    >>> sqlscore.score(con).architecture
    'counts'
    """
    from sqlscore.training.counted.fit import count_model
    from sqlscore.training.options import TrainingOptions

    source = mapped(con, mapping)
    check_readable(con, source)
    passed = refuse_leaks(con, source, allow_leak, TrainingError)
    longest, shorter = spans_of(horizon, horizons)
    options = TrainingOptions(horizon=longest, horizons=shorter, lookback=to_seconds(lookback))
    with recorded(con, "score", mapping) as details:
        made = count_model(con, source, options, progress or Silent(), passed)
        details.update(made.report)
    trained = any(model.is_champion and not model.is_untrained for model in registered_models(con, mapping))
    return register(con, made.artifact, name=name or mapping, mapping=mapping, champion=not trained, verb="score")
