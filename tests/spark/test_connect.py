"""A Spark Connect session has the functions too, and says why it cannot score in bulk."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from small_shop import open_shop
from spark_here import ROOT, require_spark

require_spark()

SCRIPT = """
import sys
from pyspark.sql import SparkSession
from sqlscore.errors import SparkError
from sqlscore.spark import register, score

spark = SparkSession.builder.remote("local[1]").getOrCreate()
spark.conf.set("spark.sql.session.timeZone", "UTC")
register(spark, sys.argv[1], as_of="2024-03-01")
spark.read.parquet(sys.argv[2]).createOrReplaceTempView("e")
rows = spark.sql("SELECT user_id, churn_risk(collect_list(struct(e.*))) FROM e GROUP BY user_id").collect()
print([(row[0], round(row[1], 5)) for row in sorted(rows)])
try:
    score(spark, sys.argv[1], sys.argv[2], "out")
except SparkError as error:
    print(error)
spark.stop()
"""
"""In a process of its own: a classic and a Connect session do not go together in one."""


@pytest.mark.slow
def test_connect_has_the_functions_and_refuses_the_rest(tmp_path: Path) -> None:
    if find_spec("grpc") is None:
        if os.environ.get("SQLSCORE_SPARK") == "required":
            pytest.fail("Spark Connect needs gRPC: pip install 'pyspark[connect]'")
        pytest.skip("Spark Connect needs gRPC: pip install 'pyspark[connect]'")
    con = open_shop(tmp_path / "shop.duckdb")
    con.table("e").write_parquet(str(tmp_path / "e.parquet"))
    expected = con.execute(
        "SELECT user_id, churn_risk(e, as_of := TIMESTAMP '2024-03-01') FROM e GROUP BY user_id ORDER BY user_id"
    ).fetchall()
    con.close()
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, str(tmp_path / "shop.duckdb"), str(tmp_path / "e.parquet")],
        env=os.environ | {"PYTHONPATH": path, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert str([(user, round(risk, 5)) for user, risk in expected]) in done.stdout
    assert "Spark Connect session, which cannot rename a finished folder" in done.stdout
