"""Tables in PostgreSQL that outlive a publication: made, given new columns, commented, noted.

SQL for the server: names through `quoting`, which follows the same rule there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from sqlscore.errors import PublishError
from sqlscore.publishing.columns import Column
from sqlscore.publishing.tables import PUBLICATIONS, Provenance, Source, comment_statements
from sqlscore.quoting import identifier, literal, qualified

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Cursor

_PUBLICATION_COLUMNS = {
    "table_name": ("text PRIMARY KEY", "The table."),
    "n_rows": ("bigint", "Its rows."),
    "checksum": ("text", "A sum of row hashes; equal for equal rows."),
    "model": ("text", "The newest model in it, name@version; NULL if it holds no scores."),
    "as_of": ("timestamp without time zone", "The newest moment of its scores, UTC."),
    "published_at": ("timestamp without time zone", "When it was published, UTC."),
    "published_by": ("text", "The version of sqlscore."),
    "columns": ("text[]", "The columns that sqlscore fills; others are yours."),
}


@dataclass(frozen=True)
class Existing:
    """A table that an earlier publication made.

    Attributes:
        types: of its columns, by name.
        comments: of its columns, by name, and of the table under None.
        ours: the columns that the publication filled.
        noted: its rows and checksum then.
    """

    types: dict[str, str]
    comments: dict[str | None, str]
    ours: frozenset[str]
    noted: tuple[int, str]

    def fits(self, columns: Sequence[Column]) -> bool:
        """Whether it has these columns, and sqlscore fills no others."""
        wanted = {column.name: column.type for column in columns}
        return wanted.keys() == self.ours and all(self.types.get(name) == kind for name, kind in wanted.items())


def make_schema(cursor: Cursor, schema: str) -> None:
    """Create the schema if it is missing. IF NOT EXISTS would need a privilege even if it is there."""
    if not _rows(cursor, f"SELECT 1 FROM pg_namespace WHERE nspname = {literal(schema)}"):
        cursor.execute(f"CREATE SCHEMA {identifier(schema)}")


def make_publications(cursor: Cursor, schema: str) -> None:
    """The table of what was published when."""
    if _rows(cursor, f"SELECT 1 FROM pg_class WHERE oid = to_regclass({literal(qualified(schema, PUBLICATIONS))})"):
        return
    table = qualified(schema, PUBLICATIONS)
    shape = ", ".join(f"{identifier(name)} {kind}" for name, (kind, _) in _PUBLICATION_COLUMNS.items())
    cursor.execute(f"CREATE TABLE {table} ({shape})")
    cursor.execute(f"COMMENT ON TABLE {table} IS 'What sqlscore published in this schema, one row a table'")
    for name, (_, comment) in _PUBLICATION_COLUMNS.items():
        cursor.execute(f"COMMENT ON COLUMN {table}.{identifier(name)} IS {literal(comment)}")


def existing_columns(cursor: Cursor, schema: str, name: str) -> Existing | None:
    """The table as it is on the server, None if there is none.

    Raises PublishError for a table or view that no publication made: it belongs to somebody else.
    """
    table = qualified(schema, name)
    if not _rows(cursor, f"SELECT 1 FROM pg_class WHERE oid = to_regclass({literal(table)})"):
        return None
    noted = _rows(
        cursor,
        f"SELECT columns, n_rows, checksum FROM {qualified(schema, PUBLICATIONS)} WHERE table_name = {literal(name)}",
    )
    if not noted:
        raise PublishError(
            f"there is already a {schema}.{name} on the server that sqlscore did not make: publish into another schema "
            "(--schema), or rename that one"
        )
    rows = _rows(
        cursor,
        f"""SELECT attname::text, format_type(atttypid, atttypmod), col_description(attrelid, attnum)
            FROM pg_attribute WHERE attrelid = to_regclass({literal(table)}) AND attnum > 0 AND NOT attisdropped""",
    )
    comment = _rows(cursor, f"SELECT obj_description(to_regclass({literal(table)}), 'pg_class')")
    comments: dict[str | None, str] = {column: text for column, _, text in rows if text}
    if comment and comment[0][0]:
        comments[None] = comment[0][0]
    return Existing({column: kind for column, kind, _ in rows}, comments, frozenset(noted[0][0]), noted[0][1:])


def prepare_table(
    cursor: Cursor, schema: str, source: Source, columns: Sequence[Column], before: Existing | None
) -> str:
    """Create the table, or change the columns of the existing one; return its quoted name. Writers are locked out.

    Raises PublishError if a view reads a column that is dropped or changes its type.
    """
    table = qualified(schema, source.name)
    if before is None:
        shape = [f"{identifier(column.name)} {column.type}" for column in columns]
        if source.key:
            shape.append(f"PRIMARY KEY ({', '.join(map(identifier, source.key))})")
        cursor.execute(f"CREATE TABLE {table} ({', '.join(shape)})")
        return table
    cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
    wanted = {column.name: column.type for column in columns}
    new = [column for column in wanted if column not in before.types]
    other = [column for column, kind in wanted.items() if before.types.get(column, kind) != kind]
    gone = [column for column in before.types if column in before.ours and column not in wanted]
    foreign = [column for column in wanted if column in before.types and column not in before.ours]
    if foreign:
        raise PublishError(
            f'{schema}.{source.name} has a column "{foreign[0]}" of your own, and sqlscore now has one of that name: '
            "rename yours"
        )
    if other:  # all rows are replaced: an emptied table takes any type, and older snapshots still see the rows
        cursor.execute(f"DELETE FROM {table}")
    changes = [
        *((column, f"ADD COLUMN {identifier(column)} {wanted[column]}") for column in new),
        *((column, f"ALTER COLUMN {identifier(column)} TYPE {wanted[column]} USING NULL") for column in other),
        *((column, f"DROP COLUMN {identifier(column)}") for column in gone),
    ]
    for column, change in changes:
        _alter(cursor, schema, source.name, column, change)
    return table


def set_comments(
    cursor: Cursor, table: str, source: Source, columns: Sequence[Column], before: Existing | None
) -> None:
    """Comment on the table and its columns, except where a comment was written on the server."""
    kept = before.comments if before else {}
    flat = {c.name: "Taken from a nested column, for charts." for c in columns if c.flat}
    described = Source(
        source.name,
        source.relation,
        source.columns,
        None if None in kept else source.comment,
        {name: text for name, text in (flat | source.comments).items() if name not in kept},
    )
    for statement in comment_statements(described, table, [column.name for column in columns]):
        cursor.execute(statement)


def note_publication(
    cursor: Cursor, schema: str, name: str, columns: Sequence[Column], rows: int, checksum: str, of: Provenance
) -> None:
    """Write the table's row of `publications`."""
    table = qualified(schema, PUBLICATIONS)
    filled = ", ".join(literal(column.name) for column in columns)
    model, as_of = (literal(value) if value is not None else "NULL" for value in (of.model, of.as_of))
    cursor.execute(f"DELETE FROM {table} WHERE table_name = {literal(name)}")
    cursor.execute(
        f"""INSERT INTO {table} ({", ".join(map(identifier, _PUBLICATION_COLUMNS))})
            VALUES ({literal(name)}, {rows}, {literal(checksum)}, {model}, CAST({as_of} AS timestamp),
                    now() AT TIME ZONE 'UTC', {literal(version("sqlscore"))}, ARRAY[{filled}]::text[])"""
    )


def _alter(cursor: Cursor, schema: str, name: str, column: str, change: str) -> None:
    from adbc_driver_manager import Error

    try:
        cursor.execute(f"ALTER TABLE {qualified(schema, name)} {change}")
    except Error as error:
        if "depend" not in str(error) and "used by" not in str(error):
            raise
        message = f'column "{column}" of {schema}.{name} has to change ({change}), and something reads it: {error}'
    else:
        return
    raise PublishError(f"{message}; drop that, publish, and make it again, or publish into another schema (--schema)")


def _rows(cursor: Cursor, query: str) -> list[tuple[Any, ...]]:
    cursor.execute(query)
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
