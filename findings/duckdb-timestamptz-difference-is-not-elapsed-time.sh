#!/usr/bin/env bash
# Library: duckdb 2.0.1 (with its icu extension, which is built in), session time zone America/New_York
# Guess: the difference of two TIMESTAMPTZ is the time between two instants, as in PostgreSQL.
# What happens: it is taken on the session's calendar. From noon to noon over the change to summer time pass 23
#   hours (82,800 s by epoch() and by date_diff), but the difference is "1 day", which epoch() makes 86,400 s, and
#   which is >= INTERVAL 24 HOUR. The same two rows give 23 hours in a session in UTC. So a rule such as "churned
#   after 24 silent hours" depends on who asks.
# Source: observed.
# In sqlscore: times are compared in UTC, as microseconds, never by subtracting TIMESTAMPTZ.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq duckdb==2.0.1
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sys

import duckdb


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("duckdb", duckdb.__version__)
con = duckdb.connect()
con.execute("CREATE TABLE visits (first TIMESTAMPTZ, last TIMESTAMPTZ)")
con.execute("INSERT INTO visits VALUES ('2026-03-07 17:00:00+00', '2026-03-08 16:00:00+00')")
asked = """SELECT (last - first)::VARCHAR, epoch(last - first), epoch(last) - epoch(first),
    date_diff('second', first, last), last - first >= INTERVAL 24 HOUR FROM visits"""
con.execute("SET TimeZone = 'UTC'")
expect("in UTC", con.execute(asked).fetchone(), ("23:00:00", 82800.0, 82800.0, 82800, False))
con.execute("SET TimeZone = 'America/New_York'")
expect("in New York", con.execute(asked).fetchone(), ("1 day", 86400.0, 82800.0, 82800, True))
PY
