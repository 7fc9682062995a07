"""What `mkdocs build` calls: README and the pages beside it join docs/, and every link between them is followed.

A link to a file that no page shows (a script, a folder of the code) becomes its text. One to nothing ends the build.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]

BESIDE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "reporting.md",
    "benchmarks/README.md": "benchmarks.md",
    "benchmarks": "benchmarks.md",
}
"""Where files of the repository that are not in docs/ stand in the site."""

API = """# Python, from the docstrings

::: sqlscore
    options: {show_root_heading: false, show_root_toc_entry: false, members_order: alphabetical}

## Errors

::: sqlscore.errors
    options: {show_root_heading: false, show_root_toc_entry: false, heading_level: 3}
"""

_FENCE = re.compile(r"^(```.*?^```[^\S\n]*$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r'(\[(?:[^\[\]]|\[[^\]]*\])*\]\(|src=")([^)"\s]+)([)"])')


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in docs/."""
    for source, place in BESIDE.items():
        if source.endswith(".md"):
            text = (ROOT / source).read_text(encoding="utf-8")
            files.append(File.generated(config, place, content=text))
    files.append(File.generated(config, "api.md", content=API))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Point each link at the page that shows the file it names."""
    here = page.file.src_uri
    source = next((source for source, place in BESIDE.items() if place == here), f"docs/{here}")
    parts = _FENCE.split(markdown)  # every second one is a block of code
    return "".join(part if i % 2 else _linked(part, source, here) for i, part in enumerate(parts))


def _linked(text: str, source: str, here: str) -> str:
    def replace(match: re.Match[str]) -> str:
        before, link, after = match.groups()
        path, hash_, anchor = link.partition("#")
        if not path or ":" in path:
            return match[0]
        named = os.path.normpath(PurePosixPath(source).parent / path)
        if not (ROOT / named).exists():
            raise PluginError(f"{source} links to {link}, which is not there")
        place = BESIDE.get(named) or (named.removeprefix("docs/") if named.startswith("docs/") else None)
        if place is None:
            return before.removesuffix("](").removeprefix("[")
        return f"{before}{os.path.relpath(place, PurePosixPath(here).parent)}{hash_}{anchor}{after}"

    return _LINK.sub(replace, text)
