"""Commands run in this process, and the events that tests of the command line use."""

import json
from typing import Any

from typer.testing import CliRunner, Result

from sqlscore.cli.app import app

EVENTS = """
    SELECT (i % 40)::BIGINT AS user_id, TIMESTAMP '2024-01-01' + to_days(8 * (i // 40)) AS event_time,
           (['view', 'cart', 'buy'])[1 + (i // 40 + i) % 3] AS event_type, i * 0.5 AS price
    FROM range(200) t(i)"""


def run(*arguments: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)


def run_json(*arguments: object) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    return json.loads(result.stdout)
