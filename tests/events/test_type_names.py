"""Messages name the types of columns as the query did, not as Arrow does."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

import sqlscore
from sqlscore.errors import MappingError
from sqlscore.events.type_names import sql_name

SAME = (
    *("BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"),
    *("FLOAT", "DOUBLE", "DECIMAL(9,2)", "DECIMAL(38,0)", "VARCHAR", "BLOB", "DATE", "TIME", "INTERVAL"),
    *("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"),
    *("VARCHAR[]", "BIGINT[][]", "DOUBLE[3]", "STRUCT(a INTEGER, b VARCHAR[])", "MAP(VARCHAR, DOUBLE)"),
)


@pytest.mark.parametrize("name", SAME)
def test_a_type_has_the_name_that_the_engine_gives_it(name: str) -> None:
    relation = duckdb.connect().sql(f"SELECT CAST(NULL AS {name}) AS x")
    assert sql_name(relation.to_arrow_table().schema.field("x").type) == str(relation.types[0]) == name


@pytest.mark.parametrize(("name", "said"), [("ENUM('a', 'b')", "ENUM"), ("UUID", ("UUID", "VARCHAR"))])
def test_a_type_that_arrow_has_otherwise_gets_the_nearest_name(name: str, said: str | tuple[str, ...]) -> None:
    relation = duckdb.connect().sql(f"SELECT CAST(NULL AS {name}) AS x")
    assert sql_name(relation.to_arrow_table().schema.field("x").type) in said


@pytest.mark.parametrize("type_", [pa.large_string(), pa.string_view(), pa.duration("us"), pa.float16()])
def test_no_name_of_arrow_alone_is_told(type_: pa.DataType) -> None:
    assert duckdb.connect().sql(f"SELECT CAST(NULL AS {sql_name(type_)})").types


def test_an_error_of_a_mapping_says_varchar() -> None:
    with sqlscore.connect() as con:
        con.execute("CREATE TABLE log AS SELECT 1 AS u, TIMESTAMP '2025-01-01' AS t, 'a' AS a, 'x' AS note")
        with pytest.raises(MappingError, match='feature "note" has type VARCHAR, which is not a number'):
            sqlscore.map_events(con, "log", user_id="u", event_time="t", event_type="a", features={"note": "numeric"})
