"""The public functions in a Spark session give what they give in DuckDB, or say why they do not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from small_shop import gru_artifact, open_shop
from spark_here import require_spark, spark_session
from spark_scores import same

import sqlscore
from sqlscore.database.registry import register as store
from sqlscore.errors import ArtifactError, ModelError, SparkError
from sqlscore.spark import register
from sqlscore.spark.functions import SparkFunction
from sqlscore.spark.worker import Shipment, Travelling, catalog_of
from sqlscore.sql.public_functions import PUBLIC

require_spark()

PARAMETERS = {
    "next_action_probability": ("action := 'buy'", "action => 'buy'"),
    "next_action_within": ("1800", "1800"),
    "seconds_to_next_actions": ("[0.1, 0.9]", "array(0.1, 0.9)"),
    "best_next_action": ("['view', 'buy'], goal := 'buy'", "array('view', 'buy'), goal => 'buy'"),
    "churn_risk": ("as_of := TIMESTAMP '2024-02-01'", "as_of => TIMESTAMP '2024-02-01 00:00:00'"),
    "explain_churn_risk": ("k := 2", "k => 2"),
    "predict_next_actions": ("2", "2"),
    "predict_path": ("n := 2, model := 'other'", "n => 2, model => 'other'"),
}
LISTS = "(SELECT user_id, collect_list(struct(*)) AS l FROM (SELECT * FROM e ORDER BY price) GROUP BY user_id)"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Users and events of `open_shop`, with two models."""
    path = tmp_path_factory.mktemp("spark") / "shop.duckdb"
    con = open_shop(path)
    store(con, gru_artifact(1), name="other", mapping="events", champion=False, verb="train")
    con.table("e").write_parquet(str(path.with_suffix(".parquet")))
    sqlscore.export_model(con, "m", path.with_suffix(".model"))
    con.close()
    return path


@pytest.fixture(scope="module")
def spark(file: Path) -> Iterator[Any]:
    with spark_session() as session:
        session.read.parquet(str(file.with_suffix(".parquet"))).createOrReplaceTempView("e")
        with sqlscore.connect(file, read_only=True) as con:
            newest = con.execute("SELECT max(event_time) FROM e").fetchall()[0][0]
        register(session, file, models=["other"], as_of=newest)
        yield session


@pytest.mark.slow
def test_every_function_gives_what_it_gives_in_duckdb(file: Path, spark: Any) -> None:
    """It is the same code; what could differ is how Spark passes lists, parameters and times."""
    unable = (
        "attend_events",
        "propensity",
        "expected_value",
        "value_quantiles",
        "uplift",
        "explain_label",
    )  # by this GRU, without a head
    able = [public.name for public in PUBLIC if public.name not in unable]
    ours, theirs = (
        ", ".join(f"{name}({', '.join([events, *PARAMETERS.get(name, ('', ''))[side : side + 1]])})".replace(", )", ")")
                  for name in able)
        for side, events in ((0, "e"), (1, "l"))
    )  # fmt: skip
    with sqlscore.connect(file, read_only=True) as con:
        expected = con.execute(f"SELECT user_id, {ours} FROM e GROUP BY user_id ORDER BY user_id").fetchall()
    found = spark.sql(f"SELECT user_id, {theirs} FROM {LISTS} ORDER BY user_id").toArrow()
    rows = list(zip(*(column.to_pylist() for column in found.columns), strict=True))
    assert len(rows) == len(expected) > 0
    assert all(same(one, other) for one, other in zip(expected, rows, strict=True))


@pytest.mark.slow
def test_columns_of_one_score_share_its_encoding(spark: Any) -> None:
    """The filter, the order and three columns read one value: Spark does not call the function for each of them."""
    frame = spark.sql(
        f"""SELECT s.churn_risk, s.next_action, s.as_of FROM (SELECT score_events(l) AS s FROM {LISTS})
            WHERE s.churn_risk < 2 ORDER BY s.n_events"""
    )
    assert frame.count() > 0
    plan = frame._jdf.queryExecution().executedPlan().toString()
    final = plan.partition("== Initial Plan ==")[0]
    assert final.count("ArrowEvalPython [score_events(") == 1


