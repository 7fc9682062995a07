"""Which kinds of plot there are, and the function that draws each."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import duckdb

from sqlscore.database.catalog import catalog, mapped
from sqlscore.database.registry import model_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sqlscore.progress import Progress

KINDS = ("learning-curves", "confusion", "reliability", "precision-recall", "attention", "action-attention")


def drawer(
    con: duckdb.DuckDBPyConnection,
    model: str | None,
    mapping: str,
    user_id: str | None = None,
    progress: Progress | None = None,
) -> Callable[[str], Figure]:
    """A function from a kind to its figure; it predicts the test part once for all kinds that need it.

    Args:
        con: a connection that `connect` made.
        model: `name@version`, a name (its newest version), or None for the champion.
        mapping: the name of the mapping.
        user_id: whose attention is drawn; None draws that of a batch.
        progress: receives the stages of the work.

    Raises ModelError or MappingError if there is no such model or mapping, or if the model is of another mapping.
    """
    from sqlscore.reporting.plots import attention, judged
    from sqlscore.reporting.plots.evidence import gather
    from sqlscore.reporting.plots.learning_curves import learning_curves

    source = mapped(con, mapping)
    stored = model_of(con, model, mapping)
    artifact, tested = catalog(con).artifact(stored.label, mapping), catalog(con).judged(stored.label, mapping)
    facts = f'{artifact.name} ({artifact.manifest.architecture}), events mapped as "{mapping}"'
    evidence = cache(lambda: gather(con, source, tested, progress))

    def attended() -> Figure:
        if user_id is None:
            return attention.of_batch(con, source, artifact, facts)
        return attention.of_user(con, source, artifact, user_id, facts)

    drawn: dict[str, Callable[[], Figure]] = {
        "learning-curves": lambda: learning_curves(artifact.manifest, facts),
        "confusion": lambda: judged.confusion(evidence(), facts),
        "reliability": lambda: judged.reliability(evidence(), facts),
        "precision-recall": lambda: judged.precision_recall(evidence(), facts),
        "attention": attended,
        "action-attention": lambda: attention.between_actions(artifact, facts),
    }
    return lambda kind: drawn[kind]()
