"""The tables, views and macros of a file, as the linter reads them."""

from __future__ import annotations

from collections.abc import Mapping as Mappings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import duckdb

from sqlscore.events.mapping import Mapping
from sqlscore.linting.tables import Table, guess, of_mapping
from sqlscore.quoting import identifier, qualified, unquoted

_LARGEST = 20_000_000  # rows of a table whose keys are looked up in the data


@dataclass(frozen=True)
class Macro:
    """A macro of the user's: its parameters with their defaults as text, and its body."""

    parameters: tuple[tuple[str, str | None], ...]
    body: str
    is_table: bool


class Catalog:
    """What a file has; read when it is asked for, once."""

    def __init__(self, con: duckdb.DuckDBPyConnection | None, mappings: Mappings[str, Mapping]) -> None:
        """Args: a connection to the file, None without one; its mappings by name."""
        self.con = con
        self.mappings = mappings
        self.schemas = {mapping.schema.casefold(): mapping for mapping in mappings.values()}
        self._tables: dict[tuple[str, str], Table | None] = {}
        self._ties: dict[str, bool] = {}

    @cached_property
    def mapped(self) -> dict[tuple[str, str], Mapping]:
        """The mapped tables by schema and name."""
        found = {}
        for mapping in self.mappings.values():
            parts = unquoted(mapping.relation).casefold().split(".")
            if len(parts) <= 3 and mapping.relation and "(" not in mapping.relation:
                found[(parts[-2] if len(parts) > 1 else "main", parts[-1])] = mapping
        return found

    @cached_property
    def views(self) -> dict[tuple[str, str], str]:
        """The SQL that made each view, by schema and name."""
        rows = self._rows(
            """SELECT lower(schema_name), lower(view_name), sql FROM duckdb_views()
               WHERE database_name = current_database() AND NOT internal"""
        )
        return {(schema, name): sql for schema, name, sql in rows}

    @cached_property
    def macros(self) -> dict[tuple[str, str], Macro]:
        """The user's macros by schema and name."""
        rows = self._rows(
            """SELECT lower(schema_name), lower(function_name), parameters, macro_definition, function_type
               FROM duckdb_functions()
               WHERE database_name = current_database() AND NOT internal AND macro_definition IS NOT NULL"""
        )
        found: dict[tuple[str, str], Macro] = {}
        for schema, name, parameters, body, kind in rows:
            given = tuple((str(one), None) for one in parameters)
            found.setdefault((schema, name), Macro(given, body, kind == "table_macro"))
        return found

    def _rows(self, query: str, parameters: list[object] | None = None) -> list[tuple[Any, ...]]:
        return self.con.execute(query, parameters or []).fetchall() if self.con is not None else []

    @cached_property
    def _columns(self) -> dict[tuple[str, str], dict[str, str]]:
        rows = self._rows(
            """SELECT lower(schema_name), lower(table_name), lower(column_name), data_type FROM duckdb_columns()
               WHERE database_name = current_database() AND NOT internal
               ORDER BY schema_name, table_name, column_index"""
        )
        found: dict[tuple[str, str], dict[str, str]] = {}
        for schema, name, column, kind in rows:
            found.setdefault((schema, name), {})[column] = kind
        return found

    @cached_property
    def _declared(self) -> dict[tuple[str, str], list[frozenset[str]]]:
        rows = self._rows(
            """SELECT lower(schema_name), lower(table_name), constraint_column_names FROM duckdb_constraints()
               WHERE database_name = current_database() AND constraint_type IN ('PRIMARY KEY', 'UNIQUE')"""
        )
        found: dict[tuple[str, str], list[frozenset[str]]] = {}
        for schema, name, columns in rows:
            found.setdefault((schema, name), []).append(frozenset(str(one).casefold() for one in columns))
        return found

    @cached_property
    def _sizes(self) -> dict[tuple[str, str], int]:
        rows = self._rows(
            """SELECT lower(schema_name), lower(table_name), estimated_size FROM duckdb_tables()
               WHERE database_name = current_database()"""
        )
        return {(schema, name): int(size or 0) for schema, name, size in rows}

    def has(self, name: str) -> bool:
        """Whether there is a table or view of that name, with its schema and database if it is given."""
        if self.con is None:
            return True
        try:
            self.con.execute(f"DESCRIBE SELECT * FROM {qualified(*name.split('.'))}")
        except duckdb.Error:
            return False
        return True

    def columns_of(self, schema: str, name: str) -> dict[str, str] | None:
        """The columns of a table or view and their types; None if it is not there."""
        return self._columns.get((schema or "main", name))

    def table(self, schema: str, name: str) -> Table | None:
        """The table of that name; None if there is none."""
        key = (schema or "main", name)
        if key not in self._tables:
            columns = self._columns.get(key)
            self._tables[key] = self._known(key, columns) if columns is not None else None
        return self._tables[key]

    def _known(self, key: tuple[str, str], columns: dict[str, str]) -> Table:
        mapping = self.mapped.get(key) or (self.schemas.get(key[0]) if key[1] == "events" else None)
        if mapping is not None:
            return of_mapping(".".join(key), columns, mapping, canonical=key[0] in self.schemas and key[1] == "events")
        keys = tuple(self._declared.get(key, ()))
        guessed = guess(".".join(key), columns, keys)
        if guessed.kind in ("events", "scores") or not guessed.users or self._sizes.get(key, 0) > _LARGEST:
            return guessed
        candidates = [guessed.users] if len(guessed.users) == 1 else [frozenset({user}) for user in guessed.users]
        if guessed.clock is not None:
            candidates += [one | {guessed.clock} for one in candidates]
        unique = tuple(one for one in candidates if one not in keys and self._is_unique(key, one))
        return guess(guessed.name, columns, keys + unique)

    def _is_unique(self, key: tuple[str, str], columns: frozenset[str]) -> bool:
        """Whether the rows that are there differ in these columns; of less than two nothing is known."""
        names = ", ".join(identifier(one) for one in sorted(columns))
        try:
            rows = self._rows(f"SELECT count(*), count(DISTINCT ({names})) FROM {qualified(*key)}")
        except duckdb.Error:
            return False
        n_rows, n_keys = rows[0]
        return bool(n_rows == n_keys and n_rows > 1)

    def comment_on(self, schema: str, name: str) -> str | None:
        """The comment on a view; None if it has none."""
        rows = self._rows(
            """SELECT comment FROM duckdb_views()
               WHERE database_name = current_database() AND lower(schema_name) = ? AND lower(view_name) = ?""",
            [schema, name],
        )
        return rows[0][0] if rows else None

    def has_ties(self, schema: str, name: str, columns: frozenset[str]) -> bool:
        """Whether rows of a table agree in these columns."""
        key, asked = (schema or "main", name), f"{schema}.{name} {sorted(columns)}"
        if asked not in self._ties:
            names = ", ".join(identifier(one) for one in sorted(columns))
            try:
                query = f"SELECT 1 FROM {qualified(*key)} GROUP BY {names} HAVING count(*) > 1 LIMIT 1"
                self._ties[asked] = bool(self._rows(query))
            except duckdb.Error:
                self._ties[asked] = False
        return self._ties[asked]
