"""An entry of FROM: a table, a view, a macro, a query, a list of values."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from sqlscore.dialects.refusal import Refused
from sqlscore.errors import LintError
from sqlscore.linting.reading.listed import listed, series, values_listed
from sqlscore.linting.reading.named import model_rows, named_relation, shipped_in, unknown
from sqlscore.linting.reading.pivots import pivoted
from sqlscore.linting.reading.scope import Reader, Scope, Source
from sqlscore.linting.reading.splits import note_sample
from sqlscore.linting.reading.statements import statements
from sqlscore.linting.reading.subqueries import looked_up
from sqlscore.linting.reading.tables import rows_of
from sqlscore.linting.relations import Relation
from sqlscore.sql.names import SCHEMA


def read_source(reader: Reader, scope: Scope, node: exp.Expr) -> Source:
    """Read one entry of FROM.

    Args:
        reader: Knows the file.
        scope: Gives what WITH named, and what a lateral entry sees.
        node: The entry.
    """
    source = _read(reader, scope, node)
    for pivot in node.args.get("pivots") or ():
        source = Source(pivot.alias.casefold() or source.alias, _renamed(pivoted(source.relation, pivot), pivot))
    return source


def _read(reader: Reader, scope: Scope, node: exp.Expr) -> Source:
    alias = node.alias_or_name.casefold()
    if isinstance(node, exp.Lateral):
        inner = Scope(outer=scope)
        if isinstance(node.this, exp.Subquery):
            relation = reader.query(inner, node.this)
            relation = _looked_up(relation, node, inner.correlated)
            return Source(alias, _renamed(relation, node))
        return Source(alias, _renamed(listed(reader, scope, node), node))
    if isinstance(node, (exp.Subquery, exp.SetOperation, exp.Select)):
        if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table):
            return read_source(reader, scope, node.this)
        inner = Scope(outer=scope)
        relation = reader.query(inner, node)
        return Source(alias, _renamed(_looked_up(relation, node, inner.correlated), node))
    if isinstance(node, exp.Values):
        return Source(alias, _renamed(values_listed(reader, scope, node), node))
    if isinstance(node, exp.Unnest):
        return Source(alias, _renamed(listed(reader, scope, node), node))
    if isinstance(node, exp.Table):
        relation = _table(reader, scope, node)
        if isinstance(node.args.get("sample"), exp.TableSample):
            note_sample(reader, node.args["sample"], relation)
        return Source(alias or "?", _renamed(relation, node))
    return Source(alias or "?", Relation())


def _looked_up(relation: Relation, node: exp.Expr, correlated: bool) -> Relation:
    """Rows of a query that sees those before it, as rows of a join."""
    if not correlated:
        return relation
    relation.columns = {
        name: replace(value, reads=looked_up(value.reads, node), pick=None) for name, value in relation.columns.items()
    }
    relation.presence = looked_up(relation.presence, node)
    return relation


def _renamed(relation: Relation, node: exp.Expr) -> Relation:
    """With the names of columns that an alias gives."""
    alias = node.args.get("alias")
    names = (
        [one.name.casefold() for one in alias.columns]
        if isinstance(alias, exp.TableAlias) and alias.args.get("columns")
        else []
    )
    if names:
        old = list(relation.columns)
        new = dict(zip(old, names, strict=False))
        relation.columns = {new.get(name, name): value for name, value in relation.columns.items()}
        relation.keys = tuple(frozenset(new.get(name, name) for name in key) for key in relation.keys)
    return relation


def _table(reader: Reader, scope: Scope, node: exp.Table) -> Relation:
    name, schema = node.name.casefold(), node.db.casefold()
    if isinstance(node.this, exp.Func):
        return _called(reader, scope, node, schema)
    if not schema:
        found = scope.cte(name)
        if found is not None:
            return reader.copy(found)
    if name in reader.models and not schema:
        return reader.copy(model_rows(reader, name))
    if schema == SCHEMA and reader.schema != SCHEMA and reader.expanding:
        schema = reader.schema
    return named_relation(reader, schema or "main", name, node)


def _called(reader: Reader, scope: Scope, node: exp.Table, schema: str) -> Relation:
    """The rows that a function or a table macro gives."""
    call = node.this
    name = call.name.casefold() if isinstance(call, exp.Anonymous) else call.sql_name().casefold()
    if isinstance(call, exp.Anonymous):
        if name in ("query_table", "sqlscore_query_table") and call.expressions:
            given = call.expressions[0]
            text = given.name if isinstance(given, exp.Literal) else given.sql("duckdb")
            table = exp.to_table(text, dialect="duckdb")
            return _table(reader, scope, table)
        known = shipped_in(reader, schema or SCHEMA)
        if name in known and (schema == SCHEMA or schema in reader.catalog.schemas):
            try:
                body = known[name].called(call)
            except Refused as error:
                reader.seen.unread.append(f"{schema}.{name}: {error}")
                return Relation(name=name)
            return _macro(reader, scope, f"{schema}.{name}", body, schema)
        macro = reader.catalog.macros.get((schema or "main", name))
        if macro is not None and macro.is_table:
            return _own_macro(reader, scope, name, macro.parameters, macro.body, call)
    if isinstance(call, exp.GenerateSeries) or name in ("generate_series", "range", "generateseries"):
        return series(reader, scope, node, call)
    if isinstance(call, (exp.ReadCSV, exp.ReadParquet)) or name.startswith("read_"):
        return rows_of(reader, unknown(name, node), node)
    return listed(reader, scope, node)


def _macro(reader: Reader, scope: Scope, name: str, body: exp.Expr, schema: str) -> Relation:
    """The rows of a macro's body, which sees tables that its arguments name."""
    if name in reader.expanding:
        return Relation(name=name)
    before = reader.schema
    reader.expanding.append(name)
    reader.schema = schema
    seen = reader.seen.silent()
    try:
        relation = reader.query(
            Scope(outer=Scope(ctes={k: v for s in scope.around() for k, v in s.ctes.items()})), body
        )
    finally:
        reader.expanding.pop()
        reader.schema = before
        seen.restore()
    relation.name = name
    return relation


def _own_macro(
    reader: Reader,
    scope: Scope,
    name: str,
    parameters: tuple[tuple[str, str | None], ...],
    text: str,
    call: exp.Anonymous,
) -> Relation:
    try:
        body = statements(text, f"macro {name}")[0]
    except LintError as error:
        reader.seen.unread.append(str(error))
        return Relation(name=name)
    arguments = {}
    for position, given in enumerate(call.expressions):
        if isinstance(given, (exp.PropertyEQ, exp.Kwarg)):
            arguments[given.name.casefold()] = given.expression
        elif position < len(parameters):
            arguments[parameters[position][0].casefold()] = given
    for column in list(body.find_all(exp.Column)):
        if not column.table and column.name.casefold() in arguments:
            column.replace(exp.paren(arguments[column.name.casefold()].copy()))
    return _macro(reader, scope, name, body, reader.schema)
