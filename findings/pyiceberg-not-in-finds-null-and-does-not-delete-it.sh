#!/usr/bin/env bash
# Library: pyiceberg 0.12.0, pyarrow 25.0.1
# Guess: a row filter treats NULL by one rule, SQL's (NULL matches none of them) or Iceberg's, and delete(filter) deletes
#   the rows that scan(row_filter=filter) shows.
# What happens: "country not in ('DE', 'IT')" finds rows whose country is NULL; "country != 'DE'", "not like" and "not in"
#   with a single value do not: a list that shrinks to one value loses those rows. delete() with the list deletes only
#   rows that have a country, so that what it was to remove is still there, and the scan goes on finding it.
# Source: observed; the list becomes ~is_in() of pyarrow, which has no NULL, and one value becomes a comparison.
# In sqlscore: filters are SQL in DuckDB.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq "pyiceberg[sql-sqlite]==0.12.0" pyarrow==25.0.1
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import os
import sys
from importlib.metadata import version

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("pyiceberg", version("pyiceberg"), "pyarrow", pa.__version__)
catalog = SqlCatalog("here", uri=f"sqlite:///{os.getcwd()}/catalog.db", warehouse=f"file://{os.getcwd()}/warehouse")
catalog.create_namespace("shop")
visits = pa.table({"user": [1, 2, 3, 4], "country": ["DE", "FR", None, None]})
table = catalog.create_table("shop.visits", schema=visits.schema)
table.append(visits)


def users(condition):
    return sorted(table.scan(row_filter=condition).to_arrow()["user"].to_pylist())


for condition, found in (
    ("country != 'DE'", [2]),
    ("country not like 'D%'", [2]),
    ("country not in ('DE')", [2]),
    ("country not in ('DE', 'IT')", [2, 3, 4]),
    ("country != 'DE' and country != 'IT'", [2]),
):
    expect(condition, users(condition), found)
table.delete("country not in ('DE', 'IT')")
expect("left after delete(\"country not in ('DE', 'IT')\")", users("user > 0"), [1, 3, 4])
expect("which the same condition still finds", users("country not in ('DE', 'IT')"), [3, 4])
PY
