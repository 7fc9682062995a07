"""How modules run when they score."""

import threading

import pytest
import torch

from sqlscore.inference import inference


def test_scoring_leaves_the_process_as_it_was():
    """The user's own TorchScript modules, before, after and on other threads, run as they would without sqlscore."""
    elsewhere = []
    before = torch._C._get_graph_executor_optimize()
    with pytest.raises(ZeroDivisionError), inference():
        assert torch.is_inference_mode_enabled()
        assert not torch._C._get_graph_executor_optimize()
        thread = threading.Thread(target=lambda: elsewhere.append(torch._C._get_graph_executor_optimize()))
        thread.start()
        thread.join()
        raise ZeroDivisionError
    assert elsewhere == [True]
    assert torch._C._get_graph_executor_optimize() == before
    assert not torch.is_inference_mode_enabled()
