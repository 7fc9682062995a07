"""A label that SQL expresses, learned on a model that stays as it is: on a real question-and-answer site."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from typer.testing import CliRunner

import sqlscore
from sqlscore.cli.app import app
from sqlscore.errors import ArtifactError, ModelError, TrainingError
from sqlscore.quoting import literal

WEEKS = 4
MOMENTS = f"""SELECT unnest(generate_series(
    TIMESTAMP '2018-04-15', TIMESTAMP '2018-08-01', INTERVAL {WEEKS} WEEK)) AS as_of"""
NEWEST = "2018-09-02 01:35:17.117"


def labels(what: str) -> str:
    """A query for what each user does in the weeks after each moment: `within` is the condition of an event."""
    within = f"e.event_time > m.as_of AND e.event_time <= m.as_of + INTERVAL {WEEKS} WEEK"
    return f"""WITH moments AS ({MOMENTS})
        SELECT e.user_id, m.as_of, m.as_of + INTERVAL {WEEKS} WEEK AS known_at, {what.format(within=within)} AS label
        FROM ev e CROSS JOIN moments m WHERE hash(e.user_id) % 3 = 0 GROUP BY ALL HAVING min(e.event_time) <= m.as_of"""


COMES_BACK = labels("count(*) FILTER ({within}) > 0")
HOW_MANY = labels("count(*) FILTER ({within})")
HOW_MUCH = labels("coalesce(sum(abs(e.score)) FILTER ({within}), 0) * 1.5")
WHAT = labels(
    "CASE WHEN count(*) FILTER ({within} AND e.event_type = 'badge') > 0 THEN 'badge' "
    "WHEN count(*) FILTER ({within}) > 0 THEN 'other' ELSE 'nothing' END"
)


@pytest.fixture(scope="module")
def site(data: Path, empty_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site with a model of counts, and a head of each kind."""
    path = Path(shutil.copy(empty_file, tmp_path_factory.mktemp("finetune") / "site.duckdb"))
    with sqlscore.connect(path) as con:
        file = literal(str(data / "stackexchange_quantum/events.parquet"))
        con.execute(f"CREATE TABLE ev AS SELECT user_id, ts AS event_time, event_type, score FROM {file}")
        sqlscore.map_events(con, "ev", features=["score"])
        sqlscore.train(con, architecture="markov")
        for name, query in (("back", COMES_BACK), ("many", HOW_MANY), ("much", HOW_MUCH), ("what", WHAT)):
            sqlscore.finetune(con, query, name=name)
    return path


