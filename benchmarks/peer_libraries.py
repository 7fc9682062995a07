"""What people use beside a database: pandas with LightGBM, pytorch-lifestream, PySpark. (seconds, users) each."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import torch
from workload import in_turns

from sqlscore.database.catalog import catalog
from sqlscore.database.scan import scan
from sqlscore.events.mapping import Mapping
from sqlscore.events.reading import from_lists
from sqlscore.models.loading import load
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.batch import by_length
from sqlscore.scoring.head_outputs import action_probabilities

HIDDEN, EMBEDDING, BATCH = 64, 32, 512


def boosted(con: duckdb.DuckDBPyConnection, table: str, artifact: Artifact) -> tuple[float, int]:
    """Export, features by pandas, LightGBM's prediction of the next action, write-back. Training is not timed."""
    try:
        import lightgbm
    except ImportError as error:
        raise ImportError("pip install 'sqlscore[gbm]'") from error
    few = con.execute(f"SELECT * FROM {table} WHERE user_id % 20 = 0").df()
    ordered = few.sort_values(["user_id", "event_time"])
    past = ordered[ordered.duplicated("user_id", keep="last")]
    target = ordered.groupby("user_id")["event_type"].last()
    features = _features(past, artifact)
    model = lightgbm.LGBMClassifier(n_estimators=50, n_jobs=2, verbose=-1)
    model.fit(features, target.loc[features.index].astype("category").cat.codes)
    start = time.perf_counter()
    frame = con.execute(f"SELECT user_id, event_time, event_type FROM {table}").df()
    features = _features(frame.sort_values(["user_id", "event_time"]), artifact)
    result = features[[]].reset_index().assign(next_action=model.predict(features))
    con.register("boosted", result)
    con.execute("CREATE OR REPLACE TABLE boosted_scores AS SELECT * FROM boosted")
    con.unregister("boosted")
    return time.perf_counter() - start, len(result)


def _features(frame: Any, artifact: Artifact) -> Any:
    """A row a user: counts by action, events, tenure, silence, mean gap, hour of the last event, last action."""
    import pandas as pd

    grouped = frame.groupby("user_id", sort=False)
    first, last = grouped["event_time"].min(), grouped["event_time"].max()
    counts = pd.crosstab(frame["user_id"], frame["event_type"])
    counts = counts.reindex(index=first.index, columns=list(artifact.manifest.inputs.actions), fill_value=0)
    counts["events"] = grouped.size()
    counts["tenure"] = (last - first).dt.total_seconds()
    counts["silence"] = (frame["event_time"].max() - last).dt.total_seconds()
    counts["gap"] = counts["tenure"] / counts["events"]
    counts["hour"] = last.dt.hour
    codes = {action: i for i, action in enumerate(artifact.manifest.inputs.actions)}
    counts["last"] = grouped["event_type"].last().map(codes)
    return counts


def lifestream(con: duckdb.DuckDBPyConnection, table: str, artifact: Artifact) -> tuple[float, int]:
    """Its own way: records per user from pandas, padded batches, TrxEncoder and a GRU, a linear head, write-back."""
    import pandas as pd

    collate, model = _of_lifestream(artifact)
    actions = artifact.manifest.inputs.actions
    head = torch.nn.Linear(HIDDEN, len(actions))
    start = time.perf_counter()
    records, users = _records(con, table, artifact)
    with torch.inference_mode():
        found = [
            head(model(collate(records[begin : begin + BATCH]))).argmax(1).numpy()
            for begin in range(0, len(records), BATCH)
        ]
    result = pd.DataFrame({"user_id": users, "next_action": np.array(actions, dtype=object)[np.concatenate(found)]})
    con.register("streamed", result)
    con.execute("CREATE OR REPLACE TABLE streamed_scores AS SELECT * FROM streamed")
    con.unregister("streamed")
    return time.perf_counter() - start, len(users)


