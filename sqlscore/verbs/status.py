"""The verb `status`: the state of a database file, and what is wrong with it."""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any

import duckdb

from sqlscore.database.catalog import catalog
from sqlscore.database.damage import lost_champion
from sqlscore.database.lost_tables import explain, missing_tables
from sqlscore.database.objects import materialized_tables
from sqlscore.database.queries import one
from sqlscore.database.registry import ModelInfo, lacking_features, registered_models
from sqlscore.database.transactions import now, on_own_connection
from sqlscore.errors import EventsError, MappingError
from sqlscore.events.mapping import DEFAULT_MAPPING, Mapping
from sqlscore.mapping.guards import judge, read_guards
from sqlscore.mapping.roles import check_types
from sqlscore.mapping.watch import read_profiles, watch
from sqlscore.quoting import qualified
from sqlscore.score_tables.mark import lost_rows, read_mark

_OLD_DAYS = 30


@dataclass(frozen=True)
class Problem:
    """Something that is wrong, and the command that fixes it."""

    what: str
    command: str


@dataclass(frozen=True)
class MappingStatus:
    """One mapped events table: its events, its champion, its score tables."""

    name: str
    relation: str
    n_events: int
    n_users: int
    high_water: datetime | None
    champion: str | None
    champion_age_days: float | None
    heads: tuple[str, ...]
    scored_users: int | None = None  # None: not refreshed yet
    scored_as_of: datetime | None = None
    scored_at: datetime | None = None
    scored_by: str | None = None
    new_events: int | None = None  # events after the scores' as_of
    readable: bool = True  # False: n_events, n_users and high_water are not known
    scored_events: int | None = None  # that the scores rest on; a changed event shows only at the next refresh


