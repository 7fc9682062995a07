"""Which kind of statement a text is: a query for the engine, something about the session, or nothing that is served."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from sqlscore.errors import StatementError
from sqlscore.mysql.dialect import parsed
from sqlscore.mysql.refusals import (
    NO_SUCH_TABLE,
    NOT_SUPPORTED,
    READ_ONLY,
    SPECIAL_RIGHT_NEEDED,
    SYNTAX,
    UNKNOWN_DATABASE,
    WRONG_ARGUMENTS,
    Refusal,
)
from sqlscore.mysql.showing import created, described, kind_of, listed, shown
from sqlscore.mysql.translating import CATALOG, Setting, translated

LONGEST = 100_000  # characters; as the guard has it
_NOTHING_TO_DO = (exp.Transaction, exp.Commit, exp.Rollback)
_PROCESSES = ("Id", "User", "Host", "db", "Command", "Time", "State", "Info")

Look = Callable[[str], list[tuple[Any, ...]]]
"""Runs a query of the catalog and gives its rows."""


@dataclass(frozen=True)
class Query:
    """SQL of DuckDB that passes the guard next, and the values of its parameters."""

    sql: str
    parameters: int = 0


@dataclass(frozen=True)
class Change:
    """Something about the session that is not rows.

    Attributes:
        database: of USE.
        variables: of SET, by name; None stands for DEFAULT.
        characters: of SET NAMES: a character set and a collation, None for the default.
        killed: of KILL: whom, and whether only its statement.
    """

    database: str | None = None
    variables: dict[str, Any] = field(default_factory=dict)
    characters: tuple[str | None, str | None] | None = None
    killed: tuple[int, bool] | None = None


def understood(
    sql: str, setting: Setting, look: Look, processes: Callable[[], Iterable[tuple[str, ...]]]
) -> Query | Change:
    """What a text asks for.

    Args:
        sql: one statement of MySQL.
        setting: of the session.
        look: for the catalog.
        processes: the rows of SHOW PROCESSLIST.

    Raises Refusal if it is not served.
    """
    if len(sql) > LONGEST:
        raise Refusal(
            SYNTAX, f"the statement has {len(sql):,} characters, at most {LONGEST:,} are read: make it shorter"
        )
    tree = parsed(sql)
    if tree is None or isinstance(tree, _NOTHING_TO_DO):
        return Change()
    if isinstance(tree, exp.Query):
        made = translated(tree, setting)
        return Query(made.sql, made.parameters)
    if isinstance(tree, exp.Show):
        return Query(_shown(tree, setting, look, processes))
    if isinstance(tree, exp.Describe):
        return _described(tree, setting, look)
    if isinstance(tree, exp.Set):
        return _set(tree, setting)
    if isinstance(tree, exp.Use):
        return Change(database=tree.this.name)
    if isinstance(tree, exp.Kill):
        return _killed(tree)
    raise _unserved(tree, sql)


def _unserved(tree: exp.Expr, sql: str) -> Refusal:
    first = sql.split(maxsplit=1)[0].upper()
    if isinstance(tree, exp.Command) and first in {"SHOW", "SET", "LOCK", "UNLOCK", "SAVEPOINT", "RELEASE"}:
        return Refusal(NOT_SUPPORTED, f"this {first} is not served")
    if isinstance(tree, exp.DDL | exp.DML | exp.Create | exp.Drop | exp.Alter | exp.Command | exp.TruncateTable):
        return Refusal(
            READ_ONLY, f"{first} is not for others: the server reads, so SELECT, SHOW, DESCRIBE and EXPLAIN run"
        )
    return Refusal(SYNTAX, "this is no statement: SELECT, SHOW, DESCRIBE and EXPLAIN run")


def _shown(tree: exp.Show, setting: Setting, look: Look, processes: Callable[[], Iterable[tuple[str, ...]]]) -> str:
    kind = tree.name.upper()
    database = tree.text("db") or setting.database
    if kind == "VARIABLES":
        return listed(("Variable_name", "Value"), list(setting.variables.rows()), tree)
    if kind == "PROCESSLIST":
        return listed(_PROCESSES, list(processes()), tree)
    if kind == "GRANTS":
        return listed(("Grants",), [("GRANT SELECT ON *.* TO everybody who knows the password",)], tree)
    if kind in {"CREATE TABLE", "CREATE VIEW"}:
        target = tree.text("target")
        return created(database, target, is_view=_require_table(database, target, look) == "VIEW")
    if kind in {"COLUMNS", "INDEX"}:
        _require_table(database, tree.text("target"), look)
    if kind in {"TABLES", "TABLE STATUS"}:
        require_database(database, look)
    return shown(tree, database)


def _described(tree: exp.Describe, setting: Setting, look: Look) -> Query:
    what = tree.this
    if isinstance(what, exp.Table):
        database = what.db or setting.database
        _require_table(database, what.name, look)
        return Query(described(database, what.name))
    if not isinstance(what, exp.Query):
        raise Refusal(READ_ONLY, "EXPLAIN is for SELECT alone: the server reads")
    made = translated(what, setting)
    return Query(f"EXPLAIN {made.sql}", made.parameters)


def _set(tree: exp.Set, setting: Setting) -> Change:
    variables: dict[str, Any] = {}
    characters: tuple[str | None, str | None] | None = None
    for item in tree.expressions:
        kind = item.text("kind").upper()
        if item.args.get("global_") or kind in {"GLOBAL", "PERSIST", "PERSIST_ONLY"}:
            raise Refusal(SPECIAL_RIGHT_NEEDED, "SET GLOBAL is not for others: set it for your session")
        if kind in {"NAMES", "CHARACTER SET"}:
            name = item.this.name if item.this is not None else ""
            characters = (None if name.upper() in {"", "DEFAULT"} else name, item.text("collate") or None)
        elif kind == "TRANSACTION":
            continue  # there is one isolation, the strictest
        else:
            name, value = _assigned(item, setting)
            variables[name] = value
    return Change(variables=variables, characters=characters)


def _assigned(item: exp.Expr, setting: Setting) -> tuple[str, Any]:
    assignment = item.this
    if not isinstance(assignment, exp.EQ | exp.PropertyEQ):
        raise Refusal(NOT_SUPPORTED, "this SET is not served: SET variable = value, SET NAMES and SET TRANSACTION are")
    left, right = assignment.this, assignment.expression
    if isinstance(left, exp.Parameter):
        raise Refusal(NOT_SUPPORTED, f"the variable @{left.name} is not served: there are no variables of users")
    if isinstance(left, exp.SessionParameter) and left.text("kind").upper() == "GLOBAL":
        raise Refusal(SPECIAL_RIGHT_NEEDED, "SET GLOBAL is not for others: set it for your session")
    return left.name, _evaluated(right, setting)


def _evaluated(node: exp.Expr, setting: Setting) -> Any:
    """The value that SET gives; texts can be joined."""
    if isinstance(node, exp.Literal):
        return node.name
    if isinstance(node, exp.Boolean):
        return int(node.this)
    if isinstance(node, exp.Null):
        return None
    if isinstance(node, exp.SessionParameter):
        return setting.variables.read(node.name)
    if isinstance(node, exp.Neg):
        return f"-{_evaluated(node.this, setting)}"
    if isinstance(node, exp.Concat):
        return "".join(str(_evaluated(part, setting)) for part in node.expressions)
    if isinstance(node, exp.Column | exp.Var | exp.Identifier):
        return None if node.name.upper() == "DEFAULT" else node.name
    raise Refusal(NOT_SUPPORTED, "SET takes a value that is written out")


def _killed(tree: exp.Kill) -> Change:
    name = tree.this.name
    if not name.isdecimal():
        raise Refusal(WRONG_ARGUMENTS, f"KILL takes the number of a client, not {name[:40]!r}")
    return Change(killed=(int(name), tree.text("kind").upper() == "QUERY"))


def _require_table(database: str, table: str, look: Look) -> str:
    """Whether it is a BASE TABLE or a VIEW. Raises Refusal if there is none."""
    rows = look(kind_of(database, table))
    if not rows:
        raise Refusal(NO_SUCH_TABLE, f"there is no table {database}.{table}: SHOW TABLES lists them")
    return str(rows[0][0])


def require_database(database: str, look: Look) -> None:
    """Raises Refusal if there is no schema of that name in the file."""
    if database == CATALOG:
        return
    try:
        rows = look("SELECT schema_name FROM duckdb_schemas() WHERE database_name = current_database()")
    except StatementError as error:
        raise Refusal(UNKNOWN_DATABASE, str(error)) from error
    names = sorted(str(name) for (name,) in rows)
    if database not in names:
        raise Refusal(UNKNOWN_DATABASE, f"there is no database '{database}', choose one of {', '.join(names)}")
