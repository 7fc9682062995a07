"""What is kept of users from one run on Spark to the next: states of all their events, and of the last session's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sqlscore.arrays import Ints
from sqlscore.errors import EventsError
from sqlscore.events.mapping import SESSION_GAP
from sqlscore.events.sequences import Sequences
from sqlscore.events.sessions import split_sessions
from sqlscore.score_tables.rows import encode_both, rows_of_sessions
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.sql_types import STATE_ARROW
from sqlscore.scoring.states import States
from sqlscore.scoring.states_in_arrow import from_arrow, times_array, to_arrow
from sqlscore.times import iso

MEMORY_ARROW = pa.struct([*STATE_ARROW, ("session_id", pa.int64()), ("session", STATE_ARROW)])
"""A user's state; the number of the user's last session, from 1, and the state of its events."""


@dataclass(frozen=True)
class Memory:
    """Of N users."""

    states: States
    sessions: States  # of the last session of each
    numbers: Ints  # (N,) of that session

    def take(self, users: Ints) -> Memory:
        """Of the users of these numbers, in that order."""
        return Memory(self.states.take(users), self.sessions.take(users), self.numbers[users])


def to_column(memory: Memory, model: str) -> pa.StructArray:
    """(N,) MEMORY_ARROW."""
    columns = to_arrow(memory.states, model).flatten()
    columns += [pa.array(memory.numbers), to_arrow(memory.sessions, model)]
    return pa.StructArray.from_arrays(columns, fields=list(MEMORY_ARROW))


def from_column(column: pa.StructArray) -> Memory:
    """The inverse, for N > 0 users."""
    states = pa.StructArray.from_arrays(
        [column.field(field.name) for field in STATE_ARROW], [field.name for field in STATE_ARROW]
    )
    return Memory(from_arrow(states), from_arrow(column.field("session")), column.field("session_id").to_numpy())


@dataclass(frozen=True)
class Sessions:
    """Rows of sessions, those of one user after those of another, and (N,) how many each of the users has."""

    rows: pa.Table
    counts: Ints


def remember(artifact: Artifact, ids: pa.Array, sequences: Sequences) -> tuple[Memory, Sessions]:
    """Users' whole histories, of one event at least each -> what to keep of them, and a row for each session."""
    sessions, owner = split_sessions(sequences, SESSION_GAP)
    states, of_sessions = encode_both(artifact, sequences, sessions, owner)
    rows = rows_of_sessions(ids, sessions, owner, of_sessions, np.ones(len(sequences), np.int64), artifact)
    counts = np.bincount(owner, minlength=len(sequences))
    return Memory(states, of_sessions.take(np.cumsum(counts) - 1), counts), Sessions(rows, counts)


def go_on(artifact: Artifact, ids: pa.Array, sequences: Sequences, old: Memory) -> tuple[Memory, Sessions]:
    """Users' newer events, one at least each, and what was kept of them -> what to keep now, and rows of sessions.

    The rows are those of new sessions, and of the last one if it has grown.

    Args:
        artifact: a model that folds.
        ids: (N,) users.
        sequences: N sequences, of newer events alone.
        old: of the same N users.

    Raises:
        EventsError: if an event is not newer than those that its user's state has seen.
    """
    first, last_seen = sequences.times[sequences.offsets[:-1]], old.states.clock[:, 1]
    late = np.flatnonzero(first <= last_seen)
    if len(late):
        raise EventsError(
            f"user {ids[late[0]].as_py()!r} has an event at {iso(first[late[0]])}, and the state of that user has seen "
            f"all events up to {iso(last_seen[late[0]])} already: score all events once more, without a run to go on "
            "from, or pass only events that are newer"
        )
    states = artifact.encode(sequences, old.states)
    sessions, owner = split_sessions(sequences, SESSION_GAP)
    begins = np.searchsorted(owner, np.arange(len(sequences)))  # (N,) the first session here of each user
    grown = np.flatnonzero(first - last_seen <= SESSION_GAP)
    of_sessions = artifact.encode(sessions)
    if len(grown):
        longer = artifact.encode(sessions.select(begins[grown]), old.sessions.take(grown))
        of_sessions = of_sessions.put(begins[grown], longer)
    number = old.numbers + 1
    number[grown] -= 1
    rows = rows_of_sessions(ids, sessions, owner, of_sessions, number, artifact)
    started = times_array(of_sessions.clock[:, 0])  # a session that has grown began before these events
    rows = rows.set_column(rows.schema.get_field_index("session_start"), "session_start", started)
    counts = np.bincount(owner, minlength=len(sequences))
    return Memory(states, of_sessions.take(np.cumsum(counts) - 1), number + counts - 1), Sessions(rows, counts)
