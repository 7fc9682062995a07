"""Which columns a table has in PostgreSQL: types, what travels, and flat columns for what a chart cannot read.

The types are written down for users in docs/bi.md, "Types".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from duckdb.sqltypes import DuckDBPyType

from sqlscore.errors import PublishError
from sqlscore.quoting import identifier, literal

LONGEST_NAME = 63
"""Bytes of a name in PostgreSQL; PostgreSQL cuts longer ones silently."""

FLATTENED = 3
"""How many elements of a list of structs become columns: as many as `predict_next_actions` gives."""

_SAME = {
    "boolean": ("BOOLEAN", "boolean"),
    "tinyint": ("SMALLINT", "smallint"),
    "utinyint": ("SMALLINT", "smallint"),
    "smallint": ("SMALLINT", "smallint"),
    "usmallint": ("INTEGER", "integer"),
    "integer": ("INTEGER", "integer"),
    "uinteger": ("BIGINT", "bigint"),
    "bigint": ("BIGINT", "bigint"),
    "float": ("FLOAT", "real"),
    "double": ("DOUBLE", "double precision"),
    "varchar": ("VARCHAR", "text"),
    "enum": ("VARCHAR", "text"),
    "null": ("VARCHAR", "text"),
    "blob": ("BLOB", "bytea"),
    "date": ("DATE", "date"),
    "time": ("TIME", "time without time zone"),
    "timestamp": ("TIMESTAMP", "timestamp without time zone"),
    "timestamp_s": ("TIMESTAMP", "timestamp without time zone"),
    "timestamp_ms": ("TIMESTAMP", "timestamp without time zone"),
    "timestamp_ns": ("TIMESTAMP", "timestamp without time zone"),
    "timestamp with time zone": ("TIMESTAMPTZ", "timestamp with time zone"),
    "interval": ("INTERVAL", "interval"),
}
"""Kind in DuckDB -> type in which it travels and is compared, type in PostgreSQL. Binary on the wire."""

_AS_TEXT = {
    "ubigint": "numeric(20,0)",
    "hugeint": "numeric(39,0)",
    "uhugeint": "numeric(39,0)",
    "bignum": "numeric",
    "uuid": "uuid",
    "bit": "bit varying",
    "time with time zone": "time with time zone",
}
"""Kinds that travel as text, which PostgreSQL casts."""

_NESTED = ("list", "array", "struct", "map", "union")
_TIMES = {"TIMESTAMP", "TIMESTAMPTZ", "DATE"}
_EXACT_IN_JSON = {
    *("boolean", "tinyint", "utinyint", "smallint", "usmallint", "integer", "uinteger", "bigint", "ubigint"),
    *("float", "double", "varchar", "enum", "date", "timestamp", "uuid"),
}


@dataclass(frozen=True)
class Column:
    """One column of a published table.

    Attributes:
        name: its name on both sides.
        value: DuckDB SQL over a row of the source, in the type that travels.
        staged: its type in PostgreSQL while it is loaded.
        type: its type in the published table.
        compared: DuckDB SQL over a row of the source, to compare with `compared_back`.
        compared_back: DuckDB SQL over what is read back; equal to `compared` if the column arrived.
        flat: whether it is taken from a nested column.
        is_time: whether it is a date or a timestamp.
        exact: whether values are compared; if not, only which are NULL, since their JSON has several spellings.
    """

    name: str
    value: str
    staged: str
    type: str
    compared: str
    compared_back: str
    flat: bool = False
    is_time: bool = False
    exact: bool = True

    @property
    def read_back(self) -> str:
        """PostgreSQL SQL that gives the column as it travelled."""
        name = identifier(self.name)
        return name if self.staged == self.type else f"CAST({name} AS text) AS {name}"


def columns_of(table: str, source: Iterable[tuple[str, DuckDBPyType]]) -> tuple[Column, ...]:
    """The columns of a table in PostgreSQL: its own, in order, then the flat ones.

    Raises PublishError for a type that PostgreSQL cannot hold, and for a name that is too long for it.
    """
    source = list(source)
    columns = [_column(name, identifier(name), kind, table) for name, kind in source]
    taken = {column.name for column in columns}
    for name, kind in source:
        for flat, value, of in _flattened(name, kind):
            if flat not in taken and of.id not in _NESTED and len(flat.encode()) <= LONGEST_NAME:
                columns.append(_column(flat, value, of, table, flat=True))
    for column in columns:
        check_name(column.name, f"column of {table}")
    return tuple(columns)


def check_name(name: str, what: str) -> None:
    """Raises PublishError if PostgreSQL would cut the name."""
    if len(name.encode()) > LONGEST_NAME:
        raise PublishError(
            f'"{name}" ({what}) has {len(name.encode())} bytes, and PostgreSQL keeps {LONGEST_NAME} of a name: give '
            "it a shorter one in a view, and publish the view"
        )


def _column(name: str, value: str, kind: DuckDBPyType, table: str, *, flat: bool = False) -> Column:
    quoted, tag = identifier(name), str(kind.id)
    if str(kind) == "JSON":
        back = f"{quoted} IS NULL"
        return Column(name, f"CAST({value} AS VARCHAR)", "text", "jsonb", f"{value} IS NULL", back, flat, exact=False)
    if tag in _SAME:
        travels, there = _SAME[tag]
        value = f"CAST({value} AS {travels})"
        return Column(name, value, there, there, value, quoted, flat, travels in _TIMES)
    if tag in _AS_TEXT or tag == "decimal":
        there = _AS_TEXT.get(tag) or "numeric({},{})".format(*(number for _, number in kind.children))
        value = f"CAST({value} AS VARCHAR)"
        return Column(name, value, "text", there, value, quoted, flat)
    if tag in ("list", "array") and str(_element(kind)) != "JSON" and _element(kind).id in _SAME:
        travels, there = _SAME[str(_element(kind).id)]
        value = f"CAST({value} AS {travels}[])"
        return Column(name, value, f"{there}[]", f"{there}[]", value, quoted, flat)
    if tag in _NESTED:
        compared, back = f"{value} IS NULL", f"{quoted} IS NULL"
        exact = _comes_back(kind)
        if exact:
            compared, back = value, f"CAST(CAST({quoted} AS JSON) AS {kind})"
        return Column(name, f"CAST(to_json({value}) AS VARCHAR)", "text", "jsonb", compared, back, flat, exact=exact)
    raise PublishError(
        f'column "{name}" of {table} is a {kind}, for which PostgreSQL has no type: cast it, for example to VARCHAR, '
        "in a view, and publish the view"
    )


def _comes_back(kind: DuckDBPyType) -> bool:
    """Whether the value can be rebuilt from PostgreSQL's form of its JSON."""
    if kind.id in ("list", "array"):
        return _comes_back(_element(kind))
    if kind.id == "struct":
        return all(_comes_back(child) for _, child in _fields(kind))
    return kind.id in _EXACT_IN_JSON and str(kind) != "JSON"


