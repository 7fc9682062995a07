"""The app's selections: what they choose, and that the text on the screen chooses the same."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.csv
import pyarrow.parquet
import pytest
from customers import ACTIONS, USERS, customers_file
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.errors import InstallError
from sqlscore.webapp.customers import source
from sqlscore.webapp.downloads import Download, Downloads
from sqlscore.webapp.opening import Database
from sqlscore.webapp.saved_views import save_view
from sqlscore.webapp.segment_queries import ORDERS, Segments
from sqlscore.webapp.selection import Between, Selection, bound, readable

FIRST = datetime(2024, 3, 1)
COUNTRIES = ("DE", "FR", None, "<b>IT</b>", "nowhere", "it's")


@pytest.fixture(scope="module")
def segments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Segments]:
    database = Database(customers_file(tmp_path_factory.mktemp("app") / "shop.duckdb"), "cpu")
    with database.cursor() as con:
        found = source(con, "events")
    yield Segments(database, found)
    database.close()


@pytest.fixture(scope="module")
def everybody(segments: Segments) -> list[dict[str, Any]]:
    """All customers, with their newest actions by the plain list of their events."""
    last = {
        row["user_id"]: row["last"]
        for row in segments.database.rows(
            "SELECT user_id, list_reverse(list_transform(events, lambda e: e.event_type))[:4] AS last "
            "FROM sqlscore.event_sequences"
        )
    }
    rows = segments.database.rows(readable(*segments.whole(Selection())))
    return [row | {"last": last[row["user_id"]]} for row in rows]


spans = st.tuples(
    st.none() | st.floats(0, 1, width=32), st.none() | st.floats(0, 1, width=32)
).map(lambda pair: Between(*pair))  # fmt: skip
some_actions = st.lists(st.sampled_from(ACTIONS), max_size=3, unique=True).map(tuple)
selections = st.builds(
    Selection,
    last=st.lists(some_actions, max_size=4).map(tuple),
    next_actions=some_actions,
    probability=spans,
    bands=st.lists(st.sampled_from(("high", "medium", "low", "lapsed")), max_size=3, unique=True).map(tuple),
    active=st.sampled_from((None, True, False)),
    risk=spans,
    silent=st.builds(Between, st.none() | st.integers(0, 30), st.none() | st.integers(0, 30)),
    among=st.fixed_dictionaries({"country": st.lists(st.sampled_from(COUNTRIES), max_size=4, unique=True).map(tuple)}),
    within=st.fixed_dictionaries({"spend": st.builds(Between, st.none() | st.integers(0, 200))}),
    seen=st.builds(Between, st.none() | st.datetimes(FIRST, FIRST + timedelta(days=40))),
    containing=st.sampled_from(("", "1", "er 2", "'", "%", "?")),
)


def read_as_text(data: io.BytesIO) -> Any:
    return pyarrow.csv.read_csv(data, convert_options=pyarrow.csv.ConvertOptions(column_types={"user_id": "string"}))


def chosen_by_hand(row: dict[str, Any], chosen: Selection) -> bool:
    def inside(value: Any, span: Between) -> bool:
        return value is not None and (
            (span.low is None or value >= span.low) and (span.high is None or value <= span.high)
        )

    newest = row["last"] + [None] * 4
    return (
        all(newest[place] in actions for place, actions in enumerate(chosen.last) if actions)
        and (not chosen.next_actions or row["next_action"] in chosen.next_actions)
        and (not chosen.probability or inside(row["next_action_probability"], chosen.probability))
        and (not chosen.bands or row["risk_band"] in chosen.bands)
        and (chosen.active is None or row["is_active"] is chosen.active)
        and (not chosen.risk or inside(row["churn_risk"], chosen.risk))
        and (not chosen.silent or inside(row["days_silent"], chosen.silent))
        and (not chosen.seen or inside(row["last_event_time"], chosen.seen))
        and (not chosen.among["country"] or row["country"] in chosen.among["country"])
        and (not chosen.within["spend"] or inside(float(row["spend"]), chosen.within["spend"]))
        and chosen.containing in row["user_id"]
    )


@settings(max_examples=60)
@given(selections)
def test_a_selection_chooses_whom_its_fields_say(
    segments: Segments, everybody: list[dict[str, Any]], chosen: Selection
) -> None:
    wanted = sorted(row["user_id"] for row in everybody if chosen_by_hand(row, chosen))
    sql, values = bound(*segments.of_all(chosen))
    assert sorted(row["user_id"] for row in segments.database.rows(sql, values)) == wanted
    assert segments.count(chosen)["n_users"] == len(wanted)


@settings(max_examples=25)
@given(selections)
def test_the_text_that_is_shown_chooses_the_same(segments: Segments, chosen: Selection) -> None:
    sql, values = bound(*segments.of_all(chosen))
    found = [segments.database.rows(segments.shown(chosen)), segments.database.rows(sql, values)]
    by_text, by_tables = (sorted(rows, key=lambda row: row["user_id"]) for rows in found)
    assert by_text == by_tables


def test_pages_hold_everybody_once(segments: Segments) -> None:
    for order in ORDERS:
        pages = [segments.page(Selection(), order, 50, number).column("user_id").to_pylist() for number in range(4)]
        assert [len(page) for page in pages] == [50, 50, 20, 0]
        assert len({user for page in pages for user in page}) == USERS


def test_bars_count_the_selection(segments: Segments) -> None:
    chosen = Selection(among={"country": ("DE",)})
    bands = segments.by("risk_band", chosen).to_pylist()
    assert sum(row["n_users"] for row in bands) == segments.count(chosen)["n_users"] == USERS / 4


@pytest.mark.parametrize(
    "user_id", ["uuid()", "u::BIGINT + 9007199254740993", "u::HUGEINT + 170141183460469231731687303715884105000", "u"]
)
@pytest.mark.slow
def test_ids_of_any_type_are_the_same_on_the_screen_in_files_and_in_views(tmp_path: Path, user_id: str) -> None:
    """A browser's numbers have 53 bits, Arrow's none of 128."""
    with sqlscore.connect(tmp_path / "ids.duckdb") as con:
        con.execute(
            f"""CREATE TABLE people AS SELECT {user_id} AS user_id, DATE '2024-01-01' + u::INTEGER AS born,
                u::HUGEINT AS points, CASE u % 2 WHEN 0 THEN {{'a': 1}} END AS nested FROM range(20) AS t(u)"""
        )
        con.execute(
            """CREATE TABLE e AS SELECT user_id, TIMESTAMP '2024-03-01' + to_hours(i) AS event_time,
               'view' AS event_type FROM people, range(3) AS t(i)"""
        )
        sqlscore.map_events(con, "e", users="people", user_features=["points"], user_key="user_id")
        register(con, tiny_artifact(("view",)), name="m", mapping="events", champion=True, verb="train")
        sqlscore.refresh(con)
        wanted = sorted(row[0] for row in con.execute("SELECT user_id::VARCHAR FROM people").fetchall())
    database = Database(tmp_path / "ids.duckdb", "cpu")
    with database.cursor() as con:
        segments = Segments(database, source(con, "events"))
    assert [each.name for each in segments.source.filtered] == ["points", "born"]  # nested values cannot be filtered
    shown = segments.page(Selection(), "seen last first", 100, 0)
    assert sorted(shown.column("user_id").to_pylist()) == wanted
    downloads = Downloads(database)
    for form, read in (("csv", read_as_text), ("parquet", pyarrow.parquet.read_table)):
        data = b"".join(downloads.stream(Download(segments.of_all(Selection()), "x", form)))
        assert sorted(map(str, read(io.BytesIO(data)).column("user_id").to_pylist())) == wanted
    born = Selection(within={"born": Between(date(2024, 1, 5), date(2024, 1, 7)), "points": Between(5)})
    save_view(database, "born", readable(*segments.whole(born)))
    assert database.rows("SELECT count(*) AS n FROM born JOIN people USING (user_id)") == [{"n": 2}]
    assert segments.count(born)["n_users"] == 2
    database.close()


def test_last_actions_are_the_last_events_of_the_list(segments: Segments, everybody: list[dict[str, Any]]) -> None:
    """They are chosen by time first, then ordered."""
    rows = segments.database.rows(segments.source.last_actions())
    assert {row["user_id"]: row["last_actions"] for row in rows} == {row["user_id"]: row["last"] for row in everybody}


@pytest.mark.parametrize("at_once", [100_000, 7])
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_download_is_the_whole_selection_in_order(
    segments: Segments, form: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few rows are ordered at once."""
    monkeypatch.setattr("sqlscore.webapp.downloads._RANGE", at_once)
    monkeypatch.setattr("sqlscore.webapp.downloads._SAMPLED", 3)
    chosen = Selection(last=(ACTIONS[:4],))
    downloads = Downloads(segments.database)
    link = downloads.link(Download(segments.of_all(chosen), "customers", form))
    download = downloads.find(link.rsplit("/", 1)[1])
    assert download is not None
    data = io.BytesIO(b"".join(downloads.stream(download)))
    table = pyarrow.csv.read_csv(data) if form == "csv" else pyarrow.parquet.read_table(data)
    sql, values = bound(*segments.of_all(chosen))
    rows = segments.database.rows(f"{sql}\nORDER BY user_id", values)
    assert table.column("user_id").to_pylist() == [row["user_id"] for row in rows]
    risks = [pytest.approx(row["churn_risk"]) for row in rows]
    assert table.column("churn_risk").to_pylist() == risks
    last = [" < ".join(row["last_actions"]) if form == "csv" else row["last_actions"] for row in rows]
    assert table.column("last_actions").to_pylist() == last


