"""Mapped views that hold other events at every read: by the clock, which is said, or by chance, which is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb

from sqlscore.errors import MappingError
from sqlscore.events.mapping import Mapping
from sqlscore.mapping.view_texts import columns_of_files, plan_of, users_views, views_read
from sqlscore.quoting import identifier

_CLOCK = frozenset(
    {
        *("now", "get_current_timestamp", "transaction_timestamp", "current_localtimestamp", "current_timestamp"),
        *("today", "current_date", "get_current_time", "current_localtime", "current_time"),
    }
)
_CHANCE = frozenset(
    {
        *("random", "uuid", "gen_random_uuid", "uuidv4", "uuidv7", "nextval", "currval", "txid_current"),
        *("current_connection_id", "current_query_id", "current_transaction_id"),
    }
)
_KEYWORDS = ("current_date", "current_timestamp", "current_time", "localtimestamp", "localtime")
"""Clocks that are read without parentheses. The engine takes such a name for a column if there is one."""

_SAMPLE = "USING SAMPLE"


_READ = _CLOCK | {*_KEYWORDS, "age"}


def reads_clock(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> bool:
    """Whether a mapped view reads the clock."""
    return any(name in _READ for name in _called(con, mapping))


def check_chance(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Raise MappingError if a mapped view gives other rows or values whenever it is read."""
    for name in _called(con, mapping):
        if name == _SAMPLE or name in _CHANCE:
            what = "draws a sample (USING SAMPLE)" if name == _SAMPLE else f"calls {name}()"
            raise MappingError(
                f"{mapping.relation} {what}, so it holds other events whenever it is read, and each score would be of "
                "others: keep them in a table, CREATE TABLE events_kept AS FROM ..., and map that"
            )


def doubts_of_clock(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> tuple[str, ...]:
    """A warning if a mapped view reads the clock."""
    name = next((name for name in _called(con, mapping) if name in _READ), None)
    if name is None:
        return ()
    called = "age(...) of one moment" if name == "age" else f"{name}"
    return (
        f"{mapping.relation} reads the clock ({called}): its events change without new ones, so scores, models and "
        "backtests of one moment cannot be made again, and events that a moving bound drops count as gone; write the "
        "bound as a date, or keep the events in a table. The clock is read in UTC, whatever the session's time zone",
    )


def _called(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> list[str]:
    """What the views of a mapping call, lower case, sorted: names of functions, `age` if it has one argument."""
    views = views_read(con, mapping)
    if not views:
        return []
    columns = ", ".join(identifier(name) for name in mapping.read_columns)
    plan = plan_of(con, f"SELECT {columns} FROM {mapping.relation}")  # spells macros out, but folds what is constant
    found = set() if plan is None else set(_in_plan(json.loads(plan)))
    words = " ".join(views.values())
    found |= {name for name in (*_CLOCK, *_CHANCE) if re.search(rf"(?i)\b{name}\s*\(", words)}
    bare = {name for name in _KEYWORDS if re.search(rf'(?i)(?<![".])\b{name}\b(?!")', words)}
    if bare:
        bare -= _columns_of(con, words, bare)  # if one is read as a clock beside such a column, the plan calls it
    if bare and plan is None:
        texts = users_views(con)
        bare -= columns_of_files(con, (texts[name] for name in views))
    return sorted(found | bare)


def _columns_of(con: duckdb.DuckDBPyConnection, words: str, names: set[str]) -> set[str]:
    """Those of the names that a view gives to a column, or that are columns of a relation that the views name."""
    rows = con.execute(
        """SELECT lower(column_name), lower(table_name) FROM duckdb_columns()
           WHERE NOT internal AND list_contains(?, lower(column_name))""",
        [sorted(names)],
    ).fetchall()
    read = set(re.findall(r'"((?:[^"]|"")*)"|(\w+)', words.casefold()))
    mentioned = {word for pair in read for word in pair}
    given = {name for name in names if re.search(rf"(?i)\bAS {name}\b", words)}
    return given | {column for column, table in rows if table in mentioned}


def _in_plan(node: Any) -> Iterator[str]:
    """Functions, and samples without a seed, anywhere in a plan."""
    if isinstance(node, list):
        for part in node:
            yield from _in_plan(part)
    elif isinstance(node, dict):
        if node.get("type") == "LOGICAL_SAMPLE" and not (node.get("sample_options") or {}).get("repeatable"):
            yield _SAMPLE
        if node.get("expression_class") == "BOUND_FUNCTION":
            name = str(node["qname"]["path"][-1]).lower()
            if name != "age" or len(node.get("children", ())) == 1:
                yield name
        for part in node.values():
            yield from _in_plan(part)
