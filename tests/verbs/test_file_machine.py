"""A short share of the random runs over one file; `python benchmarks/fuzz.py --machine` runs more."""

from __future__ import annotations

from file_machine import START, FileMachine, run_machine


def test_every_verb_works_once_and_all_ways_to_score_agree() -> None:
    """The verbs in one fixed order, so that each of them is known to be more than refused."""
    FileMachine.done.clear()
    machine = FileMachine()
    machine.open(append_only=False)
    late = [(0, START, "view", 1.0), (2, None, "view", None), (None, START, "view", None), (1, START, "new", 2.0)]
    try:
        machine.refresh(late, full=False, keep_history=True, vectors=False)
        machine.refresh([*late, *late], full=False, keep_history=False, vectors=False)
        machine.interrupted_refresh(after=1, full=True)
        machine.edit(2, 5.0)
        machine.refresh_under_guards()
        machine.score_history()
        machine.import_model(2, promote=True, force=True)
        machine.promote("m@1", force=True)
        machine.rollback()
        machine.forget(3)
        machine.delete(4)
        machine.set_policy({"keep_retrained": 3}, own=True)
        machine.drop("m@1")
        machine.reopen()
        machine.status()
        machine.refresh([], full=True, keep_history=False, vectors=True)
        machine.unmap()
    finally:
        machine.teardown()
    assert set(FileMachine.done) == {
        "delete", "drop_model", "edit", "forget_user", "full", "import_model", "incremental", "insert", "interrupted",
        "map_events", "promote", "refresh", "reopen", "rollback", "score_history", "set_policy", "status", "unmap",
    }  # fmt: skip


def test_all_ways_to_score_agree_after_any_verbs_and_statements() -> None:
    """The same runs each time, so that a change that did not touch this cannot make it fail."""
    run_machine(runs=5, steps_of_a_run=10)
