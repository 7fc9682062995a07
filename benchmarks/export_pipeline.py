"""What people do today: events to pandas, groupby, padded batches of 512 through the model, scores written back."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pandas as pd
import torch
from torch import Tensor

from sqlscore.models.ragged.arithmetic import gaps_of, no_time
from sqlscore.scoring.batch import Batch

BATCH = 512


def export_and_score(con: duckdb.DuckDBPyConnection, model: Any, actions: tuple[str, ...], threads: int = 2) -> None:
    """Write table `exported_scores` (user_id, next_action, churn_risk) with the same weights as the SQL functions."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    frame = con.execute("SELECT user_id, event_time, event_type FROM events").df()
    newest = frame["event_time"].max()
    code = {action: i + 1 for i, action in enumerate(actions)}
    frame["code"] = frame["event_type"].map(code)
    frame = frame.sort_values(["user_id", "event_time", "event_type"], kind="stable")
    frame["us"] = frame["event_time"].astype("datetime64[us]").astype("int64")
    grouped = frame.groupby("user_id", sort=False)
    users, sequences = [], []
    for user, events in grouped[["code", "us"]]:
        users.append(user)
        sequences.append((events["code"].to_numpy(), events["us"].to_numpy()))
    as_of = int(pd.Timestamp(newest).as_unit("us").value)
    chosen, risks = [], []
    with torch.inference_mode():
        for start in range(0, len(users), BATCH):
            state, clock = _padded(model, sequences[start : start + BATCH])
            elapsed = (as_of - clock[:, 1].double()) / 1e6
            chosen.append(model.next_logits(state).argmax(1).numpy())
            risks.append(model.churn(state, elapsed).numpy())
    result = pd.DataFrame(
        {
            "user_id": users,
            "next_action": np.array(actions, dtype=object)[np.concatenate(chosen)],
            "churn_risk": np.concatenate(risks),
        }
    )
    con.register("exported", result)
    con.execute("CREATE OR REPLACE TABLE exported_scores AS SELECT * FROM exported")
    con.unregister("exported")
    torch.set_num_threads(before)


def _padded(model: Any, sequences: list[tuple[np.ndarray, np.ndarray]]) -> tuple[Tensor, Tensor]:
    """States of a batch through padded tensors: the recurrent part runs on (batch, longest), padding included."""
    lengths = torch.tensor([len(codes) for codes, _ in sequences])
    n, longest = len(sequences), int(lengths.max())
    codes = torch.zeros(n, longest, dtype=torch.int64)
    times = torch.zeros(n, longest, dtype=torch.int64)
    for row, (action, us) in enumerate(sequences):
        codes[row, : len(action)] = torch.tensor(action)
        times[row, : len(us)] = torch.tensor(us)
    inside = torch.arange(longest) < lengths.unsqueeze(1)
    flat_codes, flat_times = codes[inside], times[inside]
    offsets = torch.cat([torch.zeros(1, dtype=torch.int64), lengths.cumsum(0)])
    clock = torch.full((n, 2), no_time())
    gaps, known = gaps_of(flat_times, offsets, clock[:, 1])
    none = torch.zeros(0, dtype=torch.int64)
    absent = torch.zeros(len(flat_codes), 0)
    batch = Batch(flat_codes.unsqueeze(1), absent, flat_times, offsets, none, torch.zeros(1, dtype=torch.int64))
    numbers = model.embedding.standardise(absent)
    x = model.embedding(batch, numbers, gaps, known)
    padded = x.new_zeros(n, longest, x.shape[1])
    padded[inside] = x
    hidden = _recurrent(model.encoder, padded.transpose(0, 1))[lengths - 1, torch.arange(n)]
    summary, after = model.summary(
        flat_codes, numbers, flat_times, offsets, gaps, known, torch.zeros(n, model.summary.size), clock, False
    )
    return torch.cat([hidden, summary], 1), after


def _recurrent(encoder: Any, x: Tensor) -> Tensor:
    """(L, N, E) -> (L, N, S): a library's GRU, or the layers of a minGRU one step after the other."""
    if hasattr(encoder, "gru"):
        outputs: Tensor = encoder.gru(x)[0]
        return outputs
    layers = []
    for keep, candidate in zip(encoder.keep, encoder.candidate, strict=True):
        gates, own = torch.sigmoid(keep(x)), candidate(x)
        h, found = torch.zeros_like(own[0]), []
        for z, c in zip(gates, own, strict=True):
            h = z * h + (1 - z) * c
            found.append(h)
        x = torch.stack(found)
        layers.append(x)
    return torch.cat(layers[::-1], 2)
