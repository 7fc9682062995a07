"""The command `pretrain`: a base for fine-tuning."""

from __future__ import annotations

from typing import Annotated

import typer

from sqlscore.cli import render
from sqlscore.cli.evaluation_shown import show_model
from sqlscore.cli.options import AllowLeak, Database, Device, Json, MappingName, given, open_database
from sqlscore.cli.progress import Bar
from sqlscore.cli.train import Architecture, Epochs


def pretrain(
    db: Database,
    name: Annotated[str, typer.Option("--name", help="What finetune --base calls it.")] = "base",
    architecture: Architecture = "gru",
    mapping: MappingName = "events",
    seed: Annotated[int, typer.Option("--seed", help="The same seed and data give the same base.")] = 0,
    max_epochs: Epochs = None,
    max_events: Annotated[
        int, typer.Option("--max-events", min=1, help="If there are more events, users are sampled.")
    ] = 1_000_000,
    allow_leak: AllowLeak = None,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Learn an encoder from the events alone, as a base for finetune; interrupted, it goes on when called again.

    Example: sqlscore pretrain shop.duckdb --name base
    """
    from sqlscore import pretrain as verb

    with open_database(db, device=device) as con, Bar() as bar:
        made = verb(
            con,
            name=name,
            mapping=mapping,
            architecture=architecture,
            seed=seed,
            allow_leak=allow_leak or (),
            progress=bar,
            max_events=max_events,
            **given(max_epochs=max_epochs),
        )
    if json:
        render.as_json(made)
        return
    show_model(made.model)
    render.say(f"learned from {made.n_events:,} events of {made.n_users:,} users in {', '.join(made.sources)}")
    render.say(
        f"{made.cpu_seconds:,.1f} s of processor time{' since it went on' if made.resumed else ''}, "
        f"{made.n_bytes / 1e6:.1f} MB, best at epoch {made.best_epoch}"
    )
    render.say(
        f"log-loss of the next event on the newest events, before these were learned: {made.log_loss:.3f}; "
        f"of counting ({made.counting}): {made.counting_log_loss:.3f}"
    )
    chosen = () if mapping == "events" else ("--mapping", mapping)
    render.next_step("sqlscore", "finetune", db, "--base", name, "--name", "LABEL", "--labels", "SQL", *chosen)
