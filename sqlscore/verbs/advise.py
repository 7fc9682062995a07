"""The verbs `advise` and `assign`: what to do for whom, and who is to get it."""

from __future__ import annotations

import math
import time
import warnings
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import duckdb

from sqlscore.database.catalog import mapped
from sqlscore.database.materialized import is_table
from sqlscore.database.queries import one
from sqlscore.database.transactions import on_own_connection, recorded, transaction
from sqlscore.decisions.advice import TABLE, Outcome, Wanted, keep
from sqlscore.decisions.assignment import Assigned, assign_chosen, assign_users
from sqlscore.decisions.signals import find_signals, let_go, match_plays
from sqlscore.decisions.words import Worded, Words, client_of_environment, word_messages
from sqlscore.errors import DecisionError
from sqlscore.events.mapping import DEFAULT_MAPPING, Mapping
from sqlscore.quoting import qualified
from sqlscore.score_tables.mark import lost_rows, read_mark


@dataclass(frozen=True)
class Advice:
    """What was advised: the table, the moment of the scores, and the counts of `Outcome`."""

    mapping: str
    table: str
    as_of: datetime | None
    outcome: Outcome
    seconds: float
    words: Worded | None = None  # if messages were to be worded

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        flat = asdict(self)
        outcome: dict[str, Any] = flat.pop("outcome")
        return flat | outcome


@on_own_connection
def advise(
    con: duckdb.DuckDBPyConnection,
    *,
    budget: float | None = None,
    contacts_per_day: int | None = None,
    value_saved: float | None = None,
    risk_from: float = 0.3,
    words: Words | bool = False,
    mapping: str = DEFAULT_MAPPING,
) -> Advice:
    """Say for each active user at risk what drives the risk, and what to do: the table `sqlscore.recommendations`.

    Actions come from `sqlscore.playbook`, each with the effect that is assumed there, corrected by what interventions
    have measured. The same file gives the same advice. See docs/decisions.md.

    Args:
        con: a connection that `connect` made; scores are those of the last refresh.
        budget: at most this is spent, in the unit of the playbook's costs; None: no limit.
        contacts_per_day: at most so many users are chosen, less those who were treated in the day before; None: any.
        value_saved: what a user who stays is worth, in the same unit. None: users are ranked by the rise of their
            probability to stay, and costs only count against the budget.
        risk_from: the lowest churn risk, 0 to 1.
        words: whether messages are worded by the model that the environment names (docs/decisions.md), within limits.
        mapping: the name of the mapping.

    Raises DecisionError for a row of the playbook that cannot be used, which it names, a number out of range, or users
    who are not scored.

    Examples:
        >>> sqlscore.advise(con, budget=500, contacts_per_day=200, value_saved=40).outcome.n_chosen
        200
    """
    start = time.perf_counter()
    source = mapped(con, mapping, read=False)
    for name, value in (("budget", budget), ("contacts_per_day", contacts_per_day), ("value_saved", value_saved)):
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise DecisionError(f"{name} is {value}: give a number from 0 on, or leave it out")
    if not 0 <= risk_from <= 1:
        raise DecisionError(f"risk_from is {risk_from}: give a risk from 0 to 1")
    if not is_table(con, source.schema, "scored_users"):
        raise DecisionError(f'nobody of "{mapping}" is scored yet: run sqlscore refresh first')
    mark = read_mark(con, source)
    cut = lost_rows(con, source, mark, ("scored_users",)) if mark is not None else None
    if cut is not None:
        raise DecisionError(f'the scores of "{mapping}" are not whole: {cut}; `sqlscore refresh` writes them anew')
    _warn_of_later_events(con, source)
    if words:
        client_of_environment(words if isinstance(words, Words) else Words())  # before anything changes
    wanted = Wanted(float(risk_from), None if value_saved is None else float(value_saved), budget, contacts_per_day)
    with recorded(con, "advise", mapping) as details:
        find_signals(con, source, wanted.risk_from)
        try:
            plays = match_plays(con, source)
            with transaction(con):
                outcome = keep(con, source, plays, wanted)
        finally:
            let_go(con)
        table = qualified(source.schema, TABLE)
        newest = one(con, f"SELECT max(as_of) FROM {qualified(source.schema, 'scored_users')}")
        wording = words if isinstance(words, Words) else Words()
        worded = word_messages(con, source.schema, wording) if words else None
        advice = Advice(mapping, table, newest[0] if newest else None, outcome, time.perf_counter() - start, worded)
        details.update(asdict(wanted) | advice.to_dict())
    return advice


def _warn_of_later_events(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Warn if events came since the refresh: drivers and habits are found in all events, risks are of before."""
    scored, newest = (qualified(mapping.schema, name) for name in ("scored_users", "high_water"))
    row = one(con, f"SELECT max(s.as_of), any_value(h.high_water) FROM {scored} s CROSS JOIN {newest} h")
    if row is not None and row[0] is not None and row[1] is not None and row[0] < row[1]:
        warnings.warn(
            f'the scores of "{mapping.name}" are as of {row[0]}, and there are events up to {row[1]}: what drives '
            "risks is found in all of them, the risks are of before; run sqlscore refresh first",
            stacklevel=4,
        )


@on_own_connection
def assign(
    con: duckdb.DuckDBPyConnection,
    *,
    which: str | None = None,
    users: str | None = None,
    held_out: float = 0.1,
    seed: int = 0,
    mapping: str = DEFAULT_MAPPING,
) -> list[Assigned]:
    """Assign users to be treated or held out, by a seeded hash, and note it in `sqlscore.interventions`.

    Nothing is sent. Whom to treat is in `sqlscore.contacts`, or in the table itself. Users who were assigned to the
    same thing less than a horizon ago keep their variant, and are not assigned again.

    Args:
        con: a connection that `connect` made.
        which: the name of a campaign of your own; None: the chosen users of the newest advice, each to its row of the
            playbook, with the share that this holds out.
        users: with `which`, SQL for a relation with their `user_id`: a table's name, or a SELECT in brackets.
        held_out: with `which`, the share that is held out, 0 to less than 1.
        seed: another seed, another assignment.
        mapping: the name of the mapping.

    Returns one entry an intervention. Raises DecisionError if there is no advice, or the users cannot be read.

    Examples:
        >>> sqlscore.assign(con)
        [Assigned(which='win_back', treated=181, held_out=19, known_before=0)]
    """
    source = mapped(con, mapping, read=False)
    if (which is None) != (users is None):
        raise DecisionError("which and users belong together: name the campaign and its users, or neither")
    if not 0 <= held_out < 1:
        raise DecisionError(f"held_out is {held_out}: give a share from 0 to less than 1")
    if which is None and not is_table(con, source.schema, TABLE):
        raise DecisionError(f'there is no advice for "{mapping}" yet: run sqlscore advise first')
    with recorded(con, "assign", mapping) as details, transaction(con):
        if which is None or users is None:
            done = assign_chosen(con, source, int(seed))
        else:
            done = assign_users(con, source, which, users, float(held_out), int(seed))
        details.update(assigned=[asdict(each) for each in done], seed=seed)
    return done
