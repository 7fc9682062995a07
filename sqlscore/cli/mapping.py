"""The commands `init` and `unmap`: what the events are, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from sqlscore.cli import exports, render
from sqlscore.cli.importing import table_of, undone_on_failure
from sqlscore.cli.mapping_shown import show_mapping
from sqlscore.cli.options import Database, Json, MappingName, open_database
from sqlscore.cli.progress import working

if TYPE_CHECKING:
    from sqlscore.events.kinds import Kind
    from sqlscore.events.mapping import TimeUnit


def init(
    db: Database,
    path: Annotated[
        list[str] | None, typer.Argument(metavar="[PATH]...", help="With --from: files, globs, folders or tables.")
    ] = None,
    events: Annotated[
        str | None,
        typer.Option("--events", metavar="FILE|TABLE", help="A table or view of DB, or a Parquet, CSV or JSON file."),
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="FORMAT", help="The export of a known tool, read as it has to be.")
    ] = None,
    show_sql: Annotated[
        bool, typer.Option("--show-sql", help="With --from: print the view that would be made, and change nothing.")
    ] = False,
    lifecycle: Annotated[
        str | None,
        typer.Option("--lifecycle", metavar="T", help="With --from xes: the transition that counts, or all."),
    ] = None,
    object_type: Annotated[
        str | None, typer.Option("--object-type", metavar="T", help="With --from ocel: the objects that are the users.")
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            metavar="FILE|TABLE[: user_id=C, event_time=C, event_type=C|'T', ...]",
            help="One of several, instead of --events; repeat it.",
        ),
    ] = None,
    user_id: Annotated[str, typer.Option("--user-id", metavar="C", help="Column: who.")] = "user_id",
    event_time: Annotated[str, typer.Option("--event-time", metavar="C", help="Column: when.")] = "event_time",
    event_type: Annotated[str, typer.Option("--event-type", metavar="C", help="Column: did what.")] = "event_type",
    level: Annotated[
        str | None,
        typer.Option(
            "--level", metavar="C", help="Column: coarser actions; these are predicted, --event-type is read too."
        ),
    ] = None,
    feature: Annotated[
        list[str] | None, typer.Option("--feature", metavar="C", help="An extra column for the models; repeat it.")
    ] = None,
    categorical: Annotated[
        list[str] | None,
        typer.Option("--categorical", metavar="C", help="As --feature, for numbers that are codes; repeat it."),
    ] = None,
    name: Annotated[str, typer.Option("--mapping", help="A name for it; several tables may be mapped.")] = "events",
    prefix: Annotated[str | None, typer.Option("--prefix", help="A prefix of the functions' names.")] = None,
    attach: Annotated[
        list[str] | None,
        typer.Option("--attach", metavar="NAME=WHERE", help="A database whose tables are NAME.schema.table; repeat."),
    ] = None,
    table: Annotated[
        str | None, typer.Option("--table", metavar="T", help="The table, if --events is a DuckDB file of several.")
    ] = None,
    time_unit: Annotated[
        str | None, typer.Option("--time-unit", help="The unit of epoch numbers: s, ms, us or ns.")
    ] = None,
    time_cap: Annotated[str | None, typer.Option("--time-cap", metavar="TIME", help="Leave out later events.")] = None,
    event_id: Annotated[
        str | None,
        typer.Option("--event-id", metavar="C[,C]", help="Column: tells events apart; of rows alike the first counts."),
    ] = None,
    order: Annotated[
        str | None, typer.Option("--order", metavar="C[,C]", help="Columns: order events of one user and time.")
    ] = None,
    exclude_type: Annotated[
        list[str] | None, typer.Option("--exclude-type", metavar="T", help="An action that is no event; repeat it.")
    ] = None,
    device_id: Annotated[
        str | None,
        typer.Option("--device-id", metavar="C", help="Column: the device; before and after a login it is one person."),
    ] = None,
    device_shared: Annotated[
        bool, typer.Option("--device-shared", help="A device belongs to whoever logged in last before the event.")
    ] = False,
    identity: Annotated[
        str | None,
        typer.Option(
            "--identity", metavar="TABLE[: device=C, user=C, ...]", help="A table: who had which device, or who is who."
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option("--group", metavar="C", help="Column: site, tenant or country; each ends at its own date."),
    ] = None,
    amount: Annotated[
        str | None,
        typer.Option("--amount", metavar="C", help="Column: what an event is worth, such as its revenue."),
    ] = None,
    users: Annotated[
        str | None,
        typer.Option("--users", metavar="FILE|TABLE", help="What is known of users; events get it as of their time."),
    ] = None,
    user_feature: Annotated[
        list[str] | None,
        typer.Option("--user-feature", metavar="C", help="A column of --users for the models; repeat it."),
    ] = None,
    user_key: Annotated[
        str | None, typer.Option("--user-key", metavar="C", help="Column of --users: who.", show_default="--user-id")
    ] = None,
    valid_from: Annotated[
        str | None,
        typer.Option("--valid-from", metavar="C", help="Column of --users: from when a row holds."),
    ] = None,
    append_only: Annotated[bool, typer.Option("--append-only", help="Rows are never changed or deleted.")] = False,
    copy: Annotated[
        bool, typer.Option("--copy", help="Import the file as a table instead of reading it in place.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Map in place of another mapping, although its scores are dropped.")
    ] = False,
    json: Json = False,
) -> None:
    """Say where the events are and what their columns are called.

    Example: sqlscore init shop.duckdb --events clicks.parquet --user-id visitor --event-time ts --event-type action
    """
    from sqlscore import list_models, map_events
    from sqlscore.events.attached import named

    kinds: dict[str, Kind | None] = dict.fromkeys(feature or ())
    kinds |= dict.fromkeys(categorical or (), "categorical")
    of_users = {column: kinds.pop(column, None) for column in user_feature or ()}  # --categorical may mean one of these
    own = {"lifecycle": lifecycle, "object_type": object_type}
    options = {option: value for option, value in own.items() if value is not None}
    if from_ is not None:
        unfit: dict[str, object] = {"--user-id": user_id != "user_id", "--event-time": event_time != "event_time"}
        unfit |= {"--event-type": event_type != "event_type", "--time-unit": time_unit, "--event-id": event_id}
        unfit |= {"--order": order, "--device-id": device_id, "--append-only": append_only}
        paths = exports.named_paths(from_, path, events, unfit | {"--source": source, "--level": level})
        if show_sql:
            elsewhere = dict(map(named, attach or ()))
            exports.print_sql(db, from_, paths, name=name, attach=elsewhere, table_name=table, options=options)
            return
        with undone_on_failure(db):
            found, champion = exports.map_paths(
                db,
                from_,
                paths,
                features=kinds,
                name=name,
                prefix=prefix,
                users=users,
                user_features=of_users,
                user_key=user_key,
                valid_from=valid_from,
                attach=dict(map(named, attach or ())),
                table_name=table,
                time_cap=time_cap,
                exclude_types=exclude_type or (),
                device_shared=device_shared,
                identity=identity,
                group=group,
                amount=amount,
                copy=copy,
                force=force,
                options=options,
            )
        _show(db, name, found.to_dict(), champion, json)
        return
    exports.refuse_without_from(path, show_sql, options)
    if (events is None) == (source is None):
        raise typer.BadParameter(
            "say where the events are: --events FILE|TABLE, --source for each of several, or --from FORMAT PATH..."
        )
    if source is not None and copy:
        raise typer.BadParameter("--copy imports one file: leave it out, or import the files as tables and name these")
    ids = _columns(event_id)
    words = (user_id, event_type, level or event_type, *ids, device_id or user_id, group or event_type)
    with (
        working("reading the events"),
        undone_on_failure(db),
        open_database(db, create=True) as con,
        table_of(con, events, name, copy, words, tuple(kinds)) as relation,
    ):
        report = map_events(
            con,
            relation if source is None else source,
            user_id=user_id,
            event_time=event_time,
            event_type=event_type,
            level=level,
            features=cast("dict[str, Kind]", kinds),
            name=name,
            prefix=prefix,
            attach=dict(map(named, attach or ())),
            table_name=table,
            time_unit=cast("TimeUnit | None", time_unit),
            time_cap=time_cap,
            event_id=ids,
            order=_columns(order),
            exclude_types=exclude_type or (),
            device_id=device_id,
            device_shared=device_shared,
            identity=identity,
            group=group,
            amount=amount,
            users=users,
            user_features=cast("dict[str, Kind]", of_users),
            user_key=user_key,
            valid_from=valid_from,
            append_only=append_only,
            force=force,
        )
        champion = any(model.is_champion and model.mapping == name for model in list_models(con))
    _show(db, name, report.to_dict(), champion, json)


def _show(db: str, name: str, report: dict[str, Any], champion: bool, json: bool) -> None:
    """Print what was mapped, and what to do next."""
    if json:
        render.as_json(report)
        return
    if "rules" in report:
        exports.show_rules(report)
    show_mapping(report)
    render.next_step(
        "sqlscore", "refresh" if champion else "train", db, *(() if name == "events" else ("--mapping", name))
    )


def unmap(db: Database, name: MappingName = "events", json: Json = False) -> None:
    """Undo init: its functions, views and score tables go; the events and the models stay.

    Example: sqlscore unmap shop.duckdb
    """
    from sqlscore import unmap as verb

    with open_database(db) as con:
        verb(con, name)
    render.done({"unmapped": name}, f'"{name}" is no longer mapped', json)


def _columns(names: str | None) -> list[str]:
    """Names of columns that stand with commas between."""
    return [name.strip() for name in (names or "").split(",") if name.strip()]
