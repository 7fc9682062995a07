"""A fine-tuned head: small tables of numbers that turn what a base model says of a user into answers about a label.

Of a yes/no label and of classes it gives probabilities, by a (multinomial) logistic regression on columns that may bend
at knots, so that an answer is continuous in what it reads. Counts and amounts are
a hurdle (Cragg 1971): the probability of more than nothing, and where there is more, a log-linear mean with the spread
that was seen around it, so that quantiles have the share of nothing in them; the mean of the logs is brought back by
the smearing factor of Duan 1983. Of an intervention it gives the uplift, a linear function that was shrunk.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from sqlscore.arrays import Floats, Ints
from sqlscore.errors import ArtifactError, ModelError
from sqlscore.scoring.label_features import Table
from sqlscore.scoring.manifest import members_of
from sqlscore.scoring.torchscript import zipped

Kind = Literal["yes_no", "classes", "count", "amount", "uplift"]
TASKS: tuple[Kind, ...] = ("yes_no", "classes", "count", "amount")
"""The kinds of labels."""
KINDS: tuple[Kind, ...] = (*TASKS, "uplift")
"""The kinds of heads: an uplift is learned from interventions and not from labels."""
LEVELS: Floats = np.linspace(0.005, 0.995, 100)
"""The levels of the quantiles of residuals that a head of amounts keeps."""

WITHIN = 4.0
"""Standard deviations from the mean to which columns are clipped before a head reads them."""


def bent(x: Floats, knot_columns: Floats | Ints, knots: Floats) -> Floats:
    """(N, P), (J,), (J,) -> (N, P + J): the columns, and by how much one exceeds each knot, 0 below it."""
    if not len(knots):
        return x
    return np.concatenate([x, np.maximum(x[:, knot_columns.astype(np.int64)] - knots, 0.0)], axis=1)


def _nothing() -> Floats:
    return np.zeros(0)


@dataclass(frozen=True)
class Head:
    """K: columns of `weights`: 1 of a yes/no label, an amount or a count; one a class otherwise.

    Args:
        kind: what the label is.
        values: what each class is called; of a yes/no label ("false", "true"), empty for numbers.
        mean: (P,) of the features in training.
        spread: (P,) their standard deviations.
        weights: (P + J, K) of the standardised features, for the logits.
        bias: (K,)
        scale: (2,) a and b of Platt 1999 for one column, 1 / temperature and 0 for classes; of an uplift its slope,
            which is 0 where users cannot be told apart, and its mean.
        amount_weights: (P + J,) for the mean log of what is more than nothing; empty if the label is no number.
        amount_level: (4,) the constant of that mean, the log of the factor that makes a mean of amounts of it, and the
            least and the highest mean that was learned from, which no answer goes far beyond.
        residuals: (Q,) quantiles at LEVELS of the logs around that mean.
        knot_columns: (J,) which standardised feature bends at each knot; weights then have P + J rows, the last J for
            what the feature is above the knot. Whole numbers; empty in a head that is linear.
        knots: (J,) where.
    """

    kind: Kind
    values: tuple[str, ...]
    mean: Floats
    spread: Floats
    weights: Floats
    bias: Floats
    scale: Floats
    amount_weights: Floats
    amount_level: Floats
    residuals: Floats
    knot_columns: Floats = field(default_factory=_nothing)
    knots: Floats = field(default_factory=_nothing)

    def standardised(self, features: Table) -> Floats:
        """(N, P or more) -> (N, P + J): features within 4 standard deviations, and by how much they exceed knots.

        Columns behind the first P are of a kind that this head did not know when it learned.
        """
        features = features[:, : len(self.mean)]
        x = np.asarray(np.clip((features - self.mean) / self.spread, -WITHIN, WITHIN), np.float64)
        return bent(x, self.knot_columns, self.knots)

    def probabilities(self, features: Table) -> Floats:
        """(N, P) -> (N, 2) of no and yes, or of nothing and more; (N, K) of the classes.

        Raises ModelError if it is an uplift.
        """
        if self.kind == "uplift":
            raise ModelError("this head says what an intervention changes, not how likely something is: use uplift")
        z = self.scale[0] * (self.standardised(features) @ self.weights + self.bias) + self.scale[1]
        if self.kind != "classes":
            z = np.concatenate([np.zeros((len(z), 1)), z], axis=1)
        spread = np.exp(z - z.max(axis=1, keepdims=True)) if len(z) else z
        return np.asarray(spread / spread.sum(axis=1, keepdims=True))

    def expected(self, features: Table) -> Floats:
        """(N, P) -> (N,) the mean of the label; that of a yes/no label is its probability."""
        if self.kind == "yes_no":
            return self.probabilities(features)[:, 1]
        self.require_numbers("expected_value")
        likely = self.probabilities(features)[:, 1]
        return np.asarray(likely * np.exp(self._logs(features) + self.amount_level[1]))

    def answers(self, features: Table) -> Floats:
        """(N, P) -> (N, K) what the head says of a label: probabilities of its classes, or (N, 1) means of numbers."""
        if self.kind in ("count", "amount"):
            return self.expected(features)[:, None]
        return self.probabilities(features)

    def quantiles(self, features: Table, levels: Floats) -> Floats:
        """(N, P), (Q,) -> (N, Q): what the label stays below with these probabilities; whole numbers of a count."""
        self.require_numbers("value_quantiles")
        nothing = self.probabilities(features)[:, :1]  # (N, 1)
        beyond = np.clip((levels[None, :] - nothing) / np.maximum(1 - nothing, 1e-12), 0.0, 1.0)
        logs = self._logs(features)[:, None] + np.interp(beyond, LEVELS, self.residuals)
        found = np.where(levels[None, :] <= nothing, 0.0, np.exp(logs))
        return np.asarray(np.maximum(np.rint(found), levels[None, :] > nothing) if self.kind == "count" else found)

    def uplift(self, features: Table) -> Floats:
        """(N, P) -> (N,) in [-1, 1]: by how much the intervention raises the probability to stay.

        Raises ModelError if the head learned a label.
        """
        if self.kind != "uplift":
            raise ModelError(f"uplift needs what finetune learned of an intervention, and this label is {self.kind}")
        told = (self.standardised(features) @ self.weights)[:, 0] + self.bias[0]
        return np.asarray(np.clip(self.scale[0] * told + self.scale[1], -1.0, 1.0))

    def require_numbers(self, function: str) -> None:
        """Raises ModelError unless the label is a number."""
        if self.kind not in ("count", "amount"):
            other = "uplift" if self.kind == "uplift" else "propensity"
            raise ModelError(f"{function} needs a label that is a number, and this one is {self.kind}: use {other}")

    def _logs(self, features: Table) -> Floats:
        logs = self.standardised(features) @ self.amount_weights + self.amount_level[0]
        return np.asarray(np.clip(logs, self.amount_level[2], self.amount_level[3]))

    def to_bytes(self) -> bytes:
        """An .npz file; the same numbers give the same bytes."""
        members = []
        for name in _ARRAYS if len(self.knots) else _ARRAYS[:-2]:
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.asarray(getattr(self, name), np.float64), allow_pickle=False)
            members.append((f"{name}.npy", buffer.getvalue()))
        return zipped(members)

    @classmethod
    def from_bytes(cls, data: bytes, kind: Kind, values: tuple[str, ...]) -> Head:
        """The inverse. Raises ArtifactError, KeyError, ValueError or BadZipFile if it is something else."""
        files = members_of(data, [f"{name}.npy" for name in _ARRAYS], "weights.npy")
        there = _ARRAYS if "knots.npy" in files else _ARRAYS[:-2]
        arrays = {name: np.load(io.BytesIO(files[f"{name}.npy"]), allow_pickle=False) for name in there}
        head = cls(kind, values, **arrays)
        wrong = head.wrong()
        if wrong is not None:
            raise ArtifactError(f"{wrong} of the head is not that of a label that is {kind!r}")
        return head

    def wrong(self) -> str | None:
        """The name of an array that does not fit the others or the label, or has a number that is not finite."""
        numbers, columns = self.kind in ("count", "amount"), len(self.values) if self.kind == "classes" else 1
        features, knots = self.mean.size, self.knots.size
        rows = features + knots
        shapes = {
            "mean": (features,), "spread": (features,), "weights": (rows, columns), "bias": (columns,),
            "scale": (2,), "amount_weights": (rows if numbers else 0,), "amount_level": (4,),
            "residuals": (len(LEVELS) if numbers else 0,), "knot_columns": (knots,), "knots": (knots,),
        }  # fmt: skip
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.dtype != np.float64 or array.shape != shape or not np.isfinite(array).all():
                return name
        bends = self.knot_columns
        if (bends < 0).any() or (bends >= features).any() or (bends != np.floor(bends)).any():
            return "knot_columns"
        return "spread" if (self.spread <= 0).any() else None


_ARRAYS = ("mean", "spread", "weights", "bias", "scale", "amount_weights", "amount_level", "residuals",
           "knot_columns", "knots")  # fmt: skip
