"""The public SQL functions: macros over the internal ones, made from a mapping."""

from __future__ import annotations

from collections.abc import Iterator

from sqlscore.events.mapping import Mapping
from sqlscore.events.packing import packed
from sqlscore.quoting import literal, qualified
from sqlscore.sql.belonging import is_of_this_file
from sqlscore.sql.public_functions import PUBLIC, Public
from sqlscore.udfs.functions import PREFIX


def names(prefix: str) -> list[str]:
    """The names of all public functions of a mapping with this prefix."""
    return [prefix + name for public in PUBLIC for name in (public.name, public.list_name)]


def statements(mapping: Mapping, file: int) -> Iterator[str]:
    """The SQL that makes the public functions of a mapping in the file with this number, with their comments."""
    row = packed(mapping)
    for public in PUBLIC:
        for name, first, events in ((public.name, "e", row), (public.list_name, "l", "l")):
            macro = qualified("main", mapping.prefix + name)
            body = _body(public, events, mapping, file)
            yield f"CREATE OR REPLACE MACRO {macro}({_parameters(first, public)}) AS {body}"
            yield f"COMMENT ON MACRO {macro} IS {literal(public.comment)}"


def _parameters(first: str, public: Public) -> str:
    given = (f"{name} := {default}" if default else name for name, default in public.parameters)
    return ", ".join([first, *given])


def _body(public: Public, events: str, mapping: Mapping, file: int) -> str:
    name = literal(f"{mapping.name}@{file}")
    parts = {
        "{events}": events,
        "{mapping}": name,
        "{state}": f"{PREFIX}encode({events}, model, {name})",
        "{high_water}": (
            f"(SELECT high_water FROM {qualified(mapping.schema, 'high_water')} WHERE {is_of_this_file(file)})"
        ),
    }
    arguments = ", ".join(parts.get(argument, argument) for argument in public.arguments)
    return f"{PREFIX}{public.head}({arguments})"
