"""Which columns make a model better: short trainings with and without each, judged on the validation part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb
import numpy as np

from sqlscore.arrays import Floats, Ints
from sqlscore.errors import TrainingError
from sqlscore.events.kinds import Kind
from sqlscore.events.mapping import Feature, Mapping
from sqlscore.mapping.candidates import Candidate
from sqlscore.models.loading import load
from sqlscore.progress import Progress, Silent
from sqlscore.scoring.manifest import sha256_of
from sqlscore.training.checking import LEARNED, check_options
from sqlscore.training.data.encoding import encode_log
from sqlscore.training.data.event_log import EventLog, read_log
from sqlscore.training.data.split import Periods
from sqlscore.training.data.windows import parts_of
from sqlscore.training.evaluation.evaluate import transitions_at
from sqlscore.training.evaluation.predicted import predict
from sqlscore.training.fit import fit_log, split
from sqlscore.training.options import TrainingOptions

MOST = 12
"""The most columns that are tried, those with the fewest values first."""
_EVENTS, _UPDATES = 100_000, 200_000  # of each training
_SURE, _AGAIN = 2.0, 1.0  # standard errors over users that a gain must exceed, alone and with other first weights
_WHOLE = 2**40  # events of a user that are read: all
_TINY = 1e-12


@dataclass(frozen=True)
class Trial:
    """What one column did.

    Args:
        name: of the column.
        kind: how it was read.
        gain: by which it lowered the log-loss of the next action on the validation part, beside the columns that were
            added before it; None if it was not tried.
        error: the gain's standard error, users being independent.
        added: whether it is added.
        why: why it was not tried, or not added.
    """

    name: str
    kind: Kind | None
    gain: float | None
    error: float | None
    added: bool
    why: str = ""


def choose_columns(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    found: Sequence[Candidate],
    options: TrainingOptions,
    progress: Progress,
) -> tuple[Trial, ...]:
    """Try the candidates that nothing speaks against, and say what each gained.

    Each is tried alone; those whose gain is above two standard errors are then added one after the other, best first,
    with other first weights, and stay if they gain more than a standard error again. So there are at most 2 + 2 x 12
    trainings, out of at most 100,000 events, of at most 200,000 epochs x events each: 2.6 times those of one training
    of a large log, and on a small log each is about half a training. The test part is not read.

    Args:
        con: An open database.
        mapping: The events.
        found: Their columns that are not mapped.
        options: What the model will be trained with.
        progress: Told of every training.

    Raises TrainingError if the architecture reads no columns, or the events cannot be learned from.
    """
    check_options(options)
    if options.architecture not in LEARNED:
        raise TrainingError(
            f'architecture "{options.architecture}" reads no columns but the action: train one of {", ".join(LEARNED)} '
            'with features="auto" (--features auto)'
        )
    open_to = sorted((one for one in found if one.hint is None), key=lambda one: one.n_values)
    tried = open_to[:MOST]
    trials = {one.name: Trial(one.name, one.kind, None, None, False, one.hint or "too many columns") for one in found}
    if tried:
        quick = replace(
            options,
            churn=False,
            horizon=None,
            lookback=None,
            event_updates=min(options.event_updates, _UPDATES),
            max_events=min(options.max_events, _EVENTS),
            patience=2,
            recency=options.recency or 0.0,
            refit=False,
            through_now=False,
            checkpoint=None,
        )
        for trial in _Bench(con, mapping, tried, quick, progress).compared():
            trials[trial.name] = trial
    return tuple(trials[one.name] for one in found)


class _Bench:
    """A log with all columns, and models that read some of them."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        mapping: Mapping,
        tried: Sequence[Candidate],
        options: TrainingOptions,
        progress: Progress,
    ) -> None:
        self.mapped = tuple(feature.name for feature in mapping.features)
        self.kinds = {one.name: one.kind for one in tried if one.kind is not None}
        self.options, self.progress = options, progress
        features = (*mapping.features, *(Feature(name, kind) for name, kind in self.kinds.items()))
        limits = options.max_events, options.max_user_events
        log = read_log(con, replace(mapping, features=features), *limits, progress, weight_from=options.weight_from)
        self.log: EventLog = log
        self.parts: tuple[Periods, str] = split(log, options)

    def compared(self) -> list[Trial]:
        self.progress.start("Trying columns", 2 + 2 * len(self.kinds))
        seed = self.options.seed
        base, users = self._losses((), seed)
        alone = {name: _gain(base, self._losses((name,), seed)[0], users) for name in self.kinds}
        promising = sorted(
            (name for name in alone if alone[name][0] > _SURE * alone[name][1]), key=lambda name: -alone[name][0]
        )
        trials = [
            Trial(name, kind, *alone[name], False, "no gain")
            for name, kind in self.kinds.items()
            if name not in promising
        ]
        if promising:
            base, _ = self._losses((), self.options.seed + 1)
        kept: list[str] = []
        for name in promising:
            losses, _ = self._losses((*kept, name), seed)
            gain = _gain(base, losses, users)
            added = gain[0] > _AGAIN * gain[1]
            trials.append(Trial(name, self.kinds[name], *gain, added, "" if added else "no gain beside the others"))
            if added:
                base = losses
                kept.append(name)
        self.progress.finish()
        return trials

    def _losses(self, names: Sequence[str], seed: int) -> tuple[Floats, Ints]:
        """(log-losses (P,) of the validation targets by a model that reads these columns too, their users (P,))."""
        wanted = {*self.mapped, *names}
        log = replace(
            self.log,
            categorical={name: column for name, column in self.log.categorical.items() if name in wanted},
            numeric={name: column for name, column in self.log.numeric.items() if name in wanted},
        )
        made = fit_log(log, self.parts, replace(self.options, seed=seed), Silent(), tested=False)
        artifact = load(made.artifact, sha256_of(made.artifact), "trial", "cpu")
        data = encode_log(log, artifact.manifest.inputs)
        validation = parts_of(log, data, self.parts[0], seed, _WHOLE, spare_users=False).validation
        predicted = predict(artifact, data, validation, Silent())
        self.progress.advance(1)
        order = np.argsort(predicted.at, kind="stable")
        at, probability = predicted.at[order], predicted.probability[order]
        known = transitions_at(data, at).following > 0
        return -np.log(np.maximum(probability[known], _TINY)).astype(np.float64), log.rows[at[known]]


def _gain(before: Floats, after: Floats, users: Ints) -> tuple[float, float]:
    """(the mean by which the loss fell, its standard error over users)."""
    gains = before - after
    of_user = np.bincount(users, gains - gains.mean())
    return float(gains.mean()), float(np.sqrt((of_user**2).sum()) / len(gains))
