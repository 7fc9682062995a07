"""The data of the plots of quality: a model's predictions on its test part, and what happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb
import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Floats, Ints
from sqlscore.events.mapping import Mapping
from sqlscore.progress import Progress, Silent
from sqlscore.scoring.artifact import Artifact
from sqlscore.training.data.encoding import encode_log
from sqlscore.training.evaluation.evaluate import noted_log, tested_part, transitions_at
from sqlscore.training.evaluation.predicted import predict

FREQUENT = 6  # actions with a precision-recall curve of their own
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Evidence:
    """P next actions and Q churn examples of the test part; codes count from 1 in the order of `actions`."""

    actions: tuple[str, ...]
    actual: Ints  # (P,) 0: never seen in training
    best: Ints  # (P,)
    confidence: Floats  # (P,) probability of `best`
    frequent: npt.NDArray[np.float32]  # (P, K) probabilities of the first K actions
    churned: npt.NDArray[np.bool_]  # (Q,)
    risk: Floats  # (Q,)
    first: int  # µs; the first and the last target's time
    last: int

    @property
    def period(self) -> str:
        """The first and the last moment of the test part, to the minute."""
        return f"{minute(self.first)} to {minute(self.last)}"


def gather(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, artifact: Artifact, progress: Progress | None = None
) -> Evidence:
    """Predict the test part again, on the events as they are now.

    Raises TrainingError if the model does not say what it was trained on, or if the events are gone.
    """
    progress = progress or Silent()
    log, periods = noted_log(con, mapping, artifact, progress)
    data = encode_log(log, artifact.manifest.inputs)
    test = tested_part(log, data, periods, artifact)
    predicted = predict(artifact, data, test, progress, keep=FREQUENT)
    times = data.target_time[predicted.at]
    return Evidence(
        actions=artifact.manifest.inputs.actions,
        actual=transitions_at(data, predicted.at).following,
        best=predicted.best,
        confidence=predicted.confidence,
        frequent=predicted.frequent,
        churned=test.churn.churned if test.churn is not None else np.zeros(0, np.bool_),
        risk=predicted.churn,
        first=int(times.min()) if len(times) else periods.t2,
        last=int(times.max()) if len(times) else periods.high_water,
    )


def minute(microseconds: int) -> str:
    """A moment in UTC, as text."""
    return f"{_EPOCH + timedelta(microseconds=microseconds):%Y-%m-%d %H:%M}"
