"""Explanations: what they cost beside the score, how exact they are, and whether the score hangs on what they name.

python benchmarks/explain.py [FILE]    FILE: a database with mapped events and a model that has a churn head

Without FILE: a simulated shop of 2,000 customers, a model that is trained on it for two epochs, and a fine-tuned head
for who buys within two weeks. Of a FILE, the first of its heads is explained too, if it has any.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import lru_cache
from unittest.mock import patch

import duckdb
import numpy as np
import numpy.typing as npt
import torch

import sqlscore
from sqlscore.arrays import Floats
from sqlscore.database.catalog import catalog
from sqlscore.events.reading import from_lists
from sqlscore.events.sequences import Sequences
from sqlscore.quoting import literal
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.cache.states import STATES
from sqlscore.scoring.explanation import attribution, beginnings, shapley
from sqlscore.scoring.explanation.attribution import attribute
from sqlscore.scoring.explanation.beginnings import Value
from sqlscore.scoring.explanation.reasons import of_action, of_churn
from sqlscore.scoring.explanation.shapley import EXACT
from sqlscore.scoring.head_outputs import action_probabilities
from sqlscore.simulation.shop import simulate_shop

BUYS_SOON = """
    WITH moments AS (
        SELECT unnest(generate_series(TIMESTAMP '2025-02-01', TIMESTAMP '2025-03-15', INTERVAL 14 DAY)) AS as_of
    )
    SELECT e.user_id, m.as_of, m.as_of + INTERVAL 14 DAY AS known_at, count(*) FILTER (
        e.event_type = 'purchase' AND e.event_time > m.as_of AND e.event_time <= m.as_of + INTERVAL 14 DAY) > 0 AS label
    FROM events e CROSS JOIN moments m GROUP BY ALL HAVING min(e.event_time) <= m.as_of"""
TAKEN_OUT = 3
CIRCLES = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?")
    parser.add_argument("--users", type=int, default=500)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    con = sqlscore.connect(chosen.file) if chosen.file else simulated()
    speed(con, chosen.users)
    opened = catalog(con)
    artifact = opened.artifact(None, "events")
    rows = con.sql(
        f"""SELECT list(e) AS events FROM sqlscore.events e GROUP BY user_id
            HAVING count(*) BETWEEN {EXACT + 1} AND {attribution.SINGLE} ORDER BY hash(user_id) LIMIT {chosen.users}"""
    ).to_arrow_table()
    sequences = from_lists(rows["events"].combine_chunks(), opened.mapping("events"))
    con.close()
    states = artifact.encode(sequences)
    values = (
        ("next action", of_action(artifact, action_probabilities(artifact, states.hidden).argmax(axis=1))),
        ("churn risk", of_churn(artifact, states.clock[:, 1])),
    )
    print(f"\n{len(sequences)} users with {EXACT + 1} to {attribution.SINGLE} events")
    print(f"mean fall of the score when {TAKEN_OUT} of their events are taken out:")
    for name, value in values:
        faithfulness(name, artifact, sequences, value)
    few = sequences.select(np.arange(min(len(sequences), 40)))
    print(
        f"mean |error| of a weight against {CIRCLES} times as many orders, beside mean |weight|, of {len(few)} of them:"
    )
    for name, value in values:
        exactness(name, artifact, few, value)


def simulated() -> duckdb.DuckDBPyConnection:
    con = sqlscore.connect()
    con.from_arrow(simulate_shop(users=2_000).events).create("events")
    sqlscore.map_events(con, "events", features=["brand", "price", "channel"])
    sqlscore.train(con, max_epochs=2)
    sqlscore.finetune(con, BUYS_SOON, name="buys_soon")
    return con


def speed(con: duckdb.DuckDBPyConnection, users: int) -> None:
    """Processor seconds of the functions on the same users."""
    con.execute("SET threads = 1")
    con.execute(
        f"""CREATE TEMP TABLE chosen AS FROM sqlscore.events WHERE user_id IN
            (SELECT user_id FROM sqlscore.events GROUP BY user_id ORDER BY hash(user_id) LIMIT {users})"""
    )
    n, events = con.execute("SELECT count(DISTINCT user_id), count(*) FROM chosen").fetchall()[0]
    actions = con.execute("SELECT list(DISTINCT event_type)[:3] FROM sqlscore.events").fetchall()[0][0]
    print(f"{n:,} users with {events:,} events:")
    heads = [model.name for model in sqlscore.list_models(con) if model.is_head][:1]
    for call in (
        "score_events(list(e))",
        *(f"expected_value(list(e), {literal(name)})" for name in heads),
        *(f"explain_label(list(e), {literal(name)})" for name in heads),
        "churn_risk(list(e))",
        "explain_churn_risk(list(e))",
        "explain_next_action(list(e))",
        "best_next_action(list(e), $actions)",
        "best_next_action(list(e), $actions, goal := $actions[1])",
    ):
        query = f"SELECT list_{call} FROM {{}} e GROUP BY user_id"
        bound = {"actions": actions} if "$" in call else {}
        con.execute(query.format("(FROM chosen LIMIT 1)"), bound).fetchall()
        STATES.clear()
        began = time.process_time()
        con.execute(query.format("chosen"), bound).fetchall()
        seconds = time.process_time() - began
        print(f"  {call:52} {seconds:8.2f} s  {n / seconds:10,.0f} users/s")


def faithfulness(name: str, artifact: Artifact, sequences: Sequences, value: Value) -> None:
    """What the score loses without the events of largest weight, beside other choices of as many."""
    batch = artifact.batch(sequences)
    size = len(sequences)

    def score(some: Sequences) -> Floats:
        return value(artifact.encode(some), np.arange(size))

    full = score(sequences)
    weights = attribute(artifact, batch, np.full(size, 0.5), full, value).weights
    alone = np.zeros(len(weights))
    for nth in range(int(sequences.lengths.max())):
        here = sequences.offsets[:-1] + np.minimum(nth, sequences.lengths - 1)
        alone[here] = full - score(without(sequences, here))
    random = np.random.default_rng(0)
    ways: dict[str, Callable[[], Floats]] = {
        "largest weight": lambda: weights,
        "largest alone": lambda: alone,
        "newest": lambda: np.arange(len(weights), dtype=np.float64),
        "random": lambda: random.random(len(weights)),
    }
    row = np.repeat(np.arange(size), sequences.lengths)
    for way, ranking in ways.items():
        order = np.lexsort((-ranking(), row))
        place = np.arange(len(order)) - np.repeat(sequences.offsets[:-1], sequences.lengths)
        fallen = full - score(without(sequences, order[place < TAKEN_OUT]))
        print(f"  {name:12} {way:16} {fallen.mean():+.3f}")


def exactness(name: str, artifact: Artifact, sequences: Sequences, value: Value) -> None:
    """How far the fixed design is from one with many more orders of arrival, drawn otherwise."""
    batch, size = artifact.batch(sequences), len(sequences)
    full = value(artifact.encode(sequences), np.arange(size))
    ours = attribute(artifact, batch, np.full(size, 0.5), full, value).weights
    with (
        patch("sqlscore.scoring.explanation.attribution.design", more_orders),
        patch("sqlscore.scoring.explanation.beginnings.design", more_orders),
        patch("sqlscore.scoring.explanation.beginnings.plan", lru_cache(beginnings.plan.__wrapped__)),
    ):
        theirs = attribute(artifact, batch, np.full(size, 0.5), full, value).weights
    print(f"  {name:12} {np.abs(ours - theirs).mean():.4f} beside {np.abs(theirs).mean():.4f}")


@lru_cache
def more_orders(n: int) -> shapley.Design:
    random = np.random.default_rng(n + 1)
    circles = CIRCLES * max(1, shapley._SUBSETS // (n * (n - 1)))
    return shapley._of_permutations([q for _ in range(circles) for q in shapley._both_ways(random.permutation(n))])


def without(sequences: Sequences, events: npt.NDArray[np.int64]) -> Sequences:
    """The sequences with these events taken out."""
    kept = np.ones(len(sequences.times), np.bool_)
    kept[events] = False
    lists = np.append(0, np.cumsum(kept))[sequences.offsets]
    return sequences._take(np.flatnonzero(kept), lists)


if __name__ == "__main__":
    main()
