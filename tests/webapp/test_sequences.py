"""Sequences of the app: typed, loaded, changed, and what a model says of them, as the functions say it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from customers import ACTIONS, STYLED, customers_file
from hypothesis import given
from hypothesis import strategies as st
from made_heads import add_head, head, read_of

import sqlscore
from sqlscore.database.catalog import catalog
from sqlscore.errors import EventsError
from sqlscore.webapp.graph import dot
from sqlscore.webapp.opening import Database
from sqlscore.webapp.sequences import WEEKS, Asked, Sequences, Step, moved, typed
from sqlscore.webapp.uploads import Columns, guessed, header, scored


@pytest.fixture(scope="module")
def sequences(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequences]:
    database = Database(customers_file(tmp_path_factory.mktemp("app") / "shop.duckdb"), "cpu")
    yield Sequences.of(database, "sqlscore", ())
    database.close()


def asked(sequences: Sequences) -> Asked:
    moment = sequences.high_water()
    assert moment is not None
    return Asked("tiny@1", ("next_action", "time_to_next", "churn"), moment)


@pytest.mark.parametrize("user", ["customer 11", "customer 5", "customer 0"])
def test_a_loaded_customer_scores_as_in_the_table(sequences: Sequences, user: str) -> None:
    steps = sequences.load(user)
    row = sequences.database.rows("SELECT * FROM sqlscore.scored_users WHERE user_id = ?", [user])[0]
    assert len(steps) == row["n_events"]
    answer = sequences.rows(sequences.answer(steps, row["last_event_time"], asked(sequences)))[0]
    assert answer["next_actions"][0]["action"] == row["next_action"]
    assert answer["risk"] == pytest.approx(row["churn_risk"], abs=1e-6)
    assert answer["seconds"][1] == pytest.approx(row["seconds_to_next_action"])


def test_nobody_is_loaded_by_another_id(sequences: Sequences) -> None:
    assert sequences.load("customer") == sequences.load("' OR true --") == []


def test_what_is_shown_answers_the_same(sequences: Sequences) -> None:
    steps, what = [Step(action, 7.5, {"price": 2.0}) for action in ACTIONS], asked(sequences)
    sql = sequences.answer(steps, what.as_of, what)
    assert sequences.database.rows(sequences.shown(sql)) == sequences.rows(sql)


def test_risk_rises_over_the_weeks_and_begins_with_the_score(sequences: Sequences) -> None:
    what = asked(sequences)
    steps = typed("view > 2d > buy")
    found = sequences.rows(sequences.risks(steps, what.as_of, what))
    risks = [row["risk"] for row in found]
    assert len(found) == WEEKS + 1
    assert found[-1]["as_of"] - found[0]["as_of"] == timedelta(weeks=WEEKS)
    assert risks == sorted(risks)
    assert risks[0] == sequences.rows(sequences.answer(steps, what.as_of, what))[0]["risk"]


def test_no_churn_is_asked_of_a_model_without_that_head(sequences: Sequences) -> None:
    what = replace(asked(sequences), heads=("next_action", "time_to_next"))
    assert "risk" not in sequences.rows(sequences.answer(typed("view"), what.as_of, what))[0]


def test_the_labels_of_a_model_are_explained(tmp_path: Path) -> None:
    """The newest version of each that was fine-tuned on it; what is shown answers the same."""
    path = customers_file(tmp_path / "labelled.duckdb")
    with sqlscore.connect(path) as con:
        base = catalog(con).artifact(None, "events")
        for name in ("churn", "churn", "it's"):
            add_head(con, base, head("yes_no", read_of(con, base)), name)
    database = Database(path, "cpu")
    try:
        labelled = Sequences.of(database, "sqlscore", ())
        assert labelled.labels("tiny@1") == ["churn@2", "it's@1"]
        assert labelled.labels("churn@2") == []
        what, steps = asked(labelled), typed("view > 2d > buy > 1d > view")
        whys = [labelled.explained(steps, what.as_of, what, each) for each in ("churn@2", "it's@1", "churn")]
        told = [labelled.rows(why) for why in whys]
        assert [len(rows) for rows in told] == [3, 3, 3]
        assert told[0] == told[1] != told[2]
        assert database.rows(labelled.shown(whys[1])) == told[1]
    finally:
        database.close()


def test_typed_lengths_are_of_the_gap_and_names_stay_names() -> None:
    assert typed("view > 5m > buy > 2d > view > 1.5h > 7x > s") == [
        Step("view", 5.0),
        Step("buy", 5.0),
        Step("view", 2880.0),
        Step("7x", 90.0),
        Step("s", 5.0),
    ]
    assert typed(" > > ") == []


@given(st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=6), st.data())
def test_moving_keeps_every_event(actions: list[str], data: st.DataObject) -> None:
    steps = [Step(action, float(place)) for place, action in enumerate(actions)]
    place = data.draw(st.integers(0, len(steps) - 1))
    by = data.draw(st.integers(-2, 2))
    after = moved(steps, place, by)
    assert sorted(after, key=lambda step: step.minutes) == steps
    assert after.index(steps[place]) == min(max(place + by, 0), len(steps) - 1)


def test_an_uploaded_file_scores_as_its_events_do(sequences: Sequences, tmp_path: Path) -> None:
    file = tmp_path / "up.csv"
    with sequences.database.cursor() as con:
        con.execute(
            f"""COPY (SELECT user_id AS "Kunde Nr", event_time AS at, event_type AS did, price FROM sqlscore.events
                      WHERE user_id LIKE '%1%') TO '{file}' (HEADER)"""
        )
    assert guessed(header(sequences.database, file)) is None
    found = scored(sequences.database, sequences, file, Columns("Kunde Nr", "at", "did"), "tiny@1").to_pylist()
    wanted = sequences.database.rows(
        "SELECT user_id, next_action, n_events FROM sqlscore.scored_users WHERE user_id LIKE '%1%' ORDER BY user_id"
    )
    assert [{name: row[name] for name in ("user_id", "next_action", "n_events")} for row in found] == wanted


def test_an_uploaded_value_of_another_type_is_named(sequences: Sequences, tmp_path: Path) -> None:
    file = tmp_path / "up.csv"
    file.write_text("user_id,event_time,event_type,price\n007,2024-01-01 10:00,view,1\n007,soon,buy,x\n")
    columns = guessed(header(sequences.database, file))
    assert columns is not None
    with pytest.raises(EventsError, match='column "event_time": 1 values are no TIMESTAMP, for example "soon"'):
        scored(sequences.database, sequences, file, columns, "tiny@1")
    file.write_text("user_id,event_time,event_type,price\n007,2024-01-01 10:00,view,1\n007,2024-01-02,buy,x\n")
    with pytest.raises(EventsError, match='column "price": 1 values .* "x"'):
        scored(sequences.database, sequences, file, columns, "tiny@1")
    file.write_text("user_id,event_time,event_type\n007,2024-01-01 10:00,view\n")
    assert scored(sequences.database, sequences, file, columns, "tiny@1").column("user_id").to_pylist() == ["007"]


def test_a_label_of_the_graph_is_text() -> None:
    name = 'a"] [shape=none label="\\N'
    text = dot([{"action": name, "next_action": STYLED, "probability": 0.5, "n_transitions": 3}])
    assert '[label="a\\"] [shape=none label=\\"\\\\N"];' in text
