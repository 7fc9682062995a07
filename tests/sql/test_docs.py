"""docs/views.md is the reference: nothing may be missing from it."""

from __future__ import annotations

import re
from pathlib import Path

import sqlscore
from sqlscore.sql.objects import objects

PAGE = (Path(__file__).parents[2] / "docs" / "views.md").read_text(encoding="utf-8")


def test_every_view_and_macro_is_used_in_an_example() -> None:
    """An example that runs is worth more than a description."""
    examples = "".join(re.findall(r"```sql\n(.*?)```", PAGE, flags=re.DOTALL))
    for item in objects():
        base = item.name.removesuffix("_with").removeprefix("live_")
        assert re.search(rf"sqlscore\.(live_)?{base}(_with)?\b", examples), item.name


def test_every_column_of_a_view_is_described() -> None:
    """The page names what the comments describe."""
    with sqlscore.connect() as con:
        for item in objects():
            if item.kind == "view":
                for column in con.sql(f"FROM sqlscore.{item.name}").columns:
                    assert f"`{column}`" in PAGE, f"{item.name}.{column}"


def test_every_link_leads_to_a_section() -> None:
    """The table at the top is the way in."""
    sections = set(re.findall(r"^### (\w+)$", PAGE, flags=re.MULTILINE))
    links = re.findall(r"\(#(\w+)\)", PAGE)
    assert links
    assert set(links) <= sections
