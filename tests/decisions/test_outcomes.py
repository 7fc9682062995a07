"""Effects that are known are found within their interval, and none where there is none, however often one looks."""

from __future__ import annotations

from collections.abc import Iterator
from math import log, sqrt

import duckdb
import numpy as np
import pytest
from interventions import EFFECTS, Customers, fill, judge, shop_customers


@pytest.fixture(scope="module")
def customers() -> Customers:
    return shop_customers(4_000)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory, empty_file) -> Iterator[duckdb.DuckDBPyConnection]:
    import shutil

    import sqlscore

    with sqlscore.connect(shutil.copy(empty_file, tmp_path_factory.mktemp("trial") / "t.duckdb")) as con:
        yield con


@pytest.mark.parametrize("effect", EFFECTS)
def test_a_known_effect_is_recovered_and_none_is_invented(
    file: duckdb.DuckDBPyConnection, customers: Customers, effect: str
) -> None:
    """In 100 seeds on the simulated shop, looked at five times each; `python benchmarks/interventions.py` does more."""
    found = judge(file, fill(file, customers, effect, seeds=100, users=700, looks=5, held_out=0.3))
    assert found["covered_at_the_end"] >= 93
    assert found["covered_at_all_looks"] >= 93
    assert found["said_wrongly"] <= 7
    if effect == "positive":
        assert found["said_to_have_an_effect"] > 20
        assert 0 < found["variance_removed"] < 1


def test_whom_it_helps_and_whom_it_hurts(file: duckdb.DuckDBPyConnection, customers: Customers) -> None:
    """By the risk before: customers of low risk leave because of it, those of high risk stay."""
    fill(file, customers, "harmful to some", seeds=1, users=9_000, looks=1, held_out=0.4)
    verdicts = dict(file.execute("SELECT segment, verdict FROM sqlscore.uplift_by_risk").fetchall())
    assert verdicts["0.0 to 0.2"] == "hurts"
    assert verdicts["0.6 to 0.8"] == "helps"
    levels = file.execute("SELECT DISTINCT level FROM sqlscore.uplift_by_risk").fetchall()
    assert levels == [(pytest.approx(1 - 0.05 / len(verdicts)),)]


def test_figures_are_those_of_the_formulas(file: duckdb.DuckDBPyConnection, customers: Customers) -> None:
    """Deng et al. 2013 for the adjustment, theorem 2.2 of Waudby-Smith et al. 2024 for the interval, in numpy."""
    fill(file, customers, "positive", seeds=1, users=500, looks=1, held_out=0.25)
    found = file.execute("SELECT variant = 'treated', NOT churned, 1 - risk_before FROM sqlscore.judged_interventions")
    treated, stayed, expected = (np.array(column, float) for column in zip(*found.fetchall(), strict=True))
    arms = [(stayed[treated == arm], expected[treated == arm]) for arm in (0, 1)]
    slope = sum(((y - y.mean()) * (x - x.mean())).sum() for y, x in arms) / sum(
        ((x - x.mean()) ** 2).sum() for _, x in arms
    )
    rest = [y - slope * x for y, x in arms]
    uplift, variance = rest[1].mean() - rest[0].mean(), sum(each.var(ddof=1) / len(each) for each in rest)
    t, per_user = 500, 500 * variance
    rho2 = (-2 * log(0.05) + log(-2 * log(0.05)) + 1) / 1000
    half = sqrt(per_user * 2 * (t * rho2 + 1) / (t**2 * rho2) * log(sqrt(t * rho2 + 1) / 0.05))
    row = file.execute(
        """SELECT uplift, uplift_low, uplift_high, standard_error FROM sqlscore.intervention_outcomes
           WHERE segment = 'all'"""
    ).fetchall()[0]
    assert row == pytest.approx((uplift, uplift - half, uplift + half, sqrt(variance)))


def test_what_cannot_be_said_is_not_said(file: duckdb.DuckDBPyConnection, customers: Customers) -> None:
    """Too few users, nobody held out, arms that somebody changed, outcomes that are not known yet."""
    fill(file, customers, "positive", seeds=1, users=120, looks=1, held_out=0.1)
    query = "SELECT verdict, uplift, needed_users FROM sqlscore.intervention_outcomes WHERE segment = 'all'"
    ((verdict, uplift, needed),) = file.execute(query).fetchall()
    assert (verdict, uplift) == ("too few users", None)
    assert needed >= 500  # 50 held out at least
    file.execute("UPDATE sqlscore.interventions SET variant = 'treated', probability = 1")
    assert file.execute(query).fetchall()[0] == ("nobody is held out", None, None)
    fill(file, customers, "positive", seeds=1, users=2_000, looks=1, held_out=0.5)
    file.execute("DELETE FROM sqlscore.interventions WHERE variant = 'treated' AND user_id % 3 = 0")
    assert file.execute(query).fetchall()[0][0] == "arms are not as assigned"
    file.execute("DELETE FROM e WHERE user_id = -1")
    known = "SELECT count(churned), count(*) FILTER (censored) FROM sqlscore.judged_interventions"
    total = file.execute("SELECT count(*) FROM sqlscore.interventions").fetchall()[0][0]
    assert file.execute(known).fetchall() == [(0, total)]


def test_the_first_assignment_counts(file: duckdb.DuckDBPyConnection, customers: Customers) -> None:
    """By intention to treat: a later one changes nothing of what was compared."""
    fill(file, customers, "none", seeds=1, users=500, looks=1, held_out=0.5)
    query = """SELECT which, n_assigned, n_treated, n_held_out, stayed_treated, stayed_held_out
               FROM sqlscore.intervention_outcomes"""
    before = file.execute(f"{query} ORDER BY ALL").fetchall()
    file.execute(
        """INSERT INTO sqlscore.interventions SELECT * REPLACE ('treated' AS variant, assigned_at + INTERVAL 1 DAY
           AS assigned_at) FROM sqlscore.interventions WHERE variant = 'held out'"""
    )
    assert file.execute(f"{query} ORDER BY ALL").fetchall() == before
