"""The trials of a search in an SQLite file (Optuna): opened again after a kill, and asked what to try next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlscore.errors import TrainingError
from sqlscore.extras import optional

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

    from sqlscore.experiments.trials import Among, Between
    from sqlscore.training.learning.training import Epoch

_AT_RANDOM = 8  # finished trials, before which suggestions are random
_UNPRUNED_TRIALS, _UNPRUNED_EPOCHS = 4, 2  # the first of which none is pruned

Space = Mapping[str, "Mapping[str, Among | Between]"]


def optuna() -> Any:
    """The library, with its log silenced. Raises TrainingError if it is not installed."""
    library = optional("optuna", "search needs Optuna", extra="search", error=TrainingError)
    library.logging.set_verbosity(library.logging.WARNING)
    return library


def open_study(path: Path, name: str, maximize: bool, prunes: bool) -> Study:
    """The study of this name in an SQLite file; both are created if missing.

    Trials that were under way when the process was killed are put back in the queue.
    Raises TrainingError if the file is something else or cannot be written.
    """
    from sqlalchemy.engine import URL
    from sqlalchemy.exc import SQLAlchemyError

    library = optuna()
    pruner = library.pruners.MedianPruner(_UNPRUNED_TRIALS, _UNPRUNED_EPOCHS) if prunes else library.pruners.NopPruner()
    try:
        study: Study = library.create_study(
            storage=library.storages.RDBStorage(
                URL.create("sqlite", database=str(path)).render_as_string(), engine_kwargs={"pool_pre_ping": True}
            ),
            study_name=name,
            direction="maximize" if maximize else "minimize",
            pruner=pruner,
            load_if_exists=True,
        )
    except (SQLAlchemyError, RuntimeError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise TrainingError(f"{path} cannot hold the trials ({reason}): name another file with study=") from error
    for trial in study.get_trials(deepcopy=False, states=(library.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=library.trial.TrialState.FAIL)
        study.enqueue_trial(trial.params)
    return study


def run_trial(
    study: Study,
    space: Space,
    defaults: Mapping[str, Any],
    seed: int,
    judge: Callable[[dict[str, Any], Callable[[Epoch], None]], float],
) -> None:
    """Choose options, judge them, and store what they are worth; the first trials have the defaults of training.

    A trial ends early if its epochs are worse than half of the others'. The same seed and trials so far give the same
    options, whether the search was interrupted or not.

    Args:
        study: the trials so far.
        space: the options of each architecture.
        defaults: the defaults of training.
        seed: of the choice.
        judge: (options, on_epoch) -> value.
    """
    library = optuna()
    for architecture, searched in space.items():
        chosen = {"architecture": architecture} | {name: defaults[name] for name in searched}
        study.enqueue_trial(chosen, skip_if_exists=True)
    sign = -1.0 if study.direction == library.study.StudyDirection.MAXIMIZE else 1.0
    study.sampler = library.samplers.TPESampler(n_startup_trials=_AT_RANDOM, seed=seed + finished(study))

    def objective(trial: Trial) -> float:
        options = _suggested(trial, space)
        trial.set_user_attr("options", options)

        def on_epoch(epoch: Epoch) -> None:
            trial.report(sign * epoch.next_action, epoch.number)
            if trial.should_prune():
                raise library.TrialPruned

        value = judge(options, on_epoch)
        trial.set_user_attr("diverged", value != value)
        return value

    study.optimize(objective, n_trials=1)


def finished(study: Study) -> int:
    """Trials that need not be tried again: complete, pruned, or diverged."""
    states = optuna().trial.TrialState
    return sum(
        trial.state in (states.COMPLETE, states.PRUNED) or bool(trial.user_attrs.get("diverged"))
        for trial in study.get_trials(deepcopy=False)
    )


def best_trial(study: Study) -> FrozenTrial:
    """The trial with the best value. Raises TrainingError if no trial has a value."""
    states = optuna().trial.TrialState
    if not study.get_trials(deepcopy=False, states=(states.COMPLETE,)):
        raise TrainingError("no trial came to a value: raise trials or timeout, or choose other architectures")
    return study.best_trial


def trials_of(study: Study) -> list[dict[str, Any]]:
    """Number, state, value, epochs, seconds and options of every trial that began, in order."""
    waiting = optuna().trial.TrialState.WAITING
    return [
        {
            "number": trial.number,
            "state": trial.state.name.lower(),
            "value": trial.value if trial.state.name == "COMPLETE" else None,
            "epochs": len(trial.intermediate_values),
            "seconds": round(trial.duration.total_seconds(), 1) if trial.duration else None,
            "options": trial.user_attrs.get("options", {}),
        }
        for trial in study.get_trials(deepcopy=False)
        if trial.state != waiting
    ]


def _suggested(trial: Trial, space: Space) -> dict[str, Any]:
    architecture = trial.suggest_categorical("architecture", tuple(space))
    options: dict[str, Any] = {"architecture": architecture}
    for name, choices in space[architecture].items():
        if hasattr(choices, "values"):
            options[name] = trial.suggest_categorical(name, choices.values)
        else:
            options[name] = trial.suggest_float(name, choices.low, choices.high, log=choices.log)
    return options
