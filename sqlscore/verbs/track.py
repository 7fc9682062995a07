"""The verb `track`: a trained model as an MLflow run and a registered MLflow model."""

from __future__ import annotations

import warnings
from collections.abc import Mapping as Dict
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import duckdb

from sqlscore.database.catalog import catalog, mapped
from sqlscore.database.registry import ModelInfo, find_model
from sqlscore.database.transactions import on_own_connection, recorded
from sqlscore.errors import SqlscoreError, TrackingError
from sqlscore.events.mapping import DEFAULT_MAPPING
from sqlscore.mapping.roles import check_readable
from sqlscore.reporting.tracking.run import TrackedRun, log_run
from sqlscore.reporting.tracking.store import client_settings, require_mlflow, store_of

if TYPE_CHECKING:
    from sqlscore.progress import Progress


@on_own_connection
def track(
    con: duckdb.DuckDBPyConnection,
    model: str | None = None,
    *,
    to: str | bool = True,
    mapping: str = DEFAULT_MAPPING,
    report: Dict[str, Any] | None = None,
    progress: Progress | None = None,
) -> TrackedRun:
    """Log a registered model as an MLflow run: parameters, losses by epoch, test figures, plots, and the model itself.

    The experiment is the one in MLFLOW_EXPERIMENT_NAME, else the database's name.

    Args:
        con: a connection that `connect` made.
        model: `name@version`, a name (its newest version), or None for the champion.
        to: a tracking URI; True is the one in MLFLOW_TRACKING_URI, else an SQLite file beside the database.
        mapping: the name of the mapping.
        report: what training measured (seconds, parameters).
        progress: receives the stages of the work.

    Raises TrackingError, without passwords, if MLflow or its store fails; the model stays registered in the file.

    Examples:
        >>> sqlscore.track(con, to="http://localhost:5000").run_id
    """
    source = mapped(con, mapping)
    check_readable(con, source)
    label = catalog(con).find(model, mapping).label
    info = find_model(con, label, mapping)
    store = store_of(to, catalog(con).path)
    with recorded(con, "track", mapping) as details:
        details |= {"model": label, "store": store.shown}
        try:
            with client_settings(store):
                run = log_run(con, store, info, source, report or {}, progress)
        except SqlscoreError:
            raise
        except Exception as error:  # noqa: BLE001 - MLflow raises whatever its store and its clients raise
            # from None: the chain would repeat what was hidden
            text = store.hide(f"{type(error).__name__}: {error}")
            raise TrackingError(
                f"{label} could not be tracked at {store.shown}: {text}\n{label} is registered in the file: when the "
                f'store works again, run `sqlscore track DB --model {label}`, or sqlscore.track(con, "{label}")'
            ) from None
        details |= asdict(run)
    return run


def track_or_warn(
    con: duckdb.DuckDBPyConnection, info: ModelInfo, to: str | bool, report: Dict[str, Any], progress: Progress | None
) -> None:
    """Track after training; if the store fails, warn, since the model itself is registered."""
    try:
        track(con, info.label, to=to, mapping=info.mapping, report=report, progress=progress)
    except TrackingError as error:
        warnings.warn(str(error), stacklevel=4)


def check_tracking(to: str | bool, database: str | None) -> None:
    """Raises TrackingError if tracking cannot even begin; called before a training."""
    store_of(to, database)
    require_mlflow()
