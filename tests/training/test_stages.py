"""What a training may be asked for besides: weights of targets, a last stage, going on after a kill."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest
import torch

from sqlscore.errors import TrainingError
from sqlscore.events.mapping import Mapping
from sqlscore.events.sequences import offsets_of
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.models.config import ModelConfig
from sqlscore.models.loading import load
from sqlscore.parallel import in_order
from sqlscore.progress import Silent
from sqlscore.scoring.manifest import sha256_of
from sqlscore.scoring.torch_heads import action_probabilities
from sqlscore.training.data.encoding import Encoded, encode_log, vocabulary
from sqlscore.training.data.event_log import Column, EventLog, read_log
from sqlscore.training.data.targets import Targets, cut
from sqlscore.training.data.windows import Windows, windows
from sqlscore.training.fit import fit, fit_log, split
from sqlscore.training.learning.checkpoints import Checkpoint
from sqlscore.training.learning.losses import losses
from sqlscore.training.learning.objective import objective_of
from sqlscore.training.learning.passes import Outputs, run
from sqlscore.training.learning.reading import read
from sqlscore.training.options import TrainingOptions

VISITS = Mapping("events", "visits", "who", "at", "did")
QUICK = TrainingOptions(max_epochs=2, patience=9, embedding=8, hidden=16, width=16, churn=False)
MAKE = """CREATE TABLE visits AS SELECT i % 60 AS who, TIMESTAMP '2024-01-01' + to_minutes(i) AS at,
          IF(hash(i) % 40 = 0, 'rare', ['a', 'b', 'c'][1 + (i // 60 + i % 60) % 3]) AS did FROM range(3000) t(i)"""
LONGER = replace(QUICK, max_epochs=5)
CHILD = f"""
import sys, duckdb
from sqlscore.events.mapping import Mapping
from sqlscore.progress import Silent
from sqlscore.training.data.event_log import read_log
from sqlscore.training.fit import fit_log, split
from sqlscore.training.options import TrainingOptions

def wait_for_death(epoch):
    if epoch.number == 3:
        print("third", flush=True)
        sys.stdin.read()

con = duckdb.connect()
con.execute(\"\"\"{MAKE}\"\"\")
options = {LONGER!r}.__class__(**{{**vars({LONGER!r}), "checkpoint": sys.argv[1]}})
log = read_log(con, Mapping("events", "visits", "who", "at", "did"), 10**9, 10**9, Silent())
fit_log(log, split(log, options), options, Silent(), on_epoch=wait_for_death)
"""


@pytest.fixture(scope="module")
def visits() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute(MAKE)
    return con


def made(actions: list[str]) -> tuple[EventLog, Encoded, Windows]:
    """One user's log, an event a second, and a window over all of it."""
    values = sorted(set(actions))
    codes = np.array([1 + values.index(action) for action in actions], np.int32)
    times = np.arange(len(actions), dtype=np.int64) * 1_000_000
    log = EventLog(Column(codes, values), times, offsets_of(np.array([len(actions)])), {}, {})
    data = encode_log(log, vocabulary(log, int(times.max()), 10, 10))
    return log, data, windows(log, data, None, None, None, None, None)


def test_newer_targets_weigh_more_by_as_many_halvings_as_asked_for() -> None:
    """The newest target counts four times the oldest with two halvings, and the mean stays 1: steps keep their size."""
    _, data, part = made(list("abababababa"))
    at = np.flatnonzero(part.wanted)
    weights = objective_of(data, part, TrainingOptions(recency=2.0)).weights(data, at, torch.zeros(len(at)).long())
    assert weights is not None
    assert float(weights[-1] / weights[0]) == pytest.approx(4.0)
    assert float(weights.mean()) == pytest.approx(1.0)
    assert objective_of(data, part, TrainingOptions()).weights(data, at, torch.zeros(len(at)).long()) is None


def test_balanced_weights_make_every_action_count_the_same() -> None:
    """Eight targets of one action and two of another: each action's weights sum to half."""
    _, data, part = made(list("aaaaabaaaba"))
    at = np.flatnonzero(part.wanted)
    action = torch.from_numpy(data.target[at].astype(np.int64) - 1)
    weights = objective_of(data, part, TrainingOptions(class_weight="balanced")).weights(data, at, action)
    assert weights is not None
    assert float(weights[action == 0].sum()) == pytest.approx(float(weights[action == 1].sum()))


def test_focal_loss_hardly_counts_what_is_sure() -> None:
    """(1 - p)^2 of the cross-entropy, the paper's equation; with gamma 0 it is the cross-entropy."""
    logits = torch.tensor([[4.0, 0.0], [0.0, 0.0]])
    nothing = torch.zeros(0)
    targets = Targets(
        torch.arange(2), torch.zeros(2).long(), torch.zeros(2), torch.zeros(0).long(), nothing, nothing,
        np.arange(2), np.zeros(0, np.int64),
    )  # fmt: skip
    outputs = Outputs(logits, torch.zeros(2, 1), torch.zeros(2).long(), nothing, torch.zeros(2, 1))
    p = torch.softmax(logits, 1)[:, 0]
    assert losses(outputs, targets)[0].item() == pytest.approx(float(-p.log().sum()), rel=1e-5)
    assert losses(outputs, targets, 2.0)[0].item() == pytest.approx(float((-p.log() * (1 - p) ** 2).sum()), rel=1e-4)


def test_balanced_training_finds_more_of_a_rare_action(visits: duckdb.DuckDBPyConnection) -> None:
    """That is what it is for: the rare action weighs more in the choice, and its probability stays true."""
    shares, weighted = [], []
    for weight in ("none", "balanced"):
        trained = fit(visits, VISITS, replace(QUICK, max_epochs=4, class_weight=weight))
        artifact = load(trained.artifact, sha256_of(trained.artifact), "visits@1")
        states = torch.zeros(1, artifact.manifest.state_size)
        probabilities = action_probabilities(artifact, states)[0].numpy()
        of_actions = np.array(artifact.manifest.decision_weights or [1.0] * len(probabilities))
        rare = artifact.manifest.inputs.actions.index("rare")
        shares.append(probabilities[rare])
        weighted.append((of_actions * probabilities)[rare] / (of_actions @ probabilities))
    # Nobody is trained on a state without events, so two networks differ there; weights in them would triple it.
    assert shares[0] / 2 < shares[1] < 2 * shares[0]
    assert weighted[1] > 3 * weighted[0]


@pytest.mark.parametrize(
    "options", [{"class_weight": "fair"}, {"recency": -1.0}, {"focal_gamma": 99.0}, {"device": "abacus"}]
)
def test_options_that_do_not_exist_are_refused(visits: duckdb.DuckDBPyConnection, options: dict[str, object]) -> None:
    """Before anything is read, by name."""
    with pytest.raises(TrainingError, match=next(iter(options))):
        fit(visits, VISITS, replace(QUICK, **options))  # type: ignore[arg-type]


def test_the_last_stage_learns_from_the_validation_part(visits: duckdb.DuckDBPyConnection) -> None:
    """What is new there can be predicted afterwards, and figures of before are noted of both kinds of users."""
    visits.execute("CREATE OR REPLACE TABLE newer AS FROM visits")
    visits.execute(
        "UPDATE newer SET did = 'new' WHERE did = 'a' AND \"at\" > TIMESTAMP '2024-01-01' + to_minutes(2200)"
    )
    mapping = replace(VISITS, relation="newer")
    with_it, without = (fit(visits, mapping, replace(QUICK, refit=refit)).manifest for refit in (True, False))
    assert "new" in with_it.inputs.actions
    assert "new" not in without.inputs.actions
    assert with_it.trained_to > without.trained_to
    noted = with_it.metrics["validation"]
    assert noted["held_out_users"]["next_action"]["n"] > 0
    assert noted["same_users_later"]["next_action"]["n"] > 0
    assert without.metrics["validation"]["held_out_users"] is None


def test_threads_that_cut_batches_change_no_weight(visits: duckdb.DuckDBPyConnection) -> None:
    """Each batch brings its own random numbers, so that it does not matter which thread cuts it when."""
    hashes = {sha256_of(fit(visits, VISITS, replace(QUICK, loading_threads=n)).artifact) for n in (0, 1, 3)}
    assert len(hashes) == 1


def test_what_fails_in_a_loading_thread_is_raised() -> None:
    """And what was made before it is not lost; the order is that of the jobs."""
    drawn = in_order(lambda n: 10 // n, [5, 2, 0, 1], 2)
    assert [next(drawn), next(drawn)] == [2, 5]
    with pytest.raises(ZeroDivisionError):
        next(drawn)


@pytest.mark.slow
def test_a_killed_training_goes_on_and_ends_with_the_same_model(
    visits: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """A child dies by SIGKILL in its third epoch; the same call goes on, and the bytes are those of an unbroken run."""
    path = tmp_path / "run.ckpt"
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "third\n"
        child.kill()
    assert child.returncode == -signal.SIGKILL
    told: list[int] = []
    log = read_log(visits, VISITS, 10**9, 10**9, Silent())
    options = replace(LONGER, checkpoint=str(path))
    resumed = fit_log(log, split(log, options), options, Silent(), on_epoch=lambda epoch: told.append(epoch.number))
    assert told == [4, 5]
    assert sha256_of(resumed.artifact) == sha256_of(fit(visits, VISITS, LONGER).artifact)
    assert not path.exists()


def test_a_checkpoint_of_another_training_is_refused(visits: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """To go on from it would mix two models."""
    path = tmp_path / "run.ckpt"
    Checkpoint(path, "another run").save("search", {})
    with pytest.raises(TrainingError, match="another training"):
        fit(visits, VISITS, replace(QUICK, checkpoint=str(path)))
    path.write_text("nothing of the kind")
    with pytest.raises(TrainingError, match="not a checkpoint"):
        fit(visits, VISITS, replace(QUICK, checkpoint=str(path)))


@pytest.mark.parametrize("architecture", [name for name, family in ARCHITECTURES.items() if not family.counted])
def test_a_step_in_bfloat16_is_finite(architecture: str) -> None:
    """What a GPU runs in mixed precision meets the same types here, by autocast on the CPU."""
    log, data, part = made(list("abcabcaabbcc"))
    inputs = vocabulary(log, int(log.times.max()), 10, 10)
    model = ARCHITECTURES[architecture].build(ModelConfig(architecture, embedding=8, hidden=16, width=16), inputs)
    model.train()
    batch, targets = cut(data, part, np.arange(1))
    with torch.autocast("cpu", torch.bfloat16):
        action, gap = losses(run(model, read(model, batch, targets, churn=False)), targets)
    (action + gap).backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
