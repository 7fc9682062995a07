"""Spark for tests: whether it is here, a session, and a cluster of one master and two workers on loopback."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "OFF",  # of errors that a test asks for
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.extraJavaOptions": "-Duser.timezone=America/New_York",  # a zone that nothing may depend on
}


def require_spark() -> None:
    """Skip the module that calls this where PySpark or Java is missing; fail where SQLSCORE_SPARK=required."""
    missing = "PySpark" if find_spec("pyspark") is None else None if shutil.which("java") else "Java"
    if missing is None:
        return
    reason = f"no {missing}: pip install 'sqlscore[spark]', apt-get install openjdk-17-jre-headless"
    if os.environ.get("SQLSCORE_SPARK") == "required":
        raise RuntimeError(reason)
    pytest.skip(reason, allow_module_level=True)


@contextmanager
def spark_session(master: str = "local[2]", **settings: str) -> Iterator[Any]:
    """A session in UTC, whose workers find this checkout and the modules beside the tests."""
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support"), os.environ.get("PYTHONPATH", "")])
    builder = SparkSession.builder.master(master).config(
        map=_SETTINGS | {"spark.executorEnv.PYTHONPATH": path} | settings
    )
    session = builder.getOrCreate()
    try:
        yield session
    finally:
        session.stop()


@contextmanager
def cluster(folder: Path, workers: int = 2) -> Iterator[str]:
    """The URL of a standalone master with workers of one core each; each worker is a process group of its own."""
    with ExitStack() as stack:
        log = folder / "master.log"
        master = stack.enter_context(_daemon("master.Master", ["--webui-port", "0"], log))
        url = _said(master, log, r"Starting Spark master at (spark://\S+)")
        for number in range(workers):
            options = ["--webui-port", "0", "--cores", "1", "--memory", "1g", "--work-dir", str(folder / f"{number}")]
            log = folder / f"worker{number}.log"
            worker = stack.enter_context(_daemon("worker.Worker", [*options, url], log))
            _said(worker, log, "(Successfully registered with master)")
        yield url


@contextmanager
def _daemon(kind: str, options: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    import pyspark

    home = Path(pyspark.__file__).parent
    command = [
        str(home / "bin" / "spark-class"),
        f"org.apache.spark.deploy.{kind}",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
    ]
    env = os.environ | {"SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "256m"}
    with log.open("wb") as out:
        process = subprocess.Popen([*command, *options], stdout=out, stderr=out, env=env, start_new_session=True)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _said(process: subprocess.Popen[bytes], log: Path, pattern: str) -> str:
    """The first group of a pattern, as soon as a daemon has said it."""
    while process.poll() is None:
        found = re.search(pattern, log.read_text(encoding="utf-8", errors="replace"))
        if found:
            return found[1]
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
    raise RuntimeError(f"Spark's daemon ended: {log.read_text(encoding='utf-8', errors='replace')[-2000:]}")
