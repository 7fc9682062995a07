"""A copy of what a query reads, in memory, from which the future can be taken away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import duckdb
from sqlglot import exp

from sqlscore.errors import LintError
from sqlscore.linting.catalog import Catalog
from sqlscore.linting.reading.statements import statements
from sqlscore.linting.tables import Table
from sqlscore.quoting import identifier, qualified
from sqlscore.sql.names import SCHEMA
from sqlscore.sql.objects import objects

_ROWS = 100_000  # of a batch


class Copy:
    """The tables and views under a query, in a database of its own.

    Attributes:
        con: a connection to the copy.
        tables: the tables by schema and name.
    """

    def __init__(self, known: Catalog, query: exp.Expr) -> None:
        """Args: what the file has; the query. Raises duckdb.Error if something cannot be copied."""
        self.con = duckdb.connect()
        self.con.execute("SET TimeZone = 'UTC'")
        self.tables: dict[tuple[str, str], Table] = {}
        self._known = known
        views: list[str] = []
        self._take(query, views)
        if any(schema == SCHEMA for schema, _ in self.tables) or SCHEMA in query.sql("duckdb").casefold():
            self._shipped()
        for view in reversed(views):
            self.con.execute(view)

    def _take(self, query: exp.Expr, views: list[str]) -> None:
        """Copy the tables that a query names, and those under its views."""
        for node in query.find_all(exp.Table):
            key = (node.db.casefold() or "main", node.name.casefold())
            if key in self.tables or not isinstance(node.this, exp.Identifier):
                continue
            view = self._known.views.get(key)
            if view is not None and key not in self._known.mapped and key[0] not in self._known.schemas:
                if view not in views:
                    views.append(view)
                    self._take(_parsed(view), views)
                continue
            self._copy(key)

    def _copy(self, key: tuple[str, str]) -> None:
        table = self._known.table(*key)
        if table is None or self._known.con is None or key in self.tables:
            return
        self.tables[key] = table
        rows = self._known.con.sql(f"SELECT * FROM {qualified(*key)}").to_arrow_reader(_ROWS)
        self.con.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(key[0])}")
        self.con.register("sqlscore_rows", rows)
        self.con.execute(f"CREATE TABLE {qualified(*key)} AS SELECT * FROM sqlscore_rows")
        self.con.unregister("sqlscore_rows")

    def _shipped(self) -> None:
        """The views and macros of sqlscore over the copied events, as far as they need no model."""
        if self._known.columns_of(SCHEMA, "events") is None:
            return
        self._copy((SCHEMA, "events"))
        self.con.execute(
            f"CREATE VIEW {SCHEMA}.high_water AS SELECT max(event_time) AS high_water FROM {SCHEMA}.events"
        )
        for item in objects():
            try:
                self.con.execute(item.for_schema(SCHEMA))
            except duckdb.Error:
                continue  # it scores, or reads what is kept of models

    @contextmanager
    def until(self, moment: datetime) -> Iterator[None]:
        """Without the rows after a moment, inside a with block."""
        self.con.execute("BEGIN")
        try:
            for key, table in self.tables.items():
                if table.clock is not None and table.kind != "attributes":
                    query = f"DELETE FROM {qualified(*key)} WHERE CAST({identifier(table.clock)} AS TIMESTAMP) > ?"
                    self.con.execute(query, [moment])
            yield
        finally:
            self.con.execute("ROLLBACK")

    def users(self) -> set[object]:
        """Who has a row of some moment."""
        found: set[object] = set()
        for key, table in self.tables.items():
            if table.clock is not None and table.kind in ("events", "clocked"):
                for user in table.users:
                    query = f"SELECT DISTINCT {identifier(user)} FROM {qualified(*key)}"
                    found |= {row[0] for row in self.con.execute(query).fetchall()}
        return found

    def close(self) -> None:
        """Forget it."""
        self.con.close()


def _parsed(text: str) -> exp.Expr:
    try:
        return statements(text, "view")[0]
    except LintError:
        return exp.Select()
