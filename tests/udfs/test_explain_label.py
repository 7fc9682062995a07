"""Why a fine-tuned head says what it says, in SQL, of every kind of head."""

from __future__ import annotations

import datetime as dt
import math
import shutil
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from made_heads import SHARES, add_head, head, read_of
from small_shop import gru_artifact
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.catalog import catalog
from sqlscore.database.registry import register
from sqlscore.errors import ArtifactError
from sqlscore.scoring.cache.states import STATES
from sqlscore.scoring.explanation.attribution import SINGLE
from sqlscore.scoring.label_artifact import head_manifest, load_head, pack_head
from sqlscore.scoring.label_head import Head, Kind
from sqlscore.scoring.manifest import sha256_of

LATER = "TIMESTAMP '2024-02-01'"

ASKED = [  # label and value, the answer, its baseline
    ("'yes_no'", "propensity(e, 'yes_no')", "0.2"),
    ("'yes_no', value := false", "propensity(e, 'yes_no', value := false)", "0.8"),
    ("'classes', value := 'it''s'", "propensity(e, 'classes', value := 'it''s')", "0.3"),
    ("'count'", "expected_value(e, 'count')", "1.5"),
    ("'amount'", "expected_value(e, 'amount')", "20.0"),
    ("'amount', value := true", "propensity(e, 'amount')", "0.4"),
]


