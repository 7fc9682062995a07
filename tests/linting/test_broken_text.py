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


def refusal(known: Catalog, text: str) -> str:
    """Why the linter cannot read a text; empty if it can. Anything but a LintError fails the test."""
    try:
        linted(known, text)
    except LintError as error:
        return str(error)
    return ""


@settings(max_examples=250)
@given(broken())
def test_broken_sql_is_read_or_refused_in_a_sentence(known: Catalog, text: str):
    assert re.match("$|query.sql [a-z]", refusal(known, text))


@settings(max_examples=50)
@given(st.text())
def test_any_text_is_read_or_refused_in_a_sentence(known: Catalog, text: str):
    assert re.match("$|query.sql [a-z]", refusal(known, text))


def test_views_that_come_along_are_read_and_macros_and_templates_at_least_refused(known: Catalog):
    """What sqlglot knows nothing of are parameters with a default, comments on macros, and Jinja."""
    refused = {text: said for text in WHOLE if (said := refusal(known, text))}
    assert [text for text in refused if "MACRO" not in text and "{{" not in text and "{%" not in text] == []
    assert {said.partition(":")[0] for said in refused.values()} <= {"query.sql cannot be read as DuckDB's SQL"}
    assert len(refused) < len(WHOLE)


@pytest.mark.parametrize("text", ["(" * 3_000, "SELECT " + "(" * 600 + "1" + ")" * 600, "SELECT 1" + " + 1" * 20_000])
def test_what_is_nested_too_deep_is_said(known: Catalog, text: str):
    with pytest.raises(LintError, match=r"^query\.sql "):
        linted(known, text)
