"""The page Advice in a real browser: what it counts and gives away is what SQL says."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.csv
import pyarrow.parquet
import pytest
from browser import expect, go, metric, part, served, sql_is_that_of_its_table
from customers import customers_file

import sqlscore

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow


def test_what_to_do_and_what_came_of_it(page: Page, tmp_path: Path) -> None:
    file = customers_file(tmp_path / "shop.duckdb")
    with served(file) as url:
        go(page, url, "advice")
        expect(page.get_by_test_id("stCode")).to_contain_text("sqlscore advise")
    with sqlscore.connect(file) as con:
        sqlscore.advise(con, contacts_per_day=20)
        sqlscore.assign(con)
        wanted = con.execute(
            """SELECT user_id, is_chosen, message, array_to_string(reasons, '; ') FROM sqlscore.recommendations
               ORDER BY user_id"""
        ).fetchall()
    assert sum(row[1] for row in wanted) == 20 < len(wanted)
    known = [[each or None for each in row] for row in wanted]  # a CSV file has one kind of nothing
    with served(file) as url:
        go(page, url, "advice")
        expect(metric(page, "at risk")).to_have_text(str(len(wanted)))
        expect(metric(page, "chosen")).to_have_text("20")
        assert sql_is_that_of_its_table(page, file) == 1
        for label, read in (("CSV of all", pyarrow.csv.read_csv), ("Parquet of all", pyarrow.parquet.read_table)):
            with page.expect_download() as download:
                page.get_by_role("link", name=label).click()
            table = read(io.BytesIO(Path(download.value.path()).read_bytes()))
            columns = [table.column(name).to_pylist() for name in ("user_id", "is_chosen", "message", "reasons")]
            assert [[each or None for each in row] for row in zip(*columns, strict=True)] == known
        for name, tables in (("playbook", 1), ("contacts", 3)):
            part(page, name)
            assert sql_is_that_of_its_table(page, file) == tables
        part(page, "what came of it")
        expect(page.get_by_text("by the risk before")).to_be_visible()
        assert sql_is_that_of_its_table(page, file) == 2
