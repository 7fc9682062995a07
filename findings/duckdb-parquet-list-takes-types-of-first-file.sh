#!/usr/bin/env bash
# Library: duckdb 2.0.1 (files written by pyarrow 25.0.1)
# Guess: reading several Parquet files whose column is INTEGER in one and DOUBLE in another gives the wider type (as
#   read_csv does for two CSV files), or an error.
# What happens: the first file's type wins. 2.5 and 3.5 of the second file are cast to INTEGER and arrive as 2 and
#   4, with no warning; named the other way round nothing is lost. In a glob the order is that of the names.
#   union_by_name = true finds the common type.
# Source: observed.
# In sqlscore: nothing; one Parquet file or table is mapped at a time.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq duckdb==2.0.1 pyarrow==25.0.1
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("duckdb", duckdb.__version__, "pyarrow", pa.__version__)
pq.write_table(pa.table({"price": pa.array([1, 2], pa.int32())}), "2026-01.parquet")
pq.write_table(pa.table({"price": [2.5, 3.5]}), "2026-02.parquet")
for month, rows in ("01", "1\n2"), ("02", "2.5\n3.5"):
    with open(f"2026-{month}.csv", "w") as file:
        file.write(f"price\n{rows}\n")


def prices(source):
    return [row[0] for row in duckdb.sql(f"SELECT price FROM {source}").fetchall()]


expect("Parquet, by glob", prices("read_parquet('2026-*.parquet')"), [1, 2, 2, 4])
other_way = prices("read_parquet(['2026-02.parquet', '2026-01.parquet'])")
expect("Parquet, the other way", other_way, [2.5, 3.5, 1.0, 2.0])
expect("Parquet, by name", prices("read_parquet('2026-*.parquet', union_by_name = true)"), [1.0, 2.0, 2.5, 3.5])
expect("CSV, by glob", prices("read_csv('2026-*.csv')"), [1.0, 2.0, 2.5, 3.5])
PY
