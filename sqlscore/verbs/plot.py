"""Plots of a model: how it learnt, how good it is on its test part, where it looks.

Drawn with matplotlib's object interface and its file backends: no window, no global state, safe in a server.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from sqlscore.errors import ModelError, PlotError
from sqlscore.events import DEFAULT_MAPPING
from sqlscore.mapping import mapped
from sqlscore.registry import catalog
from sqlscore.transactions import on_own_connection

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sqlscore.training import Progress

KINDS = ("learning-curves", "confusion", "reliability", "precision-recall", "attention", "action-attention")


@on_own_connection
def plot(
    con: duckdb.DuckDBPyConnection,
    kind: str,
    path: str | Path,
    *,
    model: str | None = None,
    mapping: str = DEFAULT_MAPPING,
    user_id: object = None,
    progress: Progress | None = None,
) -> Path:
    """Draw a model into a PNG, SVG or PDF file, and return its path.

    kind: "learning-curves" (losses by epoch), "confusion" (predicted against actual next actions), "reliability" (do
    probabilities come true), "precision-recall", "attention" (of `user_id`, or of a batch of users), or
    "action-attention" (between actions). All but the first and the last predict the test part, or read a history.
    model: `name@version`, a name (its newest version), or None for the champion.

    Raises PlotError where the model has nothing of the kind, or the file cannot be; ModelError or MappingError where
    there is no such model or mapping.

    >>> sqlscore.plot(con, "confusion", "confusion.png")
    """
    from sqlscore.plotting.style import save, target

    if kind not in KINDS:
        raise PlotError(f'there is no plot "{kind}": choose one of {", ".join(KINDS)}')
    if user_id is not None and kind != "attention":
        raise PlotError(f'a user is shown by the plot "attention" alone, not by "{kind}": leave user_id out')
    where = target(path)
    save(drawer(con, model, mapping, None if user_id is None else str(user_id), progress)(kind), where)
    return where


def drawer(
    con: duckdb.DuckDBPyConnection,
    model: str | None,
    mapping: str,
    user_id: str | None = None,
    progress: Progress | None = None,
) -> Callable[[str], Figure]:
    """A function from a kind to its figure, which predicts the test part once for all kinds that need it."""
    from sqlscore.plotting import attention, judged
    from sqlscore.plotting.evidence import gather
    from sqlscore.plotting.learning_curves import learning_curves

    where = mapped(con, mapping)
    stored = catalog(con).find(model, mapping)
    if stored.mapping != mapping:
        raise ModelError(
            f'{stored.label} was trained on the events mapped as "{stored.mapping}", not "{mapping}": '
            f'pass mapping="{stored.mapping}"'
        )
    artifact = catalog(con).artifact(stored.label, mapping)
    facts = f'{artifact.name} ({artifact.manifest.architecture}), events mapped as "{mapping}"'
    evidence = cache(lambda: gather(con, where, artifact, progress))

    def attended() -> Figure:
        if user_id is None:
            return attention.of_batch(con, where, artifact, facts)
        return attention.of_user(con, where, artifact, user_id, facts)

    drawn: dict[str, Callable[[], Figure]] = {
        "learning-curves": lambda: learning_curves(artifact.manifest, facts),
        "confusion": lambda: judged.confusion(evidence(), facts),
        "reliability": lambda: judged.reliability(evidence(), facts),
        "precision-recall": lambda: judged.precision_recall(evidence(), facts),
        "attention": attended,
        "action-attention": lambda: attention.between_actions(artifact, facts),
    }
    return lambda kind: drawn[kind]()
