#!/usr/bin/env bash
# Library: duckdb 2.0.1
# Guess: read_csv(quote = '', escape = '\') reads files in which a backslash stands before a tab, an end of line or a
#   backslash of a value, as mysqldump --tab, PostgreSQL's COPY and Adobe's data feeds write them; strict_mode = false
#   only makes it tolerant of bad quotes.
# What happens: in strict mode, the default, the escape is ignored without a word: 'C:\\dir' keeps both backslashes, and
#   a file with an escaped tab is refused for a column too many. With strict_mode = false escapes are undone, but a row
#   with a column too many is then accepted, and the column dropped without a word.
# Source: observed; the documentation of strict_mode names neither.
# In sqlscore: Adobe's feeds are read with strict_mode = false, and their columns are counted against the header before.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq "duckdb==2.0.1"
"$work/venv/bin/python" - <<'PY'
import sys
from pathlib import Path

import duckdb

Path("backslash.tsv").write_text("1\tC:\\\\dir\n")
Path("tab.tsv").write_text("1\ta tab\\\t here\n")
Path("wide.tsv").write_text("1\ttwo\tthree\n")


def read(name: str, strict: bool) -> object:
    try:
        return duckdb.sql(
            f"""FROM read_csv('{name}.tsv', auto_detect = false, header = false, delim = '\t', quote = '',
                escape = '\\', strict_mode = {strict}, columns = {{'id': 'INTEGER', 'value': 'VARCHAR'}})"""
        ).fetchall()[0][1]
    except duckdb.Error:
        return "refused"


found = {(name, strict): read(name, strict) for name in ("backslash", "tab", "wide") for strict in (True, False)}
print(f"duckdb {duckdb.__version__}")
for (name, strict), value in found.items():
    print(f"{name}.tsv, strict_mode = {strict}: {value!r}")
recorded = {
    ("backslash", True): "C:\\\\dir",
    ("backslash", False): "C:\\dir",
    ("tab", True): "refused",
    ("tab", False): "a tab\t here",
    ("wide", True): "refused",
    ("wide", False): "two",
}
if found != recorded:
    sys.exit(f"{recorded} was recorded")
PY
