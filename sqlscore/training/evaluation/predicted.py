"""What a model says at every target and churn example of a part, by its module or by its tables of counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Floats, Ints
from sqlscore.progress import Progress
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.ranking import decided
from sqlscore.training.data.encoding import Encoded, ordered_batches
from sqlscore.training.data.windows import Windows
from sqlscore.training.evaluation.metrics import QUANTILES

_EVENTS_PER_BATCH = 16_384
_CELLS = 8_000_000  # probabilities that are held at once


@dataclass(frozen=True)
class Predicted:
    """What a model says at the P targets and Q churn examples of a part, in any one order."""

    at: Ints  # (P,) index in the log of the event before the target
    best: Ints  # (P,) codes from 1
    in_top3: npt.NDArray[np.bool_]
    probability: Floats  # of what happened
    confidence: Floats  # of `best`
    log_seconds: Floats  # (P, 3) quantiles of log(1 + seconds), see `metrics.QUANTILES`; NaN where it knows none
    churn: Floats  # (Q,) in the order of the windows' examples
    frequent: npt.NDArray[np.float32]  # (P, K) probabilities of the first K actions, if they were asked for


@dataclass(frozen=True)
class Said:
    """What a model says in some windows, at P targets and Q churn examples.

    Args:
        at: (P,) as `Predicted.at`.
        action: (P,) 0-based actions that followed; V where never seen in training.
        probabilities: some of the targets, as a slice -> (R, V).
        log_seconds: (P, 3) as `Predicted.log_seconds`.
        example: (Q,) which of the windows' churn examples.
        risk: (Q,).
    """

    at: Ints
    action: Ints
    probabilities: Callable[[slice], npt.NDArray[np.float32]]
    log_seconds: Floats
    example: Ints
    risk: Floats


def predict(artifact: Artifact, data: Encoded, test: Windows, progress: Progress, keep: int = 0) -> Predicted:
    """What a model says at every target and churn example of a part. keep: K, see `Predicted.frequent`."""
    if artifact.counts is not None:
        from sqlscore.training.evaluation.by_counts import say
    else:
        from sqlscore.training.evaluation.by_module import say
    none, whole = np.zeros(0), np.zeros(0, np.int64)
    kept = np.zeros((0, min(keep, len(artifact.manifest.inputs.actions))), np.float32)
    parts: list[tuple[npt.NDArray[np.generic], ...]] = [
        (whole, whole, np.zeros(0, np.bool_), none, none, np.zeros((0, len(QUANTILES))), kept)
    ]
    churn = np.zeros(0 if test.churn is None else len(test.churn))
    progress.start("Evaluating", test.events)
    for chosen in ordered_batches(test.lengths, _EVENTS_PER_BATCH):
        said = say(artifact, data, test, chosen)
        parts.append((said.at, *_judged(artifact, said, keep)))
        churn[said.example] = said.risk
        progress.advance(int(test.lengths[chosen].sum()))
    progress.finish()
    at, best, in_top3, probability, confidence, log_seconds, frequent = (
        np.concatenate(part) for part in zip(*parts, strict=True)
    )
    return Predicted(at, best, in_top3, probability, confidence, log_seconds, churn, frequent)


def _judged(
    artifact: Artifact, said: Said, keep: int
) -> tuple[Ints, npt.NDArray[np.bool_], Floats, Floats, Floats, npt.NDArray[np.float32]]:
    """The fields of `Predicted` but `at` and `churn`."""
    known = len(artifact.manifest.inputs.actions)
    found = []
    for start in range(0, max(len(said.action), 1), max(1, _CELLS // known)):
        rows = slice(start, start + max(1, _CELLS // known))
        probabilities = said.probabilities(rows)
        shown = probabilities[:, :keep].copy()  # a view would hold all of them
        found.append((*ranked(probabilities, said.action[rows], decided(artifact, probabilities)), shown))
    best, in_top3, probability, confidence, frequent = (np.concatenate(part) for part in zip(*found, strict=True))
    return best, in_top3, probability, confidence, said.log_seconds, frequent


def ranked(
    probabilities: npt.NDArray[np.float32], wanted: Ints, best: Ints
) -> tuple[Ints, npt.NDArray[np.bool_], Floats, Floats]:
    """(R, V), 0-based actions (V: unknown), 0-based predicted ones -> the second to fifth field of `Predicted`."""
    row = np.arange(len(wanted))
    with_unknown = np.append(probabilities, np.zeros((len(wanted), 1), np.float32), 1)  # (R, V + 1)
    probability = with_unknown[row, wanted]
    earlier = np.arange(probabilities.shape[1]) < wanted[:, None]  # of equal ones the first comes first, as in scoring
    before = (probabilities > probability[:, None]) | ((probabilities == probability[:, None]) & earlier)
    in_top3 = (before.sum(1) < 3) & (wanted < probabilities.shape[1])
    return best + 1, in_top3, probability.astype(np.float64), probabilities[row, best].astype(np.float64)
