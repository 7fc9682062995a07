"""Plots of a model: how it learnt, how good it is on its test part, where it looks.

Drawn with matplotlib's object interface and its file backends: no window, no global state, safe in a server.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    figure = draw(con, (kind,), model, mapping, None if user_id is None else str(user_id), progress)
    save(next(figure)[1], where)
    return where


def draw(
    con: duckdb.DuckDBPyConnection,
    kinds: tuple[str, ...],
    model: str | None,
    mapping: str,
    user_id: str | None = None,
    progress: Progress | None = None,
) -> Iterator[tuple[str, Figure]]:
    """(kind, figure) of each; the test part is predicted once for all of them."""
    from sqlscore.plotting import attention, judged
    from sqlscore.plotting.evidence import gather
    from sqlscore.plotting.learning_curves import learning_curves

    where = mapped(con, mapping)
    label = catalog(con).find(model, mapping)
    if label.mapping != mapping:
        raise ModelError(
            f'{label.label} was trained on the events mapped as "{label.mapping}", not "{mapping}": '
            f'pass mapping="{label.mapping}"'
        )
    artifact = catalog(con).artifact(label.label, mapping)
    facts = f'{artifact.name} ({artifact.manifest.architecture}), events mapped as "{mapping}"'
    evidence = None
    drawn = {
        "confusion": judged.confusion,
        "reliability": judged.reliability,
        "precision-recall": judged.precision_recall,
    }
    for kind in kinds:
        if kind in drawn:
            evidence = evidence or gather(con, where, artifact, progress)
            yield kind, drawn[kind](evidence, facts)
        elif kind == "learning-curves":
            yield kind, learning_curves(artifact.manifest, facts)
        elif kind == "action-attention":
            yield kind, attention.between_actions(artifact, facts)
        elif user_id is not None:
            yield kind, attention.of_user(con, where, artifact, user_id, facts)
        else:
            yield kind, attention.of_batch(con, where, artifact, facts)
