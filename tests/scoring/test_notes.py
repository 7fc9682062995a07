"""What a training notes survives the manifest, and older models say less."""

from __future__ import annotations

import json

from tiny_model import tiny_artifact

from sqlscore.scoring.manifest import read_manifest
from sqlscore.scoring.notes import BaseRates, Limits, Sample, TrainingNotes, TrainingRun, seen_until


def test_notes_come_back_from_json_as_they_were() -> None:
    """A manifest is JSON: nothing of the notes may depend on Python's types."""
    notes = TrainingNotes(
        periods={"t1": 1, "t2": 2, "high_water": 3},
        sample=Sample(5_000, 7, 70, 1),
        limits=Limits(100, 10),
        options={"hidden": 8},
        training=TrainingRun(targets=9, history=[{"number": 1, "churn": 0.5}], churn_log_loss={"chosen": 0.4}),
        validation={"held_out_users": None},
        base_rates=BaseRates([0.25, 0.75], 0.5),
        action_attention=[{"action": "a", "from": "b", "weight": 0.5}],
        search={"trials": 3},
        no_churn="too short",
    )
    assert TrainingNotes.from_json(json.loads(json.dumps(notes.to_json()))) == notes


def test_a_manifest_that_says_nothing_has_defaults() -> None:
    """Models of before, and models that nobody trained here, are read as any other."""
    notes = TrainingNotes.from_json({"of another version": 1, "training": {"targets": 3, "of another version": 1}})
    assert notes == TrainingNotes(training=TrainingRun(targets=3))
    assert TrainingNotes.from_json({}) == TrainingNotes()
    assert TrainingNotes().why_without("churn") == "it was trained without it"
    assert "no_churn" not in TrainingNotes().to_json()


def test_a_model_without_periods_has_seen_what_it_was_trained_on() -> None:
    """So that no score is judged by events that the model may know."""
    assert seen_until(read_manifest(tiny_artifact())) == 1_706_659_200_000_000  # 2024-01-31
    assert seen_until(read_manifest(tiny_artifact(notes={"periods": {"t2": 5}}))) == 5
