"""The steps of a run: refresh or dbt, publishing, reports, training if it is due."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

import sqlscore
from sqlscore.database.catalog import catalog, mapped
from sqlscore.errors import GuardWarning, ServingError
from sqlscore.extras import optional
from sqlscore.serving.backoff import Backoff
from sqlscore.serving.notices import Kind, secrets_of, target_name
from sqlscore.serving.retraining import reason_to_retrain, retrain
from sqlscore.serving.stopping import Stop
from sqlscore.verbs.guarding import judge_build
from sqlscore.verbs.report import report_file

_MAPPING = "{mapping}"


@dataclass(frozen=True)
class Job:
    """What a run does.

    Attributes:
        mappings: the names of the mappings; empty means all that have a champion.
        publish: URLs and paths to publish to; {mapping} in them stands for the mapping's name.
        tables: the tables to publish; None means those that dashboards need.
        dbt: the folder of a project that is built in place of the refresh.
        backoff: how a failed step is tried again.
        keep_history: whether a refresh adds its scores to `past_scores`.
        reports: files that the page about the scores is written to, .html or .md; {mapping} as above.
    """

    mappings: tuple[str, ...] = ()
    publish: tuple[str, ...] = ()
    tables: tuple[str, ...] | None = None
    dbt: Path | None = None
    backoff: Backoff = field(default_factory=Backoff)
    keep_history: bool = False
    reports: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """A piece of work that is retried on its own, and whose result can be written as JSON."""

    kind: Kind
    target: str
    work: Callable[[], dict[str, Any]]
    secrets: tuple[str, ...] = ()


def chosen_mappings(con: duckdb.DuckDBPyConnection, job: Job) -> list[str]:
    """The mappings that the job scores.

    Raises MappingError or ModelError if one cannot be scored yet, ServingError if two would be published to the same
    file, OutputError if a report cannot be written to the file that it is for.
    """
    models = catalog(con)
    if not models.snapshot.mappings:
        mapped(con, "events")
    named = list(job.mappings) or [
        name for name in models.snapshot.mappings if (name, "champion") in models.snapshot.aliases
    ]
    for name in named or list(models.snapshot.mappings):
        mapped(con, name, read=False)
        models.find(None, name)
    places = [to for to in job.publish if not to.startswith("postgres")]
    shared = [to for to in (*places, *job.reports) if _MAPPING not in to]
    if len(named) > 1 and shared:
        raise ServingError(
            f"{target_name(shared[0])} can hold one mapping, and {', '.join(named)} are to go there: write "
            f"{_MAPPING} into its name, or choose one with --mapping"
        )
    for place in job.reports:
        report_file(place)
    return named


def scoring_steps(con: duckdb.DuckDBPyConnection, job: Job, mappings: list[str], stop: Stop) -> list[Step]:
    """The steps that bring the tables of scores up to date."""
    if job.dbt is not None:
        return [Step("dbt", str(job.dbt), partial(_dbt, con, mappings, job.dbt))]

    def refresh(mapping: str) -> dict[str, Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GuardWarning)  # the report has them, and the log says them
            report = sqlscore.refresh(con, mapping=mapping, keep_history=job.keep_history, progress=stop)
        return dict(report.to_dict())

    return [Step("refresh", mapping, partial(refresh, mapping)) for mapping in mappings]


def publishing_steps(con: duckdb.DuckDBPyConnection, job: Job, mappings: list[str]) -> list[Step]:
    """The steps that publish the tables, one for each place, so that one can fail alone."""

    def publish(to: str, mapping: str) -> dict[str, Any]:
        return dict(sqlscore.publish(con, to=to, tables=job.tables, mapping=mapping).to_dict())

    steps = []
    for place in job.publish:
        for mapping in mappings:
            to = place.replace(_MAPPING, mapping)
            name = target_name(to) if len(mappings) == 1 or _MAPPING in place else f"{target_name(to)} ({mapping})"
            steps.append(Step("publish", name, partial(publish, to, mapping), secrets_of(to)))
    return steps


def reporting_steps(con: duckdb.DuckDBPyConnection, job: Job, mappings: list[str]) -> list[Step]:
    """The steps that write the pages about the scores."""

    def write(path: str, mapping: str) -> dict[str, Any]:
        return {"bytes": sqlscore.report(con, path, mapping=mapping).stat().st_size}

    pages = [(place.replace(_MAPPING, mapping), mapping) for place in job.reports for mapping in mappings]
    return [Step("report", path, partial(write, path, mapping)) for path, mapping in pages]


def policy_step(con: duckdb.DuckDBPyConnection, mapping: str) -> Step:
    """The step that decides whether to train again; the `reason` in its result is None if not."""
    return Step("policy", mapping, lambda: {"reason": reason_to_retrain(con, mapping=mapping)})


def training_step(con: duckdb.DuckDBPyConnection, mapping: str, reason: str, stop: Stop) -> Step:
    """The step that trains again, for the reason given."""
    return Step("retrain", mapping, lambda: retrain(con, mapping=mapping, reason=reason, progress=stop))


def _dbt(con: duckdb.DuckDBPyConnection, mappings: list[str], folder: Path) -> dict[str, Any]:
    """Build, and say what the guards say of the events then. Raises GuardError if they are why the build failed."""
    need = "--dbt needs dbt with its DuckDB adapter"
    runner = optional("dbt.cli.main", need, extra="dbt", error=ServingError).dbtRunner()
    profiles = ["--profiles-dir", str(folder)] if (folder / "profiles.yml").exists() else []
    done = runner.invoke(["--quiet", "--no-use-colors", "build", "--project-dir", str(folder), *profiles])
    nodes = list(getattr(done.result, "results", None) or ())
    if not done.success:
        failed = [f"{node.node.name}: {node.message}" for node in nodes if str(node.status) in ("error", "fail")]
        for mapping in mappings if failed else ():
            judge_build(con, mapping=mapping)
        raise ServingError(f"dbt build in {folder} failed: {'; '.join(failed) or done.exception or 'see its log'}")
    judged = {mapping: asdict(judge_build(con, accept=True, mapping=mapping)) for mapping in mappings}
    result: dict[str, Any] = {"nodes": len(nodes), "judged": judged}
    for key in ("warnings", "notes"):
        result[key] = [f"{mapping}: {what}" for mapping, said in judged.items() for what in said[key]]
    return result
