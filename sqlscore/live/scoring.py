"""Requests as one batch: the functions of SQL, called once for all of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import duckdb
import pyarrow as pa

from sqlscore.database.catalog import catalog
from sqlscore.errors import EventsError, MappingError, ModelError, SqlscoreError
from sqlscore.live.answers import plain
from sqlscore.live.asked import Asked, together, wants_json
from sqlscore.live.refusals import Refusal
from sqlscore.live.shapes import Shape
from sqlscore.quoting import qualified
from sqlscore.scoring.catalog import Catalog, Snapshot
from sqlscore.udfs.by_name import Lists

LOG = logging.getLogger("sqlscore.serve")

Columns: TypeAlias = "dict[str, pa.Array] | dict[str, list[Any]]"
"""A column for each function: as Arrow, or as JSON's values for a request in JSON."""

Scores: TypeAlias = "Columns | Refusal"
"""The columns of one request, or why there are none."""


class Scorer:
    """Scores requests by the models that the file holds at that moment.

    Args:
        connection: gives the open connection to the file, which may be another one after it broke.
        settle: is called after the first batch, and after the first one since something was mapped or trained: what
            it had to load stays.
    """

    def __init__(
        self, connection: Callable[[], duckdb.DuckDBPyConnection], settle: Callable[[], object] = lambda: None
    ) -> None:
        """See the class."""
        self._connection = connection
        self._settle = settle
        self._settled: Snapshot | None = None
        self._known: tuple[duckdb.DuckDBPyConnection, Catalog] | None = None
        self._shapes: tuple[Snapshot, dict[str, Shape]] = (Snapshot(), {})

    def known_shape(self, mapping: str) -> Shape | None:
        """What `shape` gave before, if nothing was mapped or trained since."""
        snapshot, shapes = self._shapes
        return shapes.get(mapping) if snapshot is self._catalog().snapshot else None

    @property
    def is_ready(self) -> bool:
        """Whether nothing was mapped or trained since a shape was last read."""
        return self._shapes[0] is self._catalog().snapshot

    def shape(self, mapping: str) -> Shape:
        """The fields of the events of a mapping. Raises Refusal if there is none of that name."""
        snapshot = self._catalog().snapshot
        if mapping not in snapshot.mappings:
            have = ", ".join(snapshot.mappings) or "none"
            raise Refusal(
                422, "mapping", f'mapping is "{mapping}": no events are mapped under that name (have: {have})'
            )
        known = snapshot.mappings[mapping]
        with self._connection().cursor() as con:
            schema = con.sql(f"FROM {qualified(known.schema, 'events')} LIMIT 0").to_arrow_table().schema
        shape = Shape.of(known, schema)
        before, shapes = self._shapes
        self._shapes = (snapshot, {**(shapes if before is snapshot else {}), mapping: shape})
        return shape

    def score(self, group: Sequence[Asked]) -> list[Scores]:
        """The scores of requests with one key. If they cannot be scored together, halves are tried, so that only the
        requests that are wrong are refused; nothing is raised.
        """
        try:
            found = self._together(group)
            self._settle_if_changed()
            return [*found]
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to the requests, and the server goes on
            if len(group) == 1:
                return [_refusal(error)]
        half = len(group) // 2
        return [*self.score(group[:half]), *self.score(group[half:])]

    def _together(self, group: Sequence[Asked]) -> list[Columns]:
        first = group[0]
        events = Asked.joined(group)
        as_of = together([asked.as_of for asked in group])
        known = self._catalog()
        lists = Lists(known, known.mapping(first.mapping), events, self._newest(first.mapping, as_of))
        columns = {
            call.key: lists.call(call.public, call.columns(len(events), first.model, as_of)) for call in first.calls
        }
        shown = {key: plain(column) for key, column in columns.items()} if any(map(wants_json, group)) else {}
        found: list[Columns] = []
        start = 0
        for asked in group:
            stop = start + len(asked)
            found.append(
                {key: values[start:stop] for key, values in shown.items()}
                if wants_json(asked)
                else {key: column.slice(start, len(asked)) for key, column in columns.items()}
            )
            start = stop
        return found

    def _settle_if_changed(self) -> None:
        snapshot = self._catalog().snapshot
        if self._settled is not snapshot:
            self._settled = snapshot
            self._settle()

    def _newest(self, mapping: str, as_of: pa.Array) -> pa.Array:
        """(N,) the newest event of the mapped table, which is read only if some as_of is NULL."""
        known = self._catalog().mapping(mapping)
        if not as_of.null_count or known.group is not None:
            return pa.nulls(len(as_of), as_of.type)
        with self._connection().cursor() as con:
            rows = con.execute(f"SELECT high_water FROM {qualified(known.schema, 'high_water')}").fetchall()
        return pa.array([rows[0][0] if rows else None], as_of.type).take(pa.repeat(0, len(as_of)))

    def _catalog(self) -> Catalog:
        con = self._connection()
        if self._known is None or self._known[0] is not con:
            with con.cursor() as own:
                self._known = (con, catalog(own))
        return self._known[1]


def _refusal(error: Exception) -> Refusal:
    if isinstance(error, Refusal):
        return error
    if isinstance(error, UnicodeEncodeError):
        return Refusal(422, "", "a text holds half of a surrogate pair, which is no character: send whole characters")
    fields: tuple[tuple[type[Exception], str], ...] = (
        (ModelError, "model"),
        (MappingError, "mapping"),
        (EventsError, "sequences"),
        (SqlscoreError, ""),
    )
    for kind, field in fields:
        if isinstance(error, kind):
            return Refusal(422, field, str(error))
    LOG.error("scores: %s", type(error).__name__, exc_info=error)
    return Refusal(500, "", f"scoring failed ({type(error).__name__}): the log of the server says more")
