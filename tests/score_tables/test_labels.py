"""What heads say of everybody: incremental = full, on the champion and on another base, whatever happened between."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest
from event_changes import INSERTS_AND_DELETES, minutes, users
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_shop import ARTIFACTS, open_shop

import sqlscore
from sqlscore.database.catalog import catalog
from sqlscore.database.registry import register
from sqlscore.scoring.label_artifact import head_manifest, pack_head
from sqlscore.scoring.label_features import plain_columns
from sqlscore.scoring.label_head import KINDS, LEVELS, Head, Kind

_TEXTS = "user_id, label, kind, predicted_value, model, base, as_of"
_NUMBERS = "propensity, expected_value, p10, p50, p90, uplift, value_at_risk"


def add_head(con: duckdb.DuckDBPyConnection, kind: Kind, base: str, seed: int = 0) -> None:
    """A head with random numbers on a model, the next version of its kind's name: it depends on every column."""
    model = catalog(con).artifact(base, "events")
    random = np.random.default_rng(seed)
    size = max(columns_of(con, base), int(plain_columns(model).max()) + 1)
    values = ("a", "b", "c") if kind == "classes" else ("false", "true") if kind == "yes_no" else ()
    outputs, numbers = (3 if kind == "classes" else 1), kind in ("count", "amount")
    head = Head(
        kind, values, np.zeros(size), np.ones(size), random.normal(0, 0.2, (size, outputs)),
        random.normal(0, 0.2, outputs), np.array([1.0, 0.0]), random.normal(0, 0.2, size if numbers else 0),
        np.array([0.0, 0.1, -3.0, 3.0]), np.linspace(-1, 1, len(LEVELS) if numbers else 0),
    )  # fmt: skip
    spend = {"amount": "price", "horizon_seconds": 86_400.0} if kind == "amount" else {}
    manifest = head_manifest(model, head, {"seed": 0, **spend}, trained=(0, 1), notes={}, metrics={})
    name = f"{kind}_on_{base.partition('@')[0]}"
    register(con, pack_head(head, manifest), name=name, mapping="events", champion=False, verb="finetune")


def columns_of(con: duckdb.DuckDBPyConnection, base: str) -> int:
    """How many columns a head on a model reads."""
    from sqlscore.scoring.label_features import label_features
    from sqlscore.scoring.states import States

    model = catalog(con).artifact(base, "events")
    nobody = States(
        np.zeros((0, model.manifest.state_size), np.float32), np.zeros((0, 2), np.int64),
        np.zeros(0, np.int64), np.zeros(0, np.int64),
    )  # fmt: skip
    size: int = label_features(model, nobody, np.zeros(0, np.int64)).shape[1]
    return size


def stored(con: duckdb.DuckDBPyConnection) -> tuple[list[tuple[object, ...]], np.ndarray]:
    """The table's texts and times, and its numbers, -1 where there is none."""
    order = "FROM sqlscore.scored_labels ORDER BY label, user_id"
    columns = con.execute(f"SELECT {_NUMBERS} {order}").fetchnumpy()
    numbers = [np.ma.filled(np.ma.asarray(column).astype(float), -1.0) for column in columns.values()]
    return con.execute(f"SELECT {_TEXTS} {order}").fetchall(), np.stack(numbers)


step = st.one_of(
    *INSERTS_AND_DELETES,
    st.tuples(
        st.just("INSERT INTO e VALUES (100 + ?, TIMESTAMP '2024-01-01' + to_minutes(?), 'new', 3)"), users, minutes
    ),
    st.tuples(st.just("DELETE FROM e WHERE user_id = ? AND ? >= 0"), users, minutes),
    st.tuples(st.just("UPDATE e SET event_type = 'cart' WHERE user_id = ? AND price < ?"), users, minutes),
    st.tuples(st.just("champion"), st.integers(0, 2), minutes),
    st.tuples(st.just("finetune"), st.integers(0, len(KINDS) - 1), st.integers(0, 5)),
    st.tuples(st.just("refresh"), st.integers(0, 0), minutes),
)


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(step, min_size=1, max_size=7))
@pytest.mark.slow
def test_incremental_labels_are_those_of_a_full_refresh(script: list[tuple[str, int, int]]) -> None:
    """New, late, changed and removed events, new and vanished users, another champion, new versions of heads."""
    con = open_shop()
    register(con, ARTIFACTS[2], name="other", mapping="events", champion=False, verb="train")
    for kind in KINDS:
        add_head(con, kind, "m@1")
        add_head(con, kind, "other@1")
    assert sqlscore.refresh(con).tables["scored_labels"] == 2 * len(KINDS) * 5
    for what, number, minute in script:
        if what == "champion":
            register(con, ARTIFACTS[number], name="m", mapping="events", champion=True, verb="train")
        elif what == "finetune":
            add_head(con, KINDS[number], "other@1", seed=minute)
        elif what == "refresh":
            sqlscore.refresh(con)
        else:
            con.execute(what, [number, minute])
    if con.execute("SELECT count(*) FROM e").fetchall()[0][0]:
        sqlscore.refresh(con)
        texts, numbers = stored(con)
        assert sqlscore.refresh(con, full=True).kind == "full"
        expected, figures = stored(con)
        assert texts == expected
        np.testing.assert_allclose(numbers, figures, rtol=1e-5, atol=1e-6)
    con.close()
