"""What is published: tables and views of one moment, with their comments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
from duckdb.sqltypes import DuckDBPyType

from sqlscore.database.attaching import attach
from sqlscore.database.queries import one
from sqlscore.database.transactions import snapshot
from sqlscore.errors import EventsError, MappingError, PublishError
from sqlscore.events.mapping import Mapping
from sqlscore.mapping.roles import check_readable
from sqlscore.quoting import identifier, literal, qualified
from sqlscore.sql.names import MAPPING_TABLES, REGISTRY_TABLES

DEFAULT_TABLES = (
    "scored_users",
    "scored_sessions",
    "scored_segments",
    "segment_summary",
    "action_stats",
    "action_attention",
    "transitions",
    "feature_usage",
    "cohort_retention",
    "lifecycle",
    "session_stats",
    "model_metrics",
    "leaderboard",
    "backtest_metrics",
)
"""What dashboards need; tables that a file does not have are left out."""

KEYS: dict[str, tuple[str, ...]] = {
    "scored_users": ("user_id",),
    "scored_segments": ("user_id",),
    "scored_sessions": ("user_id", "session_id"),
}
"""The columns that tell rows of the large tables apart: their primary key, by which changed rows are found."""

_SHOWN = {"models", "runs", "leaderboard", "scored_labels", "label_backtests", "segment_value_at_risk"}
_INTERNAL = frozenset((*REGISTRY_TABLES, *MAPPING_TABLES)) - _SHOWN
"""Tables that sqlscore keeps for itself: they are not offered."""

PUBLICATIONS = "publications"
"""The table, in every target, that says what was published when."""


@dataclass(frozen=True)
class Source:
    """One table to publish: `relation` is quoted SQL, a table in the reader's transaction.

    `comment` is the table's, `comments` are those of its columns, by name.
    """

    name: str
    relation: str
    columns: tuple[tuple[str, DuckDBPyType], ...]
    comment: str | None
    comments: dict[str, str]

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that tell its rows apart; empty if they are not known."""
        return KEYS.get(self.name, ())


@dataclass(frozen=True)
class Provenance:
    """Which scores a table holds: model and moment, None if it has no such columns."""

    model: str | None
    as_of: str | None


@contextmanager
def sources(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, tables: Sequence[str] | None
) -> Iterator[tuple[duckdb.DuckDBPyConnection, tuple[Source, ...]]]:
    """A connection that sees one moment, and the tables in it; views are computed once, into temporary tables.

    Args:
        con: the connection that the reader is made from.
        mapping: whose schema is searched first.
        tables: the names of tables and views; None means those that dashboards need.

    Raises PublishError for a table that does not exist, and for two of one name.
    """
    with snapshot(con) as reader:
        places = _places(reader, mapping, tables)
        yield reader, tuple(_source(reader, mapping, *place) for place in places)


def checksum(con: duckdb.DuckDBPyConnection, relation: str, expressions: Sequence[str]) -> tuple[int, str]:
    """The number of rows of a relation (a name or a query), and a sum of row hashes, which ignores their order.

    It uses DuckDB's own `hash` over typed values, so values are compared as they are, not as they are printed.
    """
    row = one(
        con, f"SELECT count(*), CAST(coalesce(sum(hash({', '.join(expressions)})), 0) AS VARCHAR) FROM {relation}"
    )
    if row is None:
        raise AssertionError("an aggregate gives one row")
    return int(row[0]), str(row[1])


def same(
    con: duckdb.DuckDBPyConnection, source: Source, arrived: str, sent: Sequence[str], back: Sequence[str]
) -> tuple[int, str]:
    """Rows and checksum of a source, after comparing them with what arrived.

    Args:
        con: a connection that sees both.
        source: what was sent.
        arrived: a name or a query.
        sent: SQL expressions over rows of the source.
        back: SQL expressions over rows of what arrived.

    Raises PublishError if they differ.
    """
    ours = checksum(con, source.relation, sent)
    require_same(source, ours, checksum(con, arrived, back))
    return ours


def require_same(source: Source, ours: tuple[int, str], theirs: tuple[int, str]) -> None:
    """Raises PublishError if rows or checksum of what arrived differ from those of what was sent."""
    if ours != theirs:
        raise PublishError(
            f"{source.name} did not arrive as it was sent ({ours[0]:,} rows sent, {theirs[0]:,} there; checksums "
            f"{ours[1]} and {theirs[1]}), so nothing was changed: look for a trigger or rule on the table in the "
            "target, or leave the table out (--tables)"
        )


