"""No text makes the linter fall over: it finds something, finds nothing, or says why it cannot read it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lint_cases import cases, catalog, linted, tables

from sqlscore.errors import LintError
from sqlscore.linting.catalog import Catalog

ROOT = Path(__file__).parents[2]
WHOLE = [path.read_text(encoding="utf-8") for folder in ("sql", "models") for path in (ROOT / folder).rglob("*.sql")]
TEXTS = [*(case.sql for case in cases()), *(text for text in WHOLE if len(text) < 3_000)]
WORDS = sorted({word for text in TEXTS for word in re.findall(r"\w+|[^\w\s]", text)})


@pytest.fixture(scope="module")
def known() -> Catalog:
    return catalog(tables())


@st.composite
def broken(draw: st.DrawFn) -> str:
    """SQL with words lost, added, swapped, or cut off."""
    words = re.findall(r"\s+|\w+|[^\w\s]", draw(st.sampled_from(TEXTS)))
    for _ in range(draw(st.integers(1, 3))):
        at, other = (draw(st.integers(0, max(len(words) - 1, 0))) for _ in range(2))
        kind = draw(st.sampled_from(["lost", "other", "more", "swapped", "cut off"]))
        if kind == "lost":
            del words[at : at + draw(st.integers(1, 4))]
        elif kind == "cut off":
            del words[at:]
        elif kind == "swapped" and words:
            words[at], words[other] = words[other], words[at]
        else:
            words[at : at + (kind == "other")] = [" ", draw(st.sampled_from(WORDS)), " "]
    return "".join(words)


def read(known: Catalog, text: str) -> None:
    try:
        linted(known, text)
    except LintError as error:
        said = str(error)
    else:
        return
    assert said.startswith("query.sql ")


@settings(max_examples=250)
@given(broken())
def test_broken_sql_is_read_or_refused_in_a_sentence(known: Catalog, text: str):
    read(known, text)


@settings(max_examples=50)
@given(st.text())
def test_any_text_is_read_or_refused_in_a_sentence(known: Catalog, text: str):
    read(known, text)


def test_all_sql_that_comes_along_is_read(known: Catalog):
    for text in WHOLE:
        read(known, text)


@pytest.mark.parametrize("text", ["(" * 3_000, "SELECT " + "(" * 600 + "1" + ")" * 600, "SELECT 1" + " + 1" * 20_000])
def test_what_is_nested_too_deep_is_said(known: Catalog, text: str):
    with pytest.raises(LintError, match=r"^query\.sql "):
        linted(known, text)
