"""A file under random verbs and statements in random order: every way to score agrees, and every refusal is a sentence.

`tests/verbs/test_file_machine.py` runs a short share; `python benchmarks/fuzz.py --machine --steps N` runs more.
"""

from __future__ import annotations

import math
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import duckdb
from hypothesis import HealthCheck, settings
from hypothesis import seed as with_seed
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from same_scores import assert_equal_to_full
from small_shop import ARTIFACTS, open_shop

import sqlscore
from sqlscore.database.model_file import write_model_file
from sqlscore.errors import GuardError, GuardWarning, SqlscoreError
from sqlscore.scoring.manifest import sha256_of

USERS = st.none() | st.integers(0, 6)
START = datetime(2024, 1, 1)
TIMES = (
    st.none()
    | st.just("infinity")
    | st.integers(-2_000, 20_000).map(lambda minutes: START + timedelta(minutes=10 * minutes))
)
ACTIONS = st.none() | st.sampled_from(("view", "cart", "buy", "new", "", "zurück", "a\x1fb\x1e"))
PRICES = st.none() | st.sampled_from((0.0, -1.5, 3.0, 1e300, -1e300, math.nan, math.inf, 1e-320))
ROWS = st.lists(st.tuples(USERS, TIMES, ACTIONS, PRICES), max_size=6)
RARE = st.integers(0, 4)
"""0 for what takes ten times as long as the rest, and must not take most of the time."""
MODELS = st.sampled_from(("m@1", "m@2", "m@3", "m", "none@1", "m@x", ""))
SETTINGS = st.dictionaries(
    st.sampled_from(("retrain_after_days", "retrain_drift_psi", "keep_retrained", "promote_within", "no such setting")),
    st.none() | st.integers(-3, 90) | st.sampled_from((0.25, math.nan, math.inf, -1e300)),
    min_size=1,
    max_size=2,
)

MORE_USERS = """INSERT INTO e SELECT 5 + i % 15, TIMESTAMP '2024-01-01' + to_minutes(17 * i), 'view', i
    FROM range(60) t(i)"""
"""So many that a few rows are few enough changes for an incremental refresh."""
USABLE = """SELECT user_id, count(*) FROM e
    WHERE user_id IS NOT NULL AND event_type IS NOT NULL AND isfinite(event_time) GROUP BY user_id"""
FIELDS = "n_events, last_event_time, next_action, next_action_probability, seconds_to_next_action, churn_risk"
OF = ", ".join(f"s.{field}" for field in FIELDS.split(", "))
AD_HOC = f"SELECT user_id, {OF} FROM (SELECT user_id, score_events(e) AS s FROM e GROUP BY user_id) WHERE s IS NOT NULL"
LISTS = f"""SELECT user_id, {OF}
    FROM (SELECT user_id, list_score_events(list(v)) AS s FROM sqlscore.events v GROUP BY user_id)"""
AT_LAST = f"""SELECT user_id, {OF} FROM (SELECT user_id, score_events(e, as_of := max(e.event_time)
    FILTER (isfinite(e.event_time) AND e.event_type IS NOT NULL)) AS s FROM e GROUP BY user_id) WHERE s IS NOT NULL"""
HISTORY = f"""SELECT user_id, {FIELDS} FROM history
    QUALIFY row_number() OVER (PARTITION BY user_id ORDER BY n_events DESC) = 1"""
BULK = f"SELECT user_id, {FIELDS} FROM sqlscore.scored_users"
SUMS = """SELECT list_sum(p), list_min(p) FROM (SELECT list_transform(predict_next_actions(e, k := 3),
    lambda x: x.probability) AS p FROM e GROUP BY user_id) WHERE p IS NOT NULL"""


