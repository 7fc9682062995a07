"""Bulk scoring: however a batch is cut, and whatever is read once, the states are those of each sequence alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from all_models import INPUTS, made
from small_shop import ARTIFACTS

from sqlscore.events.mapping import SESSION_GAP
from sqlscore.events.sequences import Sequences
from sqlscore.events.sessions import split_sessions
from sqlscore.models.loading import load
from sqlscore.score_tables.rows import encode_both
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.batch import by_length, encode_sequences
from sqlscore.scoring.manifest import sha256_of


def loaded(data: bytes) -> Artifact:
    return load(data, sha256_of(data), "m@1")


class Counting:
    """An artifact that notes how many events it encodes."""

    def __init__(self, artifact: Artifact) -> None:
        self._artifact = artifact
        self.events = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._artifact, name)

    def encode(self, sequences: Sequences, *states: Any) -> Any:
        self.events += int(sequences.offsets[-1])
        return self._artifact.encode(sequences, *states)


@pytest.mark.parametrize("lengths", [[1], [0, 0, 3], [5, 200, 1, 0, 7, 7, 30], [900, 1]])
def test_pieces_hold_every_sequence_once_and_whole(lengths: list[int]) -> None:
    """Unseen actions keep their codes, which the whole batch's table of them explains."""
    batch = encode_sequences(made(lengths, seed=3), INPUTS)
    seen: list[int] = []
    for rows, piece in by_length(batch, events=20):
        assert piece.novel_values is batch.novel_values
        for i, row in enumerate(rows.tolist()):
            seen.append(row)
            own = slice(int(piece.offsets[i]), int(piece.offsets[i + 1]))
            whole = slice(int(batch.offsets[row]), int(batch.offsets[row + 1]))
            for name in ("categories", "times"):
                assert torch.equal(getattr(piece, name)[own], getattr(batch, name)[whole])
            torch.testing.assert_close(piece.numbers[own], batch.numbers[whole], equal_nan=True)
    assert sorted(seen) == list(range(len(lengths)))


def test_a_batch_in_pieces_gives_the_states_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = loaded(ARTIFACTS[1])
    sequences = shop([(i % 9 + 1, 60) for i in range(80)])
    whole = artifact.encode(sequences)
    monkeypatch.setattr("sqlscore.scoring.running.EVENTS", 50)
    pieces = artifact.encode(sequences)
    again = artifact.encode(shop([(2, 60)] * 80, start=10**15), whole)
    assert np.allclose(pieces.hidden, whole.hidden, atol=1e-6)
    assert (pieces.clock == whole.clock).all()
    monkeypatch.undo()
    expected = artifact.encode(shop([(2, 60)] * 80, start=10**15), whole)
    assert np.allclose(again.hidden, expected.hidden, atol=1e-6)


@pytest.mark.parametrize("fold", [True, False])
def test_users_and_sessions_are_those_that_are_encoded_apart(fold: bool) -> None:
    """A fold goes on from the first session; others read a history of one session once."""
    artifact = loaded(ARTIFACTS[1])
    artifact.manifest = replace(artifact.manifest, fold=fold)
    counting = Counting(artifact)
    gap = SESSION_GAP // 1_000_000 + 1
    sequences = shop([(4, 60), (3, gap), (1, 60), (2, gap), (6, 60)])
    sessions, owner = split_sessions(sequences, SESSION_GAP)
    assert np.bincount(owner).tolist() == [1, 3, 1, 2, 1]
    states, of_sessions = encode_both(counting, sequences, sessions, owner)  # type: ignore[arg-type]
    for found, expected in ((states, artifact.encode(sequences)), (of_sessions, artifact.encode(sessions))):
        assert np.allclose(found.hidden, expected.hidden, atol=1e-6)
        assert (found.clock == expected.clock).all()
        assert found.n_events.tolist() == expected.n_events.tolist()
        assert found.n_unknown.tolist() == expected.n_unknown.tolist()
    assert counting.events == (16 + 2 + 1 if fold else 16 + 5)


def shop(users: list[tuple[int, int]], start: int = 0) -> Sequences:
    """Users with so many events, so many seconds apart."""
    lengths = np.array([n for n, _ in users])
    offsets = np.append(0, np.cumsum(lengths)).astype(np.int64)
    times = np.concatenate([start + 10**14 + np.arange(n) * seconds * 10**6 for n, seconds in users])
    actions = pa.array(["view", "cart", "buy", "new"]).take(pa.array(np.arange(offsets[-1]) % 4))
    return Sequences(actions, times.astype(np.int64), offsets, {"price": pa.array(np.arange(offsets[-1]) * 1.0)})
