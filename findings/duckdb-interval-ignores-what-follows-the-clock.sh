#!/usr/bin/env bash
# Library: duckdb 2.0.1, against PostgreSQL's rule for the same text
# Guess: a text that is read as INTERVAL is read to its end: 'ago' turns all of it around, and a word that is no unit is
#   an error, as in '1 day foo'.
# What happens: after a time with seconds the rest is not read. '1 day ago' is -1 day and '1 day 2 hours ago' is -26
#   hours, but '1 day 02:00:00 ago' is +26 hours, '12:00:00 1 day' is 12 hours, '12:00:00 foo' too. PostgreSQL has -26
#   and 36 hours, and an error. A column of spans that was written by another system turns its sign where it has a clock.
# Source: observed; the documentation of INTERVAL does not say that the text may go on.
# In sqlscore: the linter reads such texts as DuckDB does (sqlscore/linting/reading/moments.py).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq "duckdb==2.0.1"
"$work/venv/bin/python" - <<'PY'
import sys

import duckdb

print(f"duckdb {duckdb.__version__}")
recorded = {
    "1 day ago": -24.0, "1 day 2 hours ago": -26.0, "1 day 02:00:00 ago": 26.0, "02:00:00 ago": 2.0,
    "12:00:00 1 day": 12.0, "12:00:00 foo": 12.0, "1 day foo": None,
}
seen = {}
for text in recorded:
    try:
        (seen[text],) = duckdb.execute("SELECT epoch(CAST(? AS INTERVAL)) / 3600", [text]).fetchone()
    except duckdb.ConversionException:
        seen[text] = None
    print(f"{text!r}: " + ("an error" if seen[text] is None else f"{seen[text]:+g} hours"))
if seen != recorded:
    sys.exit("another behaviour was recorded: what follows a time with seconds is not read")
PY
