"""Fine-tuning from labels to an artifact: parts, a judged head, the baselines, and the head of all labels."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Ints
from sqlscore.errors import TrainingError
from sqlscore.events.mapping import Mapping
from sqlscore.finetuning.baselines import answers_of_baselines
from sqlscore.finetuning.buyers import BG_NBD, spend_by_buying
from sqlscore.finetuning.examples import Examples, examples_of
from sqlscore.finetuning.judging import judge, verdict
from sqlscore.finetuning.labels import Labels
from sqlscore.finetuning.learning import Learned, learn
from sqlscore.finetuning.parts import LEAST_PART, Parts, parts_of
from sqlscore.finetuning.segment import Comparison, compare
from sqlscore.finetuning.spend import Spend
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.label_artifact import Fitted, LabelRates, head_manifest

if TYPE_CHECKING:  # torch
    from sqlscore.finetuning.tuning import Trial, Tuner


@dataclass(frozen=True)
class Asked:
    """What a head is asked to be.

    Args:
        query: The SQL that the labels came from, for the notes.
        seed: Of the parts and folds.
        threads: How many threads encode; None: one a core.
        allowed: Leaks that were let pass, for the notes.
        where: The condition of the segment that the head is for; None: it is for all users.
        segment: (N,) which labels are of that segment.
        spend: What the labels sum up, if they were made from the mapped amount.
    """

    query: str
    seed: int = 0
    threads: int | None = None
    allowed: tuple[dict[str, str], ...] = ()
    where: str | None = None
    segment: npt.NDArray[np.bool_] | None = None
    spend: Spend | None = None


def fit_head(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    base: Artifact,
    judged_base: Artifact,
    labels: Labels,
    asked: Asked,
    tuner: Tuner | None = None,
) -> Fitted:
    """A head for these labels, with its figures.

    Args:
        con: The connection that has the labels' table.
        mapping: The events.
        base: The model whose states are read.
        judged_base: The same before it learned the newest events: what is judged reads its states.
        labels: The labels.
        asked: What the head is to be.
        tuner: Tunes a copy of the base's encoder, which is kept if it is better; None leaves the encoder as it is.
    """
    clock, seed, segment = _Clock(), asked.seed, asked.segment
    twice = judged_base.sha256 != base.sha256
    examples = examples_of(con, mapping, [base, judged_base] if twice else [base], labels, asked.threads)
    clock.note("reading")
    parts = parts_of(labels, seed)
    more = _of_spend(con, mapping, labels, parts, asked)
    clock.note("baselines")
    judged = _judged(examples, labels, parts, asked, clock, more, tuner)
    metrics, chosen, comparison, trial = judged.metrics, judged.learned, judged.comparison, judged.trial
    rows: Ints = np.arange(len(labels))
    tuned: bytes | None = None
    if tuner is not None and trial is not None and trial.head is not None and trial.is_better:
        made = tuner.final(examples.features[0], examples.plain[0], trial.head, trial.epochs)
        base, final, tuned = made.base.model, made.learned, made.base.data
        clock.note("tuning")
    else:
        if segment is not None and comparison is not None and comparison.is_better:
            rows = np.flatnonzero(segment)
        final = learn(examples.features[0], labels, rows, seed, chosen.choice, plain=examples.plain[0])
        clock.note("learning")
    notes: dict[str, Any] = {}
    if trial is not None:
        spent, size = clock.spent["tuning"], None if tuned is None else len(tuned)
        metrics["verdict"].append(trial.sentence(spent, size))
        notes["tuning"] = {**trial.to_dict(), "cpu_seconds": spent, "n_bytes": size}
    if comparison is not None:
        notes["segment"] = {"where": asked.where, **comparison.to_dict()}
    span = labels.as_of if labels.known_at is None else labels.known_at
    manifest = head_manifest(
        base,
        final.head,
        {**asdict(final.choice), "seed": seed, **({} if asked.spend is None else asked.spend.to_dict())},
        trained=(int(labels.as_of.min()), int(span.max())),
        notes={
            "labels": asked.query,
            "n_labels": len(labels),
            "base_rates": _rates(labels, rows).to_json(),
            "n_users": len(np.unique(labels.user)),
            "n_learned_to_be_judged": len(parts.learned),
            "n_between": parts.n_between,
            "moments": len(np.unique(labels.as_of)),
            "cpu_seconds": clock.spent,
            **({"allowed_leaks": list(asked.allowed)} if asked.allowed else {}),
            **notes,
            **({} if labels.known_at is not None else {"no_known_at": _NO_KNOWN_AT}),
        },
        metrics=metrics,
    )
    return Fitted(final.head, manifest, tuned)


def _rates(labels: Labels, rows: Ints) -> LabelRates:
    """What is usual among these labels, where explanations start from."""
    wanted = labels.wanted[rows]
    is_number = labels.kind in ("count", "amount")
    kinds = (wanted > 0 if is_number else wanted).astype(np.int64)
    shares = np.bincount(kinds, minlength=len(labels.values) or 2) / len(rows)
    return LabelRates(tuple(shares.tolist()), float(wanted.mean()) if is_number else None)


_NO_KNOWN_AT = (
    "the labels do not say when they were known (a column known_at), so outcomes of learned labels may reach into the "
    "moments that are judged"
)


def _of_spend(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, labels: Labels, parts: Parts, asked: Asked
) -> dict[str, npt.NDArray[np.float64]]:
    """What models of buying alone say of the labels, where these are spend."""
    if asked.spend is None:
        return {}
    told = spend_by_buying(con, mapping, asked.spend, labels, parts.learned, asked.seed)
    return {} if told is None else {BG_NBD: told}


class _Clock:
    """Processor seconds of this process by what they were spent on."""

    def __init__(self) -> None:
        """Begin now."""
        self.spent: dict[str, float] = {}
        self._since = time.process_time()

    def note(self, what: str) -> None:
        """All since the last note was spent on this."""
        now = time.process_time()
        self.spent[what] = round(self.spent.get(what, 0.0) + now - self._since, 3)
        self._since = now


@dataclass(frozen=True)
class _Judgement:
    """The figures, what was learned to be judged, and how a segment's own head, or a tuned encoder, compares."""

    metrics: dict[str, Any]
    learned: Learned
    comparison: Comparison | None = None
    trial: Trial | None = None


