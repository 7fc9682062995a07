"""The table `recommendations`: a row for each active user at risk, with reasons, an action, and whether to act now."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from sqlscore.arrays import Floats, Ints
from sqlscore.database.swap import swap_in
from sqlscore.decisions.choice import NOTHING, Limits, choose
from sqlscore.decisions.effects import Effect, expected_effects
from sqlscore.decisions.playbook import Play
from sqlscore.decisions.signals import FOUND, MATCHED
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import identifier, literal, qualified

TABLE = "recommendations"
SIGNALS = "user_signals"
_COLUMNS = (
    "driver", "driver_action", "unused_features", "similar_action", "similar_stayed", "similar_share", "similar_low",
    "similar_high", "reasons",
)  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """What is asked for: risk_from, the lowest churn risk; value_saved, what a user who stays is worth; the limits."""

    risk_from: float
    value_saved: float | None
    budget: float | None
    contacts_per_day: int | None


@dataclass(frozen=True)
class Outcome:
    """What was advised: users at risk, those for whom a row matches, chosen ones by play, cost and expected effect."""

    n_at_risk: int
    n_matched: int
    n_chosen: int
    chosen: dict[str, int]
    cost: float
    expected_stays: float
    why_not: dict[str, int]


def keep(con: duckdb.DuckDBPyConnection, mapping: Mapping, plays: list[Play], wanted: Wanted) -> Outcome:
    """Make the mapping's tables `user_signals` and `recommendations` anew, in the caller's transaction.

    Args:
        con: the connection of `find_signals` and `match_plays`.
        mapping: whose users.
        plays: what `match_plays` found.
        wanted: what is asked for.
    """
    schema = mapping.schema
    table = con.sql(f"SELECT * EXCLUDE (nr) FROM {MATCHED} ORDER BY nr").to_arrow_table()
    effects = expected_effects(con, schema, plays)
    risk = table["churn_risk"].to_numpy().astype(np.float64)
    worth, best, chosen = _choices(table, risk, plays, effects, wanted)
    con.execute(
        f"""CREATE OR REPLACE TABLE {qualified(schema, f"next_{SIGNALS}")} AS
            SELECT * EXCLUDE (sqlscore_nr) FROM {FOUND} ORDER BY sqlscore_nr"""
    )
    swap_in(con, mapping, SIGNALS)
    staging = qualified(schema, f"next_{TABLE}")
    _write(con, staging, plays, effects, wanted, best, chosen, _reasons(table, plays, worth, best, chosen))
    swap_in(con, mapping, TABLE)
    return _outcome(con, qualified(schema, TABLE))


def _choices(
    table: pa.Table, risk: Floats, plays: list[Play], effects: list[Effect], wanted: Wanted
) -> tuple[Floats, Ints, Ints]:
    """What each play is worth for each user (NaN where it does not apply), the best one, and the chosen one."""
    saved = risk[:, None] * np.array([effect.share for effect in effects]).reshape(1, -1)
    costs = np.array([play.cost for play in plays], np.float64)
    worth = saved if wanted.value_saved is None else saved * wanted.value_saved - costs
    applies, cooled = (_matrix(table[name], len(plays)) for name in ("applies", "cooled"))
    worth = np.where(applies, worth, np.nan)
    best = np.full(len(worth), NOTHING, np.int64)
    some = applies.any(1)
    if some.any():
        best[some] = np.nanargmax(worth[some], 1)
    contacts = wanted.contacts_per_day
    if contacts is not None and table.num_rows:
        contacts = max(0, contacts - int(table["treated_today"][0].as_py()))
    limits = Limits(wanted.budget, contacts, [play.audience_limit for play in plays])
    chosen = choose(np.where(cooled, worth, np.nan), costs, limits)
    return worth, np.where(chosen == NOTHING, best, chosen), chosen


def _matrix(column: pa.ChunkedArray, width: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    flat = column.combine_chunks().flatten() if len(column) and width else pa.array([], pa.bool_())
    return np.asarray(flat.to_numpy(zero_copy_only=False), np.bool_).reshape(len(column), width)


def _reasons(table: pa.Table, plays: list[Play], worth: Floats, best: Ints, chosen: Ints) -> list[str | None]:
    """Why a user is not chosen; None for those who are."""
    cooled = _matrix(table["cooled"], len(plays))
    at = np.arange(len(best)), np.maximum(best, 0)
    taken = Counter(chosen[chosen != NOTHING].tolist())
    limits = [play.audience_limit for play in plays]
    full = [limit is not None and taken[number] >= limit for number, limit in enumerate(limits)]
    if not plays:
        return ["no row of the playbook matches"] * len(best)
    is_cooled, value = cooled[at], worth[at]
    said: list[str | None] = []
    for user, play in enumerate(best.tolist()):
        if chosen[user] != NOTHING:
            said.append(None)
        elif play == NOTHING:
            said.append("no row of the playbook matches")
        elif not is_cooled[user]:
            said.append("cool-down")
        elif value[user] <= 0:
            said.append("not worth its cost")
        else:
            said.append("audience limit" if full[play] else "budget or contacts")
    return said


def _write(
    con: duckdb.DuckDBPyConnection,
    into: str,
    plays: list[Play],
    effects: list[Effect],
    wanted: Wanted,
    best: Ints,
    chosen: Ints,
    why_not: list[str | None],
) -> None:
    """Put what was chosen beside the signals."""
    picked = pa.table(
        {
            "nr": pa.array(np.arange(len(best))),
            "play": pa.array(best, mask=best == NOTHING),
            "is_chosen": pa.array(chosen != NOTHING),
            "why_not": pa.array(why_not, pa.string()),
        }
    )
    rows = ", ".join(
        f"({number}, {literal(play.name)}, {literal(play.action)}, CAST({play.cost!r} AS DOUBLE), "
        f"CAST({effect.share!r} AS DOUBLE), CAST({effect.users} AS BIGINT))"
        for number, (play, effect) in enumerate(zip(plays, effects, strict=True))
    )
    values = rows or "(0, NULL, NULL, NULL, NULL, NULL)"
    book = f"(VALUES {values}) b(play, playbook, action, cost, effect, effect_users)"
    messages = " ".join(f"WHEN {number} THEN {play.message}" for number, play in enumerate(plays))
    message = f"CASE play {messages} END" if plays else "CAST(NULL AS VARCHAR)"
    value = "NULL" if wanted.value_saved is None else repr(wanted.value_saved)
    con.register("sqlscore_picked", picked)
    try:
        con.execute(
            f"""CREATE OR REPLACE TABLE {into} AS
                WITH joined AS (SELECT s.*, p.play, p.is_chosen, p.why_not
                    FROM {FOUND} s JOIN sqlscore_picked p ON p.nr = s.sqlscore_nr),
                worded AS (SELECT *, {message} AS message FROM joined)
                SELECT s.user_id, s.churn_risk, {", ".join(f"s.{identifier(name)}" for name in _COLUMNS)},
                    b.playbook, b.action, s.message, b.cost, b.effect, b.effect_users,
                    CAST(s.churn_risk AS DOUBLE) * b.effect AS expected_saved,
                    CAST(s.churn_risk AS DOUBLE) * b.effect * CAST({value} AS DOUBLE) - b.cost AS net_value,
                    s.is_chosen,
                    CASE WHEN s.is_chosen THEN row_number() OVER (PARTITION BY s.is_chosen ORDER BY
                        coalesce(CAST(s.churn_risk AS DOUBLE) * b.effect * CAST({value} AS DOUBLE) - b.cost,
                                 CAST(s.churn_risk AS DOUBLE) * b.effect) DESC, s.sqlscore_nr) END AS place,
                    s.why_not, s.model, s.as_of, CAST(NULL AS VARCHAR) AS worded_by
                FROM worded s LEFT JOIN {book} ON b.play = s.play
                ORDER BY s.is_chosen DESC, place, s.sqlscore_nr"""
        )
    finally:
        con.unregister("sqlscore_picked")


def _outcome(con: duckdb.DuckDBPyConnection, table: str) -> Outcome:
    counted = con.execute(
        f"""SELECT count(*), count(playbook), count(*) FILTER (is_chosen), coalesce(sum(cost) FILTER (is_chosen), 0),
                coalesce(sum(expected_saved) FILTER (is_chosen), 0) FROM {table}"""
    ).fetchall()[0]
    by_play = f"SELECT playbook, count(*) FROM {table} WHERE is_chosen GROUP BY 1 ORDER BY 2 DESC, 1"
    by_reason = f"SELECT why_not, count(*) FROM {table} WHERE NOT is_chosen GROUP BY 1 ORDER BY 2 DESC, 1"
    return Outcome(
        n_at_risk=counted[0],
        n_matched=counted[1],
        n_chosen=counted[2],
        chosen=dict(con.execute(by_play).fetchall()),
        cost=counted[3],
        expected_stays=counted[4],
        why_not=dict(con.execute(by_reason).fetchall()),
    )
