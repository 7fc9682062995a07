"""A fine-tuned head in a file of somebody else: numbers that fit each other, or a sentence."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest

from sqlscore.errors import ArtifactError
from sqlscore.events.inputs import Inputs
from sqlscore.scoring.label_artifact import load_head, pack_head
from sqlscore.scoring.label_head import LEVELS, Head
from sqlscore.scoring.manifest import Manifest, sha256_of

MANIFEST = Manifest(
    "head", {"kind": "amount", "values": [], "base": "m@1", "base_sha256": "0"}, Inputs((), {}, ()), ("label",), (),
    4, 0, False, None, None, None, "2024-01-01", "2024-01-02",
)  # fmt: skip
HEAD = Head(
    "amount", (), np.zeros(3), np.ones(3), np.ones((3, 1)), np.zeros(1), np.ones(2), np.ones(3), np.zeros(4),
    np.zeros(len(LEVELS)),
)  # fmt: skip


BENT = replace(
    HEAD,
    weights=np.ones((5, 1)),
    amount_weights=np.ones(5),
    knot_columns=np.array([0.0, 2.0]),
    knots=np.array([0.5, -1]),
)


def test_a_column_bends_at_its_knots() -> None:
    found = BENT.standardised(np.array([[1, 0, 0], [0.5, 9, -2]], np.float32))
    np.testing.assert_array_equal(found, [[1, 0, 0, 0.5, 1], [0.5, 4, -2, 0, 0]])
    data = pack_head(BENT, MANIFEST)
    again = load_head(data, sha256_of(data), "soon@1").head
    np.testing.assert_array_equal(again.knots, BENT.knots)
    np.testing.assert_array_equal(again.knot_columns, BENT.knot_columns)


def test_a_head_comes_back_as_it_was() -> None:
    data = pack_head(HEAD, MANIFEST)
    found = load_head(data, sha256_of(data), "soon@1")
    np.testing.assert_array_equal(found.head.weights, HEAD.weights)
    assert found.manifest == MANIFEST


def deflated() -> bytes:
    """The same files, compressed: small bytes that could become many."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", MANIFEST.to_json())
        archive.writestr("head.npz", bytes(10**6))
    return buffer.getvalue()


FOREIGN = {
    "another kind": (pack_head(HEAD, replace(MANIFEST, config=MANIFEST.config | {"kind": "wisdom"})), "wisdom"),
    "classes without weights": (
        pack_head(HEAD, replace(MANIFEST, config=MANIFEST.config | {"kind": "classes", "values": ["a", "b"]})),
        "weights",
    ),
    "another shape": (pack_head(replace(HEAD, bias=np.zeros(2)), MANIFEST), "bias"),
    "not finite": (pack_head(replace(HEAD, scale=np.array([1, np.inf])), MANIFEST), "scale"),
    "no spread": (pack_head(replace(HEAD, spread=np.zeros(3)), MANIFEST), "spread"),
    "a knot of no column": (pack_head(replace(BENT, knot_columns=np.array([0.0, 3.0])), MANIFEST), "knot_columns"),
    "a knot between columns": (pack_head(replace(BENT, knot_columns=np.array([0.0, 1.5])), MANIFEST), "knot_columns"),
    "knots that no weight has": (pack_head(replace(BENT, weights=np.ones((3, 1))), MANIFEST), "weights"),
    "compressed": (deflated(), "compressed"),
    "a field more": (
        pack_head(HEAD, MANIFEST).replace(
            MANIFEST.to_json().encode(), json.dumps({}).encode().ljust(len(MANIFEST.to_json()))
        ),
        "cannot be loaded",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_head_that_does_not_fit_is_refused(kind: str) -> None:
    data, said = FOREIGN[kind]
    with pytest.raises(ArtifactError, match=said):
        load_head(data, sha256_of(data), "soon@1")
