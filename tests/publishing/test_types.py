"""Every type of DuckDB in PostgreSQL: as docs/bi.md says, or refused by name."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from postgres_server import PASSWORD

import sqlscore
from sqlscore.errors import PublishError
from sqlscore.publishing.columns import columns_of

CASES = {
    "BOOLEAN": ("true", "boolean", True),
    "TINYINT": ("-128", "smallint", -128),
    "UTINYINT": ("255", "smallint", 255),
    "SMALLINT": ("-32768", "smallint", -32768),
    "USMALLINT": ("65535", "integer", 65535),
    "INTEGER": ("-2147483648", "integer", -(2**31)),
    "UINTEGER": ("4294967295", "bigint", 2**32 - 1),
    "BIGINT": ("-9223372036854775808", "bigint", -(2**63)),
    "UBIGINT": ("18446744073709551615", "numeric(20,0)", 2**64 - 1),
    "HUGEINT": ("-170141183460469231731687303715884105728", "numeric(39,0)", -(2**127)),
    "UHUGEINT": ("340282366920938463463374607431768211455", "numeric(39,0)", 2**128 - 1),
    "BIGNUM": ("1" + "0" * 60, "numeric", 10**60),
    "FLOAT": ("0.1", "real", 0.1),
    "DOUBLE": ("0.1", "double precision", 0.1),
    "DECIMAL(10,2)": ("1.50", "numeric(10,2)", "1.50"),
    "VARCHAR": ("Grüße 'x' 🦆", "text", "Grüße 'x' 🦆"),
    "ENUM('a', 'b')": ("b", "text", "b"),
    "UUID": ("0123e567-e89b-12d3-a456-426614174000", "uuid", "0123e567-e89b-12d3-a456-426614174000"),
    "BLOB": (r"\x00\xFFa", "bytea", b"\x00\xffa"),
    "BIT": ("101", "bit varying", "101"),
    "DATE": ("0044-03-15", "date", "0044-03-15"),
    "TIME": ("23:59:59.999999", "time without time zone", "23:59:59.999999"),
    "TIMETZ": ("10:00:00+05:30", "time with time zone", "10:00:00+05:30"),
    "TIMESTAMP": ("2024-02-29 12:00:00.000001", "timestamp without time zone", "2024-02-29 12:00:00.000001"),
    "TIMESTAMP_S": ("1969-12-31 23:59:59", "timestamp without time zone", "1969-12-31 23:59:59"),
    "TIMESTAMP_NS": ("2024-01-01 00:00:00.123456789", "timestamp without time zone", "2024-01-01 00:00:00.123457"),
    "TIMESTAMPTZ": ("2024-01-01 00:00:00+02", "timestamp with time zone", None),
    "INTERVAL": ("1 month 2 days 3 seconds", "interval", None),
    "JSON": ('{"b": 1, "a": [1.50, null]}', "jsonb", {"b": 1, "a": [1.5, None]}),
    "INTEGER[]": ("[1, NULL, 3]", "integer[]", [1, None, 3]),
    "VARCHAR[]": ("[view, 'a, b', NULL]", "text[]", ["view", "a, b", None]),
    "FLOAT[2]": ("[0.5, 1.5]", "real[]", [0.5, 1.5]),
    "TIMESTAMP[]": ("['2024-01-01 00:00:00']", "timestamp without time zone[]", None),
    "INTEGER[][]": ("[[1], [2, 3]]", "jsonb", [[1], [2, 3]]),
    "STRUCT(a INTEGER, b VARCHAR[])": ("{'a': 1, 'b': ['x']}", "jsonb", {"a": 1, "b": ["x"]}),
    "STRUCT(t TIMESTAMP, f FLOAT)[]": ("[{'t': '2024-01-01', 'f': 0.1}]", "jsonb", None),
    "MAP(VARCHAR, INTEGER)": ("{b=1, a=2}", "jsonb", {"b": 1, "a": 2}),
    "UNION(n INTEGER, s VARCHAR)": ("text", "jsonb", None),
}


def test_every_type_arrives_as_documented(shop, postgres, monkeypatch):
    """One table with all of them, extremes and NULLs in it; publishing compares the values itself."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    kinds = list(CASES)
    shop.execute(f"CREATE TABLE kinds ({', '.join(f'c{i} {kind}' for i, kind in enumerate(kinds))}, plain INTEGER)")
    values = ", ".join(f"CAST(${i + 1} AS {kind})" for i, kind in enumerate(kinds))
    shop.execute(f"INSERT INTO kinds SELECT {values}, 1", [CASES[kind][0] for kind in kinds])
    shop.execute("INSERT INTO kinds (plain) VALUES (2)")
    sqlscore.publish(shop, postgres.url, tables=["kinds"], schema="types")
    sqlscore.publish(shop, postgres.url, tables=["kinds"], schema="types")
    found = dict(
        postgres.rows(
            """SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute
               WHERE attrelid = 'types.kinds'::regclass AND attnum > 0"""
        )
    )
    assert {kind: found[f"c{i}"] for i, kind in enumerate(kinds)} == {kind: CASES[kind][1] for kind in kinds}
    columns = ", ".join(f"c{i}" for i in range(len(kinds)))
    row, nulls = postgres.rows(f"SELECT {columns} FROM types.kinds ORDER BY plain")
    assert set(nulls) == {None}
    for (kind, (_, _, expected)), value in zip(CASES.items(), row, strict=True):
        if isinstance(expected, float):
            assert value == pytest.approx(expected), kind
        elif expected is not None:
            assert value == expected or str(value) == expected, kind


