#!/usr/bin/env bash
# Library: chdb 4.4.0 (ClickHouse 26.9)
# Guess: windowFunnel() over view, cart, buy counts those who did them in this order.
# What happens: it takes no DateTime64, so that times are cut to seconds first, and within one second every order is the
#   right one: buy at .1, cart at .5, view at .9 is a whole funnel. 'strict_increase' then refuses the right order too
#   if it happened within a second. sequenceMatch() on the same rows says what the storage order says.
# Source: ClickHouse's documentation of windowFunnel (types, strict_increase) and of sequenceMatch ("the same second ...
#   undefined order"); that reversed steps complete a funnel is observed.
# In sqlscore: funnels and sequences keep microseconds, and `--order` says what comes first at equal times.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq chdb==4.4.0
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import chdb


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


def ask(call, rows):
    values = ", ".join(f"(toDateTime64('2026-03-01 12:00:0{time}', 3), '{action}')" for time, action in rows)
    return chdb.query(f"SELECT {call} FROM (SELECT arrayJoin([{values}]) AS e, e.1 AS t, e.2 AS a)", "CSV").data().strip()


steps = "a = 'view', a = 'cart', a = 'buy'"
backwards = [("0.1", "buy"), ("0.5", "cart"), ("0.9", "view")]
forwards = [("0.1", "view"), ("0.5", "cart"), ("0.9", "buy")]
slowly = [("0.1", "buy"), ("1.5", "cart"), ("2.9", "view")]

print("chdb", version("chdb"), "ClickHouse", chdb.query("SELECT version()", "CSV").data().strip())
try:
    ask(f"windowFunnel(10)(t, {steps})", forwards)
    taken = True
except Exception as error:
    taken = "Illegal type DateTime64" not in str(error)
expect("windowFunnel takes milliseconds", taken, False)
expect("steps reached, in order", ask(f"windowFunnel(10)(toDateTime(t), {steps})", forwards), "3")
expect("steps reached, backwards within a second", ask(f"windowFunnel(10)(toDateTime(t), {steps})", backwards), "3")
expect("steps reached, backwards over seconds", ask(f"windowFunnel(10)(toDateTime(t), {steps})", slowly), "1")
strict = "windowFunnel(10, 'strict_increase')"
expect("strict_increase, in order within a second", ask(f"{strict}(toDateTime(t), {steps})", forwards), "1")
match = "sequenceMatch('(?1)(?2)(?3)')"
expect("sequenceMatch, rows stored backwards", ask(f"{match}(toDateTime(t), {steps})", backwards), "0")
expect("sequenceMatch, the same second stored forwards", ask(f"{match}(toDateTime(t), {steps})", forwards), "1")
PY
