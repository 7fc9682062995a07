"""The public SQL functions: macros over the internal ones, made from a mapping."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlscore.database.high_water import GROUPS, newest_of_row
from sqlscore.events.mapping import Mapping
from sqlscore.events.packing import packed
from sqlscore.quoting import SYSTEM, identifier, literal, qualified
from sqlscore.sql.belonging import is_no_copy, is_of_this_file
from sqlscore.sql.public_functions import PUBLIC, Public
from sqlscore.udfs.functions import CHECKED, PREFIX


def names(prefix: str) -> list[str]:
    """The names of all public functions of a mapping with this prefix."""
    return [prefix + name for public in PUBLIC for name in (public.name, public.list_name)]


@dataclass(frozen=True)
class Made:
    """A public function of a mapping: the SQL that makes it, and the SQL that comments on it."""

    name: str
    text: str
    comment: str


def statements(mapping: Mapping, file: int) -> Iterator[Made]:
    """The public functions of a mapping in the file with this number."""
    newest = None
    if mapping.group is not None:
        newest = newest_of_row("e", mapping.group, qualified(mapping.schema, GROUPS), is_of_this_file(file))
    row = packed(mapping, newest)
    for public in PUBLIC:
        for name, first, events in ((public.name, "e", row), (public.list_name, "l", "l")):
            called = mapping.prefix + name
            macro = qualified("main", called)
            overloads = [f"({_parameters(first, public)}) AS {_body(public, events, mapping, file)}"]
            if events is row:
                parameters = _parameters(f"{first} {_NO_ROW}", public)
                overloads.append(f"({parameters}) AS {_refusal(public, mapping)}")
            yield Made(
                called,
                f"CREATE OR REPLACE MACRO {macro}{', '.join(overloads)}",
                f"COMMENT ON MACRO {macro} IS {literal(public.comment)}",
            )


_NO_ROW = (
    "UNION(text VARCHAR, number DOUBLE, truth BOOLEAN, moment TIMESTAMP, zoned TIMESTAMPTZ, id UUID, "
    "texts VARCHAR[], numbers DOUBLE[], map MAP(VARCHAR, VARCHAR))"
)
"""The type of a parameter that takes what is no table's alias. It is a single one, since several would be ambiguous for
an aggregate, whose type the engine does not know when it chooses an overload."""


def source_of(mapping: Mapping) -> tuple[str, str]:
    """The column of users and the relation, as SQL: what a query with row functions names."""
    if mapping.composition is not None:  # whose own rows do not say who
        return "user_id", qualified(mapping.schema, "events")
    return identifier(mapping.user_id), mapping.relation.removeprefix('"main".') or identifier("events")


def _refusal(public: Public, mapping: Mapping) -> str:
    """SQL that says how a row function is called; without it the engine says only that a value is no struct."""
    name = mapping.prefix + public.name
    required = [parameter for parameter, default in public.parameters if default is None]
    row = ", ".join(["e", *required])
    of_list = ", ".join(["list(e)" if public.needs_times else "['view', 'cart']", *required])
    user, table = source_of(mapping)
    text = (
        f"{name} takes the alias of a table with the mapped columns, not a value or a list: "
        f"SELECT {user}, {name}({row}) FROM {table} e GROUP BY {user}; "
        f"lists go to its twin, list_{name}({of_list})"
    )
    return f"{SYSTEM}.any_value({SYSTEM}.error({literal(text)}))"  # OVER takes a macro with one aggregate in it


def _parameters(first: str, public: Public) -> str:
    given = (f"{name} := {default}" if default else name for name, default in public.parameters)
    return ", ".join([first, *given])


def _body(public: Public, events: str, mapping: Mapping, file: int) -> str:
    name = literal(f"{mapping.name}@{file}")
    encode, newest = "encode_grouped", f"CASE WHEN {is_no_copy(file)} THEN CAST(NULL AS TIMESTAMP) END"  # events say it
    if mapping.group is None:
        encode = "encode"
        newest = f"(SELECT high_water FROM {qualified(mapping.schema, 'high_water')} WHERE {is_of_this_file(file)})"
    parts = {
        "{events}": events,
        "{mapping}": name,
        "{state}": f"{PREFIX}{encode}({events}, model, {name})",
        "{high_water}": newest,
    }
    arguments = ", ".join(parts.get(argument, argument) for argument in public.arguments)
    if public.head in CHECKED:
        arguments += f", {is_no_copy(file)}"
    return f"{PREFIX}{public.head}({arguments})"
