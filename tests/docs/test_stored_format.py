"""The page on the stored format says what a file that was just made holds."""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import fields
from pathlib import Path

from sqlscore.scoring.manifest import FORMAT, Manifest

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "stored-format.md").read_text(encoding="utf-8")


def test_the_lists_are_those_of_a_fresh_file() -> None:
    """Every table, column, type and comment; `python docs/stored_format.py` writes them anew."""
    spec = importlib.util.spec_from_file_location("stored_format", DOCS / "stored_format.py")
    assert spec is not None
    assert spec.loader is not None
    page = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(page)
    with page.fresh() as con:
        assert f"{page.BEGIN}\n\n{page.tables(con)}\n\n{page.END}" in TEXT
        row = con.execute("SELECT artifact, manifest FROM sqlscore.models ORDER BY created_at").fetchone()
    assert row is not None
    assert json.loads(row[1])["format"] == FORMAT


def test_the_page_names_every_field_of_a_manifest_and_its_format() -> None:
    assert f"artifact format {FORMAT}" in TEXT
    part = TEXT.partition("| field of the manifest | |")[2].partition("\n\n")[0]
    named = {name for line in part.splitlines()[2:] for name in re.findall(r"`(\w+)`", line.split("|")[1])}
    assert named == {field.name for field in fields(Manifest)}
