"""A query as MySQL writes it, as one of DuckDB: or the reason why it cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.errors import ErrorLevel, UnsupportedError

from sqlscore.mysql.catalog import RELATIONS
from sqlscore.mysql.dialect import numbered
from sqlscore.mysql.functions import KINDS, NAMES
from sqlscore.mysql.refusals import NO_SUCH_TABLE, NOT_SUPPORTED, Refusal
from sqlscore.mysql.variables import Variables

CATALOG = "information_schema"
MAIN = "main"
_TEXTS_OF_COLUMNS = (exp.Column, exp.Star, exp.Alias, exp.Dot)


@dataclass(frozen=True)
class Setting:
    """What a query may ask of its session.

    Attributes:
        variables: for @@name.
        facts: values of functions without arguments, by name: DATABASE, VERSION, USER and their like.
        database: where tables without one are looked for.
    """

    variables: Variables
    facts: Mapping[str, str | int | None]
    database: str


@dataclass(frozen=True)
class Translated:
    """A statement of DuckDB, and how many parameters it has: $1, $2 and so on, in the order of MySQL's text."""

    sql: str
    parameters: int


def translated(tree: exp.Expr, setting: Setting) -> Translated:
    """A query in DuckDB's SQL. `tree` is changed. Raises Refusal if DuckDB has nothing that means the same."""
    parameters = numbered(tree)
    tree = _named(_stripped(tree))
    known = {str(part.alias).casefold() for part in tree.find_all(exp.CTE)}
    for node in reversed(list(tree.dfs())):  # what stands inside comes first
        made = _replaced(node, setting, known)
        if made is not node:
            tree = made if node is tree else tree
            node.replace(made)
    try:
        sql = tree.sql("duckdb", normalize_functions=False, unsupported_level=ErrorLevel.RAISE, comments=False)
    except UnsupportedError as error:
        raise Refusal(NOT_SUPPORTED, f"DuckDB has nothing that means this: {error}") from error
    except RecursionError as error:
        raise Refusal(NOT_SUPPORTED, "the statement is nested too deeply to be translated") from error
    return Translated(sql, parameters)


def _stripped(tree: exp.Expr) -> exp.Expr:
    """Without what asks for a way to run it, or for locks, which reading does not need."""
    for node in list(tree.find_all(exp.Select, exp.Table)):
        for part in ("hint", "hints", "locks", "operation_modifiers"):
            node.set(part, None)
        source = node.args.get("from_")
        if source is not None and _is_dual(source.this) and not node.args.get("joins"):
            node.set("from_", None)
    return tree


def _is_dual(node: exp.Expr) -> bool:
    """MySQL's name for no table."""
    return isinstance(node, exp.Table) and not node.db and node.name.casefold() == "dual"


def _named(tree: exp.Expr) -> exp.Expr:
    """Columns of the answer have the names that MySQL gives them: their text."""
    first = tree
    while isinstance(first, exp.SetOperation | exp.Subquery):
        first = first.this
    if isinstance(first, exp.Select):
        first.set("expressions", [_with_name(node) for node in first.expressions])
    return tree


def _with_name(node: exp.Expr) -> exp.Expr:
    if isinstance(node, _TEXTS_OF_COLUMNS):
        return node
    text = node.name if isinstance(node, exp.Literal) else node.sql("mysql", normalize_functions=False, comments=False)
    return exp.alias_(node.copy(), text[:256] or "''", quoted=True)


def _replaced(node: exp.Expr, setting: Setting, known: set[str]) -> exp.Expr:
    if isinstance(node, exp.Table):
        return _table(node, setting, known)
    if isinstance(node, exp.SessionParameter):
        return exp.convert(setting.variables.read(node.name))
    if isinstance(node, exp.Parameter) and not node.name.isdecimal():
        raise Refusal(NOT_SUPPORTED, f"the variable @{node.name} is not served: there are no variables of users")
    if isinstance(node, exp.Into):
        raise Refusal(NOT_SUPPORTED, "SELECT ... INTO is not served: statements read, and give rows to the client")
    name = _function(node)
    if name in setting.facts:
        return exp.convert(setting.facts[name])
    if isinstance(node, exp.Anonymous) and name in NAMES:
        counts, make = NAMES[name]
        if len(node.expressions) not in counts:
            raise Refusal(NOT_SUPPORTED, f"{name} is not served with {len(node.expressions)} arguments")
        return make(node.expressions)
    make_kind = KINDS.get(type(node))
    return node if make_kind is None else make_kind(node)


def _function(node: exp.Expr) -> str:
    """The name of a function that may be a fact of the session."""
    if isinstance(node, exp.Anonymous):
        return str(node.name).upper()
    return _FACTS.get(type(node), "")


_FACTS: dict[type[exp.Expr], str] = {
    exp.CurrentSchema: "DATABASE",
    exp.CurrentVersion: "VERSION",
    exp.CurrentUser: "CURRENT_USER",
    exp.SessionUser: "USER",
}


def _table(node: exp.Table, setting: Setting, known: set[str]) -> exp.Expr:
    if not isinstance(node.this, exp.Identifier):
        return node
    database = node.db or ("" if node.name.casefold() in known else setting.database)
    if database.casefold() == CATALOG:
        relation = RELATIONS.get(node.name.casefold())
        if relation is None:
            raise Refusal(NO_SUCH_TABLE, f"there is no table {CATALOG}.{node.name}")
        made: exp.Subquery = exp.maybe_parse(relation, dialect="duckdb").subquery(node.alias or node.name)
        made.set("joins", node.args.get("joins"))
        return made
    if not node.db and database and database != MAIN:
        node.set("db", exp.to_identifier(database, quoted=True))
        if not node.alias:
            node.set("alias", exp.TableAlias(this=exp.to_identifier(node.name, quoted=True)))
    return node
