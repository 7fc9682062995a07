"""What users will spend, learned from the mapped amount: planted rates are found, refunds count, readers agree."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

import sqlscore
from sqlscore.database.catalog import mapped
from sqlscore.errors import TrainingError
from sqlscore.finetuning.spend import Spend, spend_query

USERS, DAYS, HORIZON = 200, 360, 60
DAY = 86_400_000_000
BEGAN = 19_723  # days since 1970: 2024-01-01


def shop() -> pa.Table:
    """Users who look about once a week, buy at rates and prices of their own, and half of whom leave at some time.

    One purchase in twenty is refunded, three days later.
    """
    rng = np.random.default_rng(5)
    rate, price = rng.gamma(2.0, 0.02, USERS), np.exp(rng.normal(3.0, 0.8, USERS))
    stays = np.where(rng.random(USERS) < 0.5, DAYS, rng.uniform(30, DAYS, USERS))
    rows = []
    for user in range(USERS):
        for action, each in (("view", 1 / 7), ("buy", rate[user])):
            times = np.sort(rng.uniform(0, stays[user], rng.poisson(each * stays[user])))
            for time in times:
                worth = float(np.round(price[user] * np.exp(rng.normal(0, 0.3)), 2)) if action == "buy" else None
                rows.append((user, int((BEGAN + time) * DAY), action, worth))
                if worth is not None and rng.random() < 0.05:
                    rows.append((user, int((BEGAN + time + 3) * DAY), "refund", -worth))
    user_id, moments, actions, worths = zip(*rows, strict=True)
    return pa.table(
        {
            "user_id": user_id,
            "event_time": pa.array(moments, pa.timestamp("us")),
            "event_type": actions,
            "worth": pa.array(worths, pa.float64()),
        }
    )


@pytest.fixture(scope="module")
def file(empty_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop with a model of counts and a head of its amounts."""
    path = Path(shutil.copy(empty_file, tmp_path_factory.mktemp("spend") / "shop.duckdb"))
    with sqlscore.connect(path) as con:
        con.register("made", shop())
        con.execute("CREATE TABLE s AS SELECT * FROM made")
        sqlscore.map_events(con, "s", amount="worth")
        sqlscore.score(con, horizon="30 days")
        sqlscore.finetune(con, amount=True, horizon=f"{HORIZON} days")
        sqlscore.refresh(con)
    return path