def _element(kind: DuckDBPyType) -> DuckDBPyType:
    """The type of a list's elements."""
    return _fields(kind)[0][1]


def _fields(kind: DuckDBPyType) -> list[tuple[str, DuckDBPyType]]:
    """Names and types of what a nested type is made of."""
    return [(name, child) for name, child in kind.children if isinstance(child, DuckDBPyType)]


def _flattened(name: str, kind: DuckDBPyType) -> Iterator[tuple[str, str, DuckDBPyType]]:
    """Name, DuckDB SQL and type of what becomes a column of its own.

    A struct gives NAME_FIELD; a list of structs gives ONE_i for the field that it is named for and ONE_i_FIELD for the
    others: next_actions (action, probability) gives next_action_1, next_action_1_probability, ...
    """
    if kind.id == "struct":
        for field, of in _fields(kind):
            yield f"{name}_{field}", f"struct_extract({identifier(name)}, {literal(field)})", of
    elif kind.id == "list" and _element(kind).id == "struct":
        one = name.removesuffix("s")
        for place in range(1, FLATTENED + 1):
            for field, of in _fields(_element(kind)):
                flat = f"{one}_{place}" if one == field or one.endswith(f"_{field}") else f"{one}_{place}_{field}"
                yield flat, f"struct_extract({identifier(name)}[{place}], {literal(field)})", of
