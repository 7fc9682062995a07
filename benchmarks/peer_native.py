"""The plain way in DuckDB: a Python function that gets one row at a time, as Python objects."""

from __future__ import annotations

import time

import duckdb
import torch

from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.batch import Batch


def native(con: duckdb.DuckDBPyConnection, table: str, artifact: Artifact) -> tuple[float, int]:
    """(seconds, users): the next action of every user, with the same module. Checked against the bulk scores."""
    codes = {action: i + 1 for i, action in enumerate(artifact.manifest.inputs.actions)}
    actions = artifact.manifest.inputs.actions
    none, start = torch.zeros(0, dtype=torch.int64), torch.zeros(1, dtype=torch.int64)

    def score(events: list[str], micros: list[int]) -> str:
        order = sorted(range(len(events)), key=lambda i: (micros[i], events[i]))
        categories = torch.tensor([[codes[events[i]]] for i in order])
        times = torch.tensor([micros[i] for i in order])
        offsets = torch.tensor([0, len(events)])
        with torch.inference_mode():
            batch = Batch(categories, torch.zeros(len(events), 0), times, offsets, none, start)
            state, _ = artifact.module.encode(batch, None, None)
            return actions[int(artifact.module.next_logits(state)[0].argmax())]

    con.create_function("native_score", score, ["VARCHAR[]", "BIGINT[]"], "VARCHAR")
    query = f"""CREATE OR REPLACE TABLE native AS SELECT user_id, native_score(list(event_type),
        list(epoch_us(event_time))) AS next_action FROM {table} GROUP BY user_id"""
    began = time.perf_counter()
    con.execute(query)
    seconds = time.perf_counter() - began
    different, users = con.execute(
        "SELECT count(*) FILTER (n.next_action <> b.next_action), count(*) FROM native n JOIN bulk b USING (user_id)"
    ).fetchall()[0]
    if different:
        raise SystemExit(f"{different} of {users} users differ from the function per row: no speed is claimed")
    return seconds, users