def provenance(con: duckdb.DuckDBPyConnection, source: Source) -> Provenance:
    """The newest model and as_of in a table."""
    names = {name for name, _ in source.columns}
    wanted = [f"CAST(max({name}) AS VARCHAR)" if name in names else "NULL" for name in ("model", "as_of")]
    row = one(con, f"SELECT {', '.join(wanted)} FROM {source.relation}") or (None, None)
    return Provenance(*row)


def comment_statements(source: Source, target: str, columns: Sequence[str]) -> list[str]:
    """COMMENT statements for a copy of the table, `target`, that has these columns."""
    statements = [f"COMMENT ON TABLE {target} IS {literal(source.comment)}"] if source.comment else []
    return statements + [
        f"COMMENT ON COLUMN {target}.{identifier(name)} IS {literal(source.comments[name])}"
        for name in columns
        if name in source.comments
    ]


def _places(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, tables: Sequence[str] | None
) -> list[tuple[str, str, bool]]:
    """Schema, name and whether it is a view, for each table; as they are spelt in the file."""
    rows = con.execute(
        """SELECT schema_name, table_name, false FROM duckdb_tables() WHERE database_name = current_database()
           UNION ALL
           SELECT schema_name, view_name, true FROM duckdb_views()
           WHERE database_name = current_database() AND NOT internal"""
    ).fetchall()
    there = {(schema, name.casefold()): (schema, name, view) for schema, name, view in rows}
    if tables is None:
        places = [there.get((mapping.schema, name)) for name in DEFAULT_TABLES]
        return [place for place in places if place]
    chosen: dict[str, tuple[str, str, bool]] = {}
    for table in tables:
        place = _find(there, mapping, table)
        if place is None:
            own = sorted(name for schema, name, _ in rows if schema == mapping.schema and name not in _INTERNAL)
            raise PublishError(
                f'there is no table or view "{table}" to publish in schema "{mapping.schema}" or "main": name one of '
                f"{', '.join(own)}"
            )
        if chosen.setdefault(place[1].casefold(), place) != place:
            raise PublishError(f'two tables named "{place[1]}" were asked for: publish one of them through a view')
    if PUBLICATIONS in chosen:
        raise PublishError(f'"{PUBLICATIONS}" is where sqlscore notes what it published: publish yours through a view')
    if not chosen:
        raise PublishError("no table was named: leave `tables` out to publish what dashboards need")
    return list(chosen.values())


def _find(
    there: dict[tuple[str, str], tuple[str, str, bool]], mapping: Mapping, table: str
) -> tuple[str, str, bool] | None:
    folded = table.casefold()
    places = [(mapping.schema, folded), ("main", folded)]
    if "." in folded:
        schema, name = table.split(".", 1)
        places.append((schema, name.casefold()))
    return next((there[place] for place in places if place in there), None)


def _source(con: duckdb.DuckDBPyConnection, mapping: Mapping, schema: str, name: str, view: bool) -> Source:
    relation = qualified(schema, name)
    rows = con.execute(
        """SELECT NULL, comment FROM duckdb_tables()
           WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2
           UNION ALL SELECT NULL, comment FROM duckdb_views()
           WHERE database_name = current_database() AND schema_name = $1 AND view_name = $2
           UNION ALL SELECT column_name, comment FROM duckdb_columns()
           WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2""",
        [schema, name],
    ).fetchall()
    comments = {column: comment for column, comment in rows if comment}
    if view:
        held = qualified("temp", f"sqlscore_publish_{schema}_{name}")
        try:
            con.execute(f"CREATE TEMP TABLE {held} AS SELECT * FROM {relation}")
        except duckdb.Error as error:
            said = _why(con, mapping) or str(error).splitlines()[0]  # what follows is the query, which nobody wrote
            raise PublishError(f"the view {schema}.{name} cannot be read: {said}") from error
        relation = held
    shape = con.sql(f"SELECT * FROM {relation} LIMIT 0")
    columns = tuple(zip(shape.columns, shape.types, strict=True))
    return Source(name, relation, columns, comments.pop(None, None), comments)


def _why(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> str | None:
    """Why the mapped events cannot be read, in terms of the user's columns; None if they can."""
    with con.cursor() as fresh:  # the error may have ended the caller's transaction
        try:
            attach(fresh, mapping.attached)
            check_readable(fresh, mapping)
        except (MappingError, EventsError) as error:
            return str(error)
    return None