@dataclass(frozen=True)
class Status:
    """The state of a database file."""

    database: str
    device: str
    versions: dict[str, str]
    mappings: tuple[MappingStatus, ...]
    n_models: int
    cache: dict[str, int]  # entries, max_bytes, hits, misses of this process; empty before a model is used
    problems: tuple[Problem, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        return asdict(self)


@on_own_connection
def status(con: duckdb.DuckDBPyConnection) -> Status:
    """Look at mappings, models and score tables, and report what is stale or missing. No model is loaded.

    >>> for problem in sqlscore.status(con).problems:
    ...     print(problem.what, "->", problem.command)
    """
    known = catalog(con)
    path = one(con, "SELECT path FROM duckdb_databases() WHERE database_name = current_database()")
    database = path[0] if path and path[0] else ":memory:"
    models = registered_models(con)
    mappings, problems = [], []
    for mapping in known.snapshot.mappings.values():
        try:
            check_types(con, mapping)
            state = _mapping_status(con, mapping, models)
            watched = _guard_problems(con, mapping, database)
        except (duckdb.Error, EventsError, MappingError) as error:
            watched = []
            state = _unreadable(con, mapping, models)
            problems.append(Problem(f'the events of "{mapping.name}" cannot be read: {error}', _map_again(database)))
        mappings.append(state)
        problems += _problems(con, mapping, state, database, models) + watched
    missing = missing_tables(con)
    if missing:
        problems.append(Problem(explain(missing), shlex.join(("sqlscore", "refresh", database))))
    if not mappings:
        problems.append(Problem("no events are mapped", _map_again(database)))
    problems += _schedule_problems(con, database)
    packages = ("duckdb", "torch")
    return Status(
        database,
        known.device,
        {"sqlscore": version("sqlscore"), **{package: version(package) for package in packages}},
        tuple(mappings),
        len(models),
        _cache(),
        tuple(problems),
    )


def _cache() -> dict[str, int]:
    module = sys.modules.get("sqlscore.scoring.cache.states")  # importing it here would import torch
    return asdict(module.STATES.info()) if module else {}


def _mapping_status(con: duckdb.DuckDBPyConnection, mapping: Mapping, models: list[ModelInfo]) -> MappingStatus:
    events = qualified(mapping.schema, "events")
    counted = one(con, f"SELECT count(*), count(DISTINCT user_id), max(event_time) FROM {events}")
    n_events, n_users, high_water = counted or (0, 0, None)
    champion = next((m for m in models if m.is_champion and m.mapping == mapping.name), None)
    age = (now() - champion.created_at).total_seconds() / 86_400 if champion else None
    scores: dict[str, Any] = {}
    if "scored_users" in materialized_tables(con, mapping):
        table = qualified(mapping.schema, "scored_users")
        query = f"""SELECT count(*) AS scored_users, max(as_of) AS scored_as_of, max(scored_at) AS scored_at,
                max(model) AS scored_by,
                (SELECT count(*) FROM {events} WHERE event_time > (SELECT max(as_of) FROM {table})) AS new_events,
                CAST(sum(n_events) AS BIGINT) AS scored_events FROM {table}"""
        relation = con.sql(query)
        scores = dict(zip(relation.columns, relation.fetchall()[0], strict=True))
    return MappingStatus(
        name=mapping.name,
        relation=mapping.relation,
        n_events=n_events,
        n_users=n_users,
        high_water=high_water,
        champion=champion.label if champion else None,
        champion_age_days=age,
        heads=champion.heads if champion else (),
        **scores,
    )


def _unreadable(con: duckdb.DuckDBPyConnection, mapping: Mapping, models: list[ModelInfo]) -> MappingStatus:
    """What is there of a mapping whose events cannot be read: its champion, and the scores of the last refresh."""
    champion = next((m for m in models if m.is_champion and m.mapping == mapping.name), None)
    scores: dict[str, Any] = {}
    if "scored_users" in materialized_tables(con, mapping):
        relation = con.sql(
            f"""SELECT count(*) AS scored_users, max(as_of) AS scored_as_of, max(scored_at) AS scored_at,
                max(model) AS scored_by FROM {qualified(mapping.schema, "scored_users")}"""
        )
        scores = dict(zip(relation.columns, relation.fetchall()[0], strict=True))
    return MappingStatus(
        name=mapping.name,
        relation=mapping.relation,
        n_events=0,
        n_users=0,
        high_water=None,
        champion=champion.label if champion else None,
        champion_age_days=(now() - champion.created_at).total_seconds() / 86_400 if champion else None,
        heads=champion.heads if champion else (),
        **scores,
        readable=False,
    )


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


def _guard_problems(con: duckdb.DuckDBPyConnection, mapping: Mapping, database: str) -> list[Problem]:
    """What the guards warn of or would refuse in the events as they are now, or found at the last refresh."""
    before = read_profiles(con, mapping.name)
    findings = judge(con, mapping, read_guards(con), watch(con, mapping), before)
    names = {finding.name for finding in findings}
    findings += tuple(finding for finding in before.findings if finding.name not in names)
    chosen = () if mapping.name == DEFAULT_MAPPING else ("--mapping", mapping.name)
    commands = {
        "cap": f"{_map_again(database)} --time-cap TIME",
        "train": shlex.join(("sqlscore", "train", database, *chosen)),
        "accept": shlex.join(("sqlscore", "refresh", database, *chosen, "--accept")),
    }
    return [
        Problem(f'"{mapping.name}": {finding.what}', commands[finding.remedy])
        for finding in findings
        if finding.outcome != "note"
    ]


def _map_again(database: str) -> str:
    return f"sqlscore init {shlex.quote(database)} --events TABLE --user-id C --event-time C --event-type C"


def _problems(
    con: duckdb.DuckDBPyConnection, events: Mapping, mapping: MappingStatus, database: str, models: list[ModelInfo]
) -> list[Problem]:
    chosen = () if mapping.name == "events" else ("--mapping", mapping.name)
    train, refresh = (shlex.join(("sqlscore", verb, database, *chosen)) for verb in ("train", "refresh"))
    name = f'"{mapping.name}"'
    lost = lost_champion(con, mapping.name)
    if lost is not None:
        others = [m for m in models if m.mapping == mapping.name and m.label != lost[0]]
        mend = shlex.join(("sqlscore", "promote", database, others[0].label)) if others else train
        return [Problem(f"the champion of {name}, {lost[0]}, cannot be used: {lost[1]}", mend)]
    if mapping.champion is None:
        return [Problem(f"{name} has no model", train)]
    problems = []
    lacking = lacking_features(con, events)
    if lacking:
        again = f"{_map_again(database)} --feature C"
        problems.append(Problem(f"the champion of {name} reads {lacking}, not mapped", again))
    if mapping.champion_age_days is not None and mapping.champion_age_days > _OLD_DAYS:
        problems.append(Problem(f"the champion of {name} is {mapping.champion_age_days:.0f} days old", train))
    trained = one(
        con, """SELECT trained_to FROM sqlscore.models WHERE name || '@' || version = ?""", [mapping.champion]
    )
    if trained and trained[0] and mapping.high_water and trained[0] > mapping.high_water:
        problems.append(Problem(f"the champion of {name} was trained on later events than there are now", train))
    mark = read_mark(con, events)
    cut = lost_rows(con, events, mark) if mark is not None else None
    if cut is not None:
        problems.append(Problem(f"the scores of {name} are not whole: {cut}", refresh))
    elif mapping.scored_users is None:
        problems.append(Problem(f"the scores of {name} are not materialized: BI tools see no table", refresh))
    elif mapping.scored_by is not None and mapping.scored_by != mapping.champion:
        problems.append(Problem(f"the scores of {name} are {mapping.scored_by}'s, not the champion's", refresh))
    elif mapping.new_events:
        problems.append(Problem(f"{mapping.new_events} events of {name} are newer than its scores", refresh))
    elif mapping.readable and mapping.scored_events != mapping.n_events:
        problems.append(
            Problem(f"{name} has {mapping.n_events} events, its scores rest on {mapping.scored_events}", refresh)
        )
    return problems
