"""The command `status`: what is in the file, and what needs attention."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from sqlscore.cli import render
from sqlscore.cli.errors import MENDABLE, PROBLEM_FOUND, fail, message_of
from sqlscore.cli.mapping_shown import reach_of
from sqlscore.cli.options import Database, Json, open_database
from sqlscore.errors import DamagedTableError, LostTablesError

if TYPE_CHECKING:
    from sqlscore.verbs.mapping_status import MappingStatus
    from sqlscore.verbs.status import Status


def status(
    db: Database,
    check: Annotated[
        bool, typer.Option("--check", help=f"Look at every score too; exit with code {PROBLEM_FOUND} for a problem.")
    ] = False,
    json: Json = False,
) -> None:
    """Say what is mapped, which model is in use, how old the scores are, and what to mend.

    Example: sqlscore status shop.duckdb --check
    """
    from sqlscore import status as verb

    try:
        with open_database(db, read_only=True) as con:
            result = verb(con, check=check)
    except (DamagedTableError, LostTablesError) as error:
        fail(message_of(error), PROBLEM_FOUND if check else MENDABLE)
    if json:
        render.as_json(result.to_dict())
    else:
        _show(result)
    if check and result.problems:
        raise typer.Exit(PROBLEM_FOUND)


def _show(result: Status) -> None:
    """Facts, then each problem with the command that mends it."""
    render.facts(
        [
            ("database", result.database),
            ("device", result.device),
            ("versions", ", ".join(f"{name} {number}" for name, number in result.versions.items())),
            ("models", str(result.n_models)),
        ]
    )
    for mapping in result.mappings:
        counted = (
            f"{mapping.n_events:,} events of {mapping.n_users:,} users in"
            if mapping.readable
            else "unreadable events in"
        )
        render.say(f"\n{mapping.name}: {counted} {mapping.made_of}")
        champion, age = mapping.champion, mapping.champion_age_days
        untrained = "; counts, no training" if mapping.champion_is_untrained else ""
        scored = _scores(mapping)
        tied = [] if not mapping.tied_share else [("ties by action", f"{mapping.tied_share:.1%} of the events")]
        columns, unread = ", ".join(mapping.unmapped_columns), mapping.unread_features
        render.facts(
            [
                *tied,
                *(("reads", str(database)) for database in mapping.attached if database.name),
                *([("amount", mapping.amount)] if mapping.amount is not None else []),
                *([("columns not mapped", columns)] if columns else []),
                *(("source " + source.name, reach_of(asdict(source))) for source in mapping.sources),
                ("newest event", str(mapping.high_water) if mapping.readable else "not known"),
                (
                    "champion",
                    f"{champion} ({', '.join(mapping.heads)}), {age:.1f} days old{untrained}"
                    if age is not None
                    else "none",
                ),
                *([("not read by it", f"{unread}: sqlscore train reads them")] if unread else []),
                ("scores", scored),
                *([] if mapping.changed_users is None else [("watched", f"{mapping.changed_users:,} users changed")]),
            ]
        )
    for problem in result.problems:
        render.warn(problem.what)
        render.next_command(problem.command)
    if not result.problems:
        render.say("nothing to mend")


def _scores(mapping: MappingStatus) -> str:
    """Who was scored, by which model and as of when; or that the scores are tables of a dbt project."""
    if mapping.scored_users is None:
        built = f"built by dbt {mapping.built_at}, by {mapping.built_by}: tables of its project"
        return "none" if mapping.built_at is None else built
    by = f" by {mapping.scored_by}" if mapping.scored_by else ""
    as_of = f", as of {mapping.scored_as_of}" if mapping.scored_as_of else ""
    return f"{mapping.scored_users:,} users{by}{as_of}"
