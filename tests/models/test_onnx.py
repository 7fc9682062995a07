"""A model as ONNX says in another runtime what it says here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from all_models import CONFIGS, INPUTS, made, random_model

from sqlscore.errors import ModelError
from sqlscore.events.inputs import Inputs
from sqlscore.events.sequences import Sequences
from sqlscore.models.config import ModelConfig
from sqlscore.models.export import MANIFEST, exported
from sqlscore.models.loading import load
from sqlscore.models.onnx.whole import ENCODERS
from sqlscore.models.stored import to_weights
from sqlscore.scoring import tables
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.catalog import UNTRAINED
from sqlscore.scoring.counts import Counts
from sqlscore.scoring.head_outputs import action_probabilities, churn_risk, representations, seconds_to_next_event
from sqlscore.scoring.manifest import Manifest, pack, read_manifest, sha256_of
from sqlscore.scoring.recency import Recency
from sqlscore.scoring.weights import write_weights

pytest.importorskip("onnx", reason="exporting as ONNX needs onnx")
runtime: Any = pytest.importorskip("onnxruntime", reason="what was exported is run by onnxruntime")

DAY = 86_400_000_000
BATCHES = ([1], [2], [7, 1, 3], [60], [300, 1, 64, 65, 2])
"""Lengths of the users of a batch; windows are of 64 and 256 events."""


def session_of(data: bytes) -> Any:
    file = exported(data, "m@1", "onnx")
    session = runtime.InferenceSession(file, providers=["CPUExecutionProvider"])
    assert Manifest.from_json(session.get_modelmeta().custom_metadata_map[MANIFEST]) == read_manifest(data)
    return session


def assert_alike(session: Any, artifact: Artifact, events: Sequences, silence: int) -> None:
    """Every output, of silence within and past the lookback."""
    columns, states = artifact.columns(events), artifact.encode(events)
    as_of = events.times[events.offsets[1:] - 1] + silence * np.arange(len(events.offsets) - 1, 0, -1)
    wanted = {
        "probabilities": action_probabilities(artifact, states.hidden),
        "representation": representations(artifact, states.hidden),
        "seconds": np.log1p(seconds_to_next_event(artifact, states.hidden)),  # heads say logarithms
    }
    if "churn" in artifact.manifest.heads:
        wanted["churn_risk"] = churn_risk(artifact, states.hidden, states.clock, as_of)
    assert {output.name for output in session.get_outputs()} == set(wanted)
    given = {**columns._asdict(), "as_of": as_of}
    asked = {each.name: given[each.name] for each in session.get_inputs()}
    for name, found in zip(wanted, session.run(list(wanted), asked), strict=True):
        found = np.log1p(found) if name == "seconds" else found
        np.testing.assert_allclose(
            found, np.asarray(wanted[name]), rtol=1e-5, atol=1e-5, err_msg=f"{name} of {np.diff(events.offsets)} events"
        )


@pytest.mark.parametrize("inputs", [INPUTS, Inputs(("view", "cart"), {}, ())], ids=["features", "actions alone"])
@pytest.mark.parametrize("weight", [0.5, 1.0])
@pytest.mark.parametrize("name", sorted(CONFIGS))
def test_another_runtime_scores_alike(name: str, inputs: Inputs, weight: float) -> None:
    """Known and unknown actions, missing values, ties, one event and many, one user and several."""
    config = ModelConfig(**{**vars(CONFIGS[name]), "embedding": 8, "hidden": 8, "width": 16})
    model, manifest = random_model(config, inputs)
    model.counts.network_weight = weight
    if "churn" in manifest.heads:
        manifest = Manifest(**{**vars(manifest), "lookback_seconds": 30 * 86_400.0})
    data = pack(to_weights(model), manifest)
    artifact, session = load(data, sha256_of(data), "m@1"), session_of(data)
    for seed, lengths in enumerate(BATCHES):
        assert_alike(session, artifact, made(lengths, seed=seed), seed * 20 * DAY)


def counted() -> tuple[Counts, Manifest]:
    """Tables of counts with churn, as a first model has them before anything is trained."""
    model, manifest = random_model(ModelConfig(architecture="markov"))
    data = pack(to_weights(model), manifest)
    counts = load(data, sha256_of(data), "m@1").counts
    assert counts is not None
    random = np.random.default_rng(1)
    pace, silence = 10.0 ** np.array([3.0, 6.0, 9.0]), 10.0 ** np.array([4.0, 7.0])
    cells = np.sort(random.choice(5 * 3 * (len(INPUTS.actions) + 2), 400, replace=False))
    risks = random.random(5 * 3 + 400).astype(np.float32)
    recency = Recency(pace, silence, risks[:15].reshape(5, 3), cells, risks[15:], np.array(len(INPUTS.actions) + 2))
    counts = replace(counts, recency=recency)
    heads = ("next_action", "time_to_next", "churn")
    return counts, replace(
        manifest, architecture=UNTRAINED, heads=heads, state_size=counts.state_size, lookback_seconds=30 * 86_400.0
    )


def test_counts_score_alike() -> None:
    counts, manifest = counted()
    data = pack(write_weights(counts.to_weights()), manifest)
    artifact, session = load(data, sha256_of(data), "m@1"), session_of(data)
    for seed, lengths in enumerate(BATCHES):
        assert_alike(session, artifact, made(lengths, seed=seed), seed * 20 * DAY)


def test_counts_are_no_module_of_torch() -> None:
    counts, manifest = counted()
    with pytest.raises(ModelError, match="m@1 is tables of counts, .* export it as onnx or safetensors"):
        exported(pack(write_weights(counts.to_weights()), manifest), "m@1", "torchscript")


@pytest.mark.parametrize("name", ["gru", "markov"])
def test_counts_that_are_too_many_are_refused_with_the_way_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, manifest = random_model(CONFIGS[name])
    monkeypatch.setattr(tables, "CELLS", 100)
    with pytest.raises(ModelError, match="its counts are too many .* export it as (torchscript|safetensors)"):
        exported(pack(to_weights(model), manifest), "m@1", "onnx")


def test_every_architecture_is_written() -> None:
    assert {config.architecture for config in CONFIGS.values()} - {"markov"} == set(ENCODERS)
