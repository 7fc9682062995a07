"""A model is stored as numbers, and what is built from them scores as it did; a file of somebody else runs nothing."""

from __future__ import annotations

import json
import struct
import threading
import warnings
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from all_models import CONFIGS, encoded, heads, made, random_model
from hypothesis import given
from hypothesis import strategies as st

from sqlscore.errors import ArtifactError
from sqlscore.events.inputs import Inputs
from sqlscore.events.sequences import Sequences
from sqlscore.models.compiled import SoonCompiled
from sqlscore.models.config import ModelConfig
from sqlscore.models.export import MANIFEST as MANIFEST_FILE
from sqlscore.models.export import exported, script
from sqlscore.models.frozen import freeze
from sqlscore.models.loading import load
from sqlscore.models.stored import module_of, to_weights
from sqlscore.scoring.batch import Batch, encode_sequences
from sqlscore.scoring.manifest import FORMAT, Manifest, pack, read_manifest, sha256_of
from sqlscore.scoring.probe import probe
from sqlscore.scoring.torchscript import zipped
from sqlscore.scoring.weights import read_weights, write_weights

pytestmark = pytest.mark.usefixtures("one_thread")

LENGTHS = [5, 0, 1, 40, 9]


@pytest.mark.parametrize("kind", sorted(CONFIGS))
def test_what_is_built_from_stored_weights_scores_to_the_last_bit_as_the_model(kind: str) -> None:
    """As Python and, once it was called often, compiled; both as what was exported before weights were stored."""
    model, manifest = random_model(CONFIGS[kind])
    before = script(model)
    built = SoonCompiled(module_of(read_weights(to_weights(model)), manifest), calls=2)
    for seed in range(3):  # the second call compiles
        events = made(LENGTHS, seed=seed)
        (hidden, clock), (expected, expected_clock) = encoded(built, events), encoded(before, events)
        assert torch.equal(hidden, expected)
        assert torch.equal(clock, expected_clock)
        for name, found in heads(built, hidden).items():
            assert torch.equal(found, heads(before, hidden)[name]), name
    assert isinstance(built._module, torch.jit.ScriptModule)


def test_the_same_model_has_the_same_bytes_and_stays_as_it_is() -> None:
    model, _ = random_model(ModelConfig())
    model.train()
    assert to_weights(model) == to_weights(model)
    assert model.training
    assert len(model.embedding.frozen) == 0


def test_a_model_is_compiled_once() -> None:
    """Not before it was called often, and then never again."""
    model, _ = random_model(ModelConfig(embedding=4, hidden=4, width=4))
    soon = SoonCompiled(freeze(model), calls=3)
    kinds = []
    for _ in range(4):
        encoded(soon, made(LENGTHS))
        kinds.append(soon._module)
    assert [isinstance(kind, torch.jit.ScriptModule) for kind in kinds] == [False, False, True, True]
    assert kinds[2] is kinds[3]


class Meeting(torch.nn.Module):
    """Encodes nothing before as many threads as the barrier waits for are in it."""

    def __init__(self, barrier: threading.Barrier) -> None:
        super().__init__()
        self.barrier = barrier

    def encode(self, batch: Batch, *_: Any) -> Batch:
        self.barrier.wait(60)
        return batch


