"""The order of events that share a time: as the log has it, against the alphabet's.

    python benchmarks/ties.py [FILE] [--cases 4000] [--seeds 3] [--judged 500]

Maps an XES log twice, with and without the order of the document, and trains the default model on the same cases (the
first 80 % by their beginning) with the same seeds. Both are then asked the same: one of the other cases has lived
through a moment with all its events, which action does the log name next? Each model reads the events before in the
order that it was trained in. This is `real`. `own` is what training itself reports: there each model is judged by the
next actions in its own order, and sorted ones can be easier to guess, whatever was done. Without a file the log is
simulated: claims whose steps are recorded by the day.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

import sqlscore
from sqlscore.mapping.process_logs.xes_table import make_xes_table
from sqlscore.simulation.claims import simulate_claims
from sqlscore.simulation.xes_file import write_xes

SPLIT = """
    CREATE TABLE hidden AS WITH starts AS (SELECT user_id, min(event_time) AS start FROM actions GROUP BY 1)
    SELECT actions.* FROM actions JOIN starts USING (user_id)
    WHERE start > (SELECT quantile_disc(start, 0.8) FROM starts);
    CREATE TABLE learned AS FROM actions WHERE user_id NOT IN (SELECT user_id FROM hidden);
"""
QUESTIONS = """
    CREATE TABLE questions AS
    WITH some_cases AS (SELECT DISTINCT user_id FROM hidden ORDER BY hash(user_id) LIMIT {judged}), moments AS (
        SELECT user_id, event_time, arg_min(event_type, position) AS first_action
        FROM hidden SEMI JOIN some_cases USING (user_id) GROUP BY ALL
    ), pairs AS (
        SELECT user_id, event_time AS asked_at, lead(first_action) OVER in_time AS actual
        FROM moments WINDOW in_time AS (PARTITION BY user_id ORDER BY event_time)
    )
    SELECT e.*, p.asked_at, p.actual FROM pairs p JOIN hidden e ON e.user_id = p.user_id AND e.event_time <= p.asked_at
    WHERE p.actual IS NOT NULL
"""
ANSWERS = """
    WITH answers AS (
        SELECT any_value(actual) AS actual, {prefix}predict_next_actions(e, k := 1000) AS guesses
        FROM questions e GROUP BY user_id, asked_at
    ), judged AS (
        SELECT guesses[1].action = actual AS is_right,
            coalesce(list_filter(guesses, lambda g: g.action = actual)[1].probability, 0) AS p
        FROM answers
    )
    SELECT avg(CAST(is_right AS DOUBLE)), avg(-ln(greatest(p, 1e-6))), count(*) FROM judged
"""
FIGURES = ("own accuracy", "own log-loss", "real accuracy", "real log-loss")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", help="a log, .xes or .xes.gz")
    parser.add_argument("--cases", type=int, default=4_000, help="of the simulated log")
    parser.add_argument("--judged", type=int, default=500, help="hidden cases that are asked about, at most")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="at most so many, to try it out")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sqlscore.connect() as con:
        path = asked.file
        if path is None:
            path = Path(folder) / "claims.xes"
            write_xes(simulate_claims(asked.cases), path)
        made = make_xes_table(con, path, "log")
        complete = any((transition or "").lower() == "complete" for transition in made.transitions)
        where = "WHERE lifecycle IS NULL OR lower(lifecycle) = 'complete'" if complete else ""
        con.execute(f"CREATE VIEW actions AS FROM log {where}; {SPLIT} {QUESTIONS.format(judged=asked.judged)}")
        print(f"{path.name:40}{'tied':>7}{'asked':>8}" + "".join(f"{name:>22}" for name in FIGURES))
        for words, name, order in (("as the log has it", "log", ("position",)), ("A to Z", "az", ())):
            profile = sqlscore.map_events(con, "learned", order=order, name=name).profile
            limits = {} if asked.epochs is None else {"max_epochs": asked.epochs}
            found = [judged(con, name, seed, limits) for seed in range(asked.seeds)]
            line = f"{words:40}{profile.n_ties / profile.n_events:>7.1%}{found[0][-1]:>8,}"
            for values in list(zip(*found, strict=True))[:-1]:
                line += f"{np.mean(values):>13.3f} +- {np.std(values):.3f}"
            print(line, flush=True)


def judged(con: duckdb.DuckDBPyConnection, mapping: str, seed: int, limits: dict[str, Any]) -> tuple[float, ...]:
    """The figures of one training, and how many questions it was asked."""
    own = sqlscore.train(con, mapping=mapping, churn=False, seed=seed, **limits).metrics["next_action"]
    (right, loss, n_asked) = con.execute(ANSWERS.format(prefix=f"{mapping}_")).fetchall()[0]
    return own["accuracy"], own["log_loss"], right, loss, n_asked


if __name__ == "__main__":
    main()
