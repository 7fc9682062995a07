"""Each table of decisions is on the page Advice, as SQL has it, without a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from customers import MARKUP, customers_file
from pandas.testing import assert_frame_equal
from streamlit.testing.v1 import AppTest

import sqlscore
from sqlscore.webapp.downloads import Downloads
from sqlscore.webapp.opening import Database
from sqlscore.webapp.served import SERVED


def _script() -> None:
    from sqlscore.webapp.current import choose
    from sqlscore.webapp.screens import advice

    choose()
    advice.page()


@pytest.fixture(scope="module")
def advised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Customers of whom half are held out of what the playbook says, whose outcome is known for a campaign."""
    file = customers_file(tmp_path_factory.mktemp("advice") / "shop.duckdb")
    with sqlscore.connect(file) as con:
        con.execute("UPDATE sqlscore.playbook SET held_out = 0.5")
        con.execute(
            """INSERT INTO sqlscore.playbook (name, condition, action, message, cost)
               VALUES (?, 'churn_risk > 0', 'mail', ?, 0)""",
            [MARKUP, "{last_action} **now** :red[x]"],
        )
        sqlscore.advise(con, risk_from=0.0)
        sqlscore.assign(con)
        sqlscore.assign(con, which="spring", users="sqlscore.scored_users", held_out=0.5)
        con.execute(
            """UPDATE sqlscore.interventions SET assigned_at = assigned_at - INTERVAL 12 DAY, horizon_seconds = 86400
               WHERE which = 'spring'"""
        )
    return file


@pytest.fixture
def page(advised: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    database = Database(advised, idle_seconds=0.0)
    monkeypatch.setattr(SERVED, "database", database, raising=False)
    monkeypatch.setattr(SERVED, "downloads", Downloads(database), raising=False)
    yield AppTest.from_function(_script, default_timeout=60)
    database.close()


def opened(page: AppTest, part: str) -> AppTest:
    page.session_state["advice part"] = part
    page.run()
    assert not page.exception
    return page


def as_sql_says(page: AppTest, file: Path) -> list[int]:
    """Each table has the rows of the SQL that is shown below it; how many rows each has."""
    codes = [each.value for each in page.code if each.value.startswith(("SELECT", "FROM"))]
    shown = [each.value for each in page.dataframe]
    assert len(shown) == len(codes) > 0
    with sqlscore.connect(file, read_only=True) as con:
        for code, table in zip(codes, shown, strict=True):
            assert_frame_equal(table, con.sql(code).to_arrow_table().to_pandas(), check_dtype=False)
    return [len(table) for table in shown]


def test_the_playbook_is_a_table_and_how_to_change_it_runs(page: AppTest, advised: Path) -> None:
    opened(page, "playbook")
    assert as_sql_says(page, advised) == [7]
    book = page.dataframe[0].value
    assert book["n_chosen"].sum() > 0
    change = next(each.value for each in page.code if each.value.startswith("UPDATE"))
    with sqlscore.connect(advised) as con:
        con.execute(f"BEGIN; {change}")
        changed = con.execute("SELECT name, audience_limit, held_out FROM sqlscore.playbook ORDER BY name").fetchall()
        con.execute("ROLLBACK")
    assert ("win_back", 200, 0.2) in changed
    assert len(changed) == 8


def test_who_was_contacted_and_who_was_held_out(page: AppTest, advised: Path) -> None:
    opened(page, "contacts")
    campaigns, to_contact, everybody = as_sql_says(page, advised)
    with sqlscore.connect(advised, read_only=True) as con:
        wanted = con.execute(
            """SELECT count(DISTINCT which), (SELECT count(*) FROM sqlscore.contacts), count(*)
               FROM sqlscore.interventions"""
        ).fetchall()[0]
    assert (campaigns, to_contact, everybody) == (wanted[0], min(wanted[1], 100), min(wanted[2], 100))
    assert to_contact > 0
    table = page.dataframe[0].value.set_index("which")
    assert (table["treated"] + table["held_out_users"])["spring"] == 120
    assert len(page.get("link_button")) == 4


def test_what_came_of_it_has_intervals_for_all_and_by_risk(page: AppTest, advised: Path) -> None:
    opened(page, "what came of it")
    outcomes, by_risk = as_sql_says(page, advised)
    assert outcomes > 1 < by_risk
    of_all = page.dataframe[0].value.query("which == 'spring' and segment == 'all'")
    assert (of_all["uplift_low"] < of_all["uplift"]).all()
    assert (of_all["uplift"] < of_all["uplift_high"]).all()
    assert len(of_all) == 1


@pytest.mark.parametrize("part", ["what to do", "playbook", "contacts", "what came of it"])
def test_text_of_the_file_is_never_markup(page: AppTest, part: str) -> None:
    """Names stand in cells and in code alone, which are drawn as they are."""
    opened(page, part)
    written = [each.value for each in (*page.markdown, *page.caption, *page.subheader, *page.error, *page.info)]
    assert not [each for each in written if "onerror" in each or ":red[" in each]
    assert MARKUP in json.dumps([each.value.astype(str).values.tolist() for each in page.dataframe]).replace('\\"', '"')
