"""A head at moments of the past: what it knew there, what it is judged by, and that nothing later reaches back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

import sqlscore
from sqlscore.cli.app import app
from sqlscore.errors import ModelError, TrainingError
from sqlscore.verbs.backtest import Backtest

USERS, DAYS, SEEN = 150, 112, 28
DAY = 86_400_000_000
BEGAN = 19_723  # days since 1970: 2024-01-01
MOMENT = "2024-03-04"
WINDOW = "e.event_time > m.as_of AND e.event_time <= m.as_of + INTERVAL 14 DAY"
MOMENTS = """SELECT unnest(generate_series(TIMESTAMP '2024-02-05', TIMESTAMP '2024-04-01', INTERVAL 7 DAY)) AS as_of"""


def labels(what: str) -> str:
    """A label for each user and week, known a fortnight later, so that windows overlap."""
    return f"""SELECT e.user_id, m.as_of, m.as_of + INTERVAL 14 DAY AS known_at, {what.format(within=WINDOW)} AS label
        FROM e CROSS JOIN ({MOMENTS}) m
        GROUP BY e.user_id, m.as_of HAVING min(e.event_time) <= m.as_of"""


def visits() -> pa.Table:
    """Users who look and buy at rates of their own, from the first days on."""
    rng = np.random.default_rng(3)
    rows: list[tuple[str, int, str, float | None]] = []
    for user in range(USERS):
        rows.append((f"u{user:03}", int((BEGAN + rng.uniform(0, 5)) * DAY), "view", None))
        for action, rate in (("view", 0.15), ("buy", rng.gamma(0.5, 0.08))):
            for time in rng.uniform(0, DAYS, rng.poisson(rate * DAYS)):
                worth = float(np.round(rng.gamma(3.0, 8.0), 2)) if action == "buy" else None
                rows.append((f"u{user:03}", int((BEGAN + time) * DAY), action, worth))
    rows.append(("u000", (BEGAN + DAYS + 1) * DAY, "view", None))  # the newest event, whatever is taken out
    user_id, times, actions, worths = zip(*rows, strict=True)
    moments, amounts = pa.array(times, pa.timestamp("us")), pa.array(worths, pa.float64())
    return pa.table({"user_id": user_id, "event_time": moments, "event_type": actions, "worth": amounts})


@pytest.fixture(scope="module")
def file(empty_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the first four weeks, and heads that were learned at the end of sixteen."""
    path = Path(shutil.copy(empty_file, tmp_path_factory.mktemp("backtest_head") / "shop.duckdb"))
    with sqlscore.connect(path) as con:
        con.register("made", visits())
        con.execute(f"CREATE TABLE e AS FROM made WHERE event_time <= make_timestamp({(BEGAN + SEEN) * DAY})")
        sqlscore.map_events(con, "e", amount="worth")
        sqlscore.train(con, architecture="markov", through_now=False)
        con.execute(f"INSERT INTO e FROM made WHERE event_time > make_timestamp({(BEGAN + SEEN) * DAY})")
        buys = "count(*) FILTER ({within} AND e.event_type = 'buy')"
        for name, what in (
            ("buys", f"{buys} > 0"),
            ("many", buys),
            ("kinds", f"CASE WHEN {buys} > 1 THEN 'often' WHEN {buys} > 0 THEN 'once' ELSE 'not' END"),
            ("noise", "hash(e.user_id || m.as_of) % 2 = 0"),
            ("drifts", f"({buys} > 0) = (m.as_of < TIMESTAMP '2024-03-18')"),
        ):
            con.execute(f"CREATE TABLE {name} AS {labels(what)}")
            sqlscore.finetune(con, f"FROM {name}", name=name)
    return path


