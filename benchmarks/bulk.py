"""Bulk scoring against its floor, the ad hoc query and the export pipeline: same events, same weights, same run.

    python benchmarks/bulk.py [--events 2000000] [--users 200000] [--architecture gru]

Floor: the bare forward pass of the same module on ready packed batches, by two threads, plus the sorted scan alone;
once with the encoder alone, once with the heads. The ad hoc query's own floor adds what the engine needs to collect the
events of each user.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

import duckdb
from export_pipeline import export_and_score
from workload import ACTIONS, in_turns, make_events, make_model, timed

import sqlscore
from sqlscore.database.catalog import catalog
from sqlscore.database.events_query import canonical, usable_events
from sqlscore.database.scan import scan
from sqlscore.events.packing import field_of, packed
from sqlscore.parallel import in_order
from sqlscore.scoring.batch import Batch
from sqlscore.scoring.cache.states import STATES
from sqlscore.scoring.torch_heads import all_heads

AD_HOC = """CREATE OR REPLACE TABLE ad_hoc AS SELECT user_id, unnest(score)
    FROM (SELECT user_id, score_events(e) AS score FROM events e GROUP BY user_id)"""
COLLECT = "SELECT sum(strlen(c.{})) FROM (SELECT user_id, {} AS c FROM events e GROUP BY user_id)"
DIFFERENT = """SELECT count(*) FROM bulk a FULL JOIN ad_hoc b USING (user_id)
    WHERE a.next_action IS DISTINCT FROM b.next_action OR NOT abs(a.churn_risk - b.churn_risk) < 1e-5"""

EXPORTED = DIFFERENT.replace("ad_hoc", "exported_scores").replace("1e-5", "1e-4")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--architecture", default="gru")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--export", action="store_true", help="time the export pipeline too (gru or mingru, minutes)")
    chosen = parser.parse_args()
    con = sqlscore.connect()
    make_events(con, chosen.events, chosen.users)
    model = make_model(con, chosen.architecture)

    mapping = catalog(con).mapping("events")
    collect = COLLECT.format(field_of(mapping), packed(mapping))

    def ad_hoc() -> None:
        STATES.clear()  # a repeated query would be answered from the cache
        con.execute(AD_HOC)

    seconds = in_turns(
        {
            **floors(con),
            "collecting": lambda: con.execute(collect).fetchall(),
            "bulk": lambda: sqlscore.materialize(con, "events", into="bulk"),
            "bulk, one thread": lambda: sqlscore.materialize(con, "events", into="bulk", threads=1),
            "ad hoc": ad_hoc,
        },
        chosen.repeats,
    )
    bulk, asked, with_heads = seconds["bulk"], seconds["ad hoc"], seconds["forward with heads"]
    different = con.execute(DIFFERENT).fetchall()[0][0]
    print(f"{chosen.architecture}, {chosen.events:,} events, {different} users different between bulk and ad hoc")
    print(", ".join(f"{name} {value:.2f} s" for name, value in seconds.items()))
    print(f"bulk / (forward + scan)   {bulk / (seconds['forward'] + seconds['sorted scan']):.2f}")
    print(f"the same, with the heads  {bulk / (with_heads + seconds['sorted scan']):.2f}")
    print(f"ad hoc / (forward with heads + collecting)  {asked / (with_heads + seconds['collecting']):.2f}")
    print(f"ad hoc / bulk             {asked / bulk:.2f}")
    print(f"one thread / two, bulk    {seconds['bulk, one thread'] / bulk:.2f}")
    if chosen.export:
        if chosen.architecture not in ("gru", "mingru"):
            raise SystemExit("--export has the padded pipeline for gru and mingru alone")
        exported = min(timed(partial(export_and_score, con, model, ACTIONS, threads=n))[0] for n in (1, 2))
        print(f"export pipeline / bulk    {exported / bulk:.1f}  ({exported:.1f} s)")
        other = con.execute(EXPORTED).fetchall()[0][0]
        if other:
            raise SystemExit(f"{other} users differ from the export pipeline: no speed is claimed")
    con.close()
    if different:
        raise SystemExit("bulk and ad hoc disagree: no speed is claimed")


def floors(con: duckdb.DuckDBPyConnection) -> dict[str, Callable[[], object]]:
    """The sorted scan alone; the bare forward pass on ready batches with two threads; the same with the heads."""
    state = catalog(con)
    artifact, mapping = state.artifact(None, "events"), state.mapping("events")
    over = canonical(mapping, usable_events(con, mapping))
    query = f"SELECT user_id, event_time, event_type FROM {over.relation} ORDER BY user_id, event_time"

    def read() -> int:
        return sum(len(batch) for batch in con.sql(query).to_arrow_reader(20_000))

    batches = [artifact.batch(users.sequences) for users in scan(con, over)]

    def forward() -> int:
        return sum(len(hidden) for hidden, _ in in_order(artifact.encode_batch, batches, 2))

    def scored(batch: Batch) -> int:
        hidden, clock = artifact.encode_batch(batch)
        return len(all_heads(artifact, hidden, clock, clock[:, 1])[0])

    def with_heads() -> int:
        return sum(in_order(scored, batches, 2))

    return {"sorted scan": read, "forward": forward, "forward with heads": with_heads}


if __name__ == "__main__":
    main()