def _judged(
    examples: Examples,
    labels: Labels,
    parts: Parts,
    asked: Asked,
    clock: _Clock,
    more: dict[str, npt.NDArray[np.float64]],
    tuner: Tuner | None,
) -> _Judgement:
    """Learn without what judges, and judge. `more` are answers of all labels by baselines besides the usual ones."""
    features, plain, seed = examples.features[-1], examples.plain[-1], asked.seed
    learned, comparison, trial = learn(features, labels, parts.learned, seed, plain=plain), None, None
    peers: dict[str, npt.NDArray[np.float64]] = {}
    judged = parts
    if asked.segment is not None:
        judged = parts.within(asked.segment)
        if len(judged.learned) < LEAST_PART:
            raise TrainingError(
                f"only {len(judged.learned)} labels of the segment are left to learn from where the others judge: at "
                f"least {LEAST_PART} are needed; add users or moments"
            )
        own = learn(features, labels, judged.learned, seed, plain=plain)
        rows = np.union1d(judged.later, judged.other_users)
        comparison = compare(labels, rows, learned.head.answers(features), own.head.answers(features))
        kept, other, name = (own, learned, "all_users") if comparison.is_better else (learned, own, "segment_alone")
        learned, peers[name] = kept, other.head.answers(features)
    clock.note("learning")
    if tuner is not None:
        trial = tuner.attempt(features, plain, parts.learned, parts.other_users, learned)
        clock.note("tuning")
        if trial.is_better and trial.head is not None:
            peers["encoder_as_it_was"] = learned.head.answers(features)
            learned, features = trial.head.learned, trial.head.features
        elif trial.head is not None:
            peers["tuned_encoder"] = trial.head.learned.head.answers(trial.head.features)
    peers = answers_of_baselines(examples.summaries, labels, parts.learned, seed) | more | peers
    found = {
        name: judge(learned.head, features, labels, rows, peers) if len(rows) >= LEAST_PART else None
        for name, rows in (("later", judged.later), ("other_users", judged.other_users))
    }
    clock.note("baselines")
    metrics: dict[str, Any] = {"label": {name: part for name, part in found.items() if part}}
    metrics["verdict"] = verdict(labels.kind, metrics["label"]) or [
        "There are too few labels to judge the head: it is not known how good it is."
    ]
    if comparison is not None:
        metrics["verdict"].append(comparison.sentence())
    return _Judgement(metrics, learned, comparison, trial)
