"""Fine-tuning from labels to an artifact: parts, a judged head, the baselines, and the head of all labels."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

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
from sqlscore.finetuning.segment import Comparison, compare
from sqlscore.finetuning.spend import Spend
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.label_artifact import LabelRates, head_manifest, pack_head

_LATER = 0.2  # of the labels, the newest: to be judged as a forecast
_STRANGERS = 5  # one of so many users is held out
_LEAST = 20  # labels that a part needs to be judged


@dataclass(frozen=True)
class Parts:
    """Rows of the labels: what is learned, what is judged later in time, and what is judged on other users."""

    learned: Ints
    later: Ints
    other_users: Ints
    n_between: int  # neither: their outcome was not known before the later part begins

    def within(self, chosen: npt.NDArray[np.bool_]) -> Parts:
        """The same parts of some of the labels, (N,)."""
        learned, later, other_users = (part[chosen[part]] for part in (self.learned, self.later, self.other_users))
        return Parts(learned, later, other_users, self.n_between)


def parts_of(labels: Labels, seed: int) -> Parts:
    """Cut the labels by time, then the earlier ones by users.

    The newest fifth of the labels is the later part, as far as moments differ. Of the others, those of every fifth user
    are judged, and those whose outcome was known only after the later part began are left out of learning.
    """
    stranger = np.random.default_rng([seed, 7]).permutation(int(labels.user.max()) + 1)[labels.user] % _STRANGERS == 0
    ordered = np.sort(labels.as_of)
    cut = ordered[int(len(ordered) * (1 - _LATER))]
    later = labels.as_of >= cut
    if later.mean() > 2 * _LATER:  # many labels at that one moment
        later = labels.as_of > cut
    if later.sum() < _LEAST:
        later = np.zeros(len(labels), np.bool_)
    overlapping = np.zeros(len(labels), np.bool_)
    if later.any() and labels.known_at is not None:
        overlapping = ~later & (labels.known_at > labels.as_of[later].min())
    if (stranger & ~later).sum() < _LEAST:
        stranger[:] = False
    learned = ~later & ~stranger & ~overlapping
    if learned.sum() < _LEAST:  # moments that overlap too much to part them
        later, overlapping = np.zeros(len(labels), np.bool_), np.zeros(len(labels), np.bool_)
        learned = ~stranger
    return Parts(
        np.flatnonzero(learned), np.flatnonzero(later), np.flatnonzero(stranger & ~later), int(overlapping.sum())
    )


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
) -> bytes:
    """The artifact of a head for these labels, with its figures.

    Args:
        con: The connection that has the labels' table.
        mapping: The events.
        base: The model whose states are read.
        judged_base: The same before it learned the newest events: what is judged reads its states.
        labels: The labels.
        asked: What the head is to be.
    """
    clock, seed, segment = _Clock(), asked.seed, asked.segment
    twice = judged_base.sha256 != base.sha256
    examples = examples_of(con, mapping, [base, judged_base] if twice else [base], labels, asked.threads)
    clock.note("reading")
    parts = parts_of(labels, seed)
    more = _of_spend(con, mapping, labels, parts, asked)
    clock.note("baselines")
    metrics, chosen, comparison = _judged(examples, labels, parts, segment, seed, clock, more)
    own = segment is not None and comparison is not None and comparison.is_better
    rows = np.flatnonzero(segment) if own and segment is not None else np.arange(len(labels))
    final = learn(examples.features[0], labels, rows, seed, chosen.choice, plain=examples.plain[0])
    clock.note("learning")
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
            **({} if comparison is None else {"segment": {"where": asked.where, **comparison.to_dict()}}),
            **({} if labels.known_at is not None else {"no_known_at": _NO_KNOWN_AT}),
        },
        metrics=metrics,
    )
    return pack_head(final.head, manifest)


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


def _judged(
    examples: Examples,
    labels: Labels,
    parts: Parts,
    segment: npt.NDArray[np.bool_] | None,
    seed: int,
    clock: _Clock,
    more: dict[str, npt.NDArray[np.float64]],
) -> tuple[dict[str, Any], Learned, Comparison | None]:
    """The figures, what was learned to be judged, and how a segment's own head compares with that of all users.

    `more` are answers of all labels by baselines besides the usual ones.
    """
    features, plain = examples.features[-1], examples.plain[-1]
    learned, comparison = learn(features, labels, parts.learned, seed, plain=plain), None
    others: dict[str, Learned] = {}
    judged = parts
    if segment is not None:
        judged = parts.within(segment)
        if len(judged.learned) < _LEAST:
            raise TrainingError(
                f"only {len(judged.learned)} labels of the segment are left to learn from where the others judge: at "
                f"least {_LEAST} are needed; add users or moments"
            )
        own = learn(features, labels, judged.learned, seed, plain=plain)
        rows = np.union1d(judged.later, judged.other_users)
        comparison = compare(labels, rows, learned.head.answers(features), own.head.answers(features))
        better = comparison.is_better
        others = {"all_users": learned} if better else {"segment_alone": own}
        learned = own if better else learned
    clock.note("learning")
    peers = answers_of_baselines(examples.summaries, labels, parts.learned, seed)
    peers |= more
    peers |= {name: other.head.answers(features) for name, other in others.items()}
    found = {
        name: judge(learned.head, features, labels, rows, peers) if len(rows) >= _LEAST else None
        for name, rows in (("later", judged.later), ("other_users", judged.other_users))
    }
    clock.note("baselines")
    metrics: dict[str, Any] = {"label": {name: part for name, part in found.items() if part}}
    metrics["verdict"] = verdict(labels.kind, metrics["label"]) or [
        "There are too few labels to judge the head: it is not known how good it is."
    ]
    if comparison is not None:
        metrics["verdict"].append(comparison.sentence())
    return metrics, learned, comparison
