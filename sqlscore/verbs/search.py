"""The verb that looks for good options: trials on the training part, judged by the validation part, kept in a file."""

from __future__ import annotations

import hashlib
import json
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from sqlscore.database.catalog import catalog, mapped
from sqlscore.database.registry import ModelInfo, register, registered_models
from sqlscore.database.transactions import on_own_connection, recorded
from sqlscore.errors import TrainingError
from sqlscore.events.mapping import DEFAULT_MAPPING
from sqlscore.experiments.ranking import METRICS
from sqlscore.experiments.study import best_trial, finished, open_study, optuna, run_trial, trials_of
from sqlscore.mapping.roles import check_readable
from sqlscore.times import to_seconds
from sqlscore.verbs.leaks import refuse_leaks
from sqlscore.verbs.models import make_champion
from sqlscore.verbs.objections import JUDGED, objection
from sqlscore.verbs.train import settings_of

if TYPE_CHECKING:
    from optuna import Study

    from sqlscore.experiments.trials import SearchData
    from sqlscore.progress import Progress
    from sqlscore.training.learning.training import Epoch
    from sqlscore.training.options import TrainingOptions


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Args:
        study: the file with the trials.
        metric: what chose.
        value: of the winner, on the validation part.
        options: of the winner.
        trials: dicts of number, state, value, epochs, seconds and options, in order.
        model: the winner as registered, trained with `options`, with its figures on the test part.
    """

    study: str
    metric: str
    value: float
    options: dict[str, Any]
    trials: tuple[dict[str, Any], ...]
    model: ModelInfo

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        return {
            "study": self.study,
            "metric": self.metric,
            "value": self.value,
            "options": self.options,
            "trials": list(self.trials),
            "model": self.model.to_dict(),
        }


@on_own_connection
def search(
    con: duckdb.DuckDBPyConnection,
    /,
    *,
    architectures: Sequence[str] = ("gru",),
    trials: int = 20,
    metric: str = "log_loss",
    study: str | Path | None = None,
    timeout: str | float | timedelta | None = None,
    mapping: str = DEFAULT_MAPPING,
    horizon: str | float | timedelta | None = None,
    lookback: str | float | timedelta | None = None,
    name: str | None = None,
    promote_best: bool = False,
    allow_leak: Sequence[str] = (),
    seed: int = 0,
    progress: Progress | None = None,
    **options: Any,
) -> SearchResult:
    """Try options of these architectures, and register the model whose options do best on the validation part.

    The test part is used once, to judge the winner. What is searched is listed in docs/cli.md.

    Args:
        con: A connection that `connect` made.
        architectures: What to search.
        trials: How many in all, with those of earlier calls: after a kill, the same call continues.
        metric: `log_loss`, `accuracy` or `f1` (macro) of the next action, or `auc` of churn.
        study: The SQLite file that keeps the trials, by default beside the database file.
        timeout: How long after the start a trial may begin, as `horizon`; the first trial always runs.
        mapping: The name of the mapping.
        horizon: How far ahead churn looks, as `train` takes it.
        lookback: A user counts for churn if seen within it.
        name: The name of the model; by default the mapping's.
        promote_best: Make the winner champion.
        allow_leak: Rules of the linter (docs/linting.md) that the mapped view may break, as notes then say.
        seed: The same seed and trials give the same options.
        progress: Receives the stages of the work.
        **options: Fields of training.TrainingOptions; these are not searched.

    Raises TrainingError if there is nothing to search, if Optuna is not installed, or if the mapped events are a view
    that shows models what came after an event, MappingError if nothing is mapped.

    Examples:
        >>> sqlscore.search(con, architectures=["gru", "mingru"], trials=20).model.label
        'events@2'
    """
    source = mapped(con, mapping)
    check_readable(con, source)
    passed = refuse_leaks(con, source, allow_leak, TrainingError)
    _check(metric, trials)
    limit = to_seconds(timeout)
    optuna()
    from sqlscore.experiments.trials import defaults_of, options_of, search_data, searched, try_options
    from sqlscore.progress import Prefixed, Silent  # torch

    settings = settings_of("gru", horizon, lookback, seed, options)
    fixed = frozenset(options)
    space = {architecture: searched(architecture, metric, fixed) for architecture in dict.fromkeys(architectures)}
    if not space:
        raise TrainingError("nothing to search: name at least one architecture")
    path = _file(con, study)
    progress = progress or Silent()
    with recorded(con, "search", mapping) as details:
        data = search_data(con, source, settings, metric, progress)
        label = f"{mapping}/{metric}/{_fingerprint(repr(space), settings, data)}"
        opened = open_study(path, label, METRICS[metric].higher_is_better, prunes=METRICS[metric].prunes)
        began = time.monotonic()
        while (done := finished(opened)) < trials:
            if limit is not None and done and time.monotonic() - began > limit:
                break
            title = f"trial {done + 1}/{trials}"

            def judge(chosen: dict[str, Any], on_epoch: Callable[[Epoch], None], title: str = title) -> float:
                prefixed = Prefixed(progress, f"{title} {chosen['architecture']}")
                return try_options(data, options_of(settings, chosen), prefixed, on_epoch)

            run_trial(opened, space, defaults_of(settings), seed, judge)
        best = best_trial(opened)
        chosen = dict(best.user_attrs["options"])
        notes = {"metric": metric, "validation": best.value, "trial": best.number, "trials": done, "options": chosen}
        model = _winner(
            con, opened, data, options_of(settings, chosen), notes, passed, name or mapping, mapping, progress
        )
        if promote_best and not model.is_champion:
            against = objection(con, model, (metric if metric in JUDGED else "log_loss",))
            if against is None:
                model = make_champion(con, model, "search", f"It did best by {metric} on the validation part.")
            else:
                warnings.warn(f"{model.label} is not promoted: {against}", stacklevel=3)
        result = SearchResult(str(path), metric, float(best.value or 0.0), chosen, tuple(trials_of(opened)), model)
        details.update({"study": str(path), "model": model.label, **notes})
    return result


def _check(metric: str, trials: int) -> None:
    if metric not in METRICS:
        raise TrainingError(f'there is no search by "{metric}": choose one of {", ".join(METRICS)}')
    if trials < 1:
        raise TrainingError(f"trials={trials}: at least one is needed")


def _file(con: duckdb.DuckDBPyConnection, study: str | Path | None) -> Path:
    """The file that keeps the trials. Raises TrainingError if none is named for a database in memory."""
    if study is not None:
        return Path(study)
    database = catalog(con).path
    if database is None:
        raise TrainingError("a database in memory has no folder for a file of trials: name one with study=")
    return Path(f"{database}.search.db")


def _fingerprint(space: str, settings: TrainingOptions, data: SearchData) -> str:
    """Hash of everything that must be equal for trials to be comparable: otherwise the file gets another study."""
    text = json.dumps([space, asdict(settings), data.facts], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _winner(
    con: duckdb.DuckDBPyConnection,
    study: Study,
    data: SearchData,
    settings: TrainingOptions,
    notes: Mapping[str, Any],
    passed: list[dict[str, str]] | None,
    name: str,
    mapping: str,
    progress: Progress,
) -> ModelInfo:
    """Train and register the winner, unless an earlier call has registered it and it is still there."""
    from sqlscore.experiments.trials import train_winner
    from sqlscore.progress import Prefixed

    known: dict[str, Any] = study.user_attrs.get("registered", {})
    for info in registered_models(con, mapping):
        if known == {"trial": notes["trial"], "label": info.label, "sha256": info.sha256}:
            return info
    made = train_winner(data, settings, Prefixed(progress, "winner"), notes, passed)
    info = register(con, made.artifact, name=name, mapping=mapping, champion=False, verb="train")
    study.set_user_attr("registered", {"trial": notes["trial"], "label": info.label, "sha256": info.sha256})
    return info
