"""A Spark session for a command: with what sqlscore needs of one, and with what the user says besides."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlscore.errors import SparkError
from sqlscore.extras import require
from sqlscore.spark.session import reason

_NEEDED = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.log.level": "ERROR",
    "spark.ui.showConsoleProgress": "false",
}


@contextmanager
def session(master: str | None, conf: Sequence[str] = ()) -> Iterator[Any]:
    """Yield a classic session, which is stopped when the block ends.

    Args:
        master: As Spark takes it: `local[4]`, `spark://host:7077`, `yarn`; None for what Spark's own configuration
            says, or all cores of this machine.
        conf: More settings, `key=value`.

    Raises SparkError if PySpark or Java is not installed, if a setting cannot be read, or if no session starts.
    """
    require("pyspark", "Spark is scored with PySpark", extra="spark", error=SparkError)
    if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        raise SparkError("Spark needs Java 17 or newer, and there is no java: install one (openjdk-17-jre-headless)")
    settings = _NEEDED | dict(_setting(text) for text in conf)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("sqlscore").config(map=settings)
    try:
        spark = (builder if master is None else builder.master(master)).getOrCreate()
    except (PySparkException, Py4JError) as error:
        raise SparkError(
            f"no Spark session could be started{'' if master is None else f' with master {master}'} "
            f"({reason(str(error))}): what Java said stands above; look at --master, at --conf (memory), and that "
            f"JAVA_HOME ({os.environ.get('JAVA_HOME') or 'not set'}) is of Java 17 or newer"
        ) from error
    try:
        yield spark
    finally:
        spark.stop()


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.startswith("spark."):
        raise SparkError(f"a setting of Spark is spark.KEY=VALUE, found {text!r}")
    return key, value
