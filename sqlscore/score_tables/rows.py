"""Batches of users -> rows of score tables."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from sqlscore.arrays import Ints
from sqlscore.database.scan import EVENTS_PER_BATCH, Content, Users
from sqlscore.events.mapping import SESSION_GAP
from sqlscore.events.sequences import Sequences
from sqlscore.events.sessions import split_sessions
from sqlscore.score_tables.moments import moments_of
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.head_outputs import churn_summary
from sqlscore.scoring.scores import score_states
from sqlscore.scoring.sql_types import SCORE_ARROW, STATE_ARROW
from sqlscore.scoring.states import States
from sqlscore.scoring.states_in_arrow import float_lists, to_arrow

_STATES_BYTES = 28 << 20


@dataclass(frozen=True)
class Rows:
    """The rows that a batch of users adds to the tables."""

    states: pa.Table
    scores: pa.Table
    sessions: pa.Table
    n_events: int  # encoded for the users' states


def score_users(artifact: Artifact, users: Users, as_of: int) -> Rows:
    """Users with their whole histories -> rows; users without a usable event have none."""
    ids, sequences, content = present(users)
    sessions, owner = split_sessions(sequences, SESSION_GAP)
    states, of_sessions = encode_both(artifact, sequences, sessions, owner)
    return Rows(
        state_rows(ids, states, content, artifact),
        score_rows(ids, states, moments_of(sequences, as_of), artifact),
        rows_of_sessions(ids, sessions, owner, of_sessions, np.ones(len(sequences), np.int64), artifact),
        int(sequences.offsets[-1]),
    )


def encode_both(artifact: Artifact, sequences: Sequences, sessions: Sequences, owner: Ints) -> tuple[States, States]:
    """Encode users and their sessions -> (N,) states of users, (M,) states of sessions.

    Most events are encoded once. The first session of a user is the beginning of the user's history, so a model that
    folds continues from its state. Other models need the whole history again, unless it is a single session.
    """
    counts = np.bincount(owner, minlength=len(sequences))
    first = np.append(0, np.cumsum(counts))[:-1]  # (N,) of each user's sessions
    several = np.flatnonzero(counts > 1)
    if not artifact.manifest.fold:
        states = artifact.encode(sequences)
        of_sessions = states.take(owner)
        others = np.flatnonzero(counts[owner] > 1)
        if len(others):
            of_sessions = of_sessions.put(others, artifact.encode(sessions.select(others)))
        return states, of_sessions
    of_sessions = artifact.encode(sessions)
    begun = of_sessions.take(first)
    if not len(several):
        return begun, of_sessions
    second = sessions.offsets[first[several] + 1]
    halves = replace(sequences, offsets=np.union1d(sequences.offsets, second), high_water=None)
    rest = halves.select(np.searchsorted(halves.offsets, second))
    return begun.put(several, artifact.encode(rest, begun.take(several))), of_sessions


def state_rows(ids: pa.Array, states: States, content: Content, artifact: Artifact) -> pa.Table:
    """Rows of the table of states, for (N,) users, their states, and the sums of the hashes of their events."""
    columns = to_arrow(states, artifact.name).flatten()
    summary = pa.nulls(len(ids), pa.list_(pa.float32()))
    if artifact.keeps_churn_summary:
        summary = float_lists(churn_summary(artifact, states.hidden))
    names = ["user_id", *_names(STATE_ARROW), "standing", "content"]
    return pa.table([ids, *columns, summary, pa.array(content)], names)


def score_rows(ids: pa.Array, states: States, as_of: Ints, artifact: Artifact) -> pa.Table:
    """Rows of scores, for (N,) users, their states, and the moment of each, µs."""
    columns = score_states(artifact, states, as_of).flatten()
    return pa.table([ids, *columns], ["user_id", *_names(SCORE_ARROW)])


def score_at(artifact: Artifact, users: Users, as_of: int) -> pa.Table:
    """Users' events -> a row of scores for each user with a usable event, at one moment, µs, or that of its groups."""
    ids, sequences, _ = present(users)
    return score_rows(ids, artifact.encode_to_score(sequences), moments_of(sequences, as_of), artifact)


def session_rows(ids: pa.Array, sequences: Sequences, first_session: Ints, artifact: Artifact) -> pa.Table:
    """Users' events -> one row per session, scored from its own events alone, as of its end.

    Args:
        ids: (N,) users.
        sequences: N sequences of their events.
        first_session: (N,) the number of each user's first session here.
        artifact: The model that scores.
    """
    sessions, owner = split_sessions(sequences, SESSION_GAP)
    return rows_of_sessions(ids, sessions, owner, artifact.encode(sessions), first_session, artifact)


def rows_of_sessions(
    ids: pa.Array, sessions: Sequences, owner: Ints, states: States, first_session: Ints, artifact: Artifact
) -> pa.Table:
    """(N,) users, M sessions, whose each is, and their states -> M rows; parameters otherwise as `session_rows`."""
    counts = np.bincount(owner, minlength=len(ids))
    number = np.arange(len(sessions)) - np.append(0, np.cumsum(counts))[owner]
    starts, ends = sessions.times[sessions.offsets[:-1]], sessions.times[sessions.offsets[1:] - 1]
    columns = score_states(artifact, states, ends).flatten()
    return pa.table(
        [
            ids.take(pa.array(owner)),
            pa.array(number + first_session[owner]),
            pa.array(starts).view(pa.timestamp("us")),
            pa.array(ends).view(pa.timestamp("us")),
            *columns,
        ],
        ["user_id", "session_id", "session_start", "session_end", *_names(SCORE_ARROW)],
    )


def events_in_history(artifact: Artifact) -> int:
    """How many events of a batch have a state each: the C library keeps blocks of up to 32 MiB for the next batch,
    and asks for larger ones page by page, which took a tenth of all time."""
    return min(EVENTS_PER_BATCH, _STATES_BYTES // (4 * artifact.manifest.state_size))


def history_rows(artifact: Artifact, users: Users) -> pa.Table:
    """Users' events -> one row per event, scored from the events up to it alone, as of its time."""
    ids, sequences, _ = present(users)
    owner = np.repeat(np.arange(len(sequences)), sequences.lengths)
    columns = score_states(artifact, artifact.encode_each(sequences), sequences.times).flatten()
    return pa.table(
        [ids.take(pa.array(owner)), pa.array(sequences.times).view(pa.timestamp("us")), sequences.actions, *columns],
        ["user_id", "event_time", "event_type", *_names(SCORE_ARROW)],
    )


def present(users: Users) -> Users:
    """The users that have at least one usable event."""
    present = np.flatnonzero(users.sequences.lengths > 0)
    if len(present) == len(users.sequences):
        return users
    return Users(users.ids.take(pa.array(present)), users.sequences.select(present), users.content[present])


def _names(kind: pa.StructType) -> list[str]:
    return [kind.field(i).name for i in range(kind.num_fields)]
