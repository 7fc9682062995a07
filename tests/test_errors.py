"""The errors are drawn in one docstring and listed in one table, and neither forgets one."""

import re
from pathlib import Path

import pytest

from sqlscore import errors

CLASSES = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.SqlscoreError)
}
PYTHON = Path(__file__).parents[1] / "docs" / "python.md"


def test_the_tree_in_the_docstring_names_every_error_under_its_base():
    """Whoever catches errors reads the tree, not the classes."""
    path: list[str] = []
    tree: dict[str, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        row = re.match(r"(?P<indent>[ │├└─]*)(?P<name>\w+Error)\b", line)
        if row is None:
            continue
        depth = len(row["indent"]) // 4 - 1
        path[depth:] = [row["name"]]
        tree[row["name"]] = path[depth - 1] if depth else "Exception"
    assert tree == {name: kind.__bases__[0].__name__ for name, kind in CLASSES.items()}


@pytest.mark.parametrize("name", sorted(CLASSES.keys() - {"SqlscoreError"}))
def test_the_table_of_the_documentation_names_the_error(name: str):
    """With its base, if that is not the common one."""
    row = re.search(rf"^\| `{name}`(?:, an? `(?P<base>\w+)`)? \|", PYTHON.read_text(encoding="utf-8"), re.MULTILINE)
    assert row is not None
    assert (row["base"] or "SqlscoreError") == CLASSES[name].__bases__[0].__name__
