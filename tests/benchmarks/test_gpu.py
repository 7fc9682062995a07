"""The benchmark of a CUDA device runs to its end; where there is none, its code path runs on the CPU."""

from __future__ import annotations

import gpu
import pytest
import torch


def test_all_figures_come_without_a_device(capsys: pytest.CaptureFixture[str]) -> None:
    """The device is compared with the CPU, so the CPU in its place agrees in everything."""
    gpu.main(["--device", "cpu", "--events", "2000", "--repeats", "1"])
    heading, equal, bulk, floor, training = capsys.readouterr().out.strip().splitlines()
    assert heading.startswith("gru on the CPU itself")
    assert "users within 0.0001, 0 with another action of a tie" in equal
    assert "times faster" in bulk
    assert "bulk / (copies + forward) on the device" in floor
    assert "training: CPU" in training


def test_it_says_why_it_is_skipped(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    gpu.main([])
    assert capsys.readouterr().out == "skipped: torch finds no CUDA device on this machine\n"
