"""A model whose answers are known by arithmetic, so that tests of the scoring path need no training.

State: code of the last action (all unknown ones alike), number of events, number of events with an unknown
action, sum of the first number.
Next action: the one after the last in the vocabulary, around the corner. Seconds: 60 x number of events, and any from 0
to twice that are as likely.
Churn: sigmoid(days since the last event - number of events / 10).
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sqlscore.events.inputs import Inputs
from sqlscore.scoring.batch import Batch
from sqlscore.scoring.manifest import Manifest
from sqlscore.scoring.torchscript import zipped


class Tiny(nn.Module):
    def __init__(self, n_actions: int) -> None:
        super().__init__()
        self.n_actions = n_actions

    @torch.jit.export
    def encode(
        self,
        batch: Batch,
        hidden: Tensor | None,
        clock: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        categories, numbers, times, offsets = batch.categories, batch.numbers, batch.times, batch.offsets
        size = offsets.size(0) - 1
        h = torch.zeros(size, 4) if hidden is None else hidden.clone()
        c = torch.full((size, 2), -(2**63), dtype=torch.int64) if clock is None else clock.clone()
        for i in range(size):
            start, stop = int(offsets[i]), int(offsets[i + 1])
            if stop > start:
                actions = categories[start:stop, 0]
                h[i, 0] = float(actions[-1].clamp(max=self.n_actions + 1))
                h[i, 1] += stop - start
                h[i, 2] += float((actions > self.n_actions).sum())
                if numbers.size(1) > 0:
                    h[i, 3] += float(numbers[start:stop, 0].nan_to_num().sum())
                if int(c[i, 0]) == -(2**63):
                    c[i, 0] = times[start]
                c[i, 1] = times[stop - 1]
        return h, c

    @torch.jit.export
    def next_logits(self, hidden: Tensor) -> Tensor:
        following = torch.remainder(hidden[:, 0].long(), self.n_actions)  # codes count from 1: the next one's index
        logits = torch.zeros(hidden.size(0), self.n_actions)
        return logits.scatter(1, following.unsqueeze(1), 2.0)

    @torch.jit.export
    def seconds(self, hidden: Tensor) -> Tensor:
        return hidden[:, 1].double() * 60

    @torch.jit.export
    def seconds_at(self, hidden: Tensor, levels: Tensor) -> Tensor:
        return self.seconds(hidden).unsqueeze(1) * 2 * levels

    @torch.jit.export
    def within(self, hidden: Tensor, seconds: Tensor) -> Tensor:
        return (seconds / (2 * self.seconds(hidden))).clamp(max=1.0)

    @torch.jit.export
    def churn(self, hidden: Tensor, elapsed: Tensor) -> Tensor:
        return torch.sigmoid(elapsed / 86400 - hidden[:, 1].double() / 10)

    @torch.jit.export
    def embed(self, hidden: Tensor) -> Tensor:
        return hidden[:, :2]

    def forward(self, hidden: Tensor) -> Tensor:
        return self.next_logits(hidden)


def tiny_artifact(  # noqa: PLR0913 - what a test says of a model
    actions: tuple[str, ...] = ("view", "cart", "buy"),
    numeric: tuple[str, ...] = (),
    categorical: dict[str, tuple[str, ...]] | None = None,
    heads: tuple[str, ...] = ("next_action", "time_to_next", "churn"),
    *,
    fold: bool = True,
    max_events: int | None = None,
    lookback: float = 1e9,
    horizon: float = 86_400.0,
    notes: Mapping[str, object] | None = None,
    capabilities: tuple[str, ...] = ("seconds_at",),
) -> bytes:
    """The model above as an artifact that `register` takes: of format 3, whose code may be any."""
    manifest = Manifest(
        architecture="tiny",
        config={},
        inputs=Inputs(actions, categorical or {}, numeric),
        heads=heads,
        capabilities=capabilities,
        state_size=4,
        embedding_size=2,
        fold=fold,
        max_events=max_events,
        horizon_seconds=horizon if "churn" in heads else None,
        lookback_seconds=lookback if "churn" in heads else None,
        trained_from="2024-01-01T00:00:00",
        trained_to="2024-01-31T00:00:00",
        notes=dict(notes or {}),
        format=3,
    )
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.script(Tiny(len(actions))), buffer)
    return zipped([("manifest.json", manifest.to_json().encode()), ("module.pt", buffer.getvalue())])
