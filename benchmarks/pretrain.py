"""What a base learns from: the next event alone, or also with masked events, by how well heads do on either.

python benchmarks/pretrain.py --data DIR [--seeds 3] [--share 0.15]: a base of each kind and seed is pretrained on the
events up to a moment; heads on 100 and on 1,000 labels that were known by then are judged on the labels of that moment,
whose window ends before the test part of `finetune.py` begins. Masked: a share of the actions that a training pass
reads is hidden from the encoder, which has to predict what follows all the same (as denoising autoencoders; Vincent,
Larochelle, Bengio and Manzagol 2008). Printed are log-losses, means over draws of labels, and what masking gains.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import duckdb
import numpy as np
import torch
from finetune import LOGS, Log, make_log

import sqlscore
from sqlscore.arrays import Ints
from sqlscore.database.catalog import catalog, mapped
from sqlscore.finetuning.examples import examples_of
from sqlscore.finetuning.judging import figures
from sqlscore.finetuning.labels import read_labels
from sqlscore.finetuning.learning import learn
from sqlscore.scoring.batch import Batch
from sqlscore.training.data.encoding import Encoded
from sqlscore.training.data.targets import Targets, cut
from sqlscore.training.data.windows import Windows

SIZES = (100, 1_000)
DRAWS = 2  # of labels, for each base
FIRST = {"simulated shop": "2025-01-20", "online_retail": "2011-04-01"}
MOMENT = {"simulated shop": "2025-03-03", "online_retail": "2011-08-01"}
"""Of the labels that judge."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of SET/*.parquet")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--share", type=float, default=0.15, help="of actions that are masked")
    parser.add_argument("--users", type=int, default=600, help="of the simulated shop")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    for log in LOGS:
        with sqlscore.connect() as con:
            make_log(con, log, "everything", asked.users, asked.data)
            measure(con, log._replace(first=FIRST[log.name], last=MOMENT[log.name]), asked.seeds, asked.share)


def measure(con: duckdb.DuckDBPyConnection, log: Log, seeds: int, share: float) -> None:
    """Print what heads reach on bases of both kinds."""
    end = f"TIMESTAMP '{log.last}' + INTERVAL {log.window}"
    con.execute(f"CREATE TABLE log AS FROM everything WHERE {log.time} <= {end}")
    con.execute(f"CREATE TABLE early AS FROM everything WHERE {log.time} <= TIMESTAMP '{log.last}'")
    for table, name in (("log", "events"), ("early", "early")):
        sqlscore.map_events(con, table, event_time=log.time, features=log.features, name=name)
    source = mapped(con, "events")
    labels = read_labels(con, source, log.labels, None, con.execute(f"SELECT epoch_us({end})").fetchall()[0][0])
    moment = int(labels.as_of.max())
    judged = np.flatnonzero(labels.as_of == moment)
    known = np.flatnonzero((labels.known_at if labels.known_at is not None else labels.as_of) <= moment)
    print(f"\n{log.name}: {len(known):,} labels to learn from, {len(judged):,} that judge", flush=True)
    found: dict[float, list[list[float]]] = {0.0: [], share: []}
    for seed in range(seeds):
        for masked, losses in found.items():
            with masking(masked):
                base = sqlscore.pretrain(con, mapping="early", seed=seed)
            artifact = catalog(con).artifact(base.model.label, "early")
            began = time.process_time()
            examples = examples_of(con, source, [artifact], labels, 1)
            features, plain = examples.features[0], examples.plain[0]
            losses.append([])
            for size in SIZES:
                each = []
                for draw in range(DRAWS):
                    rows = np.sort(np.random.default_rng(draw).permutation(known)[:size])
                    told = learn(features, labels, rows, draw, plain=plain).head.probabilities(features)
                    each.append(figures(labels, judged, told[judged])["loss"])
                losses[-1].append(float(np.mean(each)))
            print(
                f"seed {seed} masked {masked:4.0%}: next event {base.log_loss:.4f}, "
                f"heads {' '.join(f'{loss:.4f}' for loss in losses[-1])}, CPU s {base.cpu_seconds:.1f} "
                f"and {time.process_time() - began:.1f} for heads",
                flush=True,
            )
    gains = np.array(found[0.0]) - np.array(found[share])  # (seeds, sizes)
    for size, gain in zip(SIZES, gains.T, strict=True):
        error = gain.std(ddof=1) / np.sqrt(seeds) if seeds > 1 else float("nan")
        print(f"{size:>6,} labels: masking gains {gain.mean():+.4f}, standard error {error:.4f} over bases", flush=True)


@contextmanager
def masking(share: float) -> Iterator[None]:
    """Hide a share of the actions that training passes read; what is to be predicted stays, as does validation."""

    def hidden(data: Encoded, part: Windows, chosen: Ints, untimed: np.ndarray | None = None) -> tuple[Batch, Targets]:
        batch, targets = cut(data, part, chosen, untimed)
        if untimed is None or not share:
            return batch, targets
        random = np.random.default_rng([*chosen[:8].tolist(), int(untimed.sum())])
        categories = batch.categories.clone()
        categories[torch.from_numpy(random.random(len(categories)) < share), 0] = 0
        return batch._replace(categories=categories), targets

    with patch("sqlscore.training.learning.steps.cut", hidden):
        yield


if __name__ == "__main__":
    main()
