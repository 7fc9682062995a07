"""Differences of moments: what is forgotten of hidden moments changes nothing that is known of the others."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st
from lint_cases import catalog, linted, tables

from sqlscore.linting.zones import EPOCH, Fact, Var, bound, without

ROWS = [Var("row", name) for name in "abcde"]
DAYS = [Var("trunc", "86400", row, 86_400.0) for row in ROWS[:2]]
FACTS = st.builds(
    Fact, st.sampled_from([*ROWS, *DAYS, EPOCH]), st.sampled_from([*ROWS, *DAYS, EPOCH]),
    st.integers(0, 200_000).map(float), st.booleans(),
)  # fmt: skip


@given(st.frozensets(FACTS, max_size=10), st.sets(st.sampled_from(ROWS), max_size=4))
def test_what_is_known_of_the_other_moments_stays(facts: frozenset[Fact], hidden: set[Var]):
    assume(all(fact.left != fact.right for fact in facts))
    left = without(facts, hidden)
    shown = [var for var in (*ROWS, *DAYS, EPOCH) if var.roots() not in hidden]
    assert {(a, b): bound(left, a, b) for a in shown for b in shown} == {
        (a, b): bound(facts, a, b) for a in shown for b in shown
    }
    assert not {var for fact in left for var in (fact.left, fact.right)} - set(shown)


def test_models_that_read_each_other_know_no_more_than_one():
    """Else a project of twenty models takes minutes."""
    model = """CREATE TABLE m{n} AS
        WITH marked AS (
            SELECT user_id, event_time, price, lag(event_time) OVER (PARTITION BY user_id ORDER BY event_time) AS before
            FROM {source} QUALIFY row_number() OVER (PARTITION BY user_id, event_time ORDER BY price) = 1)
        SELECT user_id, event_time, sum(price) OVER (PARTITION BY user_id ORDER BY event_time) AS price FROM marked;"""
    text = "".join(model.format(n=n, source=f"m{n - 1}" if n else "events") for n in range(12))
    result = linted(catalog(tables()), text)
    assert not result.findings
    sizes = [len(output.output.relation.facts) for output in result.outputs]
    assert sizes[-1] <= sizes[2] + 3
