"""The verbs that make and judge models."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import duckdb

from sqlscore.database.catalog import catalog, mapped
from sqlscore.database.lacking import lacking_heads
from sqlscore.database.model_names import check_name
from sqlscore.database.registry import ModelInfo, model_of, register
from sqlscore.database.transactions import on_own_connection, recorded
from sqlscore.errors import ModelError, TrainingError
from sqlscore.events.mapping import DEFAULT_MAPPING
from sqlscore.mapping.roles import check_readable
from sqlscore.scoring.manifest import read_manifest
from sqlscore.scoring.notes import TrainingNotes
from sqlscore.times import to_seconds
from sqlscore.verbs.finetune import evaluate_head
from sqlscore.verbs.found_columns import map_found, with_found_columns
from sqlscore.verbs.horizons import spans_of
from sqlscore.verbs.leaks import leaking_columns, refuse_leaks
from sqlscore.verbs.track import check_tracking, track_or_warn

if TYPE_CHECKING:
    from sqlscore.progress import Progress
    from sqlscore.training.options import TrainingOptions


@on_own_connection
def train(
    con: duckdb.DuckDBPyConnection,
    /,
    *,
    mapping: str = DEFAULT_MAPPING,
    name: str | None = None,
    architecture: str = "gru",
    horizon: str | float | timedelta | None = None,
    horizons: str | Sequence[str | float | timedelta] | None = None,
    lookback: str | float | timedelta | None = None,
    seed: int = 0,
    promote: bool = True,
    track: str | bool | None = None,
    features: str | None = None,
    force: bool = False,
    allow_leak: Sequence[str] = (),
    progress: Progress | None = None,
    **options: Any,
) -> ModelInfo:
    """Train a model on the mapped events and register it as the next version of `name` (default: the mapping's).

    Args:
        con: A connection that `connect` made.
        mapping: The name of the mapping.
        name: The name of the model.
        architecture: What to train, see docs/cli.md.
        horizon: How far ahead churn looks: seconds, a timedelta or text such as "14 days". None chooses one that the
            data supports, or trains without a churn head and says why in `notes`.
        horizons: Several, for `churn_risk(e, horizon := ...)`: a list, or text such as "7 days,30 days". The longest is
            what `churn_risk(e)` speaks of.
        lookback: A user counts for churn if seen within it; by default as long as the horizon that training chose.
        seed: The same seed and data give the same model.
        promote: Whether to make the model the champion.
        track: Log the run to MLflow, as `sqlscore.track(to=...)` does; if the store fails, that is a warning.
        features: "auto" tries the columns that are not mapped and have no remark in `map_events(...).candidates`, in
            short trainings that are judged on the validation part, and maps those that gain; what each gained stands
            in `notes["search"]["columns"]`. At most 12 columns are tried, in at most 26 trainings of 200,000 events
            in all epochs.
        force: Let `features="auto"` map columns although score tables of the old mapping are dropped.
        allow_leak: Rules of the linter (docs/linting.md) that the mapped view may break, which `notes["allowed_leaks"]`
            then says.
        progress: Receives the stages of the work.
        **options: Fields of training.TrainingOptions.

    Returns the registered version, with its metrics on the test split. If training fails, nothing is registered.

    Raises MappingError if nothing is mapped, TrainingError if the data cannot support what was asked for, or if the
    mapped events are a view that shows models what came after an event.

    Examples:
        >>> sqlscore.train(con, horizon="30 days").label
        'events@1'
    """
    from sqlscore.models.loading import resolve_device  # torch
    from sqlscore.training.fit import fit

    source = mapped(con, mapping)
    check_name(con, name or mapping, head=False)
    check_readable(con, source)
    passed = refuse_leaks(con, source, allow_leak, TrainingError)
    device = resolve_device(catalog(con).device)
    longest, shorter = spans_of(horizon, horizons)
    settings = settings_of(architecture, longest, lookback, seed, {"device": device, "horizons": shorter, **options})
    if track:
        check_tracking(track, catalog(con).path)
    with recorded(con, "fit", mapping) as details:
        leaking = leaking_columns(con, source, allow_leak) if features is not None else set()
        wanted, search = with_found_columns(con, source, features, settings, force, progress, leaking)
        passed = refuse_leaks(con, wanted, allow_leak, TrainingError) if wanted != source else passed
        trained = fit(con, wanted, settings, progress, search, passed)
        details.update(trained.report)
    map_found(con, source, wanted)
    lost = lacking_heads(con, mapping, read_manifest(trained.artifact).heads) if promote else ""
    champion = promote and not lost
    info = register(con, trained.artifact, name=name or mapping, mapping=mapping, champion=champion, verb="train")
    if lost:
        warnings.warn(
            f"{info.label} is registered, but not promoted: it has no {lost} head, which the champion has; promote it "
            "with force=True (--force) all the same",
            stacklevel=3,
        )
    if track:
        track_or_warn(con, info, track, trained.report, progress)
    return info


def settings_of(
    architecture: str,
    horizon: str | float | timedelta | None,
    lookback: str | float | timedelta | None,
    seed: int,
    options: Mapping[str, Any],
) -> TrainingOptions:
    """What training is asked for. Raises TrainingError if `options` has a name that TrainingOptions lacks."""
    from sqlscore.training.options import TrainingOptions  # torch

    known = {field.name for field in fields(TrainingOptions)}
    unknown = sorted(set(options) - known)
    if unknown:
        raise TrainingError(f"train knows no option {', '.join(unknown)}: its options are {', '.join(sorted(known))}")
    return TrainingOptions(
        architecture=architecture, horizon=to_seconds(horizon), lookback=to_seconds(lookback), seed=seed, **options
    )


@on_own_connection
def evaluate(
    con: duckdb.DuckDBPyConnection, model: str | None = None, *, mapping: str = DEFAULT_MAPPING
) -> dict[str, Any]:
    """Judge a model on its test split, the newest events, beside its baselines on the same examples.

    Of a fine-tuned head, the figures of its fine-tuning are returned: those on labels that it had not learned.

    The keys of the result are listed in docs/python.md.

    Args:
        con: A connection that `connect` made.
        model: `name@version`, a name (its newest version), or None for the champion.
        mapping: The name of the mapping.

    Raises ModelError if there is no such model, if it belongs to another mapping, if it was tuned for a label, or if
    the mapped view shows the future in a way that the training did not allow.

    Examples:
        >>> sqlscore.evaluate(con)["next_action"]["accuracy"]
    """
    from sqlscore.training.evaluation.evaluate import evaluate as judge  # torch

    source = mapped(con, mapping)
    if model is not None and catalog(con).find(model, mapping).is_head:
        return evaluate_head(con, model, mapping)
    check_readable(con, source)
    stored = model_of(con, model, mapping)
    notes = TrainingNotes.from_json(read_manifest(stored.data).notes)
    if notes.tuned_for is not None:
        label = notes.tuned_for["label"]
        raise ModelError(
            f"{stored.label} was tuned for {label}, which may have come true within the test split: evaluate {label}"
        )
    refuse_leaks(con, source, [leak["rule"] for leak in notes.allowed_leaks or []], ModelError)
    return judge(con, source, catalog(con).judged(stored.label, mapping))
