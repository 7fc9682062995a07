"""What is wrong with a database file, and the command that mends each."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

import duckdb

from sqlscore.database.catalog import catalog
from sqlscore.database.damage import damage_in, lost_champion
from sqlscore.database.lacking import lacking_features
from sqlscore.database.lost_tables import emptied_tables, explain, missing_tables
from sqlscore.database.materialized import is_table
from sqlscore.database.queries import one
from sqlscore.database.registry import ModelInfo
from sqlscore.database.triggers import is_watched, watch_key
from sqlscore.errors import EventsError
from sqlscore.events.mapping import DEFAULT_MAPPING, Mapping
from sqlscore.mapping.guards import BY_DBT, COUNTED_BY_SCORING, judge, read_guards
from sqlscore.mapping.relations import types_of
from sqlscore.mapping.watch import BUILT, REFRESHED, read_profiles, watch
from sqlscore.quoting import qualified
from sqlscore.score_tables.mark import MARK_TABLE, STATES_TABLE, edited_rows, lost_rows, read_mark
from sqlscore.scoring.encoding import refuse_types
from sqlscore.scoring.manifest import read_manifest
from sqlscore.verbs.mapping_status import MappingStatus

_OLD_DAYS = 30


@dataclass(frozen=True)
class Problem:
    """Something that is wrong, and the command that fixes it."""

    what: str
    command: str


def mapping_problems(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    state: MappingStatus,
    database: str,
    models: list[ModelInfo],
    check: bool = False,
) -> list[Problem]:
    """What is wrong with the champion of a mapping, or with its scores.

    Args:
        con: A connection that `connect` made.
        mapping: The mapped events.
        state: What there is of them.
        database: The file, as commands name it.
        models: All that are registered.
        check: Whether the figures in the tables of scores are compared with their checksums, which reads them all.
    """
    train, name = _command("train", database, mapping), f'"{mapping.name}"'
    lost = lost_champion(con, mapping.name)
    if lost is not None:
        others = [m for m in models if m.mapping == mapping.name and m.label != lost[0] and m.may_reign]
        mend = shlex.join(("sqlscore", "promote", database, others[0].label)) if others else train
        return [Problem(f"the champion of {name}, {lost[0]}, cannot be used: {lost[1]}", mend)]
    if state.champion is None:
        own = [m.label for m in models if m.mapping == mapping.name and m.may_reign]
        if own:
            return [Problem(f"{name} has no champion", shlex.join(("sqlscore", "promote", database, own[0])))]
        return [Problem(f"{name} has no model", train)]
    by_dbt = state.scored_users is None and state.built_at is not None and read_mark(con, mapping) is None
    found = _wrong_with_build(state) if by_dbt else _wrong_with_scores(con, mapping, state)
    mend = "dbt build" if by_dbt else _command("refresh", database, mapping)
    edited = _edited_scores(con, mapping) if check and not by_dbt else None
    problems = [Problem(edited, _command("refresh", database, mapping, "--full"))] if edited else []
    return _champion_problems(con, mapping, state, database) + problems + ([Problem(found, mend)] if found else [])


def guard_problems(con: duckdb.DuckDBPyConnection, mapping: Mapping, database: str) -> list[Problem]:
    """What the guards warn of or would refuse in the events as they are now, or found at the last refresh."""
    if {"guards", "event_profiles"} & set(missing_tables(con)):
        return []  # `file_problems` says so
    before = read_profiles(con, mapping.name, REFRESHED, BUILT)
    findings = judge(con, mapping, read_guards(con), watch(con, mapping), before)
    names = {finding.name for finding in findings}
    findings += tuple(f for f in before.findings if f.name in COUNTED_BY_SCORING and f.name not in names)
    commands = {
        "cap": f"{_map(database)} --time-cap TIME",
        "train": _command("train", database, mapping),
        "accept": BY_DBT if before.verb == BUILT else _command("refresh", database, mapping, "--accept"),
    }
    return [
        Problem(f'"{mapping.name}": {finding.what}', commands[finding.remedy])
        for finding in findings
        if finding.outcome != "note"
    ]


def watch_problems(con: duckdb.DuckDBPyConnection, mapping: Mapping, database: str) -> list[Problem]:
    """That changes of the events were to be noted, and are not: refreshes are right, and slower."""
    mark = read_mark(con, mapping)
    wanted = is_watched(con, mapping) or (mark is not None and mark.watched is not None)
    if not wanted or watch_key(con, mapping) is not None:
        return []
    what = f'triggers that note changes of {mapping.made_of} for "{mapping.name}" are gone: refresh compares all events'
    return [Problem(what, _command("watch", database, mapping))]


def type_problems(con: duckdb.DuckDBPyConnection, mapping: Mapping, database: str) -> list[Problem]:
    """That a column is of a type from which the champion cannot be fed: a refresh would be refused."""
    snapshot = catalog(con).snapshot
    champion = snapshot.models.get(snapshot.aliases.get((mapping.name, "champion"), ""))
    if champion is None or damage_in(champion.data, champion.sha256) is not None:
        return []  # which is a problem of its own
    types = types_of(con, qualified(mapping.schema, "events"), mapping.name)
    try:
        refuse_types(types, read_manifest(champion.data).inputs)
    except EventsError as error:
        what = f'the champion of "{mapping.name}", {champion.label}, cannot score these events: {error}'
        return [Problem(what, _command("train", database, mapping))]
    return []


def unreadable_problem(mapping: Mapping, error: Exception, database: str) -> Problem:
    """That the events of a mapping cannot be read."""
    return Problem(f'the events of "{mapping.name}" cannot be read: {error}', _map(database))


def file_problems(con: duckdb.DuckDBPyConnection, mapped: bool, database: str) -> list[Problem]:
    """What is wrong with the file as a whole: lost tables, nothing mapped, scheduled runs that failed."""
    found = []
    missing = missing_tables(con)
    if missing:
        found.append(Problem(explain(missing), shlex.join(("sqlscore", "refresh", database))))
    elif emptied := emptied_tables(con):
        found.append(Problem(explain(emptied, "empty"), shlex.join(("sqlscore", "refresh", database))))
    if not mapped:
        found.append(Problem("no events are mapped", _map(database)))
    return found + _schedule_problems(con, database)


def _champion_problems(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, state: MappingStatus, database: str
) -> list[Problem]:
    train, name = _command("train", database, mapping), f'"{mapping.name}"'
    found = []
    lacking = lacking_features(con, mapping)
    if lacking:
        found.append(Problem(f"the champion of {name} reads {lacking}, not mapped", f"{_map(database)} --feature C"))
    if state.champion_age_days is not None and state.champion_age_days > _OLD_DAYS:
        found.append(Problem(f"the champion of {name} is {state.champion_age_days:.0f} days old", train))
    trained = one(con, "SELECT trained_to FROM sqlscore.models WHERE name || '@' || version = ?", [state.champion])
    if trained and trained[0] and state.high_water and trained[0] > state.high_water:
        found.append(Problem(f"the champion of {name} was trained on later events than there are now", train))
    return found


def _wrong_with_scores(con: duckdb.DuckDBPyConnection, mapping: Mapping, state: MappingStatus) -> str | None:
    """Why the stored scores are not those that a refresh would give; None if nothing is known against them."""
    name = f'"{mapping.name}"'
    mark = read_mark(con, mapping)
    cut = lost_rows(con, mapping, mark) if mark is not None else None
    if cut is not None:
        return f"the scores of {name} are not whole: {cut}"
    if state.scored_users is None:
        return f"the scores of {name} are not materialized: BI tools see no table"
    gone = [table for table in (MARK_TABLE, STATES_TABLE) if not is_table(con, mapping.schema, table)]
    if gone and not (mapping.append_only and gone == [MARK_TABLE]):  # which is dropped when a user is forgotten
        return f"what the last refresh of {name} noted is gone ({' and '.join(gone)}): the next one starts over"
    if state.scored_by is not None and state.scored_by != state.champion:
        return f"the scores of {name} are {state.scored_by}'s, not the champion's"
    if state.new_events:
        return f"{state.new_events} events of {name} are newer than its scores"
    if state.readable and state.scored_events != state.n_events:
        return f"{name} has {state.n_events} events, its scores rest on {state.scored_events}"
    return None


def _edited_scores(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> str | None:
    """That somebody changed figures in whole tables of scores; None if nobody did, or if they are not whole."""
    mark = read_mark(con, mapping)
    if mark is None or lost_rows(con, mapping, mark) is not None:
        return None
    edited = edited_rows(con, mapping, mark)
    return f'the scores of "{mapping.name}" are not those that were made: {edited}' if edited else None


def _wrong_with_build(state: MappingStatus) -> str | None:
    """Why the scores that dbt built are not those that it would build now; None if nothing is known against them."""
    if state.built_by != state.champion:
        return f"the scores of \"{state.name}\" that dbt built are {state.built_by}'s, not the champion's"
    if state.readable and state.built_events != state.n_events:
        return f'"{state.name}" has {state.n_events} events, the scores that dbt built rest on {state.built_events}'
    return None


def _schedule_problems(con: duckdb.DuckDBPyConnection, database: str) -> list[Problem]:
    """A problem if `sqlscore serve` failed since it last succeeded."""
    failed = one(
        con,
        """SELECT count(*), max_by(coalesce(message, 'it was killed'), started_at) FROM sqlscore.runs
           WHERE verb = 'serve' AND status IN ('failed', 'running') AND started_at > coalesce(
               (SELECT max(started_at) FROM sqlscore.runs WHERE verb = 'serve' AND status = 'ok'), '-infinity')""",
    )
    if not failed or not failed[0]:
        return []
    runs = "run" if failed[0] == 1 else f"{failed[0]} runs"
    return [Problem(f"the last scheduled {runs} failed: {failed[1]}", f"sqlscore serve {shlex.quote(database)} --once")]


def _command(verb: str, database: str, mapping: Mapping, *options: str) -> str:
    """How a verb is called for these events."""
    chosen = () if mapping.name == DEFAULT_MAPPING else ("--mapping", mapping.name)
    return shlex.join(("sqlscore", verb, database, *chosen, *options))


def _map(database: str) -> str:
    return f"sqlscore init {shlex.quote(database)} --events TABLE --user-id C --event-time C --event-type C"
