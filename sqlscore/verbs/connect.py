"""Opening a database file with sqlscore in it."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
from duckdb.func import ARROW, SPECIAL

from sqlscore.database.attaching import attach_all
from sqlscore.database.catalog import catalog, synchronize
from sqlscore.database.lost_tables import NEEDED, explain, missing_tables
from sqlscore.database.objects import install, installed_version, version
from sqlscore.database.sound_rows import require_sound
from sqlscore.errors import InstallError, LostTablesError, SourceWarning
from sqlscore.models.loading import load
from sqlscore.scoring.catalog import Catalog
from sqlscore.udfs.functions import FUNCTIONS, INSTANCE
from sqlscore.verbs.lint_in_sql import NAME as LINT
from sqlscore.verbs.lint_in_sql import RETURNS as LINT_RETURNS
from sqlscore.verbs.lint_in_sql import linting

DEVICES = ("auto", "cpu", "cuda")
FROM_ENVIRONMENT = {"memory_limit": "SQLSCORE_MEMORY_LIMIT", "threads": "SQLSCORE_THREADS"}
"""DuckDB's settings that take a default from the environment, since commands and servers call `connect` themselves."""


def connect(
    path: str | Path = ":memory:", read_only: bool = False, device: str = "auto", **options: Any
) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB database with sqlscore's functions, macros and views in place.

    Returns the plain DuckDB connection: nothing is wrapped, its cursors work too, and a second `connect` to the same
    file with the same options shares models with the first.

    Args:
        path: A file, which is made if it does not exist, or ":memory:".
        read_only: Open the file read-only; it must have been opened once without this.
        device: "auto" (CUDA if there is a GPU, else CPU), "cpu" or "cuda".
        **options: DuckDB's settings by name, `connect(path, threads=2, memory_limit="4GB")`. The default of these two
            is in the environment variables SQLSCORE_THREADS and SQLSCORE_MEMORY_LIMIT.

    Databases that the mapped events are in are attached too, for reading; a SourceWarning says which cannot be.

    Raises InstallError if the file cannot take sqlscore's objects, duckdb.Error if DuckDB cannot open it.

    Examples:
        >>> con = sqlscore.connect("shop.duckdb")
        >>> con.sql("SELECT user_id, churn_risk(e) FROM events e GROUP BY user_id")
    """
    path = str(path)
    _check(path, device)
    con = opened(path, read_only, options)
    try:
        prepare(con, path, read_only, device)
    except BaseException:
        con.close()
        raise
    return con


def prepare(con: duckdb.DuckDBPyConnection, path: str, read_only: bool = False, device: str = "auto") -> None:
    """Do what `connect` does, for a connection that another program opened on the file `path`.

    Safe to repeat: functions are registered once per database instance, and objects are installed only if those in the
    file are older. Raises InstallError if the file cannot take sqlscore's objects, DamagedTableError if
    somebody changed a column or a value of its tables.
    """
    _check(path, device)
    register_functions(con, path, device)
    catalog(con).connections.add(con)
    require_sound(con)
    for wrong in attach_all(con):
        warnings.warn(wrong, SourceWarning, stacklevel=3)
    if read_only:
        _require_prepared(con, path)
    else:
        install(con)
    synchronize(con)


def _check(path: str, device: str) -> None:
    if Path(path).stem.casefold() == "sqlscore":
        raise InstallError(
            f'a database file may not be named "{Path(path).name}": DuckDB could not tell the database sqlscore from '
            'the schema sqlscore in it; rename it, for example to "scores.duckdb"'
        )
    if device not in DEVICES:
        raise InstallError(f"device {device!r} is not one of {', '.join(DEVICES)}")


def register_functions(con: duckdb.DuckDBPyConnection, path: str, device: str = "auto") -> None:
    """Register the internal functions, once per database instance."""
    with _registering:
        if _has_functions(con):
            return
        made = Catalog(device, load, None if path == ":memory:" else str(Path(path).absolute()))
        key = made.key
        for function in FUNCTIONS:
            bound = function.bind(made)
            made.functions.append(bound)
            kind = duckdb.sqltype(function.returns)
            con.create_function(function.sql_name, bound, None, kind, type=ARROW, null_handling=SPECIAL)
        linted = linting(made)
        made.functions.append(linted)
        con.create_function(
            LINT, linted, None, duckdb.sqltype(LINT_RETURNS), type=ARROW, null_handling=SPECIAL, side_effects=True
        )
        made.functions.append(lambda: key)
        con.create_function(INSTANCE, made.functions[-1], [], duckdb.sqltype("VARCHAR"), null_handling=SPECIAL)


_registering = threading.Lock()


def _has_functions(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether the instance has the functions; the engine's list of all functions would take thirty times as long."""
    with con.cursor() as own:  # an error would end the transaction that the caller may be in
        try:
            own.sql(f"SELECT {INSTANCE}()")
        except duckdb.CatalogException:
            return False
    return True


def _require_prepared(con: duckdb.DuckDBPyConnection, path: str) -> None:
    lost = [name for name in missing_tables(con) if name in NEEDED]
    if lost:
        raise LostTablesError(
            f"{path} cannot be read: {explain(lost)}; open it once without read_only=True, or run sqlscore refresh, "
            "which makes anew what can be"
        )
    installed = installed_version(con)
    if installed != version():
        state, command = "was prepared by another version of sqlscore", f"sqlscore repair {path}"
        if installed is None:
            state, command = "was not prepared by sqlscore", f"sqlscore init {path} --events TABLE"
        raise InstallError(f"{path} {state}: open it once without read_only=True, or run `{command}`")


def opened(path: str, read_only: bool = False, options: Mapping[str, Any] | None = None) -> duckdb.DuckDBPyConnection:
    """Connect with the settings that are given, and with those in FROM_ENVIRONMENT that are not."""
    settings = {
        name: str(value).lower() if isinstance(value, bool) else value for name, value in (options or {}).items()
    }
    given = {name.casefold() for name in settings}
    variables = {name: FROM_ENVIRONMENT[name] for name in FROM_ENVIRONMENT if name not in given}
    defaults = {name: os.environ[variable] for name, variable in variables.items() if os.environ.get(variable)}
    try:
        return duckdb.connect(path, read_only=read_only, config=settings | defaults)
    except duckdb.ProgrammingError as error:  # a setting that DuckDB cannot read
        if not defaults:
            raise
        said = ", ".join(f"{variables[name]}={value!r}" for name, value in defaults.items())
        raise InstallError(f"{error} (the environment says {said}: write memory as 4GB, threads as 2)") from error
