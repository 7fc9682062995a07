"""A table of events whose further columns were planted: what helps, what is noise, what leaks, what says nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

import duckdb
import numpy as np
import pyarrow as pa

ACTIONS = np.array(["look", "ask", "buy", "rate"])


def planted(con: duckdb.DuckDBPyConnection, users: int = 200, seed: int = 0) -> None:
    """Table `log` of `users` people with 10 to 30 events; the mood on the day of an event decides much of what follows.

    Columns: mood (helps), noise and amount (do not), home (one value a user), outcome (the next action) and waited
    (the time until then), an id, the action under other names, one value, times and lists.
    """
    random = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    begin = datetime(2024, 1, 1)
    for user in range(users):
        n = int(random.integers(10, 31))
        mood = random.integers(0, 2, n)
        steps = np.where(random.random(n) < 0.8, 1 + mood, random.integers(0, 4, n))
        code = (int(random.integers(4)) + np.append(0, np.cumsum(steps)))[: n + 1] % 4
        gaps = random.exponential(6, n + 1) + 0.01
        times = random.random() * 1_500 + np.cumsum(gaps)
        for i in range(n):
            rows.append(
                {
                    "user_id": user,
                    "event_time": begin + timedelta(hours=float(times[i])),
                    "event_type": str(ACTIONS[code[i]]),
                    "mood": "bad" if mood[i] else "good",
                    "noise": None if random.random() < 0.2 else f"n{random.integers(5)}",
                    "amount": float(random.exponential(20)),
                    "home": f"town {user % 7}",
                    "outcome": str(ACTIONS[code[i + 1]]) if i + 1 < n else None,
                    "waited": float(gaps[i + 1]),
                    "row id": len(rows),
                    "what": str(ACTIONS[code[i]]).upper(),
                    "sort": "deal" if code[i] == 2 else "talk",
                    "source": "web",
                    "stored_at": begin + timedelta(hours=float(times[i]) + 1),
                    "tags": ["x"],
                }
            )
    con.register("made", pa.Table.from_pylist(rows))
    con.execute("CREATE TABLE log AS FROM made")
    con.unregister("made")
