"""The application: its commands, and the heading under which each is listed."""

from collections.abc import Callable
from typing import Annotated

import typer

from sqlscore.cli import models
from sqlscore.cli.advise import advise, assign
from sqlscore.cli.backtest import backtest
from sqlscore.cli.compare import compare
from sqlscore.cli.dbt import dbt
from sqlscore.cli.demo import demo
from sqlscore.cli.errors import GuardedGroup
from sqlscore.cli.finetune import finetune
from sqlscore.cli.forget import forget
from sqlscore.cli.lint import lint
from sqlscore.cli.mapping import init, unmap
from sqlscore.cli.materialize import history, materialize
from sqlscore.cli.mcp import mcp
from sqlscore.cli.plot import plot
from sqlscore.cli.pretrain import pretrain
from sqlscore.cli.publish import publish
from sqlscore.cli.refresh import refresh
from sqlscore.cli.repair import repair
from sqlscore.cli.report import report
from sqlscore.cli.score import score
from sqlscore.cli.search import search
from sqlscore.cli.serve import serve
from sqlscore.cli.spark_score import spark_score
from sqlscore.cli.sql import SqlCommand, sql
from sqlscore.cli.status import status
from sqlscore.cli.track import ValueOptional, track
from sqlscore.cli.train import evaluate, train
from sqlscore.cli.transpile import transpile
from sqlscore.cli.vacuum import vacuum
from sqlscore.cli.watch import watch
from sqlscore.cli.webapp import webapp

SET_UP, MODELS, USE = "Set up", "Models", "Use"

COMMANDS: tuple[tuple[str, str, Callable[..., None]], ...] = (
    ("demo", SET_UP, demo),
    ("init", SET_UP, init),
    ("unmap", SET_UP, unmap),
    ("score", MODELS, score),
    ("train", MODELS, train),
    ("evaluate", MODELS, evaluate),
    ("pretrain", MODELS, pretrain),
    ("finetune", MODELS, finetune),
    ("compare", MODELS, compare),
    ("search", MODELS, search),
    ("backtest", MODELS, backtest),
    ("plot", MODELS, plot),
    ("track", MODELS, track),
    ("models", MODELS, models.models),
    ("promote", MODELS, models.promote),
    ("rollback", MODELS, models.rollback),
    ("drop", MODELS, models.drop),
    ("export", MODELS, models.export),
    ("import", MODELS, models.import_),
    ("sql", USE, sql),
    ("refresh", USE, refresh),
    ("materialize", USE, materialize),
    ("history", USE, history),
    ("advise", USE, advise),
    ("assign", USE, assign),
    ("publish", USE, publish),
    ("serve", USE, serve),
    ("app", USE, webapp),
    ("report", USE, report),
    ("mcp", USE, mcp),
    ("status", USE, status),
    ("watch", USE, watch),
    ("repair", USE, repair),
    ("vacuum", USE, vacuum),
    ("forget", USE, forget),
    ("dbt", USE, dbt),
    ("transpile", USE, transpile),
    ("spark-score", USE, spark_score),
    ("lint", USE, lint),
)

app = typer.Typer(
    cls=GuardedGroup,
    help="Customer-behaviour scoring inside DuckDB: neural event-sequence models as SQL functions.",
    epilog="Exit codes: 0 done, 1 something to mend (the message says what), 2 wrong usage, "
    "3 status found a problem (with --check), 130 interrupted.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"sqlscore {version('sqlscore')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options before the command."""


for _name, _panel, _command in COMMANDS:
    _class = SqlCommand if _name == "sql" else ValueOptional
    app.command(_name, cls=_class, rich_help_panel=_panel)(_command)
