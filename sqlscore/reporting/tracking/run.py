"""One MLflow run: its figures, its plots, the model in MLflow's format, and the model's version in the registry."""

from __future__ import annotations

import json
import os
import tempfile
import time
import warnings
from collections.abc import Mapping as Dict
from dataclasses import dataclass
from importlib.metadata import version as package_version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from sqlscore.database.catalog import catalog
from sqlscore.database.registry import ModelInfo
from sqlscore.errors import PlotError, TrainingError
from sqlscore.events.mapping import Mapping
from sqlscore.reporting.tracking.figures import numbers, parameters
from sqlscore.reporting.tracking.store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from sqlscore.progress import Progress

_MOST = {"params": 100, "metrics": 1_000}  # of one request
_MODEL_FOLDER, _PLOT_FOLDER = "model", "plots"


@dataclass(frozen=True)
class TrackedRun:
    """The run, and the store that holds it. `store` has no credentials."""

    store: str
    experiment: str
    run_id: str
    registered_model: str
    registered_version: str


def log_run(
    con: duckdb.DuckDBPyConnection,
    store: Store,
    info: ModelInfo,
    mapping: Mapping,
    report: Dict[str, Any],
    progress: Progress | None,
) -> TrackedRun:
    """Make the run.

    Args:
        con: a connection that `connect` made.
        store: the tracking store.
        info: the model.
        mapping: the events that it was trained on.
        report: what training measured (seconds, parameters).
        progress: receives the stages of the work.

    Errors of MLflow are raised as they are; the run is then marked as failed.
    """
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=store.uri, registry_uri=store.uri)
    path = catalog(con).path
    database = Path(path).stem if path else "sqlscore"
    experiment = os.environ.get("MLFLOW_EXPERIMENT_NAME") or database
    artifact = catalog(con).artifact(info.label, mapping.name)
    tags = {
        "sqlscore.version": package_version("sqlscore"),
        "sqlscore.label": info.label,
        "sqlscore.mapping": mapping.name,
        "sqlscore.sha256": info.sha256,
        "mlflow.note.content": "\n\n".join(info.metrics.get("verdict", ())),
    }
    run = client.create_run(
        _experiment(client, experiment, store), tags=tags, run_name=f"{info.label} {info.architecture}"
    )
    run_id = run.info.run_id
    try:
        _log_figures(client, run_id, parameters(info, mapping), numbers(info, report, artifact))
        with tempfile.TemporaryDirectory(prefix="sqlscore-") as folder:
            _log_plots(con, client, run_id, info, Path(folder), progress)
            _log_model(con, client, run_id, info, mapping, Path(folder))
        name = f"{database}-{info.name}" if database != info.name else database
        version = _register(client, run_id, name, tags)
    except BaseException:
        client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id)
    return TrackedRun(store.shown, experiment, run_id, name, version)


def _experiment(client: MlflowClient, name: str, store: Store) -> str:
    experiment = client.get_experiment_by_name(name)
    if experiment is not None:
        return str(experiment.experiment_id)
    return str(client.create_experiment(name, artifact_location=store.artifacts))


def _log_figures(
    client: MlflowClient, run_id: str, params: dict[str, str], metrics: list[tuple[str, float, int]]
) -> None:
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    pairs, most = [Param(key, value) for key, value in params.items()], _MOST["params"]
    for start in range(0, len(pairs), most):
        client.log_batch(run_id, params=pairs[start : start + most])
    points, most = [Metric(name, value, now, step) for name, value, step in metrics], _MOST["metrics"]
    for start in range(0, len(points), most):
        client.log_batch(run_id, metrics=points[start : start + most])


def _log_plots(
    con: duckdb.DuckDBPyConnection,
    client: MlflowClient,
    run_id: str,
    info: ModelInfo,
    folder: Path,
    progress: Progress | None,
) -> None:
    """Log all plots that this model has; a tag says why the others are missing."""
    from sqlscore.reporting.plots.drawer import KINDS, drawer
    from sqlscore.reporting.plots.style import save

    plots = folder / _PLOT_FOLDER
    plots.mkdir()
    draw = drawer(con, info.label, info.mapping, progress=progress)
    lacking = []
    for kind in KINDS:
        try:
            save(draw(kind), plots / f"{kind}.png")
        except (PlotError, TrainingError) as error:
            lacking.append(f"{kind}: {error}")
    client.log_artifacts(run_id, str(plots), _PLOT_FOLDER)
    if lacking:
        client.set_tag(run_id, "sqlscore.plots_left_out", "\n".join(lacking))


def _log_model(
    con: duckdb.DuckDBPyConnection, client: MlflowClient, run_id: str, info: ModelInfo, mapping: Mapping, folder: Path
) -> None:
    """The artifact in MLflow's format: `sqlscore import` takes its file, `mlflow.pyfunc.load_model` its folder."""
    import mlflow.pyfunc
    from mlflow.models import ModelSignature
    from mlflow.types import ParamSchema, ParamSpec

    from sqlscore.reporting.tracking.pyfunc import save

    data, model = folder / "sqlscore", folder / _MODEL_FOLDER
    data.mkdir()
    save(data, catalog(con).find(info.label, mapping.name).data, info.sha256, info.label, mapping)
    with warnings.catch_warnings():
        # any events with the mapped columns will do, so MLflow has nothing to check them against
        warnings.filterwarnings("ignore", message=r"[\s\S]*input example", category=UserWarning)
        mlflow.pyfunc.save_model(
            str(model),
            loader_module="sqlscore.reporting.tracking.pyfunc",
            data_path=str(data),
            pip_requirements=[f"sqlscore=={package_version('sqlscore')}"],
            signature=ModelSignature(params=ParamSchema([ParamSpec("as_of", "string", "")])),
        )
    (model / "manifest.json").write_text(json.dumps(info.to_dict(), indent=2, default=str), encoding="utf-8")
    client.log_artifacts(run_id, str(model), _MODEL_FOLDER)


def _register(client: MlflowClient, run_id: str, name: str, tags: dict[str, str]) -> str:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    described = tags["mlflow.note.content"]
    own = {key: value for key, value in tags.items() if key.startswith("sqlscore.")}
    source = f"runs:/{run_id}/{_MODEL_FOLDER}"
    return str(client.create_model_version(name, source, run_id, tags=own, description=described).version)
