"""Whether the probabilities of a balanced model are as true as those of a plain one, for rare actions too.

    python benchmarks/balanced.py FILE --actions A,B [--time ts] [--seeds 3]

FILE holds user_id, a time and event_type. The newest 30 % of its events are not read at all. Of the users of the
others, three in four are trained on, once with and once without `class_weight="balanced"`; the rest are asked, after
each of their events, for the probability of every next action. `rate / claimed` is the share of the action among what
came, divided by its mean probability; `ece` is the expected calibration error, of the likeliest action in 15 bins and
of each of the named ones in ten bins of as many events; `found` is the share of its occurrences that were named.
"""

from __future__ import annotations

import argparse

import duckdb
import numpy as np
import numpy.typing as npt

import sqlscore
from sqlscore.database.catalog import catalog, mapped
from sqlscore.database.events_query import canonical, usable_events
from sqlscore.database.scan import scan
from sqlscore.quoting import identifier, literal
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.head_outputs import action_probabilities

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def main() -> None:
    """Print a line for each seed and each of the two models."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--actions", required=True, help="the rare ones, with commas between")
    parser.add_argument("--time", default="ts")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    for seed in range(options.seeds):
        with sqlscore.connect(threads=1) as con:
            split(con, options.file, options.time, seed)
            for weight in ("none", "balanced"):
                sqlscore.train(con, name=weight, class_weight=weight, seed=seed, architecture="gru", churn=False)
            con.execute("DELETE FROM events; INSERT INTO events FROM others")
            for weight in ("none", "balanced"):
                artifact = catalog(con).artifact(f"{weight}@1", "events")
                print(f"seed {seed}, {weight:>8}: {judged(con, artifact, options.actions.split(','))}", flush=True)


def split(con: duckdb.DuckDBPyConnection, file: str, time: str, seed: int) -> None:
    """Make the tables `events`, which is mapped, and `others`, of other users."""
    at = identifier(time)
    con.execute(f"CREATE TABLE read AS FROM {literal(file)} WHERE user_id IS NOT NULL")
    early = f"FROM read WHERE {at} < (SELECT quantile_disc({at}, 0.7) FROM read)"
    con.execute(f"CREATE TABLE events AS {early} AND hash(user_id, {seed}) % 4 <> 0")
    con.execute(f"CREATE TABLE others AS {early} AND hash(user_id, {seed}) % 4 = 0")
    sqlscore.map_events(con, "events", event_time=time)


def judged(con: duckdb.DuckDBPyConnection, artifact: Artifact, rare: list[str]) -> str:
    """The figures of one model on what `events` holds now."""
    names = list(artifact.manifest.inputs.actions)
    probabilities, came = answers(con, artifact, names)
    chosen = (probabilities * np.array(artifact.manifest.decision_weights or [1.0] * len(names))).argmax(1)
    top, right = probabilities.max(1), probabilities.argmax(1) == came
    loss = -np.log(probabilities[np.arange(len(came)), came]).mean()
    said = f"n {len(came):,}, log-loss {loss:.4f}, ece {ece(top, right, np.minimum(top * 15, 14).astype(np.int64)):.3f}"
    for action in rare:
        claimed, is_it = probabilities[:, names.index(action)], came == names.index(action)
        tenth = np.searchsorted(np.quantile(claimed, np.linspace(0, 1, 11)[1:-1]), claimed)
        said += (
            f"; {action}: rate {is_it.mean():.4f}, rate / claimed {is_it.mean() / claimed.mean():.3f}, "
            f"ece {ece(claimed, is_it, tenth):.4f}, found {(chosen[is_it] == names.index(action)).mean():.3f}"
        )
    return said


def answers(con: duckdb.DuckDBPyConnection, artifact: Artifact, names: list[str]) -> tuple[Floats, Ints]:
    """(P, V) probabilities after each event that another one follows, and (P,) which came; of known actions alone."""
    mapping = mapped(con, "events")
    found: list[Floats] = []
    came: list[Ints] = []
    for users in scan(con, canonical(mapping, usable_events(con, mapping))):
        sequences = users.sequences
        each = action_probabilities(artifact, artifact.encode_each(sequences).hidden)
        codes = np.array([names.index(a) if a in names else -1 for a in sequences.actions.to_pylist()])
        following = np.append(codes[1:], -1)
        following[sequences.offsets[1:] - 1] = -1
        found.append(np.asarray(each[following >= 0], np.float64))
        came.append(following[following >= 0])
    return np.concatenate(found), np.concatenate(came)


def ece(claimed: Floats, happened: npt.NDArray[np.bool_], bins: Ints) -> float:
    """Mean over the examples of the difference between the claimed and the actual share of their bin."""
    members = (bins == b for b in np.unique(bins))
    return float(sum(abs(happened[of].mean() - claimed[of].mean()) * of.mean() for of in members))


if __name__ == "__main__":
    main()
