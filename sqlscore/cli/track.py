"""The command `track`: log a model to MLflow; and the option of `train` that does so at once."""

from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from sqlscore.cli import render
from sqlscore.cli.options import Database, Device, Json, MappingName, open_database
from sqlscore.cli.progress import Bar

DEFAULT = "default"
Track = Annotated[
    str | None,
    typer.Option(
        "--track", metavar="[URI]", help="Log it to MLflow: at a URI, or without one in a file beside the database."
    ),
]


class ValueOptional(TyperCommand):
    """A command whose --track may stand alone."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give --track its default value if it is the last argument or is followed by an option."""
        following = [*args, "-"][1:]
        alone = [arg == "--track" and then.startswith("-") for arg, then in zip(args, following, strict=True)]
        given = [f"{arg}={DEFAULT}" if bare else arg for arg, bare in zip(args, alone, strict=True)]
        return super().parse_args(ctx, given)


def tracking_store(asked: str | None) -> str | bool | None:
    """The value of --track or --to as the verbs take it."""
    return True if asked == DEFAULT else asked


def track(
    db: Database,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME@V", help="Which (default: the champion).")
    ] = None,
    to: Annotated[
        str, typer.Option("--to", metavar="URI", help="http://HOST:PORT or sqlite:///FILE (default: beside DB).")
    ] = DEFAULT,
    mapping: MappingName = "events",
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Log a registered model to MLflow: parameters, figures, plots and the model itself.

    Example: sqlscore track shop.duckdb --to http://localhost:5000
    """
    from sqlscore import track as verb

    with open_database(db, device=device) as con, Bar() as bar:
        run = verb(con, model, to=tracking_store(to) or True, mapping=mapping, progress=bar)
    sentence = f"run {run.run_id} of experiment {run.experiment}, model {run.registered_model} {run.registered_version}"
    render.done(run, f"{sentence}, at {run.store}", json)
    if not json and run.store.startswith("sqlite:"):
        render.next_step("mlflow", "ui", "--backend-store-uri", run.store)
