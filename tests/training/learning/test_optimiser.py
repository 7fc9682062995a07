"""The optimiser takes torch's own steps."""

from __future__ import annotations

import copy
import subprocess
import sys

import torch
from torch import nn

from sqlscore.training.learning.optimiser import AdamW
from sqlscore.training.learning.steps import warm_cosine


def model() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(5, 4), nn.Linear(4, 3))


def learn(net: nn.Module, optimiser: AdamW | torch.optim.Optimizer, step: int) -> None:
    """The second layer has no gradient in every third step."""
    optimiser.zero_grad()
    x = torch.randn(7, 5, generator=torch.Generator().manual_seed(step))
    (net[0](x) if step % 3 == 1 else net(x)).square().sum().backward()  # type: ignore[operator, index]
    optimiser.step()


def test_every_step_is_that_of_torch() -> None:
    own, theirs = model(), model()
    optimiser = AdamW([(list(own[0].parameters()), 0.1), (list(own[1].parameters()), 0.0)], 0.01, rate)  # type: ignore[index]
    groups = [
        {"params": theirs[0].parameters(), "weight_decay": 0.1},  # type: ignore[index]
        {"params": theirs[1].parameters(), "weight_decay": 0.0},  # type: ignore[index]
    ]
    reference = torch.optim.AdamW(groups, lr=0.01, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(reference, rate)
    for step in range(20):
        learn(own, optimiser, step)
        learn(theirs, reference, step)
        schedule.step()
        for one, other in zip(own.parameters(), theirs.parameters(), strict=True):
            assert torch.equal(one, other)


def rate(step: int) -> float:
    return warm_cosine(step, 20)


def test_a_restored_optimiser_goes_on_as_if_nothing_had_been() -> None:
    whole, broken = model(), model()
    first = AdamW([(list(whole.parameters()), 0.1)], 0.01, rate)
    second = AdamW([(list(broken.parameters()), 0.1)], 0.01, rate)
    for step in range(5):
        learn(whole, first, step)
        learn(broken, second, step)
    weights, state = copy.deepcopy(broken.state_dict()), copy.deepcopy(second.state_dict())
    again = model()
    again.load_state_dict(weights)
    third = AdamW([(list(again.parameters()), 0.1)], 0.01, rate)
    third.load_state_dict(state)
    for step in range(5, 9):
        learn(whole, first, step)
        learn(again, third, step)
    for one, other in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def test_training_does_not_import_a_compiler() -> None:
    """It takes as long as everything else that a small table needs."""
    code = """if True:
        import sys, sqlscore
        con = sqlscore.connect()
        con.execute('''CREATE TABLE events AS
            SELECT i % 50 AS user_id, TIMESTAMP '2025-01-01' + to_hours(i) AS event_time,
                ['a', 'b', 'c'][1 + (i // 50 + i) % 3] AS event_type FROM range(2000) t(i)''')
        sqlscore.map_events(con, "events")
        sqlscore.train(con, max_epochs=1)
        con.close()
        print("torch._dynamo" in sys.modules)"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split()[-1] == "False"
