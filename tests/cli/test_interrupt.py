"""Ctrl-C leaves a connection that can be closed, whenever it comes."""

import threading

import duckdb
import pytest

from sqlscore.cli.interrupt import interruptible

ENDLESS = "SELECT count(*) FROM range(1000000000000) t(i) WHERE hash(i) % 7 = 3"


@pytest.mark.parametrize("when", ["before the thread runs", "as it starts", "in the middle"])
def test_work_has_stopped_when_the_interrupt_is_raised(monkeypatch, when):
    working, stopped = threading.Event(), threading.Event()
    start = threading.Thread.start
    main = threading.main_thread()

    def work() -> None:
        working.set()
        try:
            con.execute(ENDLESS)
        finally:
            stopped.set()

    def start_and_press(thread: threading.Thread) -> None:
        if when != "before the thread runs":
            start(thread)
        if when == "in the middle":
            working.wait()
        if threading.current_thread() is main:
            raise KeyboardInterrupt

    with duckdb.connect() as con:
        monkeypatch.setattr(threading.Thread, "start", start_and_press)
        with pytest.raises(KeyboardInterrupt):
            interruptible(con, work)
        monkeypatch.undo()
        assert stopped.is_set() == working.is_set()
        assert con.execute("SELECT 1").fetchall() == [(1,)]


def test_what_the_work_raises_is_raised():
    with duckdb.connect() as con, pytest.raises(duckdb.CatalogException):
        interruptible(con, lambda: con.execute("FROM nothing_there"))
