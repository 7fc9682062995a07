#!/usr/bin/env bash
# Library: duckdb 2.0.1, pyarrow 25.0.1, polars 2.1.0
# Guess: a column of Arrow that is encoded as a dictionary is read as its values wherever it stands, as DuckDB does it at
#   the top, in lists and in structs, or the scan raises.
# What happens: in a list of fixed size there are numbers instead of the texts: INTEGER[2] with (0, 4) for 'home' and
#   'cart', which is where the texts begin in the dictionary. Nothing raises: a count by page is one of numbers, and
#   pages of one place in two batches are one. Cast to plain texts in Arrow first, the same table is right, and polars
#   has the texts in any case.
# Source: observed; the Arrow format says that a dictionary is a matter of encoding.
# In sqlscore: the action's column must be text, a number or a BOOLEAN and no list, and is read as one value.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq duckdb==2.0.1 pyarrow==25.0.1 polars==2.1.0
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sys

import duckdb
import polars as pl
import pyarrow as pa


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("duckdb", duckdb.__version__, "pyarrow", pa.__version__, "polars", pl.__version__)
pages = ["home", "cart", "pay", "cart", "home", "pay"]
encoded = pa.array(pages).dictionary_encode()
pairs = [pages[:2], pages[2:4], pages[4:]]


def seen(column):
    table = pa.table({"x": column})
    found = duckdb.sql('SELECT x, typeof(x) FROM "table"').fetchall()
    assert table.num_rows == len(found)
    return [row[0] if isinstance(row[0], str | dict) else list(row[0]) for row in found], found[0][1]


fixed = pa.FixedSizeListArray.from_arrays(encoded, 2)
expect("what pyarrow reads in it", fixed.to_pylist(), pairs)
expect("what polars reads in it", pl.from_arrow(fixed).to_list(), pairs)
expect("pairs of fixed size", seen(fixed), ([[0, 4], [8, 4], [0, 8]], "INTEGER[2]"))
plain = fixed.cast(pa.list_(pa.string(), 2))
expect("decoded before", seen(plain), (pairs, "VARCHAR[2]"))
offsets = pa.array([0, 2, 4, 6], pa.int32())
expect("pairs in lists of any size", seen(pa.ListArray.from_arrays(offsets, encoded)), (pairs, "VARCHAR[]"))
expect("no list", seen(encoded), (pages, "VARCHAR"))
struct = pa.StructArray.from_arrays([encoded], names=["page"])
expect("in structs", seen(struct), ([{"page": page} for page in pages], "STRUCT(page VARCHAR)"))
PY
