"""The rows of a table or a view by its name."""

from __future__ import annotations

from sqlglot import exp

from sqlscore.dialects.shipped import Shipped, shipped
from sqlscore.errors import LintError
from sqlscore.events.mapping import CANONICAL
from sqlscore.linting.reading.scope import Reader, Scope
from sqlscore.linting.reading.statements import query_of, statements
from sqlscore.linting.reading.tables import rows_of
from sqlscore.linting.relations import Relation
from sqlscore.linting.tables import Table, guess, is_moment
from sqlscore.linting.values import NO_READS, Moment, Origin, Read, Value
from sqlscore.linting.zones import Var
from sqlscore.sql.names import SCHEMA

_SCORES = ("scored_users", "live_scored_users", "scored_sessions", "live_scored_sessions", "past_scores")
_AS_ATTRIBUTES = ("user_attributes",)
_DEEPEST = 40


def named_relation(reader: Reader, schema: str, name: str, node: exp.Expr | None) -> Relation:
    """The rows of a table or view of the file."""
    catalog, key = reader.catalog, (schema, name)
    if schema == SCHEMA or schema in catalog.schemas:
        found = _of_sqlscore(reader, schema, name, node)
        if found is not None:
            return found
    if key in catalog.views and key not in catalog.mapped:
        return _view(reader, key, catalog.views[key])
    return rows_of(reader, catalog.table(schema, name) or unknown(name, node), node)


def _of_sqlscore(reader: Reader, schema: str, name: str, node: exp.Expr | None) -> Relation | None:
    """What sqlscore keeps in its schema; None if it is none of that."""
    catalog = reader.catalog
    columns = catalog.columns_of(schema, name)
    if name == "high_water":
        newest = Var("newest", "events")
        read = Read(newest, Origin("whole", node))
        return Relation({name: Value(frozenset({read}), Moment(newest))}, single=True)
    if name == "events":
        table = catalog.table(schema, name)
        return rows_of(reader, table if table is not None and table.kind == "events" else _CANONICAL, node)
    if columns is not None and name in _SCORES:
        return _scores(reader, schema, name, columns, node)
    users = frozenset({"user_id"})
    if columns is not None and name in _AS_ATTRIBUTES:
        return rows_of(reader, Table(f"{schema}.{name}", "attributes", columns, None, users, keys=(users,)), node)
    known = shipped_in(reader, schema)
    if name in known and not known[name].parameters:
        return expanded(reader, f"{schema}.{name}", known[name].called(None), schema)
    if columns is not None and (schema, name) not in catalog.views:  # what is kept of models, runs and the like
        times = frozenset(one for one, kind in columns.items() if is_moment(kind))
        return rows_of(reader, Table(f"{schema}.{name}", "kept", columns, times=times), node)
    return None


_CANONICAL = Table(
    "sqlscore.events", "events", dict.fromkeys(CANONICAL, "?"), "event_time", frozenset({"user_id"}),
    frozenset({"event_time"}),
)  # fmt: skip


def _scores(reader: Reader, schema: str, name: str, columns: dict[str, str], node: exp.Expr | None) -> Relation:
    """A table of scores; those of users are all as of one moment, the newest event."""
    times = frozenset(one for one, kind in columns.items() if is_moment(kind))
    keys = {"user_id"} if name.endswith("users") else {"user_id", "session_id"}
    if name == "past_scores":
        keys = {"user_id", "as_of", "model"}
    table = Table(
        f"{schema}.{name}", "scores", columns, "as_of", frozenset({"user_id"}), times, keys=(frozenset(keys),)
    )
    found = rows_of(reader, table, node)
    if not name.endswith("users"):
        return found
    newest = Var("newest", "events")
    names = {moment.var: newest for moment in found.grain}
    found = found.copied(names)
    found.grain, found.event, found.tables, found.presence, found.whole = (), False, (), NO_READS, None
    return found


def shipped_in(reader: Reader, schema: str) -> dict[str, Shipped]:
    """The views and macros of sqlscore, by name."""
    mapping = reader.catalog.schemas.get(schema)
    return shipped(mapping.order, mapping.group is not None) if mapping is not None else shipped()


def _view(reader: Reader, key: tuple[str, str], text: str) -> Relation:
    name = f"view {'.'.join(key)}"
    try:
        body, _ = query_of(statements(text, name)[0], name)
    except LintError as error:
        reader.seen.unread.append(str(error))
        return Relation(name=".".join(key))
    if body is None:
        return Relation(name=".".join(key))
    return expanded(reader, ".".join(key), body, reader.schema, silent=False)


def expanded(reader: Reader, name: str, body: exp.Expr, schema: str, silent: bool = True) -> Relation:
    """The rows of a query that a name stands for; it sees nothing of the query around.

    Args:
        reader: Reads it.
        name: The name.
        body: The query.
        schema: In which sqlscore's own views are looked up.
        silent: Whether what is seen in it is not noted, since it is looked at by itself.
    """
    if name in reader.made:
        return reader.copy(reader.made[name])
    if name in reader.expanding or len(reader.expanding) > _DEEPEST:
        return Relation(name=name)
    before = reader.schema
    reader.expanding.append(name)
    reader.schema = schema
    seen = reader.seen.silent()
    try:
        relation = reader.query(Scope(), body)
    finally:
        reader.expanding.pop()
        reader.schema = before
        if silent:
            seen.restore()
    relation.name = name
    reader.made[name] = relation
    return reader.copy(relation)


def model_rows(reader: Reader, name: str) -> Relation:
    """The rows of another model of the project."""
    return expanded(reader, name, reader.models[name], reader.schema)


def unknown(name: str, node: exp.Expr | None) -> Table:
    """A table that the file does not have, by the names under which the query reads it."""
    query = node.find_ancestor(exp.Select) if node is not None else None
    alias = node.alias_or_name.casefold() if node is not None else name
    names: dict[str, str] = {}
    for column in query.find_all(exp.Column) if query is not None else ():
        if column.table.casefold() in (alias, name) and not isinstance(column.this, exp.Star):
            names[column.name.casefold()] = "?"
    whole = query is not None and (query.args.get("from_") is not None) and not query.args.get("joins")
    if whole and query is not None:
        for column in query.find_all(exp.Column):
            if not column.table and not isinstance(column.this, exp.Star):
                names.setdefault(column.name.casefold(), "?")
    for join in query.args.get("joins") or () if query is not None else ():
        names |= {one.name.casefold(): "?" for one in join.args.get("using") or ()}
    return guess(f"main.{name}", names)
