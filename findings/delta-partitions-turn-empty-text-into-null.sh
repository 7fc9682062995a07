#!/usr/bin/env bash
# Library: deltalake 1.6.6, pyarrow 25.0.1
# Guess: partition_by only says how rows are laid out in files; the rows that come back are those that were written.
# What happens: in a partition column '' comes back as NULL. The same table without partitions keeps '' and NULL apart.
#   Visits without a campaign ('') and visits of which nothing is known (NULL) become one group, no filter for '' finds a
#   row, and NOT NULL checks that held before fail. But delete("country = ''") does find them: it deletes rows that a scan
#   with the same condition does not have.
# Source: the protocol of Delta ("an empty string for any type translates to a null partition value"); it is written as a
#   rule for files, and no page of write_deltalake mentions it. That delete() finds the rows is observed.
# In sqlscore: publish(partition_by=...) writes '' and NULL into two folders, and compares what the files hold with the
#   table (tests/publishing/test_files.py).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq deltalake==1.6.6 pyarrow==25.0.1
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import sys
from importlib.metadata import version

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("deltalake", version("deltalake"), "pyarrow", pa.__version__)
visits = pa.table({"country": ["", "DE", None], "n": [1, 2, 3]})


def countries(path, **condition):
    return DeltaTable(path).to_pyarrow_table(**condition).sort_by("n")["country"].to_pylist()


write_deltalake("plain", visits)
write_deltalake("parted", visits, partition_by=["country"])
expect("without partitions", countries("plain"), ["", "DE", None])
expect("with partitions", countries("parted"), [None, "DE", None])
empty = {"filters": [("country", "=", "")]}
expect("without partitions, those that are ''", countries("plain", **empty), [""])
expect("with partitions, those that are ''", countries("parted", **empty), [])
expect("rows that delete(\"country = ''\") deletes", DeltaTable("parted").delete("country = ''")["num_deleted_rows"], 1)
expect("left", countries("parted"), ["DE", None])
PY
