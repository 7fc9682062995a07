"""The verbs `map_events` and `unmap`: which relation holds the events, and what its columns are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from collections.abc import Mapping as Dict
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from sqlscore.database.catalog import catalog, mapped, synchronize
from sqlscore.database.objects import install_mapping, remove_mapping
from sqlscore.database.queries import one
from sqlscore.database.registry import lacking_features
from sqlscore.database.transactions import now, on_own_connection, recorded, transaction
from sqlscore.errors import MappingError
from sqlscore.events.kinds import Kind
from sqlscore.events.mapping import DEFAULT_MAPPING, Feature, Mapping, TimeUnit
from sqlscore.mapping.alike import alike
from sqlscore.mapping.guards import judge, read_guards
from sqlscore.mapping.levels import Levels, levels
from sqlscore.mapping.profile import Profile, profile
from sqlscore.mapping.relations import column_of, relation_of, types_of
from sqlscore.mapping.roles import check_levels, check_roles, check_users, features_of
from sqlscore.mapping.text_files import as_written
from sqlscore.mapping.times import check_zone, mixed_units, time_unit_of
from sqlscore.mapping.watch import MAPPED, Before, forget_profiles, watch, write_profile
from sqlscore.scoring.catalog import unmapped
from sqlscore.times import moment


@dataclass(frozen=True)
class MappingReport:
    """A mapping, and what was found in its events."""

    mapping: Mapping
    profile: Profile
    warnings: tuple[str, ...]
    levels: Levels | None = None  # if actions have two

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        counted = {"levels": asdict(self.levels)} if self.levels is not None else {}
        return {"mapping": asdict(self.mapping), **asdict(self.profile), **counted, "warnings": list(self.warnings)}


@on_own_connection
def map_events(
    con: duckdb.DuckDBPyConnection,
    table: str,
    *,
    user_id: str = "user_id",
    event_time: str = "event_time",
    event_type: str = "event_type",
    level: str | None = None,
    features: Iterable[str] | Dict[str, Kind] = (),
    name: str = DEFAULT_MAPPING,
    prefix: str | None = None,
    time_unit: TimeUnit | None = None,
    time_cap: date | str | None = None,
    append_only: bool = False,
) -> MappingReport:
    """Say where the events are; the SQL functions then work on that table and on any relation with its columns.

    Args:
        con: A connection that `connect` made.
        table: A table, a view or a file (Parquet, CSV, JSON; a glob too).
        user_id: The column that says who.
        event_time: The column that says when.
        event_type: The column that says what was done.
        level: A column coarser than event_type. Its values are then the actions that are predicted, counted and shown,
            and models read event_type as a category besides.
        features: Extra columns for the models; a dict says "categorical" or "numeric" if the type does not.
        name: Several tables may be mapped in one file; the functions of "events" have no prefix.
        prefix: Begins the names of this mapping's functions; by default the name and "_", and none for "events".
        time_unit: The unit of epoch numbers, s, ms, us or ns; by default inferred from their median.
        time_cap: Events later than this are left out; without it, those later than now.
        append_only: A promise that rows are never changed or deleted, which makes refreshes cheaper.

    Raises MappingError or EventsError, which name the column and what is in it; the file is then as it was before.

    >>> sqlscore.map_events(con, "clicks", user_id="client id", event_time="ts", event_type="what", features=["price"])
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise MappingError(f"a mapping's name is made of letters, digits and _, found {name!r}: choose another")
    relation = relation_of(con, table)
    types = types_of(con, relation, table)
    roles = {"user_id": user_id, "event_time": event_time, "event_type": event_type}
    columns = {role: column_of(asked, role, types, table) for role, asked in roles.items()}
    asked = features if isinstance(features, Dict) else tuple(features)
    read = as_written(con, relation, [*columns.values(), *_texts(level, asked, types)])
    if read != relation:
        relation, types = read, types_of(con, read, table)
    subtype = None
    if level is not None:
        subtype, columns["event_type"] = columns["event_type"], column_of(level, "level", types, table)
        check_levels(subtype, columns["event_type"], types, relation)
    mapping = Mapping(
        name=name,
        relation=relation,
        user_id=columns["user_id"],
        event_time=columns["event_time"],
        event_type=columns["event_type"],
        features=(
            *([Feature(subtype, "categorical")] if subtype is not None else []),
            *features_of(asked, [*columns.values(), subtype], types, table),
        ),
        prefix=prefix if prefix is not None else "" if name == DEFAULT_MAPPING else f"{name}_",
        append_only=append_only,
        subtype=subtype,
    )
    check_roles(mapping, types)
    check_users(con, mapping)
    check_zone(con, mapping)
    mapping = replace(mapping, time_unit=time_unit_of(con, mapping, types[mapping.event_time], time_unit))
    if time_cap is not None:
        mapping = replace(mapping, time_cap=moment(time_cap, "time_cap", MappingError))
    catalog(con)  # raises on a connection that sqlscore did not open
    profiled, warnings = profile(con, mapping)
    watched = replace(watch(con, mapping), n_users=profiled.n_users, largest_user_share=profiled.largest_user_share)
    guards = read_guards(con)
    found = (*judge(con, mapping, guards, watched, Before()), *alike(con, mapping, guards))
    warnings += tuple(finding.what for finding in found)
    mixed = mixed_units(con, mapping)
    warnings += () if mixed is None else (mixed,)
    counted, more = levels(con, mapping, profiled.n_actions)
    warnings += more
    lacking = lacking_features(con, mapping)
    if lacking:
        warnings = (*warnings, f'the champion of "{name}" reads {lacking}, not mapped: map them, or train again')
    report = MappingReport(mapping, profiled, warnings, counted)
    with recorded(con, "map_events", name) as details, transaction(con):
        details.update(report.to_dict())
        old = one(con, "SELECT mapping FROM sqlscore.mappings WHERE name = ?", [name])
        remove_mapping(con, Mapping.from_json(old[0]) if old else mapping)
        con.execute("DELETE FROM sqlscore.mappings WHERE name = ?", [name])
        con.execute(
            "INSERT INTO sqlscore.mappings VALUES (?, ?, ?, ?)",
            [name, mapping.to_json(), json.dumps(report.to_dict(), default=str), now()],
        )
        write_profile(con, name, MAPPED, watched, found)
        install_mapping(con, mapping)
    synchronize(con)
    return report


def _texts(level: str | None, features: Iterable[str], types: Dict[str, pa.DataType]) -> list[str]:
    """The level and the boolean features, which a text file may hold as words: NO is not false."""
    wanted = {name.casefold() for name in features}
    return [
        name
        for name, kind in types.items()
        if (level is not None and name.casefold() == level.casefold())
        or (name.casefold() in wanted and pa.types.is_boolean(kind))
    ]


@on_own_connection
def unmap(con: duckdb.DuckDBPyConnection, name: str = DEFAULT_MAPPING) -> None:
    """Undo `map_events`: remove its functions, views and score tables; the user's events and the models stay.

    Raises MappingError if nothing is mapped under that name.
    """
    mapping = mapped(con, name)
    with recorded(con, "unmap", name), transaction(con):
        remove_mapping(con, mapping)
        con.execute("DELETE FROM sqlscore.mappings WHERE name = ?", [name])
        forget_profiles(con, name)
        if name == DEFAULT_MAPPING:
            install_mapping(con, unmapped())
    synchronize(con)
