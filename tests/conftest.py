"""Fixtures that several test files share."""

from __future__ import annotations

import os

# Before torch is there: a test has a core, not the machine. Two workers whose threads wait for each other by spinning
# took twenty times as long for one training. Processes that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from all_models import folds, models, one_thread, windowed  # noqa: F401 - fixtures
from hypothesis import settings
from postgres_server import Postgres, running_postgres
from scratch import _remove_folders  # noqa: F401 - a fixture
from small_shop import _close_shops  # noqa: F401 - a fixture
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register

DATA_VARIABLE = "SQLSCORE_DATA"

settings.register_profile("sqlscore", deadline=None)  # a test is right or wrong, however busy the machine is
settings.load_profile("sqlscore")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first: one that begins last would keep one worker busy while the others wait."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def data_folder() -> Path:
    """The folder of real event data. An error where the variable is set and the folder holds nothing."""
    named = os.environ.get(DATA_VARIABLE)
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    if not any(folder.glob("*/events.parquet")):
        if named:
            pytest.fail(f"{DATA_VARIABLE} is {named!r}, which holds no */events.parquet")
        pytest.skip(f"no real data: set {DATA_VARIABLE} to a folder of */events.parquet")
    return folder


@contextmanager
def copied(file: Path, path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a copy of the file, which goes with its folder: the suite makes a thousand, of 5 MB and more."""
    try:
        with sqlscore.connect(shutil.copy(file, path)) as con:
            yield con
    finally:
        shutil.rmtree(path.parent)


@pytest.fixture(scope="session")
def data() -> Path:
    return data_folder()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A real PostgreSQL server; tests keep to schemas of their own."""
    with running_postgres(tmp_path_factory.mktemp("postgres") / "data") as server:
        yield server


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with sqlscore's objects in it and nothing else: making them takes half a second, copying them nothing."""
    path = tmp_path_factory.mktemp("empty") / "empty.duckdb"
    sqlscore.connect(path).close()
    return path


@pytest.fixture(scope="session")
def shop_file(empty_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 users with 5 events each, an hour apart, mapped, with the tiny model as champion."""
    path = Path(shutil.copy(empty_file, tmp_path_factory.mktemp("shop") / "shop.duckdb"))
    with sqlscore.connect(path) as con:
        con.execute(
            """CREATE TABLE clicks AS
               SELECT (i % 40)::BIGINT AS "client id", TIMESTAMP '2024-01-01' + to_hours(i // 40) AS "when",
                      (['view', 'cart', 'buy'])[1 + (i // 40 + i) % 3] AS "select", i * 0.5 AS price
               FROM range(200) t(i)"""
        )
        sqlscore.map_events(
            con, "clicks", user_id="client id", event_time="when", event_type="select", features=["price"]
        )
        register(con, tiny_artifact(numeric=("price",)), name="tiny", mapping="events", champion=True, verb="train")
    return path


@pytest.fixture
def con(empty_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A new database, in a file."""
    with copied(empty_file, tmp_path_factory.mktemp("new") / "new.duckdb") as con:
        yield con


@pytest.fixture
def in_memory() -> Iterator[duckdb.DuckDBPyConnection]:
    """A new database that has no file."""
    with sqlscore.connect() as con:
        yield con


@pytest.fixture
def shop(shop_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of its own like `shop_file`."""
    with copied(shop_file, tmp_path_factory.mktemp("own") / "shop.duckdb") as con:
        yield con
