"""Tracking: everything of a model reaches a real MLflow server; a server that fails loses nothing and leaks nothing."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pytest
from typer.testing import CliRunner

import sqlscore
from sqlscore.cli.app import app
from sqlscore.errors import ArtifactError, EventsError, TrackingError
from sqlscore.reporting.tracking.store import Store, store_of
from sqlscore.simulation.shop import simulate_shop

SECRET = "s3cr%40t-word"
SPOKEN = "s3cr@t-word"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A file with 60 simulated customers, and events@1 trained on them."""
    con = sqlscore.connect(tmp_path_factory.mktemp("shop") / "shop.duckdb")
    con.from_arrow(simulate_shop(users=60).events).create("events")
    sqlscore.map_events(con, "events", features=["price"])
    sqlscore.train(con, max_epochs=2)
    yield con
    con.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real MLflow server on a free port of the loopback interface, with files that it keeps itself."""
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    stores = ["--backend-store-uri", f"sqlite:///{folder}/runs.db", "--artifacts-destination", str(folder / "files")]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command + stores, stdout=log, stderr=log, env=environment, cwd=folder)
    try:
        wait_for(f"{url}/health", process, folder / "log")
        yield url
    finally:
        process.terminate()
        process.wait(30)


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until it answers; an error with its log where it ends, or takes more than ten minutes."""
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the MLflow server did not start: {log.read_text()}")


class Refusing(BaseHTTPRequestHandler):
    """A server that notes who asks and refuses everybody."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.headers.get("Authorization", ""))
        body = f"go away, {SPOKEN}".encode()
        self.send_response(401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""


@pytest.fixture
def refusing() -> Iterator[int]:
    """The port of a server that refuses."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        yield httpd.server_port
        httpd.shutdown()


