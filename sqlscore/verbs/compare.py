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
from sqlscore.events.mapping import DEFAULT_MAPPING
from sqlscore.experiments.request import HIGHER_IS_BETTER, arena_for, check, churn_notes, names_of, stored
from sqlscore.verbs.models import make_champion
from sqlscore.verbs.objections import objection
from sqlscore.verbs.train import settings_of

if TYPE_CHECKING:
    from sqlscore.experiments.arena import Arena
    from sqlscore.experiments.contenders import Contender
    from sqlscore.progress import Progress


@dataclass(frozen=True)
class Comparison:
    """What a comparison found. rows: dicts with the columns of the table `leaderboard`, best first.

    best_by_validation: the model that does best on the validation part, which alone may choose a champion; the name of
    its architecture where it is not registered. promoted: whether it was made champion. champion: which model is now.
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
    seed: int = 0,
    progress: Progress | None = None,
    **options: Any,
) -> Comparison:
    """Train several architectures, or take registered models, and judge all at the same test examples.

    architectures: None trains all, `gbm` where LightGBM is installed, and nothing beside `models` (`name@version`).
    seeds: how often each is trained; figures are means. metric: what ranks: `log_loss`, `accuracy`, or `auc` of churn.
    register: keep the trained models, of each architecture the seed that does best on the validation part.
    promote_best: make the model that does best on the validation part champion; the test part chooses nothing.
    options: fields of training.TrainingOptions, the same for all.

    The rows stand in the mapping's table `leaderboard` too, in place of the last comparison's.

    Raises TrainingError for what cannot be trained or compared, before anything is trained, ModelError for an unknown
    model, MappingError where nothing is mapped.

    >>> sqlscore.compare(con, architectures=["gru", "gbm"]).ties
    ('gru', 'gbm')
    """
    from sqlscore.experiments.contenders import Contender, taken, trained  # torch
    from sqlscore.experiments.judging import judge_baselines
    from sqlscore.experiments.standings import figures
    from sqlscore.progress import Silent

    where, bar = mapped(con, mapping), progress or Silent()
    notes: list[str] = []
    settings = settings_of("gru", horizon, lookback, seed, options)
    check(metric, seeds, promote_best and not register)
    names = names_of(architectures, models, notes)
    artifacts = [stored(con, model, mapping) for model in models]
    with recorded(con, "compare", mapping) as details:
        arena, reason = arena_for(con, where, settings, artifacts, bar)
        notes += churn_notes(arena, reason, artifacts, metric) if settings.churn or metric == "auc" else []
        found = [taken(arena, artifact, metric == "auc", bar) for artifact in artifacts]
        for name in names:
            asked = replace(settings, architecture=name)
            found.append(trained(arena, reason, asked, range(seed, seed + seeds), metric == "auc", register, bar))
        rows = figures(arena, [*(c.entry for c in found), *(entries := judge_baselines(arena))], metric, seed)
        if register:
            found = _registered(con, found, mapping)
        best = _best_by_validation(found)
        promoted = False
        if promote_best and best is not None and best.label is not None:
            info = find_model(con, best.label)
            against = objection(con, info, (metric,))
            if against is None:
                make_champion(con, info, "compare", f"It did best by {metric} on the validation part.")
                promoted = True
            else:
                notes.append(f"{best.label} is not promoted: {against}; promote it with force (--force) all the same")
        found += [Contender(entry, "baseline") for entry in entries]
        made = now()
        table = _ranked([_row(arena, c, row, metric, made) for c, row in zip(found, rows, strict=True)], metric)
        with transaction(con):
            write_leaderboard(con, where.schema, table)
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


def _registered(con: duckdb.DuckDBPyConnection, found: Sequence[Contender], mapping: str) -> list[Contender]:
    """The same, with labels. The best by validation comes first: without a champion so far it becomes that."""
    labels = {
        id(contender): register_model(
            con, contender.artifact, name=mapping, mapping=mapping, champion=False, verb="train"
        ).label
        for contender in sorted(found, key=_validation)
        if contender.artifact is not None
    }
    return [replace(contender, label=labels.get(id(contender), contender.label)) for contender in found]


def _best_by_validation(found: Sequence[Contender]) -> Contender | None:
    able = [contender for contender in found if contender.kind == "model" and contender.validation_loss is not None]
    return min(able, key=_validation, default=None)


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
    column = "churn_auc" if metric == "auc" else metric
    sign = -1 if HIGHER_IS_BETTER[metric] else 1
    return sorted(rows, key=lambda row: (row["rank"] is None, row["rank"] or 0, sign * (row[column] or 0.0)))
