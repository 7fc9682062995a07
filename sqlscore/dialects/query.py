"""A query, a view or a macro of a database file as SQL of another engine."""

from __future__ import annotations

import duckdb
from sqlglot import exp
from sqlglot.errors import SqlglotError

from sqlscore.dialects.bigquery import BIGQUERY
from sqlscore.dialects.expansion import expanded
from sqlscore.dialects.folding import folded
from sqlscore.dialects.joins import without_asof
from sqlscore.dialects.postgres import POSTGRES
from sqlscore.dialects.qualifying import without_qualify
from sqlscore.dialects.reading import read
from sqlscore.dialects.recursion import unrolled
from sqlscore.dialects.refusal import Refusal, note_places
from sqlscore.dialects.resolution import resolved
from sqlscore.dialects.shipped import shipped
from sqlscore.dialects.snowflake import SNOWFLAKE
from sqlscore.dialects.spark.dialect import SPARK
from sqlscore.dialects.strict import Dialect, converted
from sqlscore.dialects.written_lists import without_written_lists
from sqlscore.errors import TranspileError
from sqlscore.events.mapping import Mapping
from sqlscore.excerpts import engine_message

DIALECTS: dict[str, Dialect] = {target.name: target for target in (SPARK, BIGQUERY, SNOWFLAKE, POSTGRES)}


def transpiled(con: duckdb.DuckDBPyConnection, text: str, name: str, dialect: str, mapping: Mapping | None) -> str:
    """One SELECT of the target that gives the same rows.

    Args:
        con: A connection to the file, whose tables and views the text reads.
        text: A SELECT in DuckDB's SQL.
        name: What to call the text in messages.
        dialect: One of DIALECTS.
        mapping: The mapped events, if any.

    Raises TranspileError, which lists every construct that has no equal there, with its line and what to write instead.
    """
    if dialect not in DIALECTS:
        raise TranspileError(f"there is no dialect {dialect!r}: choose one of {', '.join(DIALECTS)}")
    target = DIALECTS[dialect]
    try:
        if [one.type for one in con.extract_statements(text)] != [duckdb.StatementType.SELECT]:
            raise TranspileError(f"{name} must be one SELECT")  # before the engine runs a second one
        con.execute(f"EXPLAIN {text}").fetchall()
        query = read(text)[0]
    except (duckdb.Error, SqlglotError) as error:
        raise TranspileError(f"{name} is not a query that DuckDB runs here: {engine_message(error)}") from error
    if not isinstance(query, exp.Query):
        raise TranspileError(f"{name} must be one SELECT")
    note_places(query, name)
    refusals: list[Refusal] = []
    known = shipped(mapping.order, mapping.group is not None) if mapping is not None else shipped()
    query = expanded(con, query, known, refusals)
    if not refusals:
        query = without_written_lists(con, unrolled(con, query))
        query = without_qualify(resolved(con, folded(con, query)))
        query = without_asof(query, refusals)
        query = converted(target.prepare(query, refusals), target, refusals)
    if refusals:
        listed = "\n".join(f"  {refusal}" for refusal in refusals)
        raise TranspileError(f"{name} cannot be carried over to {dialect} exactly:\n{listed}")
    return target.finish(query.sql(dialect=target.name, pretty=True, comments=False, identify=target.quoted))
