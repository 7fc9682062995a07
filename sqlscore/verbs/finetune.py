"""The verb `finetune`: a head for a label that SQL expresses, or for an uplift, on a model that stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb

from sqlscore.database.catalog import catalog, mapped
from sqlscore.database.model_names import base_name, check_name
from sqlscore.database.queries import one
from sqlscore.database.registry import ModelInfo, register, register_with_base
from sqlscore.database.transactions import on_own_connection, recorded, snapshot
from sqlscore.errors import ModelError, TrainingError
from sqlscore.events.mapping import DEFAULT_MAPPING
from sqlscore.mapping.roles import check_readable
from sqlscore.quoting import qualified
from sqlscore.scoring.manifest import judged_part
from sqlscore.times import to_seconds
from sqlscore.verbs.leaks import refuse_leaks, refuse_leaks_of_query

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from sqlscore.events.mapping import Mapping
    from sqlscore.finetuning.fit import Asked
    from sqlscore.finetuning.labels import Labels
    from sqlscore.finetuning.tuning import Tuner
    from sqlscore.scoring.artifact import Artifact
    from sqlscore.scoring.label_head import Kind


@on_own_connection
def finetune(
    con: duckdb.DuckDBPyConnection,
    labels: str | None = None,
    /,
    *,
    name: str | None = None,
    uplift: str | None = None,
    amount: bool = False,
    horizon: str | float | timedelta | None = None,
    base: str | None = None,
    task: Kind | None = None,
    where: str | None = None,
    tune: bool = False,
    allow_leak: Sequence[str] = (),
    mapping: str = DEFAULT_MAPPING,
    seed: int = 0,
    threads: int | None = None,
) -> ModelInfo:
    """Learn a head for a label that SQL expresses, or for what an intervention does, as the next version of `name`.

    The encoder of the base model stays as it is, unless `tune` asks otherwise. For each label, only the user's events
    up to its `as_of` are read. The head is judged on the newest moments, and on users that it did not learn, beside the
    mean of all labels, the user's last label, logistic regression and LightGBM (if installed) on counts and recency;
    then it learns all labels. In SQL, `propensity(e, name)`, `expected_value(e, name)` and `value_quantiles(e, name)`
    use it.

    With `amount`, the labels are made from the amount that was mapped (`map_events(amount=...)`): what each user spends
    within the horizon after several moments, less what is refunded. Beside the other baselines stands BG/NBD with
    gamma-gamma, which reads purchases alone.

    Of an intervention, the users are learned whom chance treated or held out (`assign`), by intention to treat, with
    the events up to their assignment. A third of them judges the head beside one uplift for everybody. In SQL,
    `uplift(e, name)` uses it.

    Args:
        con: A connection that `connect` made.
        labels: A SELECT with the columns `user_id`, `as_of` (when it is to be predicted) and `label` (what came true
            after that): true or false, text for classes, a whole number from 0 on for a count, any number from 0 on for
            an amount. `known_at`, if it is there, is when the label was known, for example as_of and the length of its
            window: labels that were not known before the newest ones begin are then not learned to judge these.
        name: What the functions call it; by default "spend" of an amount, and the intervention's name of an uplift.
        uplift: Instead of labels, an intervention in `sqlscore.interventions`.
        amount: Instead of labels, whether to learn what users will spend.
        horizon: Over which spend is summed: seconds, a timedelta or text such as "90 days". None takes the horizon of
            the base model's churn risk.
        base: The model whose encoder is used, `name@version`; None is the champion.
        task: yes_no, classes, count or amount; None infers it from the column.
        where: A condition on columns of the mapped events, such as "country = 'FR'" or "user_id IN (1, 2)": the head is
            for users of whom an event up to a label's moment meets it. One learned from their labels alone is kept if
            it is better for held-out users of theirs, beyond noise; else the head is that of all users. Both are
            judged on these users; `notes["segment"]` has the comparison, and the verdict says it.
        tune: Whether to train a copy of the base's encoder on for the label, a few epochs at a small rate. It is kept
            if the head on it is better for users that neither learned, beyond noise, and registered with the head as
            the next version of `name` with "_base" behind it, a base that is never champion; else the head is that on
            the base as it is. `notes["tuning"]` has the comparison and the cost, and the verdict says it.
        allow_leak: Rules of the linter whose findings in `labels` and `where` pass.
        mapping: The name of the mapping.
        seed: The same seed, data and base give the same head.
        threads: How many threads encode; by default one per core.

    Returns the registered head: `metrics["label"]` or `metrics["uplift"]` has its figures, `metrics["verdict"]` says
    them in words.

    Raises TrainingError if the labels or the intervention cannot be learned from, if the linter finds that labels rest
    on what their rows could not know, or if a base that counts is to be tuned; ModelError if there is no such base, or
    if a model has that name.

    Examples:
        >>> sqlscore.finetune(con, "SELECT user_id, as_of, label FROM returns", name="returns_30d").label
        'returns_30d@1'
    """
    from sqlscore.finetuning.fit import Asked, fit_head  # scikit-learn
    from sqlscore.finetuning.labels import read_labels
    from sqlscore.finetuning.segment import condition_of, events_of, in_segment
    from sqlscore.finetuning.spend import NAME as SPEND
    from sqlscore.finetuning.spend import spend_of, spend_query
    from sqlscore.finetuning.trials import read_trial
    from sqlscore.finetuning.uplift import fit_uplift

    _check_asked(labels, uplift, amount, task, where, horizon)
    _check_tune(tune, uplift, where)
    name = name or uplift or (SPEND if amount else None)
    if name is None:
        raise TrainingError("pass name: what propensity(e, name) is to call the label")
    source = mapped(con, mapping)
    check_name(con, name, head=True)
    if tune:
        check_name(con, base_name(name), head=False, base=True)
    check_readable(con, source)
    stored = catalog(con).find(base, mapping)
    artifact, judged = catalog(con).artifact(stored.label, mapping), catalog(con).judged(stored.label, mapping)
    spend = spend_of(source, to_seconds(horizon), artifact.manifest.horizon_seconds) if amount else None
    passed = refuse_leaks(con, source, allow_leak, TrainingError) or []
    if labels is not None:
        passed = [*passed, *refuse_leaks_of_query(con, labels, allow_leak, TrainingError)]
    condition = None if where is None else condition_of(con, source, where)
    if condition is not None:
        of_segment = events_of(source, condition)
        passed = [*passed, *refuse_leaks_of_query(con, of_segment, allow_leak, TrainingError, "the condition where")]
    with recorded(con, "finetune", mapping) as details, snapshot(con) as reader:
        until = _newest(reader, source)
        if spend is not None:
            labels, task = spend_query(reader, source, spend, until), "amount"
        if labels is not None:
            found = read_labels(reader, source, labels, task, until)
            segment = None if condition is None else in_segment(reader, source, condition)
            asked = Asked(labels, seed, threads, tuple(passed), where, segment, spend)
            models = artifact, judged
            tuner = _tuner(reader, source, models, stored.data, found, asked, name, until) if tune else None
            made = fit_head(reader, source, artifact, judged, found, asked, tuner)
            details["labels"] = len(found)
        elif uplift is not None:
            trial = read_trial(reader, source, uplift, until)
            made = fit_uplift(reader, source, artifact, judged, trial, seed=seed, threads=threads, allowed=passed)
            details["users"] = len(trial)
    if made.base is not None:
        return register_with_base(con, made.artifact, made.base, name=name, mapping=mapping, verb="finetune")
    return register(con, made.artifact(), name=name, mapping=mapping, champion=False, verb="finetune")


def _newest(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> int:
    """µs of the newest event. Raises TrainingError if there is none."""
    newest = one(con, f"SELECT epoch_us(max(event_time)) FROM {qualified(mapping.schema, 'events')}")
    if newest is None or newest[0] is None:
        raise TrainingError(
            f'the events mapped as "{mapping.name}" hold no usable event: there is nothing to learn from'
        )
    return int(newest[0])


def _tuner(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    models: tuple[Artifact, Artifact],
    data: bytes,
    labels: Labels,
    asked: Asked,
    name: str,
    newest: int,
) -> Tuner:
    """What tunes the encoder of a base.

    Args:
        con: The connection that has the labels' table.
        mapping: The events.
        models: The base, and as it was judged.
        data: Its artifact.
        labels: The labels.
        asked: What the head is to be.
        name: What it is called.
        newest: µs, the newest event.

    Raises TrainingError if it has no encoder.
    """
    from sqlscore.finetuning.tuning import Base, Tuner  # torch
    from sqlscore.training.tuning import require_tunable

    base, judged = models
    require_tunable(data, base.name)
    both = Base(data, base), Base(judged_part(data) or data, judged)
    return Tuner(con, mapping, labels, *both, base_name(name), name, newest, asked.seed, asked.threads)


def _check_asked(
    labels: str | None, uplift: str | None, amount: bool, task: str | None, where: str | None, horizon: object
) -> None:
    """Raise TrainingError unless one thing is asked for, with options that it has."""
    if (labels is not None) + (uplift is not None) + amount != 1:
        raise TrainingError(
            "pass one of labels, a SELECT, uplift, the name of an intervention, or amount=True, for the mapped amount"
        )
    if uplift is not None and task is not None:
        raise TrainingError(f"task {task!r} is for labels: an uplift is of staying, which is yes or no")
    if uplift is not None and where is not None:
        raise TrainingError("where is for labels: an uplift is learned of all users whom chance assigned")
    if amount and task is not None:
        raise TrainingError(f"task {task!r} is for labels of your own: what users spend is an amount")
    if horizon is not None and not amount:
        raise TrainingError("horizon is for amount=True (--amount): labels of your own say it in their query")


def _check_tune(tune: bool, uplift: str | None, where: str | None) -> None:
    if tune and (uplift is not None or where is not None):
        raise TrainingError(
            f"tune is for labels of all users: leave out {'uplift' if where is None else 'where'}, or tune (--tune)"
        )


def evaluate_head(con: duckdb.DuckDBPyConnection, model: str, mapping: str) -> dict[str, Any]:
    """The figures of a head, on labels that it had not learned when it was judged.

    Raises ModelError if it is of another mapping.
    """
    head = catalog(con).finetuned(model, mapping)
    if not head.manifest.metrics:
        raise ModelError(f"{head.name} has no figures: finetune it again")
    figures, caveat = head.manifest.metrics, head.manifest.notes.get("no_known_at")
    if caveat is not None:  # it holds of the figures, so it stands with them
        figures = {**figures, "verdict": [*figures["verdict"], f"{caveat[:1].upper()}{caveat[1:]}."]}
    return {"model": head.name, "kind": head.head.kind, **figures}
