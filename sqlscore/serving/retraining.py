"""What the policy looks at, and the training that follows from it."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb

from sqlscore.database.catalog import catalog, mapped
from sqlscore.database.lacking import lacking_heads
from sqlscore.database.policy import Policy, read_policy
from sqlscore.database.queries import one
from sqlscore.database.registry import ModelInfo, find_model, heads_on, registered_models
from sqlscore.database.transactions import now, on_own_connection, recorded
from sqlscore.quoting import qualified
from sqlscore.scoring.catalog import UNTRAINED
from sqlscore.scoring.manifest import Manifest, read_manifest
from sqlscore.scoring.notes import TrainingNotes
from sqlscore.serving.policy import Facts, is_worse, why_retrain
from sqlscore.verbs.models import drop_model, make_champion

if TYPE_CHECKING:
    from sqlscore.progress import Progress

RETRAIN_VERB = "retrain"
"""The verb of trainings by the policy in `sqlscore.runs`."""

_WINDOWS = ("sqlscore_drift_reference", "sqlscore_drift_current")


@on_own_connection
def reason_to_retrain(con: duckdb.DuckDBPyConnection, *, mapping: str) -> str | None:
    """Why the policy wants the champion of a mapping trained again; None if it does not."""
    policy = read_policy(con, mapping)
    if policy.retrain_after_days is None and policy.retrain_drift_psi is None:
        return None
    return why_retrain(policy, look(con, mapping, policy))


def look(con: duckdb.DuckDBPyConnection, mapping: str, policy: Policy) -> Facts:
    """The facts for a mapping with a champion; drift is measured only if the policy asks for it."""
    source, champion = mapped(con, mapping), find_model(con, None, mapping)
    attempt = one(
        con, "SELECT max(started_at) FROM sqlscore.runs WHERE verb = ? AND mapping = ?", [RETRAIN_VERB, mapping]
    ) or (None,)
    high_water = one(con, f"SELECT high_water FROM {qualified(source.schema, 'high_water')}") or (None,)
    learned = _learned_to(_manifest(con, champion, mapping))
    new_events = high_water[0] is not None and (learned is None or high_water[0] > learned)
    psi: dict[str, float] = {}
    if policy.retrain_drift_psi is not None and new_events and learned is not None:
        psi = _drift(con, source.schema, learned, high_water[0], policy)
    return Facts(
        (now() - champion.created_at).total_seconds() / 86_400,
        None if attempt[0] is None else (now() - attempt[0]).total_seconds() / 3_600,
        new_events,
        psi,
    )


@on_own_connection
def retrain(
    con: duckdb.DuckDBPyConnection, *, mapping: str, reason: str, progress: Progress | None = None
) -> dict[str, Any]:
    """Train the champion's kind of model again on the events as they are now.

    It is promoted unless it is worse, or lacks a head that the champion has. A champion of counts, which nothing was
    trained for, gives way to it in any case.

    Both are judged on the newest events, which neither was trained on. Returns `model`, `before`, `promoted`,
    `log_loss`, `log_loss_before`, `dropped` (older retrained versions), as the row in `sqlscore.runs` has them.
    """
    from sqlscore.verbs.train import train

    policy, before = read_policy(con, mapping), find_model(con, None, mapping)
    options = training_options(_manifest(con, before, mapping))
    with recorded(con, RETRAIN_VERB, mapping) as details:
        details.update(reason=reason, before=before.label)
        made = train(con, mapping=mapping, name=before.name, promote=False, progress=progress, **options)
        loss, loss_before = _losses(con, mapping, made.label, before.label)
        lost = lacking_heads(con, mapping, made.heads)
        promoted = before.is_untrained or (not lost and not is_worse(policy, loss, loss_before))
        details.update(model=made.label, promoted=promoted, log_loss=loss, log_loss_before=loss_before)
        if promoted:
            make_champion(con, made, RETRAIN_VERB, f"{reason[:1].upper()}{reason[1:]}.")
        details["dropped"] = _drop_older(con, mapping, policy, made.label)
    return details


def training_options(manifest: Manifest) -> dict[str, Any]:
    """The options of `train` that train the same kind of model again."""
    from sqlscore.training.options import TrainingOptions

    notes = TrainingNotes.from_json(manifest.notes)
    known = {field.name for field in fields(TrainingOptions)}
    options = {name: value for name, value in notes.options.items() if name in known}
    options.setdefault("architecture", "gru" if manifest.architecture == UNTRAINED else manifest.architecture)
    periods = notes.periods or {}
    if options.get("horizon") is not None and periods.get("churn") and periods["churn"]["lookback"] is None:
        options["lookback"] = math.inf  # which JSON cannot hold: everyone ever seen
    return options


def _manifest(con: duckdb.DuckDBPyConnection, model: ModelInfo, mapping: str) -> Manifest:
    return read_manifest(catalog(con).find(model.label, mapping).data)


def _learned_to(manifest: Manifest) -> datetime | None:
    """The newest event that was there at the training, UTC without zone; None if the model does not say."""
    newest = TrainingNotes.from_json(manifest.notes).high_water
    if newest is None:
        return None
    return (datetime.fromtimestamp(0, UTC) + timedelta(microseconds=newest)).replace(tzinfo=None)


def _drift(
    con: duckdb.DuckDBPyConnection, schema: str, learned: datetime, high_water: datetime, policy: Policy
) -> dict[str, float]:
    """The population stability index by measure; a measure with too few values on either side is left out."""
    span = timedelta(days=policy.drift_days)
    for name, end in zip(_WINDOWS, (learned, high_water), strict=True):
        con.execute(
            f"""CREATE OR REPLACE TEMP TABLE {name} AS SELECT user_id, event_time, event_type
                FROM {qualified(schema, "events")} WHERE event_time > ? AND event_time <= ?""",
            [end - span, end],
        )
    rows = con.execute(
        f"SELECT measure, psi FROM {qualified(schema, 'drift')}(?, ?) WHERE least(n_reference, n_current) >= ?",
        [*_WINDOWS, policy.drift_min_events],
    ).fetchall()
    for name in _WINDOWS:
        con.execute(f"DROP TABLE {name}")
    return {measure: psi for measure, psi in rows if psi is not None}


def _losses(con: duckdb.DuckDBPyConnection, mapping: str, new: str, old: str) -> tuple[float, float]:
    """Log loss of the next action of two models on the targets that the new one was tested on."""
    from sqlscore.scoring.artifact import Artifact
    from sqlscore.training.evaluation.evaluate import evaluate

    models = catalog(con)
    judged, other = models.judged(new, mapping), models.judged(old, mapping)
    asked = TrainingNotes.from_json(judged.manifest.notes)
    notes = replace(
        TrainingNotes.from_json(other.manifest.notes), periods=asked.periods, sample=asked.sample, limits=asked.limits
    )
    manifest = replace(other.manifest, notes=notes.to_json())
    other = Artifact(old, other.sha256, manifest, other.module, other.device)
    before = evaluate(con, mapped(con, mapping), other)
    return judged.manifest.metrics["next_action"]["log_loss"], before["next_action"]["log_loss"]


def _drop_older(con: duckdb.DuckDBPyConnection, mapping: str, policy: Policy, newest: str) -> list[str]:
    """Drop all but the newest retrained versions: nobody looks at them, and they are held in memory."""
    rows = con.execute(
        "SELECT details->>'model' FROM sqlscore.runs WHERE verb = ? AND mapping = ? AND details->>'model' IS NOT NULL",
        [RETRAIN_VERB, mapping],
    ).fetchall()
    made = {newest, *(row[0] for row in rows)}
    retrained = [model for model in registered_models(con, mapping) if model.label in made]
    old = [m.label for m in retrained[policy.keep_retrained :] if not m.is_champion and not heads_on(con, m.sha256)]
    for label in old:
        drop_model(con, label)
    return old
