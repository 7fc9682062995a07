"""A whole model as a graph of ONNX: from the numbers of many users' events to what the heads say of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sqlscore.errors import ModelError
from sqlscore.models.onnx import attentive, recurrent
from sqlscore.models.onnx.arithmetic import double, ints, newest
from sqlscore.models.onnx.counted import counted_user
from sqlscore.models.onnx.given import Given, User
from sqlscore.models.onnx.graph import Graph, Result
from sqlscore.models.onnx.heads import churn, probabilities, representation, seconds
from sqlscore.models.onnx.summary import Summary, raw_features, standardised_features
from sqlscore.models.onnx.vectors import gaps_of, rows_of_all, standardised, vectors
from sqlscore.scoring.counts import Counts
from sqlscore.scoring.manifest import Manifest

Encoder = Callable[[Graph, Any, str, User], str]

ENCODERS: dict[str, Encoder] = {
    "gru": recurrent.gru,
    "lstm": recurrent.lstm,
    "mingru": recurrent.mingru,
    "gat_mingru": recurrent.mingru,
    "recent_window": recurrent.recent_window,
    "cnn_bigru": recurrent.cnn_bigru,
    "transformer": attentive.transformer,
    "attention_rnn": attentive.attention_rnn,
}
"""What writes the encoder of each architecture: from the events' vectors (T, E) to what the heads read (1, H)."""

_TOO_MANY = "its counts are too many to stand in an ONNX file as a table: export it as {}"


def to_onnx(model: Any, manifest: Manifest, texts: dict[str, str]) -> bytes:
    """The model in scoring mode as an ONNX file.

    Args:
        model: The module, frozen.
        manifest: What it says of itself.
        texts: What stands beside it as metadata.

    Raises ModelError if its architecture is not offered, if what its counts know is too much to be a table, or if
    the library onnx is not installed.
    """
    encoder = ENCODERS.get(manifest.architecture)
    if encoder is None:
        raise ModelError(
            f"a {manifest.architecture} is not written as ONNX, only {', '.join(sorted(ENCODERS))} and models of "
            "counts are: export it as torchscript"
        )
    if model.counts.network_weight < 1 and not len(model.counts.frozen):
        raise ModelError(_TOO_MANY.format("torchscript"))
    g = Graph()
    given = Given.of(g, manifest)
    table = rows_of_all(g, model.embedding)

    def user(body: Graph, at: str) -> Sequence[Result]:
        events = User.of(body, given, at, manifest.max_events)
        return _scores(body, model, manifest, events, encoder, table)

    return _written(g, given, user, manifest, texts)


def counts_to_onnx(counts: Counts, manifest: Manifest, texts: dict[str, str]) -> bytes:
    """A model of counts as an ONNX file. Raises ModelError as `to_onnx`."""
    if not len(counts.frozen):
        raise ModelError(_TOO_MANY.format("safetensors"))
    g = Graph()
    given = Given.of(g, manifest)

    def user(body: Graph, at: str) -> Sequence[Result]:
        return counted_user(body, counts, manifest, User.of(body, given, at, None))

    return _written(g, given, user, manifest, texts)


def _scores(g: Graph, model: Any, manifest: Manifest, user: User, encoder: Encoder, table: str) -> Sequence[Result]:
    """What the heads say of one user, in the order of `_names`."""
    gaps, numbers = gaps_of(g, user), standardised(g, model.embedding, user.numbers)
    state = encoder(g, model.encoder, vectors(g, model, manifest, user, table, gaps, numbers), user)  # (1, H)
    summary = Summary(g, model, user, gaps, numbers)
    raw = raw_features(g, model, summary)
    features = standardised_features(g, raw, model.features.mean, model.features.spread)
    u = representation(g, model, state, features)
    results = [
        Result(_flat(g, probabilities(g, model, user.codes, u, features)), np.float32, [len(manifest.inputs.actions)]),
        Result(_flat(g, u), np.float32, [manifest.embedding_size]),
    ]
    if "time_to_next" in manifest.heads:
        results.append(Result(_number(g, seconds(g, model, u, features)), np.float64, []))
    if user.as_of is not None:
        silence = g("Sub", g.cast(user.as_of, np.float64), newest(g, user.at))
        silence = g("Max", g("Div", silence, double(1e6)), double(0))
        risk = churn(g, model, manifest.lookback_seconds, summary, (state, raw, silence))
        results.append(Result(_number(g, risk), np.float32, []))
    return results


def _written(
    g: Graph,
    given: Given,
    user: Callable[[Graph, str], Sequence[Result]],
    manifest: Manifest,
    texts: dict[str, str],
) -> bytes:
    shapes: list[Sequence[Result]] = []

    def noted(body: Graph, at: str) -> Sequence[Result]:
        shapes.append(user(body, at))
        return shapes[0]

    stacked = g.for_each(given.count, noted)
    for name, value, one in zip(_names(manifest), stacked, shapes[0], strict=True):
        g.output(name, Result(value, one.kind, ["users", *one.shape]))
    return g.to_bytes(manifest.architecture, texts)


def _names(manifest: Manifest) -> list[str]:
    """The outputs."""
    seconds_too = ["seconds"] if "time_to_next" in manifest.heads else []
    return ["probabilities", "representation", *seconds_too, *(["churn_risk"] if "churn" in manifest.heads else [])]


def _flat(g: Graph, x: str) -> str:
    return g("Reshape", x, ints(-1))


def _number(g: Graph, x: str) -> str:
    return g("Squeeze", x)
