"""Each architecture trains on a real log; needs the data folder (see conftest)."""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path

import duckdb
import pytest
import torch

from sqlscore.events.mapping import Mapping
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.quoting import literal
from sqlscore.training.fit import fit
from sqlscore.training.options import TrainedModel, TrainingOptions

pytestmark = pytest.mark.slow
EPOCHS = {"cnn_bigru": 2, "transformer": 2}  # one reads every prefix anew, one every pair of events; the others take 3
SECONDS = 12
UNIT = 0.5


def seconds_allowed() -> float:
    """SECONDS where a fixed piece of training takes UNIT; a machine that needs longer for it may take longer."""
    layer, events = torch.nn.GRU(32, 64), torch.randn(100, 128, 32)
    began = time.process_time()
    for _ in range(10):
        layer(events)[0].sum().backward()
    return SECONDS * max(1.0, (time.process_time() - began) / UNIT)


@lru_cache
def trained(data: Path, architecture: str) -> TrainedModel:
    path = literal(str(data / "mobile_onboarding/events.parquet"))
    relation = f"(FROM read_parquet({path}) WHERE event_type NOT IN ('lost', 'passed'))"
    options = TrainingOptions(architecture=architecture, max_epochs=EPOCHS.get(architecture, 3), max_events=12_000)
    with duckdb.connect() as con:
        return fit(con, Mapping("events", relation, "user_id", "ts", "event_type", ()), options)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_each_learns_the_onboarding_log_in_a_few_epochs(data: Path, architecture: str) -> None:
    """From less than half of its users. Repeating the last action is far worse there.

    The time is the processor's, for other jobs share the machine.
    """
    allowed = seconds_allowed()
    began = time.process_time()
    manifest = trained(data, architecture).manifest
    took = time.process_time() - began
    assert took < max(allowed, seconds_allowed())
    found = manifest.metrics["next_action"]
    assert found["accuracy"] > found["baselines"]["markov1"]["accuracy"] - 0.02
    assert found["accuracy"] > found["baselines"]["repeat_last"]["accuracy"] + 0.05
    assert manifest.fold == (manifest.max_events is None)


def test_attention_between_actions_is_noted(data: Path) -> None:
    """A view reads it from the manifest: the weights into an action are shares."""
    notes = trained(data, "gat_mingru").manifest.notes["action_attention"]
    actions = {edge["action"] for edge in notes}
    assert len(actions) > 5
    for action in actions:
        weights = [edge["weight"] for edge in notes if edge["action"] == action]
        assert 0 < sum(weights) <= 1.001
        assert weights == sorted(weights, reverse=True)
    assert any(edge["from"] != edge["action"] for edge in notes)