@pytest.fixture
def con(site: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A file of its own."""
    with sqlscore.connect(shutil.copy(site, tmp_path / "site.duckdb")) as own:
        yield own


@pytest.fixture(scope="module")
def read(site: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The file, to be read alone."""
    with sqlscore.connect(site, read_only=True) as own:
        yield own


def figures(con: duckdb.DuckDBPyConnection, name: str) -> dict[str, Any]:
    return sqlscore.evaluate(con, name)


@pytest.mark.slow
def test_the_kind_of_a_label_is_that_of_its_column(read: duckdb.DuckDBPyConnection) -> None:
    kinds = {name: figures(read, name)["kind"] for name in ("back", "many", "much", "what")}
    assert kinds == {"back": "yes_no", "many": "count", "much": "amount", "what": "classes"}


@pytest.mark.parametrize("name", ["back", "many", "much", "what"])
def test_later_moments_and_other_users_are_judged_apart_and_beside_baselines(
    read: duckdb.DuckDBPyConnection, name: str
) -> None:
    """Each part has all baselines on the same labels; a head that says less than the mean of all labels is broken."""
    found = figures(read, name)
    assert set(found["label"]) == {"later", "other_users"}
    for part in found["label"].values():
        assert {"base_rate", "last_time", "logistic_regression"} <= set(part["baselines"])
        assert {peer["n"] for peer in part["baselines"].values()} == {part["n"]}
        assert part["loss"] < part["baselines"]["base_rate"]["loss"]
    assert len(found["verdict"]) == 2


def test_figures_of_labels_that_do_not_say_when_they_were_known_say_so(con: duckdb.DuckDBPyConnection) -> None:
    """Outcomes may reach into what is judged: that stands with the figures whenever they are read."""
    sqlscore.finetune(con, f"SELECT * EXCLUDE known_at FROM ({COMES_BACK})", name="unsaid")
    assert any("do not say when they were known" in sentence for sentence in figures(con, "unsaid")["verdict"])


def test_probabilities_of_a_yes_no_label_rank_and_are_calibrated(read: duckdb.DuckDBPyConnection) -> None:
    later = figures(read, "back")["label"]["later"]
    assert later["auc"] > 0.7
    assert later["calibration_error"] < 0.1
    assert abs(later["mean_probability"] - later["share"]) < 0.1


def test_quantiles_of_numbers_cover_what_came(read: duckdb.DuckDBPyConnection) -> None:
    """Most users do nothing: an interval that begins at nothing holds more than it names."""
    for name in ("many", "much"):
        for part in figures(read, name)["label"].values():
            assert part["coverage_80"] > 0.75
            assert part["below_p90"] > 0.85


def test_a_verdict_names_a_baseline_that_is_better(con: duckdb.DuckDBPyConnection) -> None:
    """A label that repeats what a user's last one was, whatever the user does, is best guessed by that."""
    always = labels("hash(e.user_id) % 2 = 0")
    found = sqlscore.finetune(con, always, name="parity").metrics
    assert found["label"]["later"]["baselines"]["last_time"]["better"] < -2
    assert "worse than the user's last label" in found["verdict"][0]


def test_a_score_is_that_of_the_events_up_to_its_moment(read: duckdb.DuckDBPyConnection) -> None:
    """GROUP BY over what came before, OVER, a list, and a file that ends there say the same."""
    grouped = read.execute(
        """SELECT user_id, propensity(e, 'back', as_of := TIMESTAMP '2018-06-01'),
                  expected_value(e, 'much', as_of := TIMESTAMP '2018-06-01')
           FROM (FROM ev WHERE event_time <= TIMESTAMP '2018-06-01') e GROUP BY user_id ORDER BY user_id"""
    ).fetchnumpy()
    listed = read.execute(
        """SELECT user_id, list_propensity(list(e), 'back', as_of := DATE '2018-06-01'),
                  list_expected_value(list(e), 'much', as_of := DATE '2018-06-01')
           FROM (FROM ev WHERE event_time <= TIMESTAMP '2018-06-01') e GROUP BY user_id ORDER BY user_id"""
    ).fetchnumpy()
    for one, other in zip(list(grouped.values())[1:], list(listed.values())[1:], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
    windowed = """SELECT user_id, event_time, propensity(e, 'back', as_of := e.event_time) OVER (
            PARTITION BY user_id ORDER BY event_time RANGE UNBOUNDED PRECEDING) AS p FROM ev e"""
    last = f"SELECT user_id, max(p) AS p FROM ({windowed}) WHERE event_time = TIMESTAMP '{{}}' GROUP BY user_id"
    user, at = read.execute("SELECT user_id, max(event_time) FROM ev GROUP BY ALL ORDER BY ALL LIMIT 1").fetchall()[0]
    by_window = read.execute(last.format(at)).fetchall()
    alone = read.execute(
        f"SELECT propensity(e, 'back', as_of := TIMESTAMP '{at}') FROM ev e WHERE user_id = $1",
        [user],
    ).fetchall()
    assert dict(by_window)[user] == pytest.approx(alone[0][0], rel=1e-5)


def test_what_was_learned_from_is_what_sql_scores(con: duckdb.DuckDBPyConnection) -> None:
    """The mean probability at a label's moments, over events up to there, is about the share of true labels there."""
    con.execute(f"CREATE TABLE l AS {COMES_BACK}")
    scored = con.execute(
        """SELECT avg(p), avg(l.label::INT) FROM (FROM l WHERE as_of = TIMESTAMP '2018-06-10') l JOIN (
               SELECT user_id, propensity(e, 'back', as_of := TIMESTAMP '2018-06-10') AS p
               FROM (FROM ev WHERE event_time <= TIMESTAMP '2018-06-10') e GROUP BY user_id) s USING (user_id)"""
    ).fetchall()[0]
    assert scored[0] == pytest.approx(scored[1], abs=0.05)


def test_later_events_change_no_head(con: duckdb.DuckDBPyConnection) -> None:
    """Features end at as_of: labels of one past moment, kept in a table, give the same head whatever follows."""
    con.execute(f"CREATE TABLE kept AS FROM ({COMES_BACK}) WHERE as_of <= TIMESTAMP '2018-06-10'")
    query = "SELECT user_id, as_of, known_at, label FROM kept"
    first = sqlscore.finetune(con, query, name="kept")
    con.execute("INSERT INTO ev SELECT user_id, TIMESTAMP '2018-09-01', 'answer', 1 FROM kept")
    second = sqlscore.finetune(con, query, name="kept")
    assert first.metrics["label"] == second.metrics["label"]


def test_numbers_have_means_and_quantiles(read: duckdb.DuckDBPyConnection) -> None:
    """Quantiles rise; those of a count are whole; the mean of a yes/no label is its probability."""
    rows = read.execute(
        """SELECT value_quantiles(e, 'much', quantiles := [0.1, 0.5, 0.9, 0.99]), value_quantiles(e, 'many'),
                  expected_value(e, 'much'), propensity(e, 'back'), expected_value(e, 'back')
           FROM ev e GROUP BY user_id"""
    ).fetchall()
    for much, many, mean, probability, same in rows:
        assert much == sorted(much)
        assert many == [round(each) for each in many]
        assert mean >= 0
        assert 0 < probability < 1
        assert probability == pytest.approx(same, rel=1e-6)


def test_classes_have_a_probability_each(read: duckdb.DuckDBPyConnection) -> None:
    values = [row[0] for row in read.execute(f"SELECT DISTINCT label FROM ({WHAT})").fetchall()]
    terms = " + ".join(f"propensity(e, 'what', value := {literal(value)})" for value in values)
    totals = read.execute(f"SELECT {terms} FROM ev e GROUP BY user_id").fetchnumpy()
    np.testing.assert_allclose(next(iter(totals.values())), 1.0, atol=1e-5)
    with pytest.raises(duckdb.Error, match="has the values .*propensity needs one of them"):
        read.execute("SELECT propensity(e, 'what') FROM ev e GROUP BY user_id").fetchall()
    with pytest.raises(duckdb.Error, match="has no value 'tea'"):
        read.execute("SELECT propensity(e, 'what', value := 'tea') FROM ev e GROUP BY user_id").fetchall()


def test_explanations_start_from_the_mean_of_what_was_learned(read: duckdb.DuckDBPyConnection) -> None:
    """Of each kind of label; what the events and the silence add to it is the answer, with a trained head too."""
    means = f"""SELECT (SELECT avg(label::INT) FROM ({COMES_BACK})), (SELECT avg(label) FROM ({HOW_MANY})),
                       (SELECT avg(label) FROM ({HOW_MUCH})), (SELECT avg((label = 'badge')::INT) FROM ({WHAT}))"""
    expected = read.execute(means).fetchall()[0]
    calls = (("back", "propensity", ""), ("many", "expected_value", ""), ("much", "expected_value", ""),
             ("what", "propensity", ", value := 'badge'"))  # fmt: skip
    starts = ", ".join(
        f"""{answer}(e, '{label}'{value}) - list_sum(list_transform(
            explain_label(e, '{label}'{value}, k := NULL), lambda w: w.weight))"""
        for label, answer, value in calls
    )
    rows = read.execute(f"SELECT {starts} FROM (FROM ev WHERE hash(user_id) % 50 = 0) e GROUP BY user_id").fetchall()
    assert len(rows) > 10
    for row in rows:
        assert row == pytest.approx(expected, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("propensity(e, 'tea')", "there is no fine-tuned label 'tea'.*back@1"),
        ("propensity(e, 'back', value := 3)", "value is 3, and the label back@1 is yes_no"),
        ("value_quantiles(e, 'back')", "needs a label that is a number, and this one is yes_no"),
        ("expected_value(e, 'what')", "needs a label that is a number, and this one is classes"),
        ("propensity(e, 'events')", "there is no fine-tuned label 'events'"),
        ("predict_next_action(e, model := 'back')", r"back@1 is a fine-tuned head.*propensity\(e, 'back'\)"),
        ("list_propensity(['ask'], 'back')", "a plain list of actions has no times"),
        ("propensity(e, 'back', as_of := TIMESTAMP '2018-01-01')", "is later than as_of"),
        ("value_quantiles(e, 'much', quantiles := [2])", "numbers from 0 to 1, found 2"),
    ],
)
def test_a_wrong_call_says_what_to_do(read: duckdb.DuckDBPyConnection, call: str, said: str) -> None:
    user = read.execute("SELECT user_id FROM ev ORDER BY user_id LIMIT 1").fetchall()[0][0]
    with pytest.raises(duckdb.Error, match=said):
        read.execute(f"SELECT {call} FROM ev e WHERE user_id = $1", [user]).fetchall()


GOOD = "SELECT user_id, TIMESTAMP '2018-06-10' AS as_of, score > 0 AS label FROM ev"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT user_id, label FROM l", 'lack the column "as_of"'),
        ("SELECT user_id, 5 AS as_of, label FROM l", '"as_of" of the labels has type INTEGER, expected TIMESTAMP'),
        ("SELECT user_id, as_of, NULL::BOOLEAN AS label FROM l", '"label" is NULL.*coalesce'),
        ("SELECT NULL::VARCHAR AS user_id, as_of, label FROM l", '"user_id" of the labels is NULL'),
        ("SELECT user_id, NULL::TIMESTAMP AS as_of, label FROM l", '"as_of" of the labels is NULL'),
        ("SELECT user_id, TIMESTAMP '2030-01-01' AS as_of, label FROM l", '"as_of" of the labels is after the newest'),
        (f"SELECT user_id, TIMESTAMP '{NEWEST}' AS as_of, label FROM l", "is that of the newest event"),
        ("FROM l UNION ALL FROM l", '"user_id" and "as_of" of the labels are .* in 2 rows'),
        ("SELECT user_id || 'x' AS user_id, as_of, label FROM l", "has no event mapped as"),
        ("SELECT user_id, TIMESTAMP '2000-01-01' AS as_of, label FROM l", "before the first event of that user"),
        ("SELECT *, as_of AS known_at FROM l", '"known_at" of the labels is not after as_of.*see the label'),
        ("SELECT *, TIMESTAMP '2030-01-01' AS known_at FROM l", '"known_at" of the labels is after the newest event'),
        ("SELECT user_id, as_of, true AS label FROM l", "is True in all rows"),
        ("SELECT user_id, as_of, -1.5 AS label FROM l", "needs finite numbers from 0 on"),
        ("SELECT user_id, as_of, [1] AS label FROM l", "expected BOOLEAN, a number or text"),
        ("SELECT user_id, as_of, user_id AS label FROM l", "classes need 2 to 50"),
        ("FROM l LIMIT 5", "there are 5 labels, and at least 20"),
        ("DROP TABLE ev", "pass one SELECT"),
        ("SELECT user_id, as_of, label FROM nowhere", "cannot be read"),
    ],
)
def test_labels_that_cannot_be_learned_from_are_refused(con: duckdb.DuckDBPyConnection, query: str, said: str) -> None:
    """Each error names the column, a value and the remedy; nothing is registered, and nothing in the file changes."""
    con.execute(
        """CREATE TABLE l AS SELECT user_id, TIMESTAMP '2018-06-10' AS as_of, bool_or(score > 1) AS label FROM ev
           WHERE event_time <= TIMESTAMP '2018-06-10' AND score IS NOT NULL GROUP BY ALL"""
    )
    with pytest.raises(TrainingError, match=said):
        sqlscore.finetune(con, query, name="refused", allow_leak=["as-of", "unbounded-join"])
    assert not [m for m in sqlscore.list_models(con) if m.name == "refused"]
    assert con.execute("SELECT count(*) > 0 FROM ev").fetchall() == [(True,)]


