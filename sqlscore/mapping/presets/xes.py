"""XES, the IEEE 1849 format of process logs: an event is one of a case, and has a lifecycle transition.

Source: IEEE 1849-2016 with its concept, time and lifecycle extensions. A step that takes time is there several times,
as it is scheduled, starts and completes: the completed ones are the events. Those of one moment go by the document.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from sqlscore.errors import MappingError
from sqlscore.mapping.presets.export import Counted, Export, Preset
from sqlscore.mapping.process_logs.xes_table import make_xes_table
from sqlscore.quoting import identifier, literal, qualified

_ALL = "all"
_COMPLETE = "complete"


def _load(con: duckdb.DuckDBPyConnection, path: Path, table: str, options: dict[str, Any]) -> tuple[str, ...]:
    del options  # they are the view's
    return make_xes_table(con, path, table).remarks


def _build(con: duckdb.DuckDBPyConnection, paths: Sequence[str], options: dict[str, Any]) -> Export:
    (table,) = paths
    relation = qualified("main", table)
    query = f"SELECT lifecycle, count(*) FROM {relation} GROUP BY 1 ORDER BY 2 DESC, 1"
    transitions = dict(con.execute(query).fetchall())
    wanted, remarks = _wanted(transitions, options.get("lifecycle"))
    columns = ",\n    ".join(map(identifier, con.sql(f"FROM {relation} LIMIT 0").columns))
    if wanted is None:
        return Export({}, f"SELECT {columns}\nFROM {relation}", order=("position",), remarks=remarks)
    condition = f"lifecycle IS NULL OR lower(lifecycle) = {literal(wanted.casefold())}"
    left = [name for name in transitions if name is not None and name.casefold() != wanted.casefold()]
    return Export(
        {},
        f"SELECT {columns}\nFROM {relation}\nWHERE {condition}",
        order=("position",),
        counted=tuple(
            Counted(
                f"rows of transition {name}, left out",
                f"SELECT count(*) FROM {relation} WHERE lifecycle = {literal(name)}",
            )
            for name in left
        ),
        remarks=remarks,
    )


def _wanted(transitions: dict[str | None, int], asked: str | None) -> tuple[str | None, tuple[str, ...]]:
    """The transition whose events count, None for all of them; and what the user should know.

    Raises MappingError if no event has the one that was asked for.
    """
    named = {name.casefold(): name for name in transitions if name is not None}
    if asked is not None and asked.casefold() != _ALL:
        if asked.casefold() not in named:
            have = ", ".join(f"{name} ({count:,})" for name, count in transitions.items() if name is not None)
            raise MappingError(
                f"no event of the log has the lifecycle transition {asked!r} (transitions: {have or 'none'}): name one "
                'of these, lifecycle=... (--lifecycle T), or "all"'
            )
        return named[asked.casefold()], ()
    if asked is None and len(named) > 1:
        if _COMPLETE in named:
            return named[_COMPLETE], ()
        shown = ", ".join(f"{name} ({count:,})" for name, count in transitions.items() if name is not None)
        return None, (
            f"the log has no lifecycle transition {_COMPLETE!r} but {shown}: all count, unless you name one, "
            "lifecycle=... (--lifecycle T)",
        )
    return None, ()


XES = Preset("xes", "XES log", _build, options=("lifecycle",), load=_load)