class Stopped:
    """A Progress that is interrupted, as by Ctrl-C, when it has been told something so many times."""

    def __init__(self, after: int) -> None:
        self.left = after

    def start(self, description: str, total: float | None) -> None:
        self._told()

    def advance(self, amount: float) -> None:
        self._told()

    def finish(self) -> None:
        self._told()

    def _told(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt


class FileMachine(RuleBasedStateMachine):
    """One file, from its first model on."""

    done: ClassVar[Counter[str]] = Counter()
    """How often each verb did what it was asked to; a run in which nothing worked would show nothing."""
    steps: ClassVar[int] = 0

    @initialize(append_only=st.booleans())
    def open(self, append_only: bool) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="sqlscore-tests-")
        self.path = Path(self.folder.name) / "shop.duckdb"
        self.append_only = append_only
        self.con = open_shop(self.path, append_only=append_only)
        self.con.execute(MORE_USERS)
        self.con.execute("UPDATE sqlscore.guards SET threshold = 2 WHERE name = 'unknown_share'")

    def teardown(self) -> None:
        if hasattr(self, "con"):
            self.con.close()
            self.folder.cleanup()

    @rule(rows=ROWS.filter(bool))
    def insert(self, rows: list[tuple[Any, ...]]) -> None:
        """Late ones, ties, unknown actions, and values that are none."""
        if rows:
            self.con.executemany("INSERT INTO e VALUES (?, CAST(? AS TIMESTAMP), ?, ?)", rows)
            self._count("insert")

    @rule(user=USERS)
    def delete(self, user: int | None) -> None:
        if not self.append_only:
            self.con.execute("DELETE FROM e WHERE user_id IS NOT DISTINCT FROM ?", [user])
            self._count("delete")

    @rule(user=USERS, price=PRICES)
    def edit(self, user: int | None, price: float | None) -> None:
        if not self.append_only:
            self.con.execute("UPDATE e SET price = ?, event_type = 'view' WHERE user_id = ?", [price, user])
            self._count("edit")

    @rule(with_price=st.booleans(), append_only=st.booleans(), chance=RARE)
    def map(self, with_price: bool, append_only: bool, chance: int = 0) -> None:
        if chance:
            return
        features = ["price"] if with_price else []
        if self._do(sqlscore.map_events, "e", features=features, append_only=append_only, force=True) is not None:
            self.append_only = append_only

    @rule(chance=RARE)
    def unmap(self, chance: int = 0) -> None:
        """And back, or the rest of the run would show refusals alone."""
        if chance:
            return
        self._do(sqlscore.unmap)
        self._scores_or_refuses(AD_HOC)
        self._do(sqlscore.refresh)
        self.map(True, self.append_only)

    @rule(which=st.integers(0, 2), promote=st.booleans(), force=st.booleans())
    def import_model(self, which: int, promote: bool, force: bool) -> None:
        path = Path(self.folder.name) / f"{which}.sqlscore"
        sha256 = sha256_of(ARTIFACTS[which])
        write_model_file(path, ARTIFACTS[which], sha256)
        self._do(sqlscore.import_model, path, name="m", sha256=sha256, promote=promote, force=force)

    @rule(model=MODELS, force=st.booleans())
    def promote(self, model: str, force: bool) -> None:
        before = self._champion()
        info = self._do(sqlscore.promote, model, force=force)
        assert self._champion() == (before if info is None else info.label)

    @rule()
    def rollback(self) -> None:
        before = self._champion()
        info = self._do(sqlscore.rollback)
        assert self._champion() == (before if info is None else info.label)
        assert info is None or info.label != before

    @rule(model=MODELS)
    def drop(self, model: str) -> None:
        self._do(sqlscore.drop_model, model)

    @rule(rows=ROWS, full=st.booleans(), keep_history=st.booleans(), vectors=st.booleans())
    def refresh(self, rows: list[tuple[Any, ...]], full: bool, keep_history: bool, vectors: bool) -> None:
        """After some events; then every way to score says the same."""
        self.insert(rows)
        report = self._do(sqlscore.refresh, full=full, keep_history=keep_history, vectors=vectors, accept=True)
        assert report is not None or not self._can_score(), "a refresh was refused that could score"
        if report is None:
            return
        self._count(report.kind)
        bulk = self._rows(BULK)
        assert {user: row[0] for user, row in bulk.items()} == dict(self.con.execute(USABLE).fetchall())
        self._same(bulk, self._rows(AD_HOC))
        self._same(bulk, self._rows(LISTS))
        for total, least in self.con.execute(SUMS).fetchall():
            assert abs(total - 1) < 1e-5
            assert least >= 0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GuardWarning)
            if report.kind == "incremental":
                assert_equal_to_full(self.con)

    @rule()
    def refresh_under_guards(self) -> None:
        """What a guard refuses leaves all as it was."""
        before = self._stored()
        if self._do(sqlscore.refresh) is None:
            assert self._stored() == before

    @rule(after=st.integers(0, 4), full=st.booleans())
    def interrupted_refresh(self, after: int, full: bool) -> None:
        """The tables are as before, and the next refresh is as if it had not been."""
        before = self._stored()
        try:
            self._do(sqlscore.refresh, full=full, accept=True, progress=Stopped(after))
        except KeyboardInterrupt:
            assert self._stored() == before
            self._count("interrupted")

    @rule(user=st.integers(0, 7))
    def forget(self, user: int) -> None:
        erased = self._do(sqlscore.forget_user, user)
        if erased is not None and "scored_users" in erased:
            assert user not in self._rows(BULK)

    @rule()
    def score_history(self) -> None:
        """Its last row of a user is the ad hoc score at the user's last event."""
        made = self._do(sqlscore.score_history, into="history")
        causal = self._can_score() and "gru" in [
            m.architecture for m in sqlscore.list_models(self.con) if m.is_champion
        ]
        assert made is not None or not causal or not self.con.execute(USABLE).fetchall()
        if made is not None:
            self._same(self._rows(HISTORY), self._rows(AT_LAST))

    @rule(settings=SETTINGS, own=st.booleans())
    def set_policy(self, settings: dict[str, Any], own: bool) -> None:
        self._do(sqlscore.set_policy, mapping="events" if own else None, **settings)

    @rule()
    def reopen(self) -> None:
        before = self._stored()
        self.con.close()
        self.con = sqlscore.connect(self.path)
        self._count("reopen")
        assert self._stored() == before

    @rule()
    def status(self) -> None:
        assert self._do(sqlscore.status) is not None

    def _do(self, verb: Callable[..., Any], *given: Any, **named: Any) -> Any:
        """Call a verb; None if it refuses, which it may in a sentence of ours alone."""
        FileMachine.steps += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GuardWarning)
            try:
                found = verb(self.con, *given, **named)
            except SqlscoreError as error:
                _assert_sentence(str(error))
                if isinstance(error, GuardError):
                    self._count("guarded")
                return None
        self._count(verb.__name__)
        return True if found is None else found

    def _scores_or_refuses(self, query: str) -> None:
        try:
            self.con.execute(query).fetchall()
        except duckdb.Error as error:
            _assert_sentence(str(error))

    def _count(self, what: str) -> None:
        FileMachine.done[what] += 1

    def _can_score(self) -> bool:
        """There is a mapping, and a champion that reads no column but those mapped (all models here read price)."""
        mapped = self.con.execute("SELECT mapping ->> '$.features[0].name' FROM sqlscore.mappings").fetchall()
        return mapped == [("price",)] and self._champion() is not None

    def _champion(self) -> str | None:
        return next((model.label for model in sqlscore.list_models(self.con) if model.is_champion), None)

    def _stored(self) -> list[Any]:
        """What is in the tables of scores."""
        kept = "SELECT coalesce(sum(hash(t)), 0) FROM"
        names = self.con.execute(
            """SELECT table_name FROM duckdb_tables() WHERE schema_name = 'sqlscore' AND table_name IN
               ('scored_users', 'scored_sessions', 'user_states', 'past_scores', 'refreshed', 'user_vectors')
               ORDER BY ALL"""
        ).fetchall()
        return [(name, self.con.execute(f"{kept} sqlscore.{name} t").fetchall()) for (name,) in names]

    def _rows(self, query: str) -> dict[Any, tuple[Any, ...]]:
        found = self.con.execute(query).fetchall()
        by_user = {row[0]: row[1:] for row in found}
        assert len(by_user) == len(found)
        return by_user

    def _same(self, some: dict[Any, tuple[Any, ...]], others: dict[Any, tuple[Any, ...]]) -> None:
        assert some.keys() == others.keys()
        for user, row in some.items():
            for a, b in zip(row, others[user], strict=True):
                if isinstance(a, float):
                    assert math.isfinite(a)
                    assert abs(a - b) <= 1e-5 * max(1.0, abs(b)), (user, row, others[user])
                else:
                    assert a == b, (user, row, others[user])


def _assert_sentence(said: str) -> None:
    """For people: no traceback, no lines, and of a length that is read."""
    assert said.strip(), "an error says nothing"
    assert "Traceback" not in said, said
    assert "INTERNAL" not in said, said
    assert len(said) < 1_000, said


def run_machine(runs: int, steps_of_a_run: int, seed: int | None = None) -> None:
    """So many files, so many rules on each; a failure is raised with the shortest run that shows it.

    Args:
        runs: How many files.
        steps_of_a_run: How many rules on each.
        seed: Of the random numbers; None for runs that are the same each time.
    """
    machine = FileMachine if seed is None else with_seed(seed)(FileMachine)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=runs,
            stateful_step_count=steps_of_a_run,
            derandomize=seed is None,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
