"""The verb `publish`: copies tables to where BI tools read them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import duckdb

from sqlscore.database.catalog import mapped
from sqlscore.database.materialized import MATERIALIZED
from sqlscore.database.queries import one
from sqlscore.database.transactions import on_own_connection, recorded
from sqlscore.errors import PublishError
from sqlscore.events.mapping import DEFAULT_MAPPING, Mapping
from sqlscore.publishing.mail_list import to_mail_list
from sqlscore.publishing.parquet import to_parquet
from sqlscore.publishing.postgres import to_postgres
from sqlscore.publishing.postgres_url import is_postgres, server_of
from sqlscore.publishing.report import PublishedTable, PublishReport
from sqlscore.publishing.snapshot import to_snapshot
from sqlscore.publishing.tables import DEFAULT_TABLES, sources
from sqlscore.publishing.webhook import DEFAULT_TABLES as HANDED_OVER
from sqlscore.publishing.webhook import hook_of, is_webhook, secret_of_environment, to_webhook
from sqlscore.score_tables.mark import lost_rows, read_mark

__all__ = ["DEFAULT_TABLES", "PublishReport", "PublishedTable", "publish"]

_SNAPSHOT_SUFFIXES = (".duckdb", ".db", ".ddb")


@on_own_connection
def publish(
    con: duckdb.DuckDBPyConnection,
    to: str | PathLike[str],
    *,
    tables: Sequence[str] | None = None,
    schema: str | None = None,
    mapping: str = DEFAULT_MAPPING,
    partition_by: Sequence[str] = (),
    dead_letters: str | PathLike[str] = "sqlscore-dead-letters.jsonl",
) -> PublishReport:
    """Copy tables and views to where BI tools or those who act on them read them.

    The target changes at once, or not at all; a webhook gets batches. All tables are of one moment. Rows and checksums
    of what arrived are compared with what was sent. The run is noted in `sqlscore.runs`, unless the file is open for
    reading only.

    Args:
        con: a connection that `connect` made.
        to: a PostgreSQL URL (password from PGPASSWORD or the password file), a DuckDB snapshot (*.duckdb, *.db), a
            folder of Parquet files, a CSV file for mail tools (*.csv), or a webhook (https://..., signed with the
            secret in SQLSCORE_WEBHOOK_SECRET).
        tables: names in the mapping's schema or in main, or SCHEMA.NAME; by default what dashboards need, and
            `contacts` for CSV and webhooks.
        schema: the schema in the target; by default the mapping's.
        mapping: the name of the mapping.
        partition_by: columns by which Parquet files of the tables that have them are cut into hive folders.
        dead_letters: the file that keeps the batches which a webhook did not accept.

    Raises PublishError if something cannot be published as asked, or if rows of a score table were deleted since the
    last refresh; what was there before is still there.

    Examples:
        >>> sqlscore.publish(con, "postgresql://bi@db.example.com/marts").tables["scored_users"].rows
        20000
    """
    start = time.perf_counter()
    source = mapped(con, mapping, read=False)  # the scores can go out although the events are out of reach
    _check_whole(con, source)
    target, into = fspath(to), schema or source.schema
    hook, secret = (hook_of(target), secret_of_environment()) if is_webhook(target) else (None, b"")
    if hook is not None:
        route, label = "webhook", hook.label
    elif is_postgres(target):
        server = server_of(target)
        route, label = "postgres", server.label
    else:
        route, label = _file_route(target)
    if partition_by and route != "parquet":
        raise PublishError("only Parquet files are cut by partition_by: leave it out, or publish to a folder")
    with _noted(con, mapping) as details:
        details["to"] = label
        wanted = HANDED_OVER if tables is None and route in ("webhook", "csv") else tables
        with sources(con, source, wanted) as (reader, chosen):
            if hook is not None:
                published = to_webhook(reader, hook, secret, chosen, Path(dead_letters))
            elif route == "csv":
                published = to_mail_list(reader, Path(target), chosen)
            elif route == "postgres":
                published = to_postgres(reader, server, into, chosen)
            elif route == "snapshot":
                published = to_snapshot(reader, Path(target), into, chosen)
            else:
                published = to_parquet(reader, Path(target), chosen, tuple(partition_by))
        report = PublishReport(label, route, into, published, time.perf_counter() - start)
        details.update(report.to_dict())
    return report


def _check_whole(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Raise PublishError if rows of a score table are gone: the published ones are whole, and stay."""
    mark = read_mark(con, mapping)
    cut = lost_rows(con, mapping, mark, MATERIALIZED) if mark is not None else None
    if cut is not None:
        raise PublishError(
            f'the scores of "{mapping.name}" are not whole: {cut}; `sqlscore refresh` writes them anew, then publish'
        )


def _file_route(target: str) -> tuple[str, str]:
    """The route to a path, snapshot or parquet, and how the path is shown."""
    path = Path(target)
    if "://" in target:
        raise PublishError(
            f"{target.partition('://')[0]}:// cannot be published to: give postgresql://..., https://..., a *.duckdb "
            "file or a folder (and copy that to where it has to be)"
        )
    if path.suffix.casefold() in _SNAPSHOT_SUFFIXES:
        return "snapshot", str(path)
    if path.suffix.casefold() == ".csv":
        return "csv", str(path)
    if path.is_file() or (path.suffix and not path.is_dir()):
        raise PublishError(
            f"{target} is neither a DuckDB snapshot ({', '.join(_SNAPSHOT_SUFFIXES)}) nor *.csv nor a folder for "
            "Parquet files: name one of these"
        )
    return "parquet", str(path)


def _noted(con: duckdb.DuckDBPyConnection, mapping: str) -> AbstractContextManager[dict[str, Any]]:
    """A row in `sqlscore.runs`, if the file can be written to."""
    row = one(con, "SELECT readonly FROM duckdb_databases() WHERE database_name = current_database()")
    return nullcontext({}) if row and row[0] else recorded(con, "publish", mapping)