@pytest.fixture
def con(file: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A file of its own."""
    with sqlscore.connect(shutil.copy(file, tmp_path / "shop.duckdb")) as own:
        yield own


def test_labels_are_the_sums_after_their_moments(con: duckdb.DuckDBPyConnection) -> None:
    """By numpy, over the open and closed ends of the span; more refunded than bought is nothing."""
    rows = con.execute("SELECT user_id, epoch_us(event_time), coalesce(worth, 0) FROM s").fetchnumpy()
    user, time, worth = (np.asarray(values) for values in rows.values())
    until = int(time.max())
    spend = Spend("worth", HORIZON * DAY)
    con.execute(f"CREATE TABLE l AS {spend_query(con, mapped(con, 'events'), spend, until)}")
    labels = con.execute("SELECT user_id, epoch_us(as_of), epoch_us(known_at), label FROM l").fetchall()
    moments = sorted({as_of for _, as_of, _, _ in labels})
    assert moments[-1] == until - HORIZON * DAY
    assert moments[-1] - moments[-2] == HORIZON * DAY // 3
    for who, as_of, known_at, label in labels[::17]:
        assert known_at == as_of + HORIZON * DAY
        assert time[user == who].min() <= as_of
        within = (user == who) & (time > as_of) & (time <= known_at)
        assert label == pytest.approx(max(float(worth[within].sum()), 0.0), abs=1e-9)
    assert min(label for *_, label in labels) == 0


def test_planted_spend_is_found_and_judged_beside_models_of_buying(con: duckdb.DuckDBPyConnection) -> None:
    """Who buys often and dear is told from the others; BG/NBD, whose assumptions hold here, is near the truth."""
    found = sqlscore.evaluate(con, "spend")
    assert found["kind"] == "amount"
    for part in found["label"].values():
        peers = part["baselines"]
        assert part["loss"] < peers["base_rate"]["loss"]
        assert peers["bg_nbd"]["loss"] < 0.8 * peers["base_rate"]["loss"]
        assert peers["bg_nbd"]["mean_expected"] == pytest.approx(part["mean_label"], rel=0.2)
    assert all("BG/NBD with gamma-gamma" in sentence for sentence in found["verdict"])


def test_the_head_says_what_it_is_of(con: duckdb.DuckDBPyConnection) -> None:
    config = "SELECT manifest -> 'config' ->> 'amount', CAST(manifest -> 'config' ->> 'horizon_seconds' AS DOUBLE)"
    assert con.execute(f"{config} FROM sqlscore.models WHERE name = 'spend'").fetchall() == [("worth", HORIZON * 86400)]


def test_ad_hoc_windows_and_refresh_agree(con: duckdb.DuckDBPyConnection) -> None:
    stored = "SELECT user_id, expected_value, [p10, p50, p90] FROM sqlscore.scored_labels ORDER BY user_id"
    until = "(SELECT max(event_time) FROM s)"
    grouped = f"""SELECT user_id, expected_value(e, 'spend', as_of := {until}),
            value_quantiles(e, 'spend', as_of := {until}) FROM s e GROUP BY user_id ORDER BY user_id"""
    for (user, mean, quantiles), (who, told, spread) in zip(
        con.execute(stored).fetchall(), con.execute(grouped).fetchall(), strict=True
    ):
        assert (user, mean) == (who, pytest.approx(told, rel=1e-4))
        assert quantiles == pytest.approx(spread, rel=1e-4)
        assert quantiles == sorted(quantiles)
    last = con.execute(
        """SELECT m FROM (SELECT event_time, expected_value(e, 'spend') OVER (ORDER BY event_time) AS m
           FROM s e WHERE user_id = 7) ORDER BY event_time DESC LIMIT 1"""
    ).fetchall()
    assert last[0][0] == pytest.approx(
        con.execute("SELECT expected_value(e, 'spend') FROM s e WHERE user_id = 7").fetchall()[0][0], rel=1e-4
    )


def test_what_cannot_be_learned_is_refused_with_the_remedy(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(TrainingError, match="at least two horizons are needed.*pass a shorter one"):
        sqlscore.finetune(con, amount=True, horizon="200 days")
    with pytest.raises(TrainingError, match="pass one of labels, a SELECT, uplift"):
        sqlscore.finetune(con, "SELECT 1", amount=True)
    with pytest.raises(TrainingError, match=r"horizon is for amount=True \(--amount\)"):
        sqlscore.finetune(con, "SELECT 1", name="x", horizon="9 days")
    con.execute("UPDATE s SET worth = 'infinity' WHERE user_id = 3 AND worth > 0")
    with pytest.raises(TrainingError, match='the amount "worth" is inf in an event'):
        sqlscore.finetune(con, amount=True)
    con.execute("UPDATE s SET worth = least(worth, 0)")
    with pytest.raises(TrainingError, match='the amount "worth" is above 0 in no event'):
        sqlscore.finetune(con, amount=True)
    sqlscore.map_events(con, "s", force=True)
    with pytest.raises(TrainingError, match='no amount is mapped of "events".*--amount C'):
        sqlscore.finetune(con, amount=True)


def test_without_a_horizon_it_is_that_of_the_churn_risk(con: duckdb.DuckDBPyConnection) -> None:
    info = sqlscore.finetune(con, amount=True, name="month")
    (seconds,) = con.execute(
        "SELECT CAST(manifest -> 'config' ->> 'horizon_seconds' AS DOUBLE) FROM sqlscore.models WHERE name = 'month'"
    ).fetchall()[0]
    assert (info.label, seconds) == ("month@1", 30 * 86400)


def test_the_outcomes_of_a_group_that_ended_are_those_up_to_its_end(con: duckdb.DuckDBPyConnection) -> None:
    """A site that closed has no labels whose span reaches beyond: nothing spent there says nothing."""
    con.execute("CREATE TABLE g AS SELECT *, user_id % 2 = 0 AS closed FROM s")
    con.execute("DELETE FROM g WHERE closed AND event_time > TIMESTAMP '2024-07-20'")
    sqlscore.map_events(con, "g", amount="worth", group="closed", name="groups")
    until = con.execute("SELECT epoch_us(max(event_time)) FROM g").fetchall()[0][0]
    query = spend_query(con, mapped(con, "groups"), Spend("worth", HORIZON * DAY), until)
    known = con.execute(
        f"SELECT user_id % 2, max(known_at) <= TIMESTAMP '2024-07-20' FROM ({query}) GROUP BY 1"
    ).fetchall()
    assert sorted(known) == [(0, True), (1, False)]


LABELLED = """SELECT user_id, label, model, propensity, expected_value, p10, p50, p90, value_at_risk
    FROM sqlscore.scored_labels ORDER BY label, user_id"""
SEGMENTS = """SELECT risk_band, next_action, model, n_users, expected_spend, value_at_risk, share_of_value_at_risk
    FROM sqlscore.segment_value_at_risk ORDER BY ALL"""


def test_value_at_risk_is_risk_times_spend_and_nothing_of_who_left(con: duckdb.DuckDBPyConnection) -> None:
    n, lapsed, wrong = con.execute(
        """SELECT count(*), count(*) FILTER (NOT u.is_active AND l.value_at_risk = 0), count(*) FILTER (
               abs(l.value_at_risk - CASE WHEN u.is_active THEN u.churn_risk * l.expected_value ELSE 0 END) > 1e-6)
           FROM sqlscore.scored_labels l JOIN sqlscore.scored_users u USING (user_id)"""
    ).fetchall()[0]
    assert (n, wrong) == (USERS, 0)
    assert 0 < lapsed < USERS
    by_segment = con.execute(
        """SELECT risk_band, next_action, count(*), sum(expected_value), sum(value_at_risk)
           FROM sqlscore.scored_labels JOIN sqlscore.scored_segments USING (user_id) GROUP BY ALL ORDER BY ALL"""
    ).fetchall()
    found = con.execute(
        """SELECT risk_band, next_action, n_users, expected_spend, value_at_risk
           FROM sqlscore.segment_value_at_risk ORDER BY ALL"""
    ).fetchall()
    assert [row[:3] for row in found] == [row[:3] for row in by_segment]
    np.testing.assert_allclose([row[3:] for row in found], [row[3:] for row in by_segment])
    horizons = (
        "SELECT DISTINCT label, horizon_seconds, churn_horizon_seconds, model FROM sqlscore.segment_value_at_risk"
    )
    assert con.execute(horizons).fetchall() == [("spend", HORIZON * 86400, 30 * 86400, "spend@1")]
    shares = con.execute("SELECT sum(share_of_value_at_risk) FROM sqlscore.segment_value_at_risk").fetchall()
    assert shares[0][0] == pytest.approx(1)


def test_a_plain_duckdb_reads_what_is_at_risk(file: Path, tmp_path: Path) -> None:
    path = shutil.copy(file, tmp_path / "plain.duckdb")
    with duckdb.connect(str(path), read_only=True) as plain:
        assert plain.execute("SELECT count(*) > 0 FROM sqlscore.segment_value_at_risk").fetchall() == [(True,)]


def test_what_is_at_risk_can_be_published(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """What heads say is for dashboards too, unlike the tables by which sqlscore keeps its own state."""
    report = sqlscore.publish(con, tmp_path / "bi", tables=["scored_labels", "segment_value_at_risk"])
    assert set(report.tables) == {"scored_labels", "segment_value_at_risk"}


def test_an_incremental_refresh_says_what_a_full_one_does(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "INSERT INTO s SELECT user_id, event_time + INTERVAL 9 DAY, 'buy', 40 FROM s WHERE user_id < 5 LIMIT 60"
    )
    report = sqlscore.refresh(con)
    assert report.kind == "incremental"
    assert report.tables["segment_value_at_risk"] > 1
    changed, segments = con.execute(LABELLED).fetchall(), con.execute(SEGMENTS).fetchall()
    sqlscore.refresh(con, full=True)
    for before, query in ((changed, LABELLED), (segments, SEGMENTS)):
        after = con.execute(query).fetchall()
        assert [row[:3] for row in before] == [row[:3] for row in after]
        np.testing.assert_allclose([row[3:] for row in before], [row[3:] for row in after], rtol=1e-3, atol=1e-4)


def test_without_a_head_of_spend_nothing_is_at_risk(con: duckdb.DuckDBPyConnection) -> None:
    query = """SELECT user_id, max(event_time) - INTERVAL 40 DAY AS as_of, user_id % 2 = 0 AS label FROM s GROUP BY 1
               HAVING min(event_time) < max(event_time) - INTERVAL 40 DAY"""
    sqlscore.finetune(con, query, name="even")
    sqlscore.drop_model(con, "spend@1")
    assert "segment_value_at_risk" not in sqlscore.refresh(con).tables
    assert con.execute("SELECT count(value_at_risk), count(*) > 9 FROM sqlscore.scored_labels").fetchall() == [
        (0, True)
    ]
    with pytest.raises(duckdb.CatalogException, match="segment_value_at_risk"):
        con.execute("FROM sqlscore.segment_value_at_risk")
    sqlscore.finetune(con, amount=True, name="again")
    sqlscore.refresh(con)
    sqlscore.map_events(con, "s", amount="worth", exclude_types=["view"], force=True)
    with pytest.raises(duckdb.CatalogException, match="segment_value_at_risk"):
        con.execute("FROM sqlscore.segment_value_at_risk")
