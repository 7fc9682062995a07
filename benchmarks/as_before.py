"""Does this checkout score as another one does? The same events of real logs and the same weights, in two processes.

    git worktree add ../before COMMIT
    python benchmarks/as_before.py ../before [--data DIR] [--sets a,b] [--architectures gru,mingru,lstm]

Compared: bulk scores, a score after every event, and the functions in a GROUP BY and over a frame. Weights are random
from a seed; the model knows the log's most frequent actions and values, so that others are new to it. It fails if a
probability differs by more than 1e-4, a time by more than that share of it, or a next action at all.
The data are not part of this repository: DIR is the folder that the tests read too (SQLSCORE_DATA).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

MOST = 1e-4
KNOWN = 40
"""The most frequent actions, and values of each categorical column, that the model knows."""

KINDS = {
    "bulk": (),
    "history": ("event_time", "nth"),
    "grouped": (),
    "framed": ("event_time", "nth"),
}
"""What is scored, and the columns that tell its rows apart beside the user."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, help="another checkout of this repository")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("SQLSCORE_DATA", "../shared/data")))
    parser.add_argument("--sets", default="stackexchange_quantum,rees46_cosmetics,online_retail_invoices")
    parser.add_argument("--architectures", default="gru,mingru,lstm")
    parser.add_argument("--events", type=int, default=60_000, help="of some users, about")
    parser.add_argument("--answer", type=Path, help=argparse.SUPPRESS)  # this process is one of the two: its folder
    chosen = parser.parse_args()
    sets, architectures = chosen.sets.split(","), chosen.architectures.split(",")
    if chosen.answer:
        for name in sets:
            answer(chosen.answer, chosen.data, name, architectures, chosen.events)
        return
    import duckdb

    wrong = 0
    with tempfile.TemporaryDirectory() as kept:
        roots = {"before": chosen.before.resolve(), "now": Path(__file__).resolve().parents[1]}
        for side, root in roots.items():
            (Path(kept) / side).mkdir()
            path = os.pathsep.join([str(root), str(root / "benchmarks")])
            command = [sys.executable, "-P", "-W", "ignore", __file__, *sys.argv[1:], "--answer", f"{kept}/{side}"]
            subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=True)
        with duckdb.connect() as con:
            for name in sets:
                for architecture in architectures:
                    for kind, more in KINDS.items():
                        wrong += compare(con, kept, f"{name}-{architecture}-{kind}.parquet", more)
    if wrong:
        raise SystemExit(f"{wrong} of the tables differ by more than {MOST:g}, or in an action")


def compare(con: Any, kept: str, file: str, more: tuple[str, ...]) -> bool:
    """Print how far two tables of scores are from each other; whether that is too far."""
    keys = ", ".join(("user_id", *more))
    rows, missing, actions, probability, churn, seconds = con.execute(
        f"""SELECT count(*), count(*) FILTER (a.model IS NULL OR b.model IS NULL),
               count(*) FILTER (a.next_action IS DISTINCT FROM b.next_action),
               coalesce(max(abs(a.next_action_probability - b.next_action_probability)), 0),
               coalesce(max(abs(a.churn_risk - b.churn_risk)), 0),
               coalesce(max(abs(a.seconds_to_next_action - b.seconds_to_next_action)
                            / greatest(a.seconds_to_next_action, 1)), 0)
           FROM read_parquet(?) a FULL JOIN read_parquet(?) b USING ({keys})""",
        [f"{kept}/before/{file}", f"{kept}/now/{file}"],
    ).fetchone()
    print(
        f"{file.removesuffix('.parquet'):44} {rows:7,} rows, {missing} in one alone, {actions} other actions; at most "
        f"{probability:.0e} of probability, {churn:.0e} of churn, {seconds:.0e} of seconds",
        flush=True,
    )
    return bool(missing or actions or max(probability, churn, seconds) > MOST)