def tracked_rows(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """All that was recorded of tracking, newest last."""
    return con.execute(
        "SELECT status, message, details::VARCHAR FROM sqlscore.runs WHERE verb = 'track' ORDER BY started_at"
    ).fetchall()


@pytest.mark.slow
def test_a_run_on_a_server_says_all_of_the_model(
    shop: duckdb.DuckDBPyConnection, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parameters, losses by epoch, test figures, plots, tags, and a model version that MLflow loads and scores with."""
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "someone else")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", server)
    info = sqlscore.train(
        shop, name="tracked", max_epochs=2, promote=False, track=server.replace("://", f"://me:{SECRET}@")
    )
    assert os.environ["MLFLOW_TRACKING_USERNAME"] == "someone else"
    assert "MLFLOW_TRACKING_PASSWORD" not in os.environ
    status, message, details = tracked_rows(shop)[-1]
    assert (status, message) == ("ok", None)
    noted = json.loads(details)
    assert (noted["store"], noted["experiment"], noted["model"]) == (server, "shop", "tracked@1")

    from mlflow import MlflowClient

    client = MlflowClient(server, server)
    run = client.get_run(noted["run_id"])
    assert run.info.status == "FINISHED"
    params, metrics, tags = run.data.params, run.data.metrics, run.data.tags
    assert (params["hidden"], params["mapping.user_id"]) == ("64", "user_id")
    assert params["mapping.features"] == "price (numeric)"
    assert metrics["test/next_action/accuracy"] == pytest.approx(info.metrics["next_action"]["accuracy"])
    markov = info.metrics["next_action"]["baselines"]["markov1"]
    assert metrics["test/next_action/baselines/markov1/accuracy"] == pytest.approx(markov["accuracy"])
    losses = client.get_metric_history(noted["run_id"], "validation/next_action_loss")
    history = info.notes["training"]["history"]
    curve: list[object] = [(loss.step, loss.value) for loss in losses]
    assert curve == [(epoch["number"], pytest.approx(epoch["next_action"])) for epoch in history]
    assert (tags["sqlscore.label"], tags["sqlscore.sha256"]) == ("tracked@1", info.sha256)
    assert tags["sqlscore.version"] == sqlscore.__version__
    plots = [file.path for file in client.list_artifacts(noted["run_id"], "plots")]
    assert {"plots/confusion.png", "plots/learning-curves.png", "plots/reliability.png"} <= set(plots)
    assert "attention: " in tags["sqlscore.plots_left_out"]
    version = client.get_model_version(noted["registered_model"], noted["registered_version"])
    assert (version.name, version.run_id) == ("shop-tracked", noted["run_id"])
    assert version.tags["sqlscore.label"] == "tracked@1"
    assert_scores_as_sql_does(shop, f"models:/{version.name}/{version.version}")
    folder = Path(client.download_artifacts(noted["run_id"], "model", str(tmp_path)))
    carried = sqlscore.import_model(
        shop, folder / "data" / "sqlscore" / "model.sqlscore", name="carried", sha256=info.sha256
    )
    assert carried.sha256 == info.sha256
    recorded = shop.execute("SELECT string_agg(r::VARCHAR, '') FROM sqlscore.runs r").fetchall()[0][0]
    stored = "".join(file.read_text(errors="replace") for file in folder.rglob("*") if file.is_file())
    assert not any(word in text for word in (SECRET, SPOKEN) for text in (recorded, str(run.to_dictionary()), stored))


def assert_scores_as_sql_does(con: duckdb.DuckDBPyConnection, uri: str) -> None:
    """The model that MLflow loads, on shuffled events with times as text, as a REST call gives them."""
    from mlflow import pyfunc

    model = pyfunc.load_model(uri)
    events = con.sql("FROM events WHERE user_id < 20 ORDER BY hash(event_time)").df()
    expected = con.execute(
        """SELECT s.next_action, s.next_action_probability, s.churn_risk
           FROM (SELECT user_id, score_events(e, model := 'tracked@1', as_of := TIMESTAMP '2025-07-01') AS s
                 FROM events e WHERE user_id < 20 GROUP BY user_id) ORDER BY user_id"""
    ).fetchall()
    events["event_time"] = events["event_time"].astype(str)
    found = model.predict(events, params={"as_of": "2025-07-01"})
    assert found["next_action"].tolist() == [row[0] for row in expected]
    assert found["next_action_probability"].tolist() == pytest.approx([row[1] for row in expected], abs=1e-5)
    assert found["churn_risk"].tolist() == pytest.approx([row[2] for row in expected], abs=1e-5)
    with pytest.raises(EventsError, match='events column "user_id" is missing: the events have "event_time"'):
        model.predict(events.drop(columns="user_id"))


@pytest.mark.slow
def test_the_default_is_a_file_beside_the_database(shop: duckdb.DuckDBPyConnection) -> None:
    """Two models become two versions in one experiment; `--track` alone does that, and stdout stays JSON."""
    path = shop.execute("SELECT path FROM duckdb_databases() WHERE database_name = current_database()").fetchall()[0][0]
    first = sqlscore.track(shop, "events@1")
    assert first.store == f"sqlite:///{path}.mlflow.db"
    result = CliRunner().invoke(app, ["track", path, "--model", "events@1", "--json"])
    assert result.exit_code == 0, result.output
    second = json.loads(result.stdout)
    assert second["experiment"] == first.experiment == "shop"
    assert (first.registered_version, second["registered_version"]) == ("1", "2")
    assert list(Path(f"{path}.mlflow-artifacts").glob("*/artifacts/model/data/sqlscore/model.sqlscore"))


def test_a_server_that_refuses_loses_no_model_and_learns_no_secret_to_tell(
    shop: duckdb.DuckDBPyConnection, refusing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The password goes into the header of the request, and nowhere else."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.warns(UserWarning, match="could not be tracked at http://127.0.0.1") as caught:
        info = sqlscore.train(
            shop,
            name="refused",
            architecture="markov",
            promote=False,
            track=f"http://me:{SECRET}@127.0.0.1:{refusing}",
        )
    assert base64.b64decode(Refusing.asked[-1].removeprefix("Basic ")).decode() == f"me:{SPOKEN}"
    assert info.label in [model.label for model in sqlscore.list_models(shop)]
    text = str(caught[0].message)
    assert f"{info.label} is registered in the file" in text
    assert f"sqlscore track DB --model {info.label}" in text
    status, message, details = tracked_rows(shop)[-1]
    assert status == "failed"
    assert not any(word in shown for word in (SECRET, SPOKEN) for shown in (text, message, details))


def test_a_server_that_is_not_there_is_an_error_of_the_verb(
    shop: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked for alone, tracking that fails has failed."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(TrackingError, match=rf"events@1 could not be tracked at http://127.0.0.1:{port}") as caught:
        sqlscore.track(shop, to=f"http://127.0.0.1:{port}")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_damaged_model_is_not_loaded(shop: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    from sqlscore.database.catalog import catalog
    from sqlscore.reporting.tracking.pyfunc import _load_pyfunc, save

    stored = catalog(shop).find("events@1", "events")
    save(tmp_path, stored.data, stored.sha256, stored.label, catalog(shop).mapping("events"))
    assert _load_pyfunc(str(tmp_path)).artifact.name == "events@1"
    file = tmp_path / "model.sqlscore"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(ArtifactError, match="damaged"):
        _load_pyfunc(str(tmp_path))


@pytest.mark.parametrize(
    ("asked", "database", "expected"),
    [
        (True, "/data/shop.duckdb", Store("sqlite:////data/shop.duckdb.mlflow.db")),
        ("http://h:5000/mlflow", None, Store("http://h:5000/mlflow")),
        ("https://u:p%2Fw@h/x", None, Store("https://h/x", ("u", "p/w"))),
        ("http://token@h", None, Store("http://h", ("token", ""))),
    ],
)
def test_a_store_is_known_without_its_credentials(asked: str | bool, database: str | None, expected: Store) -> None:
    assert store_of(asked, database) == expected


def test_the_environment_names_the_store_where_nobody_else_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """As MLflow's own users expect."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://team:5000")
    assert store_of(True, "shop.duckdb").uri == "http://team:5000"
    assert store_of("sqlite:///mine.db", "shop.duckdb").uri == "sqlite:///mine.db"


@pytest.mark.parametrize(
    ("asked", "message"),
    [(True, "a database in memory has no place"), ("shop.duckdb", '"shop.duckdb" is not a tracking URI')],
)
def test_what_is_no_store_is_said_before_anything_is_trained(
    in_memory: duckdb.DuckDBPyConnection, asked: str | bool, message: str
) -> None:
    con = in_memory
    con.from_arrow(simulate_shop(users=3).events).create("events")
    sqlscore.map_events(con, "events")
    with pytest.raises(TrackingError, match=message):
        sqlscore.train(con, track=asked)
    assert con.execute("SELECT count(*) FROM sqlscore.runs WHERE verb = 'fit'").fetchall() == [(0,)]


def test_the_password_of_a_database_store_is_hidden() -> None:
    """It cannot be taken out of such a URI, so it is taken out of what is shown."""
    store = store_of(f"postgresql://me:{SECRET}@host/runs", None)
    assert SECRET not in store.shown
    assert SECRET not in store.hide(f"cannot connect to {store.uri}")


@pytest.mark.slow
def test_nothing_of_mlflow_is_imported_when_it_is_not_used(tmp_path: Path) -> None:
    """It takes seconds, and not everybody has it."""
    program = f"""
import sys, sqlscore
from sqlscore.simulation import simulate_shop
with sqlscore.connect({str(tmp_path / "a.duckdb")!r}) as con:
    con.from_arrow(simulate_shop(users=30).events).create("events")
    sqlscore.map_events(con, "events")
    sqlscore.train(con, architecture="markov")
print([name for name in ("mlflow", "matplotlib", "sqlalchemy") if name in sys.modules])
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.stdout == "[]\n", result.stderr