def test_a_link_says_nothing_of_whom_it_is_about(segments: Segments) -> None:
    downloads = Downloads(segments.database)
    download = Download(segments.of_all(Selection(containing="customer 17")), "customers", "csv")
    assert downloads.link(download) == downloads.link(download)
    assert "17" not in downloads.link(Download(download.sql, "customers", "parquet")).split("/")[1]
    assert downloads.find("another") is None


def test_a_view_keeps_the_selection_and_replaces_nothing_else(tmp_path: Path) -> None:
    database = Database(customers_file(tmp_path / "shop.duckdb"), "cpu")
    with database.cursor() as con:
        segments = Segments(database, source(con, "events"))
    chosen = Selection(last=(("view", "it's"),), among={"country": ("DE", None)}, risk=Between(0.1, None))
    query = readable(*segments.whole(chosen))
    save_view(database, 'to "call"', query)
    kept = database.rows('SELECT user_id FROM main."to ""call""" ORDER BY user_id')
    assert [row["user_id"] for row in kept] == segments.page(
        chosen, "seen last first", 1000, 0
    ).sort_by("user_id").column("user_id").to_pylist()  # fmt: skip
    save_view(database, 'TO "CALL"', readable(*segments.whole(Selection())))
    assert database.rows('SELECT count(*) AS n FROM "to ""call"""') == [{"n": USERS}]
    for taken in ("clicks", "crm", "", "  "):
        with pytest.raises(InstallError, match="already|needs a name"):
            save_view(database, taken, query)
    database.close()


def test_the_file_is_free_when_nobody_looks(tmp_path: Path) -> None:
    database = Database(customers_file(tmp_path / "shop.duckdb"), "cpu", idle_seconds=0.0, patience_seconds=0.0)
    assert database.rows("SELECT 1 AS one") == [{"one": 1}]
    with database.cursor() as con:
        assert con.execute("SELECT count(*) FROM sqlscore.scored_users").fetchall() == [(USERS,)]
        with pytest.raises(InstallError, match="being read"), database.written():
            pass
    database.close()
    with database.written() as con:
        con.execute("CREATE TABLE written (n INTEGER)")
    assert database.rows("SELECT count(*) AS n FROM written") == [{"n": 0}]
    database.close()
