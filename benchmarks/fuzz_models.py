"""Readers of models that somebody else may have made."""

from __future__ import annotations

import json
import struct
from random import Random

import numpy as np
from fuzz_mutation import bytes_like, value_like
from fuzz_target import Target, temporary_file
from small_shop import gru_artifact, open_shop

import sqlscore
from sqlscore.database.model_file import read_model_file, write_model_file
from sqlscore.errors import ArtifactError, ModelError
from sqlscore.models import loading
from sqlscore.scoring.label_artifact import load_head, pack_head
from sqlscore.scoring.manifest import WEIGHTS, Manifest, members_of, pack, read_manifest, sha256_of
from sqlscore.scoring.probe import probe
from sqlscore.scoring.torchscript import zipped
from sqlscore.scoring.weights import read_weights


def manifest() -> Target:
    """What a model says of itself."""
    text = read_manifest(gru_artifact()).to_json()

    def make(random: Random) -> bytes:
        if random.random() < 0.4:
            return bytes_like(random, [text.encode()])
        return json.dumps(value_like(random, json.loads(text))).encode()

    def read(data: bytes) -> None:
        manifest = read_manifest(zipped([("manifest.json", data)]))
        assert Manifest.from_json(manifest.to_json()) == manifest

    return Target(make, read, (ArtifactError,), text.encode())


def artifact() -> Target:
    """A whole model: its bytes, its manifest with sound weights, its weights' header and numbers."""
    whole = gru_artifact()
    weights, manifest = members_of(whole)[WEIGHTS], read_manifest(whole)
    size = struct.unpack("<Q", weights[:8])[0]
    header, numbers = weights[8 : 8 + size], weights[8 + size :]

    def make(random: Random) -> bytes:
        kind = random.randrange(4)
        if kind == 0:
            return bytes_like(random, [whole])
        if kind == 1:
            changed = json.dumps(value_like(random, json.loads(manifest.to_json()))).encode()
            return zipped([("manifest.json", changed), (WEIGHTS, weights)])
        if kind == 2:
            changed = bytes_like(random, [header])
            length = len(changed) if random.random() < 0.9 else random.choice((0, 1, 2**31, 2**62, 2**64 - 1))
            return pack(struct.pack("<Q", length) + changed + numbers, manifest)
        return pack(weights[: 8 + size] + bytes_like(random, [numbers])[: len(numbers)], manifest)

    def read(data: bytes) -> None:
        loading._loaded.clear()
        probe(loading.load(data, sha256_of(data), "m@1"))

    return Target(make, read, (ArtifactError,), whole)


def weights() -> Target:
    """The weights alone."""
    weights = members_of(gru_artifact())[WEIGHTS]
    start = 8 + int.from_bytes(weights[:8], "little")
    small = weights[:start] + weights[start:][:4_096]
    return Target(lambda random: bytes_like(random, [weights, small]), read_weights, (ArtifactError,), weights)


def model_file() -> Target:
    """What `import` is given."""
    path = temporary_file()
    write_model_file(path, b"bytes of a model", sha256_of(b"bytes of a model"))
    seed = path.read_bytes()

    def read(data: bytes) -> None:
        path.write_bytes(data)
        read_model_file(path)

    return Target(lambda random: bytes_like(random, [seed]), read, (ArtifactError,), seed)


def head() -> Target:
    """A fine-tuned head."""
    from sqlscore.scoring.label_head import Head

    ones = np.ones(3)
    head = Head("yes_no", ("false", "true"), ones, ones, np.ones((3, 1)), np.ones(1), np.ones(2), np.zeros(0),
                np.zeros(4), np.zeros(0))  # fmt: skip
    base = loading.load(gru_artifact(), sha256_of(gru_artifact()), "m@1")
    from sqlscore.scoring.label_artifact import head_manifest

    manifest = head_manifest(base, head, {"horizon": 1}, trained=(0, 1), notes={}, metrics={})
    whole = pack_head(head, manifest)

    def read(data: bytes) -> None:
        load_head.cache_clear()
        load_head(data, sha256_of(data), "h@1")

    return Target(lambda random: bytes_like(random, [whole]), read, (ArtifactError,), whole)


def registered() -> Target:
    """A file of somebody else that is given to `import`, from its bytes to the registry."""
    con = open_shop()
    path = temporary_file()
    whole = gru_artifact()
    weights, manifest = members_of(whole)[WEIGHTS], read_manifest(whole)

    def make(random: Random) -> bytes:
        changed = json.loads(manifest.to_json())
        part = random.choice(("notes", "metrics", "inputs", "config", "horizons"))
        changed[part] = value_like(random, changed.get(part) or {"training": {"history": [1]}, "periods": {"a": 1}})
        return zipped([("manifest.json", json.dumps(changed).encode()), (WEIGHTS, weights)])

    def read(data: bytes) -> None:
        path.unlink(missing_ok=True)
        write_model_file(path, data, sha256_of(data))
        loading._loaded.clear()
        info = sqlscore.import_model(con, path, name="other")
        sqlscore.list_models(con)
        sqlscore.status(con)
        sqlscore.drop_model(con, info.label)

    return Target(make, read, (ModelError,), whole)