@pytest.mark.parametrize("threads", [1, 2])
def test_events_count_where_threads_encode_at_once(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread alone hands no lock over: its events bring the moment of compiling no nearer."""
    compiled: list[object] = []

    def noted(module: object) -> object:
        compiled.append(module)
        return module

    monkeypatch.setattr(torch.jit, "script", noted)
    events = made(LENGTHS)
    soon = SoonCompiled(Meeting(threading.Barrier(threads)), events=2 * events.times.shape[0])
    for calls in (1, 2, 3):
        with ThreadPoolExecutor(threads) as pool:
            assert len(list(pool.map(lambda _: soon.encode(events), range(threads)))) == threads
        assert len(compiled) == (threads == 2 and calls >= 2), calls


SMALL = Inputs(("view", "cart"), {"brand": ("a",)}, ("price",))
GRU, MANIFEST = random_model(ModelConfig(embedding=4, hidden=4, width=4), SMALL)
WEIGHTS = read_weights(to_weights(GRU))


def with_weights(**changed: Any) -> bytes:
    """The weights with others in their place; None takes one away."""
    names = {key.replace("__", "."): value for key, value in changed.items()}
    return pack(write_weights({k: v for k, v in {**WEIGHTS, **names}.items() if v is not None}), MANIFEST)


def with_manifest(**changed: Any) -> bytes:
    fields = json.loads(MANIFEST.to_json()) | changed
    return zipped([("manifest.json", json.dumps(fields).encode()), ("weights.safetensors", to_weights(GRU))])


def with_header(header: bytes, size: int | None = None) -> bytes:
    return pack(struct.pack("<Q", len(header) if size is None else size) + header, MANIFEST)


def compressed() -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", MANIFEST.to_json())
        archive.writestr("weights.safetensors", bytes(10**6))
    return buffer.getvalue()


CONFIG = asdict(ModelConfig(embedding=4, hidden=4, width=4))
settings = WEIGHTS["counts.settings"]
FOREIGN: dict[str, tuple[Callable[[], bytes], str]] = {
    "a field more": (lambda: with_manifest(run="rm"), "the field 'run', which this sqlscore does not know"),
    "a newer format": (lambda: with_manifest(format=9), "newer than 4"),
    "a state without end": (lambda: with_manifest(state_size=10**30), "state_size = a number of more than 64 bits"),
    "an architecture that is none": (lambda: with_manifest(architecture="os.system"), "is none that this sqlscore has"),
    "a config field more": (lambda: with_manifest(config=CONFIG | {"run": 1}), "config has the field 'run'"),
    "a size beyond memory": (lambda: with_manifest(config=CONFIG | {"hidden": 10**9}), "which no model can have"),
    "a size that is another": (lambda: with_manifest(config=CONFIG | {"hidden": 5}), "by its manifest"),
    "a capability more": (lambda: with_manifest(capabilities=["attention"]), "says capabilities"),
    "no weights": (lambda: zipped([("manifest.json", MANIFEST.to_json().encode())]), "and not judged.zip"),
    "code": (lambda: zipped([*members(), ("module.pt", b"x")]), "'module.pt', and not judged.zip"),
    "a bomb": (compressed, "compressed"),
    "a header without end": (lambda: with_header(b"{}", 2**62), "not a safetensors file"),
    "a header that is none": (lambda: with_header(b"[1, 2"), "not a safetensors file"),
    "an array beyond the file": (
        lambda: with_header(b'{"a":{"dtype":"F32","shape":[1000000000],"data_offsets":[0,4000000000]}}'),
        "not a safetensors file",
    ),
    "another type": (lambda: with_weights(heads__platt=np.ones(2, np.float16)), "float16"),
    "not finite": (lambda: with_weights(heads__platt=np.array([1, np.nan], np.float32)), "not finite"),
    "another shape": (lambda: with_weights(heads__platt=np.ones(3, np.float32)), r"heads.platt\" are float32 \(3,\)"),
    "weights that are missing": (lambda: with_weights(heads__platt=None), "heads.platt\" are missing"),
    "weights of no part": (lambda: with_weights(extra=np.ones(3, np.float32)), '"extra" belong to no part'),
    "counts of no action": (lambda: with_weights(counts__action=WEIGHTS["counts.action"] + 99), "counts.action"),
    "counts of another order": (
        lambda: with_weights(counts__settings=np.append(settings[:2], [62.0, *range(63)])), "counts.settings"
    ),
    "starts beyond the counts": (lambda: with_weights(counts__start=WEIGHTS["counts.start"] * 2), "counts.start"),
}  # fmt: skip


def members() -> list[tuple[str, bytes]]:
    return [("manifest.json", MANIFEST.to_json().encode()), ("weights.safetensors", to_weights(GRU))]


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_file_of_somebody_else_is_refused_in_a_sentence(kind: str) -> None:
    make, said = FOREIGN[kind]
    data = make()
    with pytest.raises(ArtifactError, match=said):
        load(data, sha256_of(data), "m@1")


def test_exports_for_other_runtimes_hold_the_model_and_its_manifest() -> None:
    """A module for `torch.jit.load` that scores alike from a plain tuple, and weights under a header."""
    extra = {MANIFEST_FILE: ""}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        module: Any = torch.jit.load(BytesIO(exported(WHOLE, "m@1", "torchscript")), _extra_files=extra)
    sequences = Sequences(pa.array(["view", "new", "cart"]), np.arange(3), np.array([0, 2, 3]), {
        "brand": pa.array(["a", None, "b"]), "price": pa.array([1.0, 2.0, None])})  # fmt: skip
    batch = encode_sequences(sequences, SMALL)
    with torch.inference_mode():
        expected = script(GRU).encode(batch, None, None)[0]
        assert torch.equal(module.encode(tuple(batch), None, None)[0], expected)
    assert Manifest.from_json(extra[MANIFEST_FILE]) == read_manifest(WHOLE)
    data = exported(WHOLE, "m@1", "safetensors")
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert Manifest.from_json(header["__metadata__"][MANIFEST_FILE]) == read_manifest(WHOLE)
    assert set(header) - {"__metadata__"} == set(WEIGHTS)


WHOLE = pack(to_weights(GRU), MANIFEST)


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=8), st.booleans())
def test_no_bytes_do_worse_than_an_error(at: int, other: bytes, cut: bool) -> None:
    """What can be read and scores a probe is a model, with the same inputs; of all else ArtifactError alone comes."""
    data = WHOLE[:at] + other + (b"" if cut else WHOLE[at + len(other) :])
    try:
        artifact = load(data, sha256_of(data), "m@1")
        probe(artifact)
    except ArtifactError:
        return
    assert artifact.manifest.to_json() == MANIFEST.to_json()


@given(st.sampled_from(sorted(json.loads(MANIFEST.to_json()))), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
))  # fmt: skip
def test_no_manifest_does_worse_than_an_error(name: str, value: Any) -> None:
    data = with_manifest(**{name: value})
    try:
        probe(load(data, sha256_of(data), "m@1"))
    except ArtifactError:
        return
    assert read_manifest(data).format == FORMAT


def test_a_manifest_keeps_what_it_says() -> None:
    told = replace(MANIFEST, config={"hidden": 4}, notes={"a": [1, {"b": None}]}, decision_weights=(1.0, 0.5))
    assert Manifest.from_json(told.to_json()) == told