@pytest.fixture
def con(file: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of it, open."""
    with sqlscore.connect(shutil.copy(file, tmp_path / "shop.duckdb")) as own:
        yield own


def row_of(found: Backtest, moment: str) -> dict[str, Any]:
    """What was found at a moment."""
    return next(period for period in found.periods if period["as_of"].startswith(moment))


def test_a_row_is_what_finetune_and_sql_would_have_given_at_its_moment(con: duckdb.DuckDBPyConnection) -> None:
    """A head of the labels that were known then, over the events up to then, on labels that came after."""
    row = row_of(sqlscore.backtest(con, model="buys", end=MOMENT), MOMENT)
    known = f"SELECT * FROM buys WHERE known_at <= TIMESTAMP '{MOMENT}' ORDER BY as_of, user_id"
    sqlscore.finetune(con, known, name="then")
    told, true = con.execute(
        f"""SELECT p, label FROM buys JOIN (
                SELECT user_id, propensity(e, 'then', as_of := TIMESTAMP '{MOMENT}') AS p
                FROM (FROM e WHERE event_time <= TIMESTAMP '{MOMENT}') e GROUP BY user_id) USING (user_id)
            WHERE as_of = TIMESTAMP '{MOMENT}'"""
    ).fetchnumpy().values()  # fmt: skip
    assert row["n_judged"] == len(told) == USERS
    assert row["n_learned"] == con.execute(f"SELECT count(*) FROM ({known})").fetchall()[0][0]
    assert row["loss"] == pytest.approx(float(-np.log(np.where(true, told, 1 - told)).mean()), rel=1e-5)
    assert row["mean_predicted"] == pytest.approx(float(told.mean()), rel=1e-5)
    assert row["mean_label"] == pytest.approx(float(true.mean()))


@pytest.mark.parametrize("options", [{}, {"retrain": True}], ids=["as it was", "trained again"])
@pytest.mark.parametrize("name", ["buys", pytest.param("kinds", marks=pytest.mark.slow)])
def test_what_comes_after_a_moment_changes_nothing_of_it(
    con: duckdb.DuckDBPyConnection, name: str, options: dict[str, Any]
) -> None:
    """Neither events after it, nor labels that became known after it, but for those that judge it; nor new users."""
    walk: dict[str, Any] = {"model": name, "start": MOMENT, "end": "2024-03-11", **options}
    before = row_of(sqlscore.backtest(con, **walk), MOMENT)
    other = "NOT label" if name == "buys" else "CASE label WHEN 'not' THEN 'a new one' ELSE 'not' END"
    con.execute(
        f"""UPDATE {name} SET label = {other}
            WHERE known_at > TIMESTAMP '{MOMENT}' AND as_of <> TIMESTAMP '{MOMENT}';
            UPDATE e SET event_type = 'return' WHERE event_time > TIMESTAMP '{MOMENT}' AND event_type = 'buy';
            DELETE FROM e WHERE event_time > TIMESTAMP '{MOMENT}' AND user_id < 'u050' AND user_id > 'u000';
            INSERT INTO e SELECT 'a' || i, TIMESTAMP '{MOMENT}' + to_hours(i + 1), 'buy', 5 FROM range(60) t(i);
            INSERT INTO {name} SELECT 'a' || i, TIMESTAMP '{MOMENT}' + to_days(7), TIMESTAMP '{MOMENT}' + to_days(21),
                any_value(label) FROM range(60) t(i), {name} GROUP BY i"""
    )
    after = sqlscore.backtest(con, **walk)
    assert row_of(after, MOMENT) == before
    assert before["trained_after"] is False
    changed = row_of(after, "2024-03-11")
    assert changed["n_judged"] == USERS + 60


def test_the_same_walk_gives_the_same_rows_and_they_stay_in_the_file(con: duckdb.DuckDBPyConnection) -> None:
    first, second = (sqlscore.backtest(con, model="many", start="2024-03-18", threads=threads) for threads in (1, 2))
    assert first.periods == second.periods
    assert first.summary == second.summary
    kept = con.execute("SELECT * EXCLUDE (backtested_at) FROM sqlscore.label_backtests ORDER BY as_of")
    names = [column[0] for column in kept.description]
    rows = [dict(zip(names, row, strict=True)) for row in kept.fetchall()]
    assert [{**row, "as_of": str(row["as_of"])} for row in rows] == [
        {**period, "as_of": f"{period['as_of'][:10]} 00:00:00"} for period in first.periods
    ]
    sqlscore.backtest(con, model="buys", start="2024-03-18")
    counts = con.execute("SELECT label, count(*) FROM sqlscore.label_backtests GROUP BY ALL ORDER BY ALL").fetchall()
    assert counts == [("buys", len(first.periods)), ("many", len(first.periods))]


def test_a_label_that_drifts_is_worse_after_it_has(con: duckdb.DuckDBPyConnection) -> None:
    """What is right of users before is wrong of them after: the moment says so, and so does the verdict."""
    found = sqlscore.backtest(con, model="drifts")
    steady, turned = (row_of(found, moment) for moment in (MOMENT, "2024-03-18"))
    assert steady["loss"] < steady["base_rate_loss"]
    assert turned["loss"] > turned["base_rate_loss"] + 0.3
    assert abs(turned["excess_in_errors"]) > 2 * abs(steady["excess_in_errors"])
    assert "its worst is 2024-03-25" in " ".join(found.verdict)  # few of the turned ones are known by then


def test_a_head_of_noise_is_no_better_than_the_mean(con: duckdb.DuckDBPyConnection) -> None:
    found = sqlscore.backtest(con, model="noise")
    assert "no better than the mean of all labels" in found.verdict[0]
    assert found.summary["baselines"]["base_rate"]["better"] < 2


@pytest.mark.parametrize("name", ["buys", "many", pytest.param("kinds", marks=pytest.mark.slow)])
def test_a_head_that_knows_something_is_better_than_the_mean(con: duckdb.DuckDBPyConnection, name: str) -> None:
    found = sqlscore.backtest(con, model=name)
    assert "; better than the mean of all labels" in found.verdict[0]
    assert found.summary["n_judged"] == sum(period["n_judged"] for period in found.periods)
    assert len({period["n_learned"] for period in found.periods}) == len(found.periods)


def test_moments_that_the_base_has_learned_are_no_forecasts(con: duckdb.DuckDBPyConnection) -> None:
    """A base of all events is refused, unless it is trained again or its moments are marked."""
    sqlscore.train(con, architecture="markov", promote=False)
    sqlscore.finetune(con, "FROM buys", name="late", base="events@2")
    with pytest.raises(ModelError, match="events@2, on which the head stands, has learned events up to .*--retrain"):
        sqlscore.backtest(con, model="late", start="2024-02-26")
    marked = sqlscore.backtest(con, model="late", include_seen=True, end="2024-02-26")
    assert marked.periods[0]["trained_after"]
    assert "no forecasts" in marked.warnings[0]
    again = sqlscore.backtest(con, model="late", retrain=True, end="2024-02-26")
    assert {period["base"] for period in again.periods} == {"markov, retrained"}
    assert not any(period["trained_after"] for period in again.periods)
    assert {model.label for model in sqlscore.list_models(con) if not model.is_head} == {"events@1", "events@2"}


@pytest.mark.slow
def test_spend_stands_beside_models_of_buying(con: duckdb.DuckDBPyConnection) -> None:
    sqlscore.finetune(con, amount=True, horizon="14 days")
    found = sqlscore.backtest(con, model="spend", start="2024-03-20")
    assert found.summary["kind"] == "amount"
    assert all(period["bg_nbd_loss"] > 0 for period in found.periods)


def test_a_segment_is_judged_on_its_own_labels(con: duckdb.DuckDBPyConnection) -> None:
    sqlscore.finetune(con, "FROM buys", name="some", where="user_id < 'u080'")
    found = sqlscore.backtest(con, model="some", start=MOMENT, end="2024-03-11")
    assert {period["n_judged"] for period in found.periods} == {80}


def test_steps_may_be_longer_than_those_of_the_labels(con: duckdb.DuckDBPyConnection) -> None:
    """Each label is judged once, at the last moment up to its own."""
    found = sqlscore.backtest(con, model="buys", every="21 days", start="2024-02-26", end="2024-03-25")
    assert [(period["as_of"][:10], period["n_judged"]) for period in found.periods] == [
        ("2024-02-26", 3 * USERS),
        ("2024-03-18", 2 * USERS),
    ]


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        ("", {"model": "nobody"}, "there is no model 'nobody'"),
        ("", {"model": "buys", "horizon": "7 days"}, "horizon is of churn"),
        ("", {"model": "buys", "start": "2025-01-01"}, "no label is as of a moment from 2025-01-01"),
        ("", {"model": "buys", "start": "2024-02-05", "end": "2024-02-12"}, "there are 0 and 150"),
        ("", {"model": "buys", "every": "1 second"}, "walk in larger steps"),
        ("", {"model": "buys", "epochs": 3}, "which need retrain"),
        ("DELETE FROM buys WHERE as_of > '2024-02-05'", {"model": "buys"}, "are all as of 2024-02-05.*several moments"),
        ("DELETE FROM buys WHERE user_id > 'u010'", {"model": "buys"}, "no moment has 20 labels that were known"),
        ("ALTER TABLE buys DROP known_at", {"model": "buys"}, "buys@1 do not say when they were known.*known_at"),
        ("DROP TABLE buys", {"model": "buys"}, "labels that buys@1 learned, read again: the labels cannot be read"),
        ("ALTER TABLE buys ALTER label TYPE INT; UPDATE buys SET label = 5", {"model": "buys"}, "task yes_no needs"),
        ("ALTER TABLE buys ALTER label TYPE VARCHAR", {"model": "buys"}, "buys@1 learned, read again: the task yes_no"),
        ("ALTER TABLE many ALTER label TYPE BOOLEAN", {"model": "many"}, "type BOOLEAN, and the task count needs"),
        ("UPDATE kinds SET label = label || '!'", {"model": "kinds"}, "not!, often!, once!, and it learned not"),
    ],
)
def test_what_cannot_be_judged_says_why(
    con: duckdb.DuckDBPyConnection, change: str, options: dict[str, Any], said: str
) -> None:
    con.execute(change or "SELECT 1")
    with pytest.raises((ModelError, TrainingError), match=said):
        sqlscore.backtest(con, **options)


def test_the_command_shows_moments_baselines_and_the_verdict(con: duckdb.DuckDBPyConnection) -> None:
    path = con.execute("SELECT path FROM duckdb_databases() WHERE path IS NOT NULL").fetchall()[0][0]
    con.close()
    ran = CliRunner(env={"COLUMNS": "140"}).invoke(app, ["backtest", path, "--model", "buys", "--from", MOMENT])
    assert ran.exit_code == 0, ran.output
    for word in ("buys@1, learned again at each moment on events@1", MOMENT, "regression", "better than the mean"):
        assert word in ran.output
    printed = CliRunner().invoke(app, ["backtest", path, "--model", "buys", "--json", "--from", "2024-03-25"])
    assert json.loads(printed.stdout)["summary"]["kind"] == "yes_no"
