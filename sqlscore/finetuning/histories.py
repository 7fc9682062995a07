"""Where labels stand in the events of their users, in a model's codes: what an encoder is tuned on."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import numpy as np

from sqlscore.arrays import Ints
from sqlscore.database.events_query import canonical, columns_read, usable_events
from sqlscore.database.scan import scan
from sqlscore.events.mapping import Mapping
from sqlscore.finetuning.label_checks import TABLE
from sqlscore.finetuning.labels import Labels
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.batch import Batch, batch_of, join
from sqlscore.scoring.encoding import encode_columns

_LONGEST = 1_024  # newest events of a user that are read, as a training does


def histories_of(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, model: Artifact, labels: Labels
) -> tuple[Batch, Ints, Ints]:
    """The events of every user with labels up to the last of these, each once.

    Args:
        con: The connection that has TABLE.
        mapping: The events.
        model: In whose codes.
        labels: What `read_labels` gave.

    Returns:
        The events, int64 (N,) which sequence each label is of, and int64 (N,) the newest of all events up to its
        moment; -1 if that is too long before the user's newest one to be read.
    """
    query = (
        f"WITH u AS (SELECT user_id, max(as_of) AS until, dense_rank() OVER (ORDER BY user_id) AS user FROM {TABLE} "
        f"GROUP BY user_id) SELECT u.user AS user_id, {columns_read(mapping)} "
        f"FROM ({usable_events(con, mapping)}) e JOIN u ON u.user_id = e.user_id AND e.event_time <= u.until"
    )
    parts, users, times = [], [], []
    for found in scan(con, replace(canonical(mapping, query), group=None)):
        sequences = found.sequences.newest(_LONGEST)
        parts.append(batch_of(encode_columns(sequences, model.manifest.inputs)))
        users.append(found.ids.to_numpy().astype(np.int64))
        times += np.split(sequences.times, sequences.offsets[1:-1])
    events = join(parts, len(model.manifest.inputs.actions))
    place = np.full(int(labels.user.max()) + 1, -1, np.int64)
    every = np.concatenate(users)
    place[every] = np.arange(len(every))
    sequence = place[labels.user]
    inside = [np.searchsorted(times[of], moment, "right") for of, moment in zip(sequence, labels.as_of, strict=True)]
    position = np.where(np.array(inside) > 0, events.offsets.numpy()[sequence] + np.array(inside) - 1, -1)
    return events, sequence, position
