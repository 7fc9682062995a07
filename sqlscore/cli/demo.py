"""`sqlscore demo`: the whole job on a simulated shop, or on a file of one's own."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sqlscore.cli import render
from sqlscore.cli.evaluation_shown import show_evaluation, show_model
from sqlscore.cli.mapping_shown import show_mapping
from sqlscore.cli.options import open_database
from sqlscore.cli.progress import Bar, working
from sqlscore.cli.refresh import show_refresh
from sqlscore.errors import InstallError

if TYPE_CHECKING:
    import duckdb

    from sqlscore.events.mapping import Mapping

DEFAULT_FILE = "sqlscore-demo.duckdb"
FEATURES = ("brand", "price", "channel")
DRIVERS = """
    SELECT action, precedes, n_users, churn_rate AS churn_rate_after, churn_rate_without
    FROM sqlscore.action_stats
    WHERE precedes IN ('churn', 'retention')
    ORDER BY q_value
    LIMIT 3"""
QUICK = {"event_updates": 1_000_000}  # of the simulated shop's training: enough to beat its baselines, in a minute
SEGMENTS = """
    SELECT risk_band, next_action, n_users, share_of_users, mean_churn_risk, expected_churners
    FROM sqlscore.segment_summary
    ORDER BY n_users DESC
    LIMIT 12"""


def demo(
    db: Annotated[str, typer.Argument(metavar="[DB]", help="The database file to make.")] = DEFAULT_FILE,
    events: Annotated[
        str | None, typer.Option("--events", metavar="FILE", help="Your own events instead of a simulated shop.")
    ] = None,
    user_id: Annotated[str, typer.Option("--user-id", metavar="C", help="Column of FILE: who.")] = "user_id",
    event_time: Annotated[str, typer.Option("--event-time", metavar="C", help="Column of FILE: when.")] = "event_time",
    event_type: Annotated[
        str, typer.Option("--event-type", metavar="C", help="Column of FILE: did what.")
    ] = "event_type",
    feature: Annotated[
        list[str] | None, typer.Option("--feature", metavar="C", help="An extra column of FILE; repeat it.")
    ] = None,
    users: Annotated[int, typer.Option("--users", min=50, help="Customers of the simulated shop.")] = 20_000,
    seed: Annotated[int, typer.Option("--seed", help="Another seed, another shop and model.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace DB if it exists.")] = False,
) -> None:
    """Map, train, evaluate and score, from nothing to segments, in about a minute and a half.

    Example: sqlscore demo, or sqlscore demo mine.duckdb --events clicks.parquet --user-id visitor
    """
    started = time.monotonic()
    _check(events)
    with _instead_of(db, replace=force or db == DEFAULT_FILE), open_database(db, create=True) as con:
        if events is None:
            _simulate(con, users, seed)
            mapping = _map(con, "events", features=FEATURES)
        else:
            mapping = _map(con, events, user_id, event_time, event_type, tuple(feature or ()))
        _train(con, seed, **({} if events else QUICK))
        _refresh(con)
        _show_segments(con)
        if events is None:
            _show_drivers(con)
    render.say(f"\n{time.monotonic() - started:.0f} seconds in all. What to run next:")
    for words in (("sql", db, _example(mapping)), ("sql", db), ("status", db)):
        render.say(f"  {shlex.join(('sqlscore', *words))}", "bold")


def _check(events: str | None) -> None:
    """Raises MappingError if the events are not a file: the database is new and has no tables."""
    if events is None:
        return
    import duckdb

    from sqlscore.mapping.relations import relation_of

    with duckdb.connect() as nothing:
        relation_of(nothing, events)


@contextmanager
def _instead_of(db: str, replace: bool) -> Iterator[None]:
    """Move an existing file aside while the block makes a new one; move it back if the block fails.

    Raises InstallError if the file exists and may not be replaced.
    """
    files = [Path(db), Path(f"{db}.wal")]
    if files[0].exists() and not replace:
        raise InstallError(
            f"{db} exists: name another file for the demo (--force deletes this one and all that it holds)"
        )
    aside = {path: path.with_name(f"{path.name}.before") for path in files if path.exists()}
    for before in aside.values():
        if before.exists():
            raise InstallError(f"{before} exists, from a demo that was cut off: move it back to keep it, or remove it")
    for path, before in aside.items():
        path.replace(before)
    try:
        yield
    except BaseException:
        for path in files:
            path.unlink(missing_ok=True)
        for path, before in aside.items():
            before.replace(path)
        raise
    for before in aside.values():
        before.unlink()


def _simulate(con: duckdb.DuckDBPyConnection, users: int, seed: int) -> None:
    from sqlscore.simulation.shop import simulate_shop

    _heading(
        "A simulated shop", "its customers browse, buy, and for reasons that are hidden in the data leave for good"
    )
    with working("simulating"), con.cursor() as cursor:
        shop = simulate_shop(users, seed=seed)
        cursor.register("simulated", shop.events)
        cursor.execute("CREATE TABLE events AS FROM simulated")
        cursor.unregister("simulated")


def _map(
    con: duckdb.DuckDBPyConnection,
    table: str,
    user_id: str = "user_id",
    event_time: str = "event_time",
    event_type: str = "event_type",
    features: tuple[str, ...] = (),
) -> Mapping:
    from sqlscore import map_events

    with working("reading the events"):
        report = map_events(
            con, table, user_id=user_id, event_time=event_time, event_type=event_type, features=features
        )
    show_mapping(report.to_dict())
    return report.mapping


def _example(mapping: Mapping) -> str:
    """A first query on the events, by the names of their columns."""
    from sqlscore.quoting import identifier

    plain = mapping.user_id.isidentifier() and mapping.user_id.islower()
    user = mapping.user_id if plain else identifier(mapping.user_id)
    table = "events" if mapping.relation == '"main"."events"' else mapping.relation
    return f"SELECT {user}, predict_next_actions(e) AS next FROM {table} e GROUP BY {user} LIMIT 5"


def _train(con: duckdb.DuckDBPyConnection, seed: int, **options: Any) -> None:
    from sqlscore import train

    _heading("A model", "trained on the past, judged on the latest events, beside what counting alone can do")
    with Bar() as bar:
        info = train(con, seed=seed, progress=bar, **options)
    show_model(info)
    show_evaluation(info.metrics)


def _refresh(con: duckdb.DuckDBPyConnection) -> None:
    from sqlscore import refresh

    _heading("Scores", "every user, as tables that any reader of the file can chart")
    with Bar() as bar:
        report = refresh(con, progress=bar)
    show_refresh(report)


def _show_segments(con: duckdb.DuckDBPyConnection) -> None:
    _heading("Segments", "who is at risk, who has lapsed, and what they will do next")
    result = con.execute(SEGMENTS)
    render.rows_as_table([column[0] for column in result.description or ()], result.fetchall())


def _show_drivers(con: duckdb.DuckDBPyConnection) -> None:
    _heading("Before they leave", "actions after which customers are lost, or stay, more often than without them")
    with working("counting"):
        result = con.execute(DRIVERS)
        rows = result.fetchall()
    render.rows_as_table([column[0] for column in result.description or ()], rows)


def _heading(title: str, text: str) -> None:
    render.say(f"\n{title}: {text}", "bold cyan")