def encoders(con: duckdb.DuckDBPyConnection, table: str, artifact: Artifact) -> tuple[float, float]:
    """Seconds of the encoders alone, on batches that are ready, one thread: its padded ones, and ours of like lengths.

    Ours reads the times too, and keeps running summaries, which its GRU does not.
    """
    collate, model = _of_lifestream(artifact)
    torch.set_num_threads(1)
    records, _ = _records(con, table, artifact)
    padded = [collate(records[begin : begin + BATCH]) for begin in range(0, len(records), BATCH)]
    mapping = replace(catalog(con).mapping("events"), relation=table)
    ragged = [piece for users in scan(con, mapping) for _, piece in by_length(artifact.batch(users.sequences))]

    def theirs() -> None:
        for batch in padded:
            model(batch)

    def ours() -> None:
        for batch in ragged:
            artifact.module.encode(batch, None, None)

    with torch.inference_mode():
        found = in_turns({"theirs": theirs, "ours": ours}, repeats=5, clock=time.process_time)
    return found["theirs"], found["ours"]


def _of_lifestream(artifact: Artifact) -> tuple[Any, Any]:
    """What makes a batch of records, and a GRU of the artifact's size with random weights."""
    try:
        from ptls.data_load.utils import collate_feature_dict
        from ptls.nn import RnnSeqEncoder, TrxEncoder
    except ImportError as error:
        raise ImportError(f"pip install pytorch-lifestream into an environment of its own ({error})") from error
    size = len(artifact.manifest.inputs.actions) + 1
    encoder = TrxEncoder(embeddings={"event_type": {"in": size, "out": EMBEDDING}})
    return collate_feature_dict, RnnSeqEncoder(encoder, hidden_size=HIDDEN, type="gru").eval()


def _records(con: duckdb.DuckDBPyConnection, table: str, artifact: Artifact) -> tuple[list[Any], list[Any]]:
    """What pytorch-lifestream reads of each user, and the users."""
    codes = {action: i + 1 for i, action in enumerate(artifact.manifest.inputs.actions)}
    frame = con.execute(f"SELECT user_id, epoch(event_time) AS event_time, event_type FROM {table}").df()
    frame["event_type"] = frame["event_type"].map(codes)
    frame = frame.sort_values(["user_id", "event_time"])
    records, users = [], []
    for user, events in frame.groupby("user_id", sort=False):
        users.append(user)
        records.append(
            {name: torch.from_numpy(events[name].to_numpy(copy=True)) for name in ("event_time", "event_type")}
        )
    return records, users


def spark(con: duckdb.DuckDBPyConnection, table: str, artifact: Artifact) -> tuple[float, int]:
    """Lists by Spark, the same model in an arrow_udf, the result to Parquet; the session's start is not timed."""
    try:
        from pyspark.sql import SparkSession
        from pyspark.sql import functions as f
    except ImportError as error:
        raise ImportError("pip install 'pyspark>=4.3,<4.4', and a Java 17 runtime") from error
    mapping = Mapping("events", "", "user_id", "event_time", "event_type")
    os.environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1", "OMP_NUM_THREADS": "1"}
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "4096")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    manifest, stored = artifact.manifest, catalog(con).find(None, "events")
    data, sha256, label = stored.data, stored.sha256, stored.label
    loaded: dict[str, Artifact] = {}

    def score(lists: pa.Array) -> pa.Array:
        if not loaded:
            torch.set_num_threads(1)
            loaded["it"] = load(data, sha256, label, "cpu")
        states = loaded["it"].encode(from_lists(lists, mapping))
        best = action_probabilities(loaded["it"], states.hidden).argmax(1)
        return pa.array(manifest.inputs.actions).take(pa.array(best))

    with tempfile.TemporaryDirectory() as folder:
        con.execute(f"COPY (FROM {table}) TO '{folder}/events.parquet'")
        scored = f.arrow_udf(score, "string")
        events = f.collect_list(f.struct("event_time", "event_type")).alias("events")
        query = session.read.parquet(f"{folder}/events.parquet").groupBy("user_id").agg(events)
        plan = query.select("user_id", scored("events").alias("next_action"))
        plan.limit(100).collect()  # starts the workers
        start = time.perf_counter()
        plan.write.parquet(f"{folder}/scores")
        seconds = time.perf_counter() - start
        users = con.execute(f"SELECT count(*) FROM read_parquet('{folder}/scores/*.parquet')").fetchall()[0][0]
    session.stop()
    return seconds, users
