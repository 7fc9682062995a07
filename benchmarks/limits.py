"""What one core can do, and what bulk scoring with a GRU asks of it: operations and bytes, beside CPU seconds.

    python benchmarks/limits.py [--events 1000000] [--users 100000] [--repeats 5]

Measured alone, on one thread: a large matrix product, copies of memory beyond the caches, sigmoids, and DuckDB's sorted
scan. Counted: what the steps of the GRU and the heads multiply, what moves, the sigmoids of the gates. Count by speed
is what no arrangement of the same arithmetic goes below. All seconds are CPU seconds of this process.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from workload import make_events, make_model

import sqlscore
from sqlscore.database.catalog import catalog
from sqlscore.database.events_query import canonical, usable_events


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    flops, copied, sigmoids = speeds(chosen.repeats)
    con = sqlscore.connect(device="cpu")
    make_events(con, chosen.events, chosen.users)
    con.execute("SET threads = 1")
    model = make_model(con)
    over = canonical(catalog(con).mapping("events"), usable_events(con, catalog(con).mapping("events")))
    query = f"SELECT user_id, event_time, event_type FROM {over.relation} ORDER BY user_id, event_time"
    scan = least(lambda: sum(map(len, con.sql(query).to_arrow_reader(80_000))), chosen.repeats)
    bulk = least(lambda: sqlscore.materialize(con, "events", into="bulk", threads=1), chosen.repeats)
    users = con.execute("SELECT count(*) FROM bulk").fetchall()[0][0]
    con.close()
    hidden = model.size
    heads = sum(weight.numel() for weight in model.heads.parameters() if weight.dim() == 2)
    # the first product of new users, whose state is nothing, is one for all of them
    operations = 2 * 3 * hidden * hidden * (chosen.events - users) + 2 * heads * users
    # the sums of three mapped rows are written and read by the steps, and each user's state is read and written
    moved = 4 * (2 * 3 * hidden * chosen.events + 2 * hidden * chosen.events + 2 * model.state_size * users)
    gates = 3 * hidden * chosen.events
    parts = {
        f"products: {operations / 1e9:.1f} GFLOP at {flops / 1e9:.0f} GFLOP/s": operations / flops,
        f"sigmoids: {gates / 1e6:.0f} M at {sigmoids / 1e9:.1f} G/s": gates / sigmoids,
        "DuckDB's sorted scan": scan,
    }
    print(f"{chosen.events:,} events of {users:,} users, one thread, CPU seconds")
    for name, seconds in parts.items():
        print(f"{name:48} {seconds:6.2f}  {seconds / bulk:4.0%} of bulk")
    print(f"{'all three':48} {sum(parts.values()):6.2f}  {sum(parts.values()) / bulk:4.0%} of bulk")
    print(f"{'bulk scoring':48} {bulk:6.2f}")
    print(f"bytes: {moved / 1e9:.1f} GB, most within the caches; from memory, at {copied / 1e9:.0f} GB/s:")
    print(f"{moved / copied:.2f} s, beside the products")


def speeds(repeats: int) -> tuple[float, float, float]:
    """A second of one core: floating-point operations of a product, bytes read or written by copies, sigmoids."""
    with torch.inference_mode():
        a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
        source, target = torch.ones(1 << 26), torch.ones(1 << 26)
        values = torch.randn(1 << 14)
        product = least(lambda: torch.mm(a, b), repeats)
        copy = least(lambda: target.copy_(source), repeats)
        sigmoid = least(lambda: [values.sigmoid_() for _ in range(1_000)], repeats)
    return 2 * 1024**3 / product, 2 * 4 * len(source) / copy, 1_000 * len(values) / sigmoid


def least(run: Callable[[], object], repeats: int) -> float:
    """The fewest CPU seconds of this process, after a run that warms."""
    run()
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    return min(seconds)


if __name__ == "__main__":
    main()
