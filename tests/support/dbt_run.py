"""dbt, run as a command is run, in this process."""

from __future__ import annotations

from typing import Any

import pytest


def run_dbt(*arguments: str) -> Any:
    """One dbt command in this process; its connection is closed at the end, as it is when dbt's own process ends."""
    runner = pytest.importorskip("dbt.cli.main", reason="needs the extra dbt").dbtRunner()
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    try:
        return runner.invoke(list(arguments))
    finally:
        if DuckDBConnectionManager._ENV is not None:
            DuckDBConnectionManager._ENV.close()
            DuckDBConnectionManager._ENV = None
