"""The commands `advise` and `assign`: what to do for whom, and who is to get it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sqlscore.cli import render
from sqlscore.cli.options import Database, Json, MappingName, open_database
from sqlscore.cli.progress import working

if TYPE_CHECKING:
    import duckdb

    from sqlscore.verbs.advise import Advice

_SHOWN = ("place", "user_id", "churn_risk", "driver", "playbook", "message", "expected_saved", "net_value")


def advise(
    db: Database,
    budget: Annotated[float | None, typer.Option("--budget", help="Spend at most this.", min=0)] = None,
    contacts_per_day: Annotated[
        int | None, typer.Option("--contacts-per-day", help="Choose at most so many users a day.", min=0)
    ] = None,
    value_saved: Annotated[
        float | None, typer.Option("--value-saved", help="What a user who stays is worth.", min=0)
    ] = None,
    risk_from: Annotated[float, typer.Option("--risk-from", help="The lowest churn risk.", min=0, max=1)] = 0.3,
    rows: Annotated[int, typer.Option("--rows", help="Show so many chosen users.", min=0)] = 10,
    words: Annotated[bool, typer.Option("--words", help="Have messages worded by a language model.")] = False,
    words_limit: Annotated[int, typer.Option("--words-limit", help="At most so many of them.", min=1)] = 100,
    csv: Annotated[bool, typer.Option("--csv", help="Print the chosen users as CSV, and nothing else.")] = False,
    mapping: MappingName = "events",
    json: Json = False,
) -> None:
    """Say for each active user at risk why, and what to do: the table sqlscore.recommendations. Nothing is sent.

    Example: sqlscore advise shop.duckdb --budget 500 --contacts-per-day 200 --value-saved 40
    """
    from sqlscore import advise as verb
    from sqlscore.decisions.words import Words

    with open_database(db) as con:
        with working("advising"):
            advice = verb(
                con,
                budget=budget,
                contacts_per_day=contacts_per_day,
                value_saved=value_saved,
                risk_from=risk_from,
                words=Words(requests=words_limit) if words else False,
                mapping=mapping,
            )
        if csv:
            from sqlscore.publishing.mail_list import write_mail_list

            query = f"SELECT * EXCLUDE (is_chosen, why_not) FROM {advice.table} WHERE is_chosen ORDER BY place"
            chosen = con.sql(query)
            write_mail_list(chosen.columns, chosen.fetchall(), sys.stdout)
        elif json:
            render.as_json(advice.to_dict() | {"users": _chosen(con, advice, None)})
        else:
            _show(con, advice, rows)
            if advice.outcome.n_chosen:
                render.next_step("sqlscore", "assign", db)


def assign(
    db: Database,
    which: Annotated[
        str | None, typer.Option("--which", help="A campaign of your own (default: the newest advice).")
    ] = None,
    users: Annotated[
        str | None, typer.Option("--users", metavar="TABLE|(SQL)", help="With --which: its users, by user_id.")
    ] = None,
    held_out: Annotated[
        float, typer.Option("--held-out", help="With --which: the share that gets nothing, to measure by.")
    ] = 0.1,
    seed: Annotated[int, typer.Option("--seed", help="Another seed, another assignment.")] = 0,
    mapping: MappingName = "events",
    json: Json = False,
) -> None:
    """Assign the chosen users to be treated or held out, in sqlscore.interventions. Nothing is sent.

    Example: sqlscore assign shop.duckdb
    """
    from sqlscore import assign as verb

    with open_database(db) as con, working("assigning"):
        done = verb(con, which=which, users=users, held_out=held_out, seed=seed, mapping=mapping)
    if json:
        render.as_json(done)
        return
    columns = ("which", "treated", "held out", "known before")
    render.rows_as_table(columns, [(each.which, each.treated, each.held_out, each.known_before) for each in done])
    render.say("whom to treat: sqlscore.contacts; what comes of it: sqlscore.intervention_outcomes")


def _show(con: duckdb.DuckDBPyConnection, advice: Advice, rows: int) -> None:
    outcome = advice.outcome
    shown = _chosen(con, advice, rows)
    if shown:
        rows_shown = [[str(row[name]) if name == "user_id" else row[name] for name in _SHOWN] for row in shown]
        render.rows_as_table(_SHOWN, rows_shown)
    render.say(
        f"{outcome.n_at_risk:,} active users at risk as of {advice.as_of:%Y-%m-%d %H:%M}, "
        f"{outcome.n_chosen:,} chosen in {advice.seconds:.1f} s: {_counted(outcome.chosen)}"
        if advice.as_of is not None
        else "nobody is scored"
    )
    render.say(f"cost {outcome.cost:,.2f}, expected to stay because of it: {outcome.expected_stays:,.1f}")
    if advice.words is not None:
        kept = f"; the playbook's text: {_counted(advice.words.kept)}" if advice.words.kept else ""
        render.say(f"worded: {advice.words.worded:,}{kept} ({advice.words.tokens:,} tokens)")
    if outcome.why_not:
        render.say(f"not chosen: {_counted(outcome.why_not)}")
    render.say(f"all of them, with reasons: FROM {advice.table.replace(chr(34), '')}")


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"


def _chosen(con: duckdb.DuckDBPyConnection, advice: Advice, rows: int | None) -> list[dict[str, Any]]:
    """The chosen users as dicts, best first; all of them if rows is None."""
    limit = "" if rows is None else f" LIMIT {rows}"
    found = con.sql(f"FROM {advice.table} WHERE is_chosen ORDER BY place{limit}")
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
