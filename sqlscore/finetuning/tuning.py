"""An encoder that is tuned for a label: a copy, kept where its head is better for users that it never saw."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Ints
from sqlscore.events.mapping import Mapping
from sqlscore.finetuning.examples import examples_of
from sqlscore.finetuning.histories import histories_of
from sqlscore.finetuning.label_checks import LEAST
from sqlscore.finetuning.labels import Labels
from sqlscore.finetuning.learning import Choice, Learned, learn
from sqlscore.finetuning.segment import Comparison, compare
from sqlscore.models.loading import load
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.label_features import Table
from sqlscore.scoring.label_head import Head
from sqlscore.scoring.manifest import pack, read_manifest, sha256_of
from sqlscore.scoring.notes import seen_until
from sqlscore.training.learning.label_net import Told
from sqlscore.training.tuning import Tuned, tune

_CHOOSE = 5  # one of so many users chooses when to stop, and calibrates
_ENOUGH = 1_000  # labels of those users: fewer calibrate worse than the others, whom the encoder knows
_MOST = 20_000  # labels that an encoder is tuned on
_LEAST_NOISE = 0.01


@dataclass(frozen=True)
class Base:
    """The artifact of a model whose encoder is tuned, and the model, loaded."""

    data: bytes
    model: Artifact


@dataclass(frozen=True)
class TunedHead:
    """A head on a tuned encoder. `features` (N, P) of all labels, `plain` as `learn` has it."""

    base: Base
    learned: Learned
    features: Table
    plain: Ints


@dataclass(frozen=True)
class Trial:
    """What came of tuning where it is judged.

    Attributes:
        losses: of the labels that chose the epoch, before the first one and after each; empty if there are too few.
        head: learned on the tuned encoder; None if no epoch was better than none.
        comparison: of both heads on users that neither learned; None without a head.
    """

    losses: tuple[float, ...]
    head: TunedHead | None = None
    comparison: Comparison | None = None

    @property
    def is_better(self) -> bool:
        """Whether the tuned encoder is better beyond noise."""
        return self.comparison is not None and self.comparison.is_better

    @property
    def epochs(self) -> int:
        """How many were best."""
        return int(np.argmin(self.losses)) if self.losses else 0

    def to_dict(self) -> dict[str, Any]:
        """As the head's notes have it."""
        found = {} if self.comparison is None else asdict(self.comparison)
        return {"kept": self.is_better, "epochs": self.epochs, "losses": list(self.losses), **found}

    def sentence(self, seconds: float, size: int | None) -> str:
        """Which encoder was kept, and why. seconds: of a processor. size: of the copy in bytes, None without one."""
        cost = f"{seconds:,.1f} s of processor time" + ("" if size is None else f", {size / 1e6:.2f} MB")
        if not self.losses:
            return f"The encoder is not tuned: too few labels are left to choose when to stop ({cost})."
        if self.comparison is None:
            return f"The encoder stays as it was: no epoch of tuning was better for users that were left out ({cost})."
        of = self.comparison
        by = f"{of.difference:+.4f} a label, 95 % interval {of.low:+.4f} to {of.high:+.4f}, {of.users:,} users"
        if self.is_better:
            return f"The encoder is tuned, which is better for users that it never saw ({by}; {cost})."
        return f"The encoder stays as it was: the tuned one is not better beyond noise ({by}; {cost})."


