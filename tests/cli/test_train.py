"""What `sqlscore train` prints."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

import sqlscore
from sqlscore.cli.app import app
from sqlscore.simulation.shop import simulate_shop


def test_a_sample_is_told_and_the_next_command_names_the_mapping(tmp_path: Path) -> None:
    """Nobody should find out from a figure that users were left out, or refresh another mapping."""
    path = tmp_path / "shop.duckdb"
    with sqlscore.connect(path) as con:
        con.from_arrow(simulate_shop(users=200).events).create("clicks")
        sqlscore.map_events(con, "clicks", name="orders")
    command = ["train", str(path), "--mapping", "orders", "--architecture", "markov"]
    whole = CliRunner().invoke(app, command)
    sampled = CliRunner().invoke(app, [*command, "--max-events", "2000"])
    assert (whole.exit_code, sampled.exit_code) == (0, 0), whole.output + sampled.output
    assert f"next: sqlscore refresh {path} --mapping orders" in whole.stdout
    assert "trained on a sample" not in whole.stdout
    assert "! trained on a sample of the users: " in sampled.stdout