@pytest.fixture(scope="module")
def heads_file(empty_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Users with 1 to 50 events, two of them at the same time, a GRU of random weights, and a head of each kind."""
    path = Path(shutil.copy(empty_file, tmp_path_factory.mktemp("heads") / "heads.duckdb"))
    with sqlscore.connect(path) as con:
        con.execute(
            """CREATE TABLE e AS
               SELECT u AS user_id, TIMESTAMP '2024-01-01' + to_hours(7 * greatest(i, 1)) AS event_time,
                      (['view', 'cart', 'buy', 'nap'])[1 + (hash(u * 100 + i) % 4)::INT] AS event_type, i * 1.5 AS price
               FROM (VALUES (1), (2), (4), (5), (9), (10), (33), (50)) t(u), range(50) r(i) WHERE i < u"""
        )
        sqlscore.map_events(con, "e", features=["price"])
        register(con, gru_artifact(0), name="gru", mapping="events", champion=True, verb="train")
        base = catalog(con).artifact(None, "events")
        features = read_of(con, base)
        kinds: tuple[Kind, ...] = ("yes_no", "classes", "count", "amount", "uplift")
        for kind in kinds:
            add_head(con, base, head(kind, features), kind)
        add_head(con, base, head("yes_no", features), "silent", rates=False)
    return path


@pytest.fixture(scope="module")
def con(heads_file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The file, to be read alone."""
    with sqlscore.connect(heads_file, read_only=True) as own:
        yield own


@pytest.fixture
def own(heads_file: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A file of its own."""
    with sqlscore.connect(shutil.copy(heads_file, tmp_path / "heads.duckdb")) as copy:
        yield copy


def shapley(value: Callable[[tuple[int, ...]], float], players: int, baseline: float) -> list[float]:
    """The definition: what each adds to those before it, averaged over all orders."""
    orders = list(permutations(range(players)))
    found = [0.0] * players
    for order in orders:
        before = baseline
        for place, player in enumerate(order):
            after = value(tuple(sorted(order[: place + 1])))
            found[player] += (after - before) / len(orders)
            before = after
    return found


@pytest.mark.parametrize(("label", "answer", "baseline"), ASKED)
def test_weights_are_the_shapley_values_of_what_the_head_says_at_the_last_event(
    con: duckdb.DuckDBPyConnection, label: str, answer: str, baseline: str
) -> None:
    """Every history of some of four events is asked for, as of the last of the four; silence is no event."""
    ask = answer.replace("(e,", "(list(e),").replace("propensity", "list_propensity")
    ask = ask.replace("expected_value", "list_expected_value").removesuffix(")") + ", as_of := $at)"
    times = [row[0] for row in con.execute("SELECT event_time FROM e WHERE user_id = 5 ORDER BY ALL").fetchall()][1:]

    def value(subset: tuple[int, ...], at: dt.datetime = times[-1]) -> float:
        chosen = [times[i] for i in subset]
        query = f"SELECT {ask} FROM e WHERE user_id = 5 AND event_time IN $chosen AND price > 0"
        return float(con.execute(query, {"chosen": chosen, "at": at}).fetchall()[0][0])

    expected = shapley(value, 4, float(baseline))
    found = con.execute(
        f"""SELECT list_explain_label(list(e), {label}, k := NULL, as_of := {LATER})
            FROM e WHERE user_id = 5 AND price > 0"""
    ).fetchall()[0][0]
    at = dt.datetime(2024, 2, 1)
    by_time = {reason["event_time"]: reason["weight"] for reason in found}
    assert [by_time[time] for time in times] == pytest.approx(expected, abs=1e-5, rel=1e-4)
    assert by_time[at] == pytest.approx(value((0, 1, 2, 3), at) - value((0, 1, 2, 3)), abs=1e-5, rel=1e-4)
    assert [reason["action"] for reason in found if reason["event_time"] == at] == ["(silence)"]
    assert max(map(abs, expected)) > 0.01


@pytest.mark.parametrize(("label", "answer", "baseline"), ASKED)
def test_weights_sum_to_the_answer_minus_what_is_usual(
    con: duckdb.DuckDBPyConnection, label: str, answer: str, baseline: str
) -> None:
    """Users with one event, ties and long histories included, at a later moment too."""
    rows = con.execute(
        f"""SELECT user_id, {answer} - {baseline} AS now, {answer.removesuffix(")")}, as_of := {LATER}) - {baseline},
                   list_sum(list_transform(explain_label(e, {label}, k := NULL), lambda w: w.weight)),
                   list_sum(list_transform(explain_label(e, {label}, k := NULL, as_of := {LATER}), lambda w: w.weight))
            FROM e GROUP BY user_id"""
    ).fetchall()
    assert len(rows) == 8
    for user, now, later, total_now, total_later in rows:
        assert total_now == pytest.approx(now, abs=1e-5, rel=1e-4), user
        assert total_later == pytest.approx(later, abs=1e-5, rel=1e-4), user


def test_of_classes_the_most_likely_value_is_explained(con: duckdb.DuckDBPyConnection) -> None:
    """Which one that is may differ between users of a query."""
    ways = ", ".join(f"propensity(e, 'classes', value := '{value}')" for value in ("badge", "it''s", "none"))
    rows = con.execute(
        f"""SELECT [{ways}], list_sum(list_transform(explain_label(e, 'classes', k := NULL), lambda w: w.weight))
            FROM e GROUP BY user_id"""
    ).fetchall()
    likeliest = [int(np.argmax(told)) for told, _ in rows]
    assert len(set(likeliest)) > 1
    for (told, total), best in zip(rows, likeliest, strict=True):
        assert total == pytest.approx(told[best] - SHARES["classes"][best], abs=1e-5)


@pytest.mark.parametrize(("label", "answer"), [("silent", "propensity"), ("uplift", "uplift")])
def test_a_head_that_notes_no_rates_starts_from_the_average_user(
    con: duckdb.DuckDBPyConnection, label: str, answer: str
) -> None:
    """One of before, and an uplift, whose labels nobody has: the same start for everybody, which is the middle."""
    starts = con.execute(
        f"""SELECT {answer}(e, '{label}') - list_sum(list_transform(
                explain_label(e, '{label}', k := NULL), lambda w: w.weight)) FROM e GROUP BY user_id"""
    ).fetchnumpy()
    start = next(iter(starts.values()))
    np.testing.assert_allclose(start, start[0], atol=1e-5)
    own = catalog(con).finetuned(label, "events").head
    average = own.mean[None].astype(np.float32)
    told = own.uplift(average) if label == "uplift" else own.probabilities(average)[:, 1]
    assert start[0] == pytest.approx(float(told[0]), abs=1e-5)


def test_forms_orders_threads_and_neighbours_agree(own: duckdb.DuckDBPyConnection) -> None:
    """The same events have the same reasons."""
    query = "SELECT user_id, {}, {} FROM {} GROUP BY user_id ORDER BY user_id"
    rows = ("explain_label(e, 'yes_no', k := NULL)", "explain_label(e, 'amount')")
    lists = ("list_explain_label(list(e), 'yes_no', k := NULL)", "list_explain_label(list(e), 'amount')")
    expected = own.execute(query.format(*rows, "e")).fetchall()
    shuffled, alone = "(FROM e ORDER BY hash(event_time)) e", "(FROM e WHERE user_id = 33) e"
    for calls, source in ((lists, "e"), (lists, shuffled), (rows, shuffled), (rows, alone)):
        STATES.clear()
        found = own.execute(query.format(*calls, source)).fetchall()
        assert_same(found, [row for row in expected if source is not alone or row[0] == 33])
    own.execute("SET threads = 1")
    assert_same(own.execute(query.format(*rows, "e")).fetchall(), expected)


def assert_same(found: list[tuple[Any, ...]], expected: list[tuple[Any, ...]]) -> None:
    """The same reasons in the same order; products of matrices may differ in their last bits."""
    assert [row[0] for row in found] == [row[0] for row in expected]
    for one, other in zip(found, expected, strict=True):
        for mine, theirs in zip(one[1:], other[1:], strict=True):
            assert [(w["event_time"], w["action"]) for w in mine] == [(w["event_time"], w["action"]) for w in theirs]
            assert [w["weight"] for w in mine] == pytest.approx([w["weight"] for w in theirs], abs=1e-6, rel=1e-5)


def test_k_takes_the_largest_first(con: duckdb.DuckDBPyConnection) -> None:
    default, two, every = con.execute(
        f"""SELECT explain_label(e, 'yes_no', as_of := {LATER}), explain_label(e, 'yes_no', k := 2, as_of := {LATER}),
                   explain_label(e, 'yes_no', k := NULL, as_of := {LATER}) FROM e WHERE user_id = 10 GROUP BY user_id"""
    ).fetchall()[0]
    assert (len(default), len(two), len(every)) == (5, 2, 11)  # ten events and the silence
    assert default == every[:5]
    assert two == every[:2]
    sizes = [abs(reason["weight"]) for reason in every]
    assert sizes == sorted(sizes, reverse=True)


def test_reasons_over_a_window_do_not_look_ahead(con: duckdb.DuckDBPyConnection) -> None:
    """One row an event: the reasons at each moment, without silence, which GROUP BY of what came before gives too."""
    rows = con.execute(
        """SELECT event_time, explain_label(e, 'count', as_of := e.event_time, k := NULL) OVER (
               PARTITION BY user_id ORDER BY event_time, event_type ROWS UNBOUNDED PRECEDING) AS w
           FROM (FROM e WHERE user_id = 9) e ORDER BY event_time"""
    ).fetchall()
    assert [len(reasons) for _, reasons in rows] == list(range(1, 10))
    assert all(reason["event_time"] <= time for time, reasons in rows for reason in reasons)
    grouped = con.execute(
        """SELECT max(event_time), explain_label(e, 'count', as_of := max(event_time), k := NULL)
           FROM (FROM e WHERE user_id = 9 ORDER BY event_time LIMIT 6) e GROUP BY user_id"""
    ).fetchall()
    assert_same(grouped, rows[5:6])


@pytest.mark.parametrize("fold", [True, False])
def test_a_subset_has_the_number_of_its_events(own: duckdb.DuckDBPyConnection, fold: bool) -> None:
    """A head that reads how many events there are and nothing else; older ones stand together and count as so many.

    The log of the number is concave, and symmetric in the events: single ones have equal weights.
    """
    register(own, tiny_artifact(fold=fold), name="tiny", mapping="events", champion=True, verb="train")
    base = catalog(own).artifact("tiny", "events")
    columns = read_of(own, base).shape[1]
    weights = np.zeros((columns, 1))
    weights[2] = 1.0  # log of one more than the number
    counting = Head(
        "yes_no", ("false", "true"), np.zeros(columns), np.ones(columns), weights, np.array([-3.0]),
        np.array([1.0, 0.0]), np.zeros(0), np.zeros(4), np.zeros(0),
    )  # fmt: skip
    add_head(own, base, counting, "counting")

    def told(n: int) -> float:
        return 1 / (1 + math.exp(3 - math.log1p(n)))

    for user, n in ((5, 5), (50, 50)):
        reasons = own.execute(
            "SELECT explain_label(e, 'counting', k := NULL, as_of := max(event_time)) FROM e WHERE user_id = $1", [user]
        ).fetchall()[0][0]
        assert sum(reason["weight"] for reason in reasons) == pytest.approx(told(n) - 0.2, abs=1e-5)
        single = [reason["weight"] for reason in reasons if reason["action"] != "(earlier events)"]
        assert len(single) == min(n, SINGLE)
        if user == 5:
            assert single == pytest.approx([(told(5) - 0.2) / 5] * 5, abs=1e-6)
        else:
            (earlier,) = [reason["weight"] for reason in reasons if reason["action"] == "(earlier events)"]
            assert earlier > 5 * max(single)


def test_events_beyond_those_that_a_base_reads_stay_counted(own: duckdb.DuckDBPyConnection) -> None:
    """A base that reads the newest four has reasons of these alone, and the sum is still the answer's."""
    register(own, tiny_artifact(fold=False, max_events=4), name="tiny", mapping="events", champion=True, verb="train")
    base = catalog(own).artifact("tiny", "events")
    add_head(own, base, head("yes_no", read_of(own, base)), "short")
    rows = own.execute(
        """SELECT count(*), explain_label(e, 'short', k := NULL, as_of := max(event_time)),
                  propensity(e, 'short', as_of := max(event_time)) - 0.2 FROM e GROUP BY user_id"""
    ).fetchall()
    for n, reasons, difference in rows:
        assert len(reasons) == min(n, 4)
        assert sum(reason["weight"] for reason in reasons) == pytest.approx(difference, abs=1e-5)


def test_nothing_to_explain_is_null(con: duckdb.DuckDBPyConnection) -> None:
    row = con.execute(
        """SELECT list_explain_label([], 'yes_no'), list_explain_label(NULL, 'yes_no'),
                  list_explain_label([{'event_time': NULL::TIMESTAMP, 'event_type': 'view', 'price': 1.0}], 'yes_no')"""
    ).fetchall()
    assert row == [(None,) * 3]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("explain_label(e, 'tea')", "there is no fine-tuned label 'tea' .*yes_no@1"),
        ("explain_label(e, NULL)", "label is NULL: name what sqlscore finetune learned"),
        ("explain_label(e, 'gru')", "there is no fine-tuned label 'gru'"),
        ("explain_label(e, 'classes', value := 'tea')", "has no value 'tea': its values are badge, it's, none"),
        ("explain_label(e, 'yes_no', value := 3)", "value is 3, and the label yes_no@1 is yes_no"),
        ("explain_label(e, 'uplift', value := true)", "value is True, and uplift@1 learned an intervention"),
        ("explain_label(e, 'yes_no', k := 0)", "k must be a whole number.*found 0"),
        ("explain_label(e, 'yes_no', as_of := TIMESTAMP '2023-01-01')", "is later than as_of 2023-01-01"),
        ("list_explain_label(['view'], 'yes_no')", "a plain list of actions has no times"),
    ],
)
def test_a_wrong_call_says_what_to_do(con: duckdb.DuckDBPyConnection, call: str, said: str) -> None:
    with pytest.raises(duckdb.Error, match=said):
        con.execute(f"SELECT {call} FROM e WHERE user_id = 5").fetchall()


def test_base_rates_of_another_kind_of_label_are_refused(own: duckdb.DuckDBPyConnection) -> None:
    """A manifest that somebody edited says so, not an error of numpy."""
    base = catalog(own).artifact(None, "events")
    wrong = head("classes", read_of(own, base))
    manifest = head_manifest(base, wrong, {}, trained=(0, 1), notes={"base_rates": {"shares": [1.0]}}, metrics={})
    data = pack_head(wrong, manifest)
    with pytest.raises(ArtifactError, match="base rates are not those of a label that is 'classes'"):
        load_head(data, sha256_of(data), "w@1")
