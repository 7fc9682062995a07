"""docs/llms.txt leads an agent to every page, and names the tools that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "llms.txt").read_text(encoding="utf-8")


def test_every_page_is_linked_and_every_link_leads_to_one() -> None:
    """A page that is not there is not read."""
    assert set(re.findall(r"\]\(([^)#]+)", TEXT)) == {page.name for page in DOCS.glob("*.md")}


def test_the_tools_are_those_of_the_server(tmp_path: Path) -> None:
    """Those that read; the one that changes something has to be asked for."""
    pytest.importorskip("mcp")
    import asyncio

    import sqlscore
    from sqlscore.agents.answers import File
    from sqlscore.agents.server import make_server

    sqlscore.connect(tmp_path / "shop.duckdb").close()
    file = File(tmp_path / "shop.duckdb")
    try:
        served = asyncio.run(make_server(file, allow_write=False).list_tools())
    finally:
        file.close()
    found = re.search(r"\(tools: ([^)]*)\)", TEXT)
    assert found is not None
    assert set(re.findall(r"\w+", found[1])) == {tool.name for tool in served}
