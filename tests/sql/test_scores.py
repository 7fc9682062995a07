"""Score views: what they hold before and after a refresh, with hostile column names, and for any type of user."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register

METRICS = """{"next_action": {"n": 3, "accuracy": 0.5, "baselines": {"majority": {"accuracy": 0.25}}}}"""


def columns(con: duckdb.DuckDBPyConnection, relation: str) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in con.execute(f"DESCRIBE FROM {relation}").fetchall()]


def test_live_views_hold_what_the_functions_return(shop: duckdb.DuckDBPyConnection) -> None:
    """A view is the call written out, under the user's column names or the canonical ones."""
    same = shop.execute(
        """SELECT count(*), count(*) FILTER (WHERE f.next = u.next_action AND f.risk = u.churn_risk)
        FROM sqlscore.live_scored_users AS u JOIN (
            SELECT "client id" AS user_id, predict_next_action(c) AS next, churn_risk(c) AS risk
            FROM clicks c GROUP BY ALL
        ) AS f ON f.user_id = u.user_id"""
    ).fetchone()
    assert same == (40, 40)


def test_a_session_is_scored_from_its_own_events_as_of_its_end(shop: duckdb.DuckDBPyConnection) -> None:
    """Later sessions of the user would be a look into the future."""
    rows = shop.execute(
        """SELECT count(*) FILTER (WHERE as_of = session_end AND last_event_time = session_end AND n_events = 1)
        FROM sqlscore.live_scored_sessions"""
    ).fetchone()
    assert rows == (200,)


@pytest.mark.parametrize("name", ["scored_users", "scored_sessions"])
def test_a_refreshed_table_has_the_columns_of_the_view_that_it_replaces(
    shop: duckdb.DuckDBPyConnection, name: str
) -> None:
    """Views over it go on working, and so does whoever reads it."""
    before = columns(shop, f"sqlscore.{name}")
    sqlscore.refresh(shop)
    assert columns(shop, f"sqlscore.{name}") == before
    segments = shop.execute("SELECT sum(n_users) FROM sqlscore.segment_summary").fetchone()
    assert segments == (40,)


def test_a_plain_duckdb_reads_segments_and_metrics_of_a_refreshed_file(tmp_path: Path) -> None:
    """What a BI tool opens is the bare file, without any function of ours."""
    file = tmp_path / "shop.duckdb"
    con = sqlscore.connect(file)
    con.execute(
        """CREATE TABLE clicks AS SELECT i % 3 AS user_id, DATE '2024-01-01' + i::INT AS event_time,
        'view' AS event_type FROM range(9) t(i)"""
    )
    sqlscore.map_events(con, "clicks")
    register(con, tiny_artifact(), name="tiny", mapping="events", champion=True, verb="train")
    con.execute("UPDATE sqlscore.models SET metrics = ?", [METRICS])
    sqlscore.refresh(con)
    con.close()
    with duckdb.connect(str(file), read_only=True) as plain:
        summary = plain.execute("SELECT sum(n_users), any_value(model) FROM sqlscore.segment_summary").fetchone()
        assert summary == (3, "tiny@1")
        assert plain.execute("SELECT count(*) FROM sqlscore.scored_segments").fetchone() == (3,)
        values = dict(
            plain.execute("SELECT baseline, value FROM sqlscore.model_metrics WHERE metric <> 'n'").fetchall()
        )
        assert values == {"majority": 0.25, None: 0.5}


