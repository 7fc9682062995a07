"""Tables of counts give the states and answers of the module that they were taken from, and need no torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from all_models import INPUTS, made

import sqlscore
from sqlscore.arrays import Ints
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.models.config import ModelConfig
from sqlscore.models.export import script
from sqlscore.models.stored import to_weights
from sqlscore.scoring import tables
from sqlscore.scoring.batch import batch_of
from sqlscore.scoring.counts import Counts
from sqlscore.scoring.encoding import Columns, encode_columns
from sqlscore.scoring.weights import read_weights

LENGTHS = [7, 0, 1, 60, 2, 33]


def both(cells: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Counts]:
    """A model that counted random contexts, as a module and as tables; `cells` decides whether they are frozen."""
    monkeypatch.setattr(tables, "CELLS", cells)
    model: Any = ARCHITECTURES["markov"].build(ModelConfig(architecture="markov"), INPUTS)
    random, wide, known = np.random.default_rng(0), len(INPUTS.actions) + 2, len(INPUTS.actions)
    contexts: list[Ints] = []
    ends = [0]
    for n in range(model.order):
        shorter = random.choice(contexts[-1], 4 + 12 * n) if n else 0  # what follows the newest action was seen too
        seen = np.unique(shorter + random.integers(0, wide, 4 + 12 * n) * wide**n)
        contexts.append(seen)
        ends.append(ends[-1] + len(seen))
    context = np.concatenate(contexts)
    follow = [random.choice(known, random.integers(1, known + 1), replace=False) for _ in context]
    sizes = np.array([len(actions) for actions in follow])
    count = random.random(sizes.sum()).astype(np.float32) * 5
    start = np.append(0, np.cumsum(sizes))
    share = random.random(known).astype(np.float32)
    arrays = {
        "context": context,
        "start": start,
        "total": np.add.reduceat(count, start[:-1]),
        "action": np.concatenate(follow),
        "count": count,
        "share": share / share.sum(),
    }
    for name, values in arrays.items():
        setattr(model.counts, name, torch.from_numpy(values))
    model.counts.ends = ends
    levels = np.sort(random.random((wide, model.log_seconds.shape[1])) * 12, 1)
    model.log_seconds.copy_(torch.from_numpy(levels))
    return script(model), Counts.of_weights(read_weights(to_weights(model)), known, model.counted)


def events(seed: int) -> Columns:
    return encode_columns(made(LENGTHS, seed=seed), INPUTS)


@pytest.mark.parametrize("cells", [0, 1_000_000])
def test_tables_answer_as_the_module_does(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """After new users, advanced ones, empty sequences, and unknown actions."""
    module, counts = both(cells, monkeypatch)
    assert len(counts.frozen) == (0 if cells == 0 else 1 + len(counts.context))
    first, second = events(1), events(2)
    with torch.inference_mode():
        began = module.encode(batch_of(first), None, None)
        states, clock = module.encode(batch_of(second), *began)
        each, each_clock = module.encode_each(batch_of(second), None, None)
    ours = counts.encode(first, None, None)
    np.testing.assert_array_equal(ours[0], began[0].numpy())
    np.testing.assert_array_equal(ours[1], began[1].numpy())
    ours = counts.encode(second, *ours)
    np.testing.assert_array_equal(ours[0], states.numpy())
    np.testing.assert_array_equal(ours[1], clock.numpy())
    ours_each = counts.encode_each(second)
    np.testing.assert_array_equal(ours_each[0], each.numpy())
    np.testing.assert_array_equal(ours_each[1], each_clock.numpy())
    levels = np.random.default_rng(3).random((len(each), 4))
    levels[:, :2] = 0.0, 1.0
    seconds = np.random.default_rng(4).random(len(each)) * np.exp(np.linspace(0, 14, len(each)))
    hidden = each.numpy()
    with torch.inference_mode():
        near: dict[str, tuple[Any, torch.Tensor]] = {
            "probabilities": (counts.probabilities(hidden), torch.softmax(module.next_logits(each), 1)),
            "seconds": (counts.seconds(hidden), module.seconds(each)),
            "seconds_at": (counts.seconds_at(hidden, levels), module.seconds_at(each, torch.from_numpy(levels))),
            "within": (counts.within(hidden, seconds), module.within(each, torch.from_numpy(seconds))),
            "representations": (counts.representations(hidden), module.embed(each)),
        }
    for name, (found, expected) in near.items():
        np.testing.assert_allclose(found, expected.numpy(), rtol=1e-4, atol=1e-5, err_msg=name)


def test_states_that_are_only_scored_lack_the_tally_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No score reads it."""
    counts = both(1_000_000, monkeypatch)[1]
    whole, short = counts.encode(events(1), None, None), counts.encode(events(1), None, None, tally=False)
    order = int(counts.order)
    np.testing.assert_array_equal(short[0][:, :order], whole[0][:, :order])
    assert not short[0][:, order:].any()
    np.testing.assert_array_equal(short[1], whole[1])


SCORE = """
import sys, sqlscore
con = sqlscore.connect(sys.argv[1])
rows = con.execute("SELECT predict_next_action(e), predict_next_actions(e), (score_events(e)).model FROM shop e "
                   "GROUP BY user_id").fetchall()
con.execute("SELECT list_predict_next_action(['view']), list_predict_next_actions(['view'])").fetchall()
assert "pandas" not in sys.modules  # a sixth of a second
con.execute("SELECT list_predict_path(['view'], 3), list_best_next_action(['view'], ['buy'], goal := 'buy', n := 3)")
assert rows and rows[0][2] == "events@1", rows
sqlscore.refresh(con)
sqlscore.score_history(con, into="history")
sqlscore.materialize(con, "shop", into="scores")
con.close()
heavy = {"torch", "scipy", "sklearn", "prompt_toolkit", "rich", "mlflow", "typer"}
print("\\nimported", *sorted(heavy & set(sys.modules)))
"""


def test_a_process_that_scores_by_counts_imports_no_torch(tmp_path: Path) -> None:
    """Nor anything else that scoring does without; a model of torch may import torch, and none of the others."""
    path = tmp_path / "shop.duckdb"
    with sqlscore.connect(path) as con:
        con.execute(
            """CREATE TABLE shop AS SELECT i % 40 AS user_id, TIMESTAMP '2024-01-01' + to_hours(i) AS event_time,
                   ['view', 'cart', 'buy'][(i // 40) % 3 + 1] AS event_type FROM range(1200) t(i)"""
        )
        sqlscore.map_events(con, "shop")
        sqlscore.train(con, architecture="markov")
    # the engine may show its progress before the last line
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCORE, str(path)], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout.splitlines()[-1]) == (0, "imported"), ran.stderr
