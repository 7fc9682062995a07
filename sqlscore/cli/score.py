"""The command `score`: a model of counts at once, without training."""

from __future__ import annotations

from sqlscore.cli import render
from sqlscore.cli.evaluation_shown import show_evaluation, show_model
from sqlscore.cli.options import AllowLeak, Database, Json, MappingName, open_database
from sqlscore.cli.progress import Bar
from sqlscore.cli.train import Horizon, Horizons, Lookback, ModelName


def score(
    db: Database,
    horizon: Horizon = None,
    horizons: Horizons = None,
    lookback: Lookback = None,
    name: ModelName = None,
    mapping: MappingName = "events",
    allow_leak: AllowLeak = None,
    json: Json = False,
) -> None:
    """Score in seconds without training: counts of what follows what, and tables of who came back.

    Example: sqlscore score shop.duckdb
    """
    from sqlscore import score as verb

    with open_database(db) as con, Bar() as bar:
        info = verb(
            con,
            mapping=mapping,
            name=name,
            horizon=horizon,
            horizons=horizons,
            lookback=lookback,
            allow_leak=allow_leak or (),
            progress=bar,
        )
    if json:
        render.as_json(info)
        return
    show_model(info)
    show_evaluation(info.metrics)
    chosen = () if mapping == "events" else ("--mapping", mapping)
    if info.is_champion:
        render.next_step("sqlscore", "refresh", db, *chosen)
    else:
        render.say("The champion is a trained model, and stays.")
