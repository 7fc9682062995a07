"""How modules run when they score."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from sqlscore.scoring.inference import inference


def optimised() -> bool:
    found: bool = torch._C._get_graph_executor_optimize()
    return found


def fail_while_scoring() -> None:
    with inference():
        assert torch.is_inference_mode_enabled()
        assert not optimised()
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(optimised).result()
        raise ZeroDivisionError


def test_scoring_leaves_the_process_as_it_was():
    """The user's own TorchScript modules, before, after and on other threads, run as they would without sqlscore."""
    before = optimised()
    with pytest.raises(ZeroDivisionError):
        fail_while_scoring()
    assert optimised() == before
    assert not torch.is_inference_mode_enabled()
