"""Labels -> what is known of each user as of the label's moment: the base model's features, and plain summaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import duckdb
import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Floats, Ints
from sqlscore.database.events_query import canonical, columns_read, usable_events
from sqlscore.database.scan import Users, scan
from sqlscore.events.mapping import US_PER_SECOND, Mapping
from sqlscore.events.sequences import Sequences
from sqlscore.finetuning.label_checks import TABLE
from sqlscore.finetuning.labels import Labels
from sqlscore.parallel import in_order
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.label_features import Table, label_features, plain_columns

_COUNTED = 32  # most frequent values of a category whose counts are columns
_DAYS = (1, 7, 30, 90)  # how far back recent events are counted
_DAY = 86_400 * US_PER_SECOND


@dataclass(frozen=True)
class Examples:
    """What is known of N labels' users.

    Attributes:
        features: for each model, (N, P) what a head reads.
        plain: for each model, which of these columns say something by themselves.
        summaries: (N, D) counts, recency and sums, without any model: what the baselines read.
    """

    features: tuple[Table, ...]
    plain: tuple[Ints, ...]
    summaries: Table


def examples_of(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, models: Sequence[Artifact], labels: Labels, threads: int | None
) -> Examples:
    """Read the events up to each label's moment, and no later one, through the models.

    Args:
        con: The connection that has TABLE.
        mapping: The events.
        models: The first one's vocabulary names what is counted in the summaries.
        labels: What `read_labels` gave.
        threads: How many threads encode; None: one a core.
    """
    query = (
        f"SELECT l.row AS user_id, {columns_read(mapping)} FROM ({usable_events(con, mapping)}) e "
        f"JOIN {TABLE} l ON l.user_id = e.user_id AND e.event_time <= l.as_of"
    )
    events = replace(canonical(mapping, query), group=None)
    found: list[tuple[Ints, list[Table], Table]] = list(
        in_order(partial(_rows, models, labels.as_of), scan(con, events), threads)
    )
    rows = np.concatenate([row for row, _, _ in found])
    place = np.empty(len(labels), np.int64)
    place[rows] = np.arange(len(rows))
    features = tuple(np.concatenate([each[i] for _, each, _ in found])[place] for i in range(len(models)))
    plain = tuple(plain_columns(model) for model in models)
    return Examples(features, plain, np.concatenate([summary for _, _, summary in found])[place])


def _rows(models: Sequence[Artifact], as_of: Ints, users: Users) -> tuple[Ints, list[Table], Table]:
    row = users.ids.to_numpy().astype(np.int64) - 1
    moments = as_of[row]
    features = [label_features(model, model.encode(users.sequences), moments) for model in models]
    return row, features, summaries(models[0], users.sequences, moments)


def summaries(model: Artifact, sequences: Sequences, as_of: Ints) -> Table:
    """What a table of a data scientist has: counts of actions and values, recent activity, gaps, sums.

    Args:
        model: its vocabularies say which values are counted.
        sequences: N users' events, at least one each.
        as_of: int64 (N,), µs.

    Returns:
        float32 (N, D).
    """
    columns = model.columns(sequences)
    read = model.events_read(sequences)
    offsets, times = read.offsets, read.times
    first, last, n = offsets[:-1], offsets[1:] - 1, len(read)
    owner = np.repeat(np.arange(n), read.lengths)
    lengths = read.lengths.astype(np.float64)
    parts: list[npt.NDArray[np.floating]] = []
    for c in range(columns.categories.shape[1]):
        code = np.minimum(columns.categories[:, c], _COUNTED + 1).astype(np.int64)
        wide = _COUNTED + 2
        parts.append(np.bincount(owner * wide + code, minlength=n * wide).reshape(n, wide).astype(np.float64))
    newest = np.zeros((n, _COUNTED + 2))
    newest[np.arange(n), np.minimum(columns.categories[last, 0], _COUNTED + 1)] = 1.0
    parts.append(newest)
    ago = as_of[owner] - times
    parts += [np.bincount(owner[ago <= days * _DAY], minlength=n).astype(np.float64)[:, None] for days in _DAYS]
    silence = (as_of - times[last]) / US_PER_SECOND
    age = (as_of - times[first]) / US_PER_SECOND
    gap = (times[last] - times[np.maximum(last - 1, first)]) / US_PER_SECOND
    days_seen = _distinct(owner, times // _DAY, n)
    facts = [np.log1p(silence), np.log1p(age), np.log1p(gap), np.log1p(age / lengths), lengths, days_seen]
    parts.append(np.stack(facts, axis=1))
    numbers = np.nan_to_num(columns.numbers.astype(np.float64))
    for c in range(numbers.shape[1]):
        total = np.bincount(owner, weights=numbers[:, c], minlength=n)
        recent = np.bincount(owner, weights=np.where(ago <= _DAYS[2] * _DAY, numbers[:, c], 0.0), minlength=n)
        parts.append(np.stack([total, recent, total / lengths, numbers[last, c]], axis=1))
    return np.concatenate(parts, axis=1).astype(np.float32)


def on_log_scale(summary: Table) -> Table:
    """(N, D) -> (N, D): what a linear model can use of counts and sums."""
    return np.asarray(np.sign(summary) * np.log1p(np.abs(summary)), np.float32)


def _distinct(owner: Ints, day: Ints, n: int) -> Floats:
    """(N,) how many different days each has; the events are in order of owner and time."""
    new = np.ones(len(owner), np.bool_)
    new[1:] = (owner[1:] != owner[:-1]) | (day[1:] != day[:-1])
    return np.bincount(owner, weights=new, minlength=n).astype(np.float64)