def test_a_query_that_the_linter_rejects_is_not_learned(con: duckdb.DuckDBPyConnection) -> None:
    """It may pass by name, and that is noted with the head."""
    leaking = """SELECT user_id, TIMESTAMP '2018-06-10' AS as_of,
               count(*) FILTER (event_time > TIMESTAMP '2018-06-10') > 0 AS label
           FROM ev GROUP BY user_id HAVING min(event_time) <= TIMESTAMP '2018-06-10'"""
    with pytest.raises(TrainingError, match="--allow-leak unbounded-join"):
        sqlscore.finetune(con, leaking, name="leaking")
    info = sqlscore.finetune(con, leaking, name="leaking", allow_leak=["unbounded-join"])
    assert {one["rule"] for one in info.notes["allowed_leaks"]} == {"unbounded-join"}


def test_a_head_is_listed_and_needs_its_base(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """It has a hash and says on which model it stands; it is never champion; the base stays while it is needed."""
    info = next(m for m in sqlscore.list_models(con) if m.label == "back@1")
    base = next(m for m in sqlscore.list_models(con) if m.is_champion)
    assert (info.is_head, info.architecture, info.heads) == (True, "head", ("label",))
    manifest = con.execute("SELECT manifest -> '$.config' FROM sqlscore.models WHERE name = 'back'").fetchall()[0][0]
    assert base.sha256 in manifest
    with pytest.raises(ModelError, match="cannot be champion"):
        sqlscore.promote(con, "back@1", force=True)
    with pytest.raises(ModelError, match="events@1 is the base of back@1"):
        sqlscore.drop_model(con, "events@1")
    with pytest.raises(ModelError, match="is the name of a model"):
        sqlscore.finetune(con, COMES_BACK, name="events")
    with pytest.raises(ModelError, match="is the name of a fine-tuned head"):
        sqlscore.train(con, architecture="markov", name="back")
    sqlscore.export_model(con, "back", tmp_path / "back.sqlscore")
    for name in ("back", "many", "much", "what"):
        sqlscore.drop_model(con, f"{name}@1")
    again = sqlscore.import_model(con, tmp_path / "back.sqlscore", name="back")
    assert (again.label, again.sha256) == ("back@2", info.sha256)
    assert sqlscore.status(con).problems == () or all("back" not in p.what for p in sqlscore.status(con).problems)


def test_a_head_that_was_changed_is_not_used(con: duckdb.DuckDBPyConnection, site: Path) -> None:
    con.execute("UPDATE sqlscore.models SET artifact = artifact || '\\x00'::BLOB WHERE name = 'back'")
    path = con.execute("SELECT path FROM duckdb_databases() WHERE path IS NOT NULL").fetchall()[0][0]
    con.close()
    with sqlscore.connect(path) as changed, pytest.raises(duckdb.Error, match="changed or damaged"):
        changed.execute("SELECT propensity(e, 'back') FROM ev e GROUP BY user_id").fetchall()


def test_a_head_without_its_base_is_not_imported(con: duckdb.DuckDBPyConnection, shop: object, tmp_path: Path) -> None:
    sqlscore.export_model(con, "back", tmp_path / "back.sqlscore")
    with pytest.raises(ModelError, match="was fine-tuned on events@1, which is not registered"):
        sqlscore.import_model(shop, tmp_path / "back.sqlscore", name="back")  # type: ignore[arg-type]
    assert issubclass(ArtifactError, ModelError)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_head(con: duckdb.DuckDBPyConnection) -> None:
    one, two = (sqlscore.finetune(con, COMES_BACK, name=name) for name in ("one", "two"))
    assert one.metrics == two.metrics
    numbers = "SELECT propensity(e, 'one') = propensity(e, 'two') FROM ev e GROUP BY user_id"
    assert set(con.execute(numbers).fetchall()) == {(True,)}


def test_the_command_shows_the_head_beside_its_baselines(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = con.execute("SELECT path FROM duckdb_databases() WHERE path IS NOT NULL").fetchall()[0][0]
    con.close()
    (tmp_path / "back.sql").write_text(COMES_BACK)
    ran = CliRunner().invoke(app, ["finetune", path, "--name", "again", "--labels", str(tmp_path / "back.sql")])
    assert ran.exit_code == 0, ran.output
    for word in ("again@1", "later moments", "other users", "logistic regression", "On users that it never saw"):
        assert word in ran.output
    judged = CliRunner().invoke(app, ["evaluate", path, "--model", "again"])
    assert "on later moments" in judged.output
    listed = CliRunner().invoke(app, ["models", path])
    assert "again@1" in listed.output


LABELLED = """SELECT * EXCLUDE (scored_at) FROM sqlscore.scored_labels ORDER BY label, user_id"""


def labelled(con: duckdb.DuckDBPyConnection) -> tuple[list[tuple[Any, ...]], np.ndarray]:
    """The table's texts and times, and its numbers."""
    texts = con.execute(
        """SELECT user_id, label, kind, predicted_value, model, base, as_of FROM sqlscore.scored_labels
           ORDER BY label, user_id"""
    ).fetchall()
    numbers = con.execute(
        """SELECT propensity, expected_value, p10, p50, p90 FROM sqlscore.scored_labels ORDER BY label, user_id"""
    ).fetchnumpy()
    return texts, np.stack([np.ma.filled(column.astype(float), -1.0) for column in numbers.values()])


def test_a_refresh_writes_what_the_functions_say(con: duckdb.DuckDBPyConnection) -> None:
    """Bulk is ad hoc, for every kind of label, one row a user and a label."""
    report = sqlscore.refresh(con)
    assert report.tables["scored_labels"] == 4 * report.tables["scored_users"]
    differ = con.execute(
        """SELECT max(abs(p - propensity)), max(abs(v - expected_value) / (1 + v)), max(abs(q[3] - p90) / (1 + q[3]))
           FROM sqlscore.scored_labels JOIN (
               SELECT user_id, propensity(e, 'much') AS p, expected_value(e, 'much') AS v,
                      value_quantiles(e, 'much') AS q
               FROM ev e GROUP BY user_id) USING (user_id) WHERE label = 'much'"""
    ).fetchall()[0]
    assert max(differ) < 1e-5
    likeliest = con.execute(
        """SELECT count(*), max(abs(p - propensity)) FROM sqlscore.scored_labels JOIN (
               SELECT user_id, propensity(e, 'what', value := 'nothing') AS p FROM ev e GROUP BY user_id
           ) USING (user_id)
           WHERE label = 'what' AND predicted_value = 'nothing'"""
    ).fetchall()[0]
    assert likeliest[0] > 0
    assert likeliest[1] < 1e-5


def test_an_incremental_refresh_leaves_the_labels_of_a_full_one(con: duckdb.DuckDBPyConnection) -> None:
    """New events, new users and the passing of time move the labels of everybody as a full refresh does."""
    sqlscore.refresh(con)
    con.execute(
        """INSERT INTO ev SELECT user_id, TIMESTAMP '2018-09-03' + to_minutes(row_number() OVER ()), 'answer', 2
           FROM (SELECT DISTINCT user_id FROM ev ORDER BY ALL LIMIT 30)"""
    )
    con.execute("INSERT INTO ev VALUES ('new', TIMESTAMP '2018-09-03', 'register', NULL)")
    assert sqlscore.refresh(con).kind == "incremental"
    texts, numbers = labelled(con)
    assert sqlscore.refresh(con, full=True).kind == "full"
    assert labelled(con)[0] == texts
    np.testing.assert_allclose(labelled(con)[1], numbers, rtol=1e-5, atol=1e-6)


def test_heads_stay_on_their_base_when_the_champion_is_another(con: duckdb.DuckDBPyConnection) -> None:
    """A nightly training must not change what a label means; the refresh says what that costs."""
    sqlscore.refresh(con)
    texts, numbers = labelled(con)
    sqlscore.train(con, architecture="markov", seed=1, max_events=5_000)
    report = sqlscore.refresh(con)
    assert any("stand on events@1, not on events@2" in note for note in report.notes)
    assert labelled(con)[0] == texts
    np.testing.assert_allclose(labelled(con)[1], numbers, rtol=1e-5, atol=1e-6)


def test_the_labels_of_a_user_are_forgotten_and_go_with_the_last_head(con: duckdb.DuckDBPyConnection) -> None:
    sqlscore.refresh(con)
    user = con.execute("SELECT min(user_id) FROM ev").fetchall()[0][0]
    assert sqlscore.forget_user(con, user)["scored_labels"] == 4
    for name in ("back", "many", "much", "what"):
        sqlscore.drop_model(con, name)
    assert "scored_labels" not in sqlscore.refresh(con).tables
    with pytest.raises(duckdb.CatalogException):
        con.execute(LABELLED)
