"""A model as ONNX says in another runtime what it says here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from all_models import CONFIGS, INPUTS, made, random_model

from sqlscore.errors import ModelError
from sqlscore.events.inputs import Inputs
from sqlscore.models.config import ModelConfig
from sqlscore.models.export import MANIFEST, exported
from sqlscore.models.loading import load
from sqlscore.models.onnx_model import OFFERED
from sqlscore.models.stored import to_weights
from sqlscore.scoring.head_outputs import all_heads, representations
from sqlscore.scoring.manifest import Manifest, pack, read_manifest, sha256_of

pytest.importorskip("onnx", reason="exporting as ONNX needs onnx")
runtime: Any = pytest.importorskip("onnxruntime", reason="what was exported is run by onnxruntime")

DAY = 86_400_000_000


@pytest.mark.parametrize("inputs", [INPUTS, Inputs(("view", "cart"), {}, ())], ids=["features", "actions alone"])
@pytest.mark.parametrize("weight", [0.5, 1.0])
def test_another_runtime_scores_alike(inputs: Inputs, weight: float) -> None:
    """Known and unknown actions, missing values, ties, one event and many; silence within and past the lookback."""
    model, manifest = random_model(ModelConfig(embedding=8, hidden=8, width=16), inputs)
    model.counts.network_weight = weight
    manifest = Manifest(**{**vars(manifest), "lookback_seconds": 30 * 86_400.0})
    data = pack(to_weights(model), manifest)
    artifact = load(data, sha256_of(data), "m@1")
    file = exported(data, "m@1", "onnx")
    session = runtime.InferenceSession(file, providers=["CPUExecutionProvider"])
    assert Manifest.from_json(session.get_modelmeta().custom_metadata_map[MANIFEST]) == read_manifest(data)
    for seed, (length, silence) in enumerate(((1, 0), (2, DAY), (7, 3 * DAY), (60, 90 * DAY))):
        events = made([length], seed=seed)
        columns, states = artifact.columns(events), artifact.encode(events)
        as_of = events.times[-1:] + silence
        expected = (*all_heads(artifact, states.hidden, states.clock, as_of), representations(artifact, states.hidden))
        given = {**columns._asdict(), "as_of": as_of}
        given.pop("offsets")
        names = ["probabilities", "seconds", "churn_risk", "representation"]
        for name, found, wanted in zip(names, session.run(names, given), expected, strict=True):
            np.testing.assert_allclose(
                np.asarray(found), np.asarray(wanted), rtol=1e-5, atol=1e-5, err_msg=f"{name} of {length} events"
            )


@pytest.mark.parametrize("kind", sorted({config.architecture for config in CONFIGS.values()} - set(OFFERED)))
def test_what_is_not_written_as_onnx_is_refused_with_the_way_out(kind: str) -> None:
    model, manifest = random_model(CONFIGS[kind])
    with pytest.raises(ModelError, match=f"a {kind} is not written as ONNX, gru alone: .* torchscript"):
        exported(pack(to_weights(model), manifest), "m@1", "onnx")
