"""Heat maps of attention: where a model looks in one user's history, in a batch of them, and between actions.

Attention is a part of the computation, not an explanation of a score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import torch

from sqlscore.arrays import Floats, Ints
from sqlscore.database.scan import Users, scan
from sqlscore.errors import PlotError
from sqlscore.events.mapping import Mapping
from sqlscore.events.sequences import Sequences
from sqlscore.quoting import identifier
from sqlscore.reporting.plots.evidence import minute
from sqlscore.reporting.plots.learning_curves import learned
from sqlscore.reporting.plots.style import blank, escaped, labels, plain, shortened, titled
from sqlscore.reporting.theme import COLOURS, HEAT
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.batch import encode_sequences, select_events
from sqlscore.scoring.notes import TrainingNotes
from sqlscore.scoring.torch_heads import attention_weights

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SHOWN = 20  # newest events of a user, and steps back in a batch
_USERS = 40  # of a batch
_ACTIONS = 12  # with a bar of their own


@dataclass(frozen=True)
class Attended:
    """One user's events in time order, and how much the last one's prediction attends to each: sums to 1."""

    user: str
    actions: list[str]  # n
    times: Ints  # (n,)
    weights: Floats  # (n,)


def of_user(con: duckdb.DuckDBPyConnection, mapping: Mapping, artifact: Artifact, user: str, facts: str) -> Figure:
    """Rows: the prediction after each of the user's newest events; columns: the events it attends to, up to itself.

    Raises PlotError if the user has no events or the model no attention.
    """
    _require(artifact)
    name = identifier(mapping.user_id)
    read = [part.sequences for part in _read(con, mapping, f"CAST({name} AS VARCHAR) = ?", [user])]
    if not read or not len(read[0].times):
        raise PlotError(f'no usable event has {mapping.user_id} = "{user}": pass the id as it stands in the events')
    sequences = read[0]
    events = [str(action) for action in sequences.actions.to_pylist()]
    size = len(events)
    shown = min(size, _SHOWN)
    rows = np.zeros((shown, shown + 1))  # the first column: all older events together
    for row, end in enumerate(range(size - shown + 1, size + 1)):
        weights = np.zeros(size)
        weights[:end] = _weights(artifact, sequences, end)
        rows[row] = [weights[: size - shown].sum(), *weights[size - shown :]]
    if size == shown:
        rows = rows[:, 1:]
    first = size - shown + 1
    names = escaped([f"{at}  {shortened(event)}" for at, event in enumerate(events[-shown:], start=first)])
    columns = names if size == shown else [f"the {size - shown:,} before", *names]
    figure = blank(4.6 + 0.4 * len(columns), 3.6 + 0.3 * shown)
    axes = figure.subplots()
    shares = np.ma.masked_where(np.triu(np.ones_like(rows, np.bool_), 1 + len(columns) - shown), rows)
    if size > shown:
        for row, share in enumerate(rows[:, 0]):
            axes.text(0, row, f"{share:.0%}", ha="center", va="center", fontsize=7)
        shares[:, 0] = np.ma.masked  # many events in one cell would be darker than any other
    image = axes.imshow(shares, cmap=HEAT, vmin=0, aspect="auto")
    axes.set_xticks(range(len(columns)), columns, rotation=45, ha="right", rotation_mode="anchor", fontsize=8)
    axes.set_yticks(range(shown), names, fontsize=8)
    axes.set_xlabel("attends to this event")
    axes.set_ylabel("predicting after this event")
    figure.colorbar(image, ax=axes, label="attention (a row sums to 1)", shrink=0.8)
    titled(figure, f"Attention, user {shortened(user, 60)}", facts, f"{size:,} events, {_period([sequences.times])}")
    return figure


def of_batch(con: duckdb.DuckDBPyConnection, mapping: Mapping, artifact: Artifact, facts: str) -> Figure:
    """Left: some users' attention by how many events back; right: what it falls on, beside how often that occurs.

    The users are those with at least two events whose ids' hashes come first: the same each time.
    Raises PlotError if the model has no attention, or if nobody has two events.
    """
    _require(artifact)
    batch = sample(con, mapping, artifact)
    if not batch:
        raise PlotError("no user has two events, so there is no attention to show: map more events")
    batch.sort(key=lambda one: -len(one.actions))
    steps = min(_SHOWN, len(batch[0].actions))
    rows = np.full((len(batch), steps), np.nan)
    for row, one in enumerate(batch):
        newest = one.weights[::-1][:steps]
        rows[row, : len(newest)] = newest
    figure = blank(11.0, 6.4)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    image = left.imshow(np.ma.masked_invalid(rows), cmap=HEAT, vmin=0, aspect="auto", interpolation="nearest")
    left.invert_xaxis()
    left.xaxis.get_major_locator().set_params(integer=True)
    left.set_yticks([])
    left.set_xlabel("events back (0: the last one, on the right)")
    left.set_ylabel(f"{len(batch)} users, longest history at the top")
    figure.colorbar(image, ax=left, label="attention of the last event", shrink=0.8, location="bottom")
    _by_action(right, batch)
    events = sum(len(one.actions) for one in batch)
    period = _period([one.times for one in batch])
    titled(figure, f"Attention of a batch of {len(batch)} users", facts, f"{events:,} events, {period}")
    return figure


def between_actions(artifact: Artifact, facts: str) -> Figure:
    """The graph of actions that a model with graph attention learned: how much each action's meaning takes from others.

    Raises PlotError if the model has no attention.
    """
    edges = TrainingNotes.from_json(artifact.manifest.notes).action_attention
    if not edges:
        _require(artifact)
        raise PlotError(f"{artifact.name} noted no attention between actions")
    known = {name: place for place, name in enumerate(artifact.manifest.inputs.actions)}
    names = sorted({edge["action"] for edge in edges}, key=lambda name: known[name])[:_SHOWN]
    place = {name: at for at, name in enumerate(names)}
    rows = np.zeros((len(names), len(names)))
    for edge in edges:
        if edge["action"] in place and edge["from"] in place:
            rows[place[edge["action"]], place[edge["from"]]] = edge["weight"]
    shown = labels(names)
    figure = blank(4.4 + 0.42 * len(names), 3.6 + 0.34 * len(names))
    axes = figure.subplots()
    image = axes.imshow(rows, cmap=HEAT, vmin=0, aspect="auto")
    axes.set_xticks(range(len(names)), shown, rotation=45, ha="right", rotation_mode="anchor", fontsize=8)
    axes.set_yticks(range(len(names)), shown, fontsize=8)
    axes.set_xlabel("from this action")
    axes.set_ylabel("action")
    figure.colorbar(image, ax=axes, label="attention, mean over heads", shrink=0.8)
    titled(figure, f"Attention between the {len(names)} most frequent actions", facts, learned(artifact.manifest))
    return figure


def sample(con: duckdb.DuckDBPyConnection, mapping: Mapping, artifact: Artifact) -> list[Attended]:
    """The batch: up to 40 users with two events or more."""
    user = identifier(mapping.user_id)
    chosen = (
        f"{user} IN (SELECT {user} FROM {mapping.relation} WHERE {user} IS NOT NULL GROUP BY {user} "
        f"HAVING count(*) > 1 ORDER BY md5(CAST({user} AS VARCHAR)) LIMIT {_USERS})"
    )
    attended = []
    for part in _read(con, mapping, chosen, []):
        sequences, weights = part.sequences, _weights(artifact, part.sequences, None)
        for user_id, start, end in zip(part.ids, sequences.offsets[:-1], sequences.offsets[1:], strict=True):
            if end - start > 1:
                actions = [str(action) for action in sequences.actions.slice(start, end - start).to_pylist()]
                attended.append(Attended(str(user_id), actions, sequences.times[start:end], weights[start:end]))
    return attended


def has_attention(artifact: Artifact) -> bool:
    """Whether the model can say which events of a history it attends to."""
    return "attention" in artifact.manifest.capabilities


def _read(con: duckdb.DuckDBPyConnection, mapping: Mapping, condition: str, parameters: list[str]) -> list[Users]:
    """The events of the users that satisfy a condition in SQL."""
    with con.cursor() as cursor:
        return list(scan(cursor, mapping, where=condition, parameters=parameters))


def _weights(artifact: Artifact, sequences: Sequences, end: int | None) -> Floats:
    """(T,) attention over the events of all sequences; with `end`, over the first `end` events of the only one."""
    batch = encode_sequences(sequences, artifact.manifest.inputs).to(artifact.device)
    if end is not None:
        first = torch.arange(end, device=artifact.device)
        batch = select_events(batch, first, torch.tensor([0, end], device=artifact.device))
    return np.asarray(attention_weights(artifact, batch).numpy())


def _period(times: list[Ints]) -> str:
    known = np.concatenate(times)
    return f"{minute(int(known.min()))} to {minute(int(known.max()))}"


def _by_action(axes: Axes, batch: list[Attended]) -> None:
    actions = np.array([action for one in batch for action in one.actions])
    weights = np.concatenate([one.weights for one in batch])
    names, codes = np.unique(actions, return_inverse=True)
    attention = np.bincount(codes, weights) / len(batch)
    share = np.bincount(codes) / len(codes)
    shown = np.argsort(-attention, kind="stable")[:_ACTIONS][::-1]
    at = np.arange(len(shown))
    plain(axes, "share", "", "what it falls on")
    axes.barh(at + 0.2, attention[shown], 0.38, color=COLOURS[0], label="of the attention")
    axes.barh(at - 0.2, share[shown], 0.38, color=COLOURS[4], label="of the events")
    axes.set_yticks(at, labels([str(names[i]) for i in shown]), fontsize=8)
    axes.legend(fontsize=8, frameon=False, loc="lower right")


def _require(artifact: Artifact) -> None:
    if not has_attention(artifact):
        raise PlotError(
            f"{artifact.name} ({artifact.manifest.architecture}) has no attention: train a transformer or an "
            "attention_rnn for attention over events, a gat_mingru for attention between actions"
        )