def test_a_type_without_a_counterpart_is_refused_by_column(con):
    """The column is named, and the way out."""
    con.execute("CREATE TABLE odd AS SELECT 1 AS fine, '1'::VARIANT AS shape")
    relation = con.sql("FROM odd")
    with pytest.raises(PublishError, match=r'column "shape" of odd is a VARIANT.*cast it'):
        columns_of("odd", zip(relation.columns, relation.types, strict=True))


@pytest.mark.parametrize("value", ["TIMESTAMP 'infinity'", "DATE '-infinity'", "TIMESTAMP '5000-01-01 (BC)'"])
def test_times_that_would_arrive_as_others_are_refused(shop, postgres, monkeypatch, value):
    """The binary format would turn an infinite time into the year 294247."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    shop.execute(f"CREATE TABLE times AS SELECT {value} AS at")
    with pytest.raises(PublishError, match='column "at" of times has 1 times'):
        sqlscore.publish(shop, postgres.url, tables=["times"], schema="types")


def test_flat_columns_stay_out_of_the_way(con):
    """They are named after the list, are three whatever the data, and never take an existing name."""
    con.execute(
        """CREATE TABLE t AS SELECT 1 AS path_1, [{'action': 'a', 'probability': 0.5, 'why': [1]}] AS next_actions,
           [{'x': 1}] AS path, {'x': 1, 'deep': {'y': 2}} AS place, ['a'] AS plain"""
    )
    relation = con.sql("FROM t")
    columns = columns_of("t", zip(relation.columns, relation.types, strict=True))
    expected = [f"next_action_{i}{field}" for i in (1, 2, 3) for field in ("", "_probability")]
    expected += [f"path_{i}_x" for i in (1, 2, 3)] + ["place_x"]
    assert [column.name for column in columns if column.flat] == expected


def test_the_documentation_states_the_types():
    """The table in docs/bi.md names every type that is tested here, with its counterpart."""
    text = (Path(__file__).parents[2] / "docs" / "bi.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    for kind, (_, there, _) in CASES.items():
        word = kind.partition("(")[0].partition("[")[0]
        base = there.partition("(")[0].partition(" without")[0].partition(" with time")[0].removesuffix("[]")
        assert any(word in row and base in row for row in rows), (kind, there)


def test_a_json_value_that_changed_travels(shop, postgres, monkeypatch):
    """Checksums know of JSON only whether it is NULL: the same checksum does not mean that nothing changed."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    for number in (1, 2):
        shop.execute(f"""CREATE OR REPLACE TABLE told AS SELECT '{{"a": {number}}}'::JSON AS said""")
        sqlscore.publish(shop, postgres.url, tables=["told"], schema="types")
        assert postgres.rows("SELECT said FROM types.told") == [({"a": number},)]


def test_text_with_a_zero_byte_names_the_column(shop, postgres, monkeypatch):
    """PostgreSQL cannot hold it; its own message is passed on, with table and column."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    shop.execute("CREATE TABLE zero AS SELECT 'a' || chr(0) AS name")
    with pytest.raises(PublishError, match="(?s)zero.*column name"):
        sqlscore.publish(shop, postgres.url, tables=["zero"], schema="types")


@pytest.mark.parametrize("kind", ["TIMESTAMP", "TIMESTAMPTZ", "DATE"])
def test_infinite_times_do_not_go_to_parquet(shop: duckdb.DuckDBPyConnection, tmp_path: Path, kind: str) -> None:
    """Other readers would show a date some 290,000 years away."""
    shop.execute(f"CREATE TABLE mine AS SELECT 'infinity'::{kind} AS at UNION ALL SELECT '2024-01-01'::{kind}")
    with pytest.raises(PublishError, match='column "at" of mine has 1 infinite times, which Parquet cannot hold'):
        sqlscore.publish(shop, tmp_path / "out", tables=["main.mine"])
    assert not (tmp_path / "out").exists()