@pytest.mark.slow
def test_lists_of_actions_and_empty_ones(spark: Any) -> None:
    rows = spark.sql("SELECT predict_next_action(array('view')), list_predict_next_action(cast(null as array<string>))")
    assert rows.collect()[0][0] in ("view", "cart", "buy")
    assert rows.collect()[0][1] is None


@pytest.mark.slow
def test_a_model_file_scores_events_under_canonical_names(file: Path, spark: Any) -> None:
    """Where the DuckDB file is too large or too private to be at hand, the model alone is enough."""
    names = register(spark, file.with_suffix(".model"), as_of="2024-03-01")
    try:
        assert "churn_risk" in names
        risk = spark.sql(f"SELECT max(churn_risk(l)) FROM {LISTS}").collect()[0][0]
        assert 0 < risk < 1
    finally:
        register(spark, file, models=["other"], as_of="2024-03-01")


@pytest.mark.slow
def test_without_a_moment_it_is_asked_for(file: Path, spark: Any) -> None:
    """Spark has no mapped table whose newest event could stand in, and now() would make everyone look gone."""
    register(spark, file, models=["other"])
    try:
        with pytest.raises(Exception, match="churn_risk needs a moment.*as_of => TIMESTAMP"):
            spark.sql(f"SELECT churn_risk(l) FROM {LISTS}").collect()
        with pytest.raises(Exception, match="next_action_within takes a list of events, then seconds"):
            spark.sql(f"SELECT next_action_within(l) FROM {LISTS}").collect()
    finally:
        register(spark, file, models=["other"], as_of="2024-03-01")


@pytest.mark.slow
def test_another_zone_is_refused_when_registering_and_when_called(file: Path, spark: Any) -> None:
    """A session that changes its zone later reads '2024-02-01' as another moment than before."""
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    try:
        with pytest.raises(SparkError, match="time zone is America/New_York.*timeZone', 'UTC'"):
            register(spark, file)
        query = f"SELECT churn_risk(l, TIMESTAMP '2024-02-01 00:00:00') FROM {LISTS}"
        with pytest.raises(Exception, match="time zone is America/New_York now.*SET TIME ZONE UTC"):
            spark.sql(query).collect()
    finally:
        spark.conf.set("spark.sql.session.timeZone", "UTC")


@pytest.mark.slow
def test_without_ansi_mode_nothing_is_registered(file: Path, spark: Any) -> None:
    spark.conf.set("spark.sql.ansi.enabled", "false")
    try:
        with pytest.raises(SparkError, match="ANSI mode is off.*spark.sql.ansi.enabled', 'true'"):
            register(spark, file)
    finally:
        spark.conf.set("spark.sql.ansi.enabled", "true")


@pytest.mark.slow
def test_what_is_not_there_is_named(file: Path, spark: Any, tmp_path: Path) -> None:
    with pytest.raises(SparkError, match="there is no file .*gone.duckdb"):
        register(spark, tmp_path / "gone.duckdb")
    with pytest.raises(ModelError, match="there is no model 'nobody'"):
        register(spark, file, models=["nobody"])


def test_an_artifact_of_another_hash_is_not_loaded(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a worker finds under the name may have been put there by anybody; loading it can run their code."""
    monkeypatch.setattr("pyspark.SparkFiles.get", lambda name: str(file.with_suffix(".model")))
    wrong = Travelling("m@1", "0" * 64)
    with pytest.raises(ArtifactError, match=f"you expect {'0' * 64}"):
        catalog_of(Shipment(_mapping(file), (wrong,)))


def test_parameters_are_those_of_the_public_functions() -> None:
    """A default that Python cannot read would be found by nobody until the function is called."""
    for public in PUBLIC:
        call = SparkFunction(public.name, Shipment("", ()), None)
        required = {name: None for name, default in public.parameters if default is None}
        values = call._parameters(3, (), required)
        assert list(values)
        assert {name for name, _ in public.parameters} == set(values)


def _mapping(file: Path) -> str:
    with duckdb.connect(str(file), read_only=True) as con:
        return str(con.execute("SELECT mapping FROM sqlscore.mappings").fetchall()[0][0])
