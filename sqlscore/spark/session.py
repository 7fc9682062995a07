"""What a Spark session must be, so that scores are those of DuckDB: checked once, with what to do about each."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import pyarrow as pa

from sqlscore import errors
from sqlscore.errors import SparkError
from sqlscore.extras import require
from sqlscore.spark.types import is_utc

SPARK = "4.3"
"""The version whose behaviour was measured: see docs/spark.md."""

_PACKAGES = ("sqlscore", "torch", "pyarrow", "numpy", "duckdb")
_ALIKE = ("sqlscore", "torch")
"""Packages that must have the same version here and in the workers: they say what a score is."""

_PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


def check_session(spark: Any) -> None:
    """Raise SparkError, with what to do, if this session or its workers would not score as DuckDB does.

    Starts one Python worker, which says what it runs on.
    """
    require("pyspark", "Spark is scored with PySpark", extra="spark", error=SparkError)
    found = str(spark.version)
    if not found.startswith(f"{SPARK}."):
        raise SparkError(f"this session is Spark {found}; sqlscore is made for {SPARK}: pip install 'sqlscore[spark]'")
    zone = spark.conf.get("spark.sql.session.timeZone")
    if not is_utc(zone):
        raise SparkError(
            f"this session's time zone is {zone}, and times are UTC in DuckDB: "
            "spark.conf.set('spark.sql.session.timeZone', 'UTC') before you read events"
        )
    if spark.conf.get("spark.sql.ansi.enabled") != "true":
        raise SparkError(
            "ANSI mode is off, so that wrong casts and overflows become NULL or another number without a word: "
            "spark.conf.set('spark.sql.ansi.enabled', 'true')"
        )
    _compare(_worker(spark))


def _worker(spark: Any) -> dict[str, str]:
    """Versions in a worker, by package, with that of Python; empty texts for what is missing."""
    from pyspark.errors import PySparkException

    try:
        rows = spark.range(1).mapInArrow(_versions, ", ".join(f"{name} string" for name in ("python", *_PACKAGES)))
        answer: dict[str, str] = rows.collect()[0].asDict()
    except PySparkException as error:
        raise SparkError(
            f"a Python worker of this session cannot run sqlscore ({reason(str(error))}): install sqlscore[spark] "
            f"with Python {_PYTHON} on every worker, and let PYSPARK_PYTHON name that interpreter before the session "
            "starts"
        ) from error
    return answer


def _versions(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """In a worker: what it runs on."""
    for batch in batches:
        if len(batch):
            found = [_PYTHON, *map(version, _PACKAGES)]
            yield pa.RecordBatch.from_pydict({name: [v] for name, v in zip(("python", *_PACKAGES), found, strict=True)})


def _compare(worker: dict[str, str]) -> None:
    here = {"python": _PYTHON} | {name: version(name) for name in _ALIKE}
    other = [f"{name} {worker[name]} instead of {have}" for name, have in here.items() if worker[name] != have]
    if other:
        raise SparkError(
            f"the workers of this session have {', '.join(other)}: install the same sqlscore[spark] there, and let "
            "PYSPARK_PYTHON name its interpreter before the session starts"
        )
    major = int(worker["pyarrow"].partition(".")[0])
    if major < 18:
        raise SparkError(f"the workers have pyarrow {worker['pyarrow']}, and PySpark {SPARK} needs 18 or newer")


@contextmanager
def plain_errors() -> Iterator[None]:
    """Raise what sqlscore said in a worker as the error that it was there, and Spark's own errors as SparkError."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        told = re.findall(r"sqlscore\.errors\.(\w+): (.+)", str(error))
        if told:
            kind, message = told[-1]
            raise getattr(errors, kind)(message) from error
        raise SparkError(f"Spark failed: {reason(str(error))}") from error


def reason(text: str) -> str:
    """The line of an error that says most."""
    lines = [
        line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith(("at ", "... "))
    ]
    told = [line for line in lines if "Error:" in line or line.startswith("[") or ": [" in line or "MISMATCH" in line]
    return (told or lines or ["it said nothing"])[-1].lstrip(": ").rstrip(".")[:300]
