"""The tabular peer: what its table may see, that it learns, and that it says what it cannot do."""

from __future__ import annotations

import sys
from dataclasses import replace

import duckdb
import numpy as np
import pytest
import torch

from sqlscore.errors import TrainingError
from sqlscore.events.mapping import Feature, Mapping
from sqlscore.experiments.gbm import Boosted, fit_gbm, lightgbm, predict_gbm, probabilities
from sqlscore.experiments.gbm_boosting import Rows, search, settings_of
from sqlscore.experiments.gbm_counts import Counts, counted
from sqlscore.experiments.gbm_features import churn_rows, rows_at, source_of
from sqlscore.models.back_off import BackOff
from sqlscore.progress import Silent
from sqlscore.training.data.churn_labels import examples_at
from sqlscore.training.data.encoding import Encoded, encode_log, vocabulary
from sqlscore.training.data.event_log import EventLog, read_log
from sqlscore.training.data.split import Periods
from sqlscore.training.data.windows import Windows, windows
from sqlscore.training.fit import fit, split
from sqlscore.training.learning.counting import fill
from sqlscore.training.learning.following import NOTHING, Counting
from sqlscore.training.options import TrainingOptions

MAPPING = Mapping("v", "v", "who", "at", "did", (Feature("price", "numeric"), Feature("brand", "categorical")))
OPTIONS = TrainingOptions(horizon=7 * 86_400.0)


@pytest.fixture(scope="module")
def log() -> EventLog:
    """150 users, 40 days; what follows depends on the last two actions, half of the users stop coming one day."""
    with duckdb.connect() as con:
        con.execute(
            """CREATE TABLE v AS
               SELECT i % 150 AS who, ['a', 'b', 'c', 'd'][1 + (i // 150 + (i // 300) * (i % 3)) % 4] AS did,
                      TIMESTAMP '2024-01-01' + to_hours(i // 150 * 24 + i % 23) AS at,
                      CASE WHEN i % 5 > 0 THEN (i % 7) * 1.5 END AS price, ['acme', 'bolt', NULL][1 + i % 3] AS brand
               FROM range(150 * 40) t(i) WHERE i // 150 < 40 - (i % 150) % 2 * (i % 30)"""
        )
        return read_log(con, MAPPING, 100_000, 1_000, Silent())


@pytest.fixture(scope="module")
def periods(log: EventLog) -> Periods:
    return split(log, OPTIONS)[0]


@pytest.fixture(scope="module")
def data(log: EventLog, periods: Periods) -> Encoded:
    return encode_log(log, vocabulary(log, periods.t2, 100, 100))


@pytest.fixture(scope="module")
def model(log: EventLog, periods: Periods) -> Boosted:
    return fit_gbm(log, periods, OPTIONS, Silent())


def test_a_row_is_made_of_the_events_up_to_it_alone(log: EventLog) -> None:
    """A table that sees the future wins every comparison."""
    cut = int(log.offsets[3] + 7)  # the fourth user's first seven events, and nobody after
    offsets = np.append(log.offsets[:4], cut)
    short = EventLog(
        type(log.actions)(log.actions.codes[:cut], log.actions.values),
        log.times[:cut],
        offsets,
        {name: type(column)(column.codes[:cut], column.values) for name, column in log.categorical.items()},
        {name: column[:cut] for name, column in log.numeric.items()},
    )
    fewer = encode_log(short, vocabulary(log, int(log.times.max()), 100, 100))
    at = np.arange(cut)
    whole = encode_log(log, vocabulary(log, int(log.times.max()), 100, 100))
    np.testing.assert_array_equal(rows_at(source_of(fewer), at), rows_at(source_of(whole), at))


def test_a_row_knows_nothing_of_other_users(data: Encoded) -> None:
    """Running sums are taken over the whole log: another user's must not leak in."""
    source = source_of(data)
    first = rows_at(source, data.offsets[:-1])
    places = len(source.categorical)
    assert (first[:, 1:8] == 0).all()  # no action before the first
    assert np.isnan(first[:, places : places + 7]).all()  # nor a gap
    counts = first[:, -1 - data.known : -1]
    assert (counts.sum(1) == 1).all()


def test_recent_events_are_counted_back_from_as_of(log: EventLog, data: Encoded, periods: Periods) -> None:
    """By hand for one example: the churn model's strongest columns."""
    assert periods.churn is not None
    examples = examples_at(log, periods.churn.test[:1], periods.churn)
    rows = churn_rows(source_of(data), examples, periods.churn.horizon)
    date, horizon = periods.churn.test[0], periods.churn.horizon
    for place in (0, len(examples) // 2, len(examples) - 1):
        at = int(examples.position[place])
        user = int(log.rows[at])
        times = log.times[log.offsets[user] : at + 1]
        expected = [int((times >= date - share * horizon).sum()) for share in (0.25, 1.0, 4.0)]
        assert rows[place, -3:].tolist() == expected
        assert rows[place, -5] == pytest.approx(np.log1p((date - times[-1]) / 1e6), rel=1e-5)


def test_it_learns_and_gives_probabilities(log: EventLog, data: Encoded, periods: Periods, model: Boosted) -> None:
    """Two actions fix the next one there, so trees must find it; shares must be shares."""
    assert periods.churn is not None
    examples = examples_at(log, periods.churn.test, periods.churn)
    test = windows(log, data, periods.t2, None, None, examples, None)
    found = predict_gbm(model, data, test)
    assert (found.at == np.flatnonzero(test.wanted)).all()
    share = np.bincount(data.target[found.at]).max() / len(found.at)
    assert (found.best == data.target[found.at]).mean() > share + 0.1
    shares = probabilities(model, source_of(data), found.at[:50])
    np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-4)
    assert ((found.churn > 0) & (found.churn < 1)).all()
    assert found.churn[examples.churned].mean() > found.churn[~examples.churned].mean()