@pytest.mark.parametrize(
    "user",
    ["i::BIGINT", "'ü' || i", "md5(i::VARCHAR)::UUID", "i * 1.5", "DATE '2024-01-01' + i::INT", "i::VARCHAR::BLOB"],
    ids=["bigint", "varchar", "uuid", "decimal", "date", "blob"],
)
def test_users_of_any_type_go_through_every_view(con: duckdb.DuckDBPyConnection, user: str) -> None:
    """The user's own type comes out again."""
    con.execute(
        f"""CREATE TABLE clicks AS SELECT {user} AS user_id, TIMESTAMP '2024-01-01' + to_hours(i * i) AS event_time,
        'view' AS event_type FROM (SELECT i // 2 AS i FROM range(8) t(i))"""
    )
    sqlscore.map_events(con, "clicks")
    kind = con.sql("SELECT user_id FROM clicks").types[0]
    for relation in ("sessions", "session_events", "event_sequences", "churn_labels_first_touch()", "rfm()"):
        found = con.sql(f"SELECT user_id FROM sqlscore.{relation}")
        assert found.types == [kind]
        assert len(set(found.fetchall())) == 4
    assert con.execute("SELECT sum(n_users) FROM sqlscore.cohort_retention WHERE period_number = 0").fetchone() == (4,)


HOSTILE = (
    "sqlscore", "e", "event", "events", "session_id", "gap", "horizon", "as_of", "churned", "action", "length",
    "within", "value", "steps", "period", "user", "n_events", "Größe, cm", "select",
)  # fmt: skip


def test_features_may_have_the_names_of_parameters_and_columns(con: duckdb.DuckDBPyConnection) -> None:
    """A mapped column must never be taken for a parameter, an alias or a column of a view."""
    extra = ", ".join(f'{n} AS "{name}"' for n, name in enumerate(HOSTILE))
    con.execute(
        f"""CREATE TABLE clicks AS SELECT i % 2 AS user_id, TIMESTAMP '2024-01-01' + to_hours(i) AS event_time,
        ['view', 'buy'][1 + i % 2] AS event_type, {extra} FROM range(6) t(i)"""
    )
    sqlscore.map_events(con, "clicks", features=HOSTILE)
    register(con, tiny_artifact(), name="tiny", mapping="events", champion=True, verb="train")
    names = ["user_id", "event_time", "event_type", *HOSTILE]
    assert con.execute("SELECT struct_keys(event) FROM sqlscore.session_events LIMIT 1").fetchone() == (names,)
    assert con.execute("SELECT struct_keys(events[1]) FROM sqlscore.event_sequences LIMIT 1").fetchone() == (names,)
    assert con.execute("SELECT sum(n_events) FROM sqlscore.live_scored_users").fetchone() == (6,)
    assert con.execute("SELECT count(*) FROM sqlscore.sessions_with(gap := INTERVAL 2 HOUR)").fetchone() == (2,)
    assert con.execute("SELECT count(*) FROM sqlscore.sessions_with(gap := INTERVAL 1 HOUR)").fetchone() == (6,)
    assert con.execute("SELECT n_times FROM sqlscore.paths(length := 3, from_action := 'buy')").fetchone() == (1,)
    assert con.execute("SELECT n_users FROM sqlscore.funnel(['view'])").fetchone() == (1,)
    labels = "sqlscore.churn_labels_inactivity(as_of := TIMESTAMP '2024-01-01', horizon := INTERVAL 1 HOUR)"
    assert con.execute(f"SELECT user_id, churned FROM {labels}").fetchall() == [(0, True)]
    assert con.execute("SELECT user_id FROM sqlscore.feature_prospects('buy')").fetchall() == [(0,)]
    monetary = HOSTILE.index("value") * 3.0
    assert con.execute("SELECT DISTINCT monetary FROM sqlscore.rfm(value := value)").fetchall() == [(monetary,)]


def test_views_of_no_usable_events_are_empty(con: duckdb.DuckDBPyConnection) -> None:
    """Before anything is mapped, a dashboard shows nothing, and no error."""
    for relation in ("sessions", "event_sequences", "transitions", "action_stats", "feature_usage", "cohort_retention",
                     "lifecycle", "model_metrics", "churn_labels_lapsed()", "paths()", "rfm()"):  # fmt: skip
        assert con.execute(f"SELECT count(*) FROM sqlscore.{relation}").fetchone() == (0,), relation
    assert con.execute("SELECT n_sessions FROM sqlscore.session_stats").fetchall() in ([], [(0,)])
