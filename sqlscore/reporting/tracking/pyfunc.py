"""A model outside DuckDB, as MLflow loads it to score a DataFrame of events. It needs neither MLflow nor a database."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sqlscore.database.model_file import read_model_file, write_model_file
from sqlscore.database.scan import Users
from sqlscore.errors import EventsError
from sqlscore.events.kinds import is_text
from sqlscore.events.mapping import CANONICAL, Mapping
from sqlscore.events.reading import from_columns
from sqlscore.models.loading import load
from sqlscore.score_tables.rows import score_at
from sqlscore.scoring.artifact import Artifact

MODEL_FILE, ABOUT_FILE = "model.sqlscore", "about.json"


def save(folder: Path, data: bytes, sha256: str, label: str, mapping: Mapping) -> None:
    """Fill an empty folder with what `_load_pyfunc` reads: the model, as `sqlscore import` takes it, and its columns.

    The relation of the events is left out: scoring needs only names of columns, and a path may be private.
    """
    write_model_file(folder / MODEL_FILE, data, sha256)
    about = {"label": label, "mapping": replace(mapping, relation="").to_json()}
    (folder / ABOUT_FILE).write_text(json.dumps(about, indent=2), encoding="utf-8")


@dataclass(frozen=True)
class Scorer:
    """A loaded model and the names of the columns that it reads."""

    artifact: Artifact
    mapping: Mapping

    def predict(self, events: Any, params: dict[str, Any] | None = None) -> Any:
        """Events as a pandas DataFrame -> a DataFrame with a row a user: user_id and the columns of `score_events`.

        Args:
            events: the mapping's columns, found by name, of any users in any order.
            params: "as_of", ISO text, when the churn risk is valid; by default at the newest event given.

        Raises EventsError if a column is missing or has the wrong type.
        """
        table = pa.Table.from_pandas(events, preserve_index=False)
        return score(self.artifact, self.mapping, table, (params or {}).get("as_of") or None).to_pandas()


def score(artifact: Artifact, mapping: Mapping, events: pa.Table, as_of: str | None = None) -> pa.Table:
    """Events of any users in any order -> a row a user: user_id and the columns of `score_events`.

    Args:
        artifact: the model.
        mapping: the columns that it reads.
        events: these columns, found by name; times may be ISO 8601 text, in UTC unless it has an offset.
        as_of: ISO text, when the churn risk is valid; by default at the newest event given, or, where events have
            groups, at what the column group_high_water says, if it is given.
    """
    names = {name.casefold(): name for name in events.column_names}
    user = names.get(mapping.user_id.casefold(), names.get(CANONICAL[0]))
    if user is None:
        have = ", ".join(f'"{name}"' for name in events.column_names)
        raise EventsError(f'events column "{mapping.user_id}" is missing: the events have {have}')
    for place, column in enumerate(events.columns):
        if pa.types.is_dictionary(column.type):  # a category of pandas cannot be sorted or compared
            events = events.set_column(place, events.column_names[place], column.cast(column.type.value_type))
    events = events.filter(pc.is_valid(events[user])).sort_by(user).combine_chunks()
    columns = {name: _chunk(events[name]) for name in events.column_names}
    time = names.get(mapping.event_time.casefold(), names.get(CANONICAL[1]))
    if time is not None and is_text(columns[time].type):
        columns[time] = _times(columns[time], time)
    ids = columns[user]
    changed = pc.not_equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False)
    starts = np.append(0, np.flatnonzero(changed) + 1)[: len(ids)]
    sequences = from_columns(columns, np.append(starts, len(ids)).astype(np.int64), mapping)
    times = sequences.times
    when = int(times.max()) if len(times) else 0
    if as_of is not None:
        when = int(_times(pa.array([as_of]), "as_of").view(pa.int64())[0].as_py())
        sequences = replace(sequences, high_water=None)
    users = Users(ids.take(pa.array(starts)), sequences, np.zeros(len(starts), np.uint64))
    return score_at(artifact, users, when)


def _times(column: pa.Array, name: str) -> pa.Array:
    """ISO 8601 text as times in UTC; text without an offset is UTC."""
    offset = pc.match_substring_regex(column, r"[T ]\d{2}.*(Z|z|[+-]\d{2}(:?\d{2})?)$")
    try:
        zoned = pc.if_else(offset, column, pa.scalar(None, column.type)).cast(pa.timestamp("us", "UTC"))
        naive = pc.if_else(offset, pa.scalar(None, column.type), column).cast(pa.timestamp("us"))
        return pc.coalesce(zoned.cast(pa.timestamp("us")), naive)
    except pa.ArrowInvalid as error:
        raise EventsError(
            f'"{name}" holds text that is not an ISO time such as 2024-01-31T00:00:00: {error}'
        ) from error


def _chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def _load_pyfunc(path: str) -> Scorer:
    """Load the folder that `save` filled, as MLflow asks. Raises ArtifactError if the model file is damaged."""
    folder = Path(path)
    data, sha256 = read_model_file(folder / MODEL_FILE)
    about = json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8"))
    return Scorer(load(data, sha256, about["label"]), Mapping.from_json(about["mapping"]))
