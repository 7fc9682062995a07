#!/usr/bin/env bash
# Library: lifelines 0.30.3
# Guess: datetimes_to_durations() closes open cases at today, as its documentation says (fill_date=datetime.today()).
# What happens: "today" is the moment at which lifelines was imported, a default that is computed once. A service or a
#   notebook that runs for a month gives open customers the same durations every day, and those who came since a
#   negative one; deaths after the import are turned into open cases, since they lie after fill_date. Each call is right
#   in a fresh process, so that no test sees it.
# Source: observed; a default argument of the function, whose documentation shows it as a call.
# In sqlscore: every label and every censoring is as of a time that is given or of the newest event, never of the clock.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq "lifelines==0.30.3"
"$work/venv/bin/python" -W ignore - <<'PY'
import sys
import time
from datetime import datetime, timedelta
from importlib.metadata import version

from lifelines.utils import datetimes_to_durations

print("lifelines", version("lifelines"))
began = datetime.now() - timedelta(minutes=1)
first, _ = datetimes_to_durations([began], [None], freq="ms")
time.sleep(1.0)
second, _ = datetimes_to_durations([began], [None], freq="ms")
print(f"an open case: {first[0] / 1000:.1f} s, and a second later: {second[0] / 1000:.1f} s")
ended = datetime.now() - timedelta(milliseconds=100)
durations, died = datetimes_to_durations([began], [ended], freq="ms")
print(f"a death a tenth of a second ago: observed {bool(died[0])}, after {durations[0] / 1000:.1f} s")
newcomer, _ = datetimes_to_durations([ended], [None], freq="ms")
print(f"a newcomer of a tenth of a second ago has waited {newcomer[0] / 1000:.1f} s")
if first[0] != second[0] or bool(died[0]) or durations[0] != first[0] or newcomer[0] >= 0:
    sys.exit("another behaviour was recorded: the moment of import stands for today")
PY