@dataclass(frozen=True)
class Tuner:
    """What all tunings for one label share.

    Attributes:
        con: the connection that has the labels' table.
        mapping: the events.
        labels: the labels.
        base: what is tuned.
        judged: the same before it learned the newest events: what is judged is tuned from there.
        name: what the tuned base is called.
        label: what the label is called.
        newest: µs, the newest event.
        seed: of users and batches.
        threads: how many threads encode; None: one a core.
    """

    con: duckdb.DuckDBPyConnection
    mapping: Mapping
    labels: Labels
    base: Base
    judged: Base
    name: str
    label: str
    newest: int
    seed: int
    threads: int | None

    def attempt(self, features: Table, plain: Ints, rows: Ints, judged: Ints, frozen: Learned) -> Trial:
        """Tune on some labels, and compare with the head on the encoder as it was.

        Args:
            features: (N, P) what the heads on that encoder read.
            plain: Which of these columns say something by themselves.
            rows: Labels that are learned from.
            judged: Labels of other users.
            frozen: The head that was learned from the same labels on the encoder as it was.
        """
        learned, chosen_by = self._cut(rows)
        if len(chosen_by) < LEAST or len(learned) < LEAST:
            return Trial(())
        told = learn(features, self.labels, learned, self.seed, plain=plain)
        tuned = self._tuned(self.judged, features, plain, told.head, rows, None)
        if not tuned.best:
            return Trial(tuned.losses)
        head = self._head(self._packed(self.judged, tuned, rows, None), rows, frozen.choice)
        answers = head.learned.head.answers(head.features)
        return Trial(tuned.losses, head, compare(self.labels, judged, frozen.head.answers(features), answers))

    def final(self, features: Table, plain: Ints, tried: TunedHead, epochs: int) -> TunedHead:
        """Tune on all labels, and learn the head.

        Args:
            features: (N, P) what heads on the base read.
            plain: Which of these columns say something by themselves.
            tried: What was judged.
            epochs: How many were best for that.
        """
        rows = np.arange(len(self.labels))
        learned, _ = self._cut(rows)
        choice = tried.learned.choice
        told = learn(features, self.labels, learned, self.seed, plain=plain)
        tuned = self._tuned(self.base, features, plain, told.head, rows, epochs)
        return self._head(self._packed(self.base, tuned, rows, tried.base.data), rows, choice)

    def _cut(self, rows: Ints) -> tuple[Ints, Ints]:
        """Those that the encoder learns from, and those of other users, who choose."""
        chooses = self._choosing()
        return rows[~chooses[rows]], rows[chooses[rows]]

    def _choosing(self) -> npt.NDArray[np.bool_]:
        user = self.labels.user
        return np.asarray(np.random.default_rng([self.seed, 17]).permutation(int(user.max()) + 1)[user] % _CHOOSE == 0)

    def _tuned(self, base: Base, features: Table, plain: Ints, head: Head, rows: Ints, epochs: int | None) -> Tuned:
        """Tune a copy of the base's encoder on some of the labels. epochs: None lets others of them choose."""
        if len(rows) > _MOST:
            users = np.random.default_rng([self.seed, 19]).permutation(int(self.labels.user.max()) + 1)
            rows = np.sort(rows[np.argsort(users[self.labels.user[rows]], kind="stable")[:_MOST]])
        events, sequence, position = histories_of(self.con, self.mapping, base.model, self.labels)
        rows = rows[position[rows] >= 0]
        told = _told(head, features[rows], plain, self.labels, rows)
        chooses = self._choosing()[rows]
        return tune(
            base.data,
            Told(events, sequence[rows], position[rows], **told),
            np.flatnonzero(~chooses),
            np.flatnonzero(chooses),
            self.seed,
            epochs,
        )

    def _packed(self, base: Base, tuned: Tuned, rows: Ints, judged: bytes | None) -> Base:
        """The tuned copy as an artifact of its own. rows: the labels it knows. judged: the one that was judged."""
        manifest = read_manifest(base.data)
        notes = {
            **{name: note for name, note in manifest.notes.items() if name != "pretraining"},
            "tuned_for": {"label": self.label, "base": base.model.name, "base_sha256": base.model.sha256},
        }
        notes["training"] = {**notes.get("training", {}), "until": max(seen_until(manifest), self._known(rows))}
        data = pack(tuned.weights, replace(manifest, notes=notes, metrics={}), judged)
        return Base(data, load(data, sha256_of(data), self.name))

    def _known(self, rows: Ints) -> int:
        """µs: up to when it matters what users did, for these labels to be known."""
        known_at = self.labels.known_at
        return self.newest if known_at is None else int(known_at[rows].max())

    def _head(self, base: Base, rows: Ints, choice: Choice) -> TunedHead:
        """As free as the one on the encoder as it was: users that the encoder knows would make it freer."""
        examples = examples_of(self.con, self.mapping, [base.model], self.labels, self.threads)
        features, plain = examples.features[0], examples.plain[0]
        left_out = self._choosing() if len(self._cut(rows)[1]) >= _ENOUGH else None
        learned = learn(features, self.labels, rows, self.seed, choice, plain=plain, left_out=left_out)
        return TunedHead(base, learned, features, plain)


def _told(head: Head, features: Table, plain: Ints, labels: Labels, rows: Ints) -> dict[str, Any]:
    """What a head says of some labels, apart from what it reads of the encoder's columns: fields of `Told`."""
    made = np.setdiff1d(np.arange(features.shape[1]), plain)
    mean, spread = head.mean[made], head.spread[made]
    every = head.standardised(features)
    x = every[:, made]
    weights = head.scale[0] * head.weights[made]
    logits = head.scale[0] * (every @ head.weights + head.bias) + head.scale[1]
    wanted, nothing = labels.wanted[rows], np.zeros(0)
    told = {"mean": mean, "spread": spread, "weights": weights, "rest": logits - x @ weights}
    if labels.kind not in ("count", "amount"):
        kinds = wanted.astype(np.int64)
        return {**told, "kinds": kinds, "logs": nothing, "amount_weights": nothing, "amount_rest": nothing}
    amounts = head.amount_weights[made]
    return {
        **told,
        "kinds": (wanted > 0).astype(np.int64),
        "logs": np.where(wanted > 0, np.log(np.maximum(wanted, 1e-6)), 0.0),
        "amount_weights": amounts,
        "amount_rest": every @ head.amount_weights + head.amount_level[0] - x @ amounts,
        "noise": max(float(np.std(head.residuals)), _LEAST_NOISE),
    }
