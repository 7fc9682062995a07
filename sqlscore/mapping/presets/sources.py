"""One table of an export, as it was delivered: files of one kind, or a table of the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from sqlscore.errors import MappingError
from sqlscore.mapping.presets.files import KINDS, PACKED, delimiter_of, explained, files_of, kind_of_file, unreadable
from sqlscore.mapping.presets.located import Elsewhere
from sqlscore.mapping.relations import relation_of
from sqlscore.quoting import literal, literals

_SAMPLE = 1_000  # objects of a JSON file whose keys are looked at
_SHOWN = 30  # names of columns in a message


@dataclass(frozen=True)
class Column:
    """A column that a preset reads.

    Attributes:
        name: in the export.
        kind: the SQL type that it is read as: VARCHAR (an empty text is NULL), BIGINT, DOUBLE, TIMESTAMP (in UTC),
            JSON, or ANY: as it is.
        required: no table of the export is without it, and no file has it empty throughout.
    """

    name: str
    kind: str = "VARCHAR"
    required: bool = False


@dataclass(frozen=True)
class Source:
    """A table of an export.

    Attributes:
        what: as the user named it.
        kind: csv, json, parquet or table.
        relation: the SQL of a FROM clause.
        types: the types of its columns by name, in lower case unless it is JSON, of which only those that are read have
            a type. A warehouse may write all names in capitals.
        paths: of its files.
        found: the names of its columns.
    """

    what: str
    kind: str
    relation: str
    types: dict[str, str]
    paths: tuple[str, ...] = ()
    found: tuple[str, ...] = ()

    def has(self, name: str) -> bool:
        """Whether it has a column of this name, in lower case; only in JSON does the case of a name say something."""
        return name in (self.found if self.kind == "json" else {column.casefold() for column in self.found})

    @property
    def with_file(self) -> str:
        """The relation with a column `filename`, which tables do not have."""
        return self.relation if self.kind == "table" else f"{self.relation.removesuffix(')')}, filename = true)"


def open_source(
    con: duckdb.DuckDBPyConnection, paths: Sequence[str], columns: Iterable[Column], nulls: Iterable[str] = ()
) -> Source:
    """Find a table of the export, and what columns it has.

    Args:
        con: A connection to the database.
        paths: A table of the database, or files and globs of one kind.
        columns: Those that are read: JSON has no others.
        nulls: Words that stand for NULL in CSV, besides nothing.

    Raises MappingError if there is nothing of that name, or it cannot be read.
    """
    what = paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
    if len(paths) == 1 and isinstance(paths[0], Elsewhere):
        return _source(con, what, "table", paths[0], ())
    there = {path: [path] if "://" in path else files_of(path) for path in paths}
    kinds = {path: kind_of_file(path) or kind_of_file("".join(there[path][:1])) for path in paths}
    if not any(there.values()) and len(paths) == 1:
        relation = relation_of(con, paths[0])  # a table, or an error that says what there is
        return _source(con, what, "table", relation, ())
    for path, kind in kinds.items():
        if not there[path]:
            raise MappingError(f'there is no file "{path}": check the name')
        if kind is None:
            raise MappingError(
                f'"{path}" does not end as a file that is read does ({", ".join(KINDS)}, packed as '
                f"{', '.join(PACKED)} or not): rename it, or unpack it"
            )
    if len(set(kinds.values())) > 1:
        raise MappingError(
            f"{what}: these are files of different kinds; give those of one kind, or load them as a table"
        )
    kind = str(kinds[paths[0]])
    files = f"[{literals(path if '://' in path else str(Path(path).absolute()) for path in paths)}]"
    if kind == "parquet":
        relation = f"read_parquet({files}, union_by_name = true)"
        return _source(con, what, kind, relation, paths)
    if kind == "csv":
        mark = delimiter_of(con, files, what)
        relation = (
            f"read_csv({files}, delim = {literal(mark)}, quote = '\"', escape = '\"', header = true, "
            f"all_varchar = true, union_by_name = true, nullstr = [{literals(('', *nulls))}])"
        )
        return _source(con, what, kind, relation, paths)
    return _json(con, files, what, tuple(columns), tuple(paths))


def _json(
    con: duckdb.DuckDBPyConnection, files: str, what: str, columns: tuple[Column, ...], paths: tuple[str, ...]
) -> Source:
    try:
        objects = f"SELECT json FROM read_json_objects({files}) LIMIT {_SAMPLE}"
        keys = con.execute(f"SELECT DISTINCT unnest(json_keys(json)) FROM ({objects})").fetchall()
    except duckdb.Error as error:
        raise unreadable(what, error) from error
    if not keys:
        raise MappingError(f'"{what}" is empty: export it again')
    kinds = {"TIMESTAMP": "VARCHAR", "ANY": "JSON"}
    wanted = {column.name: kinds.get(column.kind, column.kind) for column in columns}
    read = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in wanted.items())
    types = {key: wanted.get(key, "JSON") for (key,) in keys} | {
        column.name: wanted[column.name] for column in columns if not column.required
    }
    return Source(
        what, "json", f"read_json({files}, columns = {{{read}}})", types, paths, tuple(sorted(key for (key,) in keys))
    )


def _source(con: duckdb.DuckDBPyConnection, what: str, kind: str, relation: str, paths: Sequence[str]) -> Source:
    try:
        found = con.sql(f"FROM {relation} LIMIT 0")
    except duckdb.Error as error:
        raise explained(con, what, paths, error) from error
    types = dict(zip(found.columns, map(str, found.types), strict=True))
    folded = {name.casefold(): type_ for name, type_ in types.items()}
    return Source(what, kind, relation, folded, tuple(paths), tuple(types))


def headed(con: duckdb.DuckDBPyConnection, paths: Sequence[str], names: Sequence[str]) -> Source:
    """Tab-separated files without quotes and without a header; a backslash stands before what is part of a value.

    Args:
        con: A connection to the database.
        paths: Of the files.
        names: Of their columns.

    Raises MappingError if they have other columns.
    """
    files = literals(str(Path(path).absolute()) for path in paths)
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    relation = (  # only a reader that is not strict knows escapes without quotes; rows too short or long are errors too
        f"read_csv([{files}], auto_detect = false, header = false, delim = '\t', quote = '', escape = '\\', "
        f"strict_mode = false, columns = {{{columns}}})"
    )
    return _source(con, paths[0], "csv", relation, paths)


def names_shown(names: Iterable[str]) -> str:
    """Names of columns as a message shows them."""
    listed = [f'"{name}"' for name in names]
    return ", ".join(listed[:_SHOWN]) + (f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else "")
