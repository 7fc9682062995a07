"""`backtest` of a fine-tuned head: at each moment it is learned again from the labels that were known by then alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import duckdb

from sqlscore.arrays import Ints
from sqlscore.database.catalog import catalog
from sqlscore.database.queries import one
from sqlscore.database.transactions import now, recorded, snapshot, transaction
from sqlscore.errors import ModelError, TrainingError
from sqlscore.events.mapping import US_PER_SECOND, Mapping
from sqlscore.quoting import qualified
from sqlscore.scoring.notes import seen_until
from sqlscore.sql.objects import table
from sqlscore.times import iso, moment
from sqlscore.verbs.leaks import refuse_leaks_of_query

if TYPE_CHECKING:
    from sqlscore.experiments.label_moments import Cut
    from sqlscore.experiments.label_walk import Asked, Judged
    from sqlscore.finetuning.labels import Labels
    from sqlscore.progress import Progress
    from sqlscore.scoring.label_artifact import FinetunedModel

TABLE = "label_backtests"
"""The table of a mapping that has a row a head and moment."""


@dataclass(frozen=True)
class HeadWalk:
    """What a walk with a head is asked for; the fields are the arguments of `backtest`."""

    every: float | None = None  # seconds
    start: date | str | None = None
    end: date | str | None = None
    retrain: bool = False
    architecture: str | None = None
    include_seen: bool = False
    threads: int | None = None
    allow_leak: Sequence[str] = ()
    progress: Progress | None = None
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class HeadFound:
    """What a walk with a head showed: rows of the table, figures of all moments, sentences, and what to know."""

    periods: tuple[dict[str, Any], ...]
    summary: dict[str, Any]
    verdict: tuple[str, ...]
    warnings: tuple[str, ...]


def backtest_head(con: duckdb.DuckDBPyConnection, source: Mapping, model: str, walk: HeadWalk) -> HeadFound:
    """Learn a head at moments of the past, judge it by what came, and keep the rows in the mapping's table.

    Raises TrainingError if its labels cannot be learned from or judged at any moment, ModelError if it is an uplift, or
    if its base has learned what it would be judged by.
    """
    from sqlscore.experiments.label_bases import Retraining, read_through, unseen
    from sqlscore.experiments.label_moments import cuts_of, usable
    from sqlscore.experiments.label_verdict import summary_of, verdict_of
    from sqlscore.experiments.label_walk import judged_at

    head = catalog(con).finetuned(model, source.name)
    base = catalog(con).base_of(head)
    base = catalog(con).judged(base.name, "")
    begin = None if walk.start is None else moment(walk.start, "start", TrainingError)
    end = None if walk.end is None else moment(walk.end, "end", TrainingError)
    with recorded(con, "backtest", source.name) as details, snapshot(con) as reader:
        details["model"] = head.name
        asked = _labels_again(con, reader, source, head, walk.allow_leak)
        cuts = cuts_of(asked.labels, _known_at(asked.labels, head), walk.every, begin, end)
        honest, warnings = (cuts, []) if walk.retrain else unseen(base, cuts, begin is not None, walk.include_seen)
        chosen = usable(asked.labels, honest)
        if not chosen:
            raise TrainingError(_nothing_between(asked.labels, begin, end))
        retraining = Retraining(walk.architecture, walk.options, walk.progress) if walk.retrain else None
        through = read_through(reader, source, base, asked.labels, walk.threads, retraining)
        details["moments"] = [iso(cut.at) for cut in chosen]
        moments: list[tuple[int, Judged]] = []
        periods = []
        for cut in chosen:
            used, examples = through(cut)
            judged = judged_at(reader, source, asked, cut, examples)
            if judged is None:
                continue
            moments.append((cut.at, judged))
            trained_after = not walk.retrain and seen_until(base.manifest) > cut.at
            periods.append(_row(cut, head, used, trained_after, judged))
        if not moments:
            raise TrainingError(
                "no moment has enough labels of the head's segment that were known by then and that came"
            )
        left = len(honest) - len(moments)
        if left:
            warnings.append(
                f"{left} of {len(honest)} moments are left out: too few labels were known by then, or came after"
            )
        warnings += _of_new_classes(periods)
        with transaction(con):
            _keep(con, source, head.name, periods)
    summary = summary_of(asked.labels.kind, moments)
    return HeadFound(tuple(periods), summary, verdict_of(summary, moments), tuple(warnings))


def _labels_again(
    con: duckdb.DuckDBPyConnection,
    reader: duckdb.DuckDBPyConnection,
    source: Mapping,
    head: FinetunedModel,
    allow_leak: Sequence[str],
) -> Asked:
    """The labels of a head as its query gives them now, in order of time."""
    from sqlscore.experiments.label_walk import Asked
    from sqlscore.finetuning.labels import read_labels
    from sqlscore.finetuning.segment import condition_of, events_of, in_segment
    from sqlscore.finetuning.spend import Spend, spend_query

    kind, notes, config = head.head.kind, head.manifest.notes, head.manifest.config
    if kind == "uplift":
        raise ModelError(
            f"{head.name} is an uplift, which was judged on users that were held out by chance (sqlscore evaluate "
            "--model): a backtest is of labels"
        )
    newest = one(reader, f"SELECT epoch_us(max(event_time)) FROM {qualified(source.schema, 'events')}")
    if newest is None or newest[0] is None:
        raise TrainingError(f'the events mapped as "{source.name}" hold no usable event: there is nothing to judge')
    spend = None
    if "amount" in config:
        spend = Spend(config["amount"], round(config["horizon_seconds"] * US_PER_SECOND))
        if source.amount != spend.column:
            raise TrainingError(
                f'{head.name} learned sums of "{spend.column}", and the amount that is mapped now is '
                f'"{source.amount}": finetune again'
            )
        query = spend_query(reader, source, spend, int(newest[0]))
    else:
        query = str(notes["labels"]).strip().rstrip(";")
        allowed = [*allow_leak, *(each["rule"] for each in notes.get("allowed_leaks", ()))]
        refuse_leaks_of_query(con, query, allowed, TrainingError, f"the query of {head.name}")
    try:
        # the order alone makes the same labels give the same folds
        ordered = f"SELECT * FROM (\n{query}\n) ORDER BY as_of, user_id"
        labels = read_labels(reader, source, ordered, kind, int(newest[0]))
    except TrainingError as error:
        raise TrainingError(f"the labels that {head.name} learned, read again: {error}") from error
    if kind == "classes" and not set(labels.values) & set(head.head.values):
        raise TrainingError(
            f"the labels that {head.name} learned, read again, are {', '.join(labels.values[:5])}, and it learned "
            f"{', '.join(head.head.values[:5])}: finetune again"
        )
    where = notes.get("segment", {}).get("where")
    segment = None
    if where is not None:
        condition = condition_of(con, source, where)
        refuse_leaks_of_query(con, events_of(source, condition), allow_leak, TrainingError, "the condition where")
        segment = in_segment(reader, source, condition)
    return Asked(labels, segment, spend, int(config["seed"]))


def _known_at(labels: Labels, head: FinetunedModel) -> Ints:
    """When each label was known. Raises TrainingError if they do not say it: windows could reach past a moment."""
    if labels.known_at is None:
        raise TrainingError(
            f"the labels of {head.name} do not say when they were known, so what was known at a moment of the past "
            "cannot be told: finetune again with a column known_at, for example as_of + INTERVAL 14 DAY AS known_at"
        )
    return labels.known_at


def _row(cut: Cut, head: FinetunedModel, base: str, trained_after: bool, judged: Judged) -> dict[str, Any]:
    return {
        "as_of": iso(cut.at),
        "label": head.name.rpartition("@")[0],
        "model": head.name,
        "kind": head.head.kind,
        "base": base,
        "trained_after": trained_after,
        **judged.figures,
    }


def _nothing_between(labels: Labels, start: int | None, end: int | None) -> str:
    first, last = int(labels.as_of.min()), int(labels.as_of.max())
    return (
        f"no label is as of a moment from {iso(first if start is None else start)} to "
        f"{iso(last if end is None else end)}: the labels go from {iso(first)} to {iso(last)}"
    )


def _of_new_classes(periods: Sequence[dict[str, Any]]) -> list[str]:
    new = [period for period in periods if period["n_new_classes"]]
    count = sum(period["n_new_classes"] for period in new)
    if not count:
        return []
    return [
        f"{count:,} labels, the first as of {new[0]['as_of']}, are of a class that no label had had before: the head "
        "could not name it, and is judged by that"
    ]


def _keep(con: duckdb.DuckDBPyConnection, source: Mapping, model: str, periods: Sequence[dict[str, Any]]) -> None:
    """Replace the rows of an earlier walk with the head, in the caller's transaction."""
    con.execute(table(TABLE).for_schema(source.schema))
    whole = qualified(source.schema, TABLE)
    con.execute(f"DELETE FROM {whole} WHERE model = ?", [model])
    names = list(periods[0])
    marks = ", ".join("?" for _ in [*names, "backtested_at"])
    stamp = now()
    con.executemany(
        f"INSERT INTO {whole} ({', '.join([*names, 'backtested_at'])}) VALUES ({marks})",
        [[*period.values(), stamp] for period in periods],
    )