def test_the_same_seed_gives_the_same_trees(log: EventLog, periods: Periods, model: Boosted) -> None:
    """A leaderboard that changes without a reason is not believed."""
    again = fit_gbm(log, periods, OPTIONS, Silent())
    assert again.next_action.model_to_string() == model.next_action.model_to_string()
    assert again.churn is not None
    assert model.churn is not None
    assert again.churn.model_to_string() == model.churn.model_to_string()


def test_rare_actions_share_a_class_and_are_told_apart_by_their_shares(
    log: EventLog, data: Encoded, periods: Periods, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of actions would be thousands of trees a round."""
    monkeypatch.setattr("sqlscore.experiments.gbm.CLASSES", 2)
    few = fit_gbm(log, periods, TrainingOptions(churn=False), Silent())
    trees = replace(few, counts=Counts(NOTHING, np.zeros(data.known), ()))  # counts tell all actions apart
    shares = probabilities(trees, source_of(data), np.arange(20))
    assert shares.shape == (20, data.known)
    np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-4)
    rare = shares[:, 2:] / shares[:, 2:].sum(1, keepdims=True)
    np.testing.assert_allclose(rare, np.tile(rare[:1], (20, 1)), rtol=1e-4)


def test_training_it_for_sql_is_refused_with_what_to_do() -> None:
    """It has no place in an artifact."""
    with duckdb.connect() as con, pytest.raises(TrainingError, match="sqlscore compare DB --architectures gru,gbm"):
        fit(con, MAPPING, TrainingOptions(architecture="gbm"))


def test_a_missing_library_names_the_extra(log: EventLog, periods: Periods, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is optional; its absence is no traceback."""
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(TrainingError, match=r"pip install 'sqlscore\[gbm\]'"):
        fit_gbm(log, periods, OPTIONS, Silent())


def test_the_test_part_is_not_learned_from(log: EventLog, periods: Periods, model: Boosted) -> None:
    """The last stage learns from the validation part too, and from nothing later."""
    codes = log.actions.codes.copy()
    later = log.times > periods.t2
    codes[later] = 1 + codes[later] % len(log.actions.values)
    changed = replace(log, actions=replace(log.actions, codes=codes))
    again = fit_gbm(changed, periods, OPTIONS, Silent())
    assert again.next_action.model_to_string() == model.next_action.model_to_string()


def test_counts_beside_the_trees_are_those_beside_a_network(data: Encoded) -> None:
    """Two ways to count must not disagree, or the comparison is not of trees and networks."""
    how = Counting(order=3, prior=2.0, fade=4.0, weight=0.25)
    at = np.flatnonzero((data.target > 0) & (data.target <= data.known))
    counts, network = counted(data, at, how), BackOff(data.known, how.order)
    fill(network, data, Windows(at[:0], at[:0], (data.target > 0) & (data.target <= data.known), None), how)
    asked = at[:: len(at) // 50]
    recent = np.zeros((len(asked), how.order), np.float32)
    for row, place in enumerate(asked):
        user = data.offsets[np.searchsorted(data.offsets, place, "right") - 1]
        codes = data.categories[max(user, place - how.order + 1) : place + 1, 0][::-1]
        recent[row, : len(codes)] = codes
    trees = np.full((len(asked), data.known), 1 / data.known)
    expected = 0.25 / data.known + 0.75 * network(torch.from_numpy(recent)).numpy()
    np.testing.assert_allclose(counts.mixed(data, asked, trees), expected, rtol=1e-4)


def test_rounds_are_chosen_by_other_users_as_well_as_by_a_later_period(log: EventLog) -> None:
    """On a log whose rules change, the later period alone would stop the trees after a few rounds."""
    random = np.random.default_rng(0)
    first = random.normal(size=2_000)
    table = np.stack([first, random.normal(size=2_000)], axis=1).astype(np.float32)
    same, other = (first > 0).astype(np.int32), (first < 0.5).astype(np.int32)
    times, users = np.arange(2_000), np.arange(2_000)
    learned, later, others = (
        Rows(table[part], wanted[part], times[part], users[part])
        for part, wanted in ((slice(0, 1_200), same), (slice(1_200, 1_600), other), (slice(1_600, 2_000), same))
    )
    settings = {"objective": "binary", **settings_of(TrainingOptions())}
    alone = search(lightgbm(), settings, learned, [later], [], False, Silent())
    both = search(lightgbm(), settings, learned, [later, others], [], False, Silent())
    assert alone.model.best_iteration < both.model.best_iteration
    newest = search(lightgbm(), settings, learned, [others], [], True, Silent())
    assert newest.fade == 0  # nothing changed there, so that nothing is gained by forgetting
