"""The command `lint`: where queries show what came after the moment that they speak of."""

from __future__ import annotations

import json as encoder
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sqlscore.cli import render
from sqlscore.cli.options import Database, Json, open_database
from sqlscore.files import in_place_of, refuse_databases
from sqlscore.quoting import literal

if TYPE_CHECKING:
    import duckdb

    from sqlscore.linting.report import LintReport


def lint(
    db: Database,
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="VIEW|FILE|SQL|PROJECT...", help="Views, .sql files, queries, or folders of dbt projects."
        ),
    ],
    prove: Annotated[
        bool, typer.Option("--prove", help="Also run the queries on a copy without the future, and compare.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Of the random moments of --prove.")] = 0,
    sarif: Annotated[Path | None, typer.Option("--sarif", help="Write the findings as SARIF, for code review.")] = None,
    json: Json = False,
) -> None:
    """Find queries that show a model the future: unbounded joins, windows that reach forward, labels in features.

    Ends with 1 if there is an error, or if --prove shows a difference.

    Example: sqlscore lint shop.duckdb features.sql --sarif lint.sarif
    """
    from sqlscore import lint as verb

    with _opened(db) as con:
        report = verb(con, [Path(one) if Path(one).suffix == ".sql" else one for one in what], prove=prove, seed=seed)
        if sarif is not None:
            refuse_databases(con, sarif)
            _write_sarif(report, sarif)
    if json:
        render.as_json(report.to_dict())
    else:
        _show(report)
    if not report.is_clean:
        raise typer.Exit(1)


def _opened(db: str) -> duckdb.DuckDBPyConnection:
    """The file, for reading; one that sqlscore has not prepared stays as it is, and is looked at from outside."""
    import duckdb

    if db == ":memory:" or not Path(db).exists():
        return open_database(db)
    try:
        with closing(duckdb.connect(db, read_only=True)) as con:
            query = "SELECT 1 FROM duckdb_tables() WHERE schema_name = 'sqlscore' AND table_name = 'models'"
            prepared = bool(con.execute(query).fetchall())
    except duckdb.Error:
        prepared = True  # such as a file that another process holds, which is said when it is opened
    if prepared:
        return open_database(db, read_only=True)
    con = open_database(":memory:")
    con.execute(f"ATTACH {literal(db)} AS file (READ_ONLY)")
    con.execute("USE file")
    return con


def _write_sarif(report: LintReport, path: Path) -> None:
    from sqlscore import __version__
    from sqlscore.linting.report import as_sarif

    with in_place_of(path) as written:
        document = as_sarif(report.findings, __version__)
        written.write_text(encoder.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _show(report: LintReport) -> None:
    for one in report.findings:
        render.say(str(one), "" if one.severity == "warning" else "bold")
    for problem in report.unread:
        render.warn(f"not read: {problem}")
    for proof in report.proofs:
        if proof.problem is not None:
            render.warn(f"not run: {proof.name}: {proof.problem}")
        for leak in proof.leaks:
            render.say(f"{proof.name}: {leak} [proof, error]", "bold")
    n_warnings = len(report.findings) - len(report.errors)
    allowed = f", {len(report.allowed)} allowed" if report.allowed else ""
    texts = f"{report.n_texts} quer{'y' if report.n_texts == 1 else 'ies'}"
    proved = sum(proof.problem is None for proof in report.proofs)
    runs = f"; {proved} run without their future" if report.proofs else ""
    render.say(f"{texts}: {len(report.errors)} errors, {n_warnings} warnings{allowed}{runs}")
