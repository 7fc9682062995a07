"""What SQL calls the types of Arrow: messages name types as whoever wrote the query does."""

from __future__ import annotations

import pyarrow as pa

_NAMES = {
    pa.null(): "NULL",
    pa.bool_(): "BOOLEAN",
    pa.int8(): "TINYINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.uint8(): "UTINYINT",
    pa.uint16(): "USMALLINT",
    pa.uint32(): "UINTEGER",
    pa.uint64(): "UBIGINT",
    pa.float16(): "FLOAT",
    pa.float32(): "FLOAT",
    pa.float64(): "DOUBLE",
    pa.string(): "VARCHAR",
    pa.large_string(): "VARCHAR",
    pa.string_view(): "VARCHAR",
    pa.binary(): "BLOB",
    pa.large_binary(): "BLOB",
    pa.binary_view(): "BLOB",
    pa.date32(): "DATE",
    pa.date64(): "DATE",
    pa.time32("s"): "TIME",
    pa.time32("ms"): "TIME",
    pa.time64("us"): "TIME",
    pa.time64("ns"): "TIME_NS",
    pa.timestamp("s"): "TIMESTAMP_S",
    pa.timestamp("ms"): "TIMESTAMP_MS",
    pa.timestamp("us"): "TIMESTAMP",
    pa.timestamp("ns"): "TIMESTAMP_NS",
    pa.month_day_nano_interval(): "INTERVAL",
}


def sql_name(type_: pa.DataType) -> str:
    """The name by which DuckDB calls the type of such a column, as in `VARCHAR[]`; Arrow's own where there is none."""
    if type_ in _NAMES:
        return _NAMES[type_]
    if isinstance(type_, pa.BaseExtensionType):
        return "UUID" if type_.extension_name == "arrow.uuid" else sql_name(type_.storage_type)
    if pa.types.is_nested(type_):
        return _nested(type_)
    if pa.types.is_dictionary(type_):
        return "ENUM" if sql_name(type_.value_type) == "VARCHAR" else sql_name(type_.value_type)
    if pa.types.is_timestamp(type_):
        return "TIMESTAMP WITH TIME ZONE"
    if pa.types.is_duration(type_):
        return "INTERVAL"
    return f"DECIMAL({type_.precision},{type_.scale})" if pa.types.is_decimal(type_) else str(type_)


def _nested(type_: pa.DataType) -> str:
    if pa.types.is_map(type_):
        return f"MAP({sql_name(type_.key_type)}, {sql_name(type_.item_type)})"
    if pa.types.is_struct(type_) or pa.types.is_union(type_):
        fields = (type_.field(i) for i in range(type_.num_fields))
        name = "STRUCT" if pa.types.is_struct(type_) else "UNION"
        return f"{name}({', '.join(f'{field.name} {sql_name(field.type)}' for field in fields)})"
    size = str(type_.list_size) if pa.types.is_fixed_size_list(type_) else ""
    return f"{sql_name(type_.value_type)}[{size}]"