def answer(folder: Path, data: Path, name: str, architectures: list[str], events: int) -> None:
    """Score one log by this process's checkout; a file for each model and kind."""
    import torch
    from leaderboard import LOGS

    import sqlscore
    from sqlscore.events.inputs import Inputs
    from sqlscore.models.architectures import ARCHITECTURES
    from sqlscore.models.config import ModelConfig
    from sqlscore.quoting import identifier, literal

    log = LOGS[name]
    con = sqlscore.connect(device="cpu")
    source = f"(FROM read_parquet({literal(str(data / log.file))}) WHERE {log.where})"
    con.execute(
        f"""CREATE TABLE events AS SELECT *, row_number() OVER () AS place FROM {source}
            WHERE hash(user_id) % 1000 < 1000 * least(1, ? / (SELECT count(*) FROM {source}))""",
        [events],
    )
    sqlscore.map_events(con, "events", event_time="ts", features=log.features)

    def frequent(column: str) -> tuple[str, ...]:
        query = f"SELECT CAST(c AS VARCHAR) FROM (SELECT {identifier(column)} c FROM events) WHERE c IS NOT NULL"
        query += f" GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT {KNOWN}"
        return tuple(row[0] for row in con.execute(query).fetchall())

    types = dict(zip(con.table("events").columns, con.table("events").types, strict=True))
    texts = [feature for feature in log.features if types[feature] == "VARCHAR"]
    numeric = tuple(feature for feature in log.features if feature not in texts)
    inputs = Inputs(frequent("event_type"), {feature: frequent(feature) for feature in texts}, numeric)
    for architecture in architectures:
        torch.manual_seed(0)
        model: Any = ARCHITECTURES[architecture].build(ModelConfig(architecture=architecture), inputs).eval()
        lively(con, model, architecture, inputs)
        sqlscore.materialize(con, "events", into="bulk", threads=1)
        sqlscore.score_history(con, into="history", threads=1)
        newest = "(SELECT max(ts) FROM events)"
        con.execute(
            f"""CREATE OR REPLACE TABLE grouped AS SELECT user_id, unnest(s) FROM
                (SELECT user_id, score_events(e, as_of := {newest}) s FROM events e GROUP BY user_id)"""
        )
        con.execute(
            """CREATE OR REPLACE TABLE framed AS SELECT user_id, event_time, unnest(s) FROM
               (SELECT user_id, ts AS event_time, score_events(e, as_of := e.ts) OVER (
                    PARTITION BY user_id ORDER BY ts, place ROWS BETWEEN 5 PRECEDING AND CURRENT ROW) s
                FROM events e WHERE hash(user_id) % 10 = 0 QUALIFY count(*) OVER (PARTITION BY user_id, ts) = 1)"""
        )
        for kind, more in KINDS.items():
            nth = ", row_number() OVER (PARTITION BY user_id, event_time) AS nth" if "nth" in more else ""
            file = literal(str(folder / f"{name}-{architecture}-{kind}.parquet"))
            con.execute(f"COPY (SELECT *{nth} FROM {kind}) TO {file}")
    con.close()


def lively(con: Any, model: Any, architecture: str, inputs: Any) -> None:
    """Weights that training would move from nothing, and scales of the summaries, so that all parts of scores move."""
    import torch

    from sqlscore.database.catalog import catalog
    from sqlscore.database.events_query import canonical, usable_events
    from sqlscore.database.scan import scan

    mapping = catalog(con).mapping("events")
    with torch.no_grad():
        for weight in model.parameters():
            if not weight.any():
                weight.normal_(std=0.1)
        register_random(con, model, architecture, inputs)
        artifact = catalog(con).artifact(None, "events")
        users = next(iter(scan(con, canonical(mapping, usable_events(con, mapping)))))
        summary = torch.as_tensor(artifact.encode(users.sequences).hidden)[:, model.size : model.body]
        silence = torch.rand(len(summary), generator=torch.Generator().manual_seed(0)).double() * 1e6
        features = model.features
        for raw, mean, spread in (
            (features.raw(summary), features.mean, features.spread),
            (
                torch.cat([features.raw(summary), features.recency(summary, silence)], 1),
                features.churn_mean,
                features.churn_spread,
            ),
        ):
            mean.copy_(raw.mean(0))
            spread.copy_(raw.std(0).clamp(min=0.1))
    register_random(con, model, architecture, inputs)


def register_random(con: Any, model: Any, architecture: str, inputs: Any) -> None:
    """Make a model as it is the champion of "events", with all heads."""
    from sqlscore.database.registry import register
    from sqlscore.models.architectures import ARCHITECTURES
    from sqlscore.models.config import ModelConfig
    from sqlscore.scoring.manifest import Manifest, pack
    from sqlscore.scoring.module import capabilities_of

    try:
        from sqlscore.models.stored import to_weights
    except ImportError:  # a checkout that stores TorchScript
        from sqlscore.models.export import to_torchscript as to_weights

    family = ARCHITECTURES[architecture]
    manifest = Manifest(
        architecture=architecture, config=asdict(ModelConfig(architecture=architecture)), inputs=inputs,
        heads=("next_action", "time_to_next", "churn"),
        capabilities=capabilities_of(model),
        state_size=model.state_size, embedding_size=64, fold=family.fold, max_events=family.max_events,
        horizon_seconds=604_800.0, lookback_seconds=None, trained_from="2001-01-01", trained_to="2002-01-01",
    )  # fmt: skip
    register(con, pack(to_weights(model), manifest), name="events", mapping="events", champion=True, verb="benchmark")


if __name__ == "__main__":
    main()
