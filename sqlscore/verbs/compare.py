"""The verb that puts several models on one leaderboard: same events, same split, same test examples."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb

from sqlscore.database.catalog import catalog, mapped
from sqlscore.database.leaderboard import LEADERBOARD_COLUMNS, write_leaderboard
from sqlscore.database.registry import find_model
from sqlscore.database.registry import register as register_model
from sqlscore.database.transactions import now, on_own_connection, recorded, transaction
from sqlscore.errors import TrainingError
from sqlscore.events.mapping import DEFAULT_MAPPING
from sqlscore.experiments.ranking import METRICS, RANKED
from sqlscore.experiments.request import arena_for, check, churn_notes, names_of, registered
from sqlscore.mapping.roles import check_readable
from sqlscore.verbs.leaks import refuse_leaks
from sqlscore.verbs.models import make_champion
from sqlscore.verbs.objections import objection
from sqlscore.verbs.train import settings_of

if TYPE_CHECKING:
    from sqlscore.experiments.arena import Arena
    from sqlscore.experiments.contenders import Contender
    from sqlscore.progress import Progress


@dataclass(frozen=True)
class Comparison:
    """What a comparison found.

    Args:
        mapping: the mapping that was compared.
        metric: what ranks.
        compared_at: when.
        rows: dicts with the columns of the table `leaderboard`, best first.
        notes: what to know about the figures.
        best_by_validation: the model that does best on the validation part, which alone may choose a champion; if it
            is not registered, the name of its architecture.
        promoted: whether it was made champion.
        champion: the champion now.
    """

    mapping: str
    metric: str
    compared_at: datetime
    rows: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]
    best_by_validation: str | None
    promoted: bool
    champion: str | None

    @property
    def ties(self) -> tuple[str, ...]:
        """The contenders that share the first rank, the one with the best figure first."""
        return tuple(row["contender"] for row in self.rows if row["tie_with_best"])

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        return {
            "mapping": self.mapping,
            "metric": self.metric,
            "compared_at": self.compared_at.isoformat(),
            "ties": list(self.ties),
            "best_by_validation": self.best_by_validation,
            "promoted": self.promoted,
            "champion": self.champion,
            "notes": list(self.notes),
            "rows": [row | {"compared_at": self.compared_at.isoformat()} for row in self.rows],
        }


@on_own_connection
def compare(
    con: duckdb.DuckDBPyConnection,
    /,
    *,
    architectures: Sequence[str] | None = None,
    models: Sequence[str] = (),
    seeds: int = 1,
    mapping: str = DEFAULT_MAPPING,
    horizon: str | float | timedelta | None = None,
    lookback: str | float | timedelta | None = None,
    metric: str = "log_loss",
    register: bool = True,
    promote_best: bool = False,
    allow_leak: Sequence[str] = (),
    seed: int = 0,
    progress: Progress | None = None,
    **options: Any,
) -> Comparison:
    """Train several architectures, or take registered models, and judge all at the same test examples.

    The rows replace those of the last comparison in the mapping's table `leaderboard`.

    Args:
        con: A connection that `connect` made.
        architectures: What to train. None trains all, `gbm` only if LightGBM is installed; with `models` it trains
            nothing.
        models: Registered models to judge, each as `name@version`.
        seeds: How often each architecture is trained; figures are means, and the rows hold the least and the most.
        mapping: The name of the mapping.
        horizon: How far ahead churn looks, as `train` takes it; by default that of the models.
        lookback: A user counts for churn if seen within it.
        metric: What ranks: `log_loss`, `accuracy`, or `auc` of churn.
        register: Keep the trained models, of each architecture the seed that does best on the validation part.
        promote_best: Make the model that does best on the validation part champion; the test part chooses nothing.
        allow_leak: Rules of the linter (docs/linting.md) that the mapped view may break, as notes then say.
        seed: The first seed.
        progress: Receives the stages of the work.
        **options: Fields of training.TrainingOptions, the same for all architectures.

    Raises TrainingError, before anything is trained, if something cannot be trained or compared, ModelError if a model
    is unknown, MappingError if nothing is mapped.

    Examples:
        >>> sqlscore.compare(con, architectures=["gru", "gbm"]).ties
        ('gru', 'gbm')
    """
    from sqlscore.experiments.contenders import Contender, judge_registered, train_contender  # torch
    from sqlscore.experiments.judging import judge_baselines
    from sqlscore.experiments.standings import figures
    from sqlscore.progress import Silent

    source = mapped(con, mapping)
    check_readable(con, source)
    passed = refuse_leaks(con, source, allow_leak, TrainingError)
    progress = progress or Silent()
    notes: list[str] = []
    settings = settings_of("gru", horizon, lookback, seed, options)
    check(metric, seeds, promote_best and not register)
    names = names_of(architectures, models, notes)
    artifacts = [registered(con, model, mapping) for model in models]
    with recorded(con, "compare", mapping) as details:
        arena, reason = arena_for(con, source, settings, artifacts, progress)
        notes += churn_notes(arena, reason, artifacts, metric) if settings.churn or metric == "auc" else []
        by_churn, every_seed = metric == "auc", range(seed, seed + seeds)
        contenders = [judge_registered(arena, artifact, by_churn, progress) for artifact in artifacts]
        for name in names:
            asked = replace(settings, architecture=name)
            contenders.append(train_contender(arena, reason, asked, every_seed, by_churn, register, progress, passed))
        rows = figures(arena, [*(c.entry for c in contenders), *(entries := judge_baselines(arena))], metric, seed)
        if register:
            contenders = _registered(con, contenders, mapping)
        best = _best_by_validation(contenders)
        promoted = False
        if promote_best and best is not None and best.label is not None:
            info = find_model(con, best.label)
            against = objection(con, info, (metric,))
            if against is None:
                make_champion(con, info, "compare", f"It did best by {metric} on the validation part.")
                promoted = True
            else:
                notes.append(f"{best.label} is not promoted: {against}; promote it with force (--force) all the same")
        contenders += [Contender(entry, "baseline") for entry in entries]
        made = now()
        table = _ranked([_row(arena, c, row, metric, made) for c, row in zip(contenders, rows, strict=True)], metric)
        with transaction(con):
            write_leaderboard(con, source.schema, table)
        result = Comparison(
            mapping,
            metric,
            made,
            tuple(table),
            tuple(notes),
            (best.label or best.architecture) if best else None,
            promoted,
            catalog(con).snapshot.aliases.get((mapping, "champion")),
        )
        details.update(result.to_dict())
    for note in notes:
        warnings.warn(note, stacklevel=3)
    return result


def _registered(con: duckdb.DuckDBPyConnection, contenders: Sequence[Contender], mapping: str) -> list[Contender]:
    """Register the trained models, and return all contenders with their labels.

    The best by validation is registered first: if there is no champion yet, it becomes champion.
    """
    labels = {
        id(contender): register_model(
            con, contender.artifact, name=mapping, mapping=mapping, champion=False, verb="train"
        ).label
        for contender in sorted(contenders, key=_validation)
        if contender.artifact is not None
    }
    return [replace(contender, label=labels.get(id(contender), contender.label)) for contender in contenders]


def _best_by_validation(contenders: Sequence[Contender]) -> Contender | None:
    models = [each for each in contenders if each.kind == "model" and each.validation_loss is not None]
    return min(models, key=_validation, default=None)


def _validation(contender: Contender) -> float:
    return float("inf") if contender.validation_loss is None else contender.validation_loss


def _row(arena: Arena, contender: Contender, figures: dict[str, Any], metric: str, made: datetime) -> dict[str, Any]:
    """A row with the columns of the table."""
    row = figures | {
        "compared_at": made,
        "contender": contender.entry.name,
        "kind": contender.kind,
        "model": contender.label,
        "architecture": contender.architecture,
        "seeds": None if contender.kind == "baseline" else len(contender.entry.judged),
        "metric": metric,
        "validation_loss": contender.validation_loss,
        "training_seconds": contender.training_seconds,
        "parameters": contender.parameters,
        "scoring_events_per_second": contender.events_per_second,
        "n_test": len(arena.at),
        "n_test_users": arena.n_users,
        "n_churn": 0 if arena.churn is None else len(arena.churn),
    }
    return {name: row[name] for name in LEADERBOARD_COLUMNS}


def _ranked(rows: list[dict[str, Any]], metric: str) -> list[dict[str, Any]]:
    """Best first; those without the figure last."""
    column, sign = RANKED[metric], METRICS[metric].sign
    return sorted(rows, key=lambda row: (row["rank"] is None, row["rank"] or 0, sign * (row[column] or 0.0)))
