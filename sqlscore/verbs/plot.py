"""The verb `plot`: how a model learned, how good it is on its test part, where it looks.

Drawn with matplotlib's object interface and its file backends: no window, no global state, safe in a server.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from sqlscore.database.catalog import mapped
from sqlscore.database.transactions import on_own_connection
from sqlscore.errors import PlotError
from sqlscore.events.mapping import DEFAULT_MAPPING
from sqlscore.mapping.roles import check_readable
from sqlscore.reporting.plots.drawer import KINDS, drawer

if TYPE_CHECKING:
    from sqlscore.progress import Progress


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

    Args:
        con: a connection that `connect` made.
        kind: "learning-curves" (losses by epoch), "confusion" (predicted against actual next actions), "reliability"
            (do probabilities come true), "precision-recall", "attention" (of `user_id`, or of a batch of users), or
            "action-attention" (between actions). All but the first and the last read events.
        path: the file to write, .png, .svg or .pdf.
        model: `name@version`, a name (its newest version), or None for the champion.
        mapping: the name of the mapping.
        user_id: whose attention is drawn.
        progress: receives the stages of the work.

    Raises PlotError if the model has nothing of the kind or the file cannot be written, ModelError or MappingError if
    there is no such model or mapping.

    Examples:
        >>> sqlscore.plot(con, "confusion", "confusion.png")
    """
    from sqlscore.reporting.plots.style import save, target

    if kind not in KINDS:
        raise PlotError(f'there is no plot "{kind}": choose one of {", ".join(KINDS)}')
    if user_id is not None and kind != "attention":
        raise PlotError(f'only the plot "attention" shows a user, not "{kind}": leave user_id out')
    file = target(path)
    try:
        save(drawer(con, model, mapping, None if user_id is None else str(user_id), progress)(kind), file)
    except (duckdb.CatalogException, duckdb.BinderException):
        check_readable(con, mapped(con, mapping))  # says in terms of the user's columns what is wrong with them
        raise
    return file
